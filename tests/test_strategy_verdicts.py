from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategy_trials import (
    ACCURACY,
    MIXED,
    NOISE,
    RATE,
    curve,
    good_near,
    infeasible,
    sampled,
    space_of,
    spaces,
    trial,
    trials_of,
)

from hptune.space import Float, Space, Tier
from hptune.strategy.edit import with_flags
from hptune.strategy.importance import measure
from hptune.strategy.lead import measure_lead
from hptune.strategy.narrow import narrow
from hptune.strategy.verdicts import Finding, Kind, Severity, judge_study
from hptune.trial import Trial

BOTH = space_of(RATE, NOISE)


def found(space: Space, trials: list[Trial], kind: Kind, **more: object) -> list[Finding]:
    return [f for f in judge_study(space, trials, ACCURACY, **more) if f.kind is kind]  # type: ignore[arg-type]


def with_late_noise(trials: list[Trial], noise: float) -> list[Trial]:
    """Give trials curves that end at their scores, with epochs that vary by `noise`."""
    rng = np.random.default_rng(0)
    made = []
    for t in trials:
        late = (t.score or 0.0) - noise * np.abs(rng.normal(size=20))
        late[10] = t.score or 0.0
        made.append(replace(t, curve=curve([float(v) for v in late]), epochs=20, best_epoch=11))
    return made


def test_too_few_trials_are_a_warning_and_come_first() -> None:
    findings = judge_study(BOTH, sampled(BOTH, 4, good_near(3e-3)), ACCURACY)
    assert findings[0].kind is Kind.SUFFICIENCY
    assert findings[0].severity is Severity.WARNING
    assert findings[0].sentence == "only 4 trials reached 10 epochs; 8 are needed to narrow"
    assert "at least 4 more" in findings[0].action
    assert found(BOTH, sampled(BOTH, 30, good_near(3e-3)), Kind.SUFFICIENCY) == []


def test_scores_that_are_all_alike_are_told_with_another_objective() -> None:
    (finding,) = found(BOTH, sampled(BOTH, 30, lambda _: 0.5), Kind.SUFFICIENCY)
    assert "too many scored alike" in finding.sentence
    assert "val_loss" in finding.action


def test_an_infeasible_side_is_told_with_the_cap_that_cuts_it() -> None:
    trials = sampled(BOTH, 30, good_near(3e-3))
    fine = [t for t in trials if t.values["learning_rate"] < 0.1]
    bad = [infeasible(50 + i, {"learning_rate": 0.3 + 0.1 * i, "noise": 0.2 * i}) for i in range(5)]
    (finding,) = found(BOTH, [*fine, *bad], Kind.INFEASIBLE)
    assert "5 of " in finding.sentence
    assert "learning_rate: all 5 trials above" in finding.sentence
    assert finding.names == ("learning_rate",)
    flag, text = shlex.split(finding.action)[-2:]
    assert flag == "--set"
    capped = with_flags(narrow(BOTH, [], ACCURACY), ranges=[text]).next_space["learning_rate"]
    assert isinstance(capped, Float)
    assert max(float(t.values["learning_rate"]) for t in fine) <= capped.high < 0.3


def test_infeasible_trials_without_a_pattern_point_to_their_reasons() -> None:
    bad = [replace(t, id=t.id + 50) for t in sampled(BOTH, 30, good_near(3e-3), seed=5)]
    lost = [infeasible(t.id, t.values) for t in bad]
    (finding,) = found(BOTH, [*sampled(BOTH, 12, good_near(3e-3)), *lost], Kind.INFEASIBLE)
    assert finding.severity is Severity.WARNING
    assert "30 of 42 trials (71%)" in finding.sentence
    assert "bug in the training code" in finding.action


def test_the_best_at_a_bound_that_can_move_gives_the_flag_that_moves_it() -> None:
    trials = [
        trial(i + 1, {"learning_rate": 10 ** (-5 + i / 4), "noise": i * 0.31 % 1}, 0.1 * i) for i in range(21)
    ]
    (finding,) = found(BOTH, trials, Kind.EDGE)
    assert finding.severity is Severity.ADVICE
    assert finding.action == "hptune narrow --set learning_rate=1e-5..10"
    assert "bad search space boundaries" in finding.source


def test_the_best_at_a_limit_is_only_mentioned() -> None:
    closed = space_of(replace(RATE, limits=(1e-5, 1.0)), NOISE)
    trials = [
        trial(i + 1, {"learning_rate": 10 ** (-5 + i / 4), "noise": i * 0.31 % 1}, 0.1 * i) for i in range(21)
    ]
    (finding,) = found(closed, trials, Kind.EDGE)
    assert finding.severity is Severity.INFO
    assert "limits in the space file" in finding.action


