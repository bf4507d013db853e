"""Asking over HTTP, for those who wait and for those who await; what fails for a moment is sent again."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING

import httpx

from liteagent_nb.provider.clients import loops_client, threads_client
from liteagent_nb.provider.refusals import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from liteagent_nb.provider.question import Question

__all__ = ["answer", "async_answer"]


@contextmanager
def answer(question: Question) -> Iterator[httpx.Response]:
    """Ask, and give the answer with its body still to be read. Raises the errors of `refused`, or httpx's."""
    with _told(question), closing(_opened(question)) as response:
        yield response


def _opened(question: Question) -> httpx.Response:
    attempt = 0
    while True:
        try:
            return _send(question)
        except Exception as error:  # noqa: BLE001 - patience says which of them are worth another try
            pause_s = question.patience.pause_s(error, attempt=attempt)
        time.sleep(pause_s)
        attempt += 1


def _send(question: Question) -> httpx.Response:
    client = threads_client()
    response = client.send(_request(client, question), stream=True)
    if not response.is_success:
        with closing(response):
            response.read()
        raise refused(response, model=question.model)
    return response


@asynccontextmanager
async def async_answer(question: Question) -> AsyncIterator[httpx.Response]:
    """Do what `answer` does, awaiting."""
    with _told(question):
        async with aclosing(await _async_opened(question)) as response:
            yield response


async def _async_opened(question: Question) -> httpx.Response:
    attempt = 0
    while True:
        try:
            return await _async_send(question)
        except Exception as error:  # noqa: BLE001 - patience says which of them are worth another try
            pause_s = question.patience.pause_s(error, attempt=attempt)
        await asyncio.sleep(pause_s)
        attempt += 1


async def _async_send(question: Question) -> httpx.Response:
    client = await loops_client()
    response = await client.send(_request(client, question), stream=True)
    if not response.is_success:
        async with aclosing(response):
            await response.aread()
        raise refused(response, model=question.model)
    return response


def _request(client: httpx.Client | httpx.AsyncClient, question: Question) -> httpx.Request:
    return client.build_request(
        "POST", question.url, headers=question.headers, content=question.body, timeout=question.timeout
    )


@contextmanager
def _told(question: Question) -> Iterator[None]:
    """Say the address in errors of the connection: httpx says as little as `All connection attempts failed`."""
    try:
        yield
    except httpx.TransportError as error:
        is_late = isinstance(error, httpx.TimeoutException)
        what = "Request timed out" if is_late else str(error) or type(error).__name__  # older litellms go by the words
        words = f"{question.url}: {what}"
        raise type(error)(words, request=httpx.Request("POST", question.url)) from None
