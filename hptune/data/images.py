"""Folders of images: one folder per class, with PNG and JPEG files in it."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import first_of
from hptune.data.kinds import SourceKind
from hptune.data.on_disk import new_array, take_rows
from hptune.data.raw import SHOWN, Raw
from hptune.errors import DataError

__all__ = ["LONGEST_SIDE", "image_files", "own_validation_folder", "read_image", "read_images"]

LONGEST_SIDE = 64
"""Pixels of the longer side, at most, where no size is asked for."""

SUFFIXES = {".png", ".jpg", ".jpeg"}
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B"}
_TRAIN, _VALIDATION = "train", ("val", "valid", "validation", "test")
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
"""What Pillow raises for files that are no images, or only half of one."""


@dataclass(frozen=True, kw_only=True)
class _Listing:
    files: tuple[Path, ...]
    codes: tuple[int, ...]
    classes: tuple[str, ...]
    others: int
    """Files that are no images by their names."""


@dataclass(frozen=True, kw_only=True)
class _Header:
    size: tuple[int, int]
    """Height and width, in pixels, as the image is to be seen."""
    grey: bool


def read_images(
    folder: Path, *, size: tuple[int, int] | None = None, skip_broken: bool = False, like: Raw | None = None
) -> Raw:
    """Read every PNG and JPEG file of a folder of folders; a folder's name is the class of what is in it.

    x is bytes, shape (rows, height, width, channels), files in the order of their classes and names; one
    channel where every image is grey, else three (red, green, blue; transparency is left off). All images
    are brought to one size (bilinear, without regard to their proportions): `size` (height, width) in
    pixels, or the most frequent one, made smaller until no side is longer than 64. `like` is the training
    set whose size, channels and classes are to be kept. A folder of train and val (or validation, test)
    with classes in each brings its own validation rows.

    Raises `DataError` for a folder without classes or images, and for files that can't be read, unless
    `skip_broken` says to leave them out.
    """
    _need_pillow(folder)
    own = own_validation_folder(folder) if like is None else None
    if own is not None:
        raw = replace(read_images(folder / _TRAIN, size=size, skip_broken=skip_broken), name=folder.name)
        apart = read_images(own, skip_broken=skip_broken, like=raw)
        return replace(raw, own_validation=replace(apart, name=f"{folder.name}/{own.name}"))
    listing = _listing(folder, like.classes if like else ())
    headers = _each(_header, listing.files)
    images = _kept(folder, listing, headers, skip_broken)
    good = [header for header in headers if isinstance(header, _Header)]
    grey = all(header.grey for header in good) if like is None else like.x.shape[3] == 1
    height, width = size or (like.image_size if like and like.image_size else _common_size(good))
    x = new_array((len(images.files), height, width, 1 if grey else 3), np.uint8)

    def read(place: int) -> None:
        x[place] = read_image(images.files[place], *x.shape[1:])

    failed = _each(read, range(len(images.files)))
    rows = _kept(folder, images, failed, skip_broken)
    kept = np.array([not isinstance(result, BaseException) for result in failed])
    notes = _notes(listing, len(listing.files) - len(rows.files), good, (height, width), grey=grey)
    names = [str(file.relative_to(folder)) for file in rows.files]
    return Raw(
        name=folder.name,
        kind=SourceKind.IMAGES,
        x=x if kept.all() else take_rows(x, np.flatnonzero(kept)),
        y=np.array(rows.codes, dtype=np.int64),
        classes=listing.classes,
        image_size=(height, width),
        notes=notes,
        where=lambda wanted: ", ".join(names[row] for row in wanted),
    )


def _need_pillow(folder: Path) -> None:
    try:
        import PIL.Image  # noqa: F401
    except ImportError as low:
        raise DataError(
            f"{folder}: reading images needs Pillow, which is not installed",
            hint="Install it: pip install pillow.",
        ) from low


def own_validation_folder(folder: Path) -> Path | None:
    """Return the folder of validation images where this one is of train and val, with classes in each."""
    train = folder / _TRAIN
    if not train.is_dir() or not any(entry.is_dir() for entry in train.iterdir()):
        return None
    return next((folder / name for name in _VALIDATION if (folder / name).is_dir()), None)


def _listing(folder: Path, classes: Sequence[Any]) -> _Listing:
    try:
        found = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as low:
        raise DataError(f"{folder}: can't be read: {low.strerror}") from low
    folders = [entry for entry in found if entry.is_dir()]
    if not folders:
        raise DataError(
            f"{folder}: holds no folders", hint="Put the images of each class in a folder of its own."
        )
    names = tuple(str(name) for name in classes) or tuple(entry.name for entry in folders)
    unknown = [entry.name for entry in folders if entry.name not in names]
    if unknown:
        raise DataError(f"{folder}: the training images have no class {', '.join(map(repr, unknown))}")
    files: list[Path] = []
    codes: list[int] = []
    others = sum(entry.is_file() for entry in found)
    for entry in folders:
        images = image_files(entry)
        if not images:
            raise DataError(f"{entry}: holds no PNG or JPEG files", hint="Every folder is taken for a class.")
        others += sum(f.is_file() and not f.name.startswith(".") for f in entry.rglob("*")) - len(images)
        files += images
        codes += [names.index(entry.name)] * len(images)
    return _Listing(files=tuple(files), codes=tuple(codes), classes=names, others=others)


def _each(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Return what the work makes of each item, or the exception that says that a file is broken.

    In threads: Pillow decodes outside the interpreter's lock.
    """
    import warnings

    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    def attempt(item: Any) -> Any:
        try:
            return work(item)
        except (*_BROKEN, DecompressionBombError) as broken:
            return broken

    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore", DecompressionBombWarning)
        return list(pool.map(attempt, items))


