"""One contract for every executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune._processes import is_running
from hptune.errors import DataError, ModelError, StudyError
from hptune.executors import Executor, processes
from hptune.executors import time_limit as limited
from hptune.executors.inline import InlineExecutor
from hptune.executors.processes import ProcessesExecutor
from hptune.search.engine import Engine
from hptune.study import Study
from hptune.study.trial import Job, Outcome, OutcomeState, TrialState


class Moody(FakeTrainer):
    """Does what the optimizer's name says."""

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        mood = job.values.get("mood")
        if mood == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if mood == "die once" and not Path(first := str(job.values["first"])).exists():
            Path(first).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if mood == "hang":
            time.sleep(60)
        if mood == "exit":
            os._exit(0)
        if mood == "bug":
            raise AssertionError("a bug of ours")
        if mood == "who":
            return Outcome(job_id=job.id, state=OutcomeState.DONE, reason=str(os.getpid()))
        if mood == "talk":
            on_epoch(1, {"loss": 1.0})
            on_epoch(2, {f"metric {number}": 1.0 for number in range(1000)})
            return Outcome(job_id=job.id, state=OutcomeState.DONE, curve=({"loss": 1.0},))
        if mood == "slow":
            time.sleep(0.2)
        return super().run(job, on_epoch)


def job(number: int = 1, **values: object) -> Job:
    filled = {"learning_rate": 0.01, "optimizer": "adam", "units": 8, **values}
    return Job(id=number, trial_id=number, values=filled, seed=1, initial_epoch=0, epochs=3)  # type: ignore[arg-type]


def result(executor: Executor, future: Future[Outcome]) -> Outcome:
    until = time.monotonic() + 60
    while not future.done():
        assert time.monotonic() < until
        executor.poll(0.1)
        time.sleep(0.01)
    executor.poll(0.1)
    return future.result()


@pytest.fixture(params=["inline", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made: Executor = (
        InlineExecutor(Moody())
        if request.param == "inline"
        else ProcessesExecutor(Moody, workers=2, max_seconds=5)
    )
    yield made
    made.close()


def test_a_job_gives_its_outcome_and_reports_every_epoch(executor: Executor) -> None:
    heard: list[tuple[int, int]] = []

    def on_epoch(done: Job, epoch: int, report: Mapping[str, float]) -> bool:
        heard.append((done.id, epoch))
        return False

    outcome = result(executor, executor.submit(job(), on_epoch))
    assert outcome.state is OutcomeState.DONE
    assert [e["val_accuracy"] for e in outcome.curve] == [
        FakeTrainer.score(job().values, e) for e in (1, 2, 3)
    ]
    assert heard == [(1, 1), (1, 2), (1, 3)]


@pytest.fixture
def pool() -> Iterator[ProcessesExecutor]:
    made = ProcessesExecutor(Moody, workers=2, max_seconds=3)
    yield made
    made.close()


def never(done: Job, epoch: int, report: Mapping[str, float]) -> bool:
    return False


def test_a_killed_or_hung_worker_is_an_outcome_and_the_pool_goes_on(pool: ProcessesExecutor) -> None:
    died = result(pool, pool.submit(job(1, mood="die"), never))
    assert died.state is OutcomeState.INFEASIBLE
    assert died.reason == "its process died (SIGKILL), perhaps for lack of memory"
    hung = result(pool, pool.submit(job(2, mood="hang"), never))
    assert hung.reason == "took longer than 3 s"
    assert result(pool, pool.submit(job(3), never)).state is OutcomeState.DONE


def test_a_job_that_exits_as_if_all_were_well_is_an_outcome_too(pool: ProcessesExecutor) -> None:
    exited = result(pool, pool.submit(job(1, mood="exit"), never))
    assert (exited.state, exited.reason) == (OutcomeState.INFEASIBLE, "its process died (exit code 0)")
    assert result(pool, pool.submit(job(2), never)).state is OutcomeState.DONE


def test_a_bug_of_ours_in_a_worker_is_raised(pool: ProcessesExecutor) -> None:
    with pytest.raises(AssertionError, match="a bug of ours"):
        result(pool, pool.submit(job(mood="bug"), never))


def test_a_worker_that_dies_while_it_waits_costs_no_job(pool: ProcessesExecutor) -> None:
    for number in (1, 2, 3):
        waiting = int(result(pool, pool.submit(job(number, mood="who"), never)).reason)
        os.kill(waiting, signal.SIGKILL)
        time.sleep(0.3)
    assert result(pool, pool.submit(job(4), never)).state is OutcomeState.DONE


def broken_load() -> FakeTrainer:
    raise DataError("rows.csv: gone", hint="Put it back.")


def test_what_keeps_a_worker_from_loading_is_told() -> None:
    pool = ProcessesExecutor(broken_load, workers=2)
    try:
        with pytest.raises(DataError, match=r"rows\.csv: gone") as caught:
            result(pool, pool.submit(job(), never))
        assert caught.value.hint == "Put it back."
    finally:
        pool.close()


def test_a_pool_whose_processes_all_die_at_once_is_given_up() -> None:
    pool = ProcessesExecutor(partial(os._exit, 3), workers=1)
    try:
        with pytest.raises(StudyError, match=r"died 4 times in a row, as they started \(exit code 3\)"):
            result(pool, pool.submit(job(), never))
    finally:
        pool.close()


def killed() -> FakeTrainer:
    os.kill(os.getpid(), signal.SIGKILL)
    return FakeTrainer()


@pytest.mark.parametrize(
    ("load", "error", "said"),
    [
        pytest.param(partial(os._exit, 3), ModelError, r"m\.py:build: .*\(exit code 3\)", id="by itself"),
        pytest.param(killed, StudyError, r"\(SIGKILL\)", id="from outside"),
    ],
)
def test_processes_that_die_while_they_load_user_code_are_told_from_killed_ones(
    load: Callable[[], FakeTrainer], error: type[Exception], said: str
) -> None:
    pool = ProcessesExecutor(load, workers=1, code="m.py:build")
    try:
        with pytest.raises(error, match=said):
            result(pool, pool.submit(job(), never))
    finally:
        pool.close()


def test_a_job_whose_process_is_killed_is_tried_once_more(pool: ProcessesExecutor, tmp_path: Path) -> None:
    first = tmp_path / "first"
    outcome = result(pool, pool.submit(job(mood="die once", first=str(first)), never))
    assert outcome.state is OutcomeState.DONE
    assert first.exists()


def test_workers_end_with_the_process_that_began_them() -> None:
    script = (
        "from test_executors import Moody, ProcessesExecutor, job, never, result\n"
        "pool = ProcessesExecutor(Moody, workers=1)\n"
        "print(result(pool, pool.submit(job(mood='who'), never)).reason, flush=True)\n"
        "pool.submit(job(2, mood='hang'), never)\n"
        "pool.poll(60)\n"
    )
    main = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
    )
    assert main.stdout is not None
    worker = int(main.stdout.readline())
    main.kill()
    main.wait()
    main.stdout.close()
    until = time.monotonic() + 30
    while is_running(worker):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_is_replaced_after_so_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "RECYCLE_AFTER", 2)
    pool = ProcessesExecutor(Moody, workers=1)
    try:
        who = [result(pool, pool.submit(job(number, mood="who"), never)).reason for number in range(1, 5)]
    finally:
        pool.close()
    assert who[0] == who[1] != who[2] == who[3]


