"""A study as the report and the dialogue about ranges see it: read once, judged on demand."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hptune.analysis.best_margin import BestMargin, measure_best_margin
from hptune.analysis.convergence import Advice, assess_convergence
from hptune.analysis.finalists import Confirmed, confirmed_among
from hptune.analysis.findings import Finding
from hptune.analysis.importance import Importance, measure
from hptune.analysis.study_findings import judge_study
from hptune.narrowing.propose import propose
from hptune.space import Fixed, Hyperparameter, Space, Value
from hptune.study import Confirmation, Identity, JobProgress, Pass, Study
from hptune.study.notes import StudyNotes
from hptune.study.proposal import Proposal
from hptune.study.trial import Objective, Trial
from hptune.views.plots.axis import Axis, axis_of, score_axis

__all__ = ["Snapshot", "read_snapshot"]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a study holds, and what follows from it."""

    folder: str
    """As the user would name it on the command line."""
    identity: Identity
    notes: StudyNotes
    passes: tuple[Pass, ...]
    trials: tuple[Trial, ...]
    """All, with curves, in the order they were asked for."""
    progress: tuple[JobProgress, ...]
    confirmations: tuple[Confirmation, ...] = ()
    """Trainings of finalists with fresh seeds."""

    @cached_property
    def proposal(self) -> Proposal:
        """What the last pass teaches."""
        return propose(
            self.passes[-1].space, self.trials, self.goal, root=self.root, epochs=self.identity.epochs
        )

    @property
    def root(self) -> Space:
        """The space of the first pass, whose limits and options bind the user."""
        return self.passes[0].space

    @property
    def goal(self) -> Objective:
        """The objective with its direction."""
        return self.identity.goal

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """Trials with a finite score, best first; equals by age."""
        scored = [t for t in self.trials if t.score is not None and math.isfinite(t.score)]
        return tuple(sorted(scored, key=lambda t: (-self.goal.sign * float(t.score or 0.0), t.id)))

    @property
    def best(self) -> Trial | None:
        """The trial with the best score of the search."""
        return self.ranked[0] if self.ranked else None

    @cached_property
    def confirmed(self) -> Confirmed:
        """The trials that were trained again with fresh seeds, by their means, best first."""
        return confirmed_among(self.trials, self.confirmations, self.goal, study=self.folder)

    @cached_property
    def finalists(self) -> tuple[Trial, ...]:
        """Trials with a finite score as an export takes them: those confirmed first, then by score."""
        first = [f.trial for f in self.confirmed.finalists if f.mean is not None]
        ids = {t.id for t in first}
        return (*first, *(t for t in self.ranked if t.id not in ids))

    @property
    def winner(self) -> Trial | None:
        """The trial that an export takes: the best mean over fresh seeds, else the best score."""
        return self.finalists[0] if self.finalists else None

    @cached_property
    def bad(self) -> tuple[Trial, ...]:
        """Trials that could not be trained, or raised an exception."""
        return tuple(t for t in self.trials if t.state.is_bad)

    @cached_property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Those searched in any pass, as the first pass has them, most important tier first."""
        searched = [
            hp for hp in self.root if any(not isinstance(known, Fixed) for known in self.known(hp.name))
        ]
        return tuple(sorted(searched, key=lambda hp: hp.tier))

    def known(self, name: str) -> list[Hyperparameter]:
        """Return a hyperparameter as each pass had it."""
        return [p.space[name] for p in self.passes if name in p.space]

    def values(self, name: str) -> list[Value]:
        """Return the values that were tried."""
        return [t.values[name] for t in self.trials if name in t.values]

    @cached_property
    def importances(self) -> tuple[Importance, ...]:
        """What each hyperparameter explains, over its ranges of the first pass."""
        return measure(self.root, self.trials, self.goal)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules see in the whole, the most pressing first; commands name the study."""
        found = judge_study(
            self.proposal,
            self.trials,
            self.goal,
            importances=self.importances,
            confirmations=self.confirmations,
        )
        return tuple(replace(f, action=self.named(f.action)) for f in found)

    def named(self, action: str) -> str:
        """Return an action whose commands are for this study, whichever is the newest."""
        study = shlex.quote(self.folder)
        return re.sub(r"\bhptune (narrow|confirm|trials)\b", lambda m: f"{m[0]} {study}", action)

    @cached_property
    def best_margin(self) -> BestMargin | None:
        """How safe the best configuration's lead is."""
        return measure_best_margin(self.trials, self.goal, confirmations=self.confirmations)

    @cached_property
    def convergence(self) -> Advice:
        """Whether more trials are needed."""
        noise = self.best_margin.noise if self.best_margin else None
        return assess_convergence(
            self.trials, self.goal, proposal=self.proposal, findings=self.findings, noise=noise
        )

    @cached_property
    def axes(self) -> dict[str, Axis]:
        """Where values lie, per hyperparameter that was searched."""
        return {
            hp.name: axis_of(hp.name, self.known(hp.name), self.values(hp.name))
            for hp in self.hyperparameters
        }

    def place(self, name: str, trial: Trial) -> float | None:
        """Return where a trial lies on the axis of a hyperparameter; None where it has no value."""
        return self._places[name][trial.id]

    @cached_property
    def _places(self) -> dict[str, dict[int, float | None]]:
        ids = [t.id for t in self.trials]
        return {
            name: dict(zip(ids, axis.places([t.values.get(name) for t in self.trials]), strict=True))
            for name, axis in self.axes.items()
        }

    @cached_property
    def score_axis(self) -> Axis:
        """The objective, cut where the bad half would press the good one flat; `cut` tells what is beyond."""
        return score_axis(self.identity.objective, [float(t.score or 0.0) for t in self.ranked], self.goal)

    def cut(self, trials: Sequence[Trial]) -> int:
        """Return how many of these trials score worse than the axis shows."""
        low, high = self.score_axis.low, self.score_axis.high
        return sum(t.score is not None and not low <= t.score <= high for t in trials)


def read_snapshot(study: Study) -> Snapshot:
    """Read a study; it may be searched at the same time. Raises StudyError where it has no pass yet."""
    return Snapshot(
        folder=str(study.folder),
        identity=study.identity,
        notes=study.notes,
        passes=study.begun_passes(),
        trials=study.trials(),
        progress=study.progress(),
        confirmations=study.confirmations(),
    )
