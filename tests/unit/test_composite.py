"""Several invokers as one."""

import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.echo import EchoMCP
from liteagent_nb.tools.local_invoker import LocalMCPInvoker
from liteagent_nb.tools.toolbox import Toolbox


def add(a: int, b: int) -> int:
    return a + b


class Connection(EchoMCP):
    """An invoker that holds something open, and says what happened to it."""

    def __init__(self, log, error=None):
        super().__init__()
        self.log, self.error = log, error

    async def __aenter__(self):
        if self.error:
            raise self.error
        self.log.append("open")
        return self

    async def __aexit__(self, *_):
        self.log.append("close")


async def test_all_tools_are_offered_and_each_call_goes_to_its_owner():
    both = CompositeInvoker([Toolbox([add]), EchoMCP()])

    names = [tool.name for tool in await both.list_tools()]

    assert isinstance(both, Invoker)
    assert names == ["add", "echo"]
    assert (await both.call_tool("add", {"a": 1, "b": 2}, timeout_s=1)).result == 3
    assert (await both.call_tool("echo", {"text": "hi"}, timeout_s=1)).text == "hi"


async def test_a_call_before_the_first_listing_finds_its_owner_too():
    assert (await CompositeInvoker([Toolbox([add])]).call_tool("add", {"a": 1, "b": 2}, timeout_s=1)).result == 3


async def test_the_same_name_twice_is_refused_and_both_owners_are_named():
    both = CompositeInvoker([Toolbox({"exec_python": add}), LocalMCPInvoker()])

    with pytest.raises(ConfigError, match="Toolbox and LocalMCPInvoker both offer 'exec_python'"):
        await both.list_tools()


async def test_an_unknown_tool_is_told_with_the_list():
    observation = await CompositeInvoker([Toolbox([add]), EchoMCP()]).call_tool("nope", {}, timeout_s=1)

    assert observation.error == "unknown tool 'nope'; tools: add, echo"


async def test_no_invokers_are_no_tools():
    assert await CompositeInvoker([]).list_tools() == ()


async def test_what_is_held_open_is_opened_and_closed():
    log = []

    async with CompositeInvoker([Toolbox([add]), Connection(log)]) as both:
        assert [tool.name for tool in await both.list_tools()] == ["add", "echo"]
        assert log == ["open"]

    assert log == ["open", "close"]


async def test_one_that_does_not_open_closes_the_others():
    log = []

    with pytest.raises(OSError, match="refused"):
        async with CompositeInvoker([Connection(log), Connection(log, OSError("refused"))]):
            pass

    assert log == ["open", "close"]
