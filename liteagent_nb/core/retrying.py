"""Which failures of a model may pass by themselves."""

from __future__ import annotations

from liteagent_nb.core.errors import ModelError

__all__ = ["TOO_MANY", "is_quota", "is_worth_retrying"]

TOO_MANY, _SERVER_ERROR = 429, 500


def is_worth_retrying(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if not isinstance(error, ModelError):
        return False
    if error.status is None:
        return True
    return error.status >= _SERVER_ERROR or (error.status == TOO_MANY and not is_quota(str(error)))


def is_quota(text: str) -> bool:
    """Whether a refusal says that nothing is left, which waiting does not mend."""
    return "insufficient_quota" in text or "exceeded your current quota" in text
