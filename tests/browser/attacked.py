"""Shows every attack in every place that shows text; for a notebook's kernel, which imports it."""

from __future__ import annotations

import json
import re
import time

from attacks import ATTACKS
from IPython.display import display

from liteagent_nb import AgentPanel, ExecPanel, ParityPanel
from liteagent_nb.core.chat import Reply, Transcript
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.core.judging import Terms, judge
from liteagent_nb.core.measurement import ROLES, Measurement, Trial
from liteagent_nb.core.steps import ModelAsked, ReasoningDelta, Run, TextDelta, ToolFinished, ToolStarted
from liteagent_nb.core.tools import Observation
from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus
from liteagent_nb.panels.exec_view import result_bundle
from liteagent_nb.panels.live_view import LiveView
from liteagent_nb.panels.run_view import run_html
from liteagent_nb.panels.style import style_tag
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone
from liteagent_nb.testing import ScriptedModel, call

_AT_ONCE = 45
"""How many attacks a run holds: what is drawn of one run has its bounds."""
_KINDS = (
    "text/html image/svg+xml image/png application/javascript text/latex application/vnd.jupyter.widget-view+json"
).split()

ERRORS_OF = 8
"""How many attacks one error has."""
RUNS: list[Run] = []
"""The runs so far."""


def shows(x: str) -> Observation:
    """Return it in every way that a tool has."""
    outputs = [{"output_type": "display_data", "data": {kind: x}, "metadata": {"isolated": True}} for kind in _KINDS]
    return Observation(ok=True, result={"answer": x}, stdout=x, stderr=x, language=x, outputs=tuple(outputs))


def breaks(x: str) -> Observation:
    """Fail with it."""
    return Observation(ok=False, error=x, stdout=x, stderr=x)


def parts():
    """Return the attacks in parts that one run can hold."""
    texts = list(ATTACKS.values())
    return [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]


def scripted(part):
    """Return a model that says, thinks, calls and asks each attack, and is named by one."""
    replies = [
        Reply(text=bad, reasoning=bad, tool_calls=(call("shows", x=bad), call("breaks", x=bad), call(bad, bad)))
        for bad in part
    ]
    return ScriptedModel(*replies, part[0], strict=False, name=part[-1])


def runs(ip):
    """Ask real agents; the line above, the live view and the finished run are the outputs."""
    ip.user_ns.update(shows=shows, breaks=breaks)
    for part in parts():
        ip.user_ns["model"] = scripted(part)
        line = f"-m model --tool shows --tool breaks --max-iterations {len(part) + 1}"
        RUNS.append(ip.run_cell_magic("agent", line, part[1]))
        display(RUNS[-1])


def together(parts):
    """Show pieces of HTML as one output with one stylesheet: for each, a browser looks at the whole page anew."""
    html = "".join(parts).replace(style_tag(), "")
    display({"text/html": style_tag() + html, "text/plain": ""}, raw=True)


def answers():
    """Show each attack as what a run ended with."""
    endings = ({"stopped_reason": "budget"}, {"stopped_reason": "error", "final_answer_source": "tool"})
    together(
        run_html(Run(bad, transcript=Transcript(), used_model=bad, stop_detail=bad, **ended))
        for bad in ATTACKS.values()
        for ended in endings
    )


def live():
    """Show what is drawn while each attack comes: as thought, as text, as finished calls, as one that runs."""
    together(html for run in RUNS for html in _live(run))


def _live(run):
    for step in run.steps[:-1]:
        view = LiveView()
        for event in (ModelAsked(step.reply.text, 1), ReasoningDelta(step.reply.reasoning), TextDelta(step.reply.text)):
            view.take(event, now_s=time.monotonic())
        for number, called in enumerate(step.reply.tool_calls):
            view.take(ToolStarted(number, called), now_s=time.monotonic())
        for invocation in step.tool_invocations[:-1]:
            view.take(ToolFinished(invocation), now_s=time.monotonic())
        view.say(step.reply.text, now_s=0)
        yield view.html(now_s=time.monotonic())


def results():
    """Show each attack as what code in a sidecar printed, gave and raised."""
    together(result_bundle(_result(bad))["text/html"] for bad in ATTACKS.values())


def _result(bad):
    outputs = ({"output_type": "display_data", "data": {bad: bad}},)
    return ExecResult(ok=False, rc=1, stdout=bad, stderr=bad, error=bad, result=bad, context=bad, outputs=outputs)


