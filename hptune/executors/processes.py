"""Trains in a pool of processes that outlives a killed, hung or leaking worker."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from hptune._processes import is_running
from hptune.errors import ModelError, StudyError
from hptune.executors import JobTrainer, OnEpoch
from hptune.executors.deaths import EXITED, die_with, how_it_died, is_from_outside
from hptune.executors.time_limit import too_long
from hptune.study.trial import Job, Outcome, OutcomeState

__all__ = ["ProcessesExecutor"]

RECYCLE_AFTER = 100
"""Jobs after which a worker is replaced, whatever its libraries have leaked."""
NEW_POOLS = 3
"""Pools in a row that may break down before a job of theirs is done."""
TRIES = 2
"""Processes that may die of a job before it is infeasible."""
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
_LENGTH = 4
"""Bytes that say how long a report is."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    """What connects a worker with the main process beside its jobs.

    There is no lock in it that a worker could take along when it is killed.
    """

    main: int
    """The main process."""
    places: Any
    """The worker at each place, by its number as a process, below 0 once it has ended; 0 for none."""
    reports: Any
    """Where epochs are written to."""
    stop: Any
    """Other than 0 where everybody is to stop."""


@dataclass
class _Worker:
    """What a worker process has, once it is started."""

    line: _Line
    trainer: JobTrainer | None
    error: Exception | None
    """Why it has no trainer."""


_worker: _Worker | None = None


class _Process(SpawnProcess):
    """A worker as its main process sees it."""

    places: Any = None

    @property
    def exitcode(self) -> int | None:
        """How it ended; EXITED where user code ended it with 0, as the pool would take for its proper end."""
        code = super().exitcode
        if code != 0 or self.places is None:
            return code
        # Without the lock, which a worker that was killed may have taken along.
        return 0 if -(self.pid or 0) in list(self.places.get_obj()) else EXITED


class _Noting(SpawnContext):
    """Starts processes, and notes them."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[_Process] = []
        self.places: Any = None
        """Of the workers; those that have ended properly are there with the number below 0."""

    def Process(self, *arguments: Any, **keywords: Any) -> _Process:  # type: ignore[override]  # noqa: N802
        """Make a process, as a context does."""
        self.started.append(made := _Process(*arguments, **keywords))
        made.places = self.places
        return made

    def take_codes(self) -> list[int]:
        """Return how those have ended that ended badly since the last call."""
        codes = [process.exitcode for process in self.started]
        self.started.clear()
        return [code for code in codes if code]


