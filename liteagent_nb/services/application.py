"""The frame of every service: its doors behind a guard, with a schema and a page that speak of them."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response

from liteagent_nb.services.answers import ShapeOf, error_handlers, in_house_shape, json_answer
from liteagent_nb.services.doors import Door, Schema, openapi, routes
from liteagent_nb.services.guard import Guard, warn_if_open
from liteagent_nb.services.schema_words import TEXT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from liteagent_nb.services.guard import GuardSettings
    from liteagent_nb.services.metrics import Tally

__all__ = ["Service", "make_app"]


@dataclass(frozen=True, slots=True)
class Service:
    """What is served."""

    name: str
    about: str
    """One sentence, for its page."""
    doors: Sequence[Door]
    schemas: Callable[[], Awaitable[Mapping[str, Schema]]]
    """Gives the schemas that the doors refer to by name."""
    close: Callable[[], Awaitable[None]]
    """Closes what it works with, when the server stops."""
    around: Callable[[], AbstractAsyncContextManager[object]] = contextlib.nullcontext
    """What is open while it serves."""
    shape_of: ShapeOf = in_house_shape
    """How it says its failures."""


def make_app(service: Service, settings: GuardSettings, tally: Tally) -> Starlette:
    """Return the app of *service* behind its guard."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        warn_if_open(settings, service.name)
        try:
            async with service.around():
                yield
        finally:
            await service.close()

    app = Starlette(
        routes=routes([*service.doors, *_about(service)]),
        middleware=[Middleware(Guard, settings=settings, tally=tally, shape_of=service.shape_of)],
        exception_handlers=error_handlers(service.shape_of),
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would be an answer that no schema speaks of
    return app


def _about(service: Service) -> list[Door]:
    """Return the two routes that speak of all, themselves too; they come last."""

    async def openapi_json(_request: Request) -> Response:
        doors, known = [*service.doors, *about], await service.schemas()
        return json_answer(openapi(doors, title=service.name, version=version("liteagent_nb"), schemas=known))

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_page(service, [*service.doors, *about]))

    about = [
        Door("GET", "/openapi.json", openapi_json, "This schema", {"type": "object"}, errors=(503,)),
        Door("GET", "/docs", docs, "The routes as a page", TEXT, media_type="text/html"),
    ]
    return about


def _page(service: Service, doors: Sequence[Door]) -> str:
    name = html.escape(service.name)
    rows = "".join(f"<tr><td>{door.method}<td><code>{door.path}</code><td>{html.escape(door.about)}" for door in doors)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>"
        "<style>body{font:1rem system-ui;margin:2rem}td{padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>{name}</h1><p>{html.escape(service.about)} The schema: <a href=openapi.json>openapi.json</a>."
        f"<table>{rows}</table></html>"
    )