def errors(ip):
    """Show the attacks as errors and their hints, several in each: JupyterLab needs long for many outputs."""
    texts = list(ATTACKS.values())
    for start in range(0, len(texts), ERRORS_OF):
        bad = "\n".join(texts[start : start + ERRORS_OF])
        ip.showtraceback((ModelError, ModelError(bad, hint=bad), None))


def tables(ip):
    """Show the attacks where `%agent` answers itself."""
    for number, bad in enumerate(ATTACKS.values()):
        ip.user_ns[f"model_{number}"] = ScriptedModel(name=bad)
        tool = ip.user_ns[f"tool_{number}"] = lambda: None
        tool.__name__, tool.__doc__ = f"tool_{number}", bad
    ip.run_line_magic("agent", "history")
    ip.run_line_magic("agent", "models")
    ip.run_line_magic("agent", "-m model cost")
    ip.run_line_magic("agent", "status")
    ip.run_line_magic("agent", " ".join(f"--tool tool_{number}" for number in range(len(ATTACKS))) + " tools")


def cassettes(ip, folder):
    """Show attacks as names of a cassette."""
    for number, name in enumerate(
        ["<svg onload=top.ran.push('cassette')>", "[x](javascript:top.ran.push('cassette'))"]
    ):
        path = folder / f"{number}{name}.json"
        ip.run_line_magic("agent", f"cassette record {str(path).replace(' ', '')}")
    ip.run_line_magic("agent", "cassette off")


def printed():
    """Print all attacks, as code in a sidecar does."""
    return f"import sys\nfor text in {list(ATTACKS.values())!r}:\n    print(text)\n    print(text, file=sys.stderr)\n"


def raised():
    """Raise all attacks, as code in a sidecar does."""
    return f"raise ValueError({chr(10).join(ATTACKS.values())!r})"


def chats(ip):
    """Ask the agents of `runs` again, in panels."""
    for part in parts():
        panel = AgentPanel(model=scripted(part), tool=[shows, breaks], max_iterations=len(part) + 1)
        display(panel)
        panel.ask(part[1])
        panel.wait(60)


def executions():
    """Run each attack in a panel: as code, names, outputs, faults, contexts, languages and variables."""
    panel = ExecPanel()
    panel._bench._executor = Hostile()
    for bad in ATTACKS.values():
        panel.run(bad, language=bad, context=bad)
        panel.run(bad, language="fault", context="")
    panel.wait(60)
    display(panel)


def comparisons():
    """Measure each attack in a panel: as names, prompts, errors, texts that differ, and faults."""
    panel = ParityPanel()
    panel._bench._measure = hostile
    for bad in ATTACKS.values():
        panel.compare(bad, bad, prompts=[bad])
        panel.compare("fault", bad)
    panel.wait(60)
    panel._bench.change(lambda state: (state.show_arms(ATTACKS.values()), state.notice("\n".join(ATTACKS.values()))))
    display(panel)


async def hostile(request, watch):
    """Measure what answers with attacks."""
    bad = request.candidate
    if request.baseline == "fault":
        raise ConfigError(bad, hint=bad)
    terms = Terms(bad, bad, run_id=bad)
    fine = Measurement(ttft_ms=1, total_ms=2, text=bad, finish_reason=bad, text_sha256="1")
    trial = Trial(1, bad, ROLES, fine, Measurement(error=bad), fine, bad, bad)
    verdict = judge([trial], terms)
    for event in (ParityStarted(terms, 1), TrialDone(trial, 1, 1), Looked(verdict, 1), ParityDone(verdict)):
        watch(event)
    return verdict


class Hostile:
    """An executor that answers with attacks."""

    async def execute(self, code, *, language="python", timeout_s=10.0, context="", watch=None):
        if ticket := re.search("'([0-9a-f]{16})'", code):
            return ExecResult(ok=True, rc=0, stdout=json.dumps({"ticket": ticket[1], "rows": ROWS}))
        if language == "fault":
            raise ConfigError(code, hint=code)
        for output in _outputs(code):
            watch(output)
        return _result(code)

    async def contexts(self):
        return [ContextStatus("main"), *(ContextStatus(bad) for bad in ATTACKS.values())]

    async def languages(self):
        return [LanguageStatus(bad, is_installed=True, version=bad, keeps_state=True) for bad in ATTACKS.values()]


ROWS = [[bad] * 3 for bad in ATTACKS.values()]


def _outputs(bad):
    yield from ({"output_type": "stream", "name": name, "text": bad} for name in ("stdout", "stderr"))
    yield from ({"output_type": "display_data", "data": {kind: bad, "text/plain": bad}} for kind in _KINDS[:4])
    yield {"output_type": "error", "ename": bad, "evalue": bad, "traceback": [bad]}
