"""What the trials of a study tell, compared fairly: at one length of training, pass by pass alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hptune.analysis.thresholds import Rules
from hptune.space import Hyperparameter, Number, Value
from hptune.space.scales import Scale
from hptune.study.trial import Objective, Trial, TrialState

__all__ = ["Column", "Evidence", "gather", "reader", "score_at"]

_SCORED = (TrialState.PAUSED, TrialState.RUNNING, TrialState.COMPLETE)


@dataclass(frozen=True, kw_only=True)
class Column:
    """What the trials tell about one hyperparameter, as positions on its range."""

    compared: int
    """Trials in which it was active and that reached the common length of training."""
    judged: tuple[float, ...]
    """Positions of those, and of trials that were stopped before because others promised more."""
    ranks: tuple[float, ...]
    """Their ranks, the best first; equal ones share the mean of theirs."""
    good: tuple[float, ...]
    """Positions of the best; empty where the best can't be distinguished from the rest."""
    tied: bool
    """Enough trials were compared, but their scores are too alike to tell which are good."""
    trained: tuple[float, ...]
    """Positions of all trials with a score."""
    infeasible: tuple[float, ...]
    """Positions of all trials that could not be trained."""
    reason: str
    """What most of those say; "" where they say nothing or disagree."""
    best: float | None
    """Position of the best trial in which it was active."""
    in_best: bool
    """Whether it was active in the best trial of all."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The trials of a study, sorted into what may be compared."""

    epochs: int
    """The common length of training: the longest that enough trials reached."""
    ranked: tuple[Trial, ...]
    """One trial per configuration that reached it, best first; ties by age."""
    scores: tuple[float, ...]
    """Their best values of the objective up to then (the mean over repeats), best first."""
    stopped: tuple[Trial, ...]
    """Trials left at a shorter length because others promised more: judged, and not good."""
    trained: tuple[Trial, ...]
    """All trials with a score."""
    infeasible: tuple[Trial, ...]
    best: Trial | None
    """The trial with the best score, at whatever length."""

    @property
    def judged(self) -> int:
        """How many trials the good ones were chosen from."""
        return len(self.ranked) + len(self.stopped)

    def good(self, rules: Rules) -> int:
        """Return how many of the ranked trials are good; 0 where they can't be distinguished."""
        return _good_count(self.scores, len(self.stopped), rules)

    def column(self, hp: Hyperparameter, rules: Rules) -> Column:
        """Return what the trials in which `hp` was active tell about it."""
        read = reader(hp)
        positions = {
            id(t): x
            for t in (*self.trained, *self.infeasible)
            if (x := read(t.values.get(hp.name))) is not None
        }
        active = [i for i, t in enumerate(self.ranked) if id(t) in positions]
        compared = [positions[id(self.ranked[i])] for i in active]
        stopped = [positions[id(t)] for t in self.stopped if id(t) in positions]
        scores = [self.scores[i] for i in active]
        good = _good_count(scores, len(stopped), rules)
        in_best = self.best is not None and id(self.best) in positions
        best = positions[id(self.best)] if in_best else (compared[0] if compared else None)
        hopeless = [t for t in self.infeasible if id(t) in positions]
        return Column(
            compared=len(compared),
            judged=(*compared, *stopped),
            ranks=_ranks([*scores, *[None] * len(stopped)]),
            good=tuple(compared[:good]),
            tied=len(compared) >= rules.min_trials and good == 0,
            trained=tuple(positions[id(t)] for t in self.trained if id(t) in positions),
            infeasible=tuple(positions[id(t)] for t in hopeless),
            reason=_common_reason(hopeless),
            best=best,
            in_best=in_best,
        )


