"""How long to train, from where the best trainings had their best epoch.

Source: google-research/tuning_playbook, "Deciding how long to train when training is not compute-bound":
the best step always in the first tenth, train shorter; consistently in the last quarter, train longer and
tune the decay again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hptune.analysis.findings import PLAYBOOK, Finding, FindingKind, Severity
from hptune.space import Fixed, Space
from hptune.space.names import meaning
from hptune.study.trial import Objective, Trial, TrialState

__all__ = ["advise_epochs"]

_LENGTH = f"{PLAYBOOK}, Deciding how long to train when training is not compute-bound"


def advise_epochs(
    trials: Sequence[Trial], objective: Objective, *, space: Space | None = None, best: int = 5
) -> Finding | None:
    """Say whether trainings should be shorter or longer, from where the best trials had their best epoch.

    Of those trained for as many epochs as any in their pass (or ended by themselves before), the `best`
    with the best scores count, at least 3. Always in the first tenth: shorter. Three of four in the last
    quarter: longer, and the learning-rate decay in `space` is to be tuned again.
    """
    placed = _full_length(trials, objective)[:best]
    if len(placed) < 3:
        return None
    parts = [epoch / length for _, epoch, length in placed]
    length = max(length for _, _, length in placed)
    ids = tuple(t.id for t, _, _ in placed)
    where = f"the best epoch of the best {len(placed)} full trainings"
    if all(part <= 0.1 for part in parts):
        last = max(epoch for _, epoch, _ in placed)
        shorter = max(2 * last, 2)
        return Finding(
            kind=FindingKind.EPOCHS,
            severity=Severity.ADVICE,
            sentence=f"{where} always lies in the first tenth (the latest is {last} of {length})",
            action=f"Train shorter: --epochs {shorter}. {_decay(space)}",
            figures={"latest": last, "epochs": length, "suggested": shorter},
            trials=ids,
            source=_LENGTH,
        )
    late = sum(part > 0.75 for part in parts)
    if 4 * late >= 3 * len(parts):
        longer = math.ceil(1.5 * length)
        return Finding(
            kind=FindingKind.EPOCHS,
            severity=Severity.ADVICE,
            sentence=f"{where} lies in the last quarter of {length} in {late} of {len(parts)}",
            action=f"Train longer: --epochs {longer}. {_decay(space)}",
            figures={"late": late, "trials": len(parts), "epochs": length, "suggested": longer},
            trials=ids,
            source=_LENGTH,
        )
    return None


def _full_length(trials: Sequence[Trial], objective: Objective) -> list[tuple[Trial, int, int]]:
    """Return trials with their best epoch and the length they might have had, best first."""
    scored = [t for t in trials if t.score is not None and math.isfinite(t.score)]
    length: dict[int, int] = {}
    for t in scored:
        length[t.pass_number] = max(length.get(t.pass_number, 0), t.epochs)
    full = [
        (t, epoch, length[t.pass_number])
        for t in scored
        if (epoch := t.best_epoch or objective.best_epoch(t.curve))
        and (t.state is TrialState.COMPLETE or t.epochs == length[t.pass_number])
        and t.state is not TrialState.INFEASIBLE
    ]
    # A tenth and a quarter mean something from ten epochs on.
    return sorted(
        (p for p in full if p[2] >= 10), key=lambda p: (-objective.sign * (p[0].score or 0.0), p[0].id)
    )


def _decay(space: Space | None) -> str:
    """Say which hyperparameters depend on the length of training."""
    found = [hp for hp in space or () if meaning(hp.name).what == "learning-rate decay"]
    if not found:
        return "Tune the learning-rate decay again where there is one: it depends on the length."
    frozen = [hp.name for hp in found if isinstance(hp, Fixed)]
    names = ", ".join(hp.name for hp in found)
    again = f" (frozen now: {', '.join(frozen)})" if frozen else ""
    return f"Open {names} again{again}: a decay depends on the length."
