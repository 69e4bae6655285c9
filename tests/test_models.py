"""The model door: recipes and a person's own models."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.data import Dataset, DataSplit, Task
from hptune.errors import ModelError, SpaceError
from hptune.models.backend import keras
from hptune.models.load import load_model
from hptune.models.recipe_model import RecipeModel
from hptune.models.user_model import UserModel
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Integer, Number, Space
from hptune.space.files import load_space
from hptune.space.names import limits_for
from hptune.space.scales import Scale


def dataset(task: Task = Task.MULTICLASS, shape: tuple[int, ...] = (4,)) -> Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3 if task is not Task.REGRESSION else rng.normal(50, 5, 24)
    y = y.astype(np.float32 if task is Task.REGRESSION else np.int32)
    x = rng.normal(size=(24, *shape)).astype(np.float32)
    classes = ("a", "b", "c") if task is Task.MULTICLASS else ()
    parts = {"train": DataSplit(x=x[:18], y=y[:18]), "validation": DataSplit(x=x[18:], y=y[18:])}
    return Dataset(name="made", task=task, classes=classes, fingerprint=task.value, **parts)


DATA = dataset()
SMALL = Space(hyperparameters=(Integer(name="units", low=2, high=4), Fixed(name="layers", value=1)))

HEAD = """
import keras
from keras import layers
import keras_tuner


def compiled(model, optimizer="sgd"):
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


"""

Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a model file; returns FILE.py:build."""

    def write(body: str) -> str:
        path = tmp_path / "model.py"
        path.write_text(HEAD + body, encoding="utf-8")
        return f"{path}:build"

    return write


# Recipes


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_a_recipe_comes_with_its_ready_space(name: str) -> None:
    model = load_model(name, dataset(shape=(4, 4, 1)))
    assert isinstance(model, RecipeModel)
    assert model.space().name == name
    assert model.build(model.space().defaults, seed=0).output_shape == (None, 3)


def test_a_recipe_searches_the_space_it_is_given() -> None:
    assert load_model("mlp", DATA, space=SMALL).space() == SMALL


def test_a_space_that_does_not_fit_the_recipe_is_refused() -> None:
    with pytest.raises(SpaceError, match="unit: the recipe mlp has no such option"):
        load_model("mlp", DATA, space=Space(hyperparameters=(Integer(name="unit", low=2, high=4),)))


def test_an_unknown_model_is_refused_with_what_there_is() -> None:
    with pytest.raises(ModelError, match="no model is named 'mpl'") as refused:
        load_model("mpl", DATA)
    assert "Did you mean 'mlp'?" in refused.value.hint
    assert "FILE.py:build" in refused.value.hint


def test_data_that_a_recipe_can_not_learn_are_refused_at_once() -> None:
    with pytest.raises(ModelError, match="needs images"):
        load_model("cnn", dataset(shape=(5,)))


def test_the_seed_decides_the_first_weights() -> None:
    model = load_model("mlp", DATA, space=SMALL)

    def first(seed: int) -> Any:
        return model.build({"units": 3}, seed=seed).get_weights()[0]

    assert (first(0) == first(0)).all()
    assert (first(0) != first(1)).any()


def test_a_regression_learns_z_scores_of_the_training_targets() -> None:
    data = dataset(Task.REGRESSION)
    arrays = load_model("mlp", data, space=SMALL).arrays(data, {})
    assert arrays.y.shape == (18, 1)
    assert arrays.y.mean() == pytest.approx(0, abs=1e-6)
    assert arrays.y.std() == pytest.approx(1, rel=1e-5)
    mean, deviation = data.train.y.mean(), data.train.y.std()
    assert arrays.validation_y[:, 0] == pytest.approx((data.validation.y - mean) / deviation, rel=1e-4)


def test_classes_and_inputs_are_given_as_they_are() -> None:
    arrays = load_model("mlp", DATA, space=SMALL).arrays(DATA, {})
    assert arrays.x is DATA.train.x
    assert arrays.y is DATA.train.y


