"""What a long study costs: 10,000 trials beside 1,000, in one run.

    python benchmarks/long_study.py                    about two minutes on two cores
    python benchmarks/long_study.py --trials 3000      a shorter one
    python benchmarks/long_study.py --real 1000        memory over 1,000 trials of real Keras models

The engine, the oracle's bookkeeping and the database are the real ones. Configurations are drawn
at random and their trainings are made up, so that what is timed is what keeping them costs: the
next suggestion alone is asked of the real model at both lengths. CPU seconds of the process that
does it; the figure that counts is the ratio.

--real trains models of 8 units on digits for two epochs instead, one after the
other, and prints the resident memory of the process as it goes.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EPOCHS = 27
RUNGS = (3, 9, 27)
WINDOW = 500
"""Trials over which the cost of one is averaged."""
SHORT = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--real", type=int, metavar="TRIALS", help="train real models; memory only")
    parser.add_argument("--same", action="store_true", help="with --real: one structure throughout")
    arguments = parser.parse_args()
    import hptune.models.backend  # noqa: F401  (Keras, quietly, before Keras Tuner imports it)

    with tempfile.TemporaryDirectory() as folder:
        if arguments.real:
            real(Path(folder), arguments.real, arguments.same)
        else:
            compare(Path(folder), arguments.trials)


# Made-up trainings


class Trainer:
    """Makes up curves, and weights of a kilobyte where they are to be kept."""

    def run(self, job: Any, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Any:
        from hptune.study.trial import Outcome, OutcomeState

        rng = np.random.default_rng(job.id)
        top = 0.98 - 0.02 * (math.log10(job.values.get("learning_rate", 1e-3)) + 2.5) ** 2
        curve = []
        for epoch in range(job.initial_epoch + 1, job.epochs + 1):
            score = float(np.float32(top - 0.5 / epoch + rng.normal(0, 0.003)))
            losses = {"loss": float(np.float32(2 - score)), "val_loss": float(np.float32(2.1 - score))}
            curve.append({"accuracy": score, "val_accuracy": score, "learning_rate": 1e-3, **losses})
            on_epoch(epoch, curve[-1])
        good = job.keep_if is None or max(e["val_accuracy"] for e in curve) >= job.keep_if
        if good:
            Path(job.keep_as).write_bytes(bytes(1024))
        return Outcome(
            job_id=job.id,
            state=OutcomeState.DONE,
            curve=tuple(curve),
            seconds=0.5,
            timings={"build": 0.05, "trace": 0.1, "fit": 0.3, "validation": 0.03, "checkpoint": 0.01},
            parameters=4810,
            checkpoint=job.keep_as if good else "",
        )


def drawing_searcher(goal: Any, most: int) -> Any:
    """Return a searcher whose oracle keeps everything as coarse-to-fine does and draws at random."""
    from hptune.oracles.coarse_to_fine import CoarseToFineOracle
    from hptune.oracles.driven import Driven
    from hptune.oracles.searcher import Searcher
    from hptune.study.trial import TrialState

    class Drawing(CoarseToFineOracle):
        """Two new trials, then the latest one is resumed."""

        def populate_space(self, trial_id: str) -> dict[str, Any]:
            self._asks += 1
            seen = self._ledger.observations
            last = seen[-1] if seen and self._asks % 3 == 0 else None
            if last is not None and last.state is TrialState.PAUSED:
                until = next(rung for rung in RUNGS if rung > last.epochs)
                segment = {"tuner/epochs": until, "tuner/initial_epoch": last.epochs}
                resumed = self._ledger.latest_segment(last.trial_id)
                return {"status": "RUNNING", "values": {**last.values, **segment, "tuner/trial_id": resumed}}
            if len(self._ledger) >= most:
                return {"status": "STOPPED"}
            values = self._space.sample(np.random.default_rng([1, self._asks]))
            return {"status": "RUNNING", "values": {**values, "tuner/epochs": RUNGS[0]}}

    class DrivenDrawing(Driven, Drawing):
        """The same, driven by a search."""

    def next_oracle(before: Any, space: Any, number: int, earlier: Any) -> Any:
        return before or DrivenDrawing(
            objective=keras_tuner_goal(goal), space=space, max_epochs=EPOCHS, reports_epochs=True
        )

    return Searcher(next_oracle=next_oracle, epochs=EPOCHS)


def keras_tuner_goal(goal: Any) -> Any:
    import keras_tuner

    return keras_tuner.Objective(goal.name, goal.direction.value)


def new_study(folder: Path) -> Any:
    from hptune.space.files import ready_space
    from hptune.study import Identity, Study
    from hptune.study.trial import Direction

    identity = Identity(
        data="digits",
        data_fingerprint="0" * 64,
        model="mlp",
        model_fingerprint="0" * 64,
        objective="val_accuracy",
        direction=Direction.MAX,
        epochs=EPOCHS,
        oracle="coarse-to-fine",
        seed=0,
        settings={"target": None},
    )
    study = Study.create(folder, identity)
    study.open_pass(ready_space("mlp"), proposal=None, origin="given")
    return study


class Watching:
    """Notes CPU seconds and memory at every trial that is told."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.bytes: list[int] = []

    def listener(self) -> Any:
        from hptune.search.events import Listener

        watching = self

        class Watch(Listener):
            def on_trial_end(self, job: Any, trial: Any) -> None:
                watching.seconds.append(time.process_time())
                watching.bytes.append(resident())

        return Watch()

    def cost(self, end: int) -> float:
        """Return the seconds of one ask and tell, averaged over those up to `end`."""
        some = self.seconds[max(0, end - WINDOW) : end]
        return (some[-1] - some[0]) / (len(some) - 1)


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def search(study: Any, trials: int, watching: Watching) -> None:
    """Bring a study to so many trials."""
    from hptune.executors.inline import InlineExecutor
    from hptune.search.engine import Engine

    Engine(
        study=study,
        searcher=drawing_searcher(study.identity.goal, trials),
        executor=InlineExecutor(Trainer()),
        pass_ends=(10**9,),
        narrow=lambda space, trials: None,
        listener=watching.listener(),
    ).run()


