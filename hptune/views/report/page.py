"""The page around the sections: one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from hptune.views.plots.svg import element, text
from hptune.views.report.html import Section

__all__ = ["page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""The page asks for nothing from anywhere, whatever a hyperparameter is named."""


def page(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    *,
    passes: int = 1,
    kinds: int = 0,
    data: str = "",
) -> str:
    """Return the whole file.

    Marks have one colour per pass, from early to late, or where `kinds` is above 0 as many colours without
    an order. `data` is the JSON that the page's script works on, "" for no script.
    """
    head = [
        '<meta charset="utf-8">',
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="hptune"),
        element("title", text(title)),
        '<link rel="icon" href="data:,">',
        f"<style>\n{_read('style.css')}{_hues(kinds) if kinds else _colours(passes)}</style>",
    ]
    links = (element("li", element("a", text(s.title), href=f"#{s.id}")) for s in sections)
    body = [
        element(
            "header",
            element("h1", text(title)),
            element("p", text(subtitle), class_="sub"),
            element("nav", element("ul", *links), aria_label="Sections"),
        ),
        element("main", *(_section(s) for s in sections)),
        element("footer", element("p", text("Written by hptune."))),
    ]
    if data:
        body.append(f'<script type="application/json" id="data">{data}</script>')
        body.append(f"<script>\n{_read('script.js')}</script>")
    inner = element("head", *head) + "\n" + element("body", *body)
    return "<!DOCTYPE html>\n" + element("html", inner, lang="en") + "\n"


def _section(section: Section) -> str:
    heading = element("h2", text(section.title), id=f"{section.id}-title")
    return (
        element("section", heading, section.body, id=section.id, aria_labelledby=f"{section.id}-title") + "\n"
    )


def _read(name: str) -> str:
    return (resources.files("hptune.views.report") / name).read_text(encoding="utf-8")


def _colours(passes: int) -> str:
    """Return one colour per pass, from early to late."""
    lines = []
    for number in range(1, passes + 2):
        share = 100 if passes == 1 else min(100, round(100 * (number - 1) / (passes - 1)))
        lines.append(f".p{number}{{--c:color-mix(in oklab,var(--late) {share}%,var(--early))}}\n")
    return "".join(lines)


def _hues(kinds: int) -> str:
    """Return one colour per kind, each far from the one before: steps of the golden angle."""
    return "".join(
        f".p{n}{{--c:oklch(var(--lightness) 0.14 {round(255 + 137.5 * (n - 1)) % 360})}}\n"
        for n in range(1, kinds + 1)
    )
