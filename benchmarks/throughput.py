"""Trials per hour: Keras Tuner beside hptune, the same configurations, epochs and data.

    python benchmarks/throughput.py                       the mlp space on digits: six minutes on two cores
    python benchmarks/throughput.py --grid                sizes of model, batch and data: ten minutes
    python benchmarks/throughput.py --workers 2           one process beside two
    python benchmarks/throughput.py --quick               a minute, for a first look

`keras_tuner.RandomSearch` draws the configurations and trains them as its guide shows; hptune
trains the same ones, one at a time and as one model, and a person's own `build(hp)` is trained
by both. Every side has a process of its own and warms up with a training that is not counted;
making graphs is. Scores: the best val_accuracy of each trial, mean ± standard deviation over
trials, and the mean difference from Keras Tuner's of the same configuration ± its standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CLASSES, FEATURES = 10, 64
PARTS = ("build", "trace", "fit", "validation", "checkpoint", "bookkeeping")
GRID = ((8, 16, 200), (64, 32, 1437), (64, 128, 1437), (512, 128, 1437), (64, 512, 100_000))
"""Units, rows of a batch and rows of the data that --grid measures."""
DIGITS_ROWS = 1437

BUILD = """
import keras


def build(hp):
    hp.Choice("batch_size", {batches})
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(hp.Int("layers", {layers[0]}, {layers[1]})):
        model.add(keras.layers.Dense(hp.Choice("units", {units}), activation="relu"))
        model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.3)))
    model.add(keras.layers.Dense(10, activation="softmax"))
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
"""A person's own model, as Keras Tuner's guide has one."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is trained: a data set and the configurations of two models for it."""

    title: str
    data: str
    space: dict[str, Any]
    build: str
    """FILE.py:build"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="four trials of three epochs")
    parser.add_argument("--grid", action="store_true", help="sizes instead of the mlp space")
    parser.add_argument("--units", type=int, nargs="+", help="of both hidden layers, with --batch and --rows")
    parser.add_argument("--batch", type=int, nargs="+", default=[32], help="rows of a batch")
    parser.add_argument("--rows", type=int, nargs="+", default=[DIGITS_ROWS], help="1437 are the digits")
    parser.add_argument("--trials", type=int, help="of each side")
    parser.add_argument("--epochs", type=int, help="of each trial")
    parser.add_argument("--workers", type=int, help="compare one process with so many instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run_side(json.loads(options.side))))
        return
    options.trials = options.trials or (4 if options.quick else 6 if options.grid or options.units else 24)
    options.epochs = options.epochs or (3 if options.quick else 20)
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells(options, Path(folder)):
            measure(cell, options)


def run_side(plan: dict[str, Any]) -> dict[str, Any]:
    """Run one side in this process; returns its trials, what they cost, and where the time of one goes."""
    from throughput_keras_tuner import stock
    from throughput_sides import ours

    import hptune.models.backend  # noqa: F401  (Keras, quietly, before Keras Tuner imports it)

    return stock(plan) if plan["side"] == "Keras Tuner" else ours(plan)


# What is trained


def cells(options: argparse.Namespace, folder: Path) -> list[Cell]:
    if options.units:
        sizes = [(u, b, r) for r in options.rows for u in options.units for b in options.batch]
    elif options.grid:
        sizes = list(GRID)
    else:
        return [whole_space(folder)]
    return [one_size(folder, *size) for size in sizes]


def whole_space(folder: Path) -> Cell:
    """The mlp space as it stands, and a person's model with much the same ranges."""
    from hptune.space.as_dict import space_to_dict
    from hptune.space.files import ready_space

    sizes = {"batches": [16, 32, 64, 128, 256, 512], "units": [16, 32, 64, 128, 256, 512]}
    return Cell(
        title="digits, the mlp space",
        data="digits",
        space=space_to_dict(ready_space("mlp")),
        build=person(folder / "space.py", layers=(1, 4), **sizes),
    )


