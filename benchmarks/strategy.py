"""Which search finds the most for the fewest epochs: ours against Keras Tuner's and Optuna's own.

    python benchmarks/strategy.py --surrogate lcbench/model.onnx            # all methods, three seeds
    python benchmarks/strategy.py --surrogate lcbench/model.onnx --quick    # under two minutes
    python benchmarks/strategy.py --surrogate lcbench/model.onnx --cost     # seconds per suggestion

`model.onnx` is the folder lcbench of github.com/slds-lmu/yahpo_data; HPTUNE_LCBENCH may name it
instead. Regrets are explained in lcbench.py. One table of mean regrets over tasks and seeds, one
of differences from ours on the same task and seed, with standard errors over the tasks.
"""

from __future__ import annotations

import os

# One thread each, set before NumPy loads: two processes share the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import csv
import importlib.util
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import lcbench
import numpy as np
from strategy_cost import print_cost
from strategy_methods import METHODS, NEEDS, Race

QUICK_METHODS = ("hptune", "kt-random", "kt-hyperband", "optuna-tpe")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One race to run."""

    surrogate: str
    method: str
    task: int
    code: int
    seed: int
    trainings: int
    budgets: tuple[int, ...]
    noise: float
    """Standard deviation of an observation, in percent of accuracy."""
    mid_defaults: bool
    declared_axes: bool
    peers_get_defaults: bool
    in_flight: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one race found."""

    method: str
    task: int
    seed: int
    found: tuple[float | None, ...]
    """Per budget: the true accuracy of what looked best; None before the first full training."""
    suggestions: int
    seconds_per_suggestion: float


def run(setting: Setting) -> Result:
    """Run one race."""
    trainer = lcbench.Trainer(
        surrogate=lcbench.Surrogate(Path(setting.surrogate)),
        code=setting.code,
        noise=setting.noise,
        seed=setting.seed,
    )
    race = Race(
        space=lcbench.space(mid_defaults=setting.mid_defaults, declared_axes=setting.declared_axes),
        trainer=trainer,
        trainings=setting.trainings,
        seed=setting.seed,
        defaults_first=setting.peers_get_defaults,
        in_flight=setting.in_flight,
    )
    METHODS[setting.method](race)
    return Result(
        method=setting.method,
        task=setting.task,
        seed=setting.seed,
        found=tuple(trainer.found(budget) for budget in setting.budgets),
        suggestions=len(race.waits),
        seconds_per_suggestion=float(np.mean(race.waits)),
    )


def settings(options: argparse.Namespace, references: dict[int, lcbench.Reference]) -> list[Setting]:
    """Return every race that was asked for, the slow methods first."""
    return [
        Setting(
            surrogate=str(options.surrogate),
            method=method,
            task=task,
            code=options.codes[task],
            seed=seed,
            trainings=max(options.budgets),
            budgets=tuple(options.budgets),
            noise=options.noise / 100 * (references[task].best - references[task].median_random),
            mid_defaults=options.mid_defaults,
            declared_axes=options.declared_axes,
            peers_get_defaults=options.peers_get_defaults,
            in_flight=options.in_flight,
        )
        for method in sorted(options.methods, key=lambda m: m != "kt-bayesian")
        for task in references
        for seed in range(options.seeds)
    ]


def race_all(todo: list[Setting], workers: int) -> Iterator[tuple[Setting, Result]]:
    """Run all races, and say how far it is."""
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for number, found in enumerate(pool.imap_unordered(_named, todo), 1):
            passed = time.perf_counter() - started
            print(f"\r{number}/{len(todo)} races, {passed:.0f} s ", end="", file=sys.stderr, flush=True)
            yield found
    print(file=sys.stderr)


def _named(setting: Setting) -> tuple[Setting, Result]:
    return setting, run(setting)


def gather(todo: list[Setting], workers: int, save: Path | None) -> list[Result]:
    """Run all races but those whose results are in the file, which takes each new one at once."""
    lines = save.read_text().splitlines() if save is not None and save.exists() else []
    known = {row["setting"]: Result(**row["result"]) for row in map(json.loads, lines)}
    results = [known[_key(setting)] for setting in todo if _key(setting) in known]
    for setting, result in race_all([s for s in todo if _key(s) not in known], workers):
        if save is not None:
            with save.open("a") as file:
                file.write(json.dumps({"setting": _key(setting), "result": asdict(result)}) + "\n")
        results.append(result)
    return results


def _key(setting: Setting) -> str:
    """Return what a race is known by: all that its result depends on."""
    asked = asdict(setting)
    del asked["surrogate"]
    if setting.method == "hptune":
        del asked["peers_get_defaults"]
    else:
        del asked["in_flight"]
        # Peers know of no defaults unless they are given them.
        asked["mid_defaults"] &= setting.peers_get_defaults
    return json.dumps(asked, sort_keys=True)


def regrets(
    results: list[Result], references: dict[int, lcbench.Reference], which: str
) -> dict[str, np.ndarray]:
    """Return method → regrets, shape (tasks, seeds, budgets)."""
    table: dict[str, np.ndarray] = {}
    for method in dict.fromkeys(r.method for r in results):
        mine = sorted((r for r in results if r.method == method), key=lambda r: (r.task, r.seed))
        rows = [[getattr(references[r.task], which)(f) for f in r.found] for r in mine]
        tasks = len({r.task for r in mine})
        table[method] = np.array(rows).reshape(tasks, -1, len(rows[0]))
    return table