def test_the_cosine_schedule_spans_the_epochs_of_a_full_training() -> None:
    space = Space(hyperparameters=(Fixed(name="schedule", value="cosine"),))
    training = load_model("mlp", DATA, space=space, epochs=8).training({"schedule": "cosine"}, 18)
    assert training.learning_rate is not None
    assert training.learning_rate(8) == pytest.approx(0)


def test_two_configurations_share_a_graph_only_where_nothing_but_the_learning_rate_differs() -> None:
    model = load_model("mlp", DATA, space=SMALL)
    base = {"units": 3, "learning_rate": 0.1}
    assert model.graph_key(base) == model.graph_key({**base, "learning_rate": 0.2})
    assert model.graph_key(base) == model.graph_key({**base, "schedule": "time"})
    assert model.graph_key(base) != model.graph_key({**base, "units": 4})
    assert model.graph_key(base) != model.graph_key({**base, "beta_1": 0.5})


def test_a_stock_keras_tuner_searches_a_recipe(tmp_path: Path) -> None:
    import keras_tuner

    space = Space(
        hyperparameters=(
            Integer(name="units", low=2, high=4),
            Choice(name="optimizer", options=("sgd", "adam")),
            Float(name="momentum", low=0, high=0.9, when=(Condition(parent="optimizer", values=("sgd",)),)),
        )
    )
    model = load_model("mlp", DATA, space=space)
    assert isinstance(model, RecipeModel)
    tuner = keras_tuner.RandomSearch(
        model.keras_tuner_build, "val_loss", max_trials=2, directory=tmp_path, overwrite=True, seed=1
    )
    held = (DATA.validation.x, DATA.validation.y)
    tuner.search(DATA.train.x, DATA.train.y, validation_data=held, epochs=1, verbose=0)
    found = tuner.get_best_hyperparameters(2)
    assert len({tuple(hp.values.items()) for hp in found}) == 2
    assert all(2 <= hp.get("units") <= 4 for hp in found)
    built = model.keras_tuner_build(found[0])
    assert built.layers[1].units == found[0].get("units")


# A person's own


def test_the_hyperparameters_of_a_build_function_are_found(written: Written) -> None:
    model = load_model(
        written(
            """def build(hp):
    model = keras.Sequential([layers.Flatten()])
    activation = hp.Choice("activation", ["relu", "tanh"])
    model.add(layers.Dense(hp.Int("units", 2, 6, step=2), activation=activation))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(0.25))
    return compiled(model, keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log")))
"""
        ),
        DATA,
    )
    space = model.space()
    assert [type(space[name]) for name in ("units", "activation", "dropout", "lr")] == [
        *(Integer, Choice, Boolean, Float)
    ]
    assert not any(hp.when for hp in space)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ('"flag", [True, False]', Boolean(name="flag", default=True)),
        ('"flag", [False, True]', Boolean(name="flag")),
        ('"flag", [True, False], default=False', Boolean(name="flag")),
        ('"flag", [True, False], None, False', Boolean(name="flag")),
        ('"flag", values=[True, False], ordered=False', Boolean(name="flag", default=True)),
        ('"flag", [1, 0]', Choice(name="flag", options=(1, 0), ordered=True)),
    ],
)
def test_a_choice_of_booleans_is_a_boolean(written: Written, declared: str, expected: Hyperparameter) -> None:
    body = f"""def build(hp):
    hp.Choice({declared})
    assert hp.get("flag") in (True, False)
    return compiled(keras.Sequential())
"""
    assert list(load_model(written(body), DATA).space()) == [expected]


def test_a_choice_of_booleans_reaches_the_build_function_as_one(written: Written) -> None:
    body = """def build(hp):
    biased = hp.Choice("biased", [True, False])
    assert biased is True or biased is False
    return compiled(keras.Sequential([layers.Dense(2, use_bias=biased)]))
"""
    model = load_model(written(body), DATA)
    assert model.build({"biased": True}, seed=0).layers[0].use_bias
    assert not model.build({"biased": False}, seed=0).layers[0].use_bias


