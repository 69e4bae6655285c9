"""Searches that are killed at random instants, again and again until they are done: nothing may be lost.

The first part forks a process for each stretch of a search with a made-up training, and kills it at a random
statement of its database or at a random save of weights. The second kills the installed commands.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.dying import countdown
from support.fakes import OBJECTIVE, SPACE, FakeTrainer, identity
from support.interruptions import story
from support.small_model import BUILD

from hptune.errors import SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.narrowing.propose import propose
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.study import Study
from hptune.study.trial import Job

pytestmark = pytest.mark.campaign

KILLS = int(os.environ.get("HPTUNE_CAMPAIGN_KILLS", "1000"))
ORACLES = ["coarse-to-fine", "random", "bayesian", "hyperband", "grid"]
ENDS = (27, 54, 81)


def stretch(folder: Path, oracle: str, *, listener: Listener | None = None, stop: Stop | None = None) -> None:
    """Search until the end, from wherever the study stands."""
    from hptune.oracles.names import make_searcher

    about = identity(oracle=oracle, epochs=9)
    study = Study.open(folder, read_only=False) if Study.exists(folder) else Study.create(folder, about)
    with study:
        if not study.passes():
            study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=make_searcher(
                oracle, objective=OBJECTIVE, root=SPACE, epochs=9, budget=ENDS[-1], seed=0
            ),
            executor=InlineExecutor(FakeTrainer(diverge_above=0.5)),
            pass_ends=ENDS,
            narrow=lambda space, trials: propose(space, trials, OBJECTIVE, root=SPACE, epochs=9),
            listener=listener or Listener(),
            stop=stop or Stop(),
        ).run()


class Stops(Listener):
    """Ctrl-C after so many epochs."""

    def __init__(self, stop: Stop, epochs: int) -> None:
        self.stop, self.left = stop, epochs

    def on_epoch_end(self, job: Job, epoch: int, report: object) -> None:
        self.left -= 1
        self.stop.asked = self.left <= 0


def dying(folder: Path, oracle: str, rng: random.Random) -> bool:
    """Fork a stretch that is killed somewhere; returns whether it was, and did not end before."""
    at, interrupted = int(2 ** rng.uniform(0, 11)), rng.random() < 0.2
    pid = os.fork()
    if pid == 0:
        tick = countdown(at)

        real: Callable[..., sqlite3.Connection] = sqlite3.connect

        def traced(*arguments: Any, **more: Any) -> sqlite3.Connection:
            database = real(*arguments, **more)
            database.set_trace_callback(tick)
            return database

        sqlite3.connect = traced  # type: ignore[assignment]
        keep = FakeTrainer._end

        def saving(self: FakeTrainer, *arguments: Any) -> Any:
            made = keep(self, *arguments)
            tick()
            return made

        FakeTrainer._end = saving  # type: ignore[method-assign]
        stop = Stop()
        listener = Stops(stop, rng.randrange(1, 20)) if interrupted else None
        try:
            stretch(folder, oracle, listener=listener, stop=stop)
        except SearchInterruptedError:
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{oracle}: a resumed search failed"
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("oracle", ORACLES)
def test_a_search_that_is_killed_again_and_again_is_the_same(
    oracle: str, tmp_path: Path, count: Counter[str]
) -> None:
    stretch(tmp_path / "whole", oracle)
    with Study.open(tmp_path / "whole") as study:
        whole = story(study)
    rng, killed, number = random.Random(oracle), 0, 0
    while killed < KILLS // len(ORACLES):
        number += 1
        folder = tmp_path / f"s{number}"
        while dying(folder, oracle, rng) and killed < KILLS // len(ORACLES):
            killed += 1
        stretch(folder, oracle)
        with Study.open(folder) as study:
            assert story(study) == whole, f"{oracle}: search {number} after {killed} kills"
    count["kills of forked searches, five search algorithms"] += killed
    count["searches that ended in the very trials of an uninterrupted one"] += number


HPTUNE = [sys.executable, "-m", "hptune"]
SMALL = ["--passes", "2", "--trials", "3", "--epochs", "4", "--study", "s"]
SEARCHES = {
    "mlp": ["search", "iris", *SMALL],
    "cv": ["search", "iris", "--cv", "3", *SMALL],
    "own": ["search", "iris", "--model", "m.py:build", *SMALL],
    "workers": ["search", "iris", "--workers", "2", *SMALL],
}


def trials_of(folder: Path) -> list[Any]:
    listed = subprocess.run(
        [*HPTUNE, "trials", "s", "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    return [
        (t["id"], t["pass_number"], t["values"], t["seed"], t["epochs"], t["score"])
        for t in json.loads(listed.stdout)["trials"]
    ]


@pytest.mark.parametrize("kind", list(SEARCHES))
def test_commands_that_are_killed_go_on(kind: str, tmp_path: Path, count: Counter[str]) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.py").write_text(BUILD, encoding="utf-8")
    command = [*HPTUNE, *SEARCHES[kind]]
    subprocess.run(command, cwd=tmp_path / "whole", check=True, capture_output=True)
    rng, killed = random.Random(kind), 0
    for _ in range(KILLS // 100):
        process = subprocess.Popen(
            command, cwd=tmp_path / "killed", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        time.sleep(rng.uniform(0.5, 8))
        process.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        _, err = process.communicate(timeout=120)
        killed += process.returncode != 0
        assert b"Traceback" not in err, err
    subprocess.run(command, cwd=tmp_path / "killed", check=True, capture_output=True)
    found, whole = trials_of(tmp_path / "killed"), trials_of(tmp_path / "whole")
    if kind == "workers":
        # Which of two ends first decides what is asked next: every trial is accounted for.
        assert all(score is not None or epochs == 0 for *_, epochs, score in found)
        assert len(found) >= len(whole) // 2
    else:
        assert found == whole
    count["kills and signals of the installed command"] += killed


def test_one_of_many_searches_at_once_has_the_study(tmp_path: Path, count: Counter[str]) -> None:
    command = [*HPTUNE, "search", "iris", *SMALL]
    started = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(20)
    ]
    errors = [process.communicate(timeout=600)[1] for process in started]
    codes = Counter(process.returncode for process in started)
    assert set(codes) <= {0, 6}
    assert codes[0] >= 1
    assert not [error for error in errors if b"Traceback" in error]
    with Study.open(tmp_path / "s") as study:
        assert len({t.id for t in study.trials()}) == len(study.trials())
    count["searches at once on one study, of which others are told that it is held"] += len(started)
