"""Seconds per trial: configurations of one structure trained together beside one after the other.

    python benchmarks/stack.py            some minutes on two cores
    python benchmarks/stack.py --quick    one turn of three epochs, for a first look

Both sides train the same configurations of the recipe mlp in one process and take turns, so that
a busy machine is busy for both. One after the other, configurations that differ in dropout or
momentum need a graph each; together they share one, which is made before the clock starts.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DATA = "digits"
ALONE_AT_MOST = 4
"""Trials of a turn that are trained one after the other; more take the same time each."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one turn of three epochs")
    parser.add_argument("--dropout", type=float, default=0.0, help="largest dropout rate")
    arguments = parser.parse_args()
    epochs, turns = (3, 1) if arguments.quick else (20, 3)
    print(f"{DATA}, mlp, {epochs} epochs, medians of {turns} turn{'s' if turns > 1 else ''}\n")
    columns = f"{'units':>5}{'batch':>7}{'K':>4}{'together s/trial':>18}{'CPU s':>7}"
    print(f"{columns}{'alone':>8}{'CPU s':>7}{'ratio':>7}")
    bench = Bench(epochs, arguments.dropout)
    for units in (64, 256):
        for batch_size in (32, 128):
            for count in (1, 4, 16):
                show(units, batch_size, count, bench.measure(units, batch_size, count, turns))


class Bench:
    """Both sides, in this process."""

    def __init__(self, epochs: int, dropout: float) -> None:
        from hptune.data import load_dataset
        from hptune.models import load_model
        from hptune.space import Space
        from hptune.train import Trainer
        from hptune.trial import Direction, Objective

        self.epochs, self.dropout = epochs, dropout
        self.dataset = load_dataset(DATA)
        self.model = load_model("mlp", self.dataset, space=Space(hyperparameters=()))
        self.objective = Objective(name="val_accuracy", direction=Direction.MAX)
        self.trainer = Trainer(self.dataset, self.model, self.objective)

    def measure(
        self, units: int, batch_size: int, count: int, turns: int
    ) -> dict[str, list[tuple[float, float]]]:
        """Return wall and CPU seconds per trial of each turn and side."""
        from hptune.executors.stacked import StackedExecutor

        executor = StackedExecutor(self.trainer, self.dataset, self.model, self.objective, most=count)
        found: dict[str, list[tuple[float, float]]] = {"together": [], "alone": []}
        with tempfile.TemporaryDirectory() as folder:
            warm = self.jobs(units, batch_size, count, 0, folder, epochs=1)
            self.together(executor, warm)
            self.alone(warm[:1])
            for turn in range(1, turns + 1):
                jobs = self.jobs(units, batch_size, count, turn, folder, epochs=self.epochs)
                found["together"].append(timed(lambda jobs=jobs: self.together(executor, jobs), count))
                few = jobs[:ALONE_AT_MOST]
                found["alone"].append(timed(lambda few=few: self.alone(few), len(few)))
        return found

    def jobs(
        self, units: int, batch_size: int, count: int, turn: int, folder: str, *, epochs: int
    ) -> list[Any]:
        from hptune.trial import Job

        rng = np.random.default_rng([units, batch_size, turn])
        return [
            Job(
                id=number,
                trial_id=number,
                values={
                    "units": units,
                    "batch_size": batch_size,
                    "learning_rate": float(10 ** rng.uniform(-4, -2)),
                    "beta_1": float(rng.uniform(0.8, 0.95)),
                    "dropout": float(rng.uniform(0, self.dropout)),
                },
                seed=1000 * turn + number,
                initial_epoch=0,
                epochs=epochs,
                keep_as=str(Path(folder) / f"{number}.npz"),
            )
            for number in range(count)
        ]

    def together(self, executor: Any, jobs: list[Any]) -> None:
        futures = [executor.submit(job, lambda job, epoch, report: False) for job in jobs]
        while not all(future.done() for future in futures):
            executor.poll(0.1)
        check([future.result() for future in futures])

    def alone(self, jobs: list[Any]) -> None:
        check([self.trainer.run(job) for job in jobs])


def check(outcomes: list[Any]) -> None:
    for outcome in outcomes:
        if outcome.state != "done":
            sys.exit(f"{outcome.state}: {outcome.reason}\n{outcome.traceback}")


def timed(work: Callable[[], None], count: int) -> tuple[float, float]:
    """Return wall and CPU seconds per trial."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    return (time.perf_counter() - wall) / count, (cpu_seconds() - cpu) / count


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def show(units: int, batch_size: int, count: int, found: dict[str, list[tuple[float, float]]]) -> None:
    (wall, cpu), (wall_alone, cpu_alone) = (
        [statistics.median(column) for column in zip(*found[side], strict=True)]
        for side in ("together", "alone")
    )
    print(
        f"{units:>5}{batch_size:>7}{count:>4}{wall:>18.3f}{cpu:>7.2f}{wall_alone:>8.2f}{cpu_alone:>7.2f}"
        f"{wall_alone / wall:>7.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