def _good_count(scores: Sequence[float], stopped: int, rules: Rules) -> int:
    """Return how many of the compared, best first, are good; 0 where they can't be distinguished.

    The best `quantile` of all that were judged, at most half of those; a tie at the border goes in
    as a whole, or stays out as a whole where it would make the good the larger half. Trials that
    were stopped before are judged, and not good, so where many were all that went on may be good.
    """
    most = min(len(scores), (len(scores) + stopped) // 2)
    wanted = min(max(rules.min_good, math.ceil(rules.quantile * (len(scores) + stopped))), most)
    if len(scores) < rules.min_trials or wanted < rules.min_good:
        return 0
    border = scores[wanted - 1]
    through = max(i for i, s in enumerate(scores) if s == border) + 1
    if through <= most:
        return through
    before = scores.index(border)
    return before if before >= rules.min_good else 0


def _ranks(scores: Sequence[float | None]) -> tuple[float, ...]:
    """Return ranks from 1 of scores that are sorted already; equal neighbours share their mean rank."""
    ranks: list[float] = []
    for _, group in groupby(scores):
        size = len(list(group))
        ranks += [len(ranks) + (size + 1) / 2] * size
    return tuple(ranks)


def _common_reason(trials: Sequence[Trial]) -> str:
    counts = Counter(t.reason for t in trials if t.reason)
    if not counts:
        return ""
    reason, times = counts.most_common(1)[0]
    return reason if times > len(trials) / 2 else ""


def reader(hp: Hyperparameter) -> Callable[[Value | None], float | None]:
    """Return a function value → position: the number itself, or the index of the option.

    It gives None for what has no place: inactive, of another kind, off the scale, an unknown option.
    """
    if isinstance(hp, Number):
        scale = hp.scale

        def number(value: Value | None) -> float | None:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                return None
            if (scale is Scale.LOG and value <= 0) or (scale is Scale.LOG_COMPLEMENT and value >= 1):
                return None
            return float(value)

        return number
    options = getattr(hp, "options", ())
    places = {(isinstance(o, bool), o): float(i) for i, o in enumerate(options)}

    def index(value: Value | None) -> float | None:
        return None if value is None else places.get((isinstance(value, bool), value))

    return index


def score_at(trial: Trial, objective: Objective, epochs: int) -> float | None:
    """Return a trial's best value of the objective over its first `epochs` epochs, or None.

    A trial without a curve answers with its score.
    """
    values = [e[objective.name] for e in trial.curve[:epochs] if objective.name in e]
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if finite:
        return max(finite, key=lambda v: objective.sign * v)
    if any(objective.name in e for e in trial.curve):
        return None
    return trial.score if trial.score is not None and math.isfinite(trial.score) else None


def _length(trial: Trial) -> int:
    return max(trial.epochs, len(trial.curve))


def _has_score(trial: Trial) -> bool:
    return trial.state in _SCORED and trial.score is not None and math.isfinite(trial.score)


def _reach(trial: Trial, pass_epochs: int) -> float:
    """Return the length of training up to which a trial may be compared.

    No end: training that ended by itself before its pass's last epoch (more would have changed
    nothing), and a score that came without epochs.
    """
    epochs = _length(trial)
    ended = trial.state is TrialState.COMPLETE and epochs < pass_epochs
    return math.inf if ended or epochs == 0 else epochs


def gather(
    trials: Sequence[Trial], objective: Objective, *, rules: Rules | None = None, among: int | None = None
) -> Evidence:
    """Sort trials by what they can be compared with.

    The common length of training is the longest that at least `among` trials (the rules' min_trials
    when not given) reached, else the shortest there is. Repeats of a configuration count as one,
    with their mean score.
    """
    enough = (rules or Rules()).min_trials if among is None else among
    trials = sorted(trials, key=lambda t: t.id)
    trained = [t for t in trials if _has_score(t)]
    full: dict[int, int] = {}
    for t in trained:
        full[t.pass_number] = max(full.get(t.pass_number, 0), _length(t))
    reach = [_reach(t, full[t.pass_number]) for t in trained]
    lengths = sorted({int(r) for r in reach if math.isfinite(r)}, reverse=True)
    epochs = next((e for e in lengths if sum(r >= e for r in reach) >= enough), lengths[-1] if lengths else 0)
    compared = [
        (s, t)
        for t, r in zip(trained, reach, strict=True)
        if r >= epochs
        and (s := score_at(t, objective, epochs if math.isfinite(r) else _length(t))) is not None
    ]
    ranked = _rank(compared, objective)
    best = max(trained, key=lambda t: (objective.sign * (t.score or 0.0), -t.id), default=None)
    return Evidence(
        epochs=epochs,
        ranked=tuple(t for _, t in ranked),
        scores=tuple(s for s, _ in ranked),
        stopped=tuple(
            t for t, r in zip(trained, reach, strict=True) if r < epochs and t.state is TrialState.PAUSED
        ),
        trained=tuple(trained),
        infeasible=tuple(t for t in trials if t.state is TrialState.INFEASIBLE),
        best=best,
    )


def _rank(compared: Sequence[tuple[float, Trial]], objective: Objective) -> list[tuple[float, Trial]]:
    """Merge repeats of a configuration and sort, best first."""
    repeats: dict[frozenset[tuple[str, bool, Value]], list[tuple[float, Trial]]] = {}
    for score, trial in compared:
        key = frozenset((name, isinstance(v, bool), v) for name, v in trial.values.items())
        repeats.setdefault(key, []).append((score, trial))
    merged = []
    for group in repeats.values():
        oldest = min((t for _, t in group), key=lambda t: t.id)
        merged.append((math.fsum(s for s, _ in group) / len(group), oldest))
    return sorted(merged, key=lambda pair: (-objective.sign * pair[0], pair[1].id))