def one_size(folder: Path, units: int, batch: int, rows: int) -> Cell:
    """Two hidden layers of `units`: what is searched changes no size."""
    from hptune.space import Fixed, Float, Space
    from hptune.space.as_dict import space_to_dict
    from hptune.space.scales import Scale

    space = Space(
        hyperparameters=(
            Float(name="learning_rate", low=1e-4, high=1e-2, scale=Scale.LOG),
            Float(name="dropout", low=0.0, high=0.3),
            Fixed(name="units", value=units),
            Fixed(name="layers", value=2),
            Fixed(name="batch_size", value=batch),
        )
    )
    sizes = {"batches": [batch], "units": [units]}
    return Cell(
        title=f"{units} units, batches of {batch}, {rows:,} rows",
        data="digits" if rows == DIGITS_ROWS else made_up(folder / f"rows{rows}.npz", rows),
        space=space_to_dict(space),
        build=person(folder / f"u{units}b{batch}.py", layers=(2, 2), **sizes),
    )


def person(path: Path, **sizes: Any) -> str:
    path.write_text(BUILD.format(**sizes), encoding="utf-8")
    return f"{path}:build"


def made_up(path: Path, rows: int) -> str:
    """Write `rows` of 64 normal features in ten classes, and as many again, a fifth, to validate on."""
    import numpy as np

    if not path.exists():
        rng = np.random.default_rng(0)
        x = rng.normal(size=(rows * 5 // 4, FEATURES)).astype(np.float32)
        wanted = x @ rng.normal(size=(FEATURES, CLASSES)) + rng.normal(size=(len(x), CLASSES))
        np.savez(path, x=x, y=wanted.argmax(axis=1))
    return str(path)


# What is measured


def measure(cell: Cell, options: argparse.Namespace) -> None:
    print(f"{cell.title}: {options.trials} trials of {options.epochs} epochs\n")
    print(
        f"{'':<34}{'trials/h':>9}{'s/trial':>9}{'ratio':>7}{'CPU s':>7}{'ratio':>7}{'MB':>6}"
        f"{'val_accuracy':>17}{'difference':>18}"
    )
    for name, model, space in (("recipe", "mlp", cell.space), ("build(hp)", cell.build, None)):
        common = {
            "data": cell.data,
            "model": model,
            "space": space,
            "epochs": options.epochs,
            "trials": options.trials,
            "seed": options.seed,
            "workers": 1,
        }
        base = child({**common, "side": "Keras Tuner"})
        common["configurations"] = base.pop("configurations")
        found = {"Keras Tuner": base, "hptune, one at a time": child({**common, "side": "hptune"})}
        if options.workers:
            label = f"hptune, {options.workers} workers"
            found[label] = child({**common, "side": "hptune", "workers": options.workers})
        show(name, found)
    print(flush=True)


def child(plan: dict[str, Any]) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--side", json.dumps(plan)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def show(name: str, found: dict[str, dict[str, Any]]) -> None:
    base = found["Keras Tuner"]
    for side, told in found.items():
        count = len(told["scores"])
        seconds = told["seconds"] / count
        ratio = base["seconds"] / told["seconds"]
        figures = f"{3600 / seconds:>9,.0f}{seconds:>9.2f}{ratio:>7.1f}"
        figures += f"{told['cpu'] / count:>7.2f}{base['cpu'] / told['cpu']:>7.1f}{told['megabytes']:>6.0f}"
        scores = [score for score in told["scores"] if score is not None]
        spread = f"{statistics.mean(scores):.4f} ± {statistics.stdev(scores):.4f}"
        print(f"{f'{name}: {side}':<34}{figures}{spread:>17}", end="")
        print("" if told is base else f"{difference(base['scores'], told['scores']):>18}", flush=True)
    for side, told in found.items():
        parts = ", ".join(f"{part} {told['parts'].get(part, 0.0):.2f}" for part in PARTS)
        print(f"  {side}, seconds of a trial: {parts}")


def difference(base: list[float | None], other: list[float | None]) -> str:
    pairs = [(a, b) for a, b in zip(base, other, strict=True) if a is not None and b is not None]
    differences = [b - a for a, b in pairs]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return f"{statistics.mean(differences):+.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
