"""Where Ollama is: a real server that plays its version, and ports where nothing is."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from free_ports import free_port

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.ollama_base import resolve_ollama_base


@contextmanager
def ollama(answer=b'{"version": "0.12.6"}'):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/api/version" else 404)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def nowhere():
    return f"http://127.0.0.1:{free_port()}"


def test_the_first_address_that_answers_is_the_one(nowhere):
    with ollama() as port:
        assert resolve_ollama_base([nowhere, f"http://127.0.0.1:{port}"]) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("said", ["http://127.0.0.1:{}/", "127.0.0.1:{}", "0.0.0.0:{}"])
def test_the_environment_names_it_as_ollama_itself_does(monkeypatch, said):
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    with ollama() as port:
        monkeypatch.setenv("OLLAMA_HOST", said.format(port))

        assert resolve_ollama_base() == f"http://127.0.0.1:{port}"


def test_another_server_is_none_and_what_was_asked_is_said(nowhere):
    with ollama(answer=b'{"detail": "Not Found"}') as port, pytest.raises(ConfigError) as caught:
        resolve_ollama_base([nowhere, f"http://127.0.0.1:{port}"])

    assert nowhere in str(caught.value)
    assert str(port) in str(caught.value)
    assert "OLLAMA_API_BASE" in caught.value.hint


def test_the_seeds_script_prints_it():
    with ollama() as port:
        done = subprocess.run(
            [sys.executable, "-m", "liteagent_nb.compat", "scripts/resolve_ollama_base.sh", f"http://127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert done.stdout == f"http://127.0.0.1:{port}\n", done.stderr
