"""Wires: what a run is made of, with a cassette before it where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from liteagent_nb.assembly.making_models import Maker
from liteagent_nb.assembly.making_tools import Closing
from liteagent_nb.core.protocols import Invoker, Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.execution import Output
    from liteagent_nb.core.pictures import Picture
    from liteagent_nb.extras.caching.answers import AnswerCache

__all__ = ["Wires", "wired"]


@dataclass(frozen=True, slots=True)
class Wires:
    """What a run is made of."""

    model: Model
    tools: Invoker | None
    escalate_to: Model | None = None
    clock: Callable[[], float] | None = None
    close: Closing | None = None
    """Closes what was opened for this run alone."""


def wired(
    model: Maker,
    tools: Invoker | None,
    *,
    stronger: Maker | None = None,
    cassette: Cassette | None = None,
    close: Closing | None = None,
    cache: AnswerCache | None = None,
) -> Wires:
    """Return model and tools, made now; or with a *cassette* behind it, which makes them only where it must.

    Without a cassette, a *cache* may stand before the models.
    """
    models = [one.name for one in (model, stronger) if one is not None]
    if cassette is None or cassette.mode == "off":
        seen = None if tools is None else _seen(tools, models)
        first = _cached(model, cache).make()
        return Wires(first, seen, _cached(stronger, cache).make() if stronger else None, close=close)
    from liteagent_nb.cassettes.clock import TapeClock  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.cassettes.invokers import CassetteInvoker  # noqa: PLC0415
    from liteagent_nb.cassettes.models import CassetteModel  # noqa: PLC0415

    if cassette.mode == "record":  # it will be asked: what is wrong with it is said now
        made = model.make()
        model = Maker(model.name, lambda: made)
    clock = TapeClock()
    return Wires(
        CassetteModel(cassette, model.name, model.make, clock=clock),
        None if tools is None else CassetteInvoker(cassette, _seen(_listed(cassette, tools), models), clock=clock),
        CassetteModel(cassette, stronger.name, stronger.make, clock=clock) if stronger else None,
        clock,
        close,
    )


def _cached(model: Maker, cache: AnswerCache | None) -> Maker:
    """Return *model* behind *cache*, which makes it only where it must."""
    return model if cache is None else Maker(model.name, lambda: cache.before(model.name, model.make))


def _listed(cassette: Cassette, tools: Invoker) -> Invoker:
    """Return *tools*, of which those that ask for their lists do so only where *cassette* has none."""
    from liteagent_nb.cassettes.listings import with_recorded_list  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.tools.composite import CompositeInvoker  # noqa: PLC0415

    if isinstance(tools, CompositeInvoker):
        return tools.each(partial(_listed, cassette))
    return with_recorded_list(tools, cassette)


def _seen(tools: Invoker, models: Sequence[str]) -> Invoker:
    """Return *tools* with small copies of what they show, where one of *models* could see; only made ones are sure."""
    if all(name.startswith("local/") or name in {"dummy", "noop"} for name in models):
        return tools
    from liteagent_nb.tools.seeing import SeeingInvoker  # noqa: PLC0415 - loads when first wired

    return SeeingInvoker(tools, _pictures_of)


def _pictures_of(outputs: Sequence[Output]) -> tuple[Picture, ...]:
    from liteagent_nb.extras.images.showing import pictures_of  # noqa: PLC0415 - Pillow loads for the first picture

    return pictures_of(outputs)
