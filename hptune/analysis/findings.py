"""Findings: what a rule sees in a study, with its figures, its source and what to do. Plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["PLAYBOOK", "Finding", "FindingKind", "Severity"]

PLAYBOOK = "google-research/tuning_playbook"


class FindingKind(StrEnum):
    """What a finding is about."""

    DIVERGED = "diverged"
    OVERFITTING = "overfitting"
    UNSTABLE = "unstable late"
    IMPROVING = "still improving"
    SATURATED = "saturated early"
    EPOCHS = "epochs"
    EDGE = "edge"
    SUFFICIENCY = "too few trials"
    INFEASIBLE = "infeasible"
    DUPLICATE = "duplicate"
    DEAD = "dead"
    BEST_MARGIN = "lead within noise"
    TIERS = "tiers"


class Severity(StrEnum):
    """How much a finding asks for."""

    INFO = "info"
    """Good to know."""
    ADVICE = "advice"
    """Acting on it would help."""
    WARNING = "warning"
    """Conclusions do not hold until it is dealt with."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing seen, and what to do about it."""

    kind: FindingKind
    severity: Severity
    sentence: str
    """What was seen, with its figures."""
    action: str
    """What to do next: words, or a command line."""
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    """The figures of the sentence by name, for machines."""
    names: tuple[str, ...] = ()
    """The hyperparameters it concerns."""
    trials: tuple[int, ...] = ()
    """Ids of the trials it rests on, most telling first; empty where it rests on all."""
    source: str = ""
    """Where the rule comes from."""
