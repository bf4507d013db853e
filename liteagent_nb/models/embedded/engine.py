"""The runtime of the embedded model: one for each weights file, its calls one after another, each cancellable."""

from __future__ import annotations

import asyncio
import platform
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.text import clean

__all__ = ["CONTEXT_TOKENS", "Engine", "Piece", "Slot", "engine_for", "start_server"]

CONTEXT_TOKENS = 2048
"""How many tokens one slot holds, answer included."""

_BATCH_TOKENS = 64
"""The runtime listens to a cancellation only between two batches: 64 tokens are about half a second."""

_SHOWN_WORDS = 6000
"""How many candidates for the next word are compared; the rest count as equally unlikely."""


class Slot(IntEnum):
    """Each kind of prompt has its own slot, so that the examples before it stay in memory."""

    CHOICE = 0
    ARGUMENTS = 1
    ANSWER = 2
    CHAT = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text as it comes; the last one carries the tokens and why it ended."""

    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = ""


_LONGEST_ERROR = 400

Chunk = Mapping[str, Any]  # what the runtime hands over: OpenAI's shape, as dicts


class Engine:
    """Runs one weights file in this process. Making one loads nothing; any event loop or thread may ask it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # One worker: the runtime has one CPU thread, and answers that take turns stay the same as answers alone.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="liteagent-local")
        self._loading = threading.Lock()
        self._server: Any = None

    @property
    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._server is not None

    async def load(self) -> None:
        """Load the weights, about half a second; raises `ConfigError` where this machine cannot run them."""
        await asyncio.wrap_future(self._worker.submit(self._open))

    def _open(self) -> Any:
        with self._loading:
            if self._server is None:
                self._server = start_server(self.path)
            return self._server

    async def stream(self, prompt: str, slot: Slot, **request: object) -> AsyncGenerator[Piece]:
        """Continue *prompt*; *request* takes `n_predict`, `stop`, `grammar`, `temperature`, …."""
        async with aclosing(self._chunks("handle_completions", slot, {"prompt": clean(prompt), **request})) as chunks:
            async for chunk in chunks:
                yield _read_piece(chunk)

    async def chat(self, messages: list[dict[str, str]], **request: object) -> AsyncGenerator[Piece]:
        """Answer *messages* in the form that the weights' own template gives them."""
        cleaned = [{name: clean(text) for name, text in message.items()} for message in messages]
        request = {"messages": cleaned, "stream_options": {"include_usage": True}, **request}
        async with aclosing(self._chunks("handle_chat_completions", Slot.CHAT, request)) as chunks:
            async for chunk in chunks:
                yield _read_piece(chunk)

    async def complete(self, prompt: str, slot: Slot, **request: object) -> Piece:
        """Continue *prompt* and return the whole continuation."""
        pieces = [piece async for piece in self.stream(prompt, slot, **request)]
        last = pieces[-1] if pieces else Piece()
        text = "".join(piece.text for piece in pieces)
        return Piece(text, last.prompt_tokens, last.completion_tokens, last.finish_reason)

    async def next_words(self, prompt: str, slot: Slot) -> tuple[dict[str, float], Piece]:
        """Return the log-probability of each likely next token, and what it took to find out."""
        words: dict[str, float] = {}
        last = Piece()
        request = {"prompt": clean(prompt), "n_predict": 1, "n_probs": _SHOWN_WORDS}
        async for chunk in self._chunks("handle_completions", slot, request):
            for token in _read_tokens(chunk):
                words.setdefault(token["token"], token["logprob"])
            last = _read_piece(chunk)
        return words, last

    async def _chunks(self, method: str, slot: Slot, request: dict[str, object]) -> AsyncGenerator[Chunk]:
        """Run *method* on the worker and hand its chunks over; leaving the iterator stops it at the next token."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Chunk | None] = asyncio.Queue()
        stop = threading.Event()

        def put(chunk: Chunk | None) -> bool:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            except RuntimeError:  # the loop was closed: nobody listens any more
                stop.set()
            return stop.is_set()

        # Always streamed, and with its progress: only a callback can stop the runtime, in the prompt too.
        whole = {"temperature": 0, **request, "id_slot": int(slot), "cache_prompt": True, "stream": True}
        job = self._worker.submit(self._run, method, whole | {"return_progress": True}, put, stop)
        job.add_done_callback(lambda _: put(None))
        try:
            while (chunk := await arrived.get()) is not None:
                yield _checked(chunk)
            _raise_failure(job)
        finally:
            stop.set()
            job.cancel()

    def _run(
        self, method: str, request: dict[str, object], put: Callable[[Chunk], bool], stop: threading.Event
    ) -> None:
        server = self._open()
        if stop.is_set():
            return
        try:
            answer = getattr(server, method)(request, put)
        except RuntimeError as error:  # what its C++ side threw
            raise ModelError(f"the embedded model failed: {error}"[:_LONGEST_ERROR]) from error
        if isinstance(answer, Mapping) and "error" in answer:
            put(answer)


def _raise_failure(job: Future[None]) -> None:
    if not job.cancelled() and (error := job.exception()) is not None:
        raise error


def _checked(chunk: Chunk) -> Chunk:
    error = chunk.get("error")
    if error:
        message = error.get("message", error) if isinstance(error, Mapping) else error
        raise ModelError(f"the embedded model refused: {message}", hint="shorten the conversation")
    return chunk


def _choices(chunk: Chunk) -> Iterator[Chunk]:
    yield from (choice for choice in chunk.get("choices") or () if isinstance(choice, Mapping))


def _read_tokens(chunk: Chunk) -> Iterator[Chunk]:
    for choice in _choices(chunk):
        for token in (choice.get("logprobs") or {}).get("content") or ():
            yield from token.get("top_logprobs") or ()


def _read_piece(chunk: Chunk) -> Piece:
    text, reason = "", ""
    for choice in _choices(chunk):
        text += choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        reason = choice.get("finish_reason") or reason
    usage = chunk.get("usage") or {}
    return Piece(text, usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0), reason)


_engines: dict[Path, Engine] = {}
_engines_lock = threading.Lock()


def engine_for(path: Path) -> Engine:
    """Return this process's engine for the weights in *path*."""
    path = path.resolve()
    with _engines_lock:
        return _engines.setdefault(path, Engine(path))


