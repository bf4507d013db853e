"""Kernels on real Jupyter servers: Kernel Gateway, Jupyter Server, and one that speaks the JSON protocol only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid

import pytest
from aiohttp import web
from jupyter_servers import GATEWAY, NOTICES_DEATH_SOON, OLD_PROTOCOL, SERVER, TOKEN, serving

from liteagent_nb.core.errors import ConfigError, DeadKernel, ExecBusy, ExecError
from liteagent_nb.kernels.gateway import GatewayStarter

LIMIT_S = 30


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with serving(GATEWAY, tmp_path_factory.mktemp("gateway"), NOTICES_DEATH_SOON) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(SERVER, tmp_path_factory.mktemp("server"), NOTICES_DEATH_SOON) as running:
        yield running


@pytest.fixture(scope="module")
def old_server(tmp_path_factory):
    with serving(SERVER, tmp_path_factory.mktemp("old"), OLD_PROTOCOL) as running:
        yield running


@pytest.fixture(params=["gateway", "server", "old_server"])
def each(request):
    return request.getfixturevalue(request.param)


@contextlib.asynccontextmanager
async def starting(running, token=TOKEN):
    starter = GatewayStarter(running if isinstance(running, str) else running.url, token)
    try:
        yield starter
    finally:
        await starter.aclose()


class Talk:
    """The kernel protocol by hand: one request, its messages until reply and idle."""

    def __init__(self, connection):
        self.connection = connection
        self._told = asyncio.Queue()
        connection.listen(lambda channel, message: self._told.put_nowait((channel, message)))

    async def send(self, code):
        header = {"msg_id": uuid.uuid4().hex, "session": "s", "username": "", "date": "", "version": "5.3"}
        content = {"code": code, "silent": False, "allow_stdin": False}
        message = {"header": {**header, "msg_type": "execute_request"}, "parent_header": {}, "metadata": {}}
        await self.connection.send("shell", {**message, "content": content})
        return header["msg_id"]

    async def until_idle(self, msg_id):
        told, ended = [], set()
        while ended != {"reply", "idle"}:
            channel, message = await asyncio.wait_for(self._told.get(), LIMIT_S)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            told.append(message)
            if channel == "shell":
                ended.add("reply")
            if message["content"].get("execution_state") == "idle":
                ended.add("idle")
        return told

    async def run(self, code):
        return await self.until_idle(await self.send(code))


def printed(told):
    return "".join(message["content"]["text"] for message in told if message["header"]["msg_type"] == "stream")


def reply_of(told):
    return next(message["content"] for message in told if message["header"]["msg_type"] == "execute_reply")


async def test_code_runs_on_each_kind_of_server_and_no_kernel_is_left(each):
    before = len(each.kernels())

    async with starting(each) as starter:
        connection = await starter.start("python")
        told = await Talk(connection).run("x = 6; print(x * 7)")
        running = len(each.kernels())

    assert printed(told) == "42\n"
    assert (before, running, len(each.kernels())) == (0, 1, 0)
    assert connection.pid is None


async def test_a_picture_of_20_mb_comes_whole(each):
    show = "from IPython.display import display; display({'image/png': 'A' * 27_000_000}, raw=True)"

    async with starting(each) as starter:
        told = await Talk(await starter.start("python")).run(show)

    pictures = [message["content"]["data"]["image/png"] for message in told if "data" in message["content"]]
    assert [len(picture) for picture in pictures] == [27_000_000]


async def test_buffers_cross_both_ways_on_each_protocol(each):
    echo = """
        def opened(comm, message):
            comm.send({}, buffers=[bytes(buffer) for buffer in message["buffers"]])
        get_ipython().kernel.comm_manager.register_target("echo", opened)
    """

    async with starting(each) as starter:
        connection = await starter.start("python")
        await Talk(connection).run(echo)
        came = asyncio.get_running_loop().create_future()
        connection.listen(lambda _, told: told["header"]["msg_type"] == "comm_msg" and came.set_result(told["buffers"]))
        header = {"msg_id": "1", "msg_type": "comm_open", "session": "s", "username": "", "date": "", "version": "5.3"}
        content = {"comm_id": "c", "target_name": "echo", "data": {}}
        await connection.send("shell", {"header": header, "content": content, "buffers": [b"\x00\xff", b"", b"two"]})

        assert list(await asyncio.wait_for(came, LIMIT_S)) == [b"\x00\xff", b"", b"two"]


async def test_an_interrupt_stops_what_runs_and_the_state_is_kept(each):
    async with starting(each) as starter:
        talk = Talk(await starter.start("python"))
        await talk.run("x = 1")
        stuck = await talk.send("print('in', flush=True)\nwhile True: pass")
        await asyncio.sleep(1)
        await talk.connection.interrupt()

        assert reply_of(await talk.until_idle(stuck))["ename"] == "KeyboardInterrupt"
        assert printed(await talk.run("print(x)")) == "1\n"


@pytest.mark.parametrize("kind", ["gateway", "server"])
async def test_the_death_of_a_kernel_is_told(kind, request):
    running = request.getfixturevalue(kind)

    async with starting(running) as starter:
        talk = Talk(await starter.start("python"))
        await talk.run("1")
        await talk.send("import os; os._exit(3)")
        why = await asyncio.wait_for(asyncio.shield(talk.connection.died), LIMIT_S)
        await talk.connection.close()

    assert why == "the kernel died, and its server started another"
    assert running.kernels() == []


async def test_what_is_closed_takes_no_message_and_did_not_die(gateway):
    async with starting(gateway) as starter:
        talk = Talk(await starter.start("python"))
        await talk.connection.close()

        with pytest.raises(DeadKernel):
            await talk.send("1")
        assert not talk.connection.died.done()


async def test_the_end_of_the_gateway_is_the_end_of_its_kernels(tmp_path):
    with serving(GATEWAY, tmp_path) as running:
        starter = GatewayStarter(running.url, TOKEN)
        connection = await starter.start("python")
        os.kill(running.pid, 9)

        assert "closed the kernel's websocket" in await asyncio.wait_for(asyncio.shield(connection.died), LIMIT_S)
        await starter.aclose()


async def test_a_start_that_is_cancelled_leaves_no_kernel(gateway):
    async with starting(gateway) as starter:
        for wait_s in (0.01, 0.05, 0.2):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(starter.start("python"), wait_s)

    assert gateway.kernels() == []


async def test_back_to_back_requests_do_not_wait_for_a_delayed_acknowledgement(each):
    async with starting(each) as starter:
        talk = Talk(await starter.start("python"))
        await talk.run("1")
        began = time.perf_counter()
        for _ in range(20):
            await talk.run("print(123)")

        assert (time.perf_counter() - began) / 20 < 0.04  # the delay alone


async def test_the_languages_are_those_of_its_kernelspecs(gateway):
    async with starting(gateway) as starter:
        (python,) = await starter.languages()

        assert (python.name, python.is_installed, python.keeps_state, python.aliases) == (
            "python",
            True,
            True,
            ("python3",),
        )
        for name in ("py", "python3", "Python"):
            await (await starter.start(name)).close()


async def test_an_unknown_language_is_refused_with_the_list(gateway):
    async with starting(gateway) as starter:
        with pytest.raises(ConfigError, match="no kernel for 'cobol'") as raised:
            await starter.start("cobol")

        assert raised.value.hint == "its kernelspecs: python3"


async def test_a_wrong_token_is_a_config_error_that_does_not_show_it(each):
    async with starting(each, "not-the-token") as starter:
        with pytest.raises(ConfigError, match=r"403|401") as raised:
            await starter.start("python")

        assert "not-the-token" not in str(raised.value)
        assert "MINI_AGENT_GATEWAY_TOKEN" in raised.value.hint


async def test_the_token_may_stand_in_the_address_and_is_not_named(gateway):
    async with starting(f"{gateway.url}/?token={TOKEN}", "") as starter:
        await (await starter.start("python")).close()
    async with starting(f"{gateway.url}/nothing?token={TOKEN}", "") as starter:
        with pytest.raises(ExecError, match="404") as raised:
            await starter.start("python")

    assert TOKEN not in str(raised.value)


async def test_the_token_may_stand_in_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("MINI_AGENT_GATEWAY_TOKEN", TOKEN)

    async with starting(gateway, "") as starter:
        assert [language.name for language in await starter.languages()] == ["python"]


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:nope"])
def test_what_is_no_address_is_refused_before_anything_is_opened(url):
    with pytest.raises(ConfigError, match="URL"):
        GatewayStarter(url)


async def test_a_gateway_that_is_down_is_named_with_a_hint():
    async with starting("http://127.0.0.1:1", TOKEN) as starter:
        with pytest.raises(ExecError, match=r"127.0.0.1:1.* cannot be reached") as raised:
            await starter.start("python")

    assert "is it running" in raised.value.hint


@contextlib.asynccontextmanager
async def answering(handler):
    """Serve *handler* for every path; give its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://127.0.0.1:{1}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


