"""A number that may be exactly 0 as well: `zero: true` in a space file, and the boolean that says so."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.strategies import spaces, spaces_with_zeros
from support.studies import MLP, Recipe, build

from hptune.data import load_dataset
from hptune.errors import SpaceError
from hptune.export.configuration import fixed_space
from hptune.models.asked import Asked
from hptune.models.beyond import Beyond
from hptune.models.keras_tuner_space import from_keras_tuner, to_keras_tuner, values_of, with_values
from hptune.models.override import overridden
from hptune.models.recipe_model import RecipeModel
from hptune.models.recipes import DataFacts, check_space, make_recipe
from hptune.narrowing import edit
from hptune.oracles.of_study import StudyOracle
from hptune.search.next_pass import propose_for, read_next_pass, write_next_pass
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Integer, Space
from hptune.space.files import dump_space, parse_space, space_to_dict
from hptune.strategy.initial_design import fit_to
from hptune.study import Study
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.trial import Trial, TrialState
from hptune.views.report import write_report
from hptune.views.tables.trials import trials_csv

FILE = """\
hyperparameters:
  optimizer: {choices: [adam, sgd]}
  wd: {range: [1e-6, 1e-2], scale: log, zero: true, when: {optimizer: adam}}
  blocks: {range: [1, 8], scale: log, zero: true}
  lr: {range: [1e-4, 0.1], scale: log}