def test_a_report_that_is_too_long_for_a_pipe_leaves_its_metrics_out(pool: ProcessesExecutor) -> None:
    heard = []
    outcome = result(pool, pool.submit(job(mood="talk"), lambda *told: heard.append(told[1:])))
    assert [(epoch, len(report)) for epoch, report in heard] == [(1, 1), (2, 0)]
    assert len(outcome.curve) == 1


def test_a_worker_stops_after_its_epoch_where_the_main_process_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stop:
        value = 0

    read, write = multiprocessing.Pipe(duplex=False)
    line = processes._Line(main=os.getppid() + 1, places=None, reports=write, stop=Stop())
    monkeypatch.setattr(processes, "_worker", processes._Worker(line=line, trainer=Moody(), error=None))
    outcome = processes._run(job())
    assert outcome.state is OutcomeState.INTERRUPTED
    assert len(outcome.curve) == 1
    read.close()
    write.close()


def test_a_new_worker_takes_the_place_of_one_that_is_gone() -> None:
    places = multiprocessing.get_context("spawn").Array("i", 3)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    places[0], places[1], places[2] = os.getpid(), gone.pid, os.getpid()
    assert processes._take_place(places) == 1
    assert list(places) == [os.getpid()] * 3


def test_a_training_that_takes_too_long_ends_after_its_epoch_and_is_infeasible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([0.0, 40.0, 61.0, 80.0])
    monkeypatch.setattr(limited, "monotonic", lambda: next(now))
    outcome = limited.LimitedTrainer(FakeTrainer(), 60).run(job(), lambda epoch, report: False)
    assert (outcome.state, outcome.reason) == (OutcomeState.INFEASIBLE, "took longer than 60 s")
    assert len(outcome.curve) == 2
    assert outcome.checkpoint == ""


def test_a_training_in_time_or_asked_to_stop_is_as_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 10.0, 20.0, 90.0])
    monkeypatch.setattr(limited, "monotonic", lambda: next(now))
    trainer = limited.LimitedTrainer(FakeTrainer(), 60)
    # The last epoch may end late: there is nothing left to save.
    assert trainer.run(job(), lambda epoch, report: False).state is OutcomeState.DONE
    monkeypatch.setattr(limited, "monotonic", lambda: 0.0)
    assert trainer.run(job(), lambda epoch, report: True).state is OutcomeState.INTERRUPTED


def test_workers_have_their_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    from hptune.executors.processes import THREAD_VARIABLES, _take_share

    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is put back as it was
        monkeypatch.delenv(name)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    _take_share(3, 2)
    assert os.environ["OMP_NUM_THREADS"] == "4"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_a_search_with_two_workers_spends_the_same_budget(tmp_path: Path) -> None:
    study = Study.create(tmp_path, identity())
    study.open_pass(SPACE, proposal=None, origin="given")
    pool = ProcessesExecutor(partial(Moody, diverge_above=0.3), workers=2)
    try:
        Engine(
            study=study, searcher=FakeSearcher(), executor=pool, pass_ends=(60, 120), narrow=keep_all
        ).run()
    finally:
        pool.close()
    assert 120 - 9 < study.epochs_used() + study.jobs_without_epoch() <= 120
    assert study.open_jobs() == ()
    assert {t.state for t in study.trials()} >= {TrialState.COMPLETE, TrialState.INFEASIBLE}
