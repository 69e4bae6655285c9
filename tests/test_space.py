import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import hyperparameters, numbers, spaces

from hptune.errors import SpaceError
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Number, Space, Tier
from hptune.space.condition import Condition, same_value
from hptune.space.scales import Scale

RATE = Float(name="learning_rate", low=1e-4, high=1e-1, scale=Scale.LOG, tier=Tier.FIRST)
OPTIMIZER = Choice(name="optimizer", options=("sgd", "adam"))
MOMENTUM = Float(
    name="momentum",
    low=0.5,
    high=0.99,
    scale=Scale.LOG_COMPLEMENT,
    when=(Condition(parent="optimizer", values=("sgd",)),),
)


# What a hyperparameter can take


@given(hp=hyperparameters(), unit=st.floats(0, 1))
def test_whatever_is_drawn_is_a_value_the_hyperparameter_can_take(hp: Hyperparameter, unit: float) -> None:
    assert hp.contains(hp.at(unit))
    assert hp.contains(hp.initial)


@given(hp=numbers(), unit=st.floats(0, 1))
def test_snapping_twice_is_snapping_once(hp: Number, unit: float) -> None:
    x = hp.low + unit * (hp.high - hp.low)
    once = float(hp.snap(x))
    assert hp.contains(once)
    assert math.isclose(float(hp.snap(once)), once, rel_tol=1e-9, abs_tol=1e-12)


@given(hp=hyperparameters())
def test_size_counts_the_values(hp: Hyperparameter) -> None:
    if hp.size is not None and hp.size <= 20:
        drawn = [hp.at(unit) for unit in np.linspace(0, 1, 400)]
        assert len({(type(value), value) for value in drawn}) == hp.size


@given(hp=numbers())
def test_the_ends_of_a_range_can_be_drawn(hp: Number) -> None:
    assert hp.at(0.0) == hp.low
    if hp.step is None:
        assert hp.at(1.0) == hp.high


@pytest.mark.parametrize(
    ("hp", "values"),
    [
        pytest.param(
            Integer(name="b", low=16, high=100, scale=Scale.LOG, step=2), [16, 32, 64], id="powers of two"
        ),
        pytest.param(Integer(name="b", low=6, high=13, step=3), [6, 9, 12], id="steps"),
        pytest.param(
            Integer(name="b", low=1, high=10, scale=Scale.LOG, step=1.5),
            [1, 2, 3, 5, 8],
            id="a factor between whole numbers gives each of them once",
        ),
        pytest.param(Float(name="x", low=0.1, high=0.5, step=0.1), [0.1, 0.2, 0.3, 0.4, 0.5], id="tenths"),
        pytest.param(
            Float(name="x", low=1e-4, high=1e-2, scale=Scale.LOG, step=10), [1e-4, 1e-3, 1e-2], id="decades"
        ),
        pytest.param(Integer(name="n", low=1, high=3), [1, 2, 3], id="whole numbers"),
        pytest.param(Choice(name="c", options=("a", "b")), ["a", "b"], id="choices"),
        pytest.param(Boolean(name="f"), [False, True], id="a boolean"),
        pytest.param(Fixed(name="p", value=5), [5], id="a fixed value"),
    ],
)
def test_equal_parts_of_the_unit_interval_give_each_value(hp: Hyperparameter, values: list[Any]) -> None:
    assert hp.size == len(values)
    assert [hp.at((i + 0.5) / len(values)) for i in range(len(values))] == values
    assert all(hp.contains(value) for value in values)


def test_the_ends_of_whole_numbers_are_as_likely_as_their_neighbours() -> None:
    units = (np.arange(30_000) + 0.5) / 30_000
    linear = [Integer(name="n", low=1, high=3).at(u) for u in units]
    assert np.bincount(linear)[1:].tolist() == pytest.approx([10_000] * 3, abs=2)
    wide = np.bincount([Integer(name="n", low=1, high=64, scale=Scale.LOG).at(u) for u in units])
    assert wide[1] > wide[2] > wide[3]
    assert wide[63] == pytest.approx(wide[64], rel=0.1)


