"""Real trainings: hptune beside Keras Tuner's own tuners and Optuna's TPE, for equal epochs.

    python benchmarks/real.py            an hour or more on two cores
    python benchmarks/real.py --quick    a few minutes, for a first look

Every method searches the mlp recipe's own space on the same split and may train as many epochs.
Keras Tuner is driven as its guide says: a stock tuner, a HyperModel, its own fit; the batch size
and the learning rate of each epoch are the recipe's. Optuna's TPE asks and tells, and every trial
is trained to the end by hptune's trainer. hptune runs a whole search with its default options:
database, checkpoints, report and all.

A score is the best epoch's validation value among all epochs trained, for every method alike.
Each search has a process of its own; imports and a first reading of the data are not counted.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from real_methods import METHODS, Run, in_this_process

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.one:
        print(json.dumps(in_this_process(Run(**json.loads(arguments.one)))))
        return
    if arguments.quick:
        arguments.data, arguments.trials, arguments.epochs, arguments.seeds = ["wine"], 3, 5, 1
    runs = [
        Run(data=data, method=method, seed=seed, trials=arguments.trials, epochs=arguments.epochs)
        for seed in range(1, arguments.seeds + 1)
        for data in arguments.data
        for method in arguments.methods
    ]
    found = gather(runs, arguments.save, arguments.at_once)
    trials, epochs = arguments.trials, arguments.epochs
    print(f"mlp, {trials} full trainings of {epochs} epochs ({trials * epochs} epochs) for each search;")
    print("scores are best-epoch validation values, mean ± standard deviation over seeds;")
    print("hptune's lead is paired by seed, mean ± standard error, more is better for hptune.\n")
    print("\n".join(table(found, arguments.data, arguments.methods)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=["digits", "diabetes", "breast_cancer"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--trials", type=int, default=20, help="budget in full trainings")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of a full training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=1, help="searches at a time; more blur the seconds")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="add each search's result; what is there is not run again"
    )
    parser.add_argument("--quick", action="store_true", help="wine, three trainings of five epochs, one seed")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


def gather(runs: list[Run], save: Path | None, at_once: int) -> list[dict[str, Any]]:
    """Return what each search found; searches that are in the file are taken from there."""
    lines = save.read_text().splitlines() if save is not None and save.exists() else []
    known = [json.loads(line) for line in lines]

    def result(run: Run) -> dict[str, Any]:
        for found in known:
            if asdict(run).items() <= found.items():
                return dict(found)
        command = [sys.executable, __file__, "--one", json.dumps(asdict(run))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{run}:\n{done.stderr}")
        line = done.stdout.splitlines()[-1]
        if save is not None:
            with save.open("a") as file:
                file.write(line + "\n")
        return dict(json.loads(line))

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(result, runs))


def table(found: list[dict[str, Any]], data: list[str], methods: list[str]) -> list[str]:
    lines = [
        "| data, objective | method | at half the budget | at the full budget | hptune's lead | seconds"
        " | CPU seconds | epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in data:
        for method in methods:
            rows = [row for row in found if row["data"] == name and row["method"] == method]
            ours = [row for row in found if row["data"] == name and row["method"] == "hptune"]
            lines.append(
                f"| {name}, {rows[0]['objective']} | {method} | " + " | ".join(_cells(rows, ours)) + " |"
            )
    return lines


def _cells(rows: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    pairs = zip(ours, rows, strict=True) if ours else ()
    leads = [row["sign"] * (mine["full"] - row["full"]) for mine, row in pairs]
    own = not ours or rows[0]["method"] == "hptune"
    return [
        _spread([row["half"] for row in rows]),
        _spread([row["full"] for row in rows]),
        "" if own else _spread(leads, root=math.sqrt(len(leads)), signed=True),
        *(f"{statistics.mean(row[key] for row in rows):.0f}" for key in ("seconds", "cpu", "used")),
    ]


def _spread(values: list[float], *, root: float = 1.0, signed: bool = False) -> str:
    """Return mean ± standard deviation, which is divided by `root`."""
    mean = f"{statistics.mean(values):{'+' if signed else ''}.4g}"
    return f"{mean} ± {statistics.stdev(values) / root:.2g}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
