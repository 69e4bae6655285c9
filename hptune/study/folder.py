"""Where studies live, and which one a command means."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hptune._files import wrong_name
from hptune.errors import StudyError, UsageError, did_you_mean

__all__ = ["STUDIES", "archive", "default_path", "find_study", "last_written", "newest_study", "refuse_links"]

STUDIES = Path("studies")
"""Folder of the studies, below the working directory."""
DATABASE = "study.db"
_SHOWN = 40
"""Characters of a wrong name that are shown."""
_LONGEST = 80
"""Characters of the data's and of the model's name in that of a study."""


_OWN = (
    *(f"{DATABASE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
    *("study.lock", "next-pass.yaml", "next-pass.proposal.json"),
)
"""What commands need to write into a study's folder, beside weights."""
_REPORT = "report.html"
"""What they write as well, and do without where it can't be written."""


def refuse_links(folder: Path) -> None:
    """Raise StudyError where a file that is to be written in a study's folder is a link, or no file.

    A study may come from anyone: what it links to is not the study's to overwrite.
    """
    for name in (*_OWN, _REPORT):
        path = folder / name
        if path.is_symlink():
            raise StudyError(
                f"{path}: a link, which no search wrote", hint="Replace it by what it points to."
            )
        if name != _REPORT and path.exists() and not path.is_file():
            raise StudyError(f"{path}: is no file, which a search would write there", hint="Move it away.")


def default_path(data: str, model: str) -> Path:
    """Return the folder of a search on `data` with `model`: studies/digits-mlp."""

    def short(name: str) -> str:
        path, _, function = name.partition(":")
        # Of a pattern, parts/*.csv, it is the folder that has a name.
        stem = Path(path).stem if re.search(r"\w", Path(path).stem) else Path(path).parent.name
        words = [stem] + ([function] if function not in ("", "build", "load") else [])
        return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(words))[:_LONGEST].strip("-.") or "data"

    return STUDIES / f"{short(data)}-{short(model)}"


def newest_study() -> Path:
    """Return the study under studies/ that was written to last; raises UsageError if none."""
    found = [path.parent for path in STUDIES.glob(f"*/{DATABASE}")]
    if not found:
        raise UsageError(
            f"there is no study under {STUDIES}/ here",
            hint="Begin one with `hptune search`, or name a study's folder.",
        )
    return max(found, key=last_written)


def last_written(folder: Path) -> float:
    """Return when the study in `folder` was last written to, in seconds since 1970."""
    files = [folder / DATABASE, folder / f"{DATABASE}-wal"]
    return max(file.stat().st_mtime for file in files if file.exists())


def find_study(given: str | Path | None) -> Path:
    """Return the folder that the user means: a path, a name under studies/, or the newest."""
    if given is None:
        return newest_study()
    wrong = wrong_name(str(given))
    if wrong:
        raise UsageError(
            f"STUDY {str(given)[:_SHOWN]!r}: the name {wrong}", hint="Give the folder of a study, or no name."
        )
    for folder in (Path(given), STUDIES / given):
        if (folder / DATABASE).is_file():
            return folder
    names = [path.parent.name for path in STUDIES.glob(f"*/{DATABASE}")]
    if Path(given).exists():
        raise StudyError(
            f"{given}: not a study: it holds no {DATABASE}", hint=did_you_mean(str(given), names)
        )
    raise UsageError(f"{given}: there is no such study", hint=did_you_mean(str(given), names))


def archive(folder: Path) -> Path | None:
    """Rename a study's folder to make room for a fresh one; returns where it went, or None.

    Raises StudyError where it can't be renamed.
    """
    if not folder.exists():
        return None
    number = 1
    while os.path.lexists(aside := folder.with_name(f"{folder.name}.{number}")):
        number += 1
    try:
        folder.rename(aside)
    except OSError as error:
        raise StudyError(
            f"{folder}: can't be archived as {aside.name}: {error.strerror}",
            hint="Give the new search its own folder with --study.",
        ) from error
    return aside
