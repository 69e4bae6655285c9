import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_tuner.engine import hyperparameters as kt
from support.strategies import hyperparameters, spaces, values_in

from hptune.errors import SpaceError
from hptune.models.keras_tuner_space import from_keras_tuner, to_keras_tuner, values_of, with_values
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Space, Tier
from hptune.space.condition import Condition
from hptune.space.files import ready_space
from hptune.space.scales import Scale

SGD = (Condition(parent="optimizer", values=("sgd",)),)
SPACE = Space(
    name="a space",
    description="with everything",
    hyperparameters=(
        Float(name="momentum", low=0.9, high=0.999, scale=Scale.LOG_COMPLEMENT, when=SGD, tier=Tier.SECOND),
        Float(name="learning_rate", low=1e-4, high=1e-1, scale=Scale.LOG, limits=(1e-7, 10), hard=True),
        Choice(name="optimizer", options=("sgd", "adam")),
        Integer(name="batch_size", low=16, high=256, scale=Scale.LOG, step=2, default=64),
        Integer(name="units", low=4, high=500, scale=Scale.LOG),
        Integer(name="layers", low=1, high=3),
        Float(name="dropout", low=0.0, high=0.5, step=0.1),
        Boolean(name="nesterov", default=True, when=SGD),
        Choice(name="width", options=(1, 2, 4), ordered=True),
        Choice(name="flag", options=(False, True)),
        Choice(name="mixed", options=(1, 0.5)),
        Fixed(name="patience", value=5, description="epochs"),
    ),
)


# To Keras Tuner and back


@given(space=spaces())
@settings(max_examples=150)
def test_a_space_comes_back_from_keras_tuner_without_loss(space: Space) -> None:
    back = from_keras_tuner(to_keras_tuner(space))
    assert back == space
    assert list(back) == list(space)
    assert back.description == space.description


@given(space=spaces())
def test_copies_and_json_keep_a_space_whole(space: Space) -> None:
    hps = to_keras_tuner(space).copy()
    stored = json.loads(json.dumps(hps.get_config(), allow_nan=False))
    again = keras_tuner.HyperParameters.from_config(stored)
    assert from_keras_tuner(hps) == from_keras_tuner(again) == space
    assert again.values == hps.values


def test_a_trial_written_by_keras_tuner_keeps_the_space(tmp_path: Path) -> None:
    trial = keras_tuner.engine.trial.Trial(to_keras_tuner(SPACE))
    path = str(tmp_path / "trial.json")
    trial.save(path)
    loaded = keras_tuner.engine.trial.Trial.load(path)
    assert list(from_keras_tuner(loaded.hyperparameters)) == list(SPACE)


@given(space=spaces())
def test_the_values_are_the_defaults_of_the_active_ones(space: Space) -> None:
    assert values_of(to_keras_tuner(space)) == space.defaults


@given(hp=hyperparameters(), unit=st.floats(0, 1))
def test_keras_tuner_is_given_values_that_the_hyperparameter_can_take(
    hp: Hyperparameter, unit: float
) -> None:
    parameter = to_keras_tuner(Space(hyperparameters=(hp,))).space[0]
    assert hp.contains(parameter.prob_to_value(unit))
    assert hp.contains(parameter.random_sample(seed=1))
    assert all(hp.contains(value) for value in parameter.values)
    assert len(set(map(repr, parameter.values))) == len(parameter.values)


@given(data=st.data(), hp=hyperparameters())
def test_a_value_goes_to_its_probability_and_back(data: st.DataObject, hp: Hyperparameter) -> None:
    parameter = to_keras_tuner(Space(hyperparameters=(hp,))).space[0]
    value = data.draw(values_in(hp))
    probability = parameter.value_to_prob(value)
    assert 0 <= probability <= 1
    back = parameter.prob_to_value(probability)
    if isinstance(value, float) and isinstance(hp, Float):
        assert back == pytest.approx(value, rel=1e-6, abs=1e-9 * (1 + abs(hp.high - hp.low)))
    else:
        assert (type(back), back) == (type(value), value)


def test_a_value_from_outside_the_range_has_a_probability_too() -> None:
    parameter = to_keras_tuner(Space(hyperparameters=(SPACE["learning_rate"],))).space[0]
    assert parameter.value_to_prob(1e-6) == 0
    assert parameter.value_to_prob(1.0) == 1


