"""Studies side by side: what the same budget bought, the best configurations, the ranges that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hptune._text import counted
from hptune.errors import StudyMismatchError, UsageError
from hptune.space import Space, Value
from hptune.space.describe import describe_range
from hptune.study import JobProgress, Study
from hptune.study.records import BATCHES
from hptune.study.trial import Objective, Trial

__all__ = ["Contender", "StudyComparison", "best_so_far", "compare"]

_BUDGETS = 10


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One study in a comparison."""

    name: str
    """Short and unlike the others': the folder's name, or its path where names are alike."""
    folder: Path
    data: str
    model: str
    oracle: str
    epochs: int
    """Epochs of a full training."""
    epochs_used: int
    """Epochs trained in all."""
    trials: int
    best: Trial | None
    space: Space
    """The ranges of its last pass."""
    steps: tuple[tuple[int, float], ...]
    """(epochs used, best score) wherever the best changed."""

    def at(self, epochs: int) -> float | None:
        """Return the best score that so many epochs bought; None where there was none, or fewer were used."""
        if epochs > self.epochs_used:
            return None
        found = [score for epochs_used, score in self.steps if epochs_used <= epochs]
        return found[-1] if found else None


@dataclass(frozen=True, kw_only=True)
class StudyComparison:
    """Two or more studies of one objective."""

    objective: Objective
    contenders: tuple[Contender, ...]
    warnings: tuple[str, ...]
    """Why scores may not compare."""

    @property
    def budgets(self) -> tuple[int, ...]:
        """Epochs to compare at: tenths of what all have used, and what each has used in all."""
        common = min((c.epochs_used for c in self.contenders if c.epochs_used), default=0)
        tenths = {round(common * i / _BUDGETS) for i in range(1, _BUDGETS + 1)}
        return tuple(sorted((tenths | {c.epochs_used for c in self.contenders}) - {0}))

    @property
    def names(self) -> tuple[str, ...]:
        """All hyperparameters, in the order in which the studies list them."""
        return tuple(dict.fromkeys(hp.name for c in self.contenders for hp in c.space))

    @property
    def best_values(self) -> dict[str, tuple[Value | None, ...]]:
        """The value of each hyperparameter in each study's best trial; None where it is not active."""
        found = {
            name: tuple(None if c.best is None else c.best.values.get(name) for c in self.contenders)
            for name in self.names
        }
        return {name: values for name, values in found.items() if any(v is not None for v in values)}

    @property
    def differing(self) -> dict[str, tuple[str | None, ...]]:
        """The ranges, as text, of hyperparameters whose ranges differ; None where a study has none."""
        found: dict[str, tuple[str | None, ...]] = {}
        for name in self.names:
            texts = tuple(describe_range(c.space[name]) if name in c.space else None for c in self.contenders)
            if len(set(texts)) > 1:
                found[name] = texts
        return found


def compare(studies: Sequence[Study]) -> StudyComparison:
    """Compare studies of one objective.

    Raises UsageError for fewer than two, StudyMismatchError where their objectives differ.
    """
    if len(studies) < 2:
        raise UsageError("compare needs two studies or more", hint="hptune compare STUDY STUDY …")
    goals = [study.identity.goal for study in studies]
    for study, goal in zip(studies, goals, strict=True):
        if goal != goals[0]:
            raise StudyMismatchError(
                f"{study.folder}: its objective is {goal.name} ({goal.direction}), that of"
                f" {studies[0].folder} is {goals[0].name} ({goals[0].direction}): their scores don't compare",
                hint="Compare studies of one objective.",
            )
    names = _names([study.folder for study in studies])
    contenders = tuple(_contender(study, name) for study, name in zip(studies, names, strict=True))
    return StudyComparison(objective=goals[0], contenders=contenders, warnings=_warnings(studies, names))


def best_so_far(stretches: Sequence[JobProgress], objective: Objective) -> tuple[tuple[int, float], ...]:
    """Return (epochs used, best score so far) wherever the best changes."""
    epochs_used = 0
    found: list[tuple[int, float]] = []
    for stretch in stretches:
        epochs_used += stretch.epochs
        if stretch.score is not None and (not found or objective.better(stretch.score, found[-1][1])):
            found.append((epochs_used, stretch.score))
    return tuple(found)


def _contender(study: Study, name: str) -> Contender:
    best = study.best(1)
    stretches = study.progress()
    passes = study.passes()
    return Contender(
        name=name,
        folder=study.folder,
        data=study.identity.data,
        model=study.identity.model,
        oracle=study.identity.oracle,
        epochs=study.identity.epochs,
        epochs_used=sum(s.epochs for s in stretches),
        trials=len(study.trials(curves=False)),
        best=best[0] if best else None,
        space=passes[-1].space if passes else Space(hyperparameters=()),
        steps=best_so_far(stretches, study.identity.goal),
    )


def _names(folders: Sequence[Path]) -> list[str]:
    short = [folder.name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _warnings(studies: Sequence[Study], names: Sequence[str]) -> tuple[str, ...]:
    """Say what else than the search differs between studies."""
    kinds: Mapping[str, list[str]] = {
        "rows": [study.identity.data_fingerprint for study in studies],
        "lengths of a full training": [counted(study.identity.epochs, "epoch") for study in studies],
    }
    found = []
    if any(study.identity.data_fingerprint.startswith(BATCHES) for study in studies):
        found.append("whether batches held the same rows is not known, so compare their scores with care")
    for what, values in kinds.items():
        if len(set(values)) > 1:
            listed = ", ".join(f"{n}: {v[:12]}" for n, v in zip(names, values, strict=True))
            found.append(
                f"they have different {what} ({listed}), so a better score may not mean a better search"
            )
    return tuple(found)
