import numpy as np
import pytest

from hptune.space import Float, Space
from hptune.strategy.portfolio import build_portfolio, cover
from hptune.study.trial import Direction, Objective, Observation, TrialState

SPACE = Space(hyperparameters=(Float(name="x", low=0.0, high=1.0), Float(name="y", low=0.0, high=1.0)))
UP = Objective(name="accuracy", direction=Direction.MAX)
DOWN = Objective(name="loss", direction=Direction.MIN)


def study(score, points, state=TrialState.COMPLETE):
    return [
        Observation(trial_id=i, values=values, epochs=1, score=score(values["x"]), state=state)
        for i, values in enumerate(points, 1)
    ]


def line(count=11):
    return [{"x": i / (count - 1), "y": 0.5} for i in range(count)]


def test_the_starts_cover_studies_that_disagree():
    left = (UP, study(lambda x: -abs(x - 0.1), line()))
    right = (DOWN, study(lambda x: abs(x - 0.9), line()))
    warm_starts = build_portfolio(SPACE, [left, right], 2)
    assert sorted(s["x"] for s in warm_starts) == pytest.approx([0.1, 0.9], abs=0.11)


def test_one_study_gives_its_best_first():
    warm_starts = build_portfolio(SPACE, [(DOWN, study(lambda x: (x - 0.3) ** 2, line()))], 3)
    assert warm_starts[0]["x"] == pytest.approx(0.3)
    assert len(warm_starts) == 3


def test_values_are_clipped_to_todays_ranges_and_missing_ones_are_defaults():
    points = [{"x": 5.0, "old": 1.0}, {"x": 0.0, "old": 2.0}]
    warm_starts = build_portfolio(SPACE, [(UP, study(lambda x: x, points))], 1)
    assert warm_starts == [{"x": 1.0, "y": 0.5}]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param([], id="nothing told"),
        pytest.param(study(lambda x: None, line(), TrialState.INFEASIBLE), id="nothing trained"),
        pytest.param(
            [Observation(trial_id=1, values={"z": 1}, epochs=1, score=1.0, state=TrialState.COMPLETE)],
            id="nothing in common",
        ),
    ],
)
def test_nothing_is_learned_from_nothing(told):
    assert build_portfolio(SPACE, [(UP, told)], 3) == []


LOSS = np.array([[0.5, 0.0, 1.0, 0.4], [0.1, 0.9, 0.1, 0.4], [0.1, 0.8, 0.0, 0.4]])
"""Three tasks, four configurations; the first is fair everywhere."""


def test_each_further_configuration_helps_where_those_before_it_did_badly():
    assert cover(LOSS, 2) == [0, 1]
    assert cover(LOSS, 9) == [0, 1, 2, 3]


def test_what_is_tried_in_any_case_is_complemented():
    assert cover(LOSS, 1, given=[1]) == [2]
    assert cover(LOSS, 2, given=[1]) == [2, 0]
