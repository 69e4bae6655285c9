"""Studies as text and JSON: summaries, plans and tables of trials. Reads, never writes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hptune.proposal import Proposal, describe_range
from hptune.space import Space, Value
from hptune.study import Study, StudyLock
from hptune.trial import Trial, TrialState

if TYPE_CHECKING:
    from hptune.strategy.plan import Plan

__all__ = [
    "JSON_VERSION",
    "columns",
    "format_value",
    "plan_json",
    "plan_text",
    "proposal_json",
    "proposal_text",
    "status_json",
    "status_text",
    "summary_json",
    "summary_text",
    "trial_dict",
    "trial_text",
    "trials_csv",
    "trials_json",
    "trials_text",
]

JSON_VERSION = 1
"""Schema version of everything printed as JSON; raised when a key changes its meaning."""


def format_value(value: Value | None) -> str:
    """Return a value as a person would write it: five digits at most."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = f"{value:.4g}"
        return text.replace("e-0", "e-").replace("e+0", "e")
    return str(value)


def columns(rows: Sequence[Sequence[str]], header: Sequence[str], *, indent: str = "") -> str:
    """Return a table in plain aligned columns; numbers are right-aligned, empty cells stay empty."""
    every = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in every) for i in range(len(header))]
    right = [bool(rows) and all(_numeric(row[i]) for row in rows) for i in range(len(header))]
    lines = [
        indent
        + "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in every
    ]
    return "\n".join(lines)


