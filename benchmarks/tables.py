"""Searches on public tables beside a linear model and boosted trees of scikit-learn, on rows nobody chose by.

    python benchmarks/tables.py                 every table, three splits: about half an hour of one core
    python benchmarks/tables.py --quick         one small table, one split
    python benchmarks/tables.py --sizes         seconds and memory of wide and of long tables

The tables come with `pip install '.[benchmarks]'` (`tables_data`). Each is split at random into training,
validation and test rows, the same for every method. hptune's search is the default one of the recipe mlp,
of a modest budget; it is scored by its exported model, from raw rows. The linear model and the trees
choose their penalty and their learning rate by the validation rows. Scores are those of the test rows.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import time
from pathlib import Path
from typing import Any

from tables_data import HALVES, TABLES, parts_of, read_table
from tables_methods import BASELINES, searched

Found = list[dict[str, Any]]
"""One of each table, method and split: table, method, seed, score, second, seconds, cpu."""


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.sizes:
        from tables_sizes import measure

        for line in measure():
            print(line, flush=True)
        return
    names = [name for name in arguments.tables if TABLES[name].half in arguments.halves]
    if arguments.quick:
        names, arguments.seeds, arguments.trials, arguments.epochs = ["TitanicSurvival"], 1, 4, 6
    found = gather(names, arguments)
    print(f"{arguments.trials} full trainings of {arguments.epochs} epochs; {arguments.seeds} splits\n")
    print("\n".join(line for half in HALVES for line in lines_of(found, names, half)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES, metavar="NAME")
    parser.add_argument("--halves", nargs="+", default=list(HALVES), choices=HALVES)
    parser.add_argument("--trials", type=int, default=10, help="budget in full trainings")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of a full training")
    parser.add_argument("--seeds", type=int, default=3, help="splits of each table")
    parser.add_argument("--options", default="", help="more options of hptune search, in one word")
    parser.add_argument("--sizes", action="store_true", help="wide and long tables instead")
    parser.add_argument("--quick", action="store_true", help="one small table, for a first look")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="add each result; what is there is not run again"
    )
    return parser


def gather(names: list[str], arguments: argparse.Namespace) -> Found:
    """Return what each method scores on each split of each table."""
    save: Path | None = arguments.save
    known: Found = [json.loads(line) for line in save.read_text().splitlines()] if _is_file(save) else []
    budget = {"trials": arguments.trials, "epochs": arguments.epochs, "options": arguments.options}
    found: Found = []
    for seed in range(1, arguments.seeds + 1):
        for name in names:
            for method in (*BASELINES, "hptune"):
                more = budget if method == "hptune" else {}
                run = {"table": name, "method": method, "seed": seed, **more}
                done = next((one for one in known if run.items() <= one.items()), None)
                if done is None:
                    done = {**run, **_run(name, method, seed, arguments)}
                    if save is not None:
                        with save.open("a") as file:
                            file.write(json.dumps(done) + "\n")
                found.append(done)
    return found


def _is_file(path: Path | None) -> bool:
    return path is not None and path.exists()


def _run(name: str, method: str, seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    table = TABLES[name]
    parts = parts_of(read_table(table), table, seed)
    began, before = time.perf_counter(), _cpu()
    if method == "hptune":
        scores = searched(
            table,
            parts,
            seed=seed,
            trials=arguments.trials,
            epochs=arguments.epochs,
            more=arguments.options,
        )
    else:
        scores = BASELINES[method](table, parts)
    return {**scores, "seconds": time.perf_counter() - began, "cpu": _cpu() - before}


def _cpu() -> float:
    """Return the processor's seconds of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def lines_of(found: Found, names: list[str], half: str) -> list[str]:
    """Return the tables of one half as Markdown: mean ± standard error over splits."""
    own = [name for name in names if TABLES[name].half == half]
    if not own:
        return []
    methods = [*BASELINES, "hptune"]
    lines = [
        f"| {half}: table, target | kind | score | {' | '.join(methods)} | hptune − linear"
        " | hptune − boosted | CPU s |",
        "|---" * (len(methods) + 6) + "|",
    ]
    for name in own:
        table = TABLES[name]
        scores = {method: _of(found, name, method, "score") for method in methods}
        ahead = [
            spread([mine - other for mine, other in zip(scores["hptune"], scores[method], strict=True)], "+")
            for method in BASELINES
        ]
        cpu = statistics.mean(_of(found, name, "hptune", "cpu"))
        cells = [f"{name}, {table.target}", table.kind, table.score, *map(spread, scores.values()), *ahead]
        lines.append("| " + " | ".join([*cells, f"{cpu:.0f}"]) + " |")
    return [*lines, ""]


def _of(found: Found, name: str, method: str, key: str) -> list[float]:
    return [one[key] for one in found if one["table"] == name and one["method"] == method]


def spread(values: list[float], sign: str = "") -> str:
    """Return the mean ± the standard error of it."""
    mean = f"{statistics.mean(values):{sign}.3f}"
    return f"{mean} ± {statistics.stdev(values) / math.sqrt(len(values)):.3f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
