"""What may be written on the line of `%parity`."""

from __future__ import annotations

from liteagent_nb.magics.options import FLAG, SEVERAL, Line, Option

__all__ = ["COMPARE_LINE"]

COMPARE_LINE = Line(
    "parity",
    ("arms", "A and B, what is known and what might take its place; or summarize FILE …"),
    (
        Option(
            ("--rounds",),
            "how often each prompt is put to both, at the most (PARITY_ROUNDS, 5)",
            {"type": int, "metavar": "N"},
        ),
        Option(
            ("--thresh",), "by how much B may be slower (PARITY_THRESH_PCT, 3)", {"type": float, "metavar": "PERCENT"}
        ),
        Option(
            ("--live-thresh",),
            "by how much where others answer, over a network (50)",
            {"type": float, "metavar": "PERCENT"},
        ),
        Option(("--prompt",), "what both are asked; may be repeated", {**SEVERAL, "metavar": "TEXT"}),
        Option(("--model",), "whom legacy and extracted ask (LITELLM_DEFAULT_MODEL)"),
        Option(("--temperature",), "how freely models word their answers", {"type": float, "metavar": "T"}),
        Option(("--api-base",), "the OpenAI-compatible server that models are asked at", {"metavar": "URL"}),
        Option(("--warmup",), "how many first rounds do not count (1)", {"type": int, "metavar": "N"}),
        Option(("--timeout",), "how long one answer may take (60 seconds)", {"type": float, "metavar": "S"}),
        Option(("--seed",), "draw the same order of turns again", {"type": int, "metavar": "N"}),
        Option(("--journal",), "append each trial to this file, as a line of JSON (PARITY_OUT)", {"metavar": "FILE"}),
        Option(("-o", "--output"), "keep the Verdict under this name", {"metavar": "NAME"}),
        Option(("-q", "--quiet"), "draw nothing while it runs; with -o show nothing at all", FLAG),
        Option(("--help",), "show this text", FLAG),
    ),
)
"""The options of `%parity`, and its arms."""
