"""Which executor a search trains with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hptune.data.python_file import is_function_spec
from hptune.executors import Executor
from hptune.search.task import SearchTask, load_trainer

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model
    from hptune.study.trial import Objective

__all__ = ["executor_for"]


@contextmanager
def executor_for(
    task: SearchTask,
    dataset: Dataset,
    model: Model,
    objective: Objective,
    *,
    workers: int = 1,
    max_seconds: float | None = None,
) -> Iterator[Executor]:
    """Give an executor, closed at the end: this process, or `workers` processes where that is more than one.

    A job that takes longer than `max_seconds` is infeasible.
    """
    executor = _executor(task, dataset, model, objective, workers, max_seconds)
    try:
        yield executor
    finally:
        executor.close()


def _executor(
    task: SearchTask,
    dataset: Dataset,
    model: Model,
    objective: Objective,
    workers: int,
    max_seconds: float | None,
) -> Executor:
    from hptune.executors.inline import InlineExecutor
    from hptune.executors.time_limit import LimitedTrainer

    if workers > 1:
        from hptune.executors.processes import ProcessesExecutor

        load = partial(load_trainer, task, objective, dataset.fingerprint)
        user_code = [source for source in (task.model, task.data) if is_function_spec(source)]
        code = user_code[0] if user_code else ""
        return ProcessesExecutor(load, workers=workers, max_seconds=max_seconds, code=code)
    trainer = task.trainer(dataset, model, objective)
    return InlineExecutor(trainer if max_seconds is None else LimitedTrainer(trainer, max_seconds))