def print_tables(
    options: argparse.Namespace, results: list[Result], references: dict[int, lcbench.Reference]
) -> None:
    """Print mean regrets, and each peer's lead or lag on the same tasks and seeds."""
    r1, r2 = regrets(results, references, "r1"), regrets(results, references, "r2")
    heads = "".join(f" {'@' + str(b):>7}" for b in options.budgets)
    print(f"\n{len(references)} tasks, {options.seeds} seeds")
    print(f"{'':22}{'mean R1':^{len(heads)}}  {'mean R2':^{len(heads)}}")
    print(f"{'':22}{heads}  {heads}  s/suggestion")
    for method in sorted(r1, key=lambda m: r1[m][..., -1].mean()):
        figures = [" ".join(f"{v:7.3f}" for v in table[method].mean((0, 1))) for table in (r1, r2)]
        seconds = np.mean([r.seconds_per_suggestion for r in results if r.method == method])
        print(f"{method:22} {figures[0]}   {figures[1]}  {seconds:.3f}")
    if "hptune" not in r1 or len(r1) < 2:
        return
    print(f"\nR1 less ours on the same task and seed (± standard error over tasks)\n{'':22}{heads}")
    for method in r1:
        if method != "hptune":
            gap = (r1[method] - r1["hptune"]).mean(1)
            error = gap.std(0, ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.full(gap.shape[1], np.nan)
            print(
                f"{method:22} "
                + " ".join(f"{m:+.3f}±{e:.3f}" for m, e in zip(gap.mean(0), error, strict=True))
            )


def print_recorded(path: Path, references: dict[int, lcbench.Reference], budgets: list[int]) -> None:
    """Print figures that were measured elsewhere: method, instance, seed, val_accuracy_at_<budget>."""
    rows = list(csv.DictReader(path.open()))
    print(f"\nrecorded in {path.name}: mean R1")
    for method in dict.fromkeys(row["method"] for row in rows):
        per_task: dict[int, list[list[float]]] = {}
        for row in rows:
            if row["method"] == method and int(row["instance"]) in references:
                reference = references[int(row["instance"])]
                found = [row.get(f"val_accuracy_at_{b}") for b in budgets]
                regret = [reference.r1(float(f)) if f else float("nan") for f in found]
                per_task.setdefault(int(row["instance"]), []).append(regret)
        if per_task:
            means = np.mean([np.mean(regret, axis=0) for regret in per_task.values()], axis=0)
            print(f"{method:50} {len(per_task):2} tasks " + " ".join(f"{m:7.3f}" for m in means))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    given = os.environ.get("HPTUNE_LCBENCH")
    parser.add_argument("--surrogate", type=Path, default=given, help="model.onnx (or HPTUNE_LCBENCH)")
    parser.add_argument("--reference", type=Path, help="reference.json; beside the surrogate, else computed")
    parser.add_argument("--recorded", type=Path, help="CSV of figures measured elsewhere, printed below")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS))
    parser.add_argument("--tasks", type=int, nargs="+", help="OpenML tasks; all that answer by default")
    parser.add_argument("--codes", nargs="+", default=[], metavar="TASK=CODE", help="further tasks")
    parser.add_argument("--seeds", type=int, default=None, help="3, or 1 with --quick")
    parser.add_argument("--budgets", type=int, nargs="+", default=None, help="full trainings: 10 20 30 50")
    parser.add_argument(
        "--noise", type=float, default=0.0, help="percent of (best - median), each observation"
    )
    parser.add_argument("--mid-defaults", action="store_true", help="defaults in the middle of each range")
    parser.add_argument("--declared-axes", action="store_true", help="weight decay linear, for every method")
    parser.add_argument(
        "--peers-get-defaults", action="store_true", help="our defaults as peers' first trial"
    )
    parser.add_argument(
        "--in-flight",
        type=int,
        default=1,
        help="configurations that hptune asks for at once",
    )
    parser.add_argument("--workers", type=int, default=2, help="races at once")
    parser.add_argument("--quick", action="store_true", help="the fast methods, one seed")
    parser.add_argument("--cost", action="store_true", help="print the cost per suggestion and end")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="add each race's result; what is there is not run again"
    )
    options = parser.parse_args(arguments)
    if options.surrogate is None and not options.cost:
        parser.error("name the surrogate: --surrogate FILE or HPTUNE_LCBENCH")
    options.seeds = options.seeds or (1 if options.quick else 3)
    options.budgets = sorted(options.budgets or [10, 20, 30, 50])
    options.codes = lcbench.CODES | {int(t): int(c) for t, c in (pair.split("=") for pair in options.codes)}
    options.methods = _available(options.methods or (QUICK_METHODS if options.quick else tuple(METHODS)))
    if options.tasks:
        options.codes = {task: options.codes[task] for task in options.tasks}
    return options


def _available(methods: tuple[str, ...]) -> list[str]:
    """Return the methods that can run here, and say which can't."""
    kept = []
    for method in methods:
        needed = NEEDS.get(method)
        if needed is None or importlib.util.find_spec(needed) is not None:
            kept.append(method)
        else:
            print(f"{method} is left out: it needs {needed}", file=sys.stderr)
    return kept


def main() -> None:
    options = parse()
    if options.cost:
        print_cost()
        return
    beside = options.reference or Path(options.surrogate).parent / "reference.json"
    surrogate = lcbench.Surrogate(Path(options.surrogate))
    references = lcbench.read_references(surrogate, options.codes, beside if beside.exists() else None)
    results = gather(settings(options, references), options.workers, options.save)
    print_tables(options, results, references)
    if options.recorded:
        print_recorded(options.recorded, references, options.budgets)


if __name__ == "__main__":
    main()
