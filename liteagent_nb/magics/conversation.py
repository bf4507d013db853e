"""The conversation of a notebook: what was said so far, over all cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Transcript, Usage
from liteagent_nb.core.pictures import with_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.pictures import Picture
    from liteagent_nb.core.steps import Run

__all__ = ["Conversation"]


class Conversation:
    """Keeps the transcript between cells; valid after an interrupt or an error, too."""

    def __init__(self, transcript: Transcript = Transcript()) -> None:  # noqa: B008 - frozen
        self.transcript = transcript
        self.run: Run | None = None
        """The last run, however it ended."""
        self.questions = 0
        self.usage = Usage()

    def asked(
        self, task: str, *, pictures: Sequence[Picture] = (), system: str = "", is_fresh: bool = False
    ) -> Transcript:
        """Return the transcript with *task* at its end; *system* replaces what the model was told at the beginning."""
        earlier = () if is_fresh else self.transcript.messages
        if system:
            others = (message for message in earlier if message.get("role") != "system")
            earlier = ({"role": "system", "content": system}, *others)
        content = with_pictures(task, [picture.url for picture in pictures])
        return Transcript(earlier).extended([{"role": "user", "content": content}])

    def keep(self, run: Run) -> None:
        """Go on from *run*."""
        self.transcript = run.transcript
        self.run = run
        self.questions += 1
        self.usage += run.usage