def test_an_if_on_a_choice_becomes_a_condition(written: Written) -> None:
    space = load_model(
        written(
            """def build(hp):
    model = keras.Sequential()
    if hp.Choice("optimizer", ["adam", "sgd"]) == "sgd":
        if hp.Boolean("heavy"):
            hp.Float("momentum", 0.5, 0.9)
    return compiled(model)
"""
        ),
        DATA,
    ).space()
    assert space["heavy"].when == (Condition(parent="optimizer", values=("sgd",)),)
    assert space["momentum"].when == (Condition(parent="heavy", values=(True,)),)
    assert "momentum" not in space.active({"optimizer": "adam", "heavy": True})


def test_a_loop_over_layers_becomes_conditions_and_may_not_grow(written: Written) -> None:
    space = load_model(
        written(
            """def build(hp):
    model = keras.Sequential()
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(layers.Dense(hp.Int(f"units_{i}", 2, 100)))
    return compiled(model)
"""
        ),
        DATA,
    ).space()
    assert space["units_0"].when == ()
    assert space["units_1"].when == (Condition(parent="num_layers", values=(2, 3)),)
    assert space["units_2"].when == (Condition(parent="num_layers", values=(3,)),)
    layers = space["num_layers"]
    assert isinstance(layers, Integer)
    assert layers.limits == (1, 3)


def test_conditional_scopes_are_all_found(written: Written) -> None:
    space = load_model(
        written(
            """def build(hp):
    model = keras.Sequential()
    kind = hp.Choice("kind", ["small", "large"])
    with hp.conditional_scope("kind", ["large"]):
        if kind == "large":
            width = hp.Choice("width", [4, 8])
            with hp.conditional_scope("width", [8]):
                if width == 8:
                    hp.Float("dropout", 0, 0.5)
    return compiled(model)
"""
        ),
        DATA,
    ).space()
    assert space["width"].when == (Condition(parent="kind", values=("large",)),)
    assert Condition(parent="width", values=(8,)) in space["dropout"].when


def test_a_configuration_that_can_not_be_built_does_not_stop_the_search_for_others(written: Written) -> None:
    space = load_model(
        written(
            """def build(hp):
    if hp.Choice("kind", ["good", "bad", "other"]) == "bad":
        raise ValueError("not this one")
    if hp.get("kind") == "other":
        hp.Float("rate", 0, 1)
    return compiled(keras.Sequential())
"""
        ),
        DATA,
    ).space()
    assert {hp.name for hp in space} == {"kind", "rate"}


def test_values_reach_the_build_function(written: Written) -> None:
    spec = written(
        'def build(hp):\n    return compiled(keras.Sequential([layers.Dense(hp.Int("units", 2, 9))]))\n'
    )
    model = load_model(spec, DATA).build({"units": 7}, seed=0)
    assert model.layers[0].units == 7


def test_a_space_file_overrides_ranges_and_keeps_conditions(written: Written) -> None:
    spec = written(
        """def build(hp):
    if hp.Boolean("momentum_on"):
        hp.Float("momentum", 0.5, 0.9)
    hp.Float("lr", 1e-4, 1e-2, sampling="log")
    return compiled(keras.Sequential())
"""
    )
    given = Space(hyperparameters=(Fixed(name="momentum", value=0.7),))
    space = load_model(spec, DATA, space=given).space()
    assert isinstance(space["momentum"], Fixed)
    assert space["momentum"].when == (Condition(parent="momentum_on", values=(True,)),)
    assert "lr" in space
    with pytest.raises(SpaceError, match=r"momentun: .* declares no such hyperparameter") as refused:
        load_model(spec, DATA, space=Space(hyperparameters=(Fixed(name="momentun", value=0.7),)))
    assert refused.value.hint == "Did you mean 'momentum'?"


