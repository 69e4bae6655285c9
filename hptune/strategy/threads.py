"""Linear algebra on one thread: for matrices this small, more of them cost many times more."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


@cache
def _linear_algebra() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # brings a library of its own, which must be there to be found

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra on one thread inside a `with` statement."""
    limiter: AbstractContextManager[Any] = _linear_algebra().limit(limits=1)
    return limiter