class TestLead:
    def test_a_lead_smaller_than_the_late_noise_asks_to_confirm(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.002 * i) for i in range(6)], 0.01)
        (finding,) = found(space_of(Float(name="x", low=0.0, high=9.0)), trials, Kind.LEAD)
        assert finding.sentence.startswith(
            "trial 1 leads trial 2 by 0.002 in val_accuracy, within noise: late epochs"
        )
        assert finding.action == "hptune confirm --top 5"
        assert finding.trials[:2] == (1, 2)

    def test_a_lead_far_beyond_the_noise_is_not_questioned(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.2 * i) for i in range(4)], 0.001)
        lead = measure_lead(trials, ACCURACY)
        assert lead is not None
        assert lead.within_noise == ()
        assert [r.trial.id for r in lead.rivals] == [2, 3, 4]

    def test_repeated_trainings_tell_the_noise_better_than_curves(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.02 * i) for i in range(4)], 0.0001)
        again = [replace(trials[0], id=20 + i, seed=i, score=s) for i, s in enumerate([0.8, 0.95, 0.85])]
        lead = measure_lead([*trials, *again], ACCURACY)
        assert lead is not None
        assert lead.retrained
        assert lead.noise > 0.03
        assert lead.within_noise

    def test_a_tie_is_nobodys_lead(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9) for i in range(3)], 0.01)
        lead = measure_lead(trials, ACCURACY)
        assert lead is not None
        assert lead.rivals[0].chance == pytest.approx(0.5, abs=0.05)

    def test_without_curves_or_repeats_nothing_is_said(self) -> None:
        assert measure_lead([trial(i + 1, {"x": i}, 0.9) for i in range(5)], ACCURACY) is None
        assert measure_lead([], ACCURACY) is None


def test_what_does_nothing_that_shows_may_be_frozen() -> None:
    trials = sampled(MIXED, 150, good_near(3e-3))
    findings = found(MIXED, trials, Kind.DEAD)
    assert findings
    assert "learning_rate" not in {f.names[0] for f in findings}
    text = shlex.split(findings[0].action.removesuffix(", unless it acts together with another"))[-1]
    proposal = narrow(MIXED, trials, ACCURACY)
    assert (
        with_flags(proposal, frozen=[text]).best[findings[0].names[0]] == proposal.best[findings[0].names[0]]
    )


def test_two_that_moved_together_are_told() -> None:
    space = space_of(RATE, NOISE, Float(name="twin", low=0.0, high=2.0))
    trials = [
        replace(t, values={**t.values, "twin": 2 * float(t.values["noise"])})
        for t in sampled(BOTH, 20, good_near(3e-3))
    ]
    (finding,) = found(space, trials, Kind.DUPLICATE)
    assert finding.names == ("noise", "twin")
    assert "rank correlation 1.00" in finding.sentence
    assert found(BOTH, sampled(BOTH, 20, good_near(3e-3)), Kind.DUPLICATE) == []


def test_a_tier_that_the_trials_contradict_is_told() -> None:
    space = space_of(replace(RATE, tier=Tier.UNRANKED), replace(NOISE, tier=Tier.FIRST))
    (finding,) = found(space, sampled(space, 80, good_near(3e-3)), Kind.TIERS)
    assert "learning_rate (unranked) explains" in finding.sentence


def test_what_the_curves_of_the_best_show_is_gathered() -> None:
    trials = []
    for i in range(8):
        rise = [0.9 - 0.5 * 0.7**e - 0.01 * i for e in range(15)]
        scores = [*rise, *(rise[-1] - 0.01 * e for e in range(1, 16))]
        made = curve(scores, accuracy=[1 - 0.7**e for e in range(30)])
        trials.append(
            trial(
                i + 1,
                {"learning_rate": 10.0**-i, "noise": 0.1 * i},
                max(scores),
                curve=made,
                epochs=30,
                best_epoch=15,
            )
        )
    (finding,) = found(BOTH, trials, Kind.OVERFITTING)
    assert finding.sentence.startswith("overfitting in 5 of the best 5 trials: trial 1 overfits: ")
    assert finding.trials == (1, 2, 3, 4, 5)


def test_findings_made_from_what_is_given_are_the_same() -> None:
    trials = sampled(MIXED, 60, good_near(3e-3))
    again = judge_study(
        MIXED,
        trials,
        ACCURACY,
        proposal=narrow(MIXED, trials, ACCURACY),
        importances=measure(MIXED, trials, ACCURACY),
    )
    assert again == judge_study(MIXED, trials, ACCURACY)


@st.composite
def studies(draw: st.DrawFn) -> tuple[Space, list[Trial]]:
    space = draw(spaces())
    return space, draw(trials_of(space))


@settings(max_examples=40, deadline=None)
@given(studies())
def test_any_study_is_judged(study: tuple[Space, list[Trial]]) -> None:
    space, trials = study
    findings = judge_study(space, trials, ACCURACY)
    assert all(f.sentence and f.action and f.source for f in findings)
    order = list(Severity)[::-1]
    assert [order.index(f.severity) for f in findings] == sorted(order.index(f.severity) for f in findings)
