"""Batches from a user's function: which forms there are, and what is refused before anything is trained."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hptune.data.kinds import SourceKind
from hptune.data.python_file import importable, seeded, where_raised
from hptune.data.raw import Raw
from hptune.data.stream import ENDLESS, UNKNOWN, Stream, Streams, is_stream, part_of_stream, seed_order
from hptune.data.structure import Given, as_tuples, is_structure, leaves, map_leaves
from hptune.data.under_way import Died, under_way
from hptune.errors import DataError

__all__ = ["ArrayForm", "read_streams"]

_PAIR = (
    "Return (train, validation): of a tf.data.Dataset, (dataset.skip(n), dataset.take(n)), or"
    " keras.utils.split_dataset(dataset, right_size=0.2)."
)
_STEPS = "Return (stream, steps) in its place: ((train, steps), (validation, steps))."


@dataclass(frozen=True)
class ArrayForm:
    """The form of an array of which batches hold the values."""

    shape: tuple[int | None, ...]
    """Rows, which are None, and what a row has; None where that differs from batch to batch."""
    dtype: Any
    """NumPy's."""


def read_streams(name: str, file: str, made: Any, again: Callable[[], Any]) -> Raw | None:
    """Return batches of training and validation, with the first ones as examples; None for other data.

    `made` is what the function of `name` in `file` returned, and `again` calls it once more. Raises
    `DataError` for a stream alone, one that would never end, one without batches, and batches of which
    nothing is learned here; and where the user's code raises.
    """
    if not _has_stream(made):
        return None
    streams = Streams.of(made, again, name)
    if streams is None:
        raise _no_pair(name, made)
    firsts = []
    for what, part in zip(("training", "validation"), streams.parts, strict=True):
        if isinstance(part, Stream):
            _check_end(f"{name}: the {what} {_kind(part)}", part)
        firsts.append(_first(name, file, what, part))
    _check_lengths(name, streams)
    form, held = (_form(part, batches) for part, batches in zip(streams.parts, firsts, strict=True))
    if _outline(form) != _outline(held):
        raise DataError(
            f"{name}: validation batches hold {_spoken(held)}, but training batches hold {_spoken(form)}",
            hint="Both hold x, (x, y) or (x, y, sample_weight), alike.",
        )
    made_of = [
        Raw(name=name, kind=SourceKind.FUNCTION, x=batches[0].x, y=None, given=batches[0])
        for batches in firsts
    ]
    return replace(made_of[0], own_validation=made_of[1], streams=replace(streams, form=form))


def _has_stream(made: Any) -> bool:
    parts = list(made) if isinstance(made, list | tuple) else [made]
    return any(part_of_stream(part) is not None for part in (made, *parts))


def _no_pair(name: str, made: Any) -> DataError:
    """Return why this is no pair of training and validation."""
    alone = part_of_stream(made)
    if alone is not None:
        return DataError(
            f"{name}: returned a {_kind(alone)} alone, and batches can't be split by a share", hint=_PAIR
        )
    kinds = ", ".join(type(part).__name__ for part in made)
    several = sum(map(is_stream, made)) > 1 and len(made) > 2
    return DataError(
        f"{name}: returned {len(made)} things ({kinds}), which are no pair of training and validation",
        hint="A stream gives x, (x, y) or (x, y, sample_weight) by itself. " + _PAIR if several else _PAIR,
    )


def _check_end(who: str, stream: Stream) -> None:
    """Refuse batches that would never end, or end within an epoch."""
    given, length = stream.given_steps, stream.length
    if given is None and length == ENDLESS:
        why = "never ends" if stream.kind == "DatasetV2" else "may never end"
        hint = _STEPS if stream.is_used_up or stream.kind else f"Give it __len__. {_STEPS}"
        raise DataError(f"{who} {why}, and comes without steps", hint=hint)
    if given is not None and given < 1:
        raise DataError(f"{who} comes with {given} steps", hint="Give at least 1.")
    if length == 0:
        raise DataError(f"{who} has no batches")
    if given is not None and length > 0 and length % given:
        raise DataError(
            f"{who} has {length} batches and comes with {given} steps: it would end within an epoch",
            hint="Leave the steps out, for it ends by itself; or let it repeat: dataset.repeat().",
        )


def _check_lengths(name: str, streams: Streams) -> None:
    """Refuse steps beside a stream whose end only going through it tells.

    Keras reports the end of either in the same words, and one of them would be a fault.
    """
    parts = [part for part in streams.parts if isinstance(part, Stream)]
    unknown = [part for part in parts if part.given_steps is None and part.length == UNKNOWN]
    if unknown and any(part.steps is not None for part in parts):
        raise DataError(
            f"{name}: one stream has steps, and the {_kind(unknown[0])} beside it has none", hint=_STEPS
        )


