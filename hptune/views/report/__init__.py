"""A study as one HTML file that the user who has never seen it understands in a minute."""

from __future__ import annotations

from pathlib import Path

from hptune._files import write_text
from hptune.study import Study
from hptune.study.folder import refuse_links
from hptune.views.report.best import best
from hptune.views.report.comparison import render_comparison
from hptune.views.report.cost import cost
from hptune.views.report.curves import curves
from hptune.views.report.data import page_data
from hptune.views.report.importance import importance
from hptune.views.report.page import page
from hptune.views.report.parallel import parallel
from hptune.views.report.ranges import ranges
from hptune.views.report.reproduce import reproduce
from hptune.views.report.scatter import axes, isolation
from hptune.views.report.trials import trials
from hptune.views.report.verdict import verdict
from hptune.views.snapshot import Snapshot, read_snapshot

__all__ = ["REPORT", "render", "render_comparison", "write_page", "write_report"]

REPORT = "report.html"
"""Name of the report in a study's folder."""

SECTIONS = (verdict, best, ranges, axes, isolation, importance, parallel, curves, cost, trials, reproduce)


def write_report(study: Study, path: Path | None = None) -> Path:
    """Write the report, into the study's folder unless another place is given; returns where it is.

    Raises StudyError where the study has no pass yet, InputError where the file can't be written.
    """
    if path is None:
        refuse_links(study.folder)
        path = study.folder / REPORT
    write_page(path, render(read_snapshot(study)))
    return path


def render(snapshot: Snapshot) -> str:
    """Return the page of a study."""
    identity = snapshot.identity
    return page(
        f"{identity.data} with {identity.model}",
        f"{snapshot.folder}: hyperparameters searched for the best {identity.objective}",
        [section(snapshot) for section in SECTIONS],
        passes=len(snapshot.passes),
        data=page_data(snapshot),
    )


def write_page(path: Path, content: str) -> None:
    """Write a page whole or not at all; raises InputError where it can't be written."""
    write_text(path, content, hint="Choose another with -o.")
