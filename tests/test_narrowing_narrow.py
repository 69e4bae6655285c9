from __future__ import annotations

import math
from dataclasses import replace

import pytest
from support.strategy_trials import (
    ACCURACY,
    LOSS,
    MIXED,
    NOISE,
    RATE,
    curve,
    good_near,
    graded,
    infeasible,
    sampled,
    space_of,
    spread,
    trial,
)

from hptune.errors import SpaceError
from hptune.narrowing.narrow import Rules, narrow
from hptune.space import Choice, Fixed, Float
from hptune.space.range_moves import unit_of
from hptune.strategy.encoding import Cube
from hptune.study.proposal import Verdict
from hptune.study.trial import Trial, TrialState

BOTH = space_of(RATE, NOISE)


def rates(values: list[float], score: float = 0.5, start: int = 1, **more: object) -> list[Trial]:
    return [trial(start + i, {"learning_rate": v}, score, **more) for i, v in enumerate(values)]


class TestNumbers:
    def test_a_range_narrows_to_where_the_best_lie_and_says_why(self) -> None:
        move = narrow(BOTH, sampled(BOTH, 30, good_near(3e-3)), ACCURACY)["learning_rate"]
        new = move.new
        assert isinstance(new, Float)
        assert move.verdict is Verdict.NARROW
        assert 1e-5 < new.low < 3e-3 < new.high < 1.0
        assert move.reason.startswith("best 6 of 30 lie in ")
        assert "a quarter of the old width kept on each side" in move.reason
        assert "by chance" in move.reason
        assert move.is_soft
        assert not move.by_user

    def test_a_hyperparameter_that_does_not_matter_keeps_its_range(self) -> None:
        move = narrow(BOTH, sampled(BOTH, 30, good_near(3e-3)), ACCURACY)["noise"]
        assert move.verdict is Verdict.KEEP
        assert move.new == move.old
        assert "luck alone may explain that" in move.reason

    def test_what_does_not_matter_is_rarely_narrowed_and_what_does_is_nearly_always(self) -> None:
        wrong = right = 0
        for seed in range(60):
            proposal = narrow(BOTH, sampled(BOTH, 24, good_near(3e-3), seed), ACCURACY)
            wrong += proposal["noise"].verdict is Verdict.NARROW
            right += proposal["learning_rate"].verdict is Verdict.NARROW
        assert wrong <= 8
        assert right >= 57

    def test_trials_gathered_at_a_default_are_no_reason_to_narrow_to_it(self) -> None:
        trials = [replace(t, values={**t.values, "noise": 0.5}) for t in sampled(BOTH, 30, good_near(1e-3))]
        trials[::4] = [replace(t, values={**t.values, "noise": t.id / 40}) for t in trials[::4]]
        assert narrow(BOTH, trials, ACCURACY)["noise"].verdict is Verdict.KEEP

    def test_the_new_range_starts_from_the_best_value(self) -> None:
        trials = sampled(BOTH, 30, good_near(3e-3))
        best = max(trials, key=lambda t: t.score or 0)
        proposal = narrow(BOTH, trials, ACCURACY)
        assert proposal["learning_rate"].new.initial == best.values["learning_rate"]
        assert proposal.best == best.values

    def test_ends_are_numbers_a_person_can_read(self) -> None:
        new = narrow(BOTH, sampled(BOTH, 30, good_near(3e-3)), ACCURACY)["learning_rate"].new
        assert isinstance(new, Float)
        assert {
            len(f"{end:e}".split("e")[0].rstrip("0").rstrip(".").replace(".", ""))
            for end in (new.low, new.high)
        } <= {1, 2}

    def test_a_minimised_objective_gives_the_same_ranges_as_its_mirror(self) -> None:
        up = sampled(BOTH, 30, good_near(3e-3))
        down = [replace(t, score=-(t.score or 0)) for t in up]
        assert narrow(BOTH, up, ACCURACY).next_space == narrow(BOTH, down, LOSS).next_space

    def test_the_best_at_an_edge_widens_the_range_by_half(self) -> None:
        trials = [trial(i + 1, {"learning_rate": v}, math.log10(v)) for i, v in enumerate(spread(20))]
        move = narrow(space_of(RATE), trials, ACCURACY)["learning_rate"]
        assert move.verdict is Verdict.EXPAND
        assert isinstance(move.new, Float)
        assert (move.new.low, move.new.high) == (1e-5, 10.0)
        assert "the best lies at 1, at the upper edge of 1e-5..1" in move.reason
        assert "as far as its limit" in move.reason

    def test_a_lucky_best_at_the_edge_of_the_first_range_does_not_widen_it(self) -> None:
        wide = replace(NOISE, limits=(-9.0, 9.0))
        space, told, widened = space_of(wide, RATE), 0, 0
        for seed in range(40):
            lucky = trial(99, {"noise": 1.0, "learning_rate": 3e-3}, 2.0)
            move = narrow(space, [*sampled(space, 30, good_near(3e-3), seed), lucky], ACCURACY)["noise"]
            widened += move.verdict is Verdict.EXPAND
            told += "but the other good trials do not gather there" in move.reason
        assert widened <= 6
        assert told == 40 - widened

    def test_an_expansion_stays_inside_the_limits(self) -> None:
        near = replace(RATE, limits=(1e-5, 2.0))
        trials = [trial(i + 1, {"learning_rate": v}, math.log10(v)) for i, v in enumerate(spread(20))]
        new = narrow(space_of(near), trials, ACCURACY)["learning_rate"].new
        assert isinstance(new, Float)
        assert new.high == 2.0

    def test_at_its_limit_a_range_says_so_and_gives_up_only_the_bad_side(self) -> None:
        closed = replace(RATE, limits=(1e-5, 1.0))
        trials = [trial(i + 1, {"learning_rate": v}, math.log10(v)) for i, v in enumerate(spread(20))]
        move = narrow(space_of(closed), trials, ACCURACY)["learning_rate"]
        assert isinstance(move.new, Float)
        assert move.new.high == 1.0
        assert "the limit is reached" in move.reason

    def test_at_its_limit_and_without_a_trend_a_range_stays(self) -> None:
        trials = sampled(space_of(NOISE), 20, lambda v: 1.0 - (abs(v["noise"] * 7919 % 1 - 0.5)), seed=1)
        trials.append(trial(99, {"noise": 1.0}, 2.0))
        move = narrow(space_of(NOISE), trials, ACCURACY)["noise"]
        assert move.verdict is Verdict.KEEP
        assert "at the upper edge of 0..1; the limit is reached" in move.reason

    def test_a_winner_outside_a_narrowed_range_widens_it_again(self) -> None:
        now = replace(RATE, low=1e-4, high=1e-2, default=1e-3)
        trials = [*sampled(BOTH, 30, good_near(0.2)), trial(31, {"learning_rate": 0.2, "noise": 0.5}, 1.5)]
        move = narrow(space_of(now, NOISE), trials, ACCURACY, root=BOTH)["learning_rate"]
        assert move.verdict is Verdict.EXPAND
        assert isinstance(move.new, Float)
        assert move.new.high > 0.2
        assert move.new.low == 1e-4
        assert "outside 0.0001..0.01" in move.reason

    def test_good_trials_outside_widen_even_if_the_best_is_inside(self) -> None:
        now = replace(NOISE, high=0.4, default=0.2)
        values = [0.21, 0.6, 0.62, 0.64, *[0.05 * i for i in range(1, 8)], 0.9, 0.95, 0.99]
        trials = [trial(i + 1, {"noise": v}, 1.0 - 0.01 * i) for i, v in enumerate(values)]
        move = narrow(space_of(now), trials, ACCURACY, root=space_of(NOISE))["noise"]
        assert move.verdict is Verdict.EXPAND
        assert "2 of the best 3 of 14 lie above 0..0.4" in move.reason

    def test_a_narrowed_range_is_never_less_than_a_tenth_of_the_first(self) -> None:
        space = space_of(RATE)
        trials = [trial(i + 1, {"learning_rate": 1e-3 * (1 + i * 1e-4)}, 1 - 0.001 * i) for i in range(20)]
        trials += rates(spread(40), 0.1, start=50)
        for _ in range(12):
            space = narrow(space, trials, ACCURACY, root=space_of(RATE)).next_space
        new = space["learning_rate"]
        assert isinstance(new, Float)
        assert 0.099 <= unit_of(RATE, new.high) - unit_of(RATE, new.low) <= 0.4
        assert new.low <= 1e-3 <= new.high


