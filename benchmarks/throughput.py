"""Trials per hour: stock Keras Tuner beside hptune, the same configurations, epochs and data.

    python benchmarks/throughput.py            about five minutes on two cores
    python benchmarks/throughput.py --quick    under a minute, for a first look

`keras_tuner.RandomSearch` draws the configurations and trains them with its own fit; then hptune
trains the same ones. Each side has processes of its own, so that neither profits from what the
other has set up, and they take turns, so that a busy machine is busy for both. Imports and the
first trial of each process are not counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = "digits"
PARTS = ("build", "trace", "fit", "validation", "checkpoint")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two trials of three epochs, one turn")
    parser.add_argument("--side", choices=("stock", "hptune"), help=argparse.SUPPRESS)
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side = stock if arguments.side == "stock" else ours
        print(json.dumps(side(json.loads(arguments.plan))))
        return
    trials, epochs, turns = (2, 3, 1) if arguments.quick else (6, 20, 3)
    print(f"{DATA}, mlp, {epochs} epochs, {trials} trials a turn, {turns} turn{'s' if turns > 1 else ''}\n")
    print(f"{'batch':>5}  {'side':<22}{'trials/h':>9}{'s/trial':>9}{'CPU s':>8}{'ratio':>7}  val_accuracy")
    for batch_size in (32, 256):
        show(batch_size, measure(batch_size, trials, epochs, turns))


# What is measured


def measure(batch_size: int, trials: int, epochs: int, turns: int) -> dict[str, list[dict[str, Any]]]:
    """Return the trials of each side."""
    found: dict[str, list[dict[str, Any]]] = {"Keras Tuner": [], "hptune": [], "hptune, same graph": []}
    for turn in range(turns):
        plan: dict[str, Any] = {
            "batch_size": batch_size,
            "epochs": epochs,
            "trials": trials,
            "seed": turn + 1,
        }
        by_stock = child("stock", plan)
        found["Keras Tuner"] += by_stock
        configurations = [trial["values"] for trial in by_stock]
        found["hptune"] += child("hptune", {**plan, "configurations": configurations})
        alike = [{**configurations[0], "learning_rate": c["learning_rate"]} for c in configurations]
        found["hptune, same graph"] += child("hptune", {**plan, "configurations": alike})
    return found


def child(side: str, plan: dict[str, Any]) -> list[dict[str, Any]]:
    command = [sys.executable, __file__, "--side", side, "--plan", json.dumps(plan)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    trials: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return trials


@contextmanager
def timed(into: dict[str, Any]) -> Iterator[None]:
    """Measure wall and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    into |= {"seconds": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def space(batch_size: int) -> Any:
    from hptune.scales import Scale
    from hptune.space import Choice, Fixed, Float, Integer, Space

    return Space(
        hyperparameters=(
            Float(name="learning_rate", low=1e-4, high=1e-2, scale=Scale.LOG),
            Integer(name="units", low=16, high=256),
            Integer(name="layers", low=1, high=3),
            Choice(name="activation", options=("relu", "tanh")),
            Fixed(name="batch_size", value=batch_size),
        )
    )


def stock(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Let keras_tuner.RandomSearch draw configurations and train them."""
    import keras_tuner

    from hptune.data import load_dataset
    from hptune.models import load_model

    dataset = load_dataset(DATA)
    model = load_model("mlp", dataset, space=space(plan["batch_size"]))
    told: list[dict[str, Any]] = []

    class Timed(keras_tuner.RandomSearch):
        """Random search that notes how long each trial takes."""

        def on_trial_begin(self, trial: Any) -> None:
            super().on_trial_begin(trial)
            told.append({})
            self.clock = timed(told[-1])
            self.clock.__enter__()

        def on_trial_end(self, trial: Any) -> None:
            self.clock.__exit__(None, None, None)
            super().on_trial_end(trial)
            told[-1] |= {"values": trial.hyperparameters.values, "score": trial.score}

    with tempfile.TemporaryDirectory() as folder:
        tuner = Timed(
            model.keras_tuner_build,
            objective="val_accuracy",
            max_trials=plan["trials"] + 1,
            seed=plan["seed"],
            directory=folder,
        )
        tuner.search(
            dataset.train.x,
            dataset.train.y,
            validation_data=(dataset.validation.x, dataset.validation.y),
            batch_size=plan["batch_size"],
            epochs=plan["epochs"],
            verbose=0,
        )
    return told[1:]


def ours(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Train given configurations with hptune."""
    from hptune.data import load_dataset
    from hptune.models import load_model
    from hptune.train import Trainer
    from hptune.trial import Direction, Job, Objective

    dataset = load_dataset(DATA)
    objective = Objective(name="val_accuracy", direction=Direction.MAX)
    trainer = Trainer(dataset, load_model("mlp", dataset, space=space(plan["batch_size"])), objective)
    told: list[dict[str, Any]] = []
    configurations = plan["configurations"]
    with tempfile.TemporaryDirectory() as folder:
        for number, values in enumerate([configurations[0], *configurations]):
            told.append({})
            job = Job(
                id=number,
                trial_id=number,
                values=values,
                seed=number,
                initial_epoch=0,
                epochs=plan["epochs"],
                keep_as=str(Path(folder) / f"{number}.npz"),
            )
            with timed(told[-1]):
                outcome = trainer.run(job)
            score = max(epoch["val_accuracy"] for epoch in outcome.curve)
            told[-1] |= {"score": score, "timings": dict(outcome.timings)}
    return told[1:]


# What is shown


def show(batch_size: int, found: dict[str, list[dict[str, Any]]]) -> None:
    base = statistics.median(trial["seconds"] for trial in found["Keras Tuner"])
    for side, trials in found.items():
        seconds = statistics.median(trial["seconds"] for trial in trials)
        cpu = statistics.median(trial["cpu"] for trial in trials)
        scores = [trial["score"] for trial in trials]
        figures = f"{3600 / seconds:>9,.0f}{seconds:>9.2f}{cpu:>8.2f}{base / seconds:>7.1f}"
        print(f"{batch_size:>5}  {side:<22}{figures}  {min(scores):.3f} to {max(scores):.3f}")
    for side in ("hptune", "hptune, same graph"):
        parts = {
            part: statistics.median(trial["timings"].get(part, 0.0) for trial in found[side])
            for part in PARTS
        }
        print(f"       {side}: " + ", ".join(f"{part} {value:.2f} s" for part, value in parts.items()))
    print()


if __name__ == "__main__":
    main()
