from __future__ import annotations

import itertools
import shlex
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategy_trials import (
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

from hptune.analysis.best_margin import measure_best_margin
from hptune.analysis.importance import measure
from hptune.analysis.range_findings import dead
from hptune.analysis.study_findings import Finding, FindingKind, Severity, judge_study
from hptune.narrowing.edit import with_flags
from hptune.narrowing.narrow import narrow
from hptune.space import Fixed, Float, Space, Tier
from hptune.study import Confirmation
from hptune.study.trial import Trial

BOTH = space_of(RATE, NOISE)


def found(space: Space, trials: list[Trial], kind: FindingKind, **more: object) -> list[Finding]:
    proposal = narrow(space, trials, ACCURACY)
    return [f for f in judge_study(proposal, trials, ACCURACY, **more) if f.kind is kind]  # type: ignore[arg-type]


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
    trials = sampled(BOTH, 4, good_near(3e-3))
    findings = judge_study(narrow(BOTH, trials, ACCURACY), trials, ACCURACY)
    assert findings[0].kind is FindingKind.SUFFICIENCY
    assert findings[0].severity is Severity.WARNING
    assert findings[0].sentence == "only 4 trials reached 10 epochs; 8 are needed to narrow"
    assert "at least 4 more" in findings[0].action
    assert found(BOTH, sampled(BOTH, 30, good_near(3e-3)), FindingKind.SUFFICIENCY) == []


def test_scores_that_are_all_alike_are_told_with_another_objective() -> None:
    (finding,) = found(BOTH, sampled(BOTH, 30, lambda _: 0.5), FindingKind.SUFFICIENCY)
    assert "too many scored alike" in finding.sentence
    assert "val_loss" in finding.action


def test_an_infeasible_side_is_told_with_the_cap_that_cuts_it() -> None:
    trials = sampled(BOTH, 30, good_near(3e-3))
    fine = [t for t in trials if t.values["learning_rate"] < 0.1]
    bad = [infeasible(50 + i, {"learning_rate": 0.3 + 0.1 * i, "noise": 0.2 * i}) for i in range(5)]
    (finding,) = found(BOTH, [*fine, *bad], FindingKind.INFEASIBLE)
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
    (finding,) = found(BOTH, [*sampled(BOTH, 12, good_near(3e-3)), *lost], FindingKind.INFEASIBLE)
    assert finding.severity is Severity.WARNING
    assert "30 of 42 trials (71%)" in finding.sentence
    assert "bug in the training code" in finding.action


def test_the_best_at_a_bound_that_can_move_gives_the_flag_that_moves_it() -> None:
    trials = [
        trial(i + 1, {"learning_rate": 10 ** (-5 + i / 4), "noise": i * 0.31 % 1}, 0.1 * i) for i in range(21)
    ]
    (finding,) = found(BOTH, trials, FindingKind.EDGE)
    assert finding.severity is Severity.ADVICE
    assert finding.action == "hptune narrow --set learning_rate=1e-5..10"
    assert "bad search space boundaries" in finding.source


def again(trial_id: int, mean: float) -> list[Confirmation]:
    """Five fresh seeds around a mean, 0.001 apart."""
    return [
        Confirmation(
            trial_id=trial_id,
            asked=20,
            number=number,
            seed=number,
            score=mean + 0.001 * (number - 3),
            best_epoch=20,
            epochs=20,
            seconds=1.0,
        )
        for number in range(1, 6)
    ]


def test_the_best_at_a_limit_is_only_mentioned() -> None:
    closed = space_of(replace(RATE, limits=(1e-5, 1.0)), NOISE)
    trials = [
        trial(i + 1, {"learning_rate": 10 ** (-5 + i / 4), "noise": i * 0.31 % 1}, 0.1 * i) for i in range(21)
    ]
    (finding,) = found(closed, trials, FindingKind.EDGE)
    assert finding.severity is Severity.INFO
    assert "limits in the space file" in finding.action


class TestLead:
    def test_a_lead_smaller_than_the_late_noise_asks_to_confirm(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.002 * i) for i in range(6)], 0.01)
        (finding,) = found(space_of(Float(name="x", low=0.0, high=9.0)), trials, FindingKind.BEST_MARGIN)
        assert finding.sentence.startswith(
            "trial 1 leads trial 2 by 0.002 in val_accuracy, within noise: late epochs"
        )
        assert finding.action == "hptune confirm --top 5"
        assert finding.trials[:2] == (1, 2)

    def test_a_lead_far_beyond_the_noise_is_not_questioned(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.2 * i) for i in range(4)], 0.001)
        best_margin = measure_best_margin(trials, ACCURACY)
        assert best_margin is not None
        assert best_margin.within_noise == ()
        assert [r.trial.id for r in best_margin.rivals] == [2, 3, 4]

    def test_repeated_trainings_tell_the_noise_better_than_curves(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.02 * i) for i in range(4)], 0.0001)
        again = [replace(trials[0], id=20 + i, seed=i, score=s) for i, s in enumerate([0.8, 0.95, 0.85])]
        best_margin = measure_best_margin([*trials, *again], ACCURACY)
        assert best_margin is not None
        assert best_margin.retrained
        assert best_margin.noise > 0.03
        assert best_margin.within_noise

    def test_a_tie_is_nobodys_lead(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9) for i in range(3)], 0.01)
        best_margin = measure_best_margin(trials, ACCURACY)
        assert best_margin is not None
        assert best_margin.rivals[0].p_value == pytest.approx(0.5, abs=0.05)

    def test_means_over_fresh_seeds_decide_once_there_are_two(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.002 * i) for i in range(4)], 0.01)
        best_margin = measure_best_margin(trials, ACCURACY, confirmations=[*again(1, 0.85), *again(3, 0.88)])
        assert best_margin is not None
        assert best_margin.confirmed
        assert best_margin.best.id == 3
        (rival,) = best_margin.rivals
        assert (rival.trial.id, rival.gap) == (1, pytest.approx(0.03))
        assert rival.p is not None
        assert rival.p < 0.001
        assert best_margin.within_noise == ()

    def test_one_confirmed_trial_tells_the_noise_and_no_more(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.002 * i) for i in range(4)], 0.00001)
        best_margin = measure_best_margin(trials, ACCURACY, confirmations=again(1, 0.85))
        assert best_margin is not None
        assert (best_margin.best.id, best_margin.confirmed, best_margin.retrained) == (1, False, True)
        assert best_margin.noise == pytest.approx(0.001 * np.sqrt(5 / 4 * 2), rel=0.01)

    def test_finalists_that_fresh_seeds_cant_tell_apart_ask_for_more_seeds(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.2 * i) for i in range(3)], 0.001)
        noted = [*again(1, 0.8995), *again(2, 0.9)]
        space = space_of(Float(name="x", low=0.0, high=9.0))
        (finding,) = found(space, trials, FindingKind.BEST_MARGIN, confirmations=noted)
        assert finding.sentence.startswith("with fresh seeds trial 2 is ahead of trial 1 by 0.0005")
        assert finding.action == "Take the cheaper one, or hptune confirm --top 2 --seeds 10"

    def test_a_trial_that_scored_better_than_the_confirmed_ones_is_named(self) -> None:
        trials = with_late_noise([trial(i + 1, {"x": i}, 0.9 - 0.01 * i) for i in range(4)], 0.001)
        noted = [*again(2, 0.88), *again(3, 0.80)]
        space = space_of(Float(name="x", low=0.0, high=9.0))
        (finding,) = found(space, trials, FindingKind.BEST_MARGIN, confirmations=noted)
        assert finding.sentence.startswith("trial 1 has a better score of the search than any")
        assert finding.action == "hptune confirm --top 2"

    def test_without_curves_or_repeats_nothing_is_said(self) -> None:
        assert measure_best_margin([trial(i + 1, {"x": i}, 0.9) for i in range(5)], ACCURACY) is None
        assert measure_best_margin([], ACCURACY) is None


