"""Learning-rate decay: the learning rate of an epoch as a pure function of the epoch.

Epochs are counted from 0, so every schedule begins at the base rate (`list` at its first number).
A larger decay rate always decays faster, and 0 never decays:

    time         base / (1 + k·epoch)
    exponential  base · e^(−k·epoch)
    step         base · e^(−k·d·⌊epoch / d⌋): exponential, held for d epochs at a time
    sqrt         base / √(1 + k·epoch); k = 1 is 1/√epoch with epochs counted from 1
    cosine       base · (1 + cos(π·epoch / E)) / 2, E the epochs of a full training (arXiv 1608.03983)
    list         the numbers as written, the last one held
    none         base

k is decay_rate, d is drop_every.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from hptune.errors import SpaceError

__all__ = ["Decay", "Schedule", "read_rates"]

_ENTRY = re.compile(r"\s*(?P<rate>[^\s*]+)\s*(?:\*\s*(?P<times>\d+)\s*)?")


class Decay(StrEnum):
    """How the learning rate falls from epoch to epoch."""

    NONE = "none"
    TIME = "time"
    EXPONENTIAL = "exponential"
    STEP = "step"
    SQRT = "sqrt"
    COSINE = "cosine"
    LIST = "list"


_FORMULAS = {
    Decay.NONE: "{base}",
    Decay.TIME: "{base} / (1 + {k} * epoch)",
    Decay.EXPONENTIAL: "{base} * math.exp(-{k} * epoch)",
    Decay.STEP: "{base} * math.exp(-{k} * {d} * (epoch // {d}))",
    Decay.SQRT: "{base} / math.sqrt(1 + {k} * epoch)",
    Decay.COSINE: "{base} * (1 + math.cos(math.pi * min(epoch, {e}) / {e})) / 2",
    Decay.LIST: "{rates}[min(epoch, {last})]",
}
"""What a script says; `Schedule` itself evaluates the same text, so the two can't differ."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate of each epoch."""

    decay: Decay = Decay.NONE
    base: float
    """Learning rate of the first epoch, above 0."""
    rate: float = 0.0
    """k, at least 0."""
    every: int = 1
    """d, in epochs, at least 1."""
    span: int = 1
    """E, in epochs, at least 1."""
    rates: tuple[float, ...] = ()
    """For `list`: at least one, all above 0."""

    def __call__(self, epoch: int) -> float:
        """Return the learning rate of `epoch`, counted from 0."""
        return float(eval(self.formula, {"math": math, "epoch": int(epoch)}))

    @property
    def formula(self) -> str:
        """The learning rate as a Python expression of `epoch`, which may use `math`."""
        return _FORMULAS[self.decay].format(
            base=repr(self.base),
            k=repr(self.rate),
            d=self.every,
            e=self.span,
            rates=repr(list(self.rates)),
            last=len(self.rates) - 1,
        )

    def make(self) -> Schedule:
        """Return itself: it is what Keras calls."""
        return self

    def source(self) -> str:
        """Return a function of the epoch, for keras.callbacks.LearningRateScheduler."""
        return f"lambda epoch, rate=None: {self.formula}"


def read_rates(text: str) -> tuple[float, ...]:
    """Read a hand-written list: `0.1, 0.1, 0.01`, or shorter `0.1*2, 0.01`.

    Raises SpaceError where an entry is not a number above 0, or there is none.
    """
    rates: list[float] = []
    for entry in text.split(","):
        match = _ENTRY.fullmatch(entry)
        try:
            rate = float(match["rate"]) if match else math.nan
        except ValueError:
            rate = math.nan
        if match is None or not (math.isfinite(rate) and rate > 0):
            raise SpaceError(
                f"learning_rates: {entry.strip()!r} in {text!r} is not a learning rate above 0",
                hint='Write one per epoch, the last is held: "0.1, 0.1, 0.01", or shorter "0.1*2, 0.01".',
            )
        rates += [rate] * int(match["times"] or 1)
    if not rates:
        raise SpaceError(f"learning_rates: {text!r} lists no epoch")
    return tuple(rates)