RANGES = """def build(hp):
    hp.Float("lr", 1e-4, 1e-2, sampling="log", default=1e-3)
    hp.Float("share", 0.1, 0.9)
    hp.Int("units", 32, 256, step=32, default=64)
    hp.Int("rotation", 0, 45)
    hp.Choice("kind", [1, 2, 4], default=2, ordered=True)
    hp.Boolean("flag", default=True)
    hp.Fixed("rate", 0.5)
    if hp.Choice("optimizer", ["sgd", "adam", "rmsprop"], default="adam") == "sgd":
        hp.Float("momentum", 0.1, 0.9)
    return compiled(keras.Sequential())
"""


def over(text: str, spec: str, folder: Path) -> Space:
    """Return the space of a model's code with one line of a space file over it."""
    (folder / "s.yaml").write_text(f"hyperparameters:\n  {text}\n")
    return load_model(spec, DATA, space=load_space(folder / "s.yaml")).space()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "lr: {range: [1e-5, 1e-1]}",
            Float(name="lr", low=1e-5, high=0.1, scale=Scale.LOG, default=1e-3),
            id="scale and default of the code",
        ),
        pytest.param(
            "lr: {range: [1e-5, 1e-1], default: null}",
            Float(name="lr", low=1e-5, high=0.1, scale=Scale.LOG, default=1e-3),
            id="nothing is said by null",
        ),
        pytest.param(
            "lr: {range: [2e-3, 9e-3], scale: linear}",
            Float(name="lr", low=2e-3, high=9e-3),
            id="another scale, and the default is outside",
        ),
        pytest.param(
            "lr: {choices: [1e-3, 1e-2]}",
            Choice(name="lr", options=(1e-3, 1e-2), default=1e-3),
            id="choices for a range",
        ),
        pytest.param("share: {range: [0, 1]}", Float(name="share", low=0.0, high=1.0), id="real numbers"),
        pytest.param(
            "rate: {range: [0, 1]}", Float(name="rate", low=0.0, high=1.0, default=0.5), id="real, but fixed"
        ),
        pytest.param(
            "rotation: {range: [0, 30]}", Integer(name="rotation", low=0, high=30), id="whole numbers"
        ),
        pytest.param(
            "units: {range: [32, 512]}",
            Integer(name="units", low=32, high=512, step=32, default=64),
            id="step and default of the code",
        ),
        pytest.param(
            "units: {range: [33, 70]}",
            Integer(name="units", low=33, high=70, default=64),
            id="ends that are no steps of the code",
        ),
        pytest.param(
            "units: {range: [32, 512], default: 48}",
            Integer(name="units", low=32, high=512, default=48),
            id="a default that is no step of the code",
        ),
        pytest.param(
            "units: {range: [16, 512], scale: log}",
            Integer(name="units", low=16, high=512, scale=Scale.LOG, default=64),
            id="a step means something else on another scale",
        ),
        pytest.param(
            "units: {range: [32, 512], step: 16, default: 48, limits: [16, 1024]}",
            Integer(name="units", low=32, high=512, step=16, default=48, limits=(16, 1024)),
            id="all of it said",
        ),
        pytest.param(
            "kind: {choices: [2, 4, 8]}",
            Choice(name="kind", options=(2, 4, 8), ordered=True, default=2),
            id="an order",
        ),
        pytest.param(
            "kind: {choices: [2, 4], ordered: false}",
            Choice(name="kind", options=(2, 4), default=2),
            id="an order that is taken away",
        ),
        pytest.param(
            "kind: {choices: [4, 1, 2]}",
            Choice(name="kind", options=(4, 1, 2), default=2),
            id="choices that are in no order",
        ),
        pytest.param("flag: {type: boolean}", Boolean(name="flag", default=True), id="a boolean"),
        pytest.param(
            "optimizer: {choices: [rmsprop, adam]}",
            Choice(name="optimizer", options=("rmsprop", "adam"), default="adam", hard=True),
            id="an option that others ask for is gone",
        ),
    ],
)
def test_what_a_space_file_does_not_say_stays_as_the_code_has_it(
    written: Written, tmp_path: Path, text: str, expected: Hyperparameter
) -> None:
    found = over(text, written(RANGES), tmp_path)[expected.name]
    plain: dict[str, Any] = {"tier": expected.tier}
    if isinstance(expected, Number) and "limits" not in text:
        # Those that its name tells.
        assert isinstance(found, Number)
        whole = isinstance(expected, Integer)
        name, scale = expected.name, expected.scale
        assert found.limits == limits_for(name, expected.low, expected.high, scale, whole=whole)
        plain["limits"] = None
    assert replace(found, **plain) == replace(expected, **plain)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("units: true", "asks for a number, and True is true or false", id="a boolean"),
        pytest.param("lr: {choices: [small, large]}", "asks for a number, and 'small' is text", id="text"),
        pytest.param("optimizer: {range: [1, 2]}", "asks for text, and 1 is a number", id="a number"),
    ],
)
def test_a_space_file_gives_the_code_no_other_kind_of_value(
    written: Written, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SpaceError, match=said):
        over(text, written(RANGES), tmp_path)