def test_what_does_nothing_that_shows_may_be_frozen() -> None:
    trials = sampled(MIXED, 150, good_near(3e-3))
    (finding,) = found(MIXED, trials, FindingKind.DEAD)
    assert len(finding.names) > 1, "one sentence tells all of them"
    assert "learning_rate" not in finding.names
    assert all(name in finding.sentence for name in finding.names)
    command, _, _ = finding.action.partition(", unless one acts together with another")
    words = shlex.split(command)
    texts = [text for flag, text in itertools.pairwise(words) if flag == "--freeze"]
    proposal = narrow(MIXED, trials, ACCURACY)
    frozen = with_flags(proposal, frozen=texts)
    for name in finding.names:
        assert isinstance(frozen[name].new, Fixed)
        assert frozen.best[name] == proposal.best[name]


def test_what_is_frozen_already_is_not_said_to_do_nothing() -> None:
    trials = sampled(MIXED, 150, good_near(3e-3))
    importances = measure(MIXED, trials, ACCURACY)
    (before,) = dead(narrow(MIXED, trials, ACCURACY), importances)
    name = before.names[0]
    space = MIXED.with_changes([Fixed(name=name, value=MIXED[name].initial)])
    after = dead(narrow(space, trials, ACCURACY, root=MIXED), importances)
    assert name not in {n for finding in after for n in finding.names}


def test_two_that_moved_together_are_told() -> None:
    space = space_of(RATE, NOISE, Float(name="twin", low=0.0, high=2.0))
    trials = [
        replace(t, values={**t.values, "twin": 2 * float(t.values["noise"])})
        for t in sampled(BOTH, 20, good_near(3e-3))
    ]
    (finding,) = found(space, trials, FindingKind.DUPLICATE)
    assert finding.names == ("noise", "twin")
    assert "rank correlation 1.00" in finding.sentence
    assert found(BOTH, sampled(BOTH, 20, good_near(3e-3)), FindingKind.DUPLICATE) == []


def test_a_tier_that_the_trials_contradict_is_told() -> None:
    space = space_of(replace(RATE, tier=Tier.UNRANKED), replace(NOISE, tier=Tier.FIRST))
    (finding,) = found(space, sampled(space, 80, good_near(3e-3)), FindingKind.TIERS)
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
    (finding,) = found(BOTH, trials, FindingKind.OVERFITTING)
    assert finding.sentence.startswith("overfitting in 5 of the best 5 trials: trial 1 overfits: ")
    assert finding.trials == (1, 2, 3, 4, 5)


def test_findings_made_from_what_is_given_are_the_same() -> None:
    trials = sampled(MIXED, 60, good_near(3e-3))
    proposal = narrow(MIXED, trials, ACCURACY)
    again = judge_study(proposal, trials, ACCURACY, importances=measure(MIXED, trials, ACCURACY))
    assert again == judge_study(proposal, trials, ACCURACY)


@st.composite
def studies(draw: st.DrawFn) -> tuple[Space, list[Trial]]:
    space = draw(spaces())
    return space, draw(trials_of(space))


@settings(max_examples=40, deadline=None)
@given(studies())
def test_any_study_is_judged(study: tuple[Space, list[Trial]]) -> None:
    space, trials = study
    findings = judge_study(narrow(space, trials, ACCURACY), trials, ACCURACY)
    assert all(f.sentence and f.action and f.source for f in findings)
    order = list(Severity)[::-1]
    assert [order.index(f.severity) for f in findings] == sorted(order.index(f.severity) for f in findings)