SPECS = {"default": "python3", "kernelspecs": {"python3": {"name": "python3", "spec": {"language": "python"}}}}


async def test_a_server_that_answers_html_is_told_from_a_gateway():
    async def handler(request):
        return web.Response(text="<html>welcome</html>", content_type="text/html")

    async with answering(handler) as url, starting(url) as starter:
        with pytest.raises(ExecError, match="something else than JSON"):
            await starter.start("python")


@pytest.mark.parametrize(
    "answer", [[], "text", {}, {"kernelspecs": []}, {"kernelspecs": {}}, {"kernelspecs": {"a": 1}}]
)
async def test_kernelspecs_of_another_shape_are_an_error_of_ours(answer):
    async def handler(request):
        return web.json_response(answer)

    async with answering(handler) as url, starting(url) as starter:
        with pytest.raises((ExecError, ConfigError)):
            await starter.start("python")


async def test_a_full_gateway_is_not_taken_for_a_wrong_token(tmp_path):
    with serving(GATEWAY, tmp_path, "--KernelGatewayApp.max_kernels=1") as running:
        async with starting(running) as starter:
            await starter.start("python")

            with pytest.raises(ExecBusy, match="403") as raised:
                await starter.start("python")

    assert "limit of kernels" in raised.value.hint


@pytest.mark.parametrize("redirected", ["api/kernelspecs", "channels"])
async def test_the_token_is_sent_to_no_other_host_also_where_one_redirects(redirected):
    seen = []

    async def other(request):
        seen.append(dict(request.headers))
        return web.json_response(SPECS)

    async with answering(other) as elsewhere:

        async def handler(request):
            assert request.headers["Authorization"] == f"token {TOKEN}"
            if request.path.endswith(redirected):
                raise web.HTTPFound(elsewhere + request.path)
            return web.json_response({"id": "1"} if request.path.endswith("kernels") else SPECS)

        async with answering(handler) as url, starting(url) as starter:
            with pytest.raises(ExecError, match="redirects elsewhere"):
                await starter.start("python")

    assert seen == []


