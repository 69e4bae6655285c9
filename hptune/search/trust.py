"""Which files of code a study may have run: a study may come from anyone, and names them itself."""

from __future__ import annotations

from pathlib import Path

from hptune._text import listed
from hptune.data.python_file import function_file
from hptune.errors import StudyError
from hptune.study import Study

__all__ = ["files_of_code", "require_trust"]


def files_of_code(study: Study) -> tuple[Path, ...]:
    """Return the Python files that loading a study's data and model runs, as the study names them."""
    identity = study.identity
    specs = (identity.data, identity.model, *(identity.settings.get(k) for k in ("validation", "callbacks")))
    files = (function_file(spec) for spec in specs if isinstance(spec, str))
    return tuple(dict.fromkeys(file for file in files if file is not None))


def require_trust(study: Study, *, trust: bool) -> None:
    """Raise StudyError where a study names code outside the working directory and nobody vouched for it.

    Links are followed. Whoever names the file on the command line, as a search does, need not ask.
    """
    here = Path.cwd().resolve()
    outside = [file for file in files_of_code(study) if not file.resolve().is_relative_to(here)]
    if outside and not trust:
        one = len(outside) == 1
        raise StudyError(
            f"{study.folder}: this would run {listed([str(file) for file in outside])}, which the study"
            f" names and which {'lies' if one else 'lie'} outside the current folder",
            hint=f"If you know {'that file' if one else 'those files'}, the same command with --trust runs"
            f" {'it' if one else 'them'}; or go to the folder where the search ran.",
        )
