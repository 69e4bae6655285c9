"""From what the user names to rows that can be trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hptune.data.arrays import check_plain, shaped
from hptune.data.bundled import BUNDLED, read_bundled
from hptune.data.csv_and_parquet import TABLE_SUFFIXES, is_parquet_folder, read_csv, read_parquet
from hptune.data.dataset import Dataset, Origin, is_source
from hptune.data.function import read_function
from hptune.data.images import read_images
from hptune.data.kinds import SourceKind, Task
from hptune.data.make_dataset import make_dataset
from hptune.data.npz import read_npz
from hptune.data.python_file import is_function_spec
from hptune.data.raw import Raw, is_table, refuse_streams
from hptune.data.split import check_rows, fold_indices, split_indices
from hptune.data.stream_dataset import stream_dataset
from hptune.data.structure import is_structure, map_leaves
from hptune.data.target import code_targets, read_targets
from hptune.errors import DataError, did_you_mean

__all__ = ["load_dataset", "load_folds"]


@dataclass(frozen=True, kw_only=True)
class _Options:
    target: str | None
    as_images: bool
    image_size: tuple[int, int] | None
    skip_broken: bool
    as_given: bool


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
) -> Dataset:
    """Read a source of data, part it into training and validation rows, and encode both.

    `source` is a bundled name (digits, breast_cancer, wine, iris, diabetes), a CSV (also .tsv), Parquet or
    NPZ file, a folder of images by class, or FILE.py:FUNCTION. `target` names the column to predict; tables
    need it. `validation` is the share of rows held back (stratified for classes; `split.split_indices`), or
    a source of its own; where the source has validation rows itself, the share is not used. `task` is
    inferred (`target.read_targets`) unless given, and so is `positive`, which of two classes is to be found.
    What tables need besides is learned from the training rows alone (`columns.learn_encoder`).

    `as_given` keeps the arrays of functions and of NPZ files beside what is coded of them, as user models
    learn from them as they came (`DataSplit.given`), and takes functions that give batches
    (`Dataset.streams`). `as_images` gives images, of bundled digits too, the shape (height, width,
    channels). `image_size`, in pixels (height, width) or of a square, and `skip_broken` are for folders of
    images (`images.read_images`).

    Raises `DataError` for whatever can't be read or learned from.
    """
    options = _options(target, as_images, image_size, skip_broken, as_given)
    raw = _read(source, options)
    if raw.streams is not None:
        origin = _origin(raw, source, target, validation, seed, as_images)
        return stream_dataset(raw, origin, task, positive)
    apart, share = _validation_rows(raw, validation, options)
    check_rows(raw.name, raw.rows)
    targets = read_targets(raw, task, positive=positive)
    origin = _origin(raw, source, target, validation, seed, as_images)
    if apart is not None:
        train = np.arange(raw.rows)
        held = np.arange(apart.rows)
        return make_dataset(raw, targets, origin, train, apart, held, code_targets(apart, targets), as_given)
    codes = targets.y if targets.classes else None
    train, held = split_indices(
        raw.name, raw.rows, validation=share, seed=seed, codes=codes, classes=targets.classes
    )
    return make_dataset(raw, targets, origin, train, raw, held, targets.y, as_given)


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
) -> tuple[Dataset, ...]:
    """Read a source of data as `load_dataset` does and part it into folds, stratified for classes.

    Each fold is a data set in which every other fold is trained on; what tables need is learned anew in
    each, so that features may differ in number. Where the source has validation rows of its own, they are
    left aside.

    Raises `DataError` as `load_dataset` and `split.fold_indices` do.
    """
    options = _options(target, as_images, image_size, skip_broken, as_given)
    raw = _read(source, options)
    refuse_streams(raw, "--cv needs rows to make folds of", "Leave --cv out; --executions N averages seeds.")
    check_rows(raw.name, raw.rows)
    targets = read_targets(raw, task, positive=positive)
    codes = targets.y if targets.classes else None
    parts = fold_indices(raw.name, raw.rows, folds=folds, seed=seed, codes=codes, classes=targets.classes)
    origin = _origin(raw, source, target, 1 / folds, seed, as_images)
    return tuple(
        replace(made, name=f"{raw.name} (fold {number} of {folds})")
        for number, (train, held) in enumerate(parts, start=1)
        for made in [make_dataset(raw, targets, origin, train, raw, held, targets.y, as_given)]
    )


def _options(
    target: str | None,
    as_images: bool,
    image_size: int | tuple[int, int] | None,
    skip_broken: bool,
    as_given: bool,
) -> _Options:
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if size is not None and min(size) < 1:
        raise DataError(f"image size: {size[0]} × {size[1]} pixels is no size", hint="Give at least 1.")
    return _Options(
        target=target, as_images=as_images, image_size=size, skip_broken=skip_broken, as_given=as_given
    )


def _read(source: str, options: _Options, like: Raw | None = None) -> Raw:
    """Read one source; `like` is the training set, where these are to be its validation rows."""
    if not source.strip():
        raise DataError(
            "no data: the name is empty",
            hint=f"Give a file, a folder, FILE.py:FUNCTION, or {', '.join(BUNDLED)}.",
        )
    path = Path(source)
    kind = TABLE_SUFFIXES.get(path.suffix.lower())
    if source not in BUNDLED and is_parquet_folder(path):
        kind = SourceKind.PARQUET
    if source in BUNDLED or is_function_spec(source) or kind is None:
        raw = _read_without_columns(source, options, like)
    else:
        raw = read_csv(path, options.target) if kind is SourceKind.CSV else read_parquet(path, options.target)
    if options.image_size is not None and raw.image_size is None:
        raise DataError(
            f"{raw.name}: is no folder of images, whose size could be chosen", hint="Leave the size out."
        )
    if options.target is not None and not is_table(raw.x):
        raise DataError(f"{raw.name}: has no columns, and so no column {options.target!r}")
    if not options.as_given:
        check_plain(raw)
    return shaped(raw, as_images=options.as_images)


def _read_without_columns(source: str, options: _Options, like: Raw | None) -> Raw:
    path = Path(source)
    if source in BUNDLED:
        return read_bundled(source)
    if is_function_spec(source):
        return read_function(source, options.target)
    if path.is_dir():
        return read_images(path, size=options.image_size, skip_broken=options.skip_broken, like=like)
    if path.suffix.lower() == ".npz":
        return read_npz(path)
    raise _unknown(source, path)


def _unknown(source: str, path: Path) -> DataError:
    kinds = "a CSV, Parquet or NPZ file, a folder of images by class, or FILE.py:FUNCTION"
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
        separator=raw.separator,
        decimal=raw.decimal,
        validation=validation,
        own_validation=raw.own_validation is not None and not is_source(validation),
        seed=seed,
        as_images=as_images,
        image_size=raw.image_size,
    )
