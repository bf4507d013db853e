"""What many tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liteagent_nb.models.embedded.weights import install_weights

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def weights() -> Path:
    """Return the embedded model's weights, fetched once where they are missing."""
    return install_weights(print)