class TestSufficiency:
    def test_too_few_trials_keep_every_range(self) -> None:
        proposal = narrow(BOTH, sampled(BOTH, 4, good_near(1e-3)), ACCURACY)
        assert all(m.verdict is Verdict.KEEP for m in proposal.moves)
        assert proposal.notes == ("only 4 trials reached 10 epochs; 8 are needed to narrow: sample more",)
        assert "only 4 trials reached 10 epochs with it; 8 are needed" in proposal["noise"].reason

    def test_no_trial_keeps_every_range(self) -> None:
        proposal = narrow(MIXED, [], ACCURACY)
        assert proposal.next_space == MIXED
        assert proposal.notes == ("none of 0 trials has a score: nothing to learn from",)
        assert proposal.best == {}

    def test_equal_scores_teach_nothing(self) -> None:
        proposal = narrow(BOTH, sampled(BOTH, 30, lambda _: 0.5), ACCURACY)
        assert all(m.new == m.old for m in proposal.moves)
        assert "all 30 trials scored 0.5" in proposal.notes

    def test_missing_and_infinite_scores_do_not_count(self) -> None:
        trials = sampled(BOTH, 30, good_near(3e-3))
        odd = [
            trial(100 + i, {"learning_rate": 1.0, "noise": 0.5}, s)
            for i, s in enumerate([None, math.nan, math.inf])
        ]
        assert narrow(BOTH, [*trials, *odd], ACCURACY).moves == narrow(BOTH, trials, ACCURACY).moves

    def test_repeats_of_a_configuration_count_once(self) -> None:
        trials = sampled(BOTH, 6, good_near(3e-3))
        again = [replace(t, id=t.id + 100, seed=9) for t in trials]
        assert "only 6 trials" in narrow(BOTH, [*trials, *again], ACCURACY).notes[0]

    def test_rules_out_of_range_are_refused(self) -> None:
        with pytest.raises(SpaceError, match=r"quantile must lie between 0 and 1, got 1\.5"):
            Rules(quantile=1.5)


