"""How a study stands, once or again and again until its search ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hptune._text import counted, on_one_line
from hptune.study import Study, StudyLock
from hptune.study.records import Tally
from hptune.study.trial import Objective, TrialState
from hptune.views.tables.confirmed import confirmed_dict, read_confirmed
from hptune.views.tables.spark import sparkline
from hptune.views.tables.text import JSON_VERSION, format_value, to_csv, to_json, wrapped
from hptune.views.tables.trials import state_name, trial_dict

__all__ = [
    "describe_status",
    "duration",
    "follow",
    "status_csv",
    "status_dict",
    "status_json",
    "status_line",
    "status_text",
]

_STEPS = 40
_LINES = 4
"""Up to so many trials under way have a line of their own."""


def status_dict(study: Study, *, now: float | None = None) -> dict[str, Any]:
    """Return how a study stands, as plain data; `now` is the time in seconds since 1970 unless it is now."""
    tallies = study.tallies()
    best = study.best(1)
    stretches = study.progress()
    confirmed = read_confirmed(study)
    holder = StudyLock.held(study.folder)
    searching = holder == "search"
    running = study.running()
    budget = study.notes.budget
    epochs = study.epochs_used_by_pass()
    epochs_used = sum(epochs.values())
    return {
        "study": str(study.folder),
        "data": study.identity.data,
        "model": study.identity.model,
        "objective": study.identity.objective,
        "searching": searching,
        "confirming": holder == "confirm",
        "passes": [
            _pass(p.number, tallies, epochs.get(p.number, 0), study.identity.goal) for p in study.passes()
        ],
        "trials": {state.value: sum(t.trials for t in tallies if t.state is state) for state in TrialState},
        "running": [
            {"trial": trial, "epoch": epoch, "of": epochs} for trial, (epoch, epochs) in running.items()
        ],
        "epochs": epochs_used,
        "budget": None if budget is None else int(budget),
        "seconds": sum(t.seconds for t in tallies),
        "eta_seconds": _eta(study, int(budget) - epochs_used, now) if searching and budget else None,
        "best": None if not best else trial_dict(best[0]),
        "confirmed": confirmed_dict(confirmed) if confirmed.finalists else None,
        "history": _best_so_far([s.score for s in stretches], study.identity.goal),
    }


def _pass(number: int, tallies: Sequence[Tally], epochs: int, goal: Objective) -> dict[str, Any]:
    """Return what one pass came to."""
    mine = [t for t in tallies if t.pass_number == number]
    scores = [t.best for t in mine if t.best is not None]
    return {
        "number": number,
        "trials": sum(t.trials for t in mine),
        "epochs": epochs,
        "seconds": round(sum(t.seconds for t in mine), 3),
        "best": goal.sign * max(goal.sign * s for s in scores) if scores else None,
        "states": {t.state.value: t.trials for t in mine},
    }


def _best_so_far(scores: Sequence[float | None], goal: Objective) -> list[float]:
    """Return the best score so far, at up to 40 even steps over the search."""
    found: list[float] = []
    for score in scores:
        if score is not None:
            found.append(score if not found or goal.better(score, found[-1]) else found[-1])
    count = min(_STEPS, len(found))
    return [found[(i + 1) * len(found) // count - 1] for i in range(count)]


def _eta(study: Study, epochs: int, now: float | None) -> float | None:
    """Return the seconds that `epochs` more will take at the pace of the search that is running.

    By the clock, not by what trainings took: those of several processes overlap.
    None before the first epoch of its own, and where the clock was set back since.
    """
    began, trained = study.trained_since(StudyLock.taken_at(study.folder))
    if not trained:
        return None
    passed = (time.time() if now is None else now) - began
    return round(max(0, epochs) * passed / trained, 1) if passed >= 0 else None


def status_json(study: Study) -> str:
    """Return how a study stands as JSON."""
    return to_json(status_dict(study))


def status_csv(study: Study) -> str:
    """Return how a study stands as CSV, one row per pass."""
    states = [state.value for state in TrialState]
    rows = [
        [
            p["number"],
            p["trials"],
            *(p["states"].get(s, 0) for s in states),
            p["epochs"],
            p["seconds"],
            p["best"],
        ]
        for p in status_dict(study)["passes"]
    ]
    return to_csv([["pass", "trials", *states, "epochs", "seconds", "best"], *rows])


def status_line(status: Mapping[str, Any]) -> str:
    """Return the same on one line, for programs that follow a search."""
    return json.dumps({"version": JSON_VERSION, **status}, default=str)


def status_text(study: Study) -> str:
    """Say how a study stands."""
    return describe_status(status_dict(study))


def describe_status(status: Mapping[str, Any]) -> str:
    """Say how a study stands, given as `status_dict` returns it."""
    searching = status["searching"]
    counts = ", ".join(
        f"{n} {state_name(TrialState(state), searching=searching)}"
        for state, n in status["trials"].items()
        if n
    )
    epochs = counted(status["budget"] or status["epochs"], "epoch")
    epochs_used = f"{status['epochs']:,} of {epochs}" if status["budget"] else epochs
    lines = [
        on_one_line(f"{status['study']}: {status['data']} with {status['model']}, {status['objective']}"),
        _at_work(status),
        f"{counted(sum(status['trials'].values()), 'trial')} ({counts or 'none'}), {epochs_used},"
        f" {status['seconds']:.0f} s",
    ]
    if status["eta_seconds"] is not None:
        lines[1] += f", about {duration(status['eta_seconds'])} to go"
    lines += [
        f"pass {p['number']}: {counted(p['trials'], 'trial')}, {counted(p['epochs'], 'epoch')}"
        for p in status["passes"]
    ]
    lines += _in_flight(status["running"])
    if status["best"]:
        best = status["best"]
        lines.append(f"best {format_value(best['score'])} (trial {best['id']}, pass {best['pass_number']})")
    if status["confirmed"]:
        lines += wrapped(" ".join(status["confirmed"]["sentences"]))
    if len(status["history"]) > 1:
        first, last = status["history"][0], status["history"][-1]
        lines.append(
            f"{format_value(first)} {sparkline(status['history'])} {format_value(last)}  best so far"
        )
    return "\n".join(lines)


def _at_work(status: Mapping[str, Any]) -> str:
    if status["confirming"]:
        return "the best are trained again by `hptune confirm`"
    return "a search is running" if status["searching"] else "no search is running"


def _in_flight(running: Sequence[Mapping[str, int]]) -> list[str]:
    """Say how far the trials under way are: a line each, or where they are many as few lines as hold them."""
    if len(running) <= _LINES:
        return [f"trial {r['trial']}: epoch {r['epoch']}{_of(r)}" for r in running]
    shown = ", ".join(f"{r['trial']}: {r['epoch']}/{r['of']}" for r in running)
    # No line breaks between a trial and its epochs.
    kept = shown.replace(": ", ":\u00a0")
    return [line.replace("\u00a0", " ") for line in wrapped(f"trials under way, at epoch: {kept}")]


def _of(running: Mapping[str, int]) -> str:
    """Say of how many epochs, where the trial keeps to those it was asked for."""
    own = running["epoch"] > running["of"]
    return ", as many as its own fit sets" if own else f" of {running['of']}"


def duration(seconds: float) -> str:
    """Return a time as the user reads it: 45 s, 12 min, 3 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def follow(
    folder: Path, *, every: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[dict[str, Any]]:
    """Yield how a study stands every so many seconds, until nothing is trained for it any more.

    Where nothing is from the start, it is yielded once.
    """
    while True:
        with Study.open(folder) as study:
            status = status_dict(study)
        yield status
        if not (status["searching"] or status["confirming"]):
            return
        sleep(every)