# What is measured


def compare(folder: Path, trials: int) -> None:
    watching, short, long = Watching(), folder / "short", folder / "long"
    with new_study(short) as study:
        search(study, min(SHORT, trials), watching)
    jobs = len(watching.seconds)
    before = len(watching.seconds)
    shutil.copytree(short, long)
    from hptune.study import Study

    watching_on = Watching()
    with Study.open(long, read_only=False) as study:
        search(study, trials, watching_on)
    grown = watching_on.bytes[-1] - watching_on.bytes[0]
    told = len(watching_on.bytes)
    print(
        f"{trials:,} trials in {before + told:,} trainings beside {SHORT:,} in {jobs:,}; CPU milliseconds\n"
    )
    print(f"{'':<28}{f'at {SHORT:,}':>12}{f'at {trials:,}':>12}{'ratio':>8}")
    row("ask, record, tell, record", watching.cost(before), watching_on.cost(told))
    row("open", *both(short, long, opening))
    row("hptune status", *both(short, long, status))
    row("replay, all", *(both(short, long, going_on)))
    row("next suggestion", *both(short, long, suggestion))
    print()
    for name, path, count in (("short", short, SHORT), ("long", long, trials)):
        used = sum(file.stat().st_size for file in path.glob("study.db*"))
        kept = len(list((path / "checkpoints").iterdir()))
        print(f"{name}: {used / count / 1000:.1f} kB of disk a trial, {kept} trainings' weights kept")
    print(f"memory: {resident() / 1e6:.0f} MB, {grown / told / 1000:.2f} kB more for each training")


def row(name: str, short: float, long: float) -> None:
    print(f"{name:<28}{short * 1000:>12.2f}{long * 1000:>12.2f}{long / short:>8.2f}", flush=True)