class TestFairComparison:
    def test_trials_are_compared_at_the_longest_training_that_enough_of_them_had(self) -> None:
        # Three long trainings end best, but after six epochs those at 1e-2 were ahead.
        short = [
            trial(i + 1, {"learning_rate": v}, s, epochs=6, state=TrialState.PAUSED, curve=curve([s] * 6))
            for i, v in enumerate(spread(16))
            for s in [good_near(1e-2)({"learning_rate": v})]
        ]
        late = [
            trial(
                90 + i, {"learning_rate": 3e-5 * (1 + i)}, 2.0, epochs=18, curve=curve([0.1] * 6 + [2.0] * 12)
            )
            for i in range(3)
        ]
        proposal = narrow(space_of(RATE), [*short, *late], ACCURACY)
        assert proposal.notes == ("compared at 6 epochs: 19 trials",)

    def test_trials_that_were_stopped_count_as_judged(self) -> None:
        space = space_of(RATE)
        full = [
            trial(i + 1, {"learning_rate": v}, good_near(1e-3)({"learning_rate": v}), epochs=18)
            for i, v in enumerate(spread(9, 1e-4, 1e-2))
        ]
        left = rates(
            [*spread(11, 1e-5, 9e-5), *spread(11, 2e-2, 1.0)],
            0.1,
            start=50,
            epochs=6,
            state=TrialState.PAUSED,
        )
        proposal = narrow(space, [*full, *left], ACCURACY)
        assert proposal.notes == ("compared at 18 epochs: 9 trials, 22 more were paused before",)
        assert "best 7 of 31 lie in" in proposal["learning_rate"].reason
        assert proposal["learning_rate"].verdict is Verdict.NARROW

    def test_training_that_ended_by_itself_is_compared_at_any_length(self) -> None:
        trials = rates(spread(8), epochs=18)
        ended = trial(9, {"learning_rate": 0.5}, 0.6, epochs=4)
        assert narrow(space_of(RATE), [*trials, ended], ACCURACY).notes == (
            "compared at 18 epochs: 9 trials",
        )

    def test_a_shorter_pass_is_not_compared_with_a_longer_one(self) -> None:
        first = rates(spread(8), epochs=5)
        second = rates(spread(8, 2e-5, 0.5), start=20, epochs=10, pass_number=2)
        assert (
            narrow(space_of(RATE), [*first, *second], ACCURACY).notes[0] == "compared at 10 epochs: 8 trials"
        )


