"""What may be written on the line of `%agent`."""

from __future__ import annotations

from liteagent_nb.magics.options import FLAG, SEVERAL, Line, Option

__all__ = ["AGENT_LINE"]

AGENT_LINE = Line(
    "agent",
    ("task", "what to do; the body of a %%%%agent cell comes after it"),
    (
        Option(
            ("-m", "--model"), "a litellm model name, local/smollm2, or the name of a Model object of this notebook"
        ),
        Option(("--max-iterations",), "how many times the model may be asked", {"type": int, "metavar": "N"}),
        Option(("--max-seconds",), "how long the whole run may take", {"type": float, "metavar": "S"}),
        Option(("--max-tokens",), "how many tokens the whole run may use", {"type": int, "metavar": "N"}),
        Option(("--budget",), "how much the whole run may cost", {"type": float, "metavar": "USD"}),
        Option(
            ("--price",), "what the model costs: USD for a million tokens, prompt and answer", {"metavar": "IN/OUT"}
        ),
        Option(
            ("--notebook-budget",),
            "how much all runs together may cost, from now on",
            {"type": float, "metavar": "USD"},
        ),
        Option(("--notebook-tokens",), "how many tokens all runs together may use", {"type": int, "metavar": "N"}),
        Option(("--notebook-seconds",), "how long all runs together may take", {"type": float, "metavar": "S"}),
        Option(
            ("--cassette",),
            "off, record, replay or auto; a file (auto); or MODE:FILE",
            {"metavar": "CASSETTE"},
        ),
        Option(("--cache",), "answer from the cache what was asked before, and keep what is asked now", FLAG),
        Option(
            ("--each",),
            "a DataFrame or list: the task is given once for each row, which fills its {column}s; the value is a table",
            {"metavar": "TABLE"},
        ),
        Option(
            ("--checkpoint",),
            "with --each, keeps what finished, so that a batch goes on where it was ended",
            {"metavar": "FILE"},
        ),
        Option(("--temperature",), "how freely the model words its answer", {"type": float, "metavar": "T"}),
        Option(
            ("--tool",),
            "a function of this notebook that the model may call; may be repeated",
            {**SEVERAL, "metavar": "NAME"},
        ),
        Option(
            ("--tools-url",),
            "the tools of this host, instead of those that run code here; --tool comes beside them",
            {"metavar": "URL"},
        ),
        Option(("--tools-token-file",), "holds the token that this host asks for", {"metavar": "FILE"}),
        Option(
            ("--mcp",),
            "a JSON file that names MCP servers (mcpServers), whose tools the model may call; may be repeated",
            {**SEVERAL, "metavar": "FILE"},
        ),
        Option(
            ("--image",),
            "a picture for the model: a figure, image or array of this notebook, a file or an address; may be repeated",
            {**SEVERAL, "metavar": "NAME"},
        ),
        Option(("--no-tools",), "let the model answer without any tool", FLAG),
        Option(
            ("--allow-shell",), "a program that exec_shell may run; may be repeated", {**SEVERAL, "metavar": "PREFIX"}
        ),
        Option(
            ("--ask",),
            "a tool whose calls the panel asks for first, or all; may be repeated (%%agent panel)",
            {**SEVERAL, "metavar": "NAME"},
        ),
        Option(("--auto-run",), "run the first code block of an answer", FLAG),
        Option(("--isolate",), "let the agent's code see no network, and no files but its own folder", FLAG),
        Option(("--escalate",), "a stronger model that takes over when limits come near", {"metavar": "MODEL"}),
        Option(("--concurrency",), "how many tools may run at once; with --each, rows", {"type": int, "metavar": "N"}),
        Option(("--timeout",), "how long one tool may take", {"type": float, "metavar": "S"}),
        Option(("--api-base",), "the URL of an OpenAI-compatible server", {"metavar": "URL"}),
        Option(("--system",), "what the model is told before the conversation", {"metavar": "TEXT"}),
        Option(("--fresh",), "begin a new conversation", FLAG),
        Option(("-o", "--output"), "keep the Run under this name", {"metavar": "NAME"}),
        Option(("-q", "--quiet"), "draw nothing while it runs; with -o show nothing at all", FLAG),
        Option(("--help",), "show this text", FLAG),
    ),
)
"""The options of `%agent`, and its task."""