def both(short: Path, long: Path, measure: Callable[[Path], float]) -> tuple[float, float]:
    """Return the medians of three alternating measures of each."""
    found = [(measure(short), measure(long)) for _ in range(3)]
    return statistics.median(a for a, _ in found), statistics.median(b for _, b in found)


def opening(folder: Path) -> float:
    from hptune.study import Study

    began = time.process_time()
    for _ in range(20):
        Study.open(folder, read_only=False).close()
    return (time.process_time() - began) / 20


def status(folder: Path) -> float:
    before = os.times()
    command = [sys.executable, "-m", "hptune", "status", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def going_on(folder: Path, then: Callable[[Any], None] = lambda searcher: None) -> float:
    """Return the seconds to bring engine and real oracle to where the study stands."""
    from hptune.errors import SearchInterruptedError
    from hptune.executors.inline import InlineExecutor
    from hptune.oracles.names import make_searcher
    from hptune.search.engine import Engine
    from hptune.search.events import Stop
    from hptune.study import Study

    with Study.open(folder, read_only=False) as study:
        space, goal = study.passes()[0].space, study.identity.goal
        searcher = make_searcher(
            "coarse-to-fine", objective=goal, root=space, epochs=EPOCHS, budget=10**9, seed=0
        )
        engine = Engine(
            study=study,
            searcher=searcher,
            executor=InlineExecutor(Trainer()),
            pass_ends=(10**9,),
            narrow=lambda space, trials: None,
            stop=Stop(asked=True),
        )
        began = time.process_time()
        try:
            engine.run()
        except SearchInterruptedError:
            took = time.process_time() - began
        then(searcher)
    return took


def suggestion(folder: Path) -> float:
    """Return the seconds of one ask, after one that fits the model."""
    took = []

    def ask(searcher: Any) -> None:
        for _ in range(2):
            began = time.process_time()
            searcher.ask()
            took.append(time.process_time() - began)
            searcher.started(10**6 + len(took), 10**6 + len(took))

    going_on(folder, ask)
    return took[-1]


# Real models


def real(folder: Path, trials: int, same: bool) -> None:
    """Print how much memory the process takes as it trains one small model after the other."""
    print(f"digits, mlp of 8 units, 2 epochs\n\n{'trials':>8}{'MB':>8}{'s/trial':>9}")
    began = time.perf_counter()
    marks = []
    for done, size in trained(folder, trials, same):
        if done % max(1, trials // 20) == 0:
            marks.append((done, size))
            print(f"{done:>8}{size / 1e6:>8.0f}{(time.perf_counter() - began) / done:>9.2f}", flush=True)
    half = [size for done, size in marks if done >= trials // 2]
    grown = (half[-1] - half[0]) / (trials - trials // 2)
    print(f"\n{grown / 1000:.1f} kB more for each trial of the second half")


def trained(folder: Path, trials: int, same: bool) -> Any:
    """Train small models through an executor; yield how many are done and the memory in bytes."""
    from hptune.data import load_dataset
    from hptune.executors.inline import InlineExecutor
    from hptune.models.load import load_model
    from hptune.space.files import ready_space
    from hptune.study.trial import Direction, Job, Objective
    from hptune.training import Trainer as RealTrainer

    dataset, space = load_dataset("digits"), ready_space("mlp")
    model = load_model("mlp", dataset, space=space, epochs=2)
    goal = Objective(name="val_accuracy", direction=Direction.MAX)
    executor = InlineExecutor(RealTrainer(dataset, model, goal))
    rng = np.random.default_rng(0)
    for number in range(1, trials + 1):
        drawn = space.defaults if same else space.sample(rng)
        job = Job(
            id=number,
            trial_id=number,
            values=space.active(
                {**drawn, "units": 8, "batch_size": 256, "learning_rate": 10 ** rng.uniform(-4, -2)}
            ),
            seed=number,
            initial_epoch=0,
            epochs=2,
            keep_as=str(folder / "weights.npz"),
        )
        executor.submit(job, lambda job, epoch, report: False)
        executor.poll(0.1)
        yield number, resident()


if __name__ == "__main__":
    main()
