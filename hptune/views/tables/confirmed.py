"""Finalists trained again with fresh seeds: how they did, and which differ significantly."""

from __future__ import annotations

from typing import Any

from hptune._text import numbered, significant
from hptune.analysis.finalists import Confirmed, Finalist, confirmed_among
from hptune.analysis.significance import Difference
from hptune.study import Study
from hptune.views.tables.text import columns, format_value, to_csv, to_json, wrapped

__all__ = [
    "confirmed_csv",
    "confirmed_dict",
    "confirmed_json",
    "confirmed_text",
    "finalist_dict",
    "mean_text",
    "read_confirmed",
    "standing",
]

_EVERY_PAIR = 3
"""Up to this many finalists every pair is spoken of; among more, each beside the best."""


def read_confirmed(study: Study) -> Confirmed:
    """Return the trials of a study that were trained again, best first; it may be searched meanwhile."""
    noted = study.confirmations()
    trials = [study.trial(trial_id) for trial_id in dict.fromkeys(c.trial_id for c in noted)]
    return confirmed_among(trials, noted, study.identity.goal, study=str(study.folder))


def mean_text(finalist: Finalist) -> str:
    """Return `0.955 ± 0.0041 over 5 seeds`, or that none could be trained."""
    if finalist.mean is None:
        return "no seed could be trained"
    spread = "" if finalist.deviation is None else f" ± {significant(finalist.deviation, 2)}"
    count = len(finalist.scores)
    return f"{format_value(finalist.mean)}{spread} over {count} seed{'s' if count > 1 else ''}"


def standing(found: Confirmed) -> list[str]:
    """Say in sentences who leads with fresh seeds, and over whom significantly; [] for no finalist."""
    if not found.finalists:
        return []
    first = found.winner
    if first is None:
        return ["None of the finalists could be trained again."]
    score = format_value(first.trial.score)
    compared = sum(f.mean is not None for f in found.finalists) > 1
    reached = "is best:" if compared else "reached"
    score = f"{found.objective.name} {mean_text(first)} ({score} in the search)"
    sentence = [f"With fresh seeds trial {first.trial.id} {reached} {score}."]
    beaten, tied = (numbered("trial", found.behind(is_significant=sure)) for sure in (True, False))
    if beaten:
        sentence.append(f"It beats {beaten} significantly.")
    if tied:
        sentence.append(f"Its lead over {tied} is not significant.")
    return sentence


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
    lines += ["", *(line for sentence in _sentences(found) for line in wrapped(sentence))]
    return "\n".join(lines)


def confirmed_json(found: Confirmed) -> str:
    """Return the same as JSON, with every seed's score and every pair's p-value."""
    about = {"study": found.study, "objective": found.objective.name}
    return to_json(about | {"direction": found.objective.direction.value} | confirmed_dict(found))


def confirmed_dict(found: Confirmed) -> dict[str, Any]:
    """Return the finalists, best first, and their pairs as plain data."""
    return {
        "finalists": [_finalist(f) for f in found.finalists],
        "pairs": [
            {"better": d.better, "worse": d.worse, "gap": d.gap, "p": d.p, "beyond_luck": d.is_significant}
            for d in found.differences
        ],
        "sentences": standing(found),
    }


def finalist_dict(found: Confirmed, trial_id: int) -> dict[str, Any] | None:
    """Return what fresh seeds gave of one trial as plain data; None where it was not trained again."""
    return next((_finalist(f) for f in found.finalists if f.trial.id == trial_id), None)


def _finalist(finalist: Finalist) -> dict[str, Any]:
    return {
        "trial": finalist.trial.id,
        "search_score": finalist.trial.score,
        "mean": finalist.mean,
        "deviation": finalist.deviation,
        "epochs": finalist.trial.epochs,
        "seeds": [
            {
                "seed": c.seed,
                "score": c.score,
                "best_epoch": c.best_epoch,
                "epochs": c.epochs,
                "seconds": round(c.seconds, 3),
                "reason": c.reason,
            }
            for c in finalist.confirmations
        ],
    }


def confirmed_csv(found: Confirmed) -> str:
    """Return one row per finalist, best first; `p` and `is_significant` set it beside the best one."""
    header = ["trial", "search_score", "mean", "deviation", "worst", "best", "seeds", "lost", "epochs"]
    first = found.finalists[0].trial.id if found.finalists else None
    beside = {d.worse: d for d in found.differences if d.better == first}
    rows: list[list[object]] = []
    for f in found.finalists:
        ends = sorted(f.scores, key=lambda score: found.objective.sign * score)
        other = beside.get(f.trial.id)
        shown = ["", ""] if other is None else [other.p, str(other.is_significant).lower()]
        worst, best = (ends[0], ends[-1]) if ends else (None, None)
        spread = [f.mean, f.deviation, worst, best, len(f.scores), len(f.lost)]
        rows.append([f.trial.id, f.trial.score, *spread, f.trial.epochs, *shown])
    return to_csv([[*header, "p", "beyond_luck"], *rows])


def _row(finalist: Finalist) -> list[str]:
    scores = finalist.scores
    return [
        str(finalist.trial.id),
        format_value(finalist.trial.score),
        format_value(finalist.mean),
        "" if finalist.deviation is None else f"± {significant(finalist.deviation, 2)}",
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
    shown = [d for d in found.differences if len(found.finalists) <= _EVERY_PAIR or best.trial.id == d.better]
    sentence = [_sentence(d) for d in shown]
    fell = found.objective.sign * ((best.trial.score or 0.0) - best.mean)
    if fell > 0 and best.trial.score is not None:
        sentence.append(
            f"The search's score of trial {best.trial.id}, {format_value(best.trial.score)}, was partly luck:"
            f" expect {format_value(best.mean)}."
        )
    tied = [d for d in shown if d.better == best.trial.id and not d.is_significant]
    if tied:
        sentence.append("Of those that do not differ take the one that is cheaper, or ask for more --seeds.")
    return sentence or ["There is one finalist; --top 2 and more compares."]


def _sentence(found: Difference) -> str:
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}"
    gap = f"{format_value(found.gap)} ({p})"
    if found.is_significant:
        return f"Trial {found.better} is significantly better than trial {found.worse}: by {gap}."
    return f"Trials {found.better} and {found.worse} do not differ significantly: a gap of {gap}."
