from __future__ import annotations

import math

import numpy as np
import pytest
from support.fakes import OBJECTIVE

from hptune.narrowing.narrow import narrow
from hptune.narrowing.plausible_region import MIN_TRIALS, plausible
from hptune.space import Choice, Condition, Float, Number, Space
from hptune.space.scales import Scale
from hptune.study.proposal import Verdict
from hptune.study.trial import Trial, TrialState

SPACE = Space(
    hyperparameters=(
        Float(name="learning_rate", low=1e-4, high=1.0, scale=Scale.LOG, default=1e-3),
        Float(name="dropout", low=0.0, high=0.8, default=0.4),
        Choice(name="optimizer", options=("adam", "sgd")),
        Float(
            name="momentum",
            low=0.5,
            high=0.99,
            scale=Scale.LOG_COMPLEMENT,
            when=(Condition(parent="optimizer", values=("sgd",)),),
        ),
    )
)


def studied(count: int, *, gather: bool = False, infeasible_above: float = math.inf) -> list[Trial]:
    """Trials that are best at a learning rate of 1e-2, whatever the dropout."""
    rng = np.random.default_rng(0)
    trials = []
    for number in range(1, count + 1):
        values = SPACE.sample(rng)
        if gather and number > count // 3:
            values["dropout"] = 0.4 + 0.01 * float(rng.normal())
        rate = float(values["learning_rate"])
        bad = rate > infeasible_above
        trials.append(
            Trial(
                id=number,
                pass_number=1,
                values=values,
                seed=1,
                state=TrialState.INFEASIBLE if bad else TrialState.COMPLETE,
                score=None if bad else math.exp(-((math.log10(rate) + 2) ** 2)),
                epochs=9,
            )
        )
    return trials


def width(name: str, span: tuple[float, float]) -> float:
    hp = SPACE[name]
    assert isinstance(hp, Number)
    low, high = hp.to_units(span)
    return float(high - low)


def test_a_hyperparameter_that_matters_gets_the_range_of_its_best_values() -> None:
    found = plausible(SPACE, studied(30), OBJECTIVE, epochs=9)
    low, high = found["learning_rate"]
    assert low < 1e-2 < high
    assert width("learning_rate", (low, high)) < 0.4


def test_one_that_does_not_matter_keeps_nearly_all_of_its_range_wherever_trials_gather() -> None:
    found = plausible(SPACE, studied(30, gather=True), OBJECTIVE, epochs=9)
    assert width("dropout", found["dropout"]) > 0.6


def test_what_could_not_be_trained_is_not_promising() -> None:
    found = plausible(SPACE, studied(40, infeasible_above=0.02), OBJECTIVE, epochs=9)
    assert found["learning_rate"][1] < 0.1


def test_too_few_trials_promise_nothing() -> None:
    assert plausible(SPACE, studied(MIN_TRIALS - 1), OBJECTIVE, epochs=9) == {}
    assert plausible(SPACE, [], OBJECTIVE, epochs=9) == {}


def test_the_same_trials_promise_the_same() -> None:
    once, again = (plausible(SPACE, studied(20), OBJECTIVE, epochs=9) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("span", [(5e-3, 3e-2), (1e-4, 2e-4)])
def test_the_model_narrows_where_the_trials_do_not_tell(span: tuple[float, float]) -> None:
    few = studied(5)
    without = narrow(SPACE, few, OBJECTIVE)["learning_rate"]
    assert without.verdict is Verdict.KEEP
    move = narrow(SPACE, few, OBJECTIVE, promising={"learning_rate": span})["learning_rate"]
    assert move.verdict is Verdict.NARROW
    assert "the model expects the best in" in move.reason
    assert isinstance(move.new, Float)
    assert move.new.low <= span[0] < span[1] <= move.new.high
    best = max(few, key=lambda t: t.score or 0.0).values["learning_rate"]
    assert move.new.low <= float(best) <= move.new.high


def test_a_promise_as_wide_as_the_range_keeps_it() -> None:
    move = narrow(SPACE, studied(5), OBJECTIVE, promising={"dropout": (0.05, 0.75)})["dropout"]
    assert move.verdict is Verdict.KEEP