def _first(name: str, file: str, what: str, part: Stream | Given) -> list[Given]:
    """Return the first two batches, or all rows where they are no stream; refuse what can't be learned from.

    Two, as Keras looks at two to see which axes differ in length.
    """
    if isinstance(part, Given):
        _check_arrays(name, what, part)
        return [part]
    with importable(file), seeded():
        # What is shuffled gives the same two in every process, and so is of the same form.
        seed_order(0)
        try:
            with under_way(f"{name}: its first {what} batches", loads=True):
                found = part.first(2)
        except Died as died:
            raise DataError(f"{name}: {died} while its first {what} batches were taken") from died
        except (Exception, SystemExit) as low:
            last = traceback.format_exception_only(low)[-1].strip()
            raise DataError(
                f"{name}: its {what} {_kind(part)} raised {last} ({where_raised(low, file)})"
            ) from low
    if not found:
        raise DataError(f"{name}: the {what} {_kind(part)} has no batches")
    for batch in found:
        _check_arrays(name, f"{what} batches", batch)
    return found


def _check_arrays(name: str, what: str, rows: Given) -> None:
    arrays = leaves((rows.x, rows.y, rows.weights))
    for array in arrays:
        if array.dtype == object and array.size and not isinstance(array.reshape(-1)[0], str | bytes):
            raise DataError(
                f"{name}: {what} hold rows of unequal shape, or sparse ones, and dense arrays are needed",
                hint="Pad them: dataset.padded_batch(…), or ragged.to_tensor().",
            )
        if array.ndim == 0:
            raise DataError(
                f"{name}: {what} hold single values, not one for each row",
                hint="Batch them: dataset.batch(32).",
            )
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise DataError(f"{name}: {what} hold arrays of {' and '.join(map(str, sorted(lengths)))} rows")
    if 0 in lengths:
        raise DataError(f"{name}: {what} hold no rows")


def _form(part: Stream | Given, batches: list[Given]) -> Given:
    """Return the same structure with an `ArrayForm` for each array."""
    trees = [(batch.x, batch.y, batch.weights) for batch in batches]
    arrays = leaves(trees[0])
    shapes = [list(array.shape) for array in arrays]
    for other in trees[1:]:
        shapes = [_common(one, array.shape) for one, array in zip(shapes, leaves(other), strict=True)]
    if isinstance(part, Stream) and part.kind == "DatasetV2":
        spec = part.source.element_spec
        known = leaves(list(spec) if isinstance(spec, list | tuple) else [spec])
        shapes = [_common(one, form.shape) for one, form in zip(shapes, known, strict=True)]
    found = iter(
        [ArrayForm((None, *one[1:]), array.dtype) for one, array in zip(shapes, arrays, strict=True)]
    )
    x, y, weights = map_leaves(lambda _: next(found), trees[0])
    return Given(x=x, y=y, weights=weights)


def _common(one: Sequence[int | None], other: Sequence[int | None]) -> list[int | None]:
    """Return the sides that two shapes share, None for the others."""
    return [side if side == another else None for side, another in zip(one, other, strict=False)]


def _outline(form: Given) -> str:
    """Return what training and validation must share: the structure, and how many axes inputs have."""
    x, y = map_leaves(lambda array: len(array.shape), form.x), map_leaves(lambda _: "y", form.y)
    return repr(as_tuples((x, y)))


def _spoken(form: Given) -> str:
    """Return a form in words: x of shape (rows, 8, 8), float32; y of shape (rows), int32."""
    named = (("x", form.x), ("y", form.y), ("sample_weight", form.weights))
    return "; ".join(f"{name} of {_of_tree(tree)}" for name, tree in named if tree is not None)


def _of_tree(tree: Any) -> str:
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{key}: {_of_tree(part)}" for key, part in tree.items()) + "}"
    if is_structure(tree):
        return "(" + ", ".join(map(_of_tree, tree)) + ")"
    sides = ", ".join("any" if side is None else str(side) for side in tree.shape[1:])
    return f"shape (rows{', ' if sides else ''}{sides}), {tree.dtype}"


def _kind(stream: Stream) -> str:
    """Return what a user calls such a stream."""
    if stream.kind == "DatasetV2":
        return "tf.data.Dataset"
    return "generator" if stream.is_used_up else type(stream.source).__name__
