"""A study as an object: its trials, what its last pass taught, its report, and what leaves it."""

from __future__ import annotations

import html
import os
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune.analysis.finalists import Confirmed
from hptune.bridges.to_optuna import export_to_optuna
from hptune.errors import UsageError
from hptune.export import FORMS
from hptune.export.write import export as export_study
from hptune.export.write import file_of
from hptune.search import next_pass
from hptune.search.confirm import Watcher
from hptune.search.confirm import confirm as confirm_folder
from hptune.study import Study, find_study
from hptune.tuner.html import study_html
from hptune.tuner.progress import in_notebook, stopping
from hptune.tuner.proposal import NextPass
from hptune.tuner.wording import hints_shown
from hptune.views import tables
from hptune.views.report import write_report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ConfirmedTrials", "OpenedStudy", "Report", "StudyMethods", "open_study"]


class Report:
    """A report that was written; a notebook shows the page itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, whose styles and scripts leave the notebook alone."""
        page = html.escape(self.path.read_text(encoding="utf-8"), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="{html.escape(str(self.path))}" sandbox="allow-scripts"'
            ' style="width: 100%; height: 40rem; border: 1px solid #8884; border-radius: 4px"></iframe>'
        )

    def open(self) -> bool:
        """Open the page in a browser; returns whether there is one."""
        return webbrowser.open(self.path.resolve().as_uri())


class ConfirmedTrials:
    """Finalists that were trained again with fresh seeds, best first."""

    def __init__(self, found: Confirmed) -> None:
        self.found = found

    def __repr__(self) -> str:
        return tables.confirmed_text(self.found)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    @property
    def best(self) -> int | None:
        """The trial with the best mean over fresh seeds; None where none could be trained."""
        return None if self.found.winner is None else self.found.winner.trial.id

    def frame(self) -> pd.DataFrame:
        """Return one row per finalist: trial, mean, deviation (None below two seeds), seeds, search_score."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "trial": finalist.trial.id,
                    "mean": finalist.mean,
                    "deviation": finalist.deviation,
                    "seeds": len(finalist.scores),
                    "search_score": finalist.trial.score,
                }
                for finalist in self.found.finalists
            ]
        )


class StudyMethods:
    """What can be done with a study; mixed into whatever has one."""

    _folder: Path

    @property
    def study_folder(self) -> Path:
        """The study's folder."""
        return self._folder

    @contextmanager
    def _building(self) -> Iterator[None]:
        """Let models be built and trained meanwhile; Keras is then set as the program had it."""
        from hptune.models.backend import interactive_logging_kept
        from hptune.models.precision import precision_kept

        with interactive_logging_kept(), precision_kept():
            yield

    def _trusts(self) -> bool:
        return False

    @contextmanager
    def _reading(self) -> Iterator[Study]:
        with hints_shown(), Study.open(self.study_folder) as study:
            yield study

    def trials(self) -> pd.DataFrame:
        """Return one row per trial, indexed by its number, in the order in which they were asked for.

        Columns are pass_number, state, score, best_epoch, epochs, seconds (of training), parameters
        (weights of the model), note (where its values came from), reason, and a column for each
        hyperparameter; one that a trial did not have is missing there.
        """
        import pandas as pd

        with self._reading() as study:
            rows = [tables.trial_dict(trial) for trial in study.trials(curves=False)]
        frame = pd.DataFrame([{**_without(row, "values", "seed"), **row["values"]} for row in rows])
        return frame.set_index("id") if rows else frame

    def curve(self, trial: int) -> pd.DataFrame:
        """Return what each epoch of a trial reported, indexed by epoch from 1; raises StudyError for none."""
        import pandas as pd

        with self._reading() as study:
            curve = study.trial(trial).curve
        return pd.DataFrame(list(curve), index=pd.RangeIndex(1, len(curve) + 1, name="epoch"))

    def narrow(self) -> NextPass:
        """Return what the last pass taught: a proposal to accept, or to edit first.

        Raises StudyError where no pass has begun.
        """
        with self._reading() as study:
            proposal = next_pass.propose_for(study)
            return NextPass(self.study_folder, proposal, study.passes()[0].space)

    def report(self, path: str | os.PathLike[str] | None = None, *, show: bool | None = None) -> Report:
        """Write the report as one HTML page and return it; a notebook shows it in place.

        `path` is report.html in the study's folder where it is None. `show` opens it in a browser: by itself
        where there is a desktop and no notebook. Raises InputError where the file can't be written.
        """
        with self._reading() as study:
            written = Report(write_report(study, None if path is None else Path(path)))
        has_desktop = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
        if show or (show is None and has_desktop and not in_notebook()):
            written.open()
        return written

    def confirm(self, *, top: int = 3, seeds: int = 5) -> ConfirmedTrials:
        """Train the `top` best trials again with `seeds` fresh seeds each, at least 2.

        What was trained before is not trained again. Raises StudyError where there is no score yet, and
        KeyboardInterrupt where the user stops; what was trained is kept.
        """
        if top < 1 or seeds < 2:
            raise UsageError(f"top is {top} and seeds is {seeds}", hint="At least 1 and at least 2.")
        with hints_shown(), stopping(None) as stop, self._building():
            found = confirm_folder(
                self.study_folder, top=top, seeds=seeds, watcher=Watcher(), stop=stop, trust=self._trusts()
            )
        return ConfirmedTrials(found)

    def export(
        self, format: str = "yaml", *, top: int = 1, output: str | os.PathLike[str] | None = None
    ) -> str | tuple[Path, ...]:
        """Export the best configurations, best first: by the means of `confirm`, where it was run.

        `format` is yaml, json, csv, python (a plain Keras script, of a model in a file), keras (the
        trained model, with its preprocessing inside and a card beside it) or optuna. Returns the text, or the
        files that were written to `output`, a file, or a folder for several. optuna writes all trials into
        the storage that `output` is, sqlite:///FILE or any URL that Optuna takes, and says what it wrote.
        Raises what `hptune.errors` lists.
        """
        if format not in FORMS:
            raise UsageError(f"format: {format!r} is none of {', '.join(FORMS)}")
        place = None if output is None else os.fspath(output)
        with hints_shown(), self._building(), self._reading() as study:
            if format == "optuna":
                return export_to_optuna(study, place, top=top)
            done = export_study(study, form=format, top=top, output=file_of(place), trust=self._trusts())
        return done.files or done.text

    def __str__(self) -> str:
        with self._reading() as study:
            return tables.summary_text(study)

    def _repr_html_(self) -> str:
        if not Study.exists(self.study_folder):
            return f"<pre>{html.escape(repr(self))}</pre>"
        with self._reading() as study:
            return study_html(study)


class OpenedStudy(StudyMethods):
    """A study on disk, whoever searched it."""

    def __init__(self, folder: Path, *, trust: bool = False) -> None:
        self._folder = folder
        self._trust = trust

    def _trusts(self) -> bool:
        return self._trust

    def __repr__(self) -> str:
        return f"hptune.open_study({str(self._folder)!r})"


def open_study(study: str | os.PathLike[str] | None = None, *, trust: bool = False) -> OpenedStudy:
    """Return a study as an object: its folder, its name under studies/, or None for the newest there.

    A study may come from anyone: what would run code outside the working directory that it names
    (`confirm`, and `export` of scripts and models) is refused unless `trust` says that you know that code.
    Raises UsageError where there is no such study, StudyError where the folder holds none.
    """
    with hints_shown():
        return OpenedStudy(find_study(None if study is None else os.fspath(study)), trust=trust)


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
