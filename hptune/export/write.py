"""Writes the files of `hptune export`; each appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hptune._files import write_text
from hptune._text import counted
from hptune.analysis.finalists import Finalist, ranked
from hptune.errors import DamagedStudyError, StudyError, UsageError
from hptune.export.configuration import as_csv, as_json, as_yaml
from hptune.search.trust import require_trust
from hptune.study import Study
from hptune.study.damage import read_whole_trials
from hptune.study.trial import Trial
from hptune.views.tables import format_value

__all__ = ["Exported", "export", "export_whole", "file_of"]

_SUFFIXES = {"yaml": "yaml", "json": "json", "csv": "csv", "python": "py", "keras": "keras"}


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The result of an export."""

    text: str = ""
    """Text to print; "" where files were written."""
    files: tuple[Path, ...] = ()
    order: str = ""
    """How the trials were chosen, where some were confirmed or some can't be read; else ""."""


def export(study: Study, *, form: str, top: int, output: Path | None, trust: bool = False) -> Exported:
    """Export the best trials: by the means of their confirmations those that have any, then by score.

    One configuration goes to `output` as a file, several (`top` > 1) into it as a folder, except
    CSV, which holds them all. Without `output` text is returned, and a trained model is written
    to the working directory. A script and a model need the study's own code: raises StudyError where that
    lies elsewhere and nobody vouched for it (`trust`).
    """
    if form in ("python", "keras"):
        require_trust(study, trust=trust)
    finalists = _finalists(study, top)
    trials = tuple(f.trial for f in finalists)
    if form == "keras":
        return Exported(files=_write_models(study, finalists, output), order=_order(study, finalists))
    renderers: dict[str, Callable[[Sequence[Trial]], str]] = {
        "yaml": lambda chosen: as_yaml(study, chosen),
        "json": lambda chosen: as_json(study, chosen),
        "csv": as_csv,
        "python": lambda chosen: _script(study, chosen),
    }
    text, files = _text(study, trials, output, form, renderers[form])
    return Exported(text=text, files=files, order=_order(study, finalists))


def file_of(output: str | None) -> Path | None:
    """Return the path of a file or folder to export to; raises UsageError for a URL."""
    if output is not None and "://" in output:
        raise UsageError(f"{output}: is no file", hint="A URL is what --format optuna takes.")
    return None if output is None else Path(output)


def export_whole(folder: Path, damage: DamagedStudyError, *, top: int, output: Path | None) -> Exported:
    """Export as CSV the best trials of a damaged study that are whole; raises `damage` if none is."""
    whole = read_whole_trials(folder)
    if not whole.trials:
        raise damage
    listed = "".join(f"\n  {one}" for one in whole.damage)
    order = f"The study is damaged: {counted(len(whole.trials), 'trial')} with a score can be read.{listed}"
    text = as_csv(whole.trials[:top])
    if output is None:
        return Exported(text=text, order=order)
    place = output / f"{folder.name}-whole.csv" if output.is_dir() else output
    return Exported(files=(write_text(place, text + "\n"),), order=order)


def _finalists(study: Study, top: int) -> tuple[Finalist, ...]:
    confirmed = study.confirmations()
    # The best by score, and whichever was confirmed.
    candidates = {trial.id: trial for trial in study.best(top)}
    candidates |= {c.trial_id: study.trial(c.trial_id) for c in confirmed}
    finalists = ranked(candidates.values(), confirmed, study.identity.goal)[:top]
    if not finalists:
        raise StudyError(f"{study.folder}: no trial has a score yet", hint="Let the search run first.")
    return finalists


def _order(study: Study, finalists: Sequence[Finalist]) -> str:
    """Say how the trials were chosen, where some are confirmed, and what that passes over."""
    confirmed = [f for f in finalists if f.confirmations]
    if not confirmed:
        return ""
    text = "By the mean over fresh seeds: " + ", ".join(
        f"trial {f.trial.id} ({format_value(f.mean) or 'none could be trained'})" for f in confirmed
    )
    rest = [str(f.trial.id) for f in finalists if not f.confirmations]
    text += f"; then by the search's score: trial {', '.join(rest)}." if rest else "."
    known = {c.trial_id for c in study.confirmations()}
    best = study.best(1)[0]
    if best.id not in known and not rest:
        text += f" Trial {best.id} has the best score of the search and is not confirmed: hptune confirm."
    return text


def _text(
    study: Study,
    trials: tuple[Trial, ...],
    output: Path | None,
    form: str,
    render: Callable[[Sequence[Trial]], str],
) -> tuple[str, tuple[Path, ...]]:
    if output is None:
        if form != "csv" and len(trials) > 1:
            raise UsageError(
                f"{len(trials)} configurations as {form} need a folder",
                hint="Name one with -o, or use --top 1.",
            )
        return render(trials), ()
    if output.is_dir() and (form == "csv" or len(trials) == 1):
        output = _place(study, trials[0], output, form)
    if form == "csv" or len(trials) == 1:
        return "", (write_text(output, render(trials) + "\n"),)
    return "", tuple(
        write_text(_place(study, trial, output, form), render([trial]) + "\n") for trial in trials
    )


def _place(study: Study, trial: Trial, folder: Path, form: str) -> Path:
    return folder / f"{study.folder.name}-trial-{trial.id}.{_SUFFIXES[form]}"


def _script(study: Study, trials: Sequence[Trial]) -> str:
    from hptune.export.script import script
    from hptune.export.trained import dying_in_words

    trial = study.trial(trials[0].id)
    with dying_in_words(trial.id):
        return script(study, trial)


def _write_models(study: Study, finalists: tuple[Finalist, ...], output: Path | None) -> tuple[Path, ...]:
    from hptune.export.trained import save_model, trained_models

    paths: list[Path] = []
    several = len(finalists) > 1 or (output is not None and output.is_dir())
    trials = [study.trial(finalist.trial.id) for finalist in finalists]
    for finalist, done in zip(finalists, trained_models(study, trials), strict=True):
        place = _place(study, finalist.trial, output or Path(), "keras")
        paths += save_model(study, finalist, done, place if several or output is None else output)
    return tuple(paths)