@pytest.mark.parametrize(
    ("hp", "value"),
    [
        (RATE, 0.2),
        (RATE, "0.01"),
        (RATE, True),
        (RATE, math.nan),
        (Integer(name="n", low=1, high=3), 1.5),
        (Integer(name="n", low=1, high=9, step=2), 2),
        (OPTIMIZER, "Adam"),
        (Choice(name="c", options=(0, 1)), True),
        (Boolean(name="f"), 1),
        (Fixed(name="p", value=1), True),
    ],
)
def test_other_values_are_not_taken(hp: Hyperparameter, value: Any) -> None:
    assert not hp.contains(value)


def test_a_default_is_the_middle_of_the_range_on_its_scale() -> None:
    assert RATE.default == pytest.approx(10**-2.5)
    assert MOMENTUM.default == pytest.approx(1 - math.sqrt(0.5 * 0.01))
    assert Integer(name="n", low=1, high=9).default == 5
    assert OPTIMIZER.default == "sgd"


def test_limits_are_the_range_where_none_are_given() -> None:
    assert RATE.limits == (1e-4, 1e-1)


def test_true_is_not_one_but_one_is_one_point_nought() -> None:
    assert same_value(1, 1.0)
    assert not same_value(1, True)


# What no hyperparameter may be


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(lambda: Float(name="", low=0, high=1), "needs a name", id="no name"),
        pytest.param(lambda: Fixed(name="tuner/epochs", value=1), "Keras Tuner's own", id="reserved name"),
        pytest.param(
            lambda: Float(name="x", low=1, high=0), "x: low 1 must be below high 0", id="low > high"
        ),
        pytest.param(lambda: Float(name="x", low=1, high=1), "low 1 must be below high 1", id="low = high"),
        pytest.param(lambda: Float(name="x", low=0, high=math.inf), "must be finite", id="infinite"),
        pytest.param(lambda: Float(name="x", low=math.nan, high=1), "must be finite", id="nan"),
        pytest.param(lambda: Float(name="x", low="0", high=1), "must be a number, got '0'", id="text"),  # type: ignore[arg-type]
        pytest.param(lambda: Float(name="x", low=0, high=1, scale=Scale.LOG), "above 0", id="log from 0"),
        pytest.param(
            lambda: Float(name="x", low=0, high=1, scale=Scale.LOG_COMPLEMENT), "below 1", id="1 − x to 1"
        ),
        pytest.param(
            lambda: Float(name="x", low=0, high=0.9, scale=Scale.LOG_COMPLEMENT, step=0.1),
            "no meaning",
            id="1 − x with a step",
        ),
        pytest.param(
            lambda: Float(name="x", low=1, high=9, scale=Scale.LOG, step=1), "above 1", id="factor 1"
        ),
        pytest.param(lambda: Float(name="x", low=1, high=9, step=-1), "above 0", id="negative step"),
        pytest.param(lambda: Float(name="x", low=0, high=1, default=2), "default 2", id="default outside"),
        pytest.param(
            lambda: Float(name="x", low=0, high=1, step=0.5, default=0.3), "with step 0.5", id="off the grid"
        ),
        pytest.param(
            lambda: Float(name="x", low=0, high=2, limits=(0, 1)), "reaches past its limits", id="limits"
        ),
        pytest.param(
            lambda: Float(name="x", low=1, high=2, scale=Scale.LOG, limits=(0, 2)),
            "limits of a log range",
            id="log limits",
        ),
        pytest.param(
            lambda: Float(name="x", low=0, high=0.5, scale=Scale.LOG_COMPLEMENT, limits=(0, 1)),
            "limits of a log_complement range",
            id="1 − x limits",
        ),
        pytest.param(
            lambda: Float(name="x", low=0, high=1, limits=("a", 1)),  # type: ignore[arg-type]
            "limits must be a number",
            id="text limits",
        ),
        pytest.param(
            lambda: Float(name="x", low=0, high=1, limits=(0, 1, 2)),  # type: ignore[arg-type]
            "limits must be two",
            id="three limits",
        ),
        pytest.param(lambda: Float(name="x", low=0, high=1, limits=(0, math.inf)), "finite", id="no wall"),
        pytest.param(lambda: Integer(name="n", low=1.5, high=3), "whole number, got 1.5", id="not whole"),
        pytest.param(lambda: Integer(name="n", low=1, high=3, step=0.5), "whole number", id="half steps"),
        pytest.param(
            lambda: Integer(name="n", low=1, high=9**9, scale=Scale.LOG, step=1.000001),
            "too small for whole numbers",
            id="tiny factor",
        ),
        pytest.param(lambda: Choice(name="c", options=()), "no choices", id="no choices"),
        pytest.param(lambda: Choice(name="c", options=("a",)), "only one choice", id="one choice"),
        pytest.param(lambda: Choice(name="c", options=("a", "a")), "listed twice", id="a choice twice"),
        pytest.param(lambda: Choice(name="c", options=(1, 1.0)), "listed twice", id="the same number twice"),
        pytest.param(lambda: Choice(name="c", options=("a", 1)), "all text", id="mixed choices"),
        pytest.param(lambda: Choice(name="c", options=(1, True)), "all booleans", id="1 and true"),
        pytest.param(lambda: Choice(name="c", options=(1, None)), "got None", id="None"),  # type: ignore[arg-type]
        pytest.param(lambda: Choice(name="c", options=(1.0, math.nan)), "finite", id="a choice of nan"),
        pytest.param(lambda: Choice(name="c", options=("a", "b"), default="d"), "not among", id="default"),
        pytest.param(lambda: Boolean(name="f", default=1), "true or false", id="a boolean's default"),  # type: ignore[arg-type]
        pytest.param(lambda: Fixed(name="p", value=math.inf), "finite", id="fixed at infinity"),
        pytest.param(lambda: Fixed(name="p", value=None), "got None", id="fixed at None"),  # type: ignore[arg-type]
        pytest.param(lambda: Condition(parent="p", values=()), "no value is listed", id="empty condition"),
        pytest.param(lambda: Condition(parent="p", values=(math.nan,)), "finite", id="condition on nan"),
        pytest.param(
            lambda: Fixed(
                name="x",
                value=1,
                when=(Condition(parent="p", values=(1,)), Condition(parent="p", values=(2,))),
            ),
            "'p' is listed twice",
            id="one parent twice",
        ),
    ],
)
def test_an_invalid_hyperparameter_can_not_be_made(made: Any, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        made()


def test_a_wrong_default_gets_the_nearest_choice_as_a_hint() -> None:
    with pytest.raises(SpaceError) as caught:
        Choice(name="c", options=("adam", "sgd"), default="adm")
    assert caught.value.hint == "Did you mean 'adam'?"


# Spaces


def test_a_name_can_be_used_once() -> None:
    with pytest.raises(SpaceError, match="learning_rate: the name is used twice"):
        Space(hyperparameters=(RATE, RATE))


def test_a_condition_on_an_unknown_name_gets_the_nearest_name() -> None:
    with pytest.raises(
        SpaceError, match="momentum: when: no hyperparameter of this space is named 'optimizer'"
    ) as caught:
        Space(hyperparameters=(MOMENTUM, replace(OPTIMIZER, name="optimiser")))
    assert caught.value.hint == "Did you mean 'optimiser'?"


@pytest.mark.parametrize(
    ("parent", "value", "said"),
    [
        (OPTIMIZER, "sgdd", "optimizer can't be 'sgdd'"),
        (OPTIMIZER, 1, "it is text, not number"),
        (Integer(name="optimizer", low=1, high=3), "two", "it is number, not text"),
        (Boolean(name="optimizer"), "yes", "it is boolean, not text"),
        (Fixed(name="optimizer", value=True), 1, "it is boolean, not number"),
    ],
)
def test_a_condition_that_its_parent_can_never_meet_is_an_error(
    parent: Hyperparameter, value: Any, said: str
) -> None:
    child = Fixed(name="x", value=1, when=(Condition(parent="optimizer", values=(value,)),))
    with pytest.raises(SpaceError, match=said):
        Space(hyperparameters=(parent, child))


def test_conditions_in_a_circle_are_an_error() -> None:
    a = Boolean(name="a", when=(Condition(parent="b", values=(True,)),))
    b = Boolean(name="b", when=(Condition(parent="a", values=(True,)),))
    with pytest.raises(SpaceError, match="the conditions go in a circle: a → b → a"):
        Space(hyperparameters=(a, b))


def test_a_hyperparameter_can_not_depend_on_itself() -> None:
    with pytest.raises(SpaceError, match="circle: a → a"):
        Space(hyperparameters=(Boolean(name="a", when=(Condition(parent="a", values=(True,)),)),))


def test_parents_may_be_listed_after_those_that_depend_on_them() -> None:
    space = Space(hyperparameters=(MOMENTUM, OPTIMIZER))
    assert [hp.name for hp in space] == ["momentum", "optimizer"]
    assert [hp.name for hp in space.ordered] == ["optimizer", "momentum"]


def test_only_active_hyperparameters_have_values() -> None:
    space = Space(hyperparameters=(OPTIMIZER, MOMENTUM))
    assert space.active({"optimizer": "adam", "momentum": 0.9}) == {"optimizer": "adam"}
    assert space.active({"optimizer": "sgd", "momentum": 0.9}) == {"optimizer": "sgd", "momentum": 0.9}
    assert space.full({"optimizer": "adam"}) == {"optimizer": "adam", "momentum": MOMENTUM.default}


def test_a_child_of_an_inactive_parent_is_inactive() -> None:
    nesterov = Boolean(name="nesterov", when=(Condition(parent="momentum", values=(0.9,)),))
    space = Space(hyperparameters=(OPTIMIZER, MOMENTUM, nesterov))
    assert "nesterov" not in space.active({"optimizer": "adam", "momentum": 0.9})
    assert "nesterov" in space.active({"optimizer": "sgd", "momentum": 0.9})


@given(space=spaces(), seed=st.integers(0, 2**32 - 1))
def test_what_is_drawn_lies_in_the_space(space: Space, seed: int) -> None:
    drawn = space.sample(np.random.default_rng(seed))
    assert space.problems(drawn) == []
    assert space.active(drawn) == drawn
    assert space.problems(space.defaults) == []


@given(space=spaces(), data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_list_changes_neither_the_space_nor_what_is_drawn(
    space: Space, data: st.DataObject, seed: int
) -> None:
    other = replace(
        space, hyperparameters=data.draw(st.permutations(space.hyperparameters)), description="other"
    )
    assert other == space
    assert hash(other) == hash(space)
    assert other.sample(np.random.default_rng(seed)) == space.sample(np.random.default_rng(seed))


def test_spaces_with_other_ranges_or_names_differ() -> None:
    space = Space(hyperparameters=(RATE,), name="a")
    assert space != replace(space, name="b")
    assert space != Space(hyperparameters=(replace(RATE, high=0.2, limits=None),), name="a")
    assert space != "a"


def test_problems_name_unknown_names_and_values_outside() -> None:
    space = Space(hyperparameters=(RATE,))
    assert space.problems({"learning_rate": 5.0, "x": 1})[0] == "x: not in the space"
    assert space.problems({"learning_rate": 5.0})[0].startswith("learning_rate: 5.0 is outside")


def test_the_size_of_a_space_is_known_where_it_ends() -> None:
    assert Space(hyperparameters=(OPTIMIZER, Boolean(name="f"))).size == 4
    assert Space(hyperparameters=(OPTIMIZER, RATE)).size is None


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(SpaceError, match="no hyperparameter is named 'learning_rat'") as caught:
        Space(hyperparameters=(RATE,))["learning_rat"]
    assert caught.value.hint == "Did you mean 'learning_rate'?"


def test_hyperparameters_are_replaced_by_name() -> None:
    space = Space(hyperparameters=(RATE, OPTIMIZER))
    frozen = space.with_changes([Fixed(name="learning_rate", value=0.01)])
    assert [hp.name for hp in frozen] == ["learning_rate", "optimizer"]
    assert frozen.searched == (OPTIMIZER,)
    with pytest.raises(SpaceError):
        space.with_changes([Fixed(name="x", value=0.01)])