async def test_a_kernel_whose_websocket_does_not_open_is_ended():
    asked = []

    async def handler(request):
        asked.append(f"{request.method} {request.path}")
        if request.path.endswith("channels"):
            return web.json_response({"message": "no"}, status=500)
        return web.json_response({"id": "1"} if request.path.endswith("kernels") else SPECS)

    async with answering(handler) as url, starting(url) as starter:
        with pytest.raises(ExecError, match="500"):
            await starter.start("python")

    assert asked[-1] == "DELETE /api/kernels/1"


async def test_a_listener_that_breaks_is_the_end_of_the_connection_and_not_a_silence(gateway):
    def broken(channel, message):
        raise KeyError("execution_state")

    async with starting(gateway) as starter:
        connection = await starter.start("python")
        connection.listen(broken)
        await Talk(connection).send("1")

        assert "nonsense: KeyError" in await asyncio.wait_for(asyncio.shield(connection.died), LIMIT_S)


@pytest.mark.parametrize("frame", [b"", b"\xff" * 64, b"\x02" + bytes(63), "no json", "[]", '{"header": 1}'])
async def test_frames_of_no_protocol_are_passed_over(frame):
    async def handler(request):
        if not request.path.endswith("channels"):
            return web.json_response({"id": "1"} if request.path.endswith("kernels") else SPECS)
        websocket = web.WebSocketResponse(
            protocols=["v1.kernel.websocket.jupyter.org"] if isinstance(frame, bytes) else ()
        )
        await websocket.prepare(request)
        await (websocket.send_bytes if isinstance(frame, bytes) else websocket.send_str)(frame)
        await websocket.close()
        return websocket

    async with answering(handler) as url, starting(url) as starter:
        talk = Talk(await starter.start("python"))

        assert "closed the kernel's websocket" in await asyncio.wait_for(asyncio.shield(talk.connection.died), LIMIT_S)
        assert talk._told.empty()
