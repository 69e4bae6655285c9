"""A report of checks as text for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from hptune.views.tables import columns, format_value

if TYPE_CHECKING:
    from hptune.check import CheckFinding, CheckReport, CheckSection

__all__ = ["can_show_marks", "report_text"]

_MARKS = {"fine": "✓", "warning": "!", "wrong": "✗", "skipped": "–"}
_PLAIN_MARKS = {"fine": "ok", "warning": "! ", "wrong": "X ", "skipped": "- "}
_WIDTH = 80
"""Columns of a page."""
_SHOWN = ("gradients", "norms", "throughput")
"""Sections whose table is shown; the others' figures are in their findings."""
_MOST_ROWS = 24
_COUNTS = ("at kinks", "too small")
"""Columns that are left out where there is nothing to count; --json has them."""
_SHORTEST = 12
"""Characters that are left of a name, however wide the table is."""


def can_show_marks(encoding: str | None) -> bool:
    """Tell whether a stream of this encoding can show ✓ and ✗."""
    try:
        "".join(_MARKS.values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def report_text(report: CheckReport, *, unicode: bool = True) -> str:
    """Return the findings with their hints, then the tables; in ASCII alone unless `unicode`."""
    marks = _MARKS if unicode else _PLAIN_MARKS
    head = f"{report.data} with {report.model}: {report.parameters:,} weights, {report.backend}"
    width = max((len(section.title) for section in report.sections), default=0)
    lines = [head, ""]
    for section in report.sections:
        title = section.title
        for finding in section.findings:
            lines += _finding_lines(finding, marks[finding.verdict.value], title.ljust(width))
            title = ""
    for section in report.sections:
        if section.name in _SHOWN and section.table:
            lines += ["", section.title, _table(section)]
        if section.proposals and section.name == "norms":
            said = ", ".join(f"{name} {value:g}" for name, value in section.proposals.items())
            note = f"where clipping may start, the 90th percentile of these steps: {said}"
            lines += [f"  {line}" for line in textwrap.wrap(note, _WIDTH - 2, break_long_words=False)]
    lines += ["", _last_line(report)]
    text = "\n".join(lines)
    return text if unicode else text.replace("–", "-").encode("ascii", "replace").decode("ascii")


def _finding_lines(finding: CheckFinding, mark: str, title: str) -> list[str]:
    said = finding.text + (f" [{finding.where}]" if finding.where else "")
    indent = " " * (len(mark) + len(title) + 3)
    room = max(40, _WIDTH - len(indent))
    first, *more = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False) or [""]
    hint = textwrap.wrap(finding.hint, room - 2, break_long_words=False, break_on_hyphens=False)
    return [
        f"{mark} {title}  {first}".rstrip(),
        *(indent + line for line in more),
        *(indent + "  " + line for line in hint),
    ]


def _table(section: CheckSection) -> str:
    header = [key for key in section.table[0] if key not in _COUNTS or any(r[key] for r in section.table)]
    rows = [[_cell(row[key]) for key in header] for row in section.table[:_MOST_ROWS]]
    text = columns(rows, header, indent="  ")
    too_wide = max(map(len, text.splitlines())) - _WIDTH
    if too_wide > 0:
        longest = max(_SHORTEST, max(len(row[0]) for row in rows) - too_wide)
        rows = [[_shortened(row[0], longest), *row[1:]] for row in rows]
        text = columns(rows, header, indent="  ")
    left = len(section.table) - len(rows)
    return text + (f"\n  and {left} more: --json has all" if left else "")


def _shortened(name: str, longest: int) -> str:
    """Leave the end of a long name, which tells one layer from another."""
    return name if len(name) <= longest else ".." + name[2 - longest :]


def _cell(value: str | int | float | None) -> str:
    return f"{value:.2e}" if isinstance(value, float) and 0 < abs(value) < 1e-3 else format_value(value)


def _last_line(report: CheckReport) -> str:
    verdicts = [finding.verdict.value for section in report.sections for finding in section.findings]
    wrong, warnings = verdicts.count("wrong"), verdicts.count("warning")
    if wrong:
        return f"{wrong} wrong, {warnings} to look at, in {report.seconds:.0f} s"
    if warnings:
        return f"Nothing is wrong; {warnings} to look at, in {report.seconds:.0f} s"
    return f"Nothing is wrong, in {report.seconds:.0f} s"
