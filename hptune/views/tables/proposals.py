"""Proposals: each range with its verdict and reason."""

from __future__ import annotations

from typing import Any

from hptune.space import Fixed
from hptune.space.describe import describe_range
from hptune.study.proposal import Proposal
from hptune.views.tables.text import to_csv, to_json, wrapped

__all__ = ["moves_list", "proposal_csv", "proposal_json", "proposal_text"]


def moves_list(proposal: Proposal) -> list[dict[str, Any]]:
    """Return the moves as plain data."""
    return [
        {
            "name": move.name,
            "verdict": move.verdict.value,
            "old": describe_range(move.old),
            "new": describe_range(move.new),
            "reason": move.reason,
            "by_user": move.by_user,
            "soft": move.is_soft,
        }
        for move in proposal.moves
    ]


def proposal_json(proposal: Proposal) -> str:
    """Return a proposal as JSON."""
    return to_json({"moves": moves_list(proposal), "notes": list(proposal.notes)})


def proposal_csv(proposal: Proposal) -> str:
    """Return the moves as CSV, one row each."""
    header = ["name", "verdict", "old", "new", "by_user", "soft", "reason"]
    rows = [[move[key] for key in header] for move in moves_list(proposal)]
    return to_csv([header, *rows])


def proposal_text(proposal: Proposal) -> str:
    """Return a proposal as a table, the reasons below their ranges; what stays fixed in one line."""
    lines: list[str] = []
    fixed: list[str] = []
    for move in sorted(proposal.moves, key=lambda m: m.old.tier):
        old, new = describe_range(move.old), describe_range(move.new)
        if isinstance(move.old, Fixed) and old == new:
            fixed.append(f"{move.name} {old}")
            continue
        ranges = old if old == new else f"{old} → {new}"
        tier = f"tier {int(move.old.tier)}" if move.old.tier < 4 else ""
        lines.append(f"{move.verdict.value:<7} {move.name:<22} {ranges:<34} {tier}".rstrip())
        lines += wrapped(move.reason, indent=8)
    if fixed:
        lines += ["", *wrapped(f"fixed: {', '.join(fixed)}")]
    if any(move.is_soft for move in proposal.moves):
        lines += [
            "",
            *wrapped("New ranges are soft bounds: half of the trials may still come from outside them."),
        ]
    for note in proposal.notes:
        lines += ["", *wrapped(note)]
    return "\n".join(lines)
