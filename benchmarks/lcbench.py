"""LCBench, learned: what a perceptron trained with SGD reaches, answered by YAHPO Gym's surrogate.

The file is `lcbench/model.onnx` of the repository slds-lmu/yahpo_data (Apache-2.0). Tasks that it
answers with NaN are left out. Regret R1 = (best − found) / (best − median of random trainings);
R2 = max(0, (q − found) / (q − median)) with q the 0.9995 quantile of random trainings, which is
kinder to corners where the surrogate may extrapolate.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hptune.space import Float, Hyperparameter, Integer, Number, Space, Tier
from hptune.space.scales import Scale, from_unit
from hptune.study.trial import Job, Outcome, OutcomeState

EPOCHS = 52
OBJECTIVE = "val_accuracy"
CODES = {
    3945: 34, 34539: 33, 126026: 2, 146212: 4, 167149: 7, 167161: 9, 167181: 11, 167185: 13, 167200: 15,
    168329: 17, 168331: 19, 168868: 21, 168910: 23, 189862: 25, 189866: 27, 189905: 29, 189908: 31,
}  # fmt: skip
"""OpenML task → its code in the surrogate's input. Others can be added by the command line."""
NAMES = (
    "batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout",
)  # fmt: skip


def space(*, mid_defaults: bool = False, declared_axes: bool = False) -> Space:
    """Return the benchmark's ranges with a practitioner's defaults, or with the middle of each range.

    Weight decay is on a log axis; the benchmark itself declares it linear (`declared_axes`).
    """
    usual = dict(zip(NAMES, (64, 1e-2, 0.9, 1e-4, 3, 256, 0.2), strict=True))
    default: dict[str, Any] = dict.fromkeys(NAMES) if mid_defaults else usual
    decay = Scale.LINEAR if declared_axes else Scale.LOG

    def integer(name: str, low: int, high: int, scale: Scale, tier: Tier) -> Integer:
        return Integer(name=name, low=low, high=high, scale=scale, tier=tier, default=default[name])

    def real(name: str, low: float, high: float, scale: Scale, tier: Tier) -> Float:
        return Float(name=name, low=low, high=high, scale=scale, tier=tier, default=default[name])

    return Space(
        name="lcbench",
        hyperparameters=(
            integer("batch_size", 16, 512, Scale.LOG, Tier.SECOND),
            real("learning_rate", 1e-4, 1e-1, Scale.LOG, Tier.FIRST),
            real("momentum", 0.1, 0.99, Scale.LINEAR, Tier.SECOND),
            real("weight_decay", 1e-5, 1e-1, decay, Tier.UNRANKED),
            integer("num_layers", 1, 5, Scale.LINEAR, Tier.THIRD),
            integer("max_units", 64, 1024, Scale.LOG, Tier.SECOND),
            real("max_dropout", 0.0, 1.0, Scale.LINEAR, Tier.UNRANKED),
        ),
    )


class Surrogate:
    """The surrogate, asked for validation accuracies in percent."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options)

    def accuracies(self, code: int, epochs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return accuracies after `epochs` (n,) at `rows` (n, 7) in physical units; NaN if kept apart."""
        inputs = {
            "x_cat": np.full((len(rows), 1), code, dtype=np.int32),
            "x_cont": np.column_stack([epochs, rows]).astype(np.float32),
        }
        output = self._session.run(None, inputs)[0][:, 1]
        return np.clip(np.asarray(output, dtype=np.float64), 0.0, 100.0)

    def answers(self, code: int) -> bool:
        """Tell whether a task is in the file."""
        row = np.array([[64, 1e-2, 0.9, 1e-4, 3, 256, 0.2]])
        return bool(np.isfinite(self.accuracies(code, np.array([EPOCHS]), row)).all())


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a task's regrets are measured against, in percent."""

    best: float
    median_random: float
    q9995: float

    def r1(self, found: float | None) -> float:
        return 1.0 if found is None else (self.best - found) / (self.best - self.median_random)

    def r2(self, found: float | None) -> float:
        if found is None:
            return 1.0
        return max(0.0, (self.q9995 - found) / (self.q9995 - self.median_random))


