"""The table of options: what is let in, what is refused, and that each one does something."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from support.recipes import EFFECTS, FACTS

from hptune.errors import SpaceError
from hptune.models.recipes import OPTIONS, check_space, make_recipe, remarks, resolve
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Integer, Space
from hptune.space.scales import Scale


def space(*hyperparameters: Hyperparameter) -> Space:
    return Space(hyperparameters=hyperparameters)


def test_the_effect_of_every_option_is_tested() -> None:
    assert EFFECTS.keys() == OPTIONS.keys()


@pytest.mark.parametrize(
    ("recipe", "name"),
    [pytest.param(recipe, o.name, id=f"{recipe}-{o.name}") for o in OPTIONS.values() for recipe in o.recipes],
)
def test_every_option_changes_what_is_trained(recipe: str, name: str) -> None:
    around, value = EFFECTS[name]
    assert make_recipe(recipe, {**around, name: value}, FACTS) != make_recipe(recipe, around, FACTS)


@pytest.mark.parametrize("recipe", ["mlp", "cnn"])
def test_without_values_every_option_has_the_default_of_the_table(recipe: str) -> None:
    full = resolve({}, recipe)
    assert full == {
        **{o.name: o.default for o in OPTIONS.values() if recipe in o.recipes},
        "learning_rate": 0.001,
    }


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        pytest.param({"optimizer": "sgd"}, 0.01, id="the default of the optimiser"),
        pytest.param({"optimizer": "sgd", "learning_rate": 0.2}, 0.2, id="the common one"),
        pytest.param({"optimizer": "sgd", "learning_rate": 0.2, "learning_rate_sgd": 0.3}, 0.3, id="its own"),
        pytest.param({"optimizer": "sgd", "learning_rate_adam": 0.3}, 0.01, id="not another's"),
        pytest.param({"optimizer": "adam", "learning_rate_adam": 0.3}, 0.3, id="that of adam"),
        pytest.param({"optimizer": "rmsprop", "learning_rate_rmsprop": 0.3}, 0.3, id="that of rmsprop"),
    ],
)
def test_the_learning_rate_that_holds(values: dict[str, Any], rate: float) -> None:
    assert resolve(values, "mlp")["learning_rate"] == rate
    recipe = make_recipe("mlp", values, FACTS)
    assert (recipe.schedule(0), recipe.optimizer.arguments["learning_rate"]) == (rate, rate)
    assert recipe.schedule(9) == rate


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        pytest.param({"schedule": "time", "decay_rate": 0.5}, 0.001 / (1 + 0.5 * 7), id="time"),
        pytest.param({"schedule": "sqrt", "decay_rate": 2.0}, 0.001 / math.sqrt(1 + 2.0 * 7), id="sqrt"),
        pytest.param(
            {"schedule": "step", "decay_rate": 0.2, "drop_every": 3}, 0.001 * math.exp(-0.2 * 6), id="step"
        ),
        pytest.param(
            {"schedule": "cosine", "decay_epochs": 14}, 0.001 * (1 + math.cos(math.pi / 2)) / 2, id="cosine"
        ),
    ],
)
def test_the_rate_of_an_epoch_is_what_the_options_say(values: dict[str, Any], rate: float) -> None:
    assert make_recipe("mlp", values, FACTS).schedule(7) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"activation": "rleu"}, "activation: 'rleu' is not relu", id="unknown choice"),
        pytest.param({"dropout": 1.0}, "dropout: 1.0 is not a number at least 0 below 1", id="open end"),
        pytest.param({"learning_rate": 0}, "above 0", id="zero learning rate"),
        pytest.param({"layers": 2.5}, "layers: 2.5 is not a whole number", id="fraction"),
        pytest.param({"layers": True}, "layers: True is not a whole number", id="boolean for a number"),
        pytest.param({"nesterov": 1}, "nesterov: 1 is not true or false", id="number for a boolean"),
        pytest.param({"batch_size": "some"}, "batch_size: 'some'", id="batch size in words"),
        pytest.param({"batch_size": 0}, "batch_size: 0", id="batch of none"),
        pytest.param({"learning_rates": "fast"}, "learning_rates", id="rates in words"),
        pytest.param({"momentun": 0.9}, "momentun: the recipe mlp has no such option", id="unknown option"),
        pytest.param({"filters": 8}, "filters: the recipe mlp has no such option", id="another recipe's"),
        pytest.param({"units_0": 8}, "units_0: the recipe mlp has no such option", id="layers count from 1"),
    ],
)
def test_a_wrong_value_or_name_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message.replace("(", r"\(")):
        resolve(values, "mlp")


def test_what_was_meant_is_guessed() -> None:
    with pytest.raises(SpaceError) as wrong_name:
        resolve({"momentun": 0.9}, "mlp")
    with pytest.raises(SpaceError) as wrong_value:
        resolve({"activation": "rleu"}, "mlp")
    assert wrong_name.value.hint == "Did you mean 'momentum'?"
    assert wrong_value.value.hint == "Did you mean 'relu'?"


def test_a_batch_size_among_texts_is_a_number() -> None:
    assert resolve({"batch_size": "64"}, "mlp")["batch_size"] == 64
    assert resolve({"batch_size": "all"}, "mlp")["batch_size"] == "all"


def test_a_space_of_known_options_passes() -> None:
    check_space(
        space(
            Choice(name="optimizer", options=("sgd", "adam")),
            Float(name="learning_rate_sgd", low=1e-4, high=1, scale=Scale.LOG),
            Float(name="momentum", low=0, high=0.99, when=(Condition(parent="optimizer", values=("sgd",)),)),
            Choice(name="batch_size", options=("32", "64", "all")),
            Integer(name="layers", low=0, high=3),
            Integer(name="units_2", low=4, high=8),
            Boolean(name="batch_normalization"),
            Fixed(name="dropout", value=0.1),
        ),
        "mlp",
    )


@pytest.mark.parametrize(
    ("hyperparameter", "message"),
    [
        pytest.param(Float(name="droput", low=0, high=0.5), "droput", id="unknown name"),
        pytest.param(Float(name="dropout", low=0, high=1), "dropout: 1.0 is not", id="an end out of bounds"),
        pytest.param(
            Choice(name="activation", options=("relu", "relv")), "relv", id="a choice out of bounds"
        ),
        pytest.param(
            Fixed(name="clipping", value="norm"), "clipping: 'norm'", id="a fixed value out of bounds"
        ),
        pytest.param(
            Float(name="layers", low=1, high=3), "layers: must be whole numbers", id="fractions of layers"
        ),
        pytest.param(
            Float(name="momentum", low=0, high=0.9), "does nothing here", id="no effect without sgd"
        ),
        pytest.param(Fixed(name="clip_threshold", value=1.0), "clipping is never clipnorm", id="no clipping"),
        pytest.param(Fixed(name="ema_momentum", value=0.9), "ema is never true", id="no averaging"),
    ],
)
def test_a_space_that_can_not_be_meant_is_refused(hyperparameter: Hyperparameter, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        check_space(space(hyperparameter), "mlp")


def test_an_option_is_let_in_where_its_parent_may_ask_for_it() -> None:
    check_space(space(Boolean(name="ema"), Fixed(name="ema_momentum", value=0.9)), "mlp")
    check_space(space(Float(name="beta_1", low=0.8, high=0.9)), "mlp")


def test_the_range_of_an_option_is_told_in_words() -> None:
    assert OPTIONS["dropout"].range == "a number at least 0 below 1"
    assert OPTIONS["pooling"].range == "max, average"
    assert OPTIONS["nesterov"].range == "true or false"


def test_a_batch_is_never_larger_than_the_data() -> None:
    assert make_recipe("mlp", {"batch_size": 512}, FACTS).batch_size == 100
    assert make_recipe("mlp", {"batch_size": "all"}, FACTS).batch_size == 100
    assert make_recipe("mlp", {"batch_size": "all"}, replace(FACTS, rows=7)).batch_size == 7


def test_choices_that_are_seldom_meant_are_told() -> None:
    unusual = space(
        Choice(name="kernel_initializer", options=("he_normal", "zeros")),
        Choice(name="batch_size", options=("32", "all")),
        Fixed(name="activation", value="selu"),
    )
    told = remarks(unusual, replace(FACTS, rows=50_000))
    assert [text.split(":")[0] for text in told] == [
        "kernel_initializer zeros",
        "batch_size all",
        "activation selu",
    ]
    assert "50,000 rows" in told[1]


def test_usual_choices_are_not_remarked_on() -> None:
    usual = space(
        Choice(name="batch_size", options=("32", "all")),
        Fixed(name="activation", value="selu"),
        Choice(name="kernel_initializer", options=("auto", "he_normal")),
    )
    assert [text.split(":")[0] for text in remarks(usual, FACTS)] == ["activation selu"]
    assert remarks(space(Fixed(name="activation", value="selu")), FACTS) == ()
    assert remarks(space(Integer(name="batch_size", low=1, high=9)), FACTS) == ()
