"""Which headers a tools host gets, and what is refused."""

from __future__ import annotations

import json

import httpx
import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.tools._http_headers import headers_for
from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker

SECRET = "s3cr3t-of-the-tests"
HEADERS, ALLOW = "MINI_AGENT_TOOL_HTTP_HEADERS", "MINI_AGENT_TOOL_HTTP_ALLOW"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv(HEADERS, json.dumps({"Authorization": f"Bearer {SECRET}"}))
    monkeypatch.delenv(ALLOW, raising=False)


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("http://127.0.0.1:8791", "http://127.0.0.1:8791/base"),
        ("https://tools.example.org", "https://TOOLS.example.org:443"),
        ("https://tools.example.org/any/path", "https://tools.example.org"),
        ("http://tools.example.org", "http://tools.example.org"),
        ("tools.example.org", "https://tools.example.org"),
        ("tools.example.org", "https://tools.example.org:8443"),
        ("tools.example.org:8443", "https://tools.example.org:8443"),
        ("other.example.org, 127.0.0.1 ,", "http://127.0.0.1:9999"),
        ("localhost:8791", "http://localhost:8791"),
        ("[::1]:8791", "http://[::1]:8791"),
    ],
)
def test_headers_of_the_environment_go_where_they_are_allowed(monkeypatch, allow, url):
    monkeypatch.setenv(ALLOW, allow)

    assert headers_for(httpx.URL(url)).values == {"authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("", "http://127.0.0.1:8791"),
        ("http://127.0.0.1:8791", "http://127.0.0.1:8792"),
        ("http://127.0.0.1:8791", "https://127.0.0.1:8791"),
        ("https://tools.example.org", "http://tools.example.org"),
        ("tools.example.org", "http://tools.example.org"),
        ("tools.example.org:8443", "https://tools.example.org"),
        ("tools.example.org", "https://tools.example.org.evil.example"),
        ("tools.example.org", "https://evil.example/tools.example.org"),
        ("example.org", "https://tools.example.org"),
        ("127.0.0.1", "http://127.0.0.1.evil.example"),
    ],
)
def test_and_nowhere_else(monkeypatch, allow, url):
    monkeypatch.setenv(ALLOW, allow)

    found = headers_for(httpx.URL(url), {"X-Given": "1"})

    assert (dict(found.values), found.is_withheld) == ({"x-given": "1"}, True)


def test_headers_that_are_given_win_whatever_their_case(monkeypatch):
    monkeypatch.setenv(ALLOW, "tools.example.org")

    found = headers_for(httpx.URL("https://tools.example.org"), {"AUTHORIZATION": "Bearer mine", "X-A": "1"})

    assert found.values == {"authorization": "Bearer mine", "x-a": "1"}
    assert "mine" not in repr(found)


@pytest.mark.parametrize(
    "text",
    ["{", f'"{SECRET}"', f'["{SECRET}"]', '{"a b": "c"}', '{"a": 5}', f'{{"a": "{SECRET}\\n"}}', '{"Host": "x"}'],
)
def test_a_variable_that_cannot_be_read_is_named_and_not_shown(monkeypatch, text):
    monkeypatch.setenv(HEADERS, text)

    with pytest.raises(ConfigError, match=HEADERS) as caught:
        HttpToolsInvoker("http://127.0.0.1:8791")

    assert SECRET not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


@pytest.mark.parametrize("allow", ["*", "https://", "a b", "http://[::1"])
def test_an_allow_list_that_cannot_be_read_is_named(monkeypatch, allow):
    monkeypatch.setenv(ALLOW, allow)

    with pytest.raises(ConfigError, match=ALLOW):
        headers_for(httpx.URL("https://tools.example.org"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {SECRET}\r\nX-Injected: 1"},
        {"Authorization": f"Bearer {SECRET}é"},
        {"Content-Length": "5"},
        {"Auth orization": SECRET},
        {5: SECRET},
        {"Authorization": None},
        [("Authorization", SECRET)],
    ],
)
def test_what_cannot_be_a_header_is_refused_and_not_shown(headers):
    with pytest.raises(ConfigError) as caught:
        HttpToolsInvoker("http://127.0.0.1:8791", headers)

    assert SECRET not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8791",
        "ftp://127.0.0.1",
        "http://",
        "http://[::1",
        "http://xn--/",
        f"http://me:{SECRET}@127.0.0.1:8791",
        f"me:{SECRET}@127.0.0.1",
        f"http://127.0.0.1:8791?key={SECRET}",
        None,
    ],
)
def test_what_is_no_address_of_a_host_is_refused_and_not_shown(url):
    with pytest.raises(ConfigError) as caught:
        HttpToolsInvoker(url)

    assert SECRET not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint
