"""A learning curve, read as the tuning playbook reads it: what is wrong with it, and what to do.

Source: google-research/tuning_playbook, "Examining the training curves". The playbook names the patterns;
where to draw the line is ours: everything is measured against R, the improvement of the smoothed objective
over the whole curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptune.analysis.findings import PLAYBOOK, Finding, FindingKind, Severity
from hptune.space.describe import describe_value
from hptune.study.trial import Objective, Trial, TrialState

__all__ = ["judge_curve"]

Array = NDArray[np.float64]

_SHORTEST = 6
"""A shorter curve has no late part to judge."""
_FALL = 0.05
"""Overfitting: the smoothed objective falls by this part of R after its best."""
_SHAKE = 0.05
"""Unstable: the deviation around the late trend is this part of R."""
_RISE = 0.05
"""Still improving: the last quarter brings this part of R."""
_DONE = 0.99
"""Saturated: this part of R is reached in the first half."""
_BLOWN = 1.5
"""Diverged: the training loss ends this many times above its lowest, and above where it began."""
_CURVES = f"{PLAYBOOK}, Examining the training curves"


@dataclass(frozen=True)
class _Curve:
    """A curve with its usual figures; more is better in every array."""

    trial: Trial
    name: str
    sign: int
    values: Array
    """The objective per epoch, turned so that more is better; finite."""
    smooth: Array
    """Centred means over `window` epochs, shorter ones at the ends."""
    window: int
    gain: float
    """R: from the first value to the best smoothed one."""
    training: Array | None
    """The same metric on the training data, or the negated training loss."""
    training_name: str

    @property
    def epochs(self) -> int:
        return len(self.values)

    @property
    def peak(self) -> int:
        """Index of the best smoothed value."""
        return int(np.argmax(self.smooth))

    @property
    def noise(self) -> float:
        """Deviation of one epoch around the straight line through the last third."""
        late = self.values[-max(self.epochs // 3, 5) :]
        at = np.arange(len(late), dtype=np.float64)
        line = np.polyval(np.polyfit(at, late, 1), at)
        return float(math.sqrt(np.sum((late - line) ** 2) / (len(late) - 2)))

    def describe(self, value: float) -> str:
        """Say a turned value as it was reported."""
        return describe_value(self.sign * float(value))


def judge_curve(trial: Trial, objective: Objective) -> tuple[Finding, ...]:
    """Return what one trial's learning curve shows; nothing for a curve of fewer than 6 epochs.

    Diverged stands alone; otherwise any of: overfitting, unstable late, still improving, saturated early.
    """
    diverged = _diverged(trial, objective)
    if diverged is not None:
        return (diverged,)
    curve = _read(trial, objective)
    if curve is None or curve.gain <= 0:
        return ()
    rules: tuple[Callable[[_Curve], Finding | None], ...] = (_overfits, _shakes, _improves, _saturated)
    found = [finding for rule in rules if (finding := rule(curve)) is not None]
    kinds = {f.kind for f in found}
    # A curve that falls has saturated, too; the fall is what matters. One that still rises has not.
    hidden = FindingKind.SATURATED if kinds & {FindingKind.OVERFITTING, FindingKind.IMPROVING} else None
    return tuple(f for f in found if f.kind is not hidden)


def _column(trial: Trial, name: str) -> Array | None:
    """Return one metric per epoch, or None where an epoch lacks it."""
    if not trial.curve or not all(name in epoch for epoch in trial.curve):
        return None
    return np.array([float(epoch[name]) for epoch in trial.curve])


def _read(trial: Trial, objective: Objective) -> _Curve | None:
    raw = _column(trial, objective.name)
    if raw is None or len(raw) < _SHORTEST or not np.all(np.isfinite(raw)):
        return None
    values = objective.sign * raw
    window = max(3, math.ceil(len(values) / 10))
    smooth = _smoothed(values, window)
    name, sign = objective.name.removeprefix("val_"), objective.sign
    training = _column(trial, name) if name != objective.name else None
    if training is None:
        name, sign = "loss", -1
        training = _column(trial, name)
    if training is not None and not np.all(np.isfinite(training)):
        training = None
    return _Curve(
        trial=trial,
        name=objective.name,
        sign=objective.sign,
        values=values,
        smooth=smooth,
        window=window,
        gain=float(smooth.max() - values[0]),
        training=None if training is None else _smoothed(sign * training, window),
        training_name=name,
    )


def _smoothed(values: Array, window: int) -> Array:
    """Return centred means over `window` values; fewer at the ends."""
    ones = np.ones(window)
    return np.asarray(
        np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same"), dtype=np.float64
    )


def _diverged(trial: Trial, objective: Objective) -> Finding | None:
    about = {"trials": (trial.id,), "source": f"{_CURVES}: training loss that increases"}
    act = "Lower the learning rate, warm it up, or clip gradients."
    for name in (objective.name, "loss"):
        column = _column(trial, name)
        bad = None if column is None else np.nonzero(~np.isfinite(column))[0]
        if bad is not None and len(bad):
            return Finding(
                kind=FindingKind.DIVERGED,
                severity=Severity.WARNING,
                sentence=f"trial {trial.id}: {name} is not a number from epoch {bad[0] + 1} on",
                action=act,
                figures={"epoch": int(bad[0]) + 1, "metric": name},
                **about,  # type: ignore[arg-type]
            )
    loss = _column(trial, "loss")
    if loss is None or len(loss) < 3:
        return None
    lowest, first, last = int(np.argmin(loss)), float(loss[0]), float(np.mean(loss[-2:]))
    if not (last > first and last > _BLOWN * max(float(loss[lowest]), 0.0) and last > loss[lowest]):
        return None
    return Finding(
        kind=FindingKind.DIVERGED,
        severity=Severity.WARNING,
        sentence=f"trial {trial.id}: the training loss rose from {describe_value(float(loss[lowest]))} "
        f"(epoch {lowest + 1}) to {describe_value(last)}, above the {describe_value(first)} of epoch 1",
        action=act + " A rising training loss can also be a bug in the training code.",
        figures={"lowest": float(loss[lowest]), "epoch": lowest + 1, "last": last, "first": first},
        **about,  # type: ignore[arg-type]
    )


def _finding(
    curve: _Curve, kind: FindingKind, severity: Severity, sentence: str, action: str, **figures: float
) -> Finding:
    return Finding(
        kind=kind,
        severity=severity,
        sentence=f"trial {curve.trial.id} {sentence}",
        action=action,
        figures={**figures, "epochs": curve.epochs, "gain": curve.gain},
        trials=(curve.trial.id,),
        source=_CURVES,
    )


def _overfits(curve: _Curve) -> Finding | None:
    """The objective falls after its best while training goes on to improve."""
    end, peak = float(np.mean(curve.values[-curve.window :])), float(curve.smooth[curve.peak])
    fall = peak - end
    # The mean of a window has less noise than one epoch; two such means are compared.
    luck = 2 * curve.noise * math.sqrt(2 / curve.window)
    if curve.epochs - 1 - curve.peak < curve.window or fall < max(_FALL * curve.gain, luck):
        return None
    training = ""
    if curve.training is not None:
        if curve.training[-1] < curve.training[curve.peak]:
            return None
        training = f" while {curve.training_name} still improved"
    return _finding(
        curve,
        FindingKind.OVERFITTING,
        Severity.ADVICE,
        f"overfits: {curve.name} went from {curve.describe(peak)} about epoch {curve.peak + 1} to "
        f"{curve.describe(end)} at the end{training} (means over {curve.window} epochs)",
        "Add regularisation (dropout, weight decay, label smoothing, augmentation) and tune it.",
        peak=curve.sign * peak,
        peak_epoch=curve.peak + 1,
        end=curve.sign * end,
    )


def _shakes(curve: _Curve) -> Finding | None:
    """Late epochs differ by luck as much as configurations may."""
    steps = np.diff(np.unique(curve.values))
    # An accuracy moves in steps of one example: less than the smallest step seen is no noise.
    least = float(steps.min()) if len(steps) else 0.0
    if curve.epochs < 2 * _SHORTEST or curve.noise < max(_SHAKE * curve.gain, least):
        return None
    noise = describe_value(float(f"{curve.noise:.2g}"))
    return _finding(
        curve,
        FindingKind.UNSTABLE,
        Severity.ADVICE,
        f"is unstable late: {curve.name} varies by ±{noise} from epoch to epoch "
        f"over the last third, {curve.noise / curve.gain:.0%} of all it gained",
        "Let the learning rate decay, take a larger batch or more validation data, or average the weights.",
        noise=curve.noise,
    )


def _improves(curve: _Curve) -> Finding | None:
    """The last quarter still brought much."""
    quarter = max(curve.epochs // 4, 2)
    if curve.peak < curve.epochs - quarter:
        # It only comes back from a dip to where it was.
        return None
    before = float(np.mean(curve.values[-quarter - curve.window : -quarter]))
    rise = float(np.mean(curve.values[-curve.window :])) - before
    luck = 2 * curve.noise * math.sqrt(2 / curve.window)
    if rise < max(_RISE * curve.gain, luck):
        return None
    left = curve.trial.state is TrialState.PAUSED
    return _finding(
        curve,
        FindingKind.IMPROVING,
        Severity.INFO if left else Severity.ADVICE,
        f"still improved{' when it was stopped' if left else ''}: "
        f"the last {quarter} of {curve.epochs} epochs brought {rise / curve.gain:.0%} of all that "
        f"{curve.name} gained",
        "Train longer (--epochs) and tune the learning-rate decay again, which depends on the length.",
        rise=rise,
    )


def _saturated(curve: _Curve) -> Finding | None:
    """Nearly everything was reached in the first half."""
    reached = int(np.argmax(curve.smooth >= curve.values[0] + _DONE * curve.gain)) + 1
    if curve.epochs < 2 * _SHORTEST or 2 * reached > curve.epochs:
        return None
    return _finding(
        curve,
        FindingKind.SATURATED,
        Severity.INFO,
        f"saturated early: {curve.name} had {_DONE:.0%} of all it gained "
        f"by epoch {reached} of {curve.epochs}",
        f"About {math.ceil(1.5 * reached)} epochs would do (--epochs), which buys more configurations.",
        reached=reached,
    )
