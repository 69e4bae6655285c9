"""What is found by calling a `build(hp)`: hyperparameters, their conditions, and where it was cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.models import discover, explore
from hptune.models.asked import Asked
from hptune.models.keras_tuner_space import from_keras_tuner
from hptune.space import Choice, Integer, Space, Value

When = dict[str, tuple[Value, ...]]
Conditions = dict[str, When]


class Counted:
    """A build that counts its calls."""

    def __init__(self, build: Callable[[Any], None]) -> None:
        self.build, self.calls = build, 0

    def __call__(self, hp: Any) -> None:
        self.calls += 1
        self.build(hp)


def found(build: Callable[[Any], None]) -> discover.Discovered:
    return discover.discover(build, from_keras_tuner, Asked())


def conditions(space: Space) -> Conditions:
    return {hp.name: {c.parent: c.values for c in hp.when} for hp in space}


def loop_with_children(hp: Any) -> None:
    for i in range(hp.Int("num_layers", 1, 4)):
        hp.Int(f"units_{i}", 32, 512, step=32)
        if hp.Boolean(f"use_dropout_{i}"):
            hp.Float(f"dropout_{i}", 0, 0.5)
    hp.Float("lr", 1e-4, 1e-2, sampling="log")


def loop_and_flag(hp: Any) -> None:
    dropout = hp.Boolean("dropout")
    for i in range(hp.Int("num_layers", 1, 3)):
        hp.Int(f"units_{i}", 32, 512)
        if dropout:
            hp.Float(f"dropout_{i}", 0, 0.5)


def test_a_loop_whose_layers_ask_for_more_gives_every_axis() -> None:
    asked = conditions(found(loop_with_children).space)
    assert len(asked) == 14
    assert asked["units_0"] == {}
    assert asked["units_2"] == {"num_layers": (3, 4)}
    assert asked["use_dropout_3"] == {"num_layers": (4,)}
    assert asked["dropout_3"] == {"use_dropout_3": (True,)}


def test_a_slow_build_gives_the_same_space(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = found(loop_with_children)
    clock = iter(range(0, 10**9, 1000))
    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: float(next(clock)))
    assert found(loop_with_children) == fast


def test_a_loop_and_a_flag_are_both_conditions() -> None:
    asked = conditions(found(loop_and_flag).space)
    assert asked["dropout_0"] == {"dropout": (True,)}
    assert asked["dropout_1"] == {"dropout": (True,), "num_layers": (2, 3)}
    assert asked["dropout_2"] == {"dropout": (True,), "num_layers": (3,)}
    assert asked["units_1"] == {"num_layers": (2, 3)}


def test_a_flag_that_the_loop_itself_asks_for_is_a_condition_too() -> None:
    def build(hp: Any) -> None:
        for i in range(hp.Int("num_layers", 1, 3)):
            if hp.Boolean("dropout"):
                hp.Float(f"dropout_{i}", 0, 0.5)

    asked = conditions(found(build).space)
    assert asked["dropout_2"] == {"num_layers": (3,), "dropout": (True,)}


def test_a_branch_of_one_parent_under_another_is_found() -> None:
    def build(hp: Any) -> None:
        optimizer = hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
        hp.Choice("activation", ["relu", "tanh"])
        if optimizer == "sgd":
            hp.Float("momentum", 0, 0.9)
        if hp.Boolean("augment") and optimizer == "sgd":
            hp.Float("rotation", 0, 1)

    asked = conditions(found(build).space)
    assert asked["momentum"] == {"optimizer": ("sgd",)}
    assert asked["rotation"] == {"optimizer": ("sgd",), "augment": (True,)}


def test_what_is_asked_for_where_either_of_two_holds_has_no_condition() -> None:
    def build(hp: Any) -> None:
        if hp.Boolean("a") | hp.Boolean("b"):
            hp.Float("x", 0, 1)

    assert conditions(found(build).space)["x"] == {}


def test_a_child_that_one_parent_hides_and_another_asks_for_has_both() -> None:
    def build(hp: Any) -> None:
        for i in range(hp.Int("blocks", 1, 3)):
            if hp.Choice(f"pool_{i}", ["max", "none"]) != "none":
                hp.Int(f"size_{i}", 2, 3)

    asked = conditions(found(build).space)
    assert asked["size_0"] == {"pool_0": ("max",)}
    assert asked["size_2"] == {"blocks": (3,), "pool_2": ("max",)}


def test_values_that_can_not_be_built_together_are_tried_alone() -> None:
    def build(hp: Any) -> None:
        kind, large = hp.Choice("kind", ["a", "b", "c"]), hp.Boolean("large")
        if large and kind != "a":
            raise ValueError("too large")
        if kind == "c":
            hp.Float("rate", 0, 1)

    assert conditions(found(build).space)["rate"] == {"kind": ("c",)}


def test_many_hyperparameters_that_decide_nothing_are_tried_in_a_few_calls() -> None:
    def build(hp: Any) -> None:
        for i in range(12):
            hp.Int(f"u{i}", 8, 64)
            hp.Boolean(f"b{i}")
        hp.Choice("backbone", ["a", "b", "c", "d"])

    counted = Counted(build)
    space = found(counted).space
    assert len(space) == 25
    assert counted.calls <= 9


@pytest.mark.parametrize(
    ("build", "calls"),
    [
        pytest.param(lambda hp: [hp.Float("a", 0, 1), hp.Float("b", 0, 1)], 1, id="ranges alone"),
        pytest.param(lambda hp: [hp.Int("units", 4, 64), hp.Float("b", 0, 1)], 3, id="both ends"),
        pytest.param(
            lambda hp: [hp.Choice("backbone", list("abcdef")), hp.Int("units", 4, 64), hp.Boolean("flag")],
            7,
            id="the longest choice",
        ),
    ],
)
def test_a_build_without_branches_is_called_once_for_each_value_of_the_longest_choice(
    build: Any, calls: int
) -> None:
    counted = Counted(build)
    found(counted)
    assert counted.calls == calls


def test_no_branch_is_tried_twice() -> None:
    counted = Counted(loop_with_children)
    found(counted)
    assert counted.calls <= 32


def test_where_exploring_is_cut_off_it_is_said_and_the_first_branches_are_there() -> None:
    def build(hp: Any) -> None:
        for i in range(hp.Int("n", 1, 30)):
            if hp.Boolean(f"flag_{i}"):
                for j in range(hp.Int(f"m_{i}", 1, 9)):
                    hp.Float(f"x_{i}_{j}", 0, 1)

    counted = Counted(build)
    result = found(counted)
    assert counted.calls == explore.MOST_CALLS
    assert len(result.remarks) == 1
    assert result.remarks[0].startswith("the model was built 120 times to find its hyperparameters")
    assert {"n", "flag_0", "flag_29", "m_0"} <= {hp.name for hp in result.space}


def test_what_decides_may_not_grow_even_where_no_condition_says_what() -> None:
    def build(hp: Any) -> None:
        for i in range(hp.Int("n", 1, 50)):
            hp.Float(f"x_{i}", 0, 1)

    space = found(build).space
    assert len(space) == 51
    assert isinstance(space["n"], Integer)
    assert space["n"].limits == (1, 50)


def test_a_name_declared_with_several_ranges_has_the_widest_and_it_is_said() -> None:
    def build(hp: Any) -> None:
        top = 64
        for k in range(hp.Int("depth", 1, 3)):
            top = hp.Int(f"width_{k}", 2, top)

    result = found(build)
    widths = [result.space[f"width_{k}"] for k in range(3)]
    assert [(w.low, w.high, w.limits) for w in widths if isinstance(w, Integer)] == [
        (2, 64, (1, 8192)),
        (2, 64, (2, 64)),
        (2, 64, (2, 64)),
    ]
    assert [remark.partition(":")[0] for remark in result.remarks] == [
        "width_1 is declared with several ranges",
        "width_2 is declared with several ranges",
    ]
    assert "all of 2..64 is searched" in result.remarks[0]


def test_ranges_of_two_branches_are_joined() -> None:
    def build(hp: Any) -> None:
        if hp.Choice("kind", ["small", "large"]) == "small":
            hp.Int("units", 2, 8)
            hp.Choice("act", ["relu"])
        else:
            hp.Int("units", 16, 64)
            hp.Choice("act", ["tanh", "relu"])

    result = found(build)
    assert isinstance(result.space["units"], Integer)
    assert (result.space["units"].low, result.space["units"].high) == (2, 64)
    assert result.space["act"] == Choice(name="act", options=("relu", "tanh"))
    assert len(result.remarks) == 2


def test_a_name_declared_in_two_kinds_is_searched_as_the_first_and_it_is_said() -> None:
    def build(hp: Any) -> None:
        hp.Int("rate", 1, 4)
        hp.Float("rate", 0.0, 1.0)

    result = found(build)
    assert result.space["rate"] == Integer(name="rate", low=1, high=4)
    assert result.remarks == ("rate is declared in several ways: 1..4 is searched",)


def test_a_name_asked_for_twice_in_the_same_way_needs_no_remark() -> None:
    def build(hp: Any) -> None:
        for _ in range(2):
            hp.Int("units", 2, 8)

    assert found(build).remarks == ()


def test_names_in_scopes_and_what_closures_and_hp_get_ask_for_are_found() -> None:
    sizes = ["small", "large"]

    def block(hp: Any, name: str) -> None:
        with hp.name_scope(name):
            if hp.Choice("size", sizes) == "large":
                hp.Int("units", 2, 8)

    def build(hp: Any) -> None:
        block(hp, "body")
        block(hp, "head")
        if hp.get("body/size") == "large":
            hp.Float("rate", 0, 1)

    assert conditions(found(build).space) == {
        "body/size": {},
        "head/size": {},
        "body/units": {"body/size": ("large",)},
        "head/units": {"head/size": ("large",)},
        "rate": {"body/size": ("large",)},
    }


def test_one_name_in_two_conditional_scopes_is_one_hyperparameter() -> None:
    def build(hp: Any) -> None:
        kind = hp.Choice("kind", ["a", "b", "c"])
        for value in ("a", "b"):
            with hp.conditional_scope("kind", [value]):
                if kind == value:
                    hp.Int("units", 2, 8)

    assert conditions(found(build).space) == {"kind": {}, "units": {"kind": ("a", "b")}}


MODEL = """
import keras


