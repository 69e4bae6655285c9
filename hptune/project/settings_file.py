"""The text of `hptune.toml`: what was given, and what else is often set, ready to be uncommented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hptune._text import quoted
from hptune.errors import InputError

__all__ = ["Settings", "settings_text"]

_HEADER = """\
# What `hptune search` takes where you give it nothing else, and every other command that has the same
# option. Flags and HPTUNE_… variables win. A key is an option without its dashes.
"""

_BUDGET = """\
# The budget: what so many full trainings of so many epochs cost, over all passes together. Bad trials are
# stopped early, so it buys more configurations than that; between passes the ranges move.
"""

_MORE = """\
# Often set as well: take the first # away. `hptune search --help` has the rest.
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a project file sets, and what its commented lines go by."""

    data: str
    target: str | None
    validation: str | None
    task: str | None
    positive: str | None
    skip_broken: bool
    image_size: int | None
    missing: str | None = None
    missing_target: str | None = None
    levels: int | str | None = None
    strict: bool = False
    model: str
    space: str
    callbacks: str | None = None
    isolate: bool = False
    trials: int
    epochs: int
    passes: int
    objective: str
    """One that training reports, to show."""
    takes_class_weight: bool
    """Whether its classes can be made to count alike."""


def settings_text(settings: Settings, source: str) -> str:
    """Return the text of a project file; InputError, which names it as `source`, where TOML can't hold it."""
    given = {
        "data": settings.data,
        "target": settings.target,
        "validation": settings.validation,
        "task": settings.task,
        "positive": settings.positive,
        "skip-broken": settings.skip_broken or None,
        "image-size": settings.image_size,
        "missing": settings.missing,
        "missing-target": settings.missing_target,
        "levels": settings.levels,
        "strict": settings.strict or None,
        "model": settings.model,
        "space": settings.space,
        "callbacks": settings.callbacks,
        "isolate": settings.isolate or None,
    }
    for key, value in given.items():
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            raise InputError(f"{source}: {key}: {value!a} is not UTF-8, and so can't be written to it")
    budget = {"trials": settings.trials, "epochs": settings.epochs, "passes": settings.passes}
    blocks = [
        _HEADER,
        _lines(given, {"space": "the ranges: edit them there"}),
        _BUDGET + _lines(budget),
        _MORE + "".join(_often_set(settings)),
    ]
    return "\n".join(blocks)


def _lines(values: Mapping[str, str | int | None], comments: Mapping[str, str] | None = None) -> str:
    text = {key: f"{key} = {_value(value)}" for key, value in values.items() if value is not None}
    notes = comments or {}
    return "".join(f"{line}  # {notes[key]}\n" if key in notes else f"{line}\n" for key, line in text.items())


def _often_set(settings: Settings) -> Iterator[str]:
    """Yield commented lines that are right as they stand: the defaults, or an example."""
    offered = [
        ("seed = 0", "seeds everything that is drawn, the split too"),
        (f"objective = {quoted(settings.objective)}", "what to improve, among what training reports"),
        ("workers = 2", "trainings at a time"),
        ('max-time = "30m"', "stop after this long, or sooner"),
        ("cv = 5", "score: the mean over five folds, which take five times as long"),
        ('class-weight = "balanced"', "rare classes count as much as frequent ones"),
        ('learn-from = ["auto"]', "try first what did well in your other studies"),
    ]
    if not settings.takes_class_weight:
        offered = [(line, what) for line, what in offered if not line.startswith("class-weight")]
    width = max(len(line) for line, _ in offered)
    for line, what in offered:
        yield f"# {line:<{width}}  # {what}\n"


def _value(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else str(value)
