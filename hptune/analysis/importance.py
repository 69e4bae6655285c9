"""How much each hyperparameter mattered for reaching the best 20 % of the trials: PED-ANOVA.

Watanabe, Bansal, Hutter 2023, arXiv 2304.10255: the importance of a hyperparameter is the Pearson
divergence between the density of its values among the best trials and among all of them (eq. 16), with
the densities on a grid of bins (eq. 15). Conditional ones as in Baba, Ozaki, Watanabe 2026, arXiv
2601.20800, Theorem 4.2: the divergence among the trials in which it was active, times α²/β, where α and β
are the parts of the best and of all trials in which it was.

Of a few trials this divergence is never 0, not even for a hyperparameter that does nothing. So we take off
what random sets of as many trials give on average, and tell how often chance gives as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptune.analysis.evidence import gather, reader
from hptune.analysis.thresholds import Rules
from hptune.space import Choice, Hyperparameter, Number, Space, Tier, Value, same_value
from hptune.space.range_moves import values_between
from hptune.study.trial import Objective, Trial

__all__ = ["Importance", "disagreements", "measure"]

Array = NDArray[np.float64]

MIN_TRIALS = 20
"""Fewer judged trials say too little to rank hyperparameters by them."""
MIN_GOOD = 5
"""Fewer good ones don't, either: the advice of Optuna's documentation of PED-ANOVA."""

_BINS = 50
_NARROWEST = 0.5 / 1.64  # bins: 90 % of the kernel lie in one bin
_RANDOM_SETS = 200
_RESAMPLES = 100


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What one hyperparameter explains of reaching the best trials."""

    name: str
    tier: Tier
    """As declared in the space."""
    share: float
    """Its part of what all explain, 0 to 1; the shares add up to 1, or all are 0 where chance explains it."""
    low: float
    high: float
    """Between these lie 80 % of its shares when the trials are resampled (bootstrap)."""
    rank: int
    """From 1, by share; equal shares by tier, then by the order of the space."""
    p_value: float
    """How often random sets of as many trials differ as much from all, 0 to 1."""
    trials: int
    """Judged trials in which it was active."""
    enough_data: bool
    """At least 20 judged trials, 5 good ones, and 8 in which it was active."""


@dataclass(frozen=True)
class _Binned:
    """The values of one hyperparameter in bins."""

    hot: Array
    """1 where a trial's value lies in a bin, shape (trials, bins); a row of 0 where it was inactive."""
    smooth: bool
    """Whether neighbouring bins are alike."""


def measure(
    space: Space, trials: Sequence[Trial], objective: Objective, *, rules: Rules | None = None, seed: int = 0
) -> tuple[Importance, ...]:
    """Return the importance of every hyperparameter that is searched, in the order of the space.

    Trials of all passes count, compared at one length of training, as for narrowing. `seed` draws the
    random sets and the resamples; the result depends on it only slightly.
    """
    rules = rules or Rules()
    evidence = gather(trials, objective, rules=rules)
    searched = space.searched
    if not searched:
        return ()
    judged, good = [*evidence.ranked, *evidence.stopped], evidence.good(rules)
    columns = [_bins(hp, judged) for hp in searched]
    active = [int(c.hot.sum()) for c in columns]
    if not 0 < good < len(judged):
        nothing = np.zeros((1, len(searched)))
        return _ranked(searched, nothing, np.ones(len(searched)), active, [False] * len(searched))
    rng = np.random.default_rng(seed)
    random = _divergences(columns, *_random_sets(rng, len(judged), good))
    best, chosen, drawn = _resamples(rng, len(judged), good)
    resampled = _divergences(columns, best, drawn) - _divergences(columns, chosen, drawn).mean(axis=0)
    top, every = np.zeros((1, len(judged))), np.ones((1, len(judged)))
    top[0, :good] = 1.0
    found = _divergences(columns, top, every)
    p_value = (1 + np.sum(random >= found, axis=0)) / (1 + len(random))
    shares = _shares(np.concatenate([found - random.mean(axis=0), resampled]))
    many = len(judged) >= MIN_TRIALS and good >= MIN_GOOD
    return _ranked(searched, shares, p_value, active, [many and a >= rules.min_trials for a in active])


