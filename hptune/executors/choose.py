"""Which executor a search trains with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hptune.errors import UsageError
from hptune.executors import Executor
from hptune.subject import Subject, load_trainer

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models import Model
    from hptune.trial import Objective

__all__ = ["executor_for"]

_SMALL = 1 << 22
"""Bytes of training rows up to which configurations are stacked unasked: beyond them arithmetic takes
the time, which a stack does not save, and results come late."""


@contextmanager
def executor_for(
    subject: Subject,
    dataset: Dataset,
    model: Model,
    objective: Objective,
    *,
    workers: int = 1,
    stack: int | None = None,
) -> Iterator[Executor]:
    """Give an executor, closed at the end: `workers` processes, or a stack of up to `stack` configurations.

    With `stack` None, small models of the recipe mlp are stacked as far as that costs the search
    nothing. Raises UsageError where both several workers (or repeated trainings) and a stack were
    asked for.
    """
    executor = _make(subject, dataset, model, objective, workers, stack)
    try:
        yield executor
    finally:
        executor.close()


def _make(
    subject: Subject, dataset: Dataset, model: Model, objective: Objective, workers: int, stack: int | None
) -> Executor:
    from hptune.executors.inline import InlineExecutor

    repeated = workers > 1 or subject.is_repeated
    if repeated and stack is not None and stack > 1:
        raise UsageError(
            "--stack goes with neither --workers, --cv nor --executions", hint="Leave one of them out."
        )
    if workers > 1:
        from hptune.executors.processes import ProcessesExecutor

        return ProcessesExecutor(partial(load_trainer, subject, objective), workers=workers)
    if not repeated and stack != 1 and (stack is not None or dataset.train.x.nbytes <= _SMALL):
        stacked = _stacked(subject, dataset, model, objective, stack)
        if stacked is not None:
            return stacked
    return InlineExecutor(subject.trainer(dataset, model, objective))


def _stacked(
    subject: Subject, dataset: Dataset, model: Model, objective: Objective, stack: int | None
) -> Executor | None:
    """Return an executor that trains what shares a structure as one model; None where nothing would."""
    from hptune.executors.stacked import MOST, StackedExecutor, can_be_stacked, wave_size

    trainer = subject.split_trainer(dataset, model, objective)
    if not can_be_stacked(trainer, dataset, model):
        return None
    pace = wave_size if stack is None else None
    return StackedExecutor(trainer, dataset, model, objective, most=stack or MOST, pace=pace)