def test_a_momentum_is_uniform_in_the_log_of_its_complement() -> None:
    parameter = next(p for p in to_keras_tuner(SPACE).space if p.name == "momentum")
    assert parameter.prob_to_value(0.5) == pytest.approx(0.99)
    drawn = np.array([parameter.random_sample(seed) for seed in range(3000)])
    decades = -np.log10(1 - drawn)
    assert decades.min() >= 1
    assert decades.max() <= 3
    shares = np.histogram(decades, bins=4, range=(1, 3))[0] / len(drawn)
    assert shares == pytest.approx([0.25] * 4, abs=0.04)


def test_keras_tuners_own_words_describe_a_range() -> None:
    hps = to_keras_tuner(SPACE)
    batch = next(p for p in hps.space if p.name == "batch_size")
    assert isinstance(batch, kt.Int)
    assert (batch.min_value, batch.max_value, batch.step, batch.sampling) == (16, 256, 2, "log")
    assert batch.values == (16, 32, 64, 128, 256)
    assert isinstance(next(p for p in hps.space if p.name == "patience"), kt.Fixed)
    assert "batch_size" in repr(batch)


def test_a_grid_of_a_range_without_steps_has_ten_values_and_both_ends() -> None:
    rate = next(p for p in to_keras_tuner(SPACE).space if p.name == "learning_rate")
    assert len(rate.values) == 10
    assert (rate.values[0], rate.values[-1]) == (1e-4, 1e-1)
    assert rate.values[3] == pytest.approx(1e-3)


# Keras Tuner's own oracles


def _oracle(name: str, space: Space) -> Any:
    common = {
        "objective": keras_tuner.Objective("score", "max"),
        "hyperparameters": to_keras_tuner(space),
        "seed": 3,
        "max_consecutive_failed_trials": 99,
    }
    make: dict[str, Callable[[], Any]] = {
        "random": lambda: keras_tuner.oracles.RandomSearchOracle(max_trials=None, **common),
        "bayesian": lambda: keras_tuner.oracles.BayesianOptimizationOracle(
            max_trials=None, num_initial_points=4, **common
        ),
        "hyperband": lambda: keras_tuner.oracles.HyperbandOracle(max_epochs=9, factor=3, **common),
        "grid": lambda: keras_tuner.oracles.GridSearchOracle(**common),
    }
    oracle = make[name]()
    oracle.verbose = 0
    if name == "bayesian":
        oracle.gpr.optimizer = None
    # In memory: Keras Tuner writes its files in these two.
    oracle.save = oracle._save_trial = lambda *_: None
    return oracle


def _score(values: dict[str, Any]) -> float:
    return -sum(abs(math.log10(abs(v) + 0.1)) for v in values.values() if not isinstance(v, str))


def _search(name: str, space: Space, trials: int) -> list[dict[str, Any]]:
    oracle = _oracle(name, space)
    found = []
    for number in range(trials):
        trial = oracle.create_trial(f"worker-{number}")
        if trial.status != "RUNNING":
            break
        values = values_of(trial.hyperparameters)
        found.append(values)
        oracle.update_trial(trial.trial_id, {"score": _score(values)})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return found


