"""From batches to a data set: what is known of rows that can't be counted, ordered or compared."""

from __future__ import annotations

import numpy as np

from hptune.data.dataset import Dataset, DataSplit, Origin
from hptune.data.fingerprint import fingerprint_of_form
from hptune.data.kinds import Task
from hptune.data.raw import Raw
from hptune.errors import DataError

__all__ = ["stream_dataset"]


def stream_dataset(raw: Raw, origin: Origin, task: Task | None, positive: str | None) -> Dataset:
    """Return a data set of batches, of which the first ones stand for all where rows are looked at.

    Raises `DataError` for options that need every row: a share to validate on, a task, a positive class.
    """
    assert raw.streams is not None
    assert raw.own_validation is not None
    given = {
        "--validation": origin.validation != Origin.validation,
        "--task": task is not None,
        "--positive": positive is not None,
    }
    for option, is_given in given.items():
        if is_given:
            raise DataError(
                f"{option}: {raw.name} gives batches, whose rows can't be split or looked through",
                hint=f"Leave {option} out: validation is what the function returns, and the model gets the"
                " batches as they are.",
            )
    train, validation = _split(raw), _split(raw.own_validation)
    return Dataset(
        name=raw.name,
        task=Task.UNKNOWN,
        train=train,
        validation=validation,
        notes=(
            "batches go to the model's fit as they are, in the order that they come in",
            f"whether {raw.name} gives the same rows as before, and in the same order, can't be checked: a"
            " resumed search goes on with the trials it has, but not to the last digit",
        ),
        fingerprint=fingerprint_of_form(raw.streams),
        origin=origin,
        streams=raw.streams,
    )


def _split(raw: Raw) -> DataSplit:
    assert raw.given is not None
    return DataSplit(x=raw.given.x, y=np.empty((raw.rows, 0), np.float32), given=raw.given)
