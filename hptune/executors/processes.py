"""Trains in a pool of processes that outlives a killed, hung or leaking worker."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from hptune.executors import OnEpoch, Trainer
from hptune.trial import Job, Outcome, OutcomeState

__all__ = ["ProcessesExecutor"]

RECYCLE_AFTER = 100
"""Jobs after which a worker is replaced, whatever its libraries have leaked."""
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


@dataclass
class _Worker:
    """What a worker process has, once it is started."""

    trainer: Trainer
    reports: Any
    stop: Any


_worker: _Worker | None = None


class ProcessesExecutor:
    """Runs up to `workers` jobs at a time, each in a process of its own.

    `load` builds the trainer inside each worker; it crosses as a pickle and must be a function of
    a module, or a partial of one. `max_seconds` bounds one job.
    """

    def __init__(
        self, load: Callable[[], Trainer], *, workers: int, max_seconds: float | None = None
    ) -> None:
        # Forking a process that has started TensorFlow's threads deadlocks.
        context = multiprocessing.get_context("spawn")
        self.slots = workers
        self._max_seconds = max_seconds
        self._reports = context.Queue()
        self._stop = context.Event()
        self._numbers = context.Value("i", 0)
        self._listening: dict[int, tuple[Job, OnEpoch]] = {}
        self._under_way: set[Future[Outcome]] = set()
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=RECYCLE_AFTER,
            initializer=_start_worker,
            initargs=(load, workers, self._numbers, self._reports, self._stop),
            context=context,
        )

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Begin a job; its future holds an outcome even where its process dies."""
        self._listening[job.id] = (job, on_epoch)
        outcome: Future[Outcome] = Future()
        task = self._pool.schedule(_run, args=[job], timeout=self._max_seconds)

        def ended(done: Future[Outcome]) -> None:
            with contextlib.suppress(CancelledError):
                try:
                    outcome.set_result(_outcome_of(job, done, self._max_seconds))
                except Exception as bug:
                    outcome.set_exception(bug)

        task.add_done_callback(ended)
        self._under_way.add(outcome)
        return outcome

    def poll(self, seconds: float) -> None:
        """Wait up to `seconds` for a job to be done; hand on what workers have reported."""
        wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        self._under_way = {future for future in self._under_way if not future.done()}
        with contextlib.suppress(queue.Empty):
            while True:
                job_id, epoch, report = self._reports.get_nowait()
                job, on_epoch = self._listening[job_id]
                if on_epoch(job, epoch, report):
                    self._stop.set()

    def close(self) -> None:
        """End every worker."""
        self._pool.stop()
        self._pool.join()
        self._reports.close()
        self._reports.cancel_join_thread()


def _outcome_of(job: Job, done: Future[Outcome], max_seconds: float | None) -> Outcome:
    """Return what a job came to; a bug of ours in a worker is raised."""
    try:
        return done.result()
    except FutureTimeoutError:
        reason = f"took longer than {max_seconds:g} s"
    except ProcessExpired as death:
        code = death.exitcode
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        reason = f"its process died ({how})" + (", perhaps for lack of memory" if how == "SIGKILL" else "")
    return Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason=reason)


def _start_worker(load: Callable[[], Trainer], workers: int, numbers: Any, reports: Any, stop: Any) -> None:
    """Make a process ready to train: its share of the cores, a device of its own, the data."""
    global _worker
    # Ctrl-C reaches the whole group; the main process tells the workers what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    _take_share(number, workers)
    # What a person's own code prints is no data of ours.
    sys.stdout = sys.stderr
    _worker = _Worker(trainer=load(), reports=reports, stop=stop)


def _take_share(number: int, workers: int) -> None:
    """Divide the cores among the workers and give each a GPU, before any library starts threads."""
    threads = str(max(1, len(os.sched_getaffinity(0)) // workers))
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, threads)
    devices = _devices()
    if len(devices) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]


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

    def on_epoch(epoch: int, report: Mapping[str, float]) -> bool:
        worker.reports.put((job.id, epoch, dict(report)))
        return bool(worker.stop.is_set())

    return worker.trainer.run(job, on_epoch)