def test_what_decides_what_else_is_asked_for_never_grows_beyond_what_was_tried(
    written: Written, tmp_path: Path
) -> None:
    layers = over("num_layers: {range: [1, 2]}", written(LAYERS), tmp_path)["num_layers"]
    assert isinstance(layers, Integer)
    assert layers.limits == (1, 3)


LAYERS = """def build(hp):
    model = keras.Sequential()
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(layers.Dense(hp.Int(f"units_{i}", 2, 100)))
    return compiled(model)
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            Integer(name="num_layers", low=1, high=5),
            r"^num_layers: 5 lies beyond 1\.\.3, and what .*:build asks for there is not known$",
            id="more layers",
        ),
        pytest.param(Fixed(name="num_layers", value=7), "num_layers: 7 lies beyond", id="one that is more"),
        pytest.param(
            Float(name="num_layers", low=1.5, high=3.0),
            "num_layers: .*:build asks for a whole number, and 1.5 is none",
            id="real numbers",
        ),
        pytest.param(Fixed(name="units_0", value=2.5), "units_0: .* and 2.5 is none", id="one real number"),
    ],
)
def test_a_space_file_asks_the_code_for_nothing_it_can_not_take(
    written: Written, given: Hyperparameter, said: str
) -> None:
    with pytest.raises(SpaceError, match=said):
        load_model(written(LAYERS), DATA, space=Space(hyperparameters=(given,)))


def test_a_space_file_may_widen_what_decides_nothing_and_narrow_what_does(written: Written) -> None:
    given = (Integer(name="num_layers", low=1, high=2), Integer(name="units_0", low=2, high=500))
    space = load_model(written(LAYERS), DATA, space=Space(hyperparameters=given)).space()
    assert (space["num_layers"].high, space["units_0"].high) == (2, 500)


HYPERMODEL = """class Tuned(keras_tuner.HyperModel):
    def build(self, hp):
        return compiled(keras.Sequential([layers.Dense(hp.Int("units", 2, 9))]))


class Own(Tuned):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [6, 9]), **kwargs)


