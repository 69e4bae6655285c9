"""Trains one batch before a search begins: what is reported, and whether NumPy may train."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hptune._text import listed
from hptune.errors import ModelError
from hptune.search.events import Listener
from hptune.search.task import SearchTask

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model
    from hptune.training.preflight import Preflight

__all__ = ["preflight", "warn_of_numpy"]


def preflight(
    task: SearchTask, dataset: Dataset, model: Model, listener: Listener
) -> tuple[SearchTask, tuple[str, ...]]:
    """Train one batch; returns the task, left to Keras where NumPy differs, and the metrics' names."""
    found = _train_one_batch(task, dataset, model, listener)
    task = replace(task, numpy_difference=found.numpy_difference, in_one_go=found.in_one_go)
    warn_of_numpy(task, listener)
    if found.stateful and not found.own_epochs:
        listener.on_remark(
            f"{model.name}: its fit passes {listed(found.stateful)}, whose state does not go along from rung"
            " to rung: each trial is trained in one go"
        )
    if task.callbacks is not None:
        how = (
            "which Keras trains in one go"
            if found.in_one_go
            else "and their state goes along where it is paused"
        )
        listener.on_remark(
            f"{task.callbacks}: {listed(found.callbacks) or 'no callback'} for each trial, {how}"
        )
    if found.own_epochs:
        listener.on_warning(
            f"{model.name}: its fit sets its own epochs ({found.own_epochs} when it was tried): each trial is"
            f" trained in one go and charged what it trained, against a budget of trainings of {task.epochs}"
        )
    return task, found.reported


def warn_of_numpy(task: SearchTask, listener: Listener) -> None:
    """Say that Keras trains what NumPy would train faster, and why."""
    if task.numpy_difference:
        listener.on_warning(f"Keras trains this search, not NumPy: {task.numpy_difference}")


def _train_one_batch(task: SearchTask, dataset: Dataset, model: Model, listener: Listener) -> Preflight:
    """Train one batch of the defaults or, where that can't be, of the lowest values."""
    trainer, start = task.trainer(dataset, model, None), model.fallback_start()
    try:
        return trainer.preflight(model.space().defaults)
    except ModelError as error:
        if start is None:
            raise
        try:
            found = trainer.preflight(start)
        except ModelError:
            raise error from None
        listener.on_warning(
            f"{error.message}\n  So it is in the middle of ranges without a default. At their lowest values, "
            "where Keras Tuner begins, it can be: the search continues."
        )
        return found
