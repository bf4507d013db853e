"""mini-swe-agent's default agent; it does not stream, and its shell is replaced by an echo, so that no shell is paid for."""

from __future__ import annotations

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or the import asks the network
os.environ["MSWEA_SILENT_STARTUP"] = "1"

import litellm
from minisweagent.agents.default import DefaultAgent
from minisweagent.exceptions import Submitted
from minisweagent.models.litellm_model import LitellmModel
from task import KEY, PROMPT

IS_SYNC = True
litellm.suppress_debug_info = True


class Echo:
    """An environment that says a command again; one that is no turn's is the answer, and ends the run."""

    def __init__(self, echo):
        self._echo = echo

    def execute(self, action, cwd=""):
        command = action["command"]
        if not command.startswith("turn "):
            told = {"exit_status": "Submitted", "submission": command}
            raise Submitted({"role": "exit", "content": command, "extra": told})
        return {"output": self._echo(command), "returncode": 0, "exception_info": ""}

    def get_template_vars(self, **_):
        return {}

    def serialize(self):
        return {}


def conversation(task):
    # litellm looks for the `mcp` package wherever tools are sent; it need not be there.
    how = {"api_base": task.base_url("mini-swe-agent"), "api_key": KEY, "_skip_mcp_handler": True}
    model = LitellmModel(model_name=f"openai/{task.model}", model_kwargs=how, cost_tracking="ignore_errors")
    environment = Echo(task.sync_tool())

    def converse():
        """Run an agent of its own: it keeps its messages."""
        agent = DefaultAgent(model, environment, system_template="s", instance_template="{{task}}", cost_limit=0)
        return agent.run(PROMPT)["submission"]

    return converse