def _header(file: Path) -> _Header:
    from PIL import Image

    with Image.open(file, formats=("PNG", "JPEG")) as image:
        width, height = image.size
        sideways = image.getexif().get(0x0112, 1) >= 5  # EXIF orientation: rotated by a quarter
        return _Header(size=(width, height) if sideways else (height, width), grey=image.mode in _GREY)


def read_image(file: Path, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Return an image as bytes, upright and of this size, shape (height, width, channels)."""
    from PIL import Image, ImageOps

    with Image.open(file, formats=("PNG", "JPEG")) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            # 16 bits per pixel; Pillow's own conversion would cut off what is above 255.
            image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(height, width, channels)


def image_files(folder: Path) -> list[Path]:
    """Return the PNG and JPEG files of a class, in the order in which they are read."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [file for file in files if file.suffix.lower() in SUFFIXES]


def _kept(folder: Path, listing: _Listing, results: list[Any], skip_broken: bool) -> _Listing:
    """Leave out the files whose result is an exception, or refuse them."""
    broken = [
        file for file, result in zip(listing.files, results, strict=True) if isinstance(result, Exception)
    ]
    if broken and not skip_broken:
        named = first_of([file.relative_to(folder) for file in broken], SHOWN)
        raise DataError(
            f"{folder}: can't be read as images: {named}",
            hint="Repair or remove these files, or say that broken files are to be skipped.",
        )
    good = [i for i, result in enumerate(results) if not isinstance(result, Exception)]
    if not good:
        raise DataError(f"{folder}: not one of its {len(results)} files can be read as an image")
    return replace(
        listing,
        files=tuple(listing.files[i] for i in good),
        codes=tuple(listing.codes[i] for i in good),
    )


def _common_size(headers: Sequence[_Header]) -> tuple[int, int]:
    (height, width), _ = Counter(header.size for header in headers).most_common(1)[0]
    smaller = min(1.0, LONGEST_SIDE / max(height, width))
    return max(1, round(height * smaller)), max(1, round(width * smaller))


def _notes(
    listing: _Listing, skipped: int, headers: Sequence[_Header], size: tuple[int, int], *, grey: bool
) -> tuple[str, ...]:
    resized = sum(header.size != size for header in headers)
    notes = [f"images of {size[0]} × {size[1]} pixels, {'grey' if grey else 'red, green and blue'}"]
    if resized:
        notes[0] += f"; {resized} of {len(headers)} were resized to that"
    if skipped:
        notes.append(f"{skipped} broken image file{'s were' if skipped > 1 else ' was'} skipped")
    if listing.others:
        notes.append(f"{listing.others} files are neither PNG nor JPEG and were left aside")
    return tuple(notes)
