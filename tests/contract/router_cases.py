"""The questions that both cores of a Router are asked, and what its servers answer."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from router_seen import (
    Case,
    cancel_after,
    close_after,
    leave_after,
    read_and_change,
    read_and_copy,
    read_past_the_end,
)
from scripted_wire import CUT, HANG, Answer, Pause
from sse_bytes import CALLED, DONE, ROLE, STOP, TOLD, USAGE, call, chunk, event, say

OK = (ROLE, say("hal"), say("lo"), STOP, DONE)
FINE = Answer(OK)
BYTES = "".join(part.decode() for part in (ROLE, say("größer 🙂 "), say("漢字"), STOP, DONE)).encode()
FEW = Pause(0.002)


def error(message: str, **more: object) -> bytes:
    return json.dumps({"error": {"message": message, "type": "told", "param": None, "code": None, **more}}).encode()


def refusal(status: int, message: str = "no", *, headers=(), **more: object) -> Answer:
    return Answer((error(message, **more),), status, headers, "application/json")


def streamed(name: str, *steps, **more) -> Case:
    return Case(name, {"m": Answer(steps)}, **more)


WARM = tuple(say(f"w{number} ") for number in range(5))
"""Text enough for a core to know what pieces of text look like here."""


def amid_text(case: Case) -> Case:
    """Return *case* with text before what it sends, and between."""
    (answer,) = case.scripts["m"]
    between = [one for step in answer.steps for one in (step, *(WARM[:3] if _ends_an_event(step) else ()))]
    core = case.core or "extracted"
    return replace(
        case, name=f"{case.name}, amid text", core=core, servers={"m": replace(answer, steps=(*WARM, *between))}
    )


def _ends_an_event(step: object) -> bool:
    return isinstance(step, bytes) and step.endswith(b"}\n\n") and b'"finish_reason": null' in step


def pieces(data: bytes, size: int):
    """Return *data* in chunks of *size* bytes that come one by one."""
    return [step for start in range(0, len(data), size) for step in (data[start : start + size], FEW)]


ASK_USAGE = {"stream_options": {"include_usage": True}}
THINKING = (chunk({"reasoning_content": "so "}), chunk({"reasoning_content": "be it"}), say("hal"), STOP, DONE)
LOGPROBS = {"logprobs": {"content": [{"token": "hal", "logprob": -0.5, "bytes": [104], "top_logprobs": []}]}}

TEXTS = [
    streamed("text", *OK),
    streamed("text in one read", b"".join(OK)),
    streamed("one piece", say("hallo"), STOP, DONE),
    streamed("one piece with its end", chunk({"content": "hallo"}, "stop"), DONE),
    streamed("no text", STOP, DONE),
    streamed("empty pieces", ROLE, say(""), say("hal"), say(""), say("lo"), STOP, DONE),
    streamed("null pieces", chunk({"role": "assistant", "content": None}), say("hal"), chunk({"content": None}), STOP, DONE),
    streamed("a role in every piece", *[chunk({"role": "assistant", "content": text}) for text in "hal"], STOP, DONE),
    streamed("text after the end", say("hal"), STOP, say("lo"), DONE),
    streamed("two ends", say("hal"), STOP, STOP, DONE),
    streamed("escapes", *[say(text) for text in ('"', "\\", "\n", "\t", "\x00", "\u2028", "data: x\n\n", "</s>", "a\\u0041")], STOP, DONE),
    streamed("escaped characters", chunk({"content": "X"}).replace(b"X", rb"\ud83d\ude42\u00fc"), STOP, DONE),
    streamed("half a character", chunk({"content": "X"}).replace(b"X", rb"\ud83d"), say("hal"), STOP, DONE),
    streamed("thinking tags", say("<think>"), say("so"), say("</think>"), say("hal"), STOP, DONE),
    streamed("special tokens", say("hal"), say("<|im_end|>"), say("<s>"), say("lo"), STOP, DONE),
    streamed("the same again and again", *[say("same")] * 120, STOP, DONE),
    streamed("the same, short, again and again", *[say("- ")] * 120, STOP, DONE),
    streamed("many pieces", b"".join(say(f"w{number} ") for number in range(300)), STOP, DONE),
    streamed("a long piece", say("x" * 300_000), say("größer" * 20_000), STOP, DONE),
    streamed("text as parts", chunk({"content": [{"type": "text", "text": "hal"}]}), say("lo"), STOP, DONE),
    streamed("a number as text", say("hal"), chunk({"content": 5}), STOP, DONE),
    *(streamed(f"finish reason {reason}", say("hal"), chunk({}, reason), DONE) for reason in ("length", "content_filter", "tool_calls", "eos", "end_turn", "error", "abort")),
]  # fmt: skip

FIELDS = [
    streamed("usage asked for", *OK[:-1], USAGE, DONE, asks=ASK_USAGE),
    streamed("usage asked for, not told", *OK, asks=ASK_USAGE),
    streamed("usage told unasked", *OK[:-1], USAGE, DONE),
    streamed("usage with the end", say("hal"), chunk({}, "stop", usage=TOLD), DONE, asks=ASK_USAGE),
    streamed("usage with the end, unasked", say("hal"), chunk({}, "stop", usage=TOLD), DONE),
    streamed("usage in every piece", *[say(text, usage=TOLD | {"completion_tokens": n}) for n, text in enumerate("hal")], STOP, USAGE, DONE, asks=ASK_USAGE),
    streamed("usage null in every piece", ROLE, say("hal", usage=None), say("lo", usage=None), chunk({}, "stop", usage=None), USAGE, DONE, asks=ASK_USAGE),
    streamed("usage in detail", *OK[:-1], chunk(choices=[], usage=TOLD | {"prompt_tokens_details": {"cached_tokens": 600}, "completion_tokens_details": {"reasoning_tokens": 9}}), DONE, asks=ASK_USAGE),
    streamed("usage in part", say("hal"), STOP, chunk(choices=[], usage={"prompt_tokens": 5}), DONE, asks=ASK_USAGE),
    streamed("usage before the text", USAGE, *OK),
    streamed("usage with a cost", *OK[:-1], chunk(choices=[], usage=TOLD | {"cost": 0.5}), DONE, asks=ASK_USAGE),
    streamed("usage refused", *OK, asks={"stream_options": {"include_usage": False}}),
    streamed("a call", ROLE, call(0, "", id="a", name="add"), call(0, '{"a"'), call(0, ": 1}"), CALLED, DONE),
    streamed("calls interleaved", call(0, "", id="a", name="add"), call(1, "", id="b", name="sub"), call(0, '{"a":'), call(1, "{"), call(0, "1}"), call(1, "}"), CALLED, DONE),
    streamed("calls after text", say("so"), call(0, "{}", id="a", name="add"), call(1, "{}", id="b", name="sub"), say("!"), CALLED, DONE),
    streamed("calls in one piece", chunk({"tool_calls": [{"index": i, "id": f"c{i}", "type": "function", "function": {"name": "add", "arguments": "{}"}} for i in (0, 1)]}), CALLED, DONE),
    streamed("calls that end with stop", call(0, "{}", id="a", name="add"), STOP, DONE),
    streamed("a call without id and index", chunk({"tool_calls": [{"function": {"name": "add", "arguments": "{}"}}]}), CALLED, DONE),
    streamed("a call without arguments", chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "add"}}]}), CALLED, DONE),
    streamed("a call with null arguments", chunk({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "add", "arguments": None}}]}), call(0, "{}"), CALLED, DONE),
    streamed("a function call of old", chunk({"function_call": {"name": "add", "arguments": ""}}), chunk({"function_call": {"arguments": "{}"}}), chunk({}, "function_call"), DONE),
    streamed("reasoning", *THINKING),
    streamed("reasoning, named otherwise", *[step.replace(b"reasoning_content", b"reasoning") for step in THINKING]),
    streamed("reasoning beside text", chunk({"content": "a", "reasoning_content": "b"}), say("hal"), STOP, DONE),
    streamed("reasoning merged", *THINKING, asks={"merge_reasoning_content_in_choices": True}, core="legacy"),
    streamed("a refusal", chunk({"refusal": "no"}), say("hal"), STOP, DONE),
    streamed("logprobs", ROLE, say("hal", in_choice=LOGPROBS), say("lo", in_choice={"logprobs": None}), STOP, DONE, asks={"logprobs": True, "top_logprobs": 2}),
    streamed("several choices", *[chunk({"content": text}, index=index) for text in "hal" for index in (0, 1)], chunk({}, "stop"), chunk({}, "stop", index=1), DONE, asks={"n": 2}),
    streamed("several choices in one piece", chunk(choices=[{"index": i, "delta": {"content": f"c{i}"}, "finish_reason": None} for i in (0, 1)]), say("x"), STOP, DONE, asks={"n": 2}),
    streamed("another index alone", chunk({"content": "x"}, index=1), say("hal"), STOP, DONE),
    streamed("no choices first", chunk(choices=[], prompt_filter_results=[{"prompt_index": 0}]), *OK),
    streamed("padding", *[say(text, obfuscation="q" * n) for n, text in enumerate("hal")], STOP, DONE),
    streamed("fingerprints", *[say(text, system_fingerprint="fp_1", service_tier="default") for text in "hal"], chunk({}, "stop", system_fingerprint="fp_1"), DONE),
    streamed("fields of the server's own", *[say(text, x_mine={"a": [1]}, in_choice={"stop_reason": None, "token_ids": [n]}) for n, text in enumerate("hal")], STOP, DONE),
    streamed("a field of the server's own beside the text", *[chunk({"content": text, "x_mine": n}) for n, text in enumerate("hal")], STOP, DONE),
    streamed("a field for the provider", *[chunk({"content": text, "provider_specific_fields": {"a": 1}}) for text in "ha"], STOP, DONE),
    streamed("citations and annotations", say("hal", citations=["x"]), chunk({"content": "lo", "annotations": [{"type": "url_citation"}]}), STOP, DONE),
    streamed("pictures and sound", chunk({"content": "a", "images": [{"type": "image_url", "image_url": {"url": "data:,"}, "index": 0}]}), chunk({"audio": {"id": "x", "data": ""}}), STOP, DONE),
    streamed("another id, model and second every time", *[say(text, id=f"id{n}", model=f"m{n}", created=1_700_000_000 + n) for n, text in enumerate("hal")], STOP, DONE),
    streamed("fields in another order", say("a"), event({"choices": [{"finish_reason": None, "delta": {"content": "b"}, "index": 0}], "model": "m", "created": 1, "object": "chat.completion.chunk", "id": "x"}), STOP, DONE),
    streamed("no id, no object, no model", event({"choices": [{"index": 0, "delta": {"content": "hal"}}]}), say("lo"), STOP, DONE),
    streamed("a model that changes with a text that looks like it", say('{"content":"x"}'), say('"model":"gpt-4o-mini"', model="other"), say("b"), STOP, DONE),
    streamed("a content field twice", say("a"), say("X").replace(b'"content": "X"', b'"content": "X", "content": "Y"'), say("b"), STOP, DONE),
    streamed("moderation told with an end", say("hal"), chunk({}, "content_filter", in_choice={"content_filter_results": {"hate": {"filtered": True}}}), DONE),
]  # fmt: skip

WIRE = [
    streamed("bytes one by one", BYTES[:-260], *pieces(BYTES[-260:], 1)),
    streamed("bytes seven by seven", *pieces(BYTES, 7)),
    streamed("CRLF", BYTES.replace(b"\n", b"\r\n")),
    streamed("CRLF cut between", BYTES.replace(b"\n", b"\r\n")[:-60], *pieces(BYTES.replace(b"\n", b"\r\n")[-60:], 1)),
    streamed("CR", BYTES.replace(b"\n", b"\r")),
    streamed("a BOM", b"\xef\xbb\xbf" + BYTES),
    streamed("comments", b": hello\n\n", ROLE, b": keep-alive\n\n", say("hal"), b":\n\n", STOP, DONE),
    streamed("comments within events", *[b": c\n" + step for step in OK]),
    streamed("other fields", *[b"event: message\nid: 7\nretry: 10\n" + step for step in OK]),
    streamed("event names", *[b"event: completion.chunk\n" + step for step in OK]),
    streamed("an event named error", say("hal"), b"event: error\n" + event({"error": {"message": "boom"}}), DONE),
    streamed("no space after the colon", *[step.replace(b"data: ", b"data:") for step in OK]),
    streamed("two spaces after the colon", *[step.replace(b"data: ", b"data:  ") for step in OK]),
    streamed("several lines of data", ROLE, say("hal").replace(b', "choices"', b',\ndata: "choices"'), STOP, DONE),
    streamed("blank lines", b"\n\n\n", ROLE, b"\n\n", say("hal"), b"\n", STOP, b"\n\n", DONE),
    streamed("data without anything", b"data:\n\n", *OK, core=""),
    streamed("no DONE", *OK[:-1]),
    streamed("no end and no DONE", ROLE, say("hal")),
    streamed("no end", ROLE, say("hal"), DONE),
    streamed("the last event open", ROLE, say("hal"), STOP[:-1]),
    streamed("half an event at the end", ROLE, say("hal"), STOP[:20]),
    streamed("DONE open", *OK[:-1], DONE.strip()),
    streamed("text after DONE", *OK, say("more")),
    streamed("nothing"),
    streamed("DONE alone", DONE),
    streamed("comments alone", b": hello\n\n"),
    streamed("no JSON", b"data: {no\n\n", *OK, core=""),
    streamed("no JSON later", ROLE, say("hal"), b"data: {no\n\n", STOP, DONE),
    streamed("more after the JSON", ROLE, say("hal")[:-2] + b" x\n\n", STOP, DONE),
    streamed("null", ROLE, say("hal"), event(None), STOP, DONE),
    streamed("a number", ROLE, say("hal"), event(5), STOP, DONE),
    streamed("a list", ROLE, say("hal"), event([]), STOP, DONE),
    streamed("an object without fields", event({}), *OK),
    streamed("an object without fields later", say("hal"), event({}), STOP, DONE),
    streamed("delta null", say("hal"), chunk(choices=[{"index": 0, "delta": None, "finish_reason": "stop"}]), DONE),
    streamed("choices null", say("hal"), chunk(choices=None), STOP, DONE),
    streamed("no UTF-8", ROLE, say("hal"), say("X").replace(b"X", b"\xff\xfe"), STOP, DONE),
    streamed("no number that JSON knows", say("hal", x=float("nan")), STOP, DONE),
    streamed("an error event", event({"error": {"message": "boom", "code": 400}}), DONE, core=""),
    streamed("an error event later", ROLE, say("hal"), event({"error": {"message": "boom", "code": 500}}), DONE),
    streamed("an error event that is text", ROLE, say("hal"), event({"error": "boom"}), DONE),
    streamed("an error event with a status", event({"error": {"message": "slow down", "type": "rate_limit_error", "code": "429"}}), DONE, core=""),
    streamed("an error event in the bytes of the text", ROLE, say("hal"), error("boom") + b"\n\n", DONE),
    streamed("a cut before anything", CUT, core=""),
    streamed("a cut after a comment", b": hello\n\n", FEW, CUT, core=""),
    streamed("a cut after the role", ROLE, FEW, CUT),
    streamed("a cut in the middle", ROLE, say("hal"), FEW, CUT),
    streamed("a cut within an event", ROLE, say("hal"), say("lo")[:30], FEW, CUT),
    streamed("a cut within a call", call(0, "", id="a", name="add"), call(0, '{"a"'), FEW, CUT),
    streamed("a cut after the end", ROLE, say("hal"), STOP, FEW, CUT),
    streamed("a cut after DONE", *OK, FEW, CUT),
    streamed("a cut after lines that CR ends", BYTES.replace(b"\n", b"\r"), FEW, CUT),
    Case("no head at all", {"m": Answer(early=(CUT,))}, core=""),
    Case("a page", {"m": Answer((b"<html>hello</html>",), content_type="text/html")}),
    Case("an error as JSON", {"m": Answer((error("boom"),), content_type="application/json")}),
    Case("a whole reply as JSON", {"m": Answer((json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hal"}, "finish_reason": "stop"}]}).encode(),), content_type="application/json")}),
    Case("another type", {"m": Answer(OK, content_type="text/plain")}),
    Case("no type", {"m": Answer(OK, content_type="")}),
    Case("another charset", {"m": Answer(OK, content_type="text/event-stream; charset=latin-1")}),
    Case("compressed", {"m": Answer((gzip.compress(BYTES),), headers=(("content-encoding", "gzip"),))}),
    Case("headers of the server", {"m": Answer(OK, headers=(("x-request-id", "r1"), ("x-ratelimit-remaining-requests", "7"), ("openai-processing-ms", "5")))}),
]  # fmt: skip

OF_ITS_OWN = {"disable_cooldowns": False}
"""A router that no other case has to share."""
REFUSALS = [
    *(Case(f"status {status}", {"m": refusal(status)}, core="", router=OF_ITS_OWN) for status in (400, 401, 404, 408, 422, 429, 500, 503)),
    Case("status 429 with Retry-After", {"m": refusal(429, headers=(("retry-after", "7"),))}, core="", router=OF_ITS_OWN),
    Case("no money", {"m": refusal(429, code="insufficient_quota")}, core="", router=OF_ITS_OWN),
    Case("a page as refusal", {"m": Answer((b"<html>down</html>",), 502, content_type="text/html")}, core="", router=OF_ITS_OWN),
    Case("no words as refusal", {"m": Answer((), 500)}, core="", router=OF_ITS_OWN),
    Case("too long a question", {"m": refusal(400, "This model's maximum context length is 10 tokens", code="context_length_exceeded")}, core="", router=OF_ITS_OWN),
    Case("a question of bad content", {"m": refusal(400, "Your request was rejected as a result of the safety system", code="content_policy_violation")}, core="", router=OF_ITS_OWN),
    Case("no such model in the Router", {"m": FINE}, asks={"model": "other"}, core=""),
]  # fmt: skip

SPARE = {"fallbacks": [{"m": ["spare"]}]}
BUSY = refusal(429, headers=(("retry-after", "0"),))
GOES_ON = {"enable_mid_stream_fallback_continuation": True}
PREFILLED = {name: {"model_info": {"supports_assistant_prefill": True}} for name in ("m", "spare")}
SPARED = Answer((say("spa"), say("red"), STOP, DONE))
RECOVERIES = [
    Case("a retry after 500", {"m": (refusal(500), FINE)}, router={"num_retries": 1}),
    Case("a retry after 429", {"m": (BUSY, FINE)}, router={"num_retries": 2}),
    Case("retries asked for with the question", {"m": (refusal(500), refusal(503), FINE)}, asks={"num_retries": 2}),
    Case("retries in vain", {"m": refusal(500)}, router={"num_retries": 2}, core=""),
    Case("no retry after 400", {"m": (refusal(400), FINE)}, router={"num_retries": 2}, core=""),
    Case("a retry after a cut before anything", {"m": (Answer((CUT,)), FINE)}, router={"num_retries": 1}),
    Case("a retry after nothing", {"m": (Answer(()), FINE)}, router={"num_retries": 1}),
    Case("a retry after no JSON", {"m": (Answer((b"data: {no\n\n",)), FINE)}, router={"num_retries": 1}),
    Case("a retry after an error event", {"m": (Answer((event({"error": {"message": "boom", "code": 500}}),)), FINE)}, router={"num_retries": 1}),
    Case("no retry after a cut in the middle", {"m": (Answer((say("hal"), FEW, CUT)), FINE)}, router={"num_retries": 1}),
    Case("a retry policy", {"m": (refusal(401), refusal(401), FINE)}, router={"retry_policy": {"AuthenticationErrorRetries": 2}, "disable_cooldowns": True}),
    Case("a fallback after 500", {"m": refusal(500), "spare": SPARED}, router=SPARE),
    Case("a fallback asked for with the question", {"m": refusal(500), "spare": SPARED}, asks={"fallbacks": ["spare"]}),
    Case("a fallback for all", {"m": refusal(401), "spare": SPARED}, router={"default_fallbacks": ["spare"]}),
    Case("a fallback after retries", {"m": refusal(500), "spare": SPARED}, router=SPARE | {"num_retries": 1}),
    Case("a fallback after a cut before anything", {"m": Answer((CUT,)), "spare": SPARED}, router=SPARE),
    Case("a fallback after a cut after the role", {"m": Answer((ROLE, FEW, CUT)), "spare": SPARED}, router=SPARE),
    Case("a fallback after an error event", {"m": Answer((event({"error": {"message": "boom", "code": 500}}),)), "spare": SPARED}, router=SPARE),
    Case("no fallback after a cut in the middle", {"m": Answer((say("hal"), FEW, CUT)), "spare": SPARED}, router=SPARE),
    Case("no fallback after an error event in the middle", {"m": Answer((say("hal"), event({"error": {"message": "boom", "code": 500}}))), "spare": SPARED}, router=SPARE),
    Case("a fallback in vain", {"m": refusal(500), "spare": refusal(503)}, router=SPARE, core=""),
    Case("a fallback that is cut", {"m": refusal(500), "spare": Answer((say("spa"), FEW, CUT))}, router=SPARE),
    Case("a fallback of a fallback", {"m": refusal(500), "spare": refusal(500), "last": SPARED}, router={"fallbacks": [{"m": ["spare", "last"]}]}),
    Case("fallbacks switched off", {"m": refusal(500), "spare": SPARED}, router=SPARE, asks={"disable_fallbacks": True}, core=""),
    Case("a fallback for long questions", {"m": refusal(400, "This model's maximum context length is 10 tokens", code="context_length_exceeded"), "spare": SPARED}, router={"context_window_fallbacks": [{"m": ["spare"]}]}),
    Case("a fallback for bad content", {"m": refusal(400, "Your request was rejected as a result of the safety system", code="content_policy_violation"), "spare": SPARED}, router={"content_policy_fallbacks": [{"m": ["spare"]}]}),
    Case("a fallback with usage", {"m": refusal(500), "spare": Answer((say("spa"), STOP, USAGE, DONE))}, router=SPARE, asks=ASK_USAGE),
    Case("a text that goes on elsewhere", {"m": Answer((*WARM, FEW, CUT)), "spare": SPARED}, router=SPARE | GOES_ON, deployments=PREFILLED),
    Case("a text that goes on elsewhere, with usage", {"m": Answer((say("hal"), FEW, CUT)), "spare": Answer((*WARM, STOP, USAGE, DONE))}, router=SPARE | GOES_ON, deployments=PREFILLED, asks=ASK_USAGE),
    Case("a text that goes on elsewhere, and is cut there", {"m": Answer((*WARM, FEW, CUT)), "spare": Answer((*WARM, FEW, CUT))}, router=SPARE | GOES_ON, deployments=PREFILLED),
    Case("a text that an error event ends goes on elsewhere", {"m": Answer((*WARM, event({"error": {"message": "boom", "code": 500}}))), "spare": SPARED}, router=SPARE | GOES_ON, deployments=PREFILLED),
    Case("a call goes on nowhere", {"m": Answer((*WARM, call(0, "", id="a", name="add"), FEW, CUT)), "spare": SPARED}, router=SPARE | GOES_ON, deployments=PREFILLED),
    Case("a deployment cools down", {"m-1": refusal(500), "m-2": SPARED}, router={"allowed_fails": 0, "cooldown_time": 60}, deployments={"m-1": {"order": 1}, "m-2": {"order": 2}}, times=3),
    Case("a deployment that cuts cools down", {"m-1": Answer((CUT,)), "m-2": SPARED}, router={"allowed_fails": 0, "cooldown_time": 60, "num_retries": 1}, deployments={"m-1": {"order": 1}, "m-2": {"order": 2}}, times=2),
    Case("a deployment that cuts in the middle cools down", {"m-1": Answer((say("hal"), FEW, CUT)), "m-2": SPARED}, router={"allowed_fails": 0, "cooldown_time": 60}, deployments={"m-1": {"order": 1}, "m-2": {"order": 2}}, times=2),
    Case("all deployments cool down", {"m-1": refusal(429), "m-2": refusal(429)}, router={"allowed_fails": 0, "cooldown_time": 60, "num_retries": 1}, deployments={"m-1": {"order": 1}, "m-2": {"order": 2}}, times=2, core=""),
    Case("weights", {"m-1": FINE, "m-2": refusal(500)}, deployments={"m-1": {"weight": 1}, "m-2": {"weight": 0}}, times=4),
    Case("a slot for one at a time", {"m": FINE}, deployments={"m": {"max_parallel_requests": 1}}, times=2),
    Case("a slot after a cut", {"m": (Answer((say("hal"), FEW, CUT)), FINE)}, deployments={"m": {"max_parallel_requests": 1}}, times=2),
]  # fmt: skip

SILENT = Answer(early=(HANG,))
STALLED = Answer((ROLE, say("hal"), HANG))
SHORT = 1.0
LIMITS = [
    Case("no answer within the limit of the question", {"m": SILENT}, asks={"timeout": SHORT}, core=""),
    Case("no answer within the limit of the Router", {"m": SILENT}, router={"timeout": SHORT}, core=""),
    Case("no answer within the limit for streams", {"m": SILENT}, router={"stream_timeout": SHORT}, core=""),
    Case("no answer within the limit of the deployment", {"m": SILENT}, deployments={"m": {"timeout": SHORT}}, core=""),
    Case("no answer within the deployment's limit for streams", {"m": SILENT}, deployments={"m": {"stream_timeout": SHORT}}, core=""),
    Case("a fallback after silence", {"m": SILENT, "spare": SPARED}, router=SPARE, deployments={"m": {"timeout": SHORT}}),
    Case("no first piece within the limit", {"m": Answer((HANG,))}, asks={"timeout": SHORT}, core=""),
    Case("a stall within the limit of the question", {"m": STALLED}, asks={"timeout": SHORT}),
    Case("a stall within the limit for streams", {"m": STALLED}, router={"stream_timeout": SHORT}),
    Case("a stall within a call", {"m": Answer((call(0, "", id="a", name="add"), HANG))}, asks={"timeout": SHORT}),
    Case("a slow answer, every piece within the limit", {"m": Answer(tuple(step for part in OK for step in (Pause(0.4), part)))}, asks={"timeout": 1.5}),
    Case("nobody listens", {"m": FINE}, deployments={"m": {"api_base": "http://127.0.0.1:9/v1"}}, core=""),
]  # fmt: skip

ENDLESS = Answer((ROLE, say("hal"), *(step for n in range(500) for step in (Pause(0.01), say(f" on{n}"))), HANG))
LEAVING = [
    Case("closed before the first piece", {"m": FINE}, reading=close_after(0)),
    Case("closed in the middle", {"m": STALLED}, reading=close_after(2)),
    Case("closed while it streams", {"m": ENDLESS}, reading=close_after(4)),
    Case("closed at the end", {"m": FINE}, reading=close_after(3)),
    Case("left in the middle", {"m": STALLED}, reading=leave_after(2)),
    Case("left while it streams", {"m": ENDLESS}, reading=leave_after(4)),
    Case("cancelled while nothing has come", {"m": SILENT}, reading=cancel_after(0), core=""),
    Case("cancelled in the middle", {"m": STALLED}, reading=cancel_after(2)),
    Case("closed after a fallback", {"m": refusal(500), "spare": STALLED}, router=SPARE, reading=close_after(2)),
]

ECHO = Answer((say("you said: "), say("<said>"), STOP, USAGE, DONE))
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
PASSED = {
    "temperature": 0.25, "top_p": 0.5, "max_tokens": 9, "stop": ["x"], "seed": 3, "user": "me", "presence_penalty": 0.5,
    "frequency_penalty": 1, "logit_bias": {"1": 2}, "tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True,
    "response_format": {"type": "json_object"}, "timeout": 30,
}  # fmt: skip
WAYS = [
    Case("sampling and limits are passed on", {"m": FINE}, asks=PASSED),
    Case("headers and a body of one's own", {"m": FINE}, asks={"extra_headers": {"x-mine": "1"}, "extra_body": {"x_mine": 1}}),
    Case("a deployment's own settings", {"m": FINE}, deployments={"m": {"temperature": 0.5, "organization": "mine", "extra_headers": {"x-mine": "1"}}}),
    Case("a model without a price", {"m": FINE}, deployments={"m": {"model": "openai/of-my-own"}}),
    Case("a price of one's own", {"m": FINE}, deployments={"m": {"input_cost_per_token": 0.5, "output_cost_per_token": 2}}),
    Case("an alias", {"m": FINE}, router={"model_group_alias": {"other": "m"}}, asks={"model": "other"}),
    Case("tags", {"m-1": FINE, "m-2": SPARED}, router={"enable_tag_filtering": True}, deployments={"m-1": {"tags": ["free"]}, "m-2": {"tags": ["paid"]}}, asks={"metadata": {"tags": ["paid"]}}),
    Case("metadata", {"m": FINE}, asks={"metadata": {"who": "me"}}),
    Case("sixteen at once", {"m": ECHO}, times=16, at_once=True, asks=ASK_USAGE),
    Case("one after the other", {"m": ECHO}, times=3),
    Case("read past the end", {"m": Answer((*WARM, STOP, DONE))}, reading=read_past_the_end),
    Case("read past a cut", {"m": Answer((*WARM, FEW, CUT))}, reading=read_past_the_end),
    Case("read past an error event", {"m": Answer((*WARM, event({"error": {"message": "boom", "code": 500}}), *WARM, STOP, DONE))}, reading=read_past_the_end),
    Case("written into", {"m": Answer((*WARM, *WARM, STOP, USAGE, DONE))}, reading=read_and_change),
    Case("written into, with usage", {"m": Answer((*WARM, *WARM, STOP, USAGE, DONE))}, reading=read_and_change, asks=ASK_USAGE),
    Case("copied", {"m": Answer((ROLE, *WARM, chunk({"content": "a", "x_mine": 1}), STOP, DONE))}, reading=read_and_copy),
    Case("copied, with fields of the server's own", {"m": Answer((*(say("w", x_mine=[n]) for n in range(6)), STOP, DONE))}, reading=read_and_copy),
    Case("sync", {"m": FINE}, is_sync=True, core="legacy"),
    Case("sync, with usage", {"m": Answer((say("hal"), STOP, USAGE, DONE))}, is_sync=True, core="legacy", asks=ASK_USAGE),
    Case("sync, refused", {"m": refusal(401)}, is_sync=True, core=""),
    Case("sync, cut", {"m": Answer((say("hal"), FEW, CUT))}, is_sync=True, core="legacy"),
    Case("sync, with a fallback", {"m": refusal(500), "spare": SPARED}, is_sync=True, core="legacy", router=SPARE),
]  # fmt: skip

BESIDE_TEXT = frozenset((
    "empty pieces", "null pieces", "text after the end", "escapes", "half a character", "the same again and again", "a number as text",
    "usage asked for", "usage in every piece", "calls after text", "reasoning beside text", "logprobs", "several choices",
    "another index alone", "padding", "fields of the server's own", "a field of the server's own beside the text",
    "another id, model and second every time", "fields in another order", "a content field twice",
    "CRLF", "CR", "comments", "comments within events", "an event named error", "several lines of data", "no DONE", "no end",
    "half an event at the end", "text after DONE", "no JSON later", "null", "delta null", "no UTF-8", "an error event later",
    "a cut in the middle", "a cut within an event", "a cut after the end", "a cut after lines that CR ends",
))  # fmt: skip
"""What is odd is played once more where text takes the fast way before it and after it."""

GROUPS = {
    "texts": TEXTS,
    "fields": FIELDS,
    "wire": WIRE,
    "amid text": [amid_text(case) for case in (*TEXTS, *FIELDS, *WIRE) if case.name in BESIDE_TEXT],
    "refusals": REFUSALS,
    "recoveries": RECOVERIES,
    "limits": LIMITS,
    "leaving": LEAVING,
    "ways": WAYS,
}
"""Cases that are played at the same time."""
