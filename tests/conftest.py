"""What many tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from liteagent_nb.models.embedded.weights import install_weights

if TYPE_CHECKING:
    from pathlib import Path

# By hand, examples are new each time; CI gives --hypothesis-seed. A failing one prints the line that brings it back.
settings.register_profile("liteagent", deadline=None, print_blob=True)
settings.load_profile("liteagent")


@pytest.fixture(scope="session")
def weights() -> Path:
    """Return the embedded model's weights, fetched once where they are missing."""
    return install_weights(print)