class ProcessesExecutor:
    """Runs up to `workers` jobs at a time, each in a process of its own.

    `load` builds the trainer inside each worker; it crosses as a pickle and must be a function of
    a module, or a partial of one. `max_seconds` bounds one job, from its first moment in a worker. `code`
    names the user code that `load` runs; "" for none.
    """

    def __init__(
        self,
        load: Callable[[], JobTrainer],
        *,
        workers: int,
        max_seconds: float | None = None,
        code: str = "",
    ) -> None:
        # Forking a process that has started TensorFlow's threads deadlocks.
        _start_tracker()
        self._context = _Noting()
        self._code = code
        self.slots = workers
        self._load = load
        self._max_seconds = max_seconds
        self._reports, writing = self._context.Pipe(duplex=False)
        os.set_blocking(writing.fileno(), False)
        self._line = _Line(
            main=os.getpid(),
            places=self._context.Array("i", workers),
            reports=writing,
            stop=self._context.RawValue("b", 0),
        )
        self._context.places = self._line.places
        self._listening: dict[int, tuple[Job, OnEpoch]] = {}
        self._under_way: dict[Future[Outcome], Job] = {}
        self._died: Counter[int] = Counter()
        """How many processes died of each job."""
        self._broken = threading.Event()
        self._broken_in_a_row = 0
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self.slots,
            max_tasks=RECYCLE_AFTER,
            initializer=_start_worker,
            initargs=(self._load, self._line),
            context=self._context,
        )

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Begin a job; its future holds an outcome even where its process dies."""
        self._listening[job.id] = (job, on_epoch)
        outcome: Future[Outcome] = Future()
        self._under_way[outcome] = job
        self._schedule(job, outcome)
        return outcome

    def _schedule(self, job: Job, outcome: Future[Outcome]) -> None:
        try:
            task = self._pool.schedule(_run, args=[job], timeout=self._max_seconds)
        except RuntimeError:
            self._broken.set()
            return

        def ended(done: Future[Outcome]) -> None:
            # In a thread of the pool's.
            with contextlib.suppress(CancelledError):
                try:
                    found = _outcome_of(job, done, self._max_seconds)
                    if found is None:
                        found = self._again(job, done, outcome)
                except BrokenProcessPool:
                    self._broken.set()
                except Exception as bug:
                    outcome.set_exception(bug)
                else:
                    self._broken_in_a_row = 0
                    if found is not None:
                        outcome.set_result(found)

        task.add_done_callback(ended)

    def _again(self, job: Job, done: Future[Outcome], outcome: Future[Outcome]) -> Outcome | None:
        """Try a job once more whose process died; return that it is infeasible where that was done."""
        self._died[job.id] += 1
        if self._died[job.id] < TRIES:
            self._schedule(job, outcome)
            return None
        death = done.exception()
        assert isinstance(death, ProcessExpired)
        reason = how_it_died(death.exitcode)
        return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason=reason)

    def poll(self, seconds: float) -> None:
        """Wait up to `seconds` for a job to be done; hand on what workers have reported."""
        wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        if self._broken.is_set():
            self._begin_again()
        while self._reports.poll():
            job_id, epoch, report = pickle.loads(self._reports.recv_bytes())
            job, on_epoch = self._listening.get(job_id, (None, None))
            if job is not None and on_epoch is not None and on_epoch(job, epoch, report):
                self._line.stop.value = 1
        for future in [future for future in self._under_way if future.done()]:
            del self._listening[self._under_way.pop(future).id]

    def _begin_again(self) -> None:
        """Give the jobs of a pool that broke down to a new one.

        It breaks where a worker dies that trains nothing: while it starts, or waits.
        """
        self._broken_in_a_row += 1
        codes = self._context.take_codes()
        if self._broken_in_a_row > NEW_POOLS:
            raise self._broken_for_good(codes[-1] if codes else None)
        self._pool.stop()
        self._pool.join()
        self._broken.clear()
        self._pool = self._new_pool()
        for outcome, job in self._under_way.items():
            if not outcome.done():
                self._schedule(job, outcome)

    def _broken_for_good(self, code: int | None) -> Exception:
        """Return what to raise where processes die in a row, the last one with this exit code."""
        how = "" if code is None else f" {how_it_died(code)}".replace(" its process died", "")
        died = f"the processes that train died {self._broken_in_a_row} times in a row, as they started{how}"
        if not self._code or code is None or is_from_outside(code):
            return StudyError(
                died,
                hint="Nothing that was trained is lost: the same command resumes it."
                " Fewer --workers need less memory.",
            )
        return ModelError(
            died,
            hint="Your code ends the process that loads it, though not the one that began the search.",
            source=self._code,
        )

    def close(self) -> None:
        """End every worker."""
        self._pool.stop()
        self._pool.join()
        self._reports.close()
        self._line.reports.close()


def _start_tracker() -> None:
    """Have what a killed main process leaves cleared away without a warning to whoever killed it."""
    kept = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{kept},{quiet}" if kept else quiet
    try:
        resource_tracker.ensure_running()
    finally:
        if kept is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = kept


def _outcome_of(job: Job, done: Future[Outcome], max_seconds: float | None) -> Outcome | None:
    """Return what a job came to, None where its process died; a bug of ours in a worker is raised."""
    try:
        return done.result()
    except FutureTimeoutError:
        assert max_seconds is not None
        return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason=too_long(max_seconds))
    except ProcessExpired:
        return None


def _start_worker(load: Callable[[], JobTrainer], line: _Line) -> None:
    """Make a process ready to train: its share of the cores, a device of its own, the data."""
    global _worker
    # Ctrl-C reaches the whole group; the main process tells the workers what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(line.main)
    place = _take_place(line.places)
    Finalize(None, _note_end, args=(line.places, place, os.getpid()), exitpriority=0)
    _take_share(place, len(line.places))
    # What user code prints is no data of ours.
    sys.stdout = sys.stderr
    try:
        _worker = _Worker(line=line, trainer=load(), error=None)
    except Exception as error:
        # The first job tells it.
        _worker = _Worker(line=line, trainer=None, error=error)


def _note_end(places: Any, place: int, process: int) -> None:
    """Note that a worker ends as it should, and is not ended by user code."""
    if os.getpid() == process:
        places.get_obj()[place] = -process


def _take_place(places: Any) -> int:
    """Take a place that is free, or whose worker is gone; returns its number, from 0."""
    with places.get_lock():
        free = [place for place, process in enumerate(places) if process <= 0 or not is_running(process)]
        place = free[0] if free else 0
        places[place] = os.getpid()
    return place


def _take_share(place: int, workers: int) -> None:
    """Divide the cores among the workers and give each a GPU, before any library starts threads."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // workers))
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, threads)
    devices = _devices()
    if len(devices) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[place % len(devices)]


def _devices() -> list[str]:
    """Return the GPUs that this process may use, by their CUDA names."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [device for device in allowed.split(",") if device]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]


def _run(job: Job) -> Outcome:
    """Train a job in a worker."""
    worker = _worker
    assert worker is not None
    if worker.trainer is None:
        assert worker.error is not None
        raise worker.error
    line = worker.line

    def on_epoch(epoch: int, report: Mapping[str, float]) -> bool:
        _tell(line.reports, job, epoch, report)
        # Where the main process was killed nobody waits for the rest.
        return bool(line.stop.value) or os.getppid() != line.main

    return worker.trainer.run(job, on_epoch)


def _tell(reports: Any, job: Job, epoch: int, report: Mapping[str, float]) -> None:
    """Report an epoch, which the outcome tells again: what finds no room is left out."""
    message = pickle.dumps((job.id, epoch, dict(report)))
    # So many bytes a pipe takes whole or not at all, whoever else writes to it.
    if len(message) > select.PIPE_BUF - _LENGTH:
        message = pickle.dumps((job.id, epoch, {}))
    # A full pipe, or a main process that is gone.
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        reports.send_bytes(message)