@pytest.mark.parametrize("name", ["random", "bayesian", "hyperband", "grid"])
@pytest.mark.parametrize(
    "space", [pytest.param(SPACE, id="everything"), pytest.param(ready_space("optimisers"), id="optimisers")]
)
def test_an_oracle_of_keras_tuner_suggests_configurations_of_the_space(
    name: str, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real oracle with fewer steps: Keras Tuner's own fifty searches cost it 20 s a suggestion.
    minimize = scipy.optimize.minimize
    monkeypatch.setattr(scipy.optimize, "minimize", lambda *a, **k: minimize(*a, **k, options={"maxiter": 1}))
    found = _search(name, space, 6 if name == "bayesian" else 30)
    assert len(found) >= 6
    for values in found:
        assert space.problems(values) == []
        assert space.active(values) == {hp.name: values[hp.name] for hp in space if hp.name in values}


def test_a_grid_search_ends_when_it_has_seen_every_configuration() -> None:
    space = Space(
        hyperparameters=(
            Choice(name="optimizer", options=("sgd", "adam")),
            Boolean(name="nesterov", when=SGD),
            Integer(name="batch_size", low=16, high=64, scale=Scale.LOG, step=2),
        )
    )
    found = _search("grid", space, 99)
    assert len(found) == 3 * (2 + 1)
    assert len({tuple(sorted(values.items())) for values in found}) == 9


def test_whole_numbers_and_booleans_keep_their_types_in_a_search() -> None:
    for values in _search("random", SPACE, 10):
        assert type(values["units"]) is int
        assert type(values["batch_size"]) is int
        assert type(values["flag"]) is bool
        assert type(values["dropout"]) is float


# A model's own hyperparameters


def build(hp: keras_tuner.HyperParameters) -> None:
    """Keras Tuner's getting-started example, and what else it offers."""
    for i in range(hp.Int("num_layers", 1, 3)):
        hp.Int(f"units_{i}", min_value=32, max_value=512, step=32)
    hp.Choice("activation", ["relu", "tanh"])
    hp.Boolean("dropout")
    hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")


def test_a_models_own_hyperparameters_are_understood_by_their_names() -> None:
    hps = keras_tuner.HyperParameters()
    build(hps)
    space = from_keras_tuner(hps)
    assert [hp.name for hp in space] == ["num_layers", "units_0", "activation", "dropout", "lr"]
    assert space["num_layers"] == Integer(name="num_layers", low=1, high=3, limits=(1, 12), tier=Tier.THIRD)
    assert space["units_0"] == Integer(
        name="units_0", low=32, high=512, step=32, limits=(1, 8192), tier=Tier.SECOND
    )
    assert space["activation"] == Choice(name="activation", options=("relu", "tanh"))
    assert space["dropout"] == Boolean(name="dropout")
    assert space["lr"] == Float(
        name="lr", low=1e-4, high=1e-2, scale=Scale.LOG, limits=(1e-8, 100.0), tier=Tier.FIRST
    )


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        pytest.param(
            lambda hp: hp.Int("x", 2, 32, step=2, sampling="log"),
            Integer(name="x", low=2, high=32, scale=Scale.LOG, step=2),
            id="powers of two",
        ),
        pytest.param(
            lambda hp: hp.Int("x", 6, 13, step=3), Integer(name="x", low=6, high=13, step=3), id="steps"
        ),
        pytest.param(
            lambda hp: hp.Int("x", 1, 9, default=4), Integer(name="x", low=1, high=9, default=4), id="default"
        ),
        pytest.param(
            lambda hp: hp.Int("x", 1, 9, default=1),
            Integer(name="x", low=1, high=9, default=1),
            id="the lowest as a default",
        ),
        pytest.param(
            lambda hp: hp.Int("x", 1, 9, default=40),
            Integer(name="x", low=1, high=9, default=9),
            id="a default outside the range",
        ),
        pytest.param(
            lambda hp: hp.Float("x", 0, 1, step=0.25),
            Float(name="x", low=0, high=1, step=0.25),
            id="quarters",
        ),
        pytest.param(
            lambda hp: hp.Float("x", 1e-4, 1e-1, step=10, sampling="log"),
            Float(name="x", low=1e-4, high=1e-1, step=10, scale=Scale.LOG),
            id="decades",
        ),
        pytest.param(
            lambda hp: hp.Float("x", 0.0, 1.0, default=0.2),
            Float(name="x", low=0, high=1, default=0.2),
            id="a default",
        ),
        pytest.param(
            lambda hp: hp.Float("x", 0.5, 0.99, sampling="reverse_log"),
            Float(name="x", low=0.5, high=0.99, scale=Scale.LOG_COMPLEMENT),
            id="reverse_log below 1",
        ),
        pytest.param(
            lambda hp: hp.Float("x", 0.5, 1.0, sampling="reverse_log"),
            Float(name="x", low=0.5, high=1.0),
            id="reverse_log up to 1",
        ),
        pytest.param(
            lambda hp: hp.Int("x", 1, 4, sampling="reverse_log"),
            Integer(name="x", low=1, high=4),
            id="reverse_log of whole numbers",
        ),
        pytest.param(
            lambda hp: hp.Int("x", 1, 8, step=2, sampling="reverse_log"),
            Choice(name="x", options=(8, 7, 5, 1), ordered=True, default=1),
            id="reverse_log in steps",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", [16, 32, 64], default=32),
            Choice(name="x", options=(16, 32, 64), ordered=True, default=32),
            id="numbers are ordered",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", [1e-4, 1e-1, 1e-3, 1e-2]),
            Choice(name="x", options=(1e-4, 1e-3, 1e-2, 1e-1), ordered=True, default=1e-4),
            id="numbers in any order are ordered by value",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", [32, 64, 16], default=64),
            Choice(name="x", options=(16, 32, 64), ordered=True, default=64),
            id="the default stays where numbers are put in order",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", [32, 8, 4]),
            Choice(name="x", options=(32, 8, 4), ordered=True),
            id="falling numbers are in order",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", [16, 32], ordered=False),
            Choice(name="x", options=(16, 32)),
            id="unordered",
        ),
        pytest.param(
            lambda hp: hp.Choice("x", ["a", "b", "a"]),
            Choice(name="x", options=("a", "b")),
            id="a choice twice",
        ),
        pytest.param(lambda hp: hp.Choice("x", ["a"]), Fixed(name="x", value="a"), id="one choice"),
        pytest.param(lambda hp: hp.Float("x", 0.5, 0.5), Fixed(name="x", value=0.5), id="one fraction"),
        pytest.param(lambda hp: hp.Int("x", 5, 5), Fixed(name="x", value=5), id="one whole number"),
        pytest.param(lambda hp: hp.Int("x", 5, 7, step=9), Fixed(name="x", value=5), id="one step"),
        pytest.param(lambda hp: hp.Fixed("x", True), Fixed(name="x", value=True), id="fixed"),
        pytest.param(lambda hp: hp.Boolean("x", default=True), Boolean(name="x", default=True), id="boolean"),
    ],
)
def test_each_declaration_of_keras_tuner_has_its_counterpart(
    declare: Callable[[Any], Any], expected: Hyperparameter
) -> None:
    hps = keras_tuner.HyperParameters()
    declare(hps)
    assert list(from_keras_tuner(hps)) == [expected]


