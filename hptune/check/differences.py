"""Is a derivative right? Central differences along a line, which separates kinks from mistakes.

With f the function along a line, t the way along it and h a step,

    central    (f(h) − f(−h)) / 2h      wrong by f‴·h²/6 and by rounding, about ε·|f|/h
    one-sided  (f(h) − f(0)) / h  and  (f(0) − f(−h)) / h

h = ε^(1/3) · scale makes both errors of the central difference about the same (Press et al.,
Numerical Recipes, 3rd edition, section 5.7, eq. 5.7.8), ε being the machine epsilon of float64. How far off
is wrong: |a − n| / max(|a|, |n|) of 1e-7 is fine, 1e-4 is fine where there are kinks, above 1e-2
is wrong (Stanford CS231n, notes on neural networks 3, "Gradient checks").

A kink, as relu has at 0, lies between −h and h: there the one-sided slopes differ, and go on to
differ as the step shrinks, while those of a smooth function close up in proportion to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DOUBTFUL", "WRONG", "Agreement", "DerivativeComparison", "compare", "step_size"]

DOUBTFUL = 1e-4
"""Relative error above which something may be wrong."""
WRONG = 1e-2
"""Relative error above which the derivative is wrong."""

_EPSILON = 2.0**-52
"""ε of float64, in which everything is computed here."""
_ROUNDINGS = 16.0
"""Roundings, in units of ε, that a value is taken to have gone through."""
_REFINEMENTS = 4
"""Steps that are tried: h, h/10, h/100, h/1000."""
_RELIABLE = 1e-3
"""A step counts only while its rounding error is below this share of the derivative."""


class Agreement(StrEnum):
    """The result of comparing two derivatives."""

    AGREES = "agrees"
    SMALL = "too small"
    """Too small for their difference to be distinguished from rounding."""
    KINK = "kink"
    """The function has a kink here: nothing can be said."""
    DOUBTFUL = "doubtful"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class DerivativeComparison:
    """An analytic derivative beside a numeric one."""

    agreement: Agreement
    analytic: float
    numeric: float
    error: float
    """|a − n| / max(|a|, |n|), at the step that says most; 0 where both are too small."""


@dataclass(frozen=True, kw_only=True)
class _Slopes:
    """Differences at one step."""

    central: float
    jump: float
    """How far the one-sided slopes are apart."""
    noise: float
    """Rounding error of a slope."""


def step_size(scale: float) -> float:
    """Return ε^(1/3) · scale, at least with the scale 1."""
    return float(_EPSILON ** (1 / 3) * max(1.0, scale))


def compare(
    function: Callable[[float], float], at_zero: float, analytic: float, *, step: float
) -> DerivativeComparison:
    """Compare `analytic` with the differences of `function` at 0, at this step, and smaller ones if need be.

    `at_zero` is function(0), `step` is h. Two evaluations where they agree, at most eight where they don't.
    """
    before: _Slopes | None = None
    best: DerivativeComparison | None = None
    for refinement in range(_REFINEMENTS):
        slopes = _slopes(function, at_zero, step / 10**refinement)
        if not math.isfinite(slopes.central):
            continue
        found = _judge(analytic, slopes, before)
        if found.agreement in (Agreement.AGREES, Agreement.SMALL) and (
            refinement == 0 or _is_reliable(slopes, found)
        ):
            return found
        if best is None or (_is_reliable(slopes, found) and _is_more_informative(found, best)):
            best = found
        before = slopes
    if best is None:
        return DerivativeComparison(
            agreement=Agreement.DIFFERS, analytic=analytic, numeric=math.nan, error=math.inf
        )
    return best


def _slopes(function: Callable[[float], float], at_zero: float, step: float) -> _Slopes:
    ahead, behind = function(step), function(-step)
    size = max(abs(ahead), abs(behind), abs(at_zero))
    return _Slopes(
        central=(ahead - behind) / (2 * step),
        jump=abs((ahead - at_zero) / step - (at_zero - behind) / step),
        noise=_ROUNDINGS * _EPSILON * size / step,
    )


def _judge(analytic: float, slopes: _Slopes, before: _Slopes | None) -> DerivativeComparison:
    numeric = slopes.central
    apart, size = abs(analytic - numeric), max(abs(analytic), abs(numeric))
    error = apart / size if size > 0 else 0.0
    if not math.isfinite(analytic):
        error = math.inf
    if size <= slopes.noise:
        agreement, error = Agreement.SMALL, 0.0
    elif error <= DOUBTFUL:
        agreement = Agreement.AGREES
    elif apart <= slopes.noise:
        agreement = Agreement.SMALL
    elif _is_kink(apart, slopes, before):
        agreement = Agreement.KINK
    else:
        agreement = Agreement.DIFFERS if error > WRONG else Agreement.DOUBTFUL
    return DerivativeComparison(agreement=agreement, analytic=analytic, numeric=numeric, error=error)


def _is_kink(apart: float, slopes: _Slopes, before: _Slopes | None) -> bool:
    """Return whether the one-sided slopes differ enough to explain it, and did not close up.

    Only a second, smaller step tells a kink from a curve.
    """
    if before is None or slopes.jump <= 4 * slopes.noise:
        return False
    return slopes.jump >= 0.5 * apart and slopes.jump > 0.3 * before.jump


def _is_reliable(slopes: _Slopes, found: DerivativeComparison) -> bool:
    return slopes.noise <= _RELIABLE * max(abs(found.analytic), abs(found.numeric))


def _is_more_informative(found: DerivativeComparison, best: DerivativeComparison) -> bool:
    """A kink that was seen explains what larger steps could not; else the smaller error counts."""
    if found.agreement is Agreement.KINK or best.agreement is Agreement.KINK:
        return found.agreement is Agreement.KINK
    return found.error < best.error
