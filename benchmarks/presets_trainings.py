"""Trains the same configurations of a recipe on many data sets, and keeps what each came to."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from presets_data import sources

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

__all__ = ["Candidate", "Table", "candidates", "gather", "train"]

Array = NDArray[np.float64]


SPLIT = 0
"""Random state of the one split of each data set."""
_SHAPE = ("optimizer", "units", "layers", "batch_size", "batch_normalization")
"""Configurations that share these train as one model."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One configuration, and where it was drawn from."""

    values: dict[str, Any]
    shape: int
    """Those of one shape share structure and steps; 0 for the defaults' own."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What every candidate came to on one data set, more is better."""

    data: str
    objective: str
    curves: Array
    """Best value up to each epoch, shape (candidates, epochs); −inf where it broke down."""
    cpu: float
    """CPU seconds it took."""


def candidates(recipe: str, *, shapes: int, each: int, rates: int) -> list[Candidate]:
    """Return the defaults, `rates` that differ from them in tier 1, and `each` draws of so many shapes.

    Both are what a search's first bracket draws from. A shape, which is structure and batch size,
    is drawn from all of the space as well, so that draws of different shapes are independent.
    """
    from hptune.space import Tier
    from hptune.space.files import ready_space

    space = ready_space(recipe)
    names = [hp.name for hp in space.searched]
    first = [hp.name for hp in space.searched if hp.tier is Tier.FIRST]
    found = [Candidate(values=space.defaults, shape=0)]

    def draw(point: Array) -> dict[str, Any]:
        return {name: space[name].at(float(unit)) for name, unit in zip(names, point, strict=True)}

    rng = np.random.default_rng(1)
    for point in spread(rates, len(names), rng):
        drawn = draw(point)
        found.append(Candidate(values=space.active({name: drawn[name] for name in first}), shape=0))
    own = [draw(point) for point in spread(shapes, len(names), rng)]
    for number, point in enumerate(spread(shapes * each, len(names), rng)):
        shape = number // each
        values = {**draw(point), **{name: own[shape][name] for name in _SHAPE if name in own[shape]}}
        found.append(Candidate(values=space.active(values), shape=shape + 1))
    return found


def spread(count: int, dimensions: int, rng: np.random.Generator) -> Array:
    """Return a Latin hypercube: points in the unit cube, each coordinate in a stratum of its own."""
    order = np.argsort(rng.random((count, dimensions)), axis=0)
    return (order + rng.random((count, dimensions))) / max(count, 1)


def gather(
    recipe: str, tried: list[Candidate], *, epochs: int, save: Path | None, only: int | None = None
) -> list[Table]:
    """Return each data set's table, of the first `only`; those in the file `save` are taken from there."""
    lines = save.read_text().splitlines() if save is not None and save.exists() else []
    asked = [recipe, epochs, [candidate.values for candidate in tried]]
    known = {line["data"]: line for line in map(json.loads, lines) if line["asked"] == asked}
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for name, source in list(sources(recipe, Path(folder)).items())[:only]:
            if name not in known:
                before = cpu_seconds()
                curves, objective = train(recipe, *source, asked[2], epochs=epochs)
                spent = cpu_seconds() - before
                known[name] = {"asked": asked, "data": name, "objective": objective, "cpu": spent}
                known[name]["curves"] = curves.tolist()
                if save is not None:
                    with save.open("a") as file:
                        file.write(json.dumps(known[name]) + "\n")
                print(f"{name}: {spent:.0f} CPU seconds", file=sys.stderr, flush=True)
            told = {key: known[name][key] for key in ("data", "objective", "cpu")}
            tables.append(Table(**told, curves=np.array(known[name]["curves"])))
    return tables


def train(
    recipe: str,
    source: str,
    share: float,
    values: list[dict[str, Any]],
    *,
    epochs: int,
) -> tuple[Array, str]:
    """Return best-so-far curves of configurations, (configurations, epochs), and the objective."""
    from hptune.search.task import SearchTask
    from hptune.study.trial import Job
    from hptune.training import resolve_objective

    task = SearchTask(data=source, validation=str(share), model=recipe, epochs=epochs, seed=SPLIT)
    dataset, model = task.load()
    reported = task.split_trainer(dataset, model, None).preflight(values[0]).reported
    objective = resolve_objective(None, reported, dataset.task)
    trainer = task.split_trainer(dataset, model, objective)
    jobs = [
        Job(id=i, trial_id=i, values=v, seed=1000 + i, initial_epoch=0, epochs=epochs)
        for i, v in enumerate(values, 1)
    ]
    outcomes = [trainer.run(job, lambda epoch, report: False) for job in jobs]
    curves = np.full((len(values), epochs), -np.inf)
    for row, outcome in zip(curves, outcomes, strict=True):
        told = [objective.sign * float(report[objective.name]) for report in outcome.curve]
        told = [value if np.isfinite(value) else -np.inf for value in told]
        row[: len(told)] = np.maximum.accumulate(told)
        row[len(told) :] = row[len(told) - 1] if told and outcome.state == "done" else -np.inf
    return curves, objective.name


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