def read_references(
    surrogate: Surrogate, codes: Mapping[int, int], path: Path | None
) -> dict[int, Reference]:
    """Return the reference of each task that answers: read from `path`, else computed (seconds each)."""
    told = {} if path is None else json.loads(path.read_text())
    references = {}
    for task, code in codes.items():
        if not surrogate.answers(code):
            continue
        known = told.get(str(task))
        if known is None:
            references[task] = _compute_reference(surrogate, code)
        else:
            references[task] = Reference(
                best=known["best"], median_random=known["median_random"], q9995=known["q9995"]
            )
    return references


def _drawn(hp: Hyperparameter, units: np.ndarray) -> np.ndarray:
    """Return values at `units`, every whole number of an integer's range as likely as its scale says."""
    assert isinstance(hp, Number)
    if isinstance(hp, Integer):
        return np.clip(np.round(from_unit(hp.scale, hp.low - 0.5, hp.high + 0.5, units)), hp.low, hp.high)
    return hp.from_units(units)


def _compute_reference(surrogate: Surrogate, code: int, draws: int = 200_000) -> Reference:
    """Return quantiles of random trainings, and the best of them after a local refinement."""
    rng = np.random.default_rng([code])
    units = rng.random((draws, len(NAMES)))

    def accuracies(at: np.ndarray) -> np.ndarray:
        columns = [_drawn(hp, at[:, i]) for i, hp in enumerate(space(declared_axes=True))]
        return surrogate.accuracies(code, np.full(len(at), EPOCHS), np.column_stack(columns))

    values = accuracies(units)
    top = units[np.argsort(-values)[:20]]
    best = float(values.max())
    for spread in (0.1, 0.05, 0.02, 0.01, 0.005) * 4:
        near = np.repeat(top, 200, axis=0)
        moved = rng.random(near.shape) < 0.5
        near = np.clip(near + np.where(moved, rng.normal(size=near.shape) * spread, 0.0), 0.0, 1.0)
        near = np.concatenate([top, near])
        found = accuracies(near)
        top = near[np.argsort(-found)[:20]]
        best = max(best, float(found.max()))
    middle, high = np.quantile(values, [0.5, 0.9995])
    return Reference(best=best, median_random=float(middle), q9995=float(high))


@dataclass
class Trainer:
    """Stands in for training: answers jobs of one task, and writes down what each has cost.

    Going on with a trial costs the new epochs only.
    """

    surrogate: Surrogate
    code: int
    """The task's."""
    noise: float = 0.0
    """Standard deviation of each observed accuracy, in percent."""
    seed: int = 0
    spent: int = 0
    """Epochs so far."""
    finished: list[tuple[int, float, float]] = field(default_factory=list)
    """Per full training: the epochs spent by then, the accuracy observed, the true one."""

    def curve(self, values: Mapping[str, Any], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Return observed and true accuracies after the epochs first..last (from 1)."""
        epochs = np.arange(first, last + 1)
        row = [float(values[name]) for name in NAMES]
        true = self.surrogate.accuracies(self.code, epochs, np.tile(row, (len(epochs), 1)))
        if self.noise == 0:
            return true, true
        # The same training repeated gives the same curve, however it is cut into legs.
        key = zlib.crc32(json.dumps(row).encode())
        errors = np.random.default_rng([self.seed, self.code, key]).normal(size=EPOCHS)
        return np.clip(true + self.noise * errors[epochs - 1], 0.0, 100.0), true

    def run(self, job: Job) -> Outcome:
        """Answer a job as an executor would."""
        observed, true = self.curve(job.values, job.initial_epoch + 1, job.epochs)
        self.spent += len(observed)
        if job.epochs == EPOCHS:
            self.finished.append((self.spent, float(observed[-1]), float(true[-1])))
        return Outcome(
            job_id=job.id,
            state=OutcomeState.DONE,
            curve=tuple({OBJECTIVE: float(value)} for value in observed),
            seconds=0.0,
        )

    def found(self, trainings: float) -> float | None:
        """Return the true accuracy of the full training that looked best within that many trainings' cost."""
        paid = [(seen, true) for spent, seen, true in self.finished if spent <= trainings * EPOCHS]
        return max(paid)[1] if paid else None