def start_server(path: Path, key: str = "") -> Any:
    """Start llama.cpp's own server on *path* in this process, and return it: it listens at its `listening_address`.

    It asks for *key*, without one for a key that nobody knows. Raises `ConfigError` where this machine cannot run it.
    """
    _check_processor()
    runtime = _import_runtime()
    try:
        return runtime.Server(_settings(runtime, path, key))
    except Exception as error:  # the runtime raises whatever its C++ side threw
        raise ConfigError(
            f"the model file {path.name} cannot be loaded: {error}",
            hint="name another GGUF file, or run `jupyter liteagent setup-local`",
        ) from error


def _settings(runtime: Any, path: Path, key: str) -> Any:
    params = runtime.CommonParams()
    params.model.path = str(path)
    params.n_parallel = len(Slot)
    params.n_ctx = CONTEXT_TOKENS * len(Slot)
    params.kv_unified = False  # slots of their own: what one remembers does not shift the rounding of another
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    # One thread: two of them spin against each other on a busy machine and fall to a tenth of the speed.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = params.n_threads_http = 1
    params.cache_ram_mib = 0  # the default grows
    params.warmup = False
    params.verbosity = -1
    # It always opens a port, keyless and open to every web page by default: a key that nobody knows, loopback only.
    params.port = 0
    params.api_keys = [key or secrets.token_urlsafe(32)]
    params.hostnames = ["127.0.0.1"]
    params.ui = False
    return params


def _import_runtime() -> Any:
    try:
        import xllamacpp  # noqa: PLC0415  an optional extra, 100 MB of native code: loaded with the weights
    except ImportError as error:
        if "libgomp" in str(error):
            raise ConfigError("the embedded model needs libgomp", hint="apt-get install libgomp1") from error
        if isinstance(error, ModuleNotFoundError):
            raise ConfigError(
                "the embedded model's runtime is not installed", hint='pip install "liteagent_nb[local]"'
            ) from error
        raise ConfigError(
            f"the embedded model's runtime cannot be loaded: {error}", hint='reinstall "liteagent_nb[local]"'
        ) from error
    return xllamacpp


def _check_processor() -> None:
    """Refuse a processor without AVX2, on which the runtime would end the whole process."""
    if platform.system() != "Linux" or platform.machine() not in {"x86_64", "AMD64"}:
        return
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return  # not shown here, in some sandboxes: then nothing is known against it
    if "flags" in flags and " avx2" not in flags:
        raise ConfigError(
            "the embedded model needs a processor with AVX2", hint="name another model, with --model or in %config"
        )