def test_the_values_that_keras_tuner_itself_draws_lie_in_the_space() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Int("a", 2, 32, step=2, sampling="log")
    hps.Int("b", 1, 100, sampling="log")
    hps.Float("c", 0, 1, step=0.1)
    hps.Int("d", 1, 8, step=2, sampling="reverse_log")
    hps.Float("e", 0.5, 0.99, sampling="reverse_log")
    space = from_keras_tuner(hps)
    for seed in range(50):
        assert space.problems({p.name: p.random_sample(seed) for p in hps.space}) == []


def test_conditional_scopes_become_conditions() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("optimizer", ["sgd", "adam"])
    with hps.conditional_scope("optimizer", ["sgd"]):
        hps.Float("momentum", 0.0, 0.9)
        hps.Boolean("fancy")
        with hps.conditional_scope("fancy", [True]):
            hps.Boolean("nesterov")
    space = from_keras_tuner(hps)
    assert space["momentum"].when == SGD
    assert space["nesterov"].when == (*SGD, Condition(parent="fancy", values=(True,)))


def test_a_condition_of_true_on_a_number_means_one() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("flag", [True, False])  # Keras Tuner makes 1 and 0 of them
    with hps.conditional_scope("flag", [True]):
        hps.Fixed("x", 1)
    space = from_keras_tuner(hps)
    assert space["flag"].contains(1)
    assert space["x"].when == (Condition(parent="flag", values=(1,)),)


def test_one_name_under_two_conditions_becomes_one_hyperparameter() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("model", ["mlp", "cnn", "linear"])
    for model in ("mlp", "cnn"):
        with hps.conditional_scope("model", [model]):
            hps.Int("units", 8, 64)
    space = from_keras_tuner(hps)
    assert space["units"].when == (Condition(parent="model", values=("mlp", "cnn")),)
    assert space.active({"model": "linear"}) == {"model": "linear"}


def test_one_name_with_and_without_a_condition_has_none() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("model", ["mlp", "cnn"])
    with hps.conditional_scope("model", ["mlp"]):
        hps.Int("units", 8, 64)
    hps.Int("units", 8, 64)
    assert from_keras_tuner(hps)["units"].when == ()