"""
SPACE = parse_space(FILE)
ADAM = Condition(parent="optimizer", values=("adam",))


def test_a_file_makes_a_boolean_and_a_number_that_counts_where_it_is_false() -> None:
    assert [hp.name for hp in SPACE] == ["optimizer", "wd_zero", "wd", "blocks_zero", "blocks", "lr"]
    assert SPACE["wd_zero"] == Boolean(name="wd_zero", tier=SPACE["wd"].tier, when=(ADAM,), zero_of="wd")
    assert SPACE["wd"].when == (ADAM, Condition(parent="wd_zero", values=(False,)))
    assert isinstance(SPACE["wd"], Float)
    assert isinstance(SPACE["blocks"], Integer)
    assert SPACE.defaults["wd_zero"] is False
    assert SPACE.zero_switches == {"wd_zero": "wd", "blocks_zero": "blocks"}


def test_zero_false_says_nothing() -> None:
    plain = "hyperparameters:\n  wd: {range: [1e-6, 1e-2], scale: log}\n"
    assert parse_space(plain.replace("log", "log, zero: false")) == parse_space(plain)


def test_a_model_gets_zero_of_the_range_s_kind_and_no_switch() -> None:
    values = {"optimizer": "adam", "wd_zero": True, "blocks_zero": True, "lr": 0.01}
    given = SPACE.for_model(values)
    assert given == {"optimizer": "adam", "wd": 0.0, "blocks": 0, "lr": 0.01}
    assert (type(given["wd"]), type(given["blocks"])) == (float, int)
    other = {"optimizer": "sgd", "blocks_zero": False, "blocks": 3, "lr": 0.01}
    assert SPACE.for_model(other) == {"optimizer": "sgd", "blocks": 3, "lr": 0.01}


def test_a_model_knows_no_switch_and_no_condition_on_one() -> None:
    known = SPACE.of_model
    assert [hp.name for hp in known] == ["optimizer", "wd", "blocks", "lr"]
    assert [hp.when for hp in known] == [(), (ADAM,), (), ()]


@given(space=spaces())
def test_a_space_without_switches_is_a_model_s_own(space: Space) -> None:
    assert space.of_model is space
    assert space.for_model(space.defaults) == space.defaults
    assert "zero_of" not in json.dumps(space_to_dict(space))


@given(space=spaces_with_zeros(), seed=st.integers(0, 2**32 - 1))
def test_whatever_is_drawn_a_model_gets_each_active_number_once(space: Space, seed: int) -> None:
    drawn = space.sample(np.random.default_rng(seed))
    assert space.problems(drawn) == []
    given = space.for_model(drawn)
    for switch, name in space.zero_switches.items():
        assert switch not in given
        assert (name in given) is (switch in drawn)
        assert drawn.get(switch) is not True or given[name] == 0
    assert from_keras_tuner(to_keras_tuner(space)) == space


@given(space=spaces_with_zeros(), seed=st.integers(0, 2**32 - 1))
def test_what_a_model_had_is_the_configuration_again(space: Space, seed: int) -> None:
    drawn = space.sample(np.random.default_rng(seed))
    # A range of its own may hold 0, which says as much.
    assume(all(drawn.get(name) != 0 for name in space.zero_switches.values()))
    assert space.from_model(space.for_model(drawn)) == drawn
    assert space.from_model(drawn) == drawn


def test_past_configurations_are_tried_with_their_zero_or_their_value() -> None:
    space = parse_space(
        "hyperparameters:\n"
        "  wd: {range: [1e-6, 1e-2], scale: log, when: {wd_zero: false}}\n"
        "  wd_zero: {type: boolean, default: true, zero_of: wd}\n"
    )
    past = [{"wd": 0}, {"wd": 1e-3}, {"wd_zero": True}, {"other": 1.0}]
    assert fit_to(space, past) == [
        {"wd_zero": True},
        {"wd": 1e-3, "wd_zero": False},
        {"wd_zero": True},
        {"wd_zero": True},
    ]


# A model of your own


def ask(hp: Any) -> tuple[float, float | None]:
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    wd = hp.Float("wd", 1e-5, 1e-3, sampling="log") if optimizer == "adam" else None
    return hp.Float("lr", 1e-3, 0.1, sampling="log"), wd


def explored() -> Space:
    asked = Asked()
    ask(asked)
    own = from_keras_tuner(asked)
    return own.with_changes([Float(**{**vars(own["wd"]), "when": (ADAM,)})])


def given_space(text: str) -> Space:
    return overridden(explored(), parse_space("hyperparameters:\n" + text), "m.py:build")


def test_a_file_lets_a_number_of_the_code_be_zero_under_the_code_s_conditions() -> None:
    space = given_space("  wd: {range: [1e-6, 1e-2], scale: log, zero: true}\n")
    assert space["wd_zero"] == Boolean(name="wd_zero", when=(ADAM,), zero_of="wd")
    assert space["wd"].when == (ADAM, Condition(parent="wd_zero", values=(False,)))
    assert space.of_model["wd"].when == (ADAM,)
    assert {hp.name for hp in space.of_model} == {"optimizer", "wd", "lr"}


def test_what_is_written_of_such_a_space_overrides_the_code_the_same() -> None:
    space = given_space("  wd: {range: [1e-6, 1e-2], scale: log, zero: true}\n")
    assert overridden(explored(), parse_space(dump_space(space)), "m.py:build") == space


def test_a_name_that_the_code_does_not_ask_for_is_refused_by_its_own_name() -> None:
    with pytest.raises(SpaceError, match=r"^decay: m.py:build declares no such hyperparameter"):
        given_space("  decay: {range: [1e-6, 1e-2], scale: log, zero: true}\n")


def test_a_switch_s_name_that_the_code_asks_for_itself_is_refused() -> None:
    found = Space(hyperparameters=(Float(name="wd", low=1e-6, high=0.1), Boolean(name="wd_zero")))
    text = "hyperparameters:\n  wd: {range: [1e-6, 0.1], scale: log, zero: true}\n"
    with pytest.raises(SpaceError, match=r"^wd_zero: m.py:build asks for a hyperparameter of this name"):
        overridden(found, parse_space(text), "m.py:build")
    other = (
        "hyperparameters:\n  wd_off: {type: boolean, zero_of: wd}\n"
        "  wd: {range: [1e-6, 0.1], scale: log, when: {wd_off: false}}\n"
    )
    assert overridden(found, parse_space(other), "m.py:build").zero_switches == {"wd_off": "wd"}


def test_a_whole_number_that_decides_what_is_asked_for_is_never_zero() -> None:
    layers = Integer(name="layers", low=1, high=3)
    units = Integer(name="units_2", low=4, high=8, when=(Condition(parent="layers", values=(2, 3)),))
    found = Space(hyperparameters=(layers, units))
    text = "hyperparameters:\n  layers: {range: [1, 3], zero: true}\n"
    with pytest.raises(SpaceError, match=r"layers: 0 lies beyond 1\.\.3"):
        overridden(found, parse_space(text), "m.py:build")


@pytest.mark.parametrize("found", [set[str](), {"wd"}])
def test_code_gets_exactly_zero_and_asks_for_nothing_beyond(found: set[str]) -> None:
    space = given_space("  wd: {range: [1e-6, 1e-2], scale: log, zero: true}\n")
    beyond = Beyond.of(space, found)
    for values, expected in (
        ({"optimizer": "adam", "wd_zero": True, "lr": 0.01}, (0.01, 0.0)),
        ({"optimizer": "adam", "wd_zero": False, "wd": 5e-5, "lr": 0.01}, (0.01, 5e-5)),
        ({"optimizer": "sgd", "lr": 0.01}, (0.01, None)),
    ):
        hp = beyond.given(values)
        assert "wd_zero" not in hp.values
        with beyond.noting(hp):
            assert ask(hp) == expected
        assert hp.values.get("wd") == expected[1]
    assert (beyond.unsearched, beyond.declared) == ({}, {})


def test_keras_tuner_s_best_hyperparameters_hold_zero() -> None:
    hp = with_values(SPACE, {"optimizer": "adam", "wd_zero": True, "blocks_zero": True, "lr": 0.01})
    assert (hp.get("wd"), hp.get("blocks")) == (0.0, 0)
    assert values_of(hp) == {"optimizer": "adam", "wd": 0.0, "blocks": 0, "lr": 0.01}


def test_a_tuner_s_oracle_shows_zero_in_its_trials(study: Study) -> None:
    oracle = StudyOracle("val_loss", 2, lambda: SPACE)
    oracle.read(study)
    trials = {str(trial.id): trial for trial in study.trials()}
    zeros = [number for number, trial in trials.items() if trial.values["wd_zero"]]
    assert zeros
    for number, shown in oracle.trials.items():
        expected = 0.0 if number in zeros else trials[number].values["wd"]
        assert shown.hyperparameters.get("wd") == expected
        assert "wd_zero" not in shown.hyperparameters


# Recipes


def test_a_recipe_is_built_without_the_penalty() -> None:
    space = parse_space(
        "hyperparameters:\n  units: 4\n  regularizer: {value: l2}\n"
        "  l2: {range: [1e-6, 0.01], scale: log, zero: true}\n"
    )
    facts = DataFacts.of(load_dataset("iris"), epochs=1)
    recipe = RecipeModel(name="mlp", facts=facts, searched=space).recipe
    told = {"units": 4, "regularizer": "l2", "l2_zero": True}
    assert (
        recipe(told).source() == make_recipe("mlp", {**without(told, "l2_zero"), "l2": 0.0}, facts).source()
    )
    searched = {"units": 4, "regularizer": "l2", "l2_zero": False, "l2": 1e-3}
    assert recipe(searched).source() == make_recipe("mlp", without(searched, "l2_zero"), facts).source()
    assert recipe(searched).source() != recipe(told).source()


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {n: v for n, v in values.items() if n != name}


def test_a_recipe_checks_that_it_takes_zero() -> None:
    good = parse_space(
        "hyperparameters:\n  regularizer: {value: l2}\n  l2: {range: [1e-6, 0.01], scale: log, zero: true}\n"
    )
    check_space(good, "mlp")
    bad = parse_space("hyperparameters:\n  learning_rate: {range: [1e-6, 0.01], scale: log, zero: true}\n")
    with pytest.raises(SpaceError, match="learning_rate"):
        check_space(bad, "mlp")


# Later passes


def proposal() -> Proposal:
    kept = (Move(name=hp.name, verdict=Verdict.KEEP, old=hp, new=hp, reason="") for hp in SPACE)
    return Proposal(space=SPACE, moves=tuple(kept))


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_switch_that_is_frozen_and_opened_again_stays_one(value: str) -> None:
    frozen = edit.freeze(proposal(), f"wd_zero={value}", root=SPACE)
    now = frozen.next_space
    assert now["wd_zero"] == Fixed(
        name="wd_zero", tier=SPACE["wd"].tier, when=(ADAM,), hard=True, value=value == "true", zero_of="wd"
    )
    assert ("wd" in now.active({"optimizer": "adam"})) is (value == "false")
    assert ("wd", 0.0) in now.for_model(now.active({"wd": 1e-3})).items() or value == "false"
    opened = edit.reopen(frozen, "wd_zero", root=SPACE).next_space
    assert opened.zero_switches == SPACE.zero_switches


def test_a_number_that_is_frozen_may_still_be_zero() -> None:
    now = edit.freeze(proposal(), "wd=1e-3", root=SPACE).next_space
    assert now.for_model({"optimizer": "adam", "wd_zero": True})["wd"] == 0.0
    assert parse_space(dump_space(now)) == now


@pytest.fixture
def study(tmp_path: Path) -> Study:
    text = "hyperparameters:\n  wd: {range: [1e-6, 1e-2], scale: log, zero: true}\n"
    space = replace(MLP, hyperparameters=(*MLP, *parse_space(text)))
    return build(tmp_path / "s", Recipe(trials=20, passes=1, space=space))


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        pytest.param("", "", None, id="as written"),
        pytest.param(
            "wd_zero: {type: boolean, default: false, zero_of: wd}", "wd_zero: true", True, id="always 0"
        ),
        pytest.param(
            "wd_zero: {type: boolean, default: false, zero_of: wd}", "wd_zero: false", False, id="never 0"
        ),
    ],
)
def test_the_next_pass_reads_back_and_a_switch_fixed_by_hand_stays_one(
    study: Study, old: str, new: str, wanted: bool | None
) -> None:
    written = propose_for(study)
    path = write_next_pass(study, written)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    again = read_next_pass(study)
    assert again is not None
    assert again.next_space.zero_switches == {"wd_zero": "wd"}
    switch = again.next_space["wd_zero"]
    if wanted is None:
        assert again.next_space == written.next_space
    else:
        assert isinstance(switch, Fixed)
        assert switch.value is wanted


def test_the_report_and_the_tables_show_both(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "wd_zero" in page
    head, *rows = list(csv.reader(trials_csv(study.trials()).splitlines()))
    shown = {(row[head.index("wd_zero")], row[head.index("wd")] != "") for row in rows}
    assert len(shown) == 2
    assert {filled for _, filled in shown} == {True, False}


# Exports


def test_an_exported_configuration_fixes_the_number_at_zero() -> None:
    values = {"optimizer": "adam", "wd_zero": True, "blocks_zero": True, "lr": 0.01}
    trial = Trial(id=3, pass_number=1, values=values, seed=0, state=TrialState.COMPLETE)
    space = fixed_space(trial, SPACE)
    assert {hp.name: hp.initial for hp in space} == {"optimizer": "adam", "wd": 0.0, "blocks": 0, "lr": 0.01}
    back = parse_space(dump_space(space))
    assert back == space
    code = overridden(Space(hyperparameters=(Choice(name="optimizer", options=("adam", "sgd")),
        Float(name="wd", low=1e-6, high=1e-2), Integer(name="blocks", low=1, high=8),
        Float(name="lr", low=1e-4, high=0.1))), back, "m.py:build")  # fmt: skip
    assert code["wd"].initial == 0.0
