"""The findings of the checks, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["CheckFinding", "CheckReport", "CheckSection", "CheckVerdict", "OnSection", "Row", "worst"]

Row = Mapping[str, str | int | float | None]
"""One line of a table: heading → cell."""
OnSection = Callable[[str], None]
"""Gets the title of what is about to be checked."""


class CheckVerdict(StrEnum):
    """The verdict of a check, from best to worst."""

    SKIPPED = "skipped"
    """It does not apply here, or can't be known."""
    FINE = "fine"
    WARNING = "warning"
    """Training may work; the user should know."""
    WRONG = "wrong"
    """Training can't work as meant."""


_ORDER = tuple(CheckVerdict)


def worst(verdicts: tuple[CheckVerdict, ...]) -> CheckVerdict:
    """Return the worst of some verdicts; skipped where there are none."""
    return max(verdicts, key=_ORDER.index, default=CheckVerdict.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class CheckFinding:
    """One thing that was found."""

    verdict: CheckVerdict
    text: str
    """What was found, with its figures."""
    hint: str = ""
    """What to do about it."""
    layer: str = ""
    """The layer it is about, as the model names it."""
    where: str = ""
    """FILE:LINE of the user's own code that it is about."""


@dataclass(frozen=True, kw_only=True)
class CheckSection:
    """One check: its findings, and the figures they rest on."""

    findings: tuple[CheckFinding, ...]
    table: tuple[Row, ...] = ()
    proposals: Mapping[str, float] = field(default_factory=dict)
    """Hyperparameter → a value that the figures speak for."""
    name: str = ""
    """Set by `run_checks`: gradients, start, overfit, units, norms or throughput."""
    title: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> CheckVerdict:
        """The worst finding's."""
        return worst(tuple(finding.verdict for finding in self.findings))


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Everything that was checked of one configuration."""

    data: str
    model: str
    values: Mapping[str, Any]
    """The configuration."""
    parameters: int
    """Weights of the model."""
    backend: str
    sections: tuple[CheckSection, ...]
    seconds: float

    @property
    def verdict(self) -> CheckVerdict:
        """The worst section's."""
        return worst(tuple(section.verdict for section in self.sections))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data; "checks" is by name."""
        checks = {s.name: {"verdict": s.verdict.value, **_without_name(s)} for s in self.sections}
        return {
            "data": self.data,
            "model": self.model,
            "values": dict(self.values),
            "parameters": self.parameters,
            "backend": self.backend,
            "verdict": self.verdict.value,
            "seconds": round(self.seconds, 3),
            "checks": checks,
        }


def _without_name(section: CheckSection) -> dict[str, Any]:
    content = asdict(section)
    del content["name"]
    content["seconds"] = round(section.seconds, 3)
    return content