def test_one_name_with_two_ranges_is_an_error_that_says_where() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("model", ["mlp", "cnn"])
    with hps.conditional_scope("model", ["mlp"]):
        hps.Int("units", 8, 64)
    with hps.conditional_scope("model", ["cnn"]):
        hps.Int("units", 8, 32)
    with pytest.raises(SpaceError, match="units: declared twice") as caught:
        from_keras_tuner(hps)
    assert "8..64 where model is mlp, 8..32 where model is cnn" in caught.value.message
    assert "units_cnn" in caught.value.hint


def test_one_name_under_conditions_that_no_list_says_is_an_error() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Boolean("a")
    hps.Boolean("b")
    for parent in ("a", "b"):
        with hps.conditional_scope(parent, [True]):
            hps.Int("units", 8, 64)
    with pytest.raises(SpaceError, match="a is True; or b is True"):
        from_keras_tuner(hps)


def test_what_can_never_be_active_is_left_out() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Choice("model", ["mlp", "cnn"])
    with hps.conditional_scope("model", ["rnn"]):
        hps.Boolean("stateful")
        with hps.conditional_scope("stateful", [True]):
            hps.Int("units", 8, 64)
    assert [hp.name for hp in from_keras_tuner(hps)] == ["model"]


def test_names_in_scopes_are_understood_by_their_last_part() -> None:
    hps = keras_tuner.HyperParameters()
    with hps.name_scope("encoder"):
        hps.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    assert from_keras_tuner(hps)["encoder/learning_rate"].tier is Tier.FIRST


def test_a_hyperparameter_that_a_model_adds_joins_the_space() -> None:
    hps = to_keras_tuner(SPACE)
    hps.Int("units_9", 8, 64)
    hps.Float("momentum", 0.0, 0.5)  # the model's own range of one that the space has
    space = from_keras_tuner(hps)
    assert [hp.name for hp in space] == [*(hp.name for hp in SPACE), "units_9"]
    assert space["momentum"] == SPACE["momentum"]


def test_keras_tuners_bookkeeping_is_no_part_of_a_space() -> None:
    hps = keras_tuner.HyperParameters()
    hps.Fixed("tuner/epochs", 5)
    hps.Int("units", 8, 64)
    assert [hp.name for hp in from_keras_tuner(hps)] == ["units"]
    assert values_of(hps) == {"units": 8}


def test_a_kind_that_is_not_known_is_refused() -> None:
    class Strange(kt.HyperParameter):  # type: ignore[misc]
        default = 1

    hps = keras_tuner.HyperParameters()
    hps._space.append(Strange("x"))
    with pytest.raises(SpaceError, match="a Strange is not a kind"):
        from_keras_tuner(hps)


# Values for a model


def test_a_model_is_built_with_the_values_it_is_given() -> None:
    hps = with_values(SPACE, {"optimizer": "adam", "units": 7, "momentum": 0.95})
    assert hps.get("units") == 7
    assert hps.Int("units", 4, 500) == 7
    assert hps.Choice("optimizer", ["sgd", "adam"]) == "adam"
    assert "momentum" not in hps.values
    assert hps.get("batch_size") == 64


def test_a_conditional_value_reaches_the_model_under_its_own_name() -> None:
    hps = with_values(SPACE, {"optimizer": "sgd", "momentum": 0.95})
    assert hps.get("momentum") == 0.95
    with hps.conditional_scope("optimizer", ["sgd"]):
        assert hps.Float("momentum", 0.9, 0.999) == 0.95


def test_values_of_earlier_passes_may_lie_outside_the_range() -> None:
    assert values_of(with_values(SPACE, {"units": 5000}))["units"] == 5000


def test_an_unknown_name_is_refused_and_keras_tuners_own_are_let_through() -> None:
    with pytest.raises(SpaceError, match="no hyperparameter is named 'unit'") as caught:
        with_values(SPACE, {"unit": 7})
    assert caught.value.hint == "Did you mean 'units'?"
    hps = with_values(SPACE, {"tuner/epochs": 3})
    assert hps.values["tuner/epochs"] == 3
    assert "tuner/epochs" not in values_of(hps)


def test_values_are_plain_python() -> None:
    hps = to_keras_tuner(SPACE)
    hps.values["learning_rate"] = np.float64(0.01)
    hps.values["units"] = np.int64(7)
    found = values_of(hps)
    assert (type(found["learning_rate"]), type(found["units"])) == (float, int)
