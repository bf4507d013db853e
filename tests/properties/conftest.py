"""The checks of the other files here are told in full where they fail."""

import pytest

pytest.register_assert_rewrite("checks", "leaks", "scenes")
