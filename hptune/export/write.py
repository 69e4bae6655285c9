"""Writes what `hptune export` is asked for; files appear whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hptune.errors import InputError, StudyError, UsageError
from hptune.export.configuration import as_csv, as_json, as_yaml
from hptune.study import Study
from hptune.trial import Trial

__all__ = ["FORMATS", "export"]

FORMATS = ("yaml", "json", "csv", "python", "keras")

_SUFFIXES = {"yaml": "yaml", "json": "json", "csv": "csv", "python": "py", "keras": "keras"}


def export(study: Study, *, form: str, top: int, output: Path | None) -> tuple[str, tuple[Path, ...]]:
    """Return (text, files written): text where it is to be printed, else "".

    One configuration goes to `output` as a file, several (`top` > 1) into it as a folder, except
    CSV, which holds them all. Without `output` text is returned, and a trained model is written
    to the working directory.
    """
    trials = study.best(top)
    if not trials:
        raise StudyError(f"{study.folder}: no trial has a score yet", hint="Let the search run first.")
    if form == "keras":
        return "", _write_models(study, trials, output)
    if form == "python":
        return _text(study, trials, output, form, lambda chosen: _script(study, chosen))
    renderers: dict[str, Callable[[Sequence[Trial]], str]] = {
        "yaml": lambda chosen: as_yaml(study, chosen),
        "json": lambda chosen: as_json(study, chosen),
        "csv": as_csv,
    }
    return _text(study, trials, output, form, renderers[form])


def _text(
    study: Study,
    trials: tuple[Trial, ...],
    output: Path | None,
    form: str,
    render: Callable[[Sequence[Trial]], str],
) -> tuple[str, tuple[Path, ...]]:
    if output is None:
        if form == "python" and len(trials) > 1:
            raise UsageError("several scripts need a folder", hint="Name one with -o, or use --top 1.")
        return render(trials), ()
    if form == "csv" or len(trials) == 1:
        return "", (_write(output, render(trials)),)
    paths = [_place(study, trial, output, form) for trial in trials]
    return "", tuple(_write(path, render([trial])) for path, trial in zip(paths, trials, strict=True))


def _place(study: Study, trial: Trial, folder: Path, form: str) -> Path:
    return folder / f"{study.folder.name}-trial-{trial.id}.{_SUFFIXES[form]}"


def _write(path: Path, text: str) -> Path:
    """Write a whole text file; raises InputError where it can't be."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from error
    return path


def _script(study: Study, trials: Sequence[Trial]) -> str:
    from hptune.export.script import script

    return script(study, study.trial(trials[0].id))


def _write_models(study: Study, trials: tuple[Trial, ...], output: Path | None) -> tuple[Path, ...]:
    from hptune.export.trained import save_model

    paths = []
    for trial in trials:
        several = len(trials) > 1
        path = _place(study, trial, output or Path(), "keras") if several or output is None else output
        paths.append(save_model(study, study.trial(trial.id), path))
    return tuple(paths)
