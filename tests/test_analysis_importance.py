from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategy_trials import (
    ACCURACY,
    LOSS,
    MIXED,
    good_near,
    graded,
    sampled,
    space_of,
    spaces,
    trial,
    trials_of,
)

from hptune.analysis.importance import Importance, disagreements, measure
from hptune.narrowing.narrow import narrow
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Space, Tier
from hptune.space.scales import Scale
from hptune.study.trial import Trial

X = Float(name="x", low=-5.0, high=5.0)
Y = Float(name="y", low=-5.0, high=5.0)


def by_name(found: tuple[Importance, ...]) -> dict[str, Importance]:
    return {i.name: i for i in found}


def divergence(options: np.ndarray, best: np.ndarray) -> float:
    """Return eq. 16 of arXiv 2304.10255 times α²/β (2601.20800, Theorem 4.2), with a prior of one trial.

    `options` is which of its options each trial had, shape (trials,), −1 where it was inactive.
    """
    count = int(options.max()) + 1
    every, top = (np.bincount(part[part >= 0], minlength=count) for part in (options, options[best]))
    q, p = ((found + 1 / count) / (found.sum() + 1) for found in (every, top))
    alpha, beta = top.sum() / len(best), every.sum() / len(options)
    return float(alpha**2 / beta * (q * (p / q - 1) ** 2).sum())


def test_shares_are_those_of_the_formula_beyond_what_chance_gives() -> None:
    rng = np.random.default_rng(0)
    act, flag = rng.integers(0, 3, 200), rng.integers(0, 2, 200)
    flag[act == 0] = -1
    scores = 1.0 * (act == 1) + 1.2 * (flag == 1) + rng.normal(size=200)
    space = space_of(
        Choice(name="act", options=("relu", "tanh", "elu")),
        Boolean(name="flag", when=(Condition(parent="act", values=("tanh", "elu")),)),
    )
    trials = graded(
        lambda i: (
            {"act": ("relu", "tanh", "elu")[act[i]]} | ({"flag": bool(flag[i])} if flag[i] >= 0 else {})
        ),
        lambda i: float(scores[i]),
        200,
    )
    best = np.argsort(-scores)[:40]
    sets = [rng.permutation(200)[:40] for _ in range(2000)]
    excess = [divergence(of, best) - np.mean([divergence(of, s) for s in sets]) for of in (act, flag)]
    found = by_name(measure(space, trials, ACCURACY))
    assert found["act"].share == pytest.approx(excess[0] / sum(excess), abs=0.01)
    assert 0.2 < found["act"].share < 0.8


def test_the_steeper_axis_of_a_bowl_matters_more() -> None:
    # The example of the authors' own repository: coefficients 1 and 5.
    trials = sampled(space_of(X, Y), 500, lambda v: -(v["x"] ** 2) - 25 * v["y"] ** 2)
    found = by_name(measure(space_of(X, Y), trials, ACCURACY))
    assert found["y"].share > 0.9
    assert (found["y"].rank, found["x"].rank) == (1, 2)
    assert found["y"].enough_data


def test_what_does_nothing_has_almost_no_share() -> None:
    found = by_name(measure(MIXED, sampled(MIXED, 120, good_near(3e-3)), ACCURACY))
    assert found["learning_rate"].share > 0.6
    assert all(i.share < 0.15 for i in found.values() if i.name != "learning_rate")
    assert found["learning_rate"].p_value < 0.01
    assert found["learning_rate"].low > 0.5


def test_options_of_a_choice_matter_where_one_is_better() -> None:
    space = space_of(Choice(name="act", options=("relu", "tanh", "elu")), Boolean(name="flag"), X)
    trials = graded(
        lambda i: {"act": ("relu", "tanh", "elu")[i % 3], "flag": i % 2 == 0, "x": (i * 37 % 100) / 10 - 5},
        lambda i: float(i % 3 == 0),
        60,
    )
    assert by_name(measure(space, trials, ACCURACY))["act"].share > 0.9


def test_trials_from_wider_ranges_and_with_other_options_count() -> None:
    wide = space_of(X, Choice(name="act", options=("relu", "tanh", "elu")))
    now = space_of(replace(X, low=-1.0, high=1.0), Choice(name="act", options=("relu", "elu")))
    trials = sampled(wide, 60, lambda v: -abs(v["x"]))
    found = by_name(measure(now, trials, ACCURACY))
    assert found["x"].trials == found["act"].trials == 60
    assert found["x"].share > 0.8