def build(hp):
    model = keras.Sequential()
    dropout = hp.Boolean("dropout")
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 4, 16), activation="relu"))
        if dropout:
            model.add(keras.layers.Dropout(hp.Float(f"dropout_{i}", 0.0, 0.5)))
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def _dry_run(capsys: pytest.CaptureFixture[str]) -> tuple[Any, str]:
    assert run(["search", "iris", "--model", "m.py:build", "--dry-run", "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_a_search_plans_all_axes_of_a_loop_and_a_flag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL)
    plan, said = _dry_run(capsys)
    assert {f"dropout_{i}" for i in range(3)} <= {hp["name"] for hp in plan["space"]["hyperparameters"]}
    assert "was built" not in said
    for module in (discover, explore):
        monkeypatch.setattr(module, "MOST_CALLS", 4)
    _, said = _dry_run(capsys)
    assert "the model was built 4 times to find its hyperparameters" in " ".join(said.split())


LATE = """
import keras


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 4, 8), activation="relu")])
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("late", 0.125, 0.5)
    if hp.Float("x", 0.0, 1.0, default=0.1) > 0.2:
        model.add(keras.layers.Dropout(hp.Float("late", 0.125, 0.5)))
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


@pytest.mark.parametrize("more", [[], ["--executions", "2"]], ids=["once", "repeated"])
def test_what_a_trial_asks_for_against_its_conditions_is_reported_once_and_noted_in_the_trial(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(LATE)
    command = ["search", "iris", "--model", "m.py:build", "--trials", "4", "--epochs", "1", "--passes", "1"]
    assert run([*command, *more]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("the model asked for late (0.125), where its conditions do not hold: not searched") == 1
    assert run(["trials", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    asking = [t for t in trials if t["values"]["x"] > 0.2 and t["values"]["optimizer"] == "adam"]
    assert asking
    assert all(trial["note"].endswith("; not searched: late 0.125") for trial in asking)
    assert not any("not searched" in trial["note"] for trial in trials if trial not in asking)


MOVES = """
import os

import keras


def build(hp):
    os.makedirs("elsewhere", exist_ok=True)
    os.chdir("elsewhere")
    with hp.name_scope("body"):
        units = hp.Int("units", 4, 8)
    with hp.name_scope("head"):
        hp.Int("units", 4, 8)
        rate = hp.Float("rate", 0.0, 0.5)
    assert hp.get("body/units") == units
    model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dropout(rate)])
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def test_a_build_that_changes_the_working_directory_is_put_back_and_names_may_repeat_in_scopes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MOVES)
    command = ["search", "iris", "--model", "m.py:build", "--trials", "2", "--epochs", "1", "--passes", "1"]
    assert run(command) == 0
    assert Path.cwd() == tmp_path
    assert [path.name for path in tmp_path.rglob("elsewhere")] == ["elsewhere"]
    assert run(["export", "--format", "json"]) == 0
    assert "body/units" in capsys.readouterr().out
