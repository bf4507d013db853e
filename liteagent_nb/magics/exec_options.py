"""What may be written on the line of `%exec`."""

from __future__ import annotations

from liteagent_nb.magics.options import FLAG, SEVERAL, Line, Option

__all__ = ["EXEC_LINE"]

EXEC_LINE = Line(
    "exec",
    ("code", "what to run; in a %%%%exec cell, the text below"),
    (
        Option(("-l", "--lang"), "the language; %%exec languages lists them", {"metavar": "LANGUAGE"}),
        Option(("-c", "--context"), "the context to run in; it keeps its variables (main)", {"metavar": "NAME"}),
        Option(("--fresh",), "run in a context of its own, without any state", FLAG),
        Option(("--timeout",), "how long it may take (60 seconds)", {"type": float, "metavar": "S"}),
        Option(
            ("--in",),
            "a variable of this notebook to take along; may be repeated",
            {**SEVERAL, "dest": "incoming", "metavar": "NAME"},
        ),
        Option(
            ("--out",),
            "a variable of the context to bring back; may be repeated",
            {**SEVERAL, "dest": "outgoing", "metavar": "NAME"},
        ),
        Option(("--isolate",), "no network, and no files but its own folder", FLAG),
        Option(("--url",), "an exec-rpc server to run it on; its token is MINI_AGENT_API_KEY", {"metavar": "URL"}),
        Option(("--gateway",), "a Jupyter server or gateway whose kernels run it", {"metavar": "URL"}),
        Option(
            ("--cassette",),
            "off, record, replay or auto; a file (auto); or MODE:FILE; %%agent cassette sets one for all cells",
            {"metavar": "CASSETTE"},
        ),
        Option(("-o", "--output"), "keep the ExecResult under this name", {"metavar": "NAME"}),
        Option(("-q", "--quiet"), "show nothing; the value is the ExecResult", FLAG),
        Option(("--help",), "show this text", FLAG),
    ),
)
"""The options of `%exec`, and its code."""