class TestInfeasible:
    def test_a_side_where_nothing_trained_is_cut_with_its_reason(self) -> None:
        trials = sampled(space_of(NOISE), 20, lambda v: 0.5 + 0.01 * math.sin(99 * v["noise"]), seed=3)
        fine = [t for t in trials if t.values["noise"] <= 0.7]
        bad = [infeasible(50 + i, {"noise": v}) for i, v in enumerate([0.78, 0.85, 0.9, 0.95, 0.99])]
        move = narrow(space_of(NOISE), [*fine, *bad], ACCURACY)["noise"]
        top = max(t.values["noise"] for t in fine)
        assert move.verdict is Verdict.NARROW
        assert isinstance(move.new, Float)
        assert isinstance(top, float)
        assert top <= move.new.high < 0.78
        assert "all 5 trials above" in move.reason
        assert "could not be trained (diverged)" in move.reason

    def test_a_side_is_cut_even_with_too_few_trials_to_narrow(self) -> None:
        fine = [trial(i + 1, {"noise": 0.1 * i}, 0.5 + 0.01 * i) for i in range(5)]
        bad = [infeasible(50 + i, {"noise": v}) for i, v in enumerate([0.8, 0.85, 0.9])]
        move = narrow(space_of(NOISE), [*fine, *bad], ACCURACY)["noise"]
        assert move.verdict is Verdict.NARROW
        assert move.reason.startswith("all 3 trials above 0.4 could not be trained (diverged); only 5 trials")

    def test_infeasible_trials_all_over_the_range_cut_nothing(self) -> None:
        fine = [trial(i + 1, {"noise": 0.2 * i}, 0.5) for i in range(5)]
        bad = [infeasible(50 + i, {"noise": 0.03 * i}) for i in range(30)]
        assert narrow(space_of(NOISE), [*fine, *bad], ACCURACY)["noise"].verdict is Verdict.KEEP

    def test_no_expansion_into_what_could_not_be_trained(self) -> None:
        now = replace(NOISE, high=0.5, default=0.2)
        fine = [trial(i + 1, {"noise": 0.05 * i}, 0.1 * i) for i in range(11)]
        bad = [infeasible(50 + i, {"noise": v}) for i, v in enumerate([0.51, 0.52, 0.6, 0.7])]
        move = narrow(space_of(now), [*fine, *bad], ACCURACY, root=space_of(NOISE))["noise"]
        assert isinstance(move.new, Float)
        assert move.new.high == 0.5
        assert "but all 4 trials above 0.5 could not be trained" in move.reason

    def test_nothing_but_infeasible_trials_keeps_everything_and_says_so(self) -> None:
        trials = [infeasible(i + 1, {"learning_rate": v, "noise": 0.5}) for i, v in enumerate(spread(12))]
        proposal = narrow(BOTH, trials, ACCURACY)
        assert proposal.next_space == BOTH
        assert "12 of 12 trials (100%) could not be trained" in proposal.notes


class TestWhatAPersonSet:
    def test_it_is_never_widened(self) -> None:
        mine = replace(RATE, low=1e-4, high=1e-1, default=1e-3, hard=True)
        trials = [
            trial(i + 1, {"learning_rate": v}, math.log10(v)) for i, v in enumerate(spread(20, 1e-4, 1e-1))
        ]
        move = narrow(space_of(mine), trials, ACCURACY, root=space_of(RATE))["learning_rate"]
        assert isinstance(move.new, Float)
        assert move.new.high == 1e-1
        assert "you set this range, so only you can widen it" in move.reason

    def test_a_range_inside_it_steers_and_it_stays_the_limit(self) -> None:
        mine = replace(RATE, low=1e-4, high=1e-1, default=1e-3, hard=True)
        trials = sampled(space_of(mine), 30, good_near(3e-3))
        move = narrow(space_of(mine), trials, ACCURACY, root=space_of(RATE))["learning_rate"]
        assert move.verdict is Verdict.NARROW
        assert isinstance(move.new, Float)
        assert not move.new.hard
        assert move.new.limits == (1e-4, 1e-1)
        assert "half of the trials may still come from the range you set" in move.reason

    def test_the_search_never_leaves_it_again(self) -> None:
        mine = replace(RATE, low=1e-4, high=1e-1, default=1e-3, hard=True)
        inside = narrow(space_of(mine), sampled(space_of(mine), 30, good_near(3e-3)), ACCURACY).next_space
        outer = Cube.of(space_of(RATE), inside).outer["learning_rate"]
        assert isinstance(outer, Float)
        assert (outer.low, outer.high) == (1e-4, 1e-1)

    def test_widened_back_to_all_of_it_the_range_is_hard_again(self) -> None:
        inside = replace(RATE, low=1e-3, high=1e-1, default=1e-2, limits=(1e-4, 1e-1))
        trials = [
            trial(i + 1, {"learning_rate": v}, -math.log10(v)) for i, v in enumerate(spread(20, 1e-4, 1e-1))
        ]
        new = narrow(space_of(inside), trials, ACCURACY, root=space_of(RATE))["learning_rate"].new
        assert isinstance(new, Float)
        assert (new.low, new.high, new.hard) == (1e-4, 1e-1, True)

    def test_options_they_chose_stay(self) -> None:
        mine = Choice(name="act", options=("relu", "tanh", "elu"), hard=True)
        trials = graded(lambda i: {"act": mine.options[i % 3]}, lambda i: float(i % 3 != 1), 30)
        move = narrow(space_of(mine), trials, ACCURACY)["act"]
        assert move.new == mine
        assert "you chose these options, so they stay" in move.reason

    def test_what_is_frozen_stays_frozen(self) -> None:
        still = Fixed(name="noise", value=0.5)
        proposal = narrow(space_of(RATE, still), sampled(BOTH, 20, good_near(1e-3)), ACCURACY, root=BOTH)
        assert proposal["noise"].reason == "frozen by you at 0.5"
        again = narrow(space_of(RATE, still), [], ACCURACY)
        assert again["noise"].reason == "fixed in the space"