build = %s
"""


@pytest.mark.parametrize("found", ["Tuned", "Tuned()", "Tuned().build"])
def test_a_hypermodel_may_be_a_class_an_instance_or_a_method(written: Written, found: str) -> None:
    model = load_model(written(HYPERMODEL % found), DATA)
    assert [hp.name for hp in model.space()] == ["units"]
    assert model.own_fit({}) is None
    assert model.build({"units": 5}, seed=0).layers[0].units == 5


def test_what_an_own_fit_asks_for_is_part_of_the_space(written: Written) -> None:
    model = load_model(written(HYPERMODEL % "Own"), DATA)
    assert [hp.name for hp in model.space()] == ["units", "batch_size"]
    assert model.own_fit({"units": 3, "batch_size": 6}) is not None


@pytest.mark.parametrize(
    ("values", "size"),
    [({}, 18), ({"batch_size": 5}, 5), ({"batch_size": "all"}, 18), ({"batch_size": 999}, 18)],
)
def test_a_hyperparameter_named_batch_size_is_the_batch_size(
    written: Written, values: dict[str, Any], size: int
) -> None:
    spec = written(
        'def build(hp):\n    hp.Int("batch_size", 1, 999)\n    return compiled(keras.Sequential())\n'
    )
    assert load_model(spec, DATA).batch_size(values, 18) == size
    assert load_model(spec, DATA).batch_size({}, 1000) == 32


def test_a_model_survives_pickling_without_being_explored_again(written: Written) -> None:
    model = load_model(written(HYPERMODEL % "Tuned"), DATA)
    again = pickle.loads(pickle.dumps(model))
    assert isinstance(again, UserModel)
    assert again.space() == model.space()
    assert again.fingerprint == model.fingerprint
    assert again.build({"units": 5}, seed=0).layers[0].units == 5


def test_the_fingerprint_follows_the_code(written: Written) -> None:
    first = load_model(written("def build(hp):\n    return compiled(keras.Sequential())\n"), DATA)
    spaced = load_model(written("def build(hp):\n    return compiled( keras.Sequential())  # so\n"), DATA)
    other = load_model(written("def build(hp):\n    return compiled(keras.Sequential([]))\n"), DATA)
    assert first.fingerprint == spaced.fingerprint
    assert first.fingerprint != other.fingerprint
    older = hashlib.sha256(Path(other.name.partition(":")[0]).read_bytes() + b"build").hexdigest()
    assert other.known_as(older)
    assert not other.known_as(first.fingerprint)
    assert load_model("mlp", DATA).fingerprint != load_model("cnn", dataset(shape=(4, 4))).fingerprint


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param("def build(hp):\n    compiled(keras.Sequential())\n", "returned None", id="none"),
        pytest.param(
            "def build(hp):\n    return 7\n", "returned builtins.int, not a keras.Model", id="a number"
        ),
        pytest.param(
            "def build(hp):\n    return keras.Sequential()\n", "the model is not compiled", id="uncompiled"
        ),
        pytest.param(
            "def build(hp):\n    return 1 / 0\n",
            r"model.py:14: ZeroDivisionError: division by zero",
            id="raises",
        ),
        pytest.param("def built(hp):\n    return 1\n", "has no function 'build'", id="missing"),
        pytest.param("def build(hp)\n    return 1\n", r"model.py:13: not valid Python", id="syntax"),
        pytest.param(
            "class build:\n    def __init__(self, n): ...\n    def build(self, hp): ...\n",
            "its constructor needs arguments: n",
            id="a class that needs arguments",
        ),
    ],
)
def test_a_file_that_gives_no_model_is_refused_with_its_line(
    written: Written, body: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load_model(written(body), DATA)


def test_a_build_function_that_raises_at_once_is_told_with_what_it_was_given(written: Written) -> None:
    body = 'def build(hp):\n    hp.Choice("act", ["relu"])\n    hp.Int("units", 2, 9)\n    return 1 / 0\n'
    with pytest.raises(ModelError, match=r"It was given what Keras Tuner begins with: act relu, units 2$"):
        load_model(written(body), DATA)


def test_what_a_build_function_raised_is_the_cause(written: Written) -> None:
    with pytest.raises(ModelError) as refused:
        load_model(written("def build(hp):\n    return 1 / 0\n"), DATA)
    assert isinstance(refused.value.__cause__, ZeroDivisionError)


def test_keras_is_imported_quietly_and_only_once() -> None:
    import keras as imported

    assert imported is keras


def test_a_build_that_returns_the_same_model_is_told(written: Written) -> None:
    same = (
        "MODEL = compiled(keras.Sequential())\n\n\ndef build(hp):\n    hp.Int('u', 1, 4)\n    return MODEL\n"
    )
    remarks = load_model(written(same), DATA).remarks()
    assert [r for r in remarks if "returns the very same model each time" in r]
    new = "def build(hp):\n    hp.Int('u', 1, 4)\n    return compiled(keras.Sequential())\n"
    assert load_model(written(new), DATA).remarks() == ()