def _random_sets(rng: np.random.Generator, count: int, good: int) -> tuple[Array, Array]:
    """Return weights of random sets as large as the good trials, shape (sets, trials), and of all."""
    picked = rng.random((_RANDOM_SETS, count)).argpartition(good - 1, axis=1)[:, :good]
    sets = np.zeros((_RANDOM_SETS, count))
    np.put_along_axis(sets, picked, 1.0, axis=1)
    return sets, np.ones((1, count))


def _resamples(rng: np.random.Generator, count: int, good: int) -> tuple[Array, Array, Array]:
    """Return weights of the best, of a random set and of all, in bootstrap resamples.

    Each has shape (resamples, trials). The trials are in order, so the best of a resample are its first
    `good` draws; in a random order they are a random set with as many repeats.
    """
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES).astype(np.float64)
    order = rng.random(drawn.shape).argsort(axis=1)
    random = np.zeros_like(drawn)
    np.put_along_axis(random, order, _first(np.take_along_axis(drawn, order, axis=1), good), axis=1)
    return _first(drawn, good), random, drawn


def _first(drawn: Array, good: int) -> Array:
    """Return the weights of the first `good` draws, in the order of the trials."""
    return np.clip(good - (np.cumsum(drawn, axis=1) - drawn), 0, drawn)


def _bins(hp: Hyperparameter, trials: Sequence[Trial]) -> _Binned:
    """Lay the values of trials into bins: a grid of the scale, or one per option."""
    if isinstance(hp, Number):
        return _number_bins(hp, trials)
    options: list[Value] = list(getattr(hp, "options", ()))
    places = np.full(len(trials), -1)
    for i, trial in enumerate(trials):
        if hp.name in trial.values:
            value = trial.values[hp.name]
            place = next((j for j, o in enumerate(options) if same_value(o, value)), len(options))
            options += [value] if place == len(options) else []
            places[i] = place
    return _Binned(hot=_hot(places, len(options)), smooth=isinstance(hp, Choice) and hp.ordered)


def _number_bins(hp: Number, trials: Sequence[Trial]) -> _Binned:
    """Lay numbers on a grid of at most 50 bins over the range and whatever was tried beyond it."""
    read = reader(hp)
    values = [read(t.values.get(hp.name)) for t in trials]
    known = [v for v in values if v is not None]
    units = np.full(len(trials), np.nan)
    units[[v is not None for v in values]] = hp.to_units(np.array(known))
    low, high = min([0.0, *units[~np.isnan(units)]]), max([1.0, *units[~np.isnan(units)]])
    count = min(values_between(hp, hp.low, hp.high) or _BINS, _BINS)
    bins = min(max(round(count * (high - low)), 2), 4 * _BINS)
    places = np.clip(np.floor(np.nan_to_num((units - low) / (high - low)) * bins), 0, bins - 1).astype(
        np.int64
    )
    return _Binned(hot=_hot(np.where(np.isnan(units), -1, places), bins), smooth=True)


def _hot(places: NDArray[np.int64], bins: int) -> Array:
    hot = np.zeros((len(places), max(bins, 1)))
    known = places >= 0
    hot[np.nonzero(known)[0], places[known]] = 1.0
    return hot


def _divergences(columns: Sequence[_Binned], best: Array, every: Array) -> Array:
    """Return the importance of each hyperparameter for many weightings, shape (weightings, columns)."""
    return np.stack([_divergence(column, best, every) for column in columns], axis=1)


def _divergence(column: _Binned, best: Array, every: Array) -> Array:
    """Return α²/β times the Pearson divergence (arXiv 2304.10255, eq. 16; 2601.20800, Theorem 4.2).

    `best` and `every` are weights of the trials, shape (weightings, trials); one of all may serve many.
    """
    top, region = best @ column.hot, every @ column.hot
    p, q = _density(top, column.smooth), _density(region, column.smooth)
    divergence = np.sum(q * (p / q - 1) ** 2, axis=1)
    alpha = top.sum(axis=1) / best.sum(axis=1)
    beta = region.sum(axis=1) / every.sum(axis=1)
    return np.where(beta > 0, alpha**2 / np.maximum(beta, 1e-12) * divergence, 0.0)


