"""From rows as they were read to a data set: encoded, and for user models as they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted
from hptune.data.arrays import IMAGE_SCALE, as_inputs, is_bytes
from hptune.data.column_kinds import learn_encoder
from hptune.data.dataset import Dataset, DataSplit, Origin
from hptune.data.encoder import TableEncoder
from hptune.data.fingerprint import fingerprint_of, with_given
from hptune.data.on_disk import new_array, take_rows
from hptune.data.parquet_rows import ParquetRows
from hptune.data.raw import Raw, is_table
from hptune.data.split import Indices, rows_in_both
from hptune.data.structure import Given, is_structure, map_leaves
from hptune.data.target import Targets
from hptune.errors import DataError

__all__ = ["make_dataset"]

_REPEATED = 0.05
"""Share of validation rows from which it is said that they equal training rows."""


def make_dataset(
    raw: Raw,
    targets: Targets,
    origin: Origin,
    train: Indices,
    other: Raw,
    held: Indices,
    held_targets: NDArray[Any],
    as_given: bool,
    levels: int | None,
) -> Dataset:
    """Encode training rows, and the validation rows, those of `other`, with what was learned from them.

    Of a column of words `levels` at most have a feature of their own; None leaves it to the training rows.
    """
    notes = [targets.note, *raw.notes]
    if other is not raw:
        notes.append(f"validation: the {len(held)} rows of {other.name}")
    encoder = None
    if is_table(raw.x):
        encoder, said, x, held_x = _encoded(raw, train, other, held, levels)
        notes += said
    else:
        x, held_x = _inputs(raw, train, as_given), _inputs(other, held, as_given)
    parts = DataSplit(x=x, y=targets.y[train]), DataSplit(x=held_x, y=held_targets[held])
    fingerprint = fingerprint_of(parts, targets)
    repeated = rows_in_both(*parts)
    scale = IMAGE_SCALE if encoder is None and not is_structure(raw.x) and is_bytes(raw.x) else 1.0
    if as_given and raw.given is not None and other.given is not None:
        given = _given(parts[0], raw.given, train), _given(parts[1], other.given, held)
        fingerprint, scale = with_given(fingerprint, parts, given), 1.0
        parts = (
            replace(parts[0], x=given[0].x, given=given[0]),
            replace(parts[1], x=given[1].x, given=given[1]),
        )
    if scale != 1.0:
        notes.append("pixels are divided by 255, so that they are 0 to 1")
    if repeated >= _REPEATED * len(held):
        notes.append(
            f"{repeated} of {counted(len(held), 'validation row')} equal a training row"
            " in all that is learned from, so that scores say less about new rows"
        )
    return Dataset(
        name=raw.name,
        task=targets.task,
        train=parts[0],
        validation=parts[1],
        classes=targets.classes,
        positive=targets.positive,
        target=raw.target,
        encoder=encoder,
        input_scale=scale,
        notes=tuple(notes),
        fingerprint=fingerprint,
        origin=origin,
    )


def _given(part: DataSplit, given: Given, rows: Indices) -> Given:
    """Return rows as they came; rows of a table, and targets that are no numbers, as they were encoded."""
    taken = Given(
        x=None if is_table(given.x) else _rows_of(given.x, rows),
        y=_rows_of(given.y, rows),
        weights=_rows_of(given.weights, rows),
    )
    is_text = given.y is not None and not is_structure(given.y) and given.y.dtype.kind not in "biuf"
    return replace(taken, x=part.x if is_table(given.x) else taken.x, y=part.y if is_text else taken.y)


def _inputs(raw: Raw, rows: Indices, as_given: bool) -> Any:
    """Return these rows of the inputs: numbers in float32, several inputs and text as they came."""
    if is_structure(raw.x) or (as_given and raw.given is not None and raw.x.dtype.kind in "OUS"):
        return _rows_of(raw.x, rows)
    return as_inputs(raw, rows)


def _rows_of(tree: Any, rows: Indices) -> Any:
    return map_leaves(lambda leaf: take_rows(leaf, rows), tree)


def _encoded(
    raw: Raw, train: Indices, other: Raw, held: Indices, levels: int | None
) -> tuple[TableEncoder, tuple[str, ...], NDArray[np.float32], NDArray[np.float32]]:
    """Learn an encoder from the training rows of a table, and encode these and the validation rows."""
    with _named(raw.name):
        columns = raw.x.taken(train) if isinstance(raw.x, ParquetRows) else raw.x.iloc[train]
        encoder, said = learn_encoder(columns, where=_places(raw, train), levels=levels)
        x = _encode(encoder, raw, train)
    with _named(other.name):
        held_x = _encode(encoder, other, held)
    return encoder, said, x, held_x


def _encode(encoder: TableEncoder, raw: Raw, rows: Indices) -> NDArray[np.float32]:
    """Return the features of these rows, some at a time where the table does not fit into memory."""
    if not isinstance(raw.x, ParquetRows):
        return encoder.encode(raw.x.iloc[rows], where=_places(raw, rows))
    made = new_array((len(rows), len(encoder.feature_names)), np.float32)
    places = np.full(raw.rows, -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    for part in raw.x.parts([column.name for column in encoder.columns]):
        of_part = part.index.to_numpy()
        among = places[of_part] >= 0
        if among.any():
            here = of_part[among]
            made[places[here]] = encoder.encode(part[among], where=_places(raw, here))
    return made


def _places(raw: Raw, rows: Indices) -> Callable[[Sequence[int]], str]:
    """Return what names rows of a source that are given by their places among these rows."""
    return lambda some: raw.where([int(rows[place]) for place in some])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of the source before the message of an error."""
    try:
        yield
    except DataError as low:
        raise low.at(name) from low
