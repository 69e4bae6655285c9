"""Narrowing of what is not a plain number: grids, choices, booleans, conditionals."""

from __future__ import annotations

from dataclasses import replace

from support.strategy_trials import ACCURACY, RATE, good_near, graded, infeasible, space_of, spread, trial

from hptune.narrowing.narrow import narrow
from hptune.space import Boolean, Choice, Condition, Float, Integer
from hptune.space.scales import Scale
from hptune.study.proposal import Verdict


class TestGrids:
    def test_integers_and_steps_stay_on_their_grid(self) -> None:
        units = Integer(name="units", low=16, high=512, scale=Scale.LOG, step=2, limits=(2, 4096))
        trials = graded(lambda i: {"units": 16 * 2 ** (i % 6)}, lambda i: -abs(i % 6 - 1), 24)
        new = narrow(space_of(units), trials, ACCURACY)["units"].new
        assert isinstance(new, Integer)
        assert (new.low, new.high, new.initial) == (16, 256, 32)

    def test_a_grid_of_factors_grows_to_whole_numbers_only(self) -> None:
        units = Integer(name="units", low=12, high=96, scale=Scale.LOG, step=2, limits=(1, 4096))
        trials = graded(lambda i: {"units": 12 * 2 ** (i % 4)}, lambda i: -(i % 4), 24)
        new = narrow(space_of(units), trials, ACCURACY)["units"].new
        assert isinstance(new, Integer)
        assert (new.low, new.high) == (3, 96)

    def test_an_integer_keeps_at_least_three_values(self) -> None:
        layers = Integer(name="layers", low=1, high=3)
        trials = graded(lambda i: {"layers": 1 + i % 3}, lambda i: -(i % 3), 30)
        assert narrow(space_of(layers), trials, ACCURACY)["layers"].new == layers


class TestChoices:
    batches = Choice(name="batch_size", options=(16, 32, 64, 128, 256), ordered=True)

    def test_ordered_options_narrow_to_neighbours(self) -> None:
        trials = graded(lambda i: {"batch_size": 16 * 2 ** (i % 5)}, lambda i: -(i % 5), 30)
        move = narrow(space_of(self.batches), trials, ACCURACY)["batch_size"]
        assert isinstance(move.new, Choice)
        assert move.new.options == (16, 32, 64)
        assert move.new.initial == 16
        assert "best 6 of 30 lie in 16..16" in move.reason

    def test_ordered_options_widen_again_towards_the_first_pass(self) -> None:
        now = replace(self.batches, options=(16, 32, 64), default=32)
        trials = graded(lambda i: {"batch_size": 16 * 2 ** (i % 5)}, lambda i: i % 5, 30)
        move = narrow(space_of(now), trials, ACCURACY, root=space_of(self.batches))["batch_size"]
        assert move.verdict is Verdict.EXPAND
        assert isinstance(move.new, Choice)
        assert move.new.options == (16, 32, 64, 128, 256)

    acts = Choice(name="act", options=("relu", "tanh", "elu"))

    def test_an_option_that_is_never_good_is_dropped(self) -> None:
        trials = graded(lambda i: {"act": self.acts.options[i % 3]}, lambda i: float(i % 3 != 1), 30)
        move = narrow(space_of(self.acts), trials, ACCURACY)["act"]
        assert isinstance(move.new, Choice)
        assert move.new.options == ("relu", "elu")
        assert "tanh in 0 of 10" in move.reason
        assert "tanh dropped" in move.reason

    def test_no_option_is_dropped_before_each_was_tried(self) -> None:
        options = ("relu", "tanh")
        trials = graded(lambda i: {"act": options[i % 2]}, lambda i: float(i % 2), 30)
        move = narrow(space_of(self.acts), trials, ACCURACY)["act"]
        assert move.verdict is Verdict.KEEP
        assert "elu tried fewer than 4 times" in move.reason

    def test_an_option_that_conditions_name_is_not_dropped(self) -> None:
        child = Float(name="child", low=0.0, high=1.0, when=(Condition(parent="act", values=("tanh",)),))
        space = space_of(self.acts, child)
        trials = graded(lambda i: {"act": self.acts.options[i % 3]}, lambda i: float(i % 3 != 1), 30)
        move = narrow(space, trials, ACCURACY)["act"]
        assert move.new == self.acts
        assert "tanh stays, for other hyperparameters depend on it" in move.reason

    def test_an_option_of_which_nothing_could_be_trained_is_dropped(self) -> None:
        trials = graded(lambda i: {"act": ("relu", "elu")[i % 2]}, lambda i: 0.5, 20)
        bad = [infeasible(50 + i, {"act": "tanh"}) for i in range(5)]
        move = narrow(space_of(self.acts), [*trials, *bad], ACCURACY)["act"]
        assert isinstance(move.new, Choice)
        assert move.new.options == ("relu", "elu")
        assert "none of its trials could be trained" in move.reason

    def test_a_dropped_option_comes_back_when_the_best_trial_has_it(self) -> None:
        now = replace(self.acts, options=("relu", "elu"))
        trials = [trial(1, {"act": "tanh"}, 0.9), *[trial(2 + i, {"act": "relu"}, 0.1) for i in range(12)]]
        move = narrow(space_of(now), trials, ACCURACY, root=space_of(self.acts))["act"]
        assert move.verdict is Verdict.EXPAND
        assert isinstance(move.new, Choice)
        assert move.new.options == ("relu", "tanh", "elu")

    def test_a_boolean_is_never_frozen_but_the_flag_is_told(self) -> None:
        flag = Boolean(name="flag")
        trials = graded(lambda i: {"flag": i % 2 == 0}, lambda i: float(i % 2 == 0), 30)
        move = narrow(space_of(flag), trials, ACCURACY)["flag"]
        assert move.new == flag
        assert "--freeze flag=true would" in move.reason


class TestConditionals:
    def test_only_trials_where_it_was_active_count(self) -> None:
        parent = Choice(name="optimizer", options=("adam", "sgd"))
        child = replace(RATE, when=(Condition(parent="optimizer", values=("sgd",)),))
        space = space_of(parent, child)
        sgd = [
            trial(i + 1, {"optimizer": "sgd", "learning_rate": v}, good_near(1e-3)({"learning_rate": v}))
            for i, v in enumerate(spread(20))
        ]
        adam = [trial(50 + i, {"optimizer": "adam"}, 5.0 + i) for i in range(30)]
        move = narrow(space, [*sgd, *adam], ACCURACY)["learning_rate"]
        assert move.verdict is Verdict.NARROW
        assert "best 4 of 20" in move.reason
        few = narrow(space, [*sgd[::4], *adam], ACCURACY)["learning_rate"]
        assert "only 5 trials reached 10 epochs with it" in few.reason
