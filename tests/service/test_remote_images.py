"""Pictures of the web: fetched from real servers that lie, dawdle, flood and lead elsewhere, and never from a private one."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from free_ports import free_port
from PIL import Image

from liteagent_nb.core.errors import ConfigError, FetchError
from liteagent_nb.extras.images import fetch_remote_image
from liteagent_nb.extras.images.addresses import CheckedResolver, is_public


def png():
    Image.radial_gradient("L").convert("RGB").save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


PICTURE = png()


class Gallery(BaseHTTPRequestHandler):
    """A server with a way of failing under each path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        getattr(self, f"answer_{self.path.strip('/').partition('/')[0]}")(self.path.partition("/to/")[2])

    def _send(self, data, *, kind="image/png", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def answer_picture(self, _rest):
        self._send(PICTURE)

    def answer_lies(self, _rest):
        self._send(PICTURE, kind="text/html")

    def answer_html(self, _rest):
        self._send(b"<!doctype html><html>no picture</html>", kind="image/png")

    def answer_zipped(self, _rest):
        self._send(PICTURE, **{"Content-Encoding": "gzip"})

    def answer_missing(self, _rest):
        self._send(b"", status=404)

    def answer_redirect(self, rest):
        self._send(b"", status=302, Location=rest)

    def answer_nowhere(self, _rest):
        self._send(b"", status=302)

    def answer_loop(self, _rest):
        self._send(b"", status=307, Location="/loop")

    def answer_huge(self, _rest):
        self._send(PICTURE, **{"Content-Length": str(1 << 40)})

    def answer_flood(self, _rest):
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.is_closing:
                self.wfile.write(b"x" * 65536)
                self.server.flooded += 65536
        except OSError:
            self.server.is_left.set()
        self.close_connection = True

    def answer_drip(self, _rest):
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.is_closing:
                self.wfile.write(b"x")
                time.sleep(0.02)
        except OSError:
            self.server.is_left.set()
        self.close_connection = True

    def answer_cut(self, _rest):
        self._send(PICTURE[:100], **{"Content-Length": str(len(PICTURE))})
        self.close_connection = True

    def log_message(self, *_args):
        """Say nothing."""


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gallery)
    server.asked, server.flooded, server.is_closing, server.is_left = [], 0, False, threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.is_closing = True
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def gallery():
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def _forget(gallery):
    gallery.asked.clear()
    gallery.flooded = 0
    gallery.is_left.clear()


def fetch(url, **how):
    return fetch_remote_image(url, **{"allow_private": True, **how})


def pixels(url):
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size


def test_a_picture_comes_as_a_data_url(gallery):
    url = fetch(f"{gallery.url}/picture")

    assert url == "data:image/png;base64," + base64.b64encode(PICTURE).decode()


def test_it_is_compressed_like_any_other(gallery):
    url = fetch(f"{gallery.url}/picture", max_kb=2, format="jpeg")

    assert url.startswith("data:image/jpeg")
    assert len(base64.b64decode(url.partition(",")[2])) <= 2048


async def test_it_works_inside_a_running_event_loop(gallery):
    assert pixels(fetch(f"{gallery.url}/picture")) == (256, 256)


def test_what_it_is_its_bytes_tell_and_not_the_server(gallery):
    assert fetch(f"{gallery.url}/lies").startswith("data:image/png")
    assert fetch(f"{gallery.url}/zipped").startswith("data:image/png")
    with pytest.raises(ConfigError, match="HTML"):
        fetch(f"{gallery.url}/html")


def test_nothing_of_the_user_is_sent_along(gallery):
    fetch(f"{gallery.url}/picture")

    _, headers = gallery.asked[0]
    assert {name.lower() for name in headers} <= {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "picture.png",
        "http://",
        "http://[::1",
        "",
    ],
)
def test_only_the_web_is_asked(url):
    with pytest.raises(ConfigError):
        fetch(url)


