"""Pieces of the page: sections, figures, tables. What is given as text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hptune.analysis.findings import Finding
from hptune.views.plots.svg import element, text

__all__ = ["Section", "code", "figure", "findings", "grid", "items", "note", "paragraph", "region", "table"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the page."""

    id: str
    title: str
    body: str
    """Markup."""


def paragraph(content: str, **attributes: object) -> str:
    """Return a paragraph of text."""
    return element("p", text(content), **attributes)


def note(content: str) -> str:
    """Return a paragraph for what there is none of."""
    return element("p", text(content), class_="note")


def items(sentences: Iterable[str], **attributes: object) -> str:
    """Return a list, one sentence each."""
    return element("ul", *(element("li", text(s)) for s in sentences), **attributes)


def code(command: str, *, id_: str | None = None) -> str:
    """Return a command to copy."""
    line = element("code", text(command), id=id_)
    button = element("button", "Copy", type="button", class_="copy", aria_label="Copy this command")
    return element("div", line, button, class_="command")


def figure(drawing: str, title: str, *below: str) -> str:
    """Return a drawing with its title above and markup below."""
    return element("figure", element("figcaption", text(title)), drawing, *below)


def grid(figures: Iterable[str]) -> str:
    """Return figures side by side, as many as fit."""
    return element("div", *figures, class_="grid")


def findings(found: Iterable[Finding]) -> str:
    """Return what rules saw, each with what to do and where the rule comes from; "" for nothing."""
    lines = [
        element(
            "li",
            element("span", text(_capital(f)) + ".", class_=f"finding {f.severity.value}"),
            element("span", text(f.action), class_="action"),
            " ",
            element("small", text(f.source), class_="note") if f.source else "",
        )
        for f in found
    ]
    return element("ul", *lines, class_="findings") if lines else ""


def _capital(found: Finding) -> str:
    """Begin the sentence as one, unless it begins with a name."""
    first = found.sentence.split(" ", 1)[0].rstrip(":,")
    return found.sentence if first in found.names else found.sentence[:1].upper() + found.sentence[1:]


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str,
    numeric: Sequence[int] = (),
    id_: str | None = None,
    mark: int | None = None,
) -> str:
    """Return a table whose first column names its rows; it scrolls sideways where the page is narrow.

    `numeric` are the columns that are right-aligned, `mark` the row to set off.
    """

    def kind(column: int) -> str | None:
        return "n" if column in numeric else None

    head = element("tr", *(element("th", text(h), scope="col", class_=kind(i)) for i, h in enumerate(header)))
    lines = []
    for number, row in enumerate(rows):
        cells = [element("th", text(row[0]), scope="row", class_=kind(0))]
        cells += [element("td", text(cell), class_=kind(i)) for i, cell in enumerate(row[1:], 1)]
        lines.append(element("tr", *cells, class_="marked" if number == mark else None))
    return region(
        caption, element("table", element("thead", head), element("tbody", *lines), id=id_), id_=id_
    )


def region(caption: str, content: str, *, id_: str | None = None) -> str:
    """Return a caption and below it content that scrolls sideways where the page is narrow."""
    shown = element("p", text(caption), class_="caption", id=f"{id_}-caption" if id_ else None)
    return shown + element("div", content, class_="scroll", tabindex=0, role="region", aria_label=caption)
