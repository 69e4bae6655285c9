import math

import numpy as np
import pytest

from hptune.strategy.halving import Bracket, check_rungs, coarse_brackets, coarse_rungs, promotion
from hptune.strategy.history import Standing
from hptune.study.trial import TrialState


def trial(number, epochs, score, state=TrialState.PAUSED):
    return Standing(trial_id=number, row=np.zeros(1), epochs=epochs, score=score, state=state, latest=number)


@pytest.mark.parametrize(
    ("epochs", "coarse", "checks"),
    [
        pytest.param(52, (6, 18, 52), (13, 26, 39, 52), id="52"),
        pytest.param(1, (1,), (1,), id="1"),
        pytest.param(2, (1, 2), (1, 2), id="2"),
        pytest.param(3, (1, 3), (1, 2, 3), id="3"),
    ],
)
def test_rungs_rise_to_the_full_training(epochs, coarse, checks):
    assert coarse_rungs(epochs) == coarse
    assert check_rungs(epochs) == checks


def test_a_bracket_costs_each_rungs_new_epochs():
    bracket = Bracket.of((6, 18, 52), 9)
    assert bracket.sizes == (9, 3, 1)
    assert bracket.cost == 9 * 6 + 3 * 12 + 34


@pytest.mark.parametrize("trainings", [1, 2, 3, 10, 50, math.inf])
@pytest.mark.parametrize("epochs", [1, 2, 3, 9, 52])
def test_the_first_bracket_fits_the_budget(trainings, epochs):
    bracket, count = coarse_brackets(epochs, trainings * epochs)
    assert bracket.cost <= trainings * epochs
    assert bracket.sizes[-1] >= 1
    assert count >= 1


def test_the_best_third_goes_on_when_the_rung_is_full():
    bracket = Bracket.of((1, 3, 9), 9)
    trials = [trial(i, 1, float(i)) for i in range(1, 9)]
    assert promotion(trials, bracket) is None
    trials.append(trial(9, 1, 0.0))
    who, until = promotion(trials, bracket)
    assert (who.trial_id, until) == (8, 3)


def test_what_could_not_be_trained_counts_as_judged():
    bracket = Bracket.of((1, 3), 3)
    trials = [
        trial(1, 1, 0.5),
        trial(2, 1, None, TrialState.INFEASIBLE),
        trial(3, 1, None, TrialState.FAILED),
    ]
    who, until = promotion(trials, bracket)
    assert (who.trial_id, until) == (1, 3)


def test_a_running_trial_holds_its_bracket_back():
    bracket = Bracket.of((1, 3), 3)
    trials = [trial(1, 1, 0.5), trial(2, 1, 0.6), trial(3, 1, None, TrialState.RUNNING)]
    assert promotion(trials, bracket) is None


def test_higher_rungs_go_first_and_each_promotion_happens_once():
    bracket = Bracket.of((1, 3, 9), 9)
    trials = [trial(i, 1, 0.1) for i in range(1, 7)] + [trial(i, 3, i / 10) for i in range(7, 10)]
    who, until = promotion(trials, bracket)
    assert (who.trial_id, until) == (9, 9)
    trials[-1] = trial(9, 9, 0.9, TrialState.COMPLETE)
    assert promotion(trials, bracket) is None
