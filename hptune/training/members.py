"""The trainings that one trial is the mean of: a fold or a seed each, and how far each of them is."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from hptune._files import appearing
from hptune.space import Values
from hptune.study.trial import Job, Objective, Outcome
from hptune.training.epoch_callback import OnEpoch
from hptune.training.preflight import Preflight

__all__ = ["Member", "MemberTrainer", "Report", "mean_curve", "pack", "unpack"]

Report = dict[str, float]


class MemberTrainer(Protocol):
    """Whatever trains one member."""

    def run(self, job: Job, on_epoch: OnEpoch) -> Outcome:
        """Train a job, calling `on_epoch(epochs so far, report)` after each epoch."""
        ...

    def preflight(self, values: Values) -> Preflight:
        """Try one batch; returns the metrics' names, and whether NumPy does as Keras."""
        ...


@dataclass(kw_only=True)
class Member:
    """One training of several."""

    name: str
    """fold 2, run 3, or both."""
    epochs: int = 0
    """Epochs it has had."""
    ended: bool = False
    """Its early stopping has ended it."""
    best: Report | None = None
    """What the best of its epochs reported."""
    ahead: list[Report] = field(default_factory=list)
    """What those of its epochs reported that not every member has had."""
    file: Path | None = None
    """Its own checkpoint."""

    def take(self, curve: Sequence[Mapping[str, float]], objective: Objective) -> None:
        """Take in the epochs that it has just been trained."""
        for report in curve:
            self.epochs += 1
            self.ahead.append(dict(report))
            value = report.get(objective.name)
            if value is None:
                continue
            if self.best is None or objective.better(value, self.best[objective.name]):
                self.best = dict(report)


def mean_curve(members: Sequence[Member], objective: Objective) -> list[Report]:
    """Take the epochs that every member has had from what is ahead; returns their means.

    A metric's mean is over all members, where all report it. The objective of each is kept beside
    it: val_accuracy[fold 2]. A member that its early stopping has ended counts with its best epoch
    from then on: those are the weights it has.
    """
    running = [len(member.ahead) for member in members if not member.ended]
    epochs = min(running) if running else max(len(member.ahead) for member in members)
    curve = []
    for i in range(epochs):
        reports = [m.ahead[i] if i < len(m.ahead) else m.best or {} for m in members]
        curve.append(_mean(reports) | _kept(members, reports, objective.name))
    for member in members:
        del member.ahead[:epochs]
    return curve


def _mean(reports: Sequence[Report]) -> Report:
    names = [name for name in reports[0] if all(name in report for report in reports)]
    return {name: _mean_of([report[name] for report in reports]) for name in names}


def _mean_of(values: Sequence[float]) -> float:
    # The mean of equal numbers, learning rates for example, is that number to the last bit.
    return values[0] if len(set(values)) == 1 else math.fsum(values) / len(values)


def _kept(members: Sequence[Member], reports: Sequence[Report], name: str) -> Report:
    return {f"{name}[{m.name}]": r[name] for m, r in zip(members, reports, strict=True) if name in r}


_STATE = "members.json"


def pack(path: Path, members: Sequence[Member], best: float | None) -> None:
    """Write all members and the best mean so far as one file, which appears whole or not at all."""
    state = {
        "best": best,
        "members": [{k: v for k, v in asdict(member).items() if k != "file"} for member in members],
    }
    with appearing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_STATE, json.dumps(state))
        for number, member in enumerate(members):
            if member.file is not None:
                archive.write(member.file, f"{number}.npz")


def unpack(path: Path, folder: Path) -> tuple[list[Member], float | None]:
    """Read what `pack` wrote; the members' own checkpoints go to `folder`."""
    with zipfile.ZipFile(path) as archive:
        state = json.loads(archive.read(_STATE))
        names = set(archive.namelist())
        members = []
        for number, fields in enumerate(state["members"]):
            inside = f"{number}.npz"
            file = Path(archive.extract(inside, folder)) if inside in names else None
            members.append(Member(**fields, file=file))
    return members, state["best"]