def test_a_minimised_objective_gives_the_same() -> None:
    up = sampled(MIXED, 40, good_near(3e-3))
    down = [replace(t, score=-(t.score or 0)) for t in up]
    assert measure(MIXED, up, ACCURACY) == measure(MIXED, down, LOSS)


def test_few_trials_are_measured_but_marked() -> None:
    found = measure(MIXED, sampled(MIXED, 12, good_near(3e-3)), ACCURACY)
    assert not any(i.enough_data for i in found)
    assert sum(i.share for i in found) == pytest.approx(1.0)


def test_nothing_to_tell_apart_gives_shares_of_zero_in_the_declared_order() -> None:
    for trials in ([], sampled(MIXED, 1, good_near(1e-3)), sampled(MIXED, 30, lambda _: 0.5)):
        found = measure(MIXED, trials, ACCURACY)
        assert {i.share for i in found} == {0.0}
        assert found[0].rank == 1
        assert [i.name for i in found] == [hp.name for hp in MIXED.searched]


def test_a_space_with_nothing_to_search_has_no_importance() -> None:
    assert measure(space_of(Fixed(name="x", value=1)), [trial(1, {"x": 1}, 0.5)], ACCURACY) == ()


class TestDisagreements:
    ranked = space_of(
        Float(name="momentum", low=0.5, high=0.999, scale=Scale.LOG_COMPLEMENT, tier=Tier.FIRST),
        Float(name="learning_rate", low=1e-5, high=1.0, scale=Scale.LOG),
    )

    def test_a_clear_one_is_told_with_its_figures(self) -> None:
        trials = sampled(self.ranked, 80, good_near(3e-3))
        (sentence,) = disagreements(measure(self.ranked, trials, ACCURACY))
        assert sentence.startswith("learning_rate (unranked) explains ")
        assert "but momentum (tier 1) " in sentence
        assert sentence in narrow(self.ranked, trials, ACCURACY).notes

    def test_the_declared_order_is_not_contradicted_by_itself(self) -> None:
        right = self.ranked.with_changes([replace(self.ranked["learning_rate"], tier=Tier.FIRST)])
        assert disagreements(measure(right, sampled(right, 80, good_near(3e-3)), ACCURACY)) == ()

    def test_nothing_is_said_on_few_trials(self) -> None:
        assert disagreements(measure(self.ranked, sampled(self.ranked, 15, good_near(3e-3)), ACCURACY)) == ()

    def test_pure_noise_is_rarely_a_disagreement(self) -> None:
        rng = np.random.default_rng(0)
        told = sum(
            bool(
                disagreements(
                    measure(self.ranked, sampled(self.ranked, 40, lambda _: rng.random(), seed), ACCURACY)
                )
            )
            for seed in range(40)
        )
        assert told <= 3


def test_a_conditional_is_measured_where_it_was_active() -> None:
    child = replace(X, when=(Condition(parent="act", values=("tanh",)),))
    space = space_of(Choice(name="act", options=("relu", "tanh")), child)
    trials = sampled(space, 80, lambda v: -abs(v.get("x", 5.0)))
    found = by_name(measure(space, trials, ACCURACY))
    assert found["x"].trials == sum("x" in t.values for t in trials)
    assert found["x"].share > 0.3


@st.composite
def studies(draw: st.DrawFn) -> tuple[Space, list[Trial]]:
    space = draw(spaces())
    return space, draw(trials_of(space))


@settings(max_examples=25, deadline=None)
@given(studies())
def test_shares_are_parts_of_one_and_the_same_each_time(study: tuple[Space, list[Trial]]) -> None:
    space, trials = study
    found = measure(space, trials, ACCURACY)
    total = math.fsum(i.share for i in found)
    assert total == pytest.approx(1.0) or total == 0.0
    assert sorted(i.rank for i in found) == list(range(1, len(found) + 1))
    assert all(0 <= i.low <= i.share <= i.high <= 1 + 1e-9 and 0 < i.p_value <= 1 for i in found)
    assert found == measure(space, trials[::-1], ACCURACY)
