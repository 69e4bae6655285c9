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

__all__ = ["executor_for", "refuse_stack"]

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
    max_seconds: float | None = None,
) -> Iterator[Executor]:
    """Give an executor, closed at the end: `workers` processes, or a stack of up to `stack` configurations.

    With `stack` None, small models of the recipe mlp are stacked on a GPU, as far as that costs the
    search nothing; on a CPU, one at a time is as fast. A job that takes longer than `max_seconds` is
    infeasible. Raises what `refuse_stack` does.
    """
    alone = refuse_stack(subject, workers=workers, stack=stack, max_seconds=max_seconds)
    may_stack = not alone and (_pays(dataset) if stack is None else stack > 1)
    found = _stacked(subject, dataset, model, objective, stack) if may_stack else None
    executor = found or _one_by_one(subject, dataset, model, objective, workers, max_seconds)
    try:
        yield executor
    finally:
        executor.close()


def refuse_stack(subject: Subject, *, workers: int, stack: int | None, max_seconds: float | None) -> bool:
    """Tell whether something was asked for that needs each configuration by itself.

    Several workers, repeated trainings and a limit of time do. Raises UsageError where a stack was
    asked for as well.
    """
    asked = {
        "--workers": workers > 1,
        "--cv and --executions": subject.is_repeated,
        "--trial-time": max_seconds is not None,
    }
    if stack is not None and stack > 1 and any(asked.values()):
        with_it = ", ".join(name for name, is_asked in asked.items() if is_asked)
        raise UsageError(f"--stack does not go with {with_it}", hint="Leave one of them out.")
    return any(asked.values())


def _one_by_one(
    subject: Subject,
    dataset: Dataset,
    model: Model,
    objective: Objective,
    workers: int,
    max_seconds: float | None,
) -> Executor:
    from hptune.executors.inline import InlineExecutor
    from hptune.executors.limited import LimitedTrainer

    if workers > 1:
        from hptune.executors.processes import ProcessesExecutor

        load = partial(load_trainer, subject, objective)
        return ProcessesExecutor(load, workers=workers, max_seconds=max_seconds)
    trainer = subject.trainer(dataset, model, objective)
    return InlineExecutor(trainer if max_seconds is None else LimitedTrainer(trainer, max_seconds))


def _pays(dataset: Dataset) -> bool:
    """Tell whether configurations are stacked unasked."""
    from hptune.models.backend import has_accelerator

    return dataset.train.x.nbytes <= _SMALL and has_accelerator()


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
