"""From what the user names to rows that can be trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hptune.data.arrays import check_plain, shaped
from hptune.data.bundled import BUNDLED, read_bundled
from hptune.data.column_kinds import number_columns
from hptune.data.csv_and_parquet import read_csv, read_parquet
from hptune.data.dataset import Dataset, Origin, is_source
from hptune.data.function import read_function, read_program
from hptune.data.images import read_images
from hptune.data.in_program import is_in_program
from hptune.data.kinds import SourceKind, Task
from hptune.data.known_targets import KnownTargets, known_rows, read_known_targets, spread, with_rows
from hptune.data.make_dataset import make_dataset
from hptune.data.npz import read_npz
from hptune.data.python_file import is_function_spec
from hptune.data.raw import Raw, is_table, refuse_streams
from hptune.data.split import fold_indices, split_indices, to_stratify
from hptune.data.standard_input import STANDARD_INPUT
from hptune.data.stream_dataset import stream_dataset
from hptune.data.structure import is_structure, map_leaves
from hptune.data.table_files import read_table_file, refused, table_kind
from hptune.data.table_options import NO_OPTIONS, TableOptions
from hptune.data.target import code_targets
from hptune.errors import DataError, did_you_mean
from hptune.space import Value

__all__ = ["load_dataset", "load_folds"]


@dataclass(frozen=True, kw_only=True)
class _Options:
    target: str | None
    as_images: bool
    image_size: tuple[int, int] | None
    skip_broken: bool
    as_given: bool
    tables: TableOptions


def load_dataset(
    source: str,
    *,
    target: str | None = None,
    validation: float | str = 0.2,
    seed: int = 0,
    task: Task | None = None,
    as_images: bool = False,
    image_size: int | tuple[int, int] | None = None,
    skip_broken: bool = False,
    positive: str | None = None,
    as_given: bool = False,
    tables: TableOptions | None = None,
) -> Dataset:
    """Read a source of data, part it into training and validation rows, and encode both.

    `source` is a bundled name (digits, breast_cancer, wine, iris, diabetes), a table (`table_files`), an NPZ
    file, a folder of images by class, or FILE.py:FUNCTION. `target` names the column to predict; tables
    need it. `validation` is the share of rows held back (stratified for classes; `split.split_indices`), or
    a source of its own; where the source has validation rows itself, the share is not used. `task` is
    inferred (`target.read_targets`) unless given, and so is `positive`, which of two classes is to be found.
    What tables need besides is learned from the training rows alone (`columns.learn_encoder`).

    `as_given` keeps the arrays of functions and of NPZ files beside what is coded of them, as user models
    learn from them as they came (`DataSplit.given`), and takes functions that give batches
    (`Dataset.streams`). `as_images` gives images, of bundled digits too, the shape (height, width,
    channels). `image_size`, in pixels (height, width) or of a square, and `skip_broken` are for folders of
    images (`images.read_images`). `tables` says what becomes of flaws in a table (`table_options`).

    Raises `DataError` for whatever can't be read or learned from.
    """
    options = _options(target, as_images, image_size, skip_broken, as_given, tables)
    raw = _read(source, options)
    if raw.streams is not None:
        origin = _origin(raw, source, target, validation, seed, as_images)
        return stream_dataset(raw, origin, task, positive)
    apart, share = _validation_rows(raw, validation, options)
    known = read_known_targets(
        raw, task, options.tables, positive=positive, splits=apart is None, labels=not as_given
    )
    origin = _origin(raw, source, target, validation, seed, as_images)
    raw = replace(raw, notes=(*known.notes, *raw.notes))
    if apart is not None:
        return _beside(raw, apart, known, origin, options)
    return _split(raw, known, origin, options, share)


def _beside(raw: Raw, apart: Raw, known: KnownTargets, origin: Origin, options: _Options) -> Dataset:
    """Return training rows, and validation rows that came apart from them."""
    held, said = known_rows(apart, options.tables)
    origin = replace(origin, drops_unknown=bool(said or known.notes), held_reading=apart.reading)
    y = spread(code_targets(with_rows(apart, held), known.targets), held, apart.rows)
    said = (*said, *apart.notes) if is_table(apart.x) else said
    raw = replace(raw, notes=(*raw.notes, *(f"{apart.name}: {note}" for note in said)))
    levels = options.tables.levels
    return make_dataset(raw, known.targets, origin, known.rows, apart, held, y, options.as_given, levels)


def _split(raw: Raw, known: KnownTargets, origin: Origin, options: _Options, share: float) -> Dataset:
    """Return rows of which a share is held back."""
    rows, targets = known.rows, known.targets
    held_back = math.ceil(share * len(rows)) if 0 < share < 1 else 0
    smaller = min(held_back, len(rows) - held_back)
    codes, classes, said = _classes_to_split(raw, known, options, 2, smaller)
    raw = replace(raw, notes=(*raw.notes, *said))
    origin = replace(
        origin, drops_unknown=bool(known.notes), left_out=known.left_out, stratified=codes is not None
    )
    train, held = split_indices(
        raw.name, len(rows), validation=share, seed=origin.seed, codes=codes, classes=classes
    )
    levels = options.tables.levels
    return make_dataset(
        raw, targets, origin, rows[train], raw, rows[held], targets.y, options.as_given, levels
    )


def load_folds(
    source: str,
    *,
    folds: int,
    target: str | None = None,
    seed: int = 0,
    task: Task | None = None,
    as_images: bool = False,
    image_size: int | tuple[int, int] | None = None,
    skip_broken: bool = False,
    positive: str | None = None,
    as_given: bool = False,
    tables: TableOptions | None = None,
) -> tuple[Dataset, ...]:
    """Read a source of data as `load_dataset` does and part it into folds, stratified for classes.

    Each fold is a data set in which every other fold is trained on; what tables need is learned anew in
    each, so that features may differ in number. Where the source has validation rows of its own, they are
    left aside.

    Raises `DataError` as `load_dataset` and `split.fold_indices` do.
    """
    options = _options(target, as_images, image_size, skip_broken, as_given, tables)
    raw = _read(source, options)
    refuse_streams(raw, "--cv needs rows to make folds of", "Leave --cv out; --executions N averages seeds.")
    known = read_known_targets(raw, task, options.tables, positive=positive, labels=not as_given)
    targets, rows = known.targets, known.rows
    codes, classes, said = _classes_to_split(raw, known, options, folds, len(rows))
    raw = replace(raw, notes=(*known.notes, *raw.notes, *said))
    parts = fold_indices(raw.name, len(rows), folds=folds, seed=seed, codes=codes, classes=classes)
    origin = _origin(raw, source, target, 1 / folds, seed, as_images)
    return tuple(
        replace(made, name=f"{raw.name} (fold {number} of {folds})")
        for number, (train, held) in enumerate(parts, start=1)
        for made in [
            make_dataset(
                raw, targets, origin, rows[train], raw, rows[held], targets.y, as_given, options.tables.levels
            )
        ]
    )


def _classes_to_split(
    raw: Raw, known: KnownTargets, options: _Options, fewest: int, smaller: int
) -> tuple[NDArray[Any] | None, tuple[Value, ...], tuple[str, ...]]:
    """Return class codes by which rows are split, the classes, and what to say; None for no classes.

    A user model gets all rows that it was given, also those of a class that can't be in both parts.
    """
    codes, classes = known.codes, known.targets.classes
    if codes is None or not options.as_given or raw.given is None:
        return codes, classes, ()
    codes, classes, note = to_stratify(codes, classes, fewest, smaller)
    return codes, classes, (note,) if note else ()


def _options(
    target: str | None,
    as_images: bool,
    image_size: int | tuple[int, int] | None,
    skip_broken: bool,
    as_given: bool,
    tables: TableOptions | None,
) -> _Options:
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if size is not None and min(size) < 1:
        raise DataError(f"image size: {size[0]} × {size[1]} pixels is no size", hint="Give at least 1.")
    return _Options(
        target=target,
        as_images=as_images,
        image_size=size,
        skip_broken=skip_broken,
        as_given=as_given,
        tables=tables or NO_OPTIONS,
    )


def _read(source: str, options: _Options, like: Raw | None = None) -> Raw:
    """Read one source; `like` is the training set, where these are to be its validation rows."""
    if not source.strip():
        raise DataError(
            "no data: the name is empty",
            hint=f"Give a file, a folder, FILE.py:FUNCTION, or {', '.join(BUNDLED)}.",
        )
    no_file = source in BUNDLED or is_function_spec(source) or is_in_program(source)
    kind = None if no_file else table_kind(source)
    raw = (
        _read_without_columns(source, options, like)
        if kind is None
        else _read_table(source, kind, options, _numbers_in(like))
    )
    if options.image_size is not None and raw.image_size is None:
        raise DataError(
            f"{raw.name}: is no folder of images, whose size could be chosen", hint="Leave the size out."
        )
    if options.target is not None and not is_table(raw.x):
        raise DataError(f"{raw.name}: has no columns, and so no column {options.target!r}")
    if not options.as_given:
        check_plain(raw)
    return shaped(raw, as_images=options.as_images)


def _read_table(source: str, kind: SourceKind, options: _Options, like: Mapping[str, bool] | None) -> Raw:
    if kind is SourceKind.CSV:
        return read_csv(Path(source), options.target, options.tables, like=like)
    if kind is SourceKind.PARQUET:
        return read_parquet(Path(source), options.target, options.tables, like=like)
    return read_table_file(source, kind, options.target, options.tables, like=like)


def _numbers_in(like: Raw | None) -> dict[str, bool] | None:
    return None if like is None else number_columns(like)


def _read_without_columns(source: str, options: _Options, like: Raw | None) -> Raw:
    path = Path(source)
    if source in BUNDLED:
        return read_bundled(source)
    if is_in_program(source):
        return read_program(source, options.target, options.tables, like=_numbers_in(like))
    if is_function_spec(source):
        return read_function(source, options.target, options.tables, like=_numbers_in(like))
    if path.is_dir():
        return read_images(path, size=options.image_size, skip_broken=options.skip_broken, like=like)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    raise _unknown(source, path)


def _unknown(source: str, path: Path) -> DataError:
    kinds = (
        "a table (CSV, Parquet, JSON, Feather, Excel, SQLite), an NPZ file, a folder of images by class, or"
        " FILE.py:FUNCTION"
    )
    if source == STANDARD_INPUT:
        return DataError(
            "-: standard input stands for the data of `hptune search`, `check` and `init` alone",
            hint="Save it to a file.",
        )
    if refused(source):
        return DataError(f"{source}: is not read: {refused(source)}")
    if path.exists():
        return DataError(f"{source}: not a kind of file that can be read", hint=f"Data is {kinds}.")
    if path.suffix or len(path.parts) > 1:
        return DataError(
            f"{source}: no such file or folder", hint=f"Data is {kinds}, or {', '.join(BUNDLED)}."
        )
    near = did_you_mean(source, BUNDLED)
    return DataError(
        f"{source}: no bundled data set has this name, and no file or folder",
        hint=f"{near} Or give {kinds}.",
    )


def _validation_rows(raw: Raw, validation: float | str, options: _Options) -> tuple[Raw | None, float]:
    """Return validation rows that come apart from the training rows, else None and the share to hold back."""
    if is_source(validation):
        apart = _read(str(validation), options, like=raw)
        refuse_streams(
            apart, f"the training rows come from {raw.name}", "Return ((x, y), stream) from one function."
        )
        return _matching(raw, apart), 0.0
    if raw.own_validation is not None:
        return _matching(raw, shaped(raw.own_validation, as_images=options.as_images)), 0.0
    return None, float(validation)


def _matching(raw: Raw, apart: Raw) -> Raw:
    """Refuse validation rows of another form than the training rows have."""
    if is_table(raw.x) != is_table(apart.x):
        one, other = ("a table", "an array") if is_table(raw.x) else ("an array", "a table")
        raise DataError(f"{apart.name}: is {other}, but the training rows in {raw.name} are {one}")
    if is_structure(raw.x) or is_structure(apart.x):
        forms = [str(map_leaves(lambda leaf: leaf.shape[1:], part.x)) for part in (raw, apart)]
        if forms[0] != forms[1]:
            raise DataError(
                f"{apart.name}: inputs of shapes {forms[1]}, but those of {raw.name} have {forms[0]}"
            )
    elif not is_table(raw.x) and raw.x.shape[1:] != apart.x.shape[1:]:
        raise DataError(
            f"{apart.name}: rows of shape {apart.x.shape[1:]}, but those of {raw.name} have {raw.x.shape[1:]}"
        )
    return apart


def _origin(
    raw: Raw, source: str, target: str | None, validation: float | str, seed: int, as_images: bool
) -> Origin:
    return Origin(
        kind=raw.kind,
        source=source,
        target=target,
        reading=raw.reading,
        validation=validation,
        own_validation=raw.own_validation is not None and not is_source(validation),
        seed=seed,
        as_images=as_images,
        image_size=raw.image_size,
    )