def _numeric(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True


def to_json(content: Mapping[str, Any]) -> str:
    """Return JSON with the schema version first."""
    return json.dumps({"version": JSON_VERSION, **content}, indent=2, default=str)


# Plans


def plan_text(space: Space, plan: Plan) -> str:
    """Describe what a search would do: its ranges, passes, rungs and cost."""
    ranges = [
        [hp.name, str(int(hp.tier)) if hp.tier < 4 else "–", describe_range(hp), format_value(hp.initial)]
        for hp in sorted(space, key=lambda hp: hp.tier)
    ]
    return "\n".join(
        [
            f"Space {space.name}:",
            columns(ranges, ["hyperparameter", "tier", "range", "default"], indent="  "),
            "",
            *plan.lines,
        ]
    )


def plan_json(space: Space, plan: Plan) -> str:
    """Return the same as JSON."""
    from hptune.space_dict import space_to_dict

    return to_json({"space": space_to_dict(space), "plan": asdict(plan)})


# What a search found


def summary_text(study: Study) -> str:
    """Say what a search found: the best configuration, how the ranges moved, what to run next."""
    trials = study.trials(curves=False)
    best = study.best(1)
    identity = study.identity
    states = _count_states(trials)
    seconds = sum(trial.seconds for trial in trials)
    lines = [
        f"{identity.data} with {identity.model}: {len(trials)} trials ({states}),"
        f" {study.spent()} epochs, {seconds:.0f} s of training"
    ]
    if not best:
        return lines[0]
    winner = best[0]
    lines += [
        "",
        f"Best: {identity.objective} {format_value(winner.score)}"
        f" (trial {winner.id}, pass {winner.pass_number}, epoch {winner.best_epoch} of {winner.epochs})",
        columns([[name, format_value(v)] for name, v in winner.values.items()], ["", ""], indent="  ").lstrip(
            "\n"
        ),
        "",
        "How the ranges moved:",
        ranges_text(study),
        "",
        "Next:",
        *next_commands(study),
    ]
    return "\n".join(line.rstrip() for line in lines)


def summary_json(study: Study) -> str:
    """Return the same as JSON."""
    from hptune.space_dict import space_to_dict

    best = study.best(1)
    return to_json(
        {
            "study": str(study.folder),
            "objective": study.identity.objective,
            "direction": study.identity.direction.value,
            "best": trial_dict(study.trial(best[0].id)) if best else None,
            "passes": [
                {
                    "number": p.number,
                    "space": space_to_dict(p.space),
                    "moves": [] if p.proposal is None else _moves(p.proposal),
                }
                for p in study.passes()
            ],
            "trials": len(study.trials(curves=False)),
            "epochs": study.spent(),
        }
    )


def ranges_text(study: Study) -> str:
    """Return each hyperparameter's range, pass by pass, with the best value last."""
    passes = study.passes()
    best = study.best(1)
    values: Mapping[str, Value] = best[0].values if best else {}
    rows = []
    for hp in sorted(passes[0].space, key=lambda hp: hp.tier):
        ranges = [describe_range(p.space[hp.name]) if hp.name in p.space else "" for p in passes]
        rows.append([hp.name, *_only_changes(ranges), format_value(values.get(hp.name))])
    header = ["hyperparameter", *(f"pass {p.number}" for p in passes), "best"]
    return columns(rows, header, indent="  ")


def _only_changes(ranges: list[str]) -> list[str]:
    return [text if i == 0 or text != ranges[i - 1] else "same" for i, text in enumerate(ranges)]


def next_commands(study: Study) -> list[str]:
    """Return the commands that go on from here."""
    folder = shlex.quote(str(study.folder))
    commands = {
        f"hptune narrow {folder}": "what the last pass taught; accept, edit or reject",
        f"hptune trials {folder}": "all trials",
        f"hptune export {folder} --format python": "a plain Keras script of the best",
        f"hptune export {folder} --format keras": "the trained model, preprocessing inside",
    }
    width = max(map(len, commands))
    return [f"  {command:<{width}}  # {what}" for command, what in commands.items()]


def _count_states(trials: Iterable[Trial]) -> str:
    found = [trial.state for trial in trials]
    counts = [(state, found.count(state)) for state in TrialState]
    return ", ".join(f"{count} {state}" for state, count in counts if count)


# How a study stands


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


# Trials


def trial_dict(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain data; its curve only where it was loaded."""
    content: dict[str, Any] = {
        "id": trial.id,
        "pass_number": trial.pass_number,
        "state": trial.state.value,
        "score": trial.score,
        "best_epoch": trial.best_epoch,
        "epochs": trial.epochs,
        "seconds": round(trial.seconds, 3),
        "parameters": trial.parameters,
        "seed": trial.seed,
        "note": trial.note,
        "reason": trial.reason,
        "values": dict(trial.values),
    }
    if trial.curve:
        content["curve"] = [dict(epoch) for epoch in trial.curve]
    return content


def trials_json(study: Study, trials: Sequence[Trial]) -> str:
    """Return trials as JSON."""
    return to_json({"study": str(study.folder), "trials": [trial_dict(t) for t in trials]})


def trials_csv(trials: Sequence[Trial]) -> str:
    """Return trials as CSV, one row each, hyperparameters as columns."""
    import csv
    import io

    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    fixed = ["id", "pass_number", "state", "score", "best_epoch", "epochs", "seconds", "parameters", "reason"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*fixed, *names])
    for trial in trials:
        content = trial_dict(trial)
        cells = [content[key] for key in fixed] + [trial.values.get(name) for name in names]
        writer.writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue().rstrip("\n")


def trials_text(trials: Sequence[Trial]) -> str:
    """Return trials as a table."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    rows = [
        [
            str(t.id),
            str(t.pass_number),
            t.state.value,
            format_value(t.score),
            str(t.epochs),
            f"{t.seconds:.1f}",
            *(format_value(t.values.get(name)) for name in names),
        ]
        for t in trials
    ]
    return columns(rows, ["trial", "pass", "state", "score", "epochs", "seconds", *names])


def trial_text(trial: Trial, objective: str) -> str:
    """Say everything about one trial."""
    lines = [
        f"Trial {trial.id}, pass {trial.pass_number}: {trial.state}",
        f"{objective} {format_value(trial.score)}"
        + (f" at epoch {trial.best_epoch} of {trial.epochs}" if trial.best_epoch else ""),
        f"{trial.seconds:.1f} s, seed {trial.seed}"
        + (f", {trial.parameters:,} parameters" if trial.parameters else "")
        + (f", {trial.note}" if trial.note else ""),
    ]
    if trial.reason:
        lines.append(trial.reason)
    lines += ["", *(f"  {name} = {format_value(value)}" for name, value in trial.values.items())]
    if trial.curve:
        metrics = list(trial.curve[0])
        rows = [[str(n), *(format_value(e.get(m)) for m in metrics)] for n, e in enumerate(trial.curve, 1)]
        lines += ["", columns(rows, ["epoch", *metrics], indent="  ")]
    if trial.traceback:
        lines += ["", trial.traceback.rstrip()]
    return "\n".join(line.rstrip() for line in lines)


# Proposals


def _moves(proposal: Proposal) -> list[dict[str, Any]]:
    return [
        {
            "name": move.name,
            "verdict": move.verdict.value,
            "old": describe_range(move.old),
            "new": describe_range(move.new),
            "reason": move.reason,
            "by_person": move.by_person,
        }
        for move in proposal.moves
    ]


def proposal_json(proposal: Proposal) -> str:
    """Return a proposal as JSON."""
    return to_json({"moves": _moves(proposal), "notes": list(proposal.notes)})


def proposal_text(proposal: Proposal) -> str:
    """Return a proposal as a table, the reasons below their ranges."""
    import textwrap

    lines: list[str] = []
    for move in sorted(proposal.moves, key=lambda m: m.old.tier):
        old, new = describe_range(move.old), describe_range(move.new)
        ranges = old if old == new else f"{old} → {new}"
        tier = f"tier {int(move.old.tier)}" if move.old.tier < 4 else ""
        lines.append(f"{move.verdict.value:<7} {move.name:<22} {ranges:<34} {tier}".rstrip())
        lines += textwrap.wrap(move.reason, 76, initial_indent="        ", subsequent_indent="        ")
    return "\n".join([*lines, *(["", *proposal.notes] if proposal.notes else [])])
