"""One side of what `throughput.py` compares, run in a process of its own.

Every side trains the same configurations for the same epochs on the same rows and judges each
after every epoch. hptune's is its engine with its database and its checkpoints, fed the
configurations that Keras Tuner drew; what a suggestion costs is in neither.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

Plan = Mapping[str, Any]


@contextlib.contextmanager
def clock(into: dict[str, Any]) -> Iterator[None]:
    """Measure wall seconds, and CPU seconds of this process and its workers."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    into |= {"seconds": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, and of its children as far as the system tells."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + sum(_cpu_of(child) for child in _children())


def _children() -> list[Path]:
    own = Path("/proc/self/task")
    found = [(task / "children").read_text().split() for task in own.iterdir()]
    return [Path("/proc") / number for number in itertools.chain.from_iterable(found)]


def _cpu_of(process: Path) -> float:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / 100


def peak_megabytes() -> float:
    """Return the most memory that this process took, and the largest of its children beside it."""
    largest = [0.0]
    for child in _children():
        lines = (child / "status").read_text().splitlines()
        largest += [float(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 + max(largest)


def load(plan: Plan) -> tuple[Any, Any, Any]:
    """Return the subject, its data and its model."""
    from hptune.search.task import SearchTask
    from hptune.space.as_dict import space_from_dict

    space = None if plan["space"] is None else space_from_dict(plan["space"])
    task = SearchTask(data=plan["data"], model=plan["model"], space=space, epochs=plan["epochs"])
    return (task, *task.load())


# hptune


@dataclass
class Given:
    """Hands out given configurations, each to be trained to the end."""

    configurations: list[dict[str, Any]]
    epochs: int
    _next: Iterator[int] = field(default_factory=itertools.count)

    def begin_pass(self, number: int, space: Any, earlier: Any = ()) -> None: ...
    def started(self, job_id: int, trial_id: int) -> None: ...
    def report(self, job_id: int, state: Any, score: Any, **more: Any) -> None: ...

    def ask(self) -> Any:
        from hptune.oracles.searcher import NoSuggestion, Suggestion

        number = next(self._next)
        if number >= len(self.configurations):
            return NoSuggestion.EXHAUSTED
        values = self.configurations[number]
        return Suggestion(
            values=values,
            oracle_values=values,
            resumes=None,
            initial_epoch=0,
            epochs=self.epochs,
            memo=None,
            note="given",
        )


def ours(plan: Plan) -> dict[str, Any]:
    """Train given configurations with hptune: one at a time, or in several processes."""
    from hptune.study.trial import Direction, Objective

    task, dataset, model = load(plan)
    goal = Objective(name="val_accuracy", direction=Direction.MAX)
    configurations = plan["configurations"]
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        executor = _executor(plan, task, dataset, model, goal)
        # Imports, threads and memory are warm; graphs belong to an executor and are made anew.
        warm = [configurations[-1]] * max(1, plan["workers"])
        train(
            Path(folder) / "warm",
            plan,
            model,
            executor,
            [{**v, "dropout": 0.1 * i} for i, v in enumerate(warm)],
        )
        told["start"] = time.perf_counter() - began
        if plan["workers"] < 2:
            executor.close()
            executor = _executor(plan, task, dataset, model, goal)
        with clock(told):
            train(Path(folder) / "study", plan, model, executor, configurations)
        told["megabytes"] = peak_megabytes()
        executor.close()
        return told | read(Path(folder) / "study", told["seconds"] * max(1, plan["workers"]))


def _executor(plan: Plan, task: Any, dataset: Any, model: Any, goal: Any) -> Any:
    from hptune.executors.inline import InlineExecutor
    from hptune.executors.processes import ProcessesExecutor
    from hptune.search.task import load_trainer

    if plan["workers"] > 1:
        return ProcessesExecutor(partial(load_trainer, task, goal), workers=plan["workers"])
    trainer = task.trainer(dataset, model, goal)
    return InlineExecutor(trainer)


def train(folder: Path, plan: Plan, model: Any, executor: Any, configurations: list[Any]) -> None:
    """Train configurations through the engine, as a search does."""
    from hptune.search.engine import Engine
    from hptune.study import Identity, Study
    from hptune.study.trial import Direction

    identity = Identity(
        data=plan["data"],
        data_fingerprint="",
        model=plan["model"],
        model_fingerprint="",
        objective="val_accuracy",
        direction=Direction.MAX,
        epochs=plan["epochs"],
        oracle="given",
        seed=plan["seed"],
        settings={},
    )
    with Study.create(folder, identity) as study:
        study.open_pass(model.space(), proposal=None, origin="given")
        Engine(
            study=study,
            searcher=Given(configurations, plan["epochs"]),
            executor=executor,
            pass_ends=(10**9,),
            narrow=lambda space, trials: None,
        ).run()


def read(folder: Path, seconds: float) -> dict[str, Any]:
    """Return what a study says of its trials; `seconds` are those of all that trained."""
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as database:
        scores = [row[0] for row in database.execute("SELECT score FROM trials ORDER BY id")]
        timings = [json.loads(row[0]) for row in database.execute("SELECT timings FROM jobs")]
    parts: dict[str, float] = {}
    for trial in timings:
        for name, value in trial.items():
            parts[name] = parts.get(name, 0.0) + value / len(timings)
    parts["bookkeeping"] = seconds / len(timings) - sum(parts.values())
    return {"scores": scores, "parts": parts}
