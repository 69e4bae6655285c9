"""Checks the gradient by one variable: along several lines through where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import to_array
from hptune.check.differences import Agreement, DerivativeComparison, compare, step_size
from hptune.check.report import CheckVerdict

__all__ = ["TensorCheck", "check_tensor"]


@dataclass(frozen=True, kw_only=True)
class TensorCheck:
    """The result for one variable."""

    name: str
    size: int
    directions: int
    """Lines that were tried."""
    kinks: int
    """Of them, those set aside because the function has a kink there."""
    small: int
    """Of them, those along which nothing changes enough to be measured."""
    error: float
    """Largest relative error of those that count."""
    analytic: float = 0.0
    numeric: float = 0.0
    """Both derivatives where the error is largest."""
    disconnected: bool = False
    """Automatic differentiation finds no way from the variable to the result."""
    verdict: CheckVerdict

    @property
    def counted(self) -> int:
        """Lines that say something."""
        return self.directions - self.kinks - self.small


def check_tensor(
    name: str,
    variable: Any,
    gradient: NDArray[Any] | None,
    value: Callable[[], float],
    *,
    directions: int,
    rng: np.random.Generator,
) -> TensorCheck:
    """Check `gradient`, that of `value` by `variable`, along so many lines; the variable is put back.

    The lines are the gradient's own, some at random through all coordinates, and some along one
    coordinate: those where the gradient is largest, and any. All have length 1.
    """
    base = to_array(variable).astype(np.float64)
    at_zero = value()
    scale = float(np.sqrt(np.mean(base**2))) if base.size else 1.0
    claimed = np.zeros_like(base) if gradient is None else gradient.astype(np.float64)
    found: list[DerivativeComparison] = []

    try:
        for line in _lines(claimed, directions, rng):

            def along(t: float, line: NDArray[np.float64] = line) -> float:
                variable.assign(base + t * line)
                return value()

            slope = float(np.sum(claimed * line))
            found.append(compare(along, at_zero, slope, step=step_size(scale)))
    finally:
        variable.assign(base)
    return _summed_up(name, base.size, found, disconnected=gradient is None)


def _lines(
    gradient: NDArray[np.float64], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Give the directions, the most informative first."""
    length = float(np.linalg.norm(gradient))
    if np.isfinite(length) and length > 0:
        yield gradient / length
        count -= 1
    if gradient.size == 1:
        yield np.ones_like(gradient)
        return
    single = count // 2
    for _ in range(count - single):
        line = rng.standard_normal(gradient.shape)
        yield line / np.linalg.norm(line)
    largest = np.argsort(-np.abs(gradient), axis=None)[: single // 2]
    others = rng.choice(gradient.size, size=min(single - len(largest), gradient.size), replace=False)
    for place in dict.fromkeys([*largest.tolist(), *others.tolist()]):
        line = np.zeros(gradient.size)
        line[place] = 1.0
        yield line.reshape(gradient.shape)


def _summed_up(name: str, size: int, found: list[DerivativeComparison], *, disconnected: bool) -> TensorCheck:
    aside = (Agreement.KINK, Agreement.SMALL)
    counted = [c for c in found if c.agreement not in aside]
    most = max(counted, key=lambda c: c.error, default=None)
    kinks = sum(c.agreement is Agreement.KINK for c in found)
    kinds = {c.agreement for c in counted}
    if Agreement.DIFFERS in kinds:
        verdict = CheckVerdict.WRONG
    elif Agreement.DOUBTFUL in kinds or disconnected or (not counted and kinks):
        verdict = CheckVerdict.WARNING
    else:
        verdict = CheckVerdict.FINE if counted else CheckVerdict.SKIPPED
    return TensorCheck(
        name=name,
        size=size,
        directions=len(found),
        kinks=kinks,
        small=sum(c.agreement is Agreement.SMALL for c in found),
        error=most.error if most else 0.0,
        analytic=most.analytic if most else 0.0,
        numeric=most.numeric if most else 0.0,
        disconnected=disconnected,
        verdict=verdict,
    )
