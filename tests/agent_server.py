"""An agent proxy for tests: a real server whose model answers what each test says."""

from __future__ import annotations

from liteagent_nb.core.chat import Price
from liteagent_nb.testing import ScriptedModel

TOKEN = "a-token-of-the-proxy"
AUTH = {"authorization": f"Bearer {TOKEN}"}


class Parrot:
    """A model that answers from the script which a test gives it."""

    name = "parrot"
    price = Price(0.0, 0.0)

    def __init__(self):
        self.script = ScriptedModel()

    def says(self, *lines, **more):
        """Answer *lines* from now on; return the script, which keeps what was asked."""
        self.script = ScriptedModel(*lines, **more)
        return self.script

    def stream(self, transcript, tools, settings):
        return self.script.stream(transcript, tools, settings)


def asking(text="What is it?", **more):
    """Return the body of a request."""
    return {"messages": [{"role": "user", "content": text}], **more}


def failure(answer):
    """Return the error in *answer*, which has the house's one shape."""
    said = answer.json()
    assert set(said) == {"ok", "error"}
    assert said["ok"] is False
    assert set(said["error"]) == {"type", "message", "status", "hint"}
    assert said["error"]["status"] == answer.status_code
    return said["error"]


def events(text):
    """Return the names and data of server-sent events."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [(lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")) for lines in blocks]
