"""A study as one HTML file that a person who has never seen it understands in a minute."""

from __future__ import annotations

from pathlib import Path

from hptune.errors import StudyError
from hptune.facts import Facts, read_facts
from hptune.files import appearing
from hptune.report.best import best
from hptune.report.comparison import render_comparison
from hptune.report.cost import cost
from hptune.report.curves import curves
from hptune.report.data import page_data
from hptune.report.importance import importance
from hptune.report.page import page
from hptune.report.parallel import parallel
from hptune.report.ranges import ranges
from hptune.report.reproduce import reproduce
from hptune.report.scatter import axes, isolation
from hptune.report.trials import trials
from hptune.report.verdict import verdict
from hptune.study import Study

__all__ = ["REPORT", "render", "render_comparison", "write_page", "write_report"]

REPORT = "report.html"
"""Name of the report in a study's folder."""

SECTIONS = (verdict, best, ranges, axes, isolation, importance, parallel, curves, cost, trials, reproduce)


def write_report(study: Study, path: Path | None = None) -> Path:
    """Write the report, into the study's folder unless told otherwise; returns where it is.

    Raises StudyError where the study has no pass yet or the file can't be written.
    """
    path = path or study.folder / REPORT
    write_page(path, render(read_facts(study)))
    return path


def render(facts: Facts) -> str:
    """Return the page of a study."""
    identity = facts.identity
    return page(
        f"{identity.data} with {identity.model}",
        f"{facts.folder}: hyperparameters searched for the best {identity.objective}",
        [section(facts) for section in SECTIONS],
        passes=len(facts.passes),
        data=page_data(facts),
    )


def write_page(path: Path, content: str) -> None:
    """Write a page whole or not at all; raises StudyError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path) as file:
            file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StudyError(
            f"{path}: can't be written: {error.strerror}", hint="Choose another with -o."
        ) from error
