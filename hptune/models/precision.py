"""Keras's precision, which is one for the process: each build begins with what the user's file set.

Keras forgets a policy set by the file whenever a session is cleared, and keeps one set by a build for the
next model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from hptune.models.backend import keras

__all__ = ["Precision", "building_in", "computing_in", "in_precision_of_now", "precision_kept"]


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What new layers compute in."""

    floatx: str
    policy: Any
    """keras.DTypePolicy; None for that of floatx."""

    @classmethod
    def now(cls) -> Precision:
        """Return what is set."""
        return cls(floatx=keras.config.floatx(), policy=keras.config.dtype_policy())

    def restore(self) -> None:
        """Set it again."""
        keras.config.set_floatx(self.floatx)
        keras.config.set_dtype_policy(self.floatx if self.policy is None else self.policy)

    @property
    def is_plain(self) -> bool:
        """Whether it is Keras's own, float32 for everything."""
        return self.floatx == "float32" and getattr(self.policy, "name", "float32") == "float32"


_wanted: list[Precision] = []
"""What `computing_in` asks for; empty outside it."""
_changed: list[Precision] = []
"""What was set before the first build, which may have changed it; empty where nothing was built."""


@contextmanager
def computing_in(floatx: str) -> Iterator[None]:
    """Let everything that Keras makes meanwhile be of this type, but what a user's file has otherwise."""
    before = Precision.now()
    _wanted.append(Precision(floatx=floatx, policy=None))
    _wanted[-1].restore()
    try:
        yield
    finally:
        _wanted.pop()
        before.restore()


def in_precision_of_now(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a build that begins in the precision that is set now, whatever is set later."""
    wanted = Precision.now()

    @wraps(build)
    def built(hp: Any) -> Any:
        wanted.restore()
        return build(hp)

    return built


@contextmanager
def precision_kept() -> Iterator[None]:
    """Set the precision again that was set before: each session that is cleared forgets it."""
    before = Precision.now()
    try:
        yield
    finally:
        before.restore()


def building_in(
    load: Callable[[], Any],
) -> tuple[Any, Callable[[Callable[[Any], Any]], Callable[[Any], Any]]]:
    """Run `load`, which runs a user's file; returns what it does, and what to decorate a build with.

    The build then begins in the precision that the file left, whatever another one left meanwhile.
    """
    if _changed:
        Precision(floatx=_changed[0].floatx, policy=None).restore()
    found, left = load(), Precision.now()

    def decorate(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @wraps(build)
        def built(hp: Any) -> Any:
            _changed[:] = [left]
            (_wanted[-1] if _wanted and left.is_plain else left).restore()
            return build(hp)

        return built

    return found, decorate