def _density(counts: Array, smooth: bool) -> Array:
    """Return densities over bins from counts, shape (weightings, bins); eq. 15 of arXiv 2304.10255.

    A Gaussian kernel by Scott's rule around each bin, cut off at the ends, and a uniform prior of the
    weight of one trial.
    """
    total = counts.sum(axis=1, keepdims=True)
    bins = counts.shape[1]
    if not smooth:
        return np.asarray((counts + 1 / bins) / (total + 1), dtype=np.float64)
    at = np.arange(bins)
    sigma = _scott(counts, at)
    kernels = np.exp(-0.5 * ((at[None, :, None] - at[None, None, :]) / sigma[:, None, None]) ** 2)
    kernels /= kernels.sum(axis=2, keepdims=True)
    smoothed = (counts[:, None, :] @ kernels)[:, 0, :]
    return np.asarray((smoothed + 1 / bins) / (total + 1), dtype=np.float64)


def _scott(counts: Array, at: NDArray[np.int64]) -> Array:
    """Return the bandwidth in bins: Scott's rule with the smaller of deviation and interquartile range."""
    total = np.maximum(counts.sum(axis=1), 1.0)
    mean = counts @ at / total
    deviation = np.sqrt(np.maximum(counts @ at**2 / total - mean**2, 0.0))
    filled = np.cumsum(counts, axis=1) / total[:, None]
    quartiles = [np.argmax(filled >= part - 1e-9, axis=1) for part in (0.25, 0.75)]
    spread = np.minimum(deviation, (quartiles[1] - quartiles[0]) / 1.34)
    return np.asarray(np.maximum(1.059 * spread * total**-0.2, _NARROWEST), dtype=np.float64)


def _shares(excess: Array) -> Array:
    """Return the parts of what is more than chance gives; rows of 0 where nothing is."""
    positive = np.maximum(excess, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    return np.asarray(
        np.divide(positive, total, out=np.zeros_like(positive), where=total > 0), dtype=np.float64
    )


def _ranked(
    searched: Sequence[Hyperparameter],
    shares: Array,
    p_value: Array,
    active: Sequence[int],
    enough: Sequence[bool],
) -> tuple[Importance, ...]:
    """Put the figures together; the first row of `shares` was measured, the others are resamples."""
    others = shares[1:] if len(shares) > 1 else shares
    low, high = np.quantile(others, [0.1, 0.9], axis=0)
    order = sorted(range(len(searched)), key=lambda i: (-shares[0, i], searched[i].tier, i))
    ranks = {i: rank for rank, i in enumerate(order, 1)}
    return tuple(
        Importance(
            name=hp.name,
            tier=hp.tier,
            share=float(shares[0, i]),
            low=float(min(low[i], shares[0, i])),
            high=float(max(high[i], shares[0, i])),
            rank=ranks[i],
            p_value=float(p_value[i]),
            trials=active[i],
            enough_data=enough[i],
        )
        for i, hp in enumerate(searched)
    )


def disagreements(importances: Sequence[Importance]) -> tuple[str, ...]:
    """Say where a hyperparameter explains clearly more than others that were declared more important.

    Clearly: enough data for both, more than chance gives in all but 5 % of random sets, at least twice
    the share, and 80 % intervals that don't touch.
    """
    sentences = []
    for found in sorted(importances, key=lambda i: i.rank):
        behind = [
            i
            for i in importances
            if i.tier < found.tier and i.enough_data and i.high < found.low and 2 * i.share < found.share
        ]
        if not behind or not found.enough_data or found.p_value > 0.05:
            continue
        those = ", ".join(f"{i.name} ({_tier(i.tier)}) {i.share:.0%}" for i in behind)
        sentences.append(
            f"{found.name} ({_tier(found.tier)}) explains {found.share:.0%} of reaching the best trials "
            f"({found.low:.0%} to {found.high:.0%} when resampled), but {those}: "
            f"its tier in the space file should be higher"
        )
    return tuple(sentences)


def _tier(tier: Tier) -> str:
    return "unranked" if tier is Tier.UNRANKED else f"tier {tier.value}"
