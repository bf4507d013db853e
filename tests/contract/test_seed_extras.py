"""What users of the seed's known implementation have tests for (contract.md 12): the extras.

Numbers 46 to 49 are not described there, and 57 is about the Router's streams.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from liteagent_nb import (
    acompletion_as_completed,
    assemble_stream_text,
    augment_json_with_cost,
    compress_image,
    extract_content,
    fetch_remote_image,
)

WHOLE = {
    "choices": [{"message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    "_hidden_params": {"response_cost": 0.002},
}


def test_18_the_text_of_a_response_is_extracted():
    assert extract_content(WHOLE) == "hello"


async def test_19_the_text_of_a_stream_is_assembled():
    pieces = [{"choices": [{"delta": {"content": text}}]} for text in ("hel", None, "lo")]

    async def stream():
        for piece in pieces:
            yield piece

    assert await assemble_stream_text(stream()) == "hello"
    assert assemble_stream_text(iter(pieces)) == "hello"


def test_20_a_json_answer_is_told_its_cost():
    told = json.loads(augment_json_with_cost('{"answer": 4}', WHOLE))

    assert told["answer"] == 4
    assert told["metadata"]["response_cost"] == 0.002
    assert told["metadata"]["token_usage"]["total_tokens"] == 4


class Backwards:
    """A router whose later requests are answered sooner."""

    async def acompletion(self, *, model, messages):
        number = int(messages[0]["content"])
        await asyncio.sleep(0.02 * (3 - number))
        if number == 1:
            raise ValueError("no answer")
        return {"choices": [{"message": {"content": f"answer {number}"}}]}


REQUESTS = [{"model": "m", "messages": [{"role": "user", "content": str(number)}]} for number in range(3)]


async def test_27_a_batch_gives_answers_as_they_complete_with_their_index():
    got = [
        (index, extract_content(answer))
        async for index, answer in acompletion_as_completed(Backwards(), [REQUESTS[0], REQUESTS[2]], concurrency=2)
    ]

    assert got == [(1, "answer 2"), (0, "answer 0")]


async def test_28_a_batch_gives_exceptions_as_objects_where_it_is_asked_to():
    got = dict(
        [pair async for pair in acompletion_as_completed(Backwards(), REQUESTS, concurrency=3, return_exceptions=True)]
    )

    assert isinstance(got[1], ValueError)
    assert [extract_content(got[index]) for index in (0, 2)] == ["answer 0", "answer 2"]


@pytest.fixture
def picture():
    Image.effect_noise((320, 240), 80).convert("RGB").save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def test_34_an_image_becomes_a_data_url_within_its_kilobytes(picture, tmp_path):
    file = tmp_path / "noise.png"
    file.write_bytes(picture)

    url = compress_image(file, max_kb=8, cache_dir=tmp_path / "cache")

    kind, _, data = url.partition(";base64,")
    assert kind.startswith("data:image/")
    assert len(base64.b64decode(data)) <= 8 * 1024
    assert compress_image(str(file), max_kb=8, cache_dir=tmp_path / "cache") == url


def test_34_a_remote_image_is_fetched_once_and_then_kept(picture, tmp_path):
    asked = []

    class Gallery(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *_args):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gallery) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/noise.png"
        first, again = (fetch_remote_image(address, cache_dir=tmp_path, allow_private=True) for _ in range(2))
        server.shutdown()
        thread.join()

    assert first == again
    assert first.startswith("data:image/png;base64,")
    assert asked == ["/noise.png"]
