"""What a search found."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from hptune._text import counted
from hptune.space import Fixed, Value
from hptune.space.describe import describe_range
from hptune.study import Study
from hptune.study.trial import Trial
from hptune.views.tables.baseline import baseline_dict, baseline_text
from hptune.views.tables.confirmed import confirmed_dict, read_confirmed, standing
from hptune.views.tables.proposals import moves_list
from hptune.views.tables.text import columns, format_value, to_json, wrapped
from hptune.views.tables.trials import count_states, trial_dict

__all__ = ["next_commands", "ranges_text", "summary_json", "summary_text"]


def summary_text(study: Study) -> str:
    """Say what a search found: the best configuration, how the ranges moved, what to run next."""
    trials = study.trials(curves=False)
    best = study.best(1)
    identity = study.identity
    states = count_states(trials)
    seconds = sum(trial.seconds for trial in trials)
    lines = [
        f"{identity.data} with {identity.model}: {counted(len(trials), 'trial')} ({states}),"
        f" {counted(study.epochs_used(), 'epoch')}, {seconds:.0f} s of training"
    ]
    if not best:
        return lines[0]
    winner = best[0]
    values = [[name, format_value(value)] for name, value in winner.values.items()]
    lines += [
        "",
        f"Best: {identity.objective} {format_value(winner.score)}"
        f" (trial {winner.id}, pass {winner.pass_number}, epoch {winner.best_epoch} of {winner.epochs})",
        *wrapped(_also(study.trial(winner.id), identity.objective)),
        *wrapped(baseline_text(study.notes.baseline, identity.goal, winner.score)),
        columns(values, ["hyperparameter", "value"], indent="  "),
        *wrapped(" ".join(standing(read_confirmed(study)))),
        "",
        "How the ranges moved:",
        ranges_text(study),
        "",
        "Next:",
        *next_commands(study),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _also(winner: Trial, objective: str) -> str:
    """Say what else was measured on the same rows at the best epoch; "" where nothing was."""
    if winner.best_epoch is None:
        return ""
    epoch = winner.curve[winner.best_epoch - 1]
    held_out = objective.startswith("val_")
    # Each fold's own are in the curve too.
    measured = [name for name in epoch if name != "learning_rate" and "[" not in name]
    others = [name for name in measured if name != objective and name.startswith("val_") == held_out]
    texts = ", ".join(f"{name} {format_value(epoch[name])}" for name in others)
    return f"At the same epoch: {texts}." if texts else ""


def summary_json(study: Study) -> str:
    """Return the same as JSON."""
    from hptune.space.as_dict import space_to_dict

    best, confirmed = study.best(1), read_confirmed(study)
    return to_json(
        {
            "study": str(study.folder),
            "objective": study.identity.objective,
            "direction": study.identity.direction.value,
            "best": trial_dict(study.trial(best[0].id)) if best else None,
            "baseline": baseline_dict(study.notes.baseline),
            "confirmed": confirmed_dict(confirmed) if confirmed.finalists else None,
            "passes": [
                {
                    "number": p.number,
                    "space": space_to_dict(p.space),
                    "moves": [] if p.proposal is None else moves_list(p.proposal),
                }
                for p in study.passes()
            ],
            "trials": len(study.trials(curves=False)),
            "epochs": study.epochs_used(),
        }
    )


def ranges_text(study: Study) -> str:
    """Return the range of each hyperparameter that was searched, pass by pass, with the best value last."""
    passes = study.passes()
    best = study.best(1)
    values: Mapping[str, Value] = best[0].values if best else {}
    rows = []
    for hp in sorted(passes[0].space, key=lambda hp: hp.tier):
        found = [p.space.get(hp.name) for p in passes]
        if any(not isinstance(one, Fixed) for one in found):
            ranges = ["" if one is None else describe_range(one) for one in found]
            rows.append([hp.name, *_only_changes(ranges), format_value(values.get(hp.name))])
    header = ["hyperparameter", *(f"pass {p.number}" for p in passes), "best"]
    return columns(rows, header, indent="  ")


def _only_changes(ranges: list[str]) -> list[str]:
    return [text if i == 0 or text != ranges[i - 1] else "same" for i, text in enumerate(ranges)]


def next_commands(study: Study) -> list[str]:
    """Return the next commands, each with what it is for."""
    folder = shlex.quote(str(study.folder))
    commands = {
        f"hptune narrow {folder}": "what the last pass taught: accept, edit or reject",
        f"hptune export {folder} --format keras": "the trained model, from raw rows to labels",
        f"hptune export {folder} --format python": "a plain Keras script of the best",
    }
    report = study.folder / "report.html"
    shown = [f"  # one page with the plots: open {shlex.quote(str(report))}"] if report.is_file() else []
    return shown + [line for command, what in commands.items() for line in (f"  # {what}", f"  {command}")]
