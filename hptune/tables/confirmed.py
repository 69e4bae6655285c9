"""Finalists trained again with fresh seeds: how they did, and which differ by more than luck."""

from __future__ import annotations

from hptune.confirm import Confirmed, Finalist
from hptune.strategy.differ import Difference
from hptune.tables.text import columns, format_value, to_json, wrapped

__all__ = ["confirmed_json", "confirmed_text"]

_EVERY_PAIR = 3
"""Up to this many finalists every pair is spoken of; among more, each beside the best."""


def confirmed_text(found: Confirmed) -> str:
    """Return a table of the finalists, best first, and sentences on which differ."""
    rows = [_row(f) for f in found.finalists]
    header = ["trial", "search", "mean", "deviation", "worst..best", "seeds", "epochs"]
    lines = [
        f"{found.objective.name} of the finalists with fresh seeds",
        "",
        columns(_signed(rows, found), header),
    ]
    for finalist in found.finalists:
        if finalist.lost:
            reason = finalist.lost[0].reason or "no score"
            lost = f"{len(finalist.lost)} of {len(finalist.confirmations)}"
            lines += [
                "",
                *wrapped(f"Trial {finalist.trial.id}: {lost} seeds could not be trained: {reason}."),
            ]
    lines += ["", *(line for said in _sentences(found) for line in wrapped(said))]
    return "\n".join(lines)


def confirmed_json(found: Confirmed) -> str:
    """Return the same as JSON, with every seed's score and every pair's p-value."""
    return to_json(
        {
            "study": found.study,
            "objective": found.objective.name,
            "direction": found.objective.direction.value,
            "finalists": [
                {
                    "trial": f.trial.id,
                    "search_score": f.trial.score,
                    "mean": f.mean,
                    "deviation": f.deviation,
                    "epochs": f.trial.epochs,
                    "seeds": [
                        {
                            "seed": c.seed,
                            "score": c.score,
                            "best_epoch": c.best_epoch,
                            "epochs": c.epochs,
                            "seconds": round(c.seconds, 3),
                            "reason": c.reason,
                        }
                        for c in f.confirmations
                    ],
                }
                for f in found.finalists
            ],
            "pairs": [
                {"better": d.better, "worse": d.worse, "gap": d.gap, "p": d.p, "beyond_luck": d.beyond_luck}
                for d in found.differences
            ],
        }
    )


def _row(finalist: Finalist) -> list[str]:
    scores = finalist.scores
    return [
        str(finalist.trial.id),
        format_value(finalist.trial.score),
        format_value(finalist.mean),
        "" if finalist.deviation is None else f"± {finalist.deviation:.2g}",
        f"{format_value(min(scores))}..{format_value(max(scores))}" if scores else "",
        str(len(scores)),
        str(finalist.trial.epochs),
    ]


def _signed(rows: list[list[str]], found: Confirmed) -> list[list[str]]:
    """Return the rows with the worse end first where less is better."""
    if found.objective.sign > 0:
        return rows
    return [[*row[:4], "..".join(reversed(row[4].split(".."))), *row[5:]] for row in rows]


def _sentences(found: Confirmed) -> list[str]:
    best = found.finalists[0]
    if best.mean is None:
        return ["None of the finalists could be trained again."]
    told = [d for d in found.differences if len(found.finalists) <= _EVERY_PAIR or best.trial.id == d.better]
    said = [_sentence(d) for d in told]
    fell = found.objective.sign * ((best.trial.score or 0.0) - best.mean)
    if fell > 0 and best.trial.score is not None:
        said.append(
            f"The search's score of trial {best.trial.id}, {format_value(best.trial.score)}, was partly luck:"
            f" expect {format_value(best.mean)}."
        )
    tied = [d for d in told if d.better == best.trial.id and not d.beyond_luck]
    if tied:
        said.append("Of those that do not differ take the one that is cheaper, or ask for more --seeds.")
    return said or ["There is one finalist; --top 2 and more compares."]


def _sentence(found: Difference) -> str:
    chance = "less than 0.1 %" if found.p < 0.001 else f"{found.p:.1%}".replace("%", " %")
    if found.beyond_luck:
        return (
            f"Trial {found.better} is better than trial {found.worse} by more than luck: by"
            f" {format_value(found.gap)}; luck alone would show as much in {chance} of cases."
        )
    return (
        f"Trials {found.better} and {found.worse} do not differ by more than luck: a gap of"
        f" {format_value(found.gap)}, which luck alone would show in {chance} of cases."
    )