PRIVATE = (
    "127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 198.18.0.1 224.0.0.1 "
    "255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: "
    "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2001:db8::1"
).split()


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_any_dress_are_private(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
def test_a_private_address_is_refused_before_anything_is_sent(gallery, host):
    with pytest.raises((ConfigError, FetchError)) as caught:
        fetch_remote_image(f"http://{host}:{gallery.server_port}/picture")

    assert caught.value.hint
    assert gallery.asked == []


def test_a_host_may_be_trusted_by_its_name(gallery):
    assert fetch_remote_image(f"{gallery.url}/picture", allow_private={"127.0.0.1"})


@pytest.mark.parametrize("elsewhere", ["http://localhost:{port}/picture", "http://127.0.0.2:{port}/picture"])
def test_a_redirect_to_a_private_address_is_refused(gallery, elsewhere):
    target = elsewhere.format(port=gallery.server_port)

    with pytest.raises(ConfigError, match="private"):
        fetch_remote_image(f"{gallery.url}/redirect/to/{target}", allow_private={"127.0.0.1"})

    assert [path for path, _ in gallery.asked] == [f"/redirect/to/{target}"]


def test_a_redirect_to_another_protocol_is_refused(gallery):
    with pytest.raises(ConfigError, match="no address of the web"):
        fetch(f"{gallery.url}/redirect/to/file:///etc/passwd")


def test_what_was_looked_at_is_what_is_connected_to(gallery, monkeypatch):
    """A name that changes its address between two looks is looked at once."""
    looks = []
    real = socket.getaddrinfo

    def changing(host, *rest, **more):
        if host not in {"pictures.example", b"pictures.example"}:
            return real(host, *rest, **more)
        looks.append(host)
        return real("127.0.0.1" if len(looks) == 1 else "127.0.0.9", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", changing)

    url = f"http://pictures.example:{gallery.server_port}/picture"
    assert pixels(fetch_remote_image(url, allow_private={"pictures.example"})) == (256, 256)
    assert len(looks) == 1
    assert gallery.asked[0][1]["Host"] == f"pictures.example:{gallery.server_port}"


async def test_of_a_name_with_two_addresses_only_the_public_one_is_used(monkeypatch):
    def two(host, port, **_more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("10.0.0.1", "8.8.8.8")]

    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_a, **_k: two(host, port))

    found = await CheckedResolver(allow_private=False).resolve("two.example", 80)

    assert [one["host"] for one in found] == ["8.8.8.8"]


def test_three_redirects_are_followed_and_not_four(gallery):
    three = f"{gallery.url}/picture"
    for _ in range(3):
        three = f"{gallery.url}/redirect/to/{three}"

    assert pixels(fetch(three)) == (256, 256)
    with pytest.raises(FetchError, match="more than 3 redirects"):
        fetch(f"{gallery.url}/redirect/to/{three}")
    with pytest.raises(FetchError, match="more than 3 redirects"):
        fetch(f"{gallery.url}/loop")


def test_a_redirect_to_nowhere_ends(gallery):
    with pytest.raises(FetchError):
        fetch(f"{gallery.url}/nowhere")


def test_reading_stops_at_the_limit(gallery):
    with pytest.raises(FetchError, match="more than 1 MB"):
        fetch(f"{gallery.url}/flood", max_mb=1)

    assert gallery.is_left.wait(5)
    assert gallery.flooded < 20 << 20


def test_a_length_beyond_the_limit_is_believed(gallery):
    with pytest.raises(FetchError, match="more than 20 MB"):
        fetch(f"{gallery.url}/huge")


def test_a_server_that_drips_is_left_in_time(gallery):
    started = time.monotonic()

    with pytest.raises(FetchError, match="in time"):
        fetch(f"{gallery.url}/drip", timeout_s=0.3)

    assert time.monotonic() - started < 1.5
    assert gallery.is_left.wait(5)


def test_a_server_that_says_nothing_is_left_in_time():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()

        with pytest.raises(FetchError, match="in time"):
            fetch(f"http://127.0.0.1:{deaf.getsockname()[1]}/a.png", timeout_s=0.2)


def test_a_server_that_is_not_there_is_an_error_with_a_remedy():
    with pytest.raises(FetchError, match="cannot be fetched") as caught:
        fetch(f"http://127.0.0.1:{free_port()}/a.png")

    assert caught.value.hint


def test_an_answer_that_is_none_is_an_error(gallery):
    with pytest.raises(FetchError, match="404"):
        fetch(f"{gallery.url}/missing")
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetch(f"{gallery.url}/cut")


def test_what_was_fetched_is_kept_for_a_while(gallery, tmp_path):
    first = fetch(f"{gallery.url}/picture", cache_dir=tmp_path)

    again = fetch(f"{gallery.url}/picture", cache_dir=tmp_path, max_kb=2, format="jpeg")
    fetch(f"{gallery.url}/picture", cache_dir=tmp_path, max_age_s=0)

    assert first.startswith("data:image/png")
    assert again.startswith("data:image/jpeg")
    assert len(gallery.asked) == 2


def test_a_kept_picture_of_a_trusted_host_is_not_given_to_those_who_do_not_trust_it(gallery, tmp_path):
    fetch(f"{gallery.url}/picture", cache_dir=tmp_path)

    with pytest.raises(ConfigError, match="private"):
        fetch_remote_image(f"{gallery.url}/picture", cache_dir=tmp_path)


def test_no_connection_is_left_open(gallery):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in ("picture", "missing", "redirect/to/picture"):
            with suppress(FetchError):
                fetch(f"{gallery.url}/{path}")

    open_ones = [thread for thread in threading.enumerate() if "process_request" in thread.name]
    deadline = time.monotonic() + 5
    while open_ones and time.monotonic() < deadline:
        time.sleep(0.02)
        open_ones = [thread for thread in open_ones if thread.is_alive()]
    assert open_ones == []
