"""Comparisons of studies."""

from __future__ import annotations

from hptune._text import significant
from hptune.views.compare import StudyComparison
from hptune.views.tables.text import columns, format_value, to_csv, to_json
from hptune.views.tables.trials import trial_dict

__all__ = ["comparison_csv", "comparison_json", "comparison_text"]


def comparison_text(found: StudyComparison) -> str:
    """Say what the same budget bought, beside the best configurations and the ranges that differ."""
    names = [c.name for c in found.contenders]
    studies = [
        [
            c.name,
            c.data,
            c.model,
            c.oracle,
            str(c.trials),
            str(c.epochs_used),
            _score(c.best.score if c.best else None),
        ]
        for c in found.contenders
    ]
    header = ["study", "data", "model", "oracle", "trials", "epochs", f"best {found.objective.name}"]
    budgets = [[str(b), *(_score(c.at(b)) for c in found.contenders)] for b in found.budgets]
    best = [[name, *map(_value, values)] for name, values in found.best_values.items()]
    ranges = [[name, *(text or "–" for text in texts)] for name, texts in found.differing.items()]
    parts = [columns(studies, header)]
    parts += [f"Mind: {warning}." for warning in found.warnings]
    parts += [
        "",
        f"Best {found.objective.name} for the same epochs:",
        columns(budgets, ["epochs", *names], indent="  "),
    ]
    if best:
        parts += ["", "Best configurations:", columns(best, ["hyperparameter", *names], indent="  ")]
    if ranges:
        parts += ["", "Ranges that differ:", columns(ranges, ["hyperparameter", *names], indent="  ")]
    return "\n".join(parts)


def _score(score: float | None) -> str:
    return "–" if score is None else significant(score, 5)


def _value(value: object) -> str:
    return "–" if value is None else format_value(value)  # type: ignore[arg-type]


def comparison_csv(found: StudyComparison) -> str:
    """Return the best score of each study (a column) for the same epochs (a row) as CSV."""
    rows = [[budget, *(c.at(budget) for c in found.contenders)] for budget in found.budgets]
    return to_csv([["epochs", *(c.name for c in found.contenders)], *rows])


def comparison_json(found: StudyComparison) -> str:
    """Return the same as JSON, with every step of the best so far."""
    return to_json(
        {
            "objective": found.objective.name,
            "direction": found.objective.direction.value,
            "warnings": list(found.warnings),
            "studies": [
                {
                    "name": c.name,
                    "study": str(c.folder),
                    "data": c.data,
                    "model": c.model,
                    "oracle": c.oracle,
                    "full_training_epochs": c.epochs,
                    "trials": c.trials,
                    "epochs": c.epochs_used,
                    "best": None if c.best is None else trial_dict(c.best),
                    "best_so_far": [{"epochs": epochs, "score": score} for epochs, score in c.steps],
                }
                for c in found.contenders
            ],
            "budgets": [
                {"epochs": b, "best": {c.name: c.at(b) for c in found.contenders}} for b in found.budgets
            ],
            "ranges": {
                name: dict(zip([c.name for c in found.contenders], texts, strict=True))
                for name, texts in found.differing.items()
            },
        }
    )
