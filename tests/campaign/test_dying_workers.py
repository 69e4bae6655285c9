"""Workers that are killed at random instants, as they start, wait or train: every trial is accounted for."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.fakes import FakeTrainer
from support.searches import search_on
from support.small_model import BUILD

from hptune.errors import StudyError
from hptune.executors.processes import ProcessesExecutor
from hptune.study import Study
from hptune.study.trial import Job, Outcome, TrialState

pytestmark = pytest.mark.campaign

DEATHS = 100
ENDS = (60, 120, 180)
SECONDS_OF_AN_EPOCH = 0.15


class Slow(FakeTrainer):
    """Takes long enough to be killed."""

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        def on_slow_epoch(epoch: int, report: Mapping[str, float]) -> bool:
            time.sleep(SECONDS_OF_AN_EPOCH)
            return on_epoch(epoch, report)

        return super().run(job, on_slow_epoch)


def workers_of(process: int) -> list[int]:
    """The processes that train for another: its children, beside the one that clears away after all."""
    found = []
    with suppress(OSError):
        for one in Path(f"/proc/{process}/task").iterdir():
            found += [int(child) for child in (one / "children").read_text().split()]
    called = {child: command(child) for child in found}
    return [child for child, words in called.items() if "spawn_main" in words]


def command(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    return ""


@contextmanager
def killer(process: int, rng: random.Random, most: int, pause: float) -> Iterator[list[int]]:
    """Kill workers of a process at random instants; gives those that were killed."""
    killed: list[int] = []
    over = threading.Event()

    def work() -> None:
        while len(killed) < most and not over.wait(rng.uniform(0, pause)):
            workers = workers_of(process)
            if workers:
                victim = rng.choice(workers)
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed.append(victim)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def stretch(folder: Path) -> bool:
    """Search from wherever the study stands; returns whether that came to its end."""
    executor = ProcessesExecutor(Slow, workers=2)
    try:
        search_on(folder, executor, ENDS)
    except StudyError as error:
        if "Nothing that was trained is lost: the same command resumes it" not in error.hint:
            raise
        return False
    finally:
        executor.close()
    return True


def require_whole(folder: Path) -> Counter[TrialState]:
    """Every trial has ended, with the very curve of an undisturbed training or with the reason why not."""
    with Study.open(folder) as study:
        assert study.open_jobs() == ()
        trials = study.trials()
        assert [t.id for t in trials] == list(range(1, len(trials) + 1))
        for trial in trials:
            whole = [FakeTrainer.score(trial.values, epoch) for epoch in range(1, trial.epochs + 1)]
            assert [epoch["val_accuracy"] for epoch in trial.curve] == whole
            if trial.state is TrialState.INFEASIBLE:
                assert "its process died (SIGKILL)" in trial.reason
            else:
                assert trial.state in (TrialState.COMPLETE, TrialState.PAUSED)
                assert trial.score == max(whole)
        assert study.epochs_used() >= ENDS[-1] - study.jobs_without_epoch() - 9
        return Counter(trial.state for trial in trials)


def test_a_hundred_workers_that_die_leave_every_trial_accounted_for(
    tmp_path: Path, count: Counter[str]
) -> None:
    rng, deaths, number = random.Random(0), 0, 0
    states: Counter[TrialState] = Counter()
    while deaths < DEATHS:
        number += 1
        folder = tmp_path / f"s{number}"
        done = False
        while not done:
            with killer(os.getpid(), rng, DEATHS - deaths, pause=2) as killed:
                # Where too many died in a row as they started, the same command goes on.
                done = stretch(folder)
            deaths += len(killed)
        states += require_whole(folder)
    count["workers of two that were killed"] += deaths
    count["trials of these searches, all of which ended or say why not"] += sum(states.values())
    count["of which were infeasible, as two processes died of them"] += states[TrialState.INFEASIBLE]


def test_the_command_goes_on_while_its_workers_are_killed(tmp_path: Path, count: Counter[str]) -> None:
    (tmp_path / "m.py").write_text(BUILD, encoding="utf-8")
    deaths = 0
    for number in range(2):
        search = [
            *(sys.executable, "-m", "hptune", "search", "iris", "--model", "m.py:build", "--workers", "2"),
            *(
                "--passes",
                "2",
                "--trials",
                "4",
                "--epochs",
                "6",
                "--seed",
                str(number),
                "--study",
                f"s{number}",
            ),
        ]
        process = subprocess.Popen(
            search, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        with killer(process.pid, random.Random(number), 5, pause=5) as killed:
            _, err = process.communicate(timeout=300)
        deaths += len(killed)
        assert process.returncode in (0, 6), err
        assert "Traceback" not in err
        assert "--fresh" not in err
        subprocess.run(search, cwd=tmp_path, check=True, capture_output=True)
        with Study.open(tmp_path / f"s{number}") as study:
            assert study.open_jobs() == ()
            for trial in study.trials():
                dead = trial.state is TrialState.INFEASIBLE
                assert dead or (trial.score is not None and len(trial.curve) == trial.epochs)
    count["workers of the installed command that were killed"] += deaths
