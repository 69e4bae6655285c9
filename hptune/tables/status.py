"""How a study stands."""

from __future__ import annotations

from typing import Any

from hptune.study import Study, StudyLock
from hptune.tables.text import format_value, to_json
from hptune.tables.trials import trial_dict
from hptune.trial import TrialState

__all__ = ["status_dict", "status_json", "status_text"]


def status_dict(study: Study) -> dict[str, Any]:
    """Return how a study stands, as plain data."""
    trials = study.trials(curves=False)
    best = study.best(1)
    passes = study.passes()
    per_pass = [
        {
            "number": p.number,
            "trials": sum(t.pass_number == p.number for t in trials),
            "epochs": study.spent(p.number),
        }
        for p in passes
    ]
    return {
        "study": str(study.folder),
        "data": study.identity.data,
        "model": study.identity.model,
        "objective": study.identity.objective,
        "searching": StudyLock.held(study.folder),
        "passes": per_pass,
        "trials": {state.value: sum(t.state is state for t in trials) for state in TrialState},
        "running": [
            {"trial": trial, "epoch": epoch, "of": epochs}
            for trial, (epoch, epochs) in study.running().items()
        ],
        "epochs": study.spent(),
        "seconds": sum(t.seconds for t in trials),
        "best": None if not best else trial_dict(best[0]),
    }


def status_json(study: Study) -> str:
    """Return how a study stands as JSON."""
    return to_json(status_dict(study))


def status_text(study: Study) -> str:
    """Say how a study stands."""
    status = status_dict(study)
    counts = ", ".join(f"{n} {state}" for state, n in status["trials"].items() if n)
    lines = [
        f"{status['study']}: {status['data']} with {status['model']}, {status['objective']}",
        "a search is running" if status["searching"] else "no search is running",
        f"{sum(status['trials'].values())} trials ({counts or 'none'}), {status['epochs']} epochs,"
        f" {status['seconds']:.0f} s",
    ]
    lines += [f"pass {p['number']}: {p['trials']} trials, {p['epochs']} epochs" for p in status["passes"]]
    lines += [f"trial {r['trial']}: epoch {r['epoch']} of {r['of']}" for r in status["running"]]
    if status["best"]:
        best = status["best"]
        lines.append(f"best {format_value(best['score'])} (trial {best['id']}, pass {best['pass_number']})")
    return "\n".join(lines)
