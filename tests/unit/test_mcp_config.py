"""What an `mcpServers` map may hold, and the names that its tools get."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liteagent_nb import McpInvoker
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.tools._mcp_config import HttpServer, StdioServer, filled_in, read_servers
from liteagent_nb.tools._mcp_names import offered_names


def test_programs_and_urls_are_read():
    servers = read_servers(
        {
            "mcpServers": {
                "a": {"command": "uvx", "args": ["x"], "env": {"K": "${V}"}, "cwd": "/tmp"},
                "b": {"type": "http", "url": "https://example.org/mcp", "headers": {"X": "1"}},
                "c": {"command": "never", "disabled": True},
            }
        }
    )

    assert servers == (
        StdioServer("a", "uvx", ("x",), {"K": "${V}"}, "/tmp"),
        HttpServer("b", "https://example.org/mcp", {"X": "1"}),
    )


def test_the_map_may_come_without_its_name():
    assert read_servers({"a": {"command": "x"}}) == (StdioServer("a", "x"),)


def test_secrets_do_not_show_in_a_repr():
    servers = read_servers(
        {"a": {"command": "x", "env": {"K": "sec1"}}, "b": {"url": "http://h", "headers": {"K": "sec2"}}}
    )

    assert "sec" not in repr(servers)


@pytest.mark.parametrize(
    ("servers", "complaint"),
    [
        ({"mcpServers": [1]}, "no map of MCP servers"),
        ({"a": "uvx"}, "no map of MCP servers"),
        ({"a": {}}, "'a' cannot be used: it needs a `command` or a `url`"),
        ({"a": {"command": "x", "url": "http://y"}}, "and not both"),
        ({"a": {"command": "x", "args": "one two"}}, "`args` must be a list of texts"),
        ({"a": {"command": "x", "env": {"A": 1}}}, "`env` must be a map of texts"),
        ({"a": {"command": "x", "cwd": 1}}, "`cwd` must be a text"),
        ({"a": {"url": "ftp://x"}}, "no http or https URL"),
        ({"a": {"type": "sse", "url": "http://x/sse"}}, "speaks sse"),
    ],
)
def test_what_is_no_map_of_servers_is_refused_when_the_invoker_is_made(servers, complaint):
    with pytest.raises(ConfigError, match=complaint):
        McpInvoker(servers)


@pytest.mark.parametrize(
    ("text", "complaint"), [("{broken", "is no JSON"), ("[]", "holds no JSON object"), (None, "cannot be read")]
)
def test_a_file_that_holds_none_is_refused(tmp_path, text, complaint):
    file = tmp_path / "mcp.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match=complaint) as caught:
        McpInvoker.from_file(file)
    assert "mcpServers" in caught.value.hint


def test_a_file_is_read(tmp_path):
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"a": {"command": "x"}}}))

    assert McpInvoker.from_file(str(file)).listed_as == "mcp, a"


def test_variables_are_filled_in_where_the_user_names_them(monkeypatch):
    monkeypatch.setenv("A_NAME", "x")
    server = StdioServer("s", "c")

    filled = filled_in(server, {"one": "${A_NAME}-${A_NAME}", "two": "${NONE_SUCH:-d}", "three": "$A_NAME $5"})

    assert filled == {"one": "x-x", "two": "d", "three": "$A_NAME $5"}


def test_a_name_that_others_have_gets_its_server_before_it():
    names = offered_names([("a", "read"), ("b", "read"), ("b", "write"), ("b", "exec_shell")], taken={"exec_shell"})

    assert names == ["a__read", "b__read", "write", "b__exec_shell"]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=120)), unique=True), st.sets(st.text(max_size=5)))
def test_names_are_such_as_providers_take_and_no_two_are_the_same(tools, taken):
    names = offered_names(tools, taken=taken)

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    assert len({*names} | taken) == len(names) + len(taken)
