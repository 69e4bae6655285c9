"""What code asks for in a trial beyond its values, and when it asks for it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from hptune.models import discover
from hptune.models.asked import Asked
from hptune.models.beyond import Beyond
from hptune.models.keras_tuner_space import from_keras_tuner
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Integer, Space, Value
from hptune.study.trial import Outcome, OutcomeState

SPACE = Space(
    hyperparameters=(
        Float(name="lr", low=1e-3, high=0.1, default=2e-3),
        Integer(name="layers", low=1, high=6, default=1),
        Choice(name="optimizer", options=("adam", "sgd", "rmsprop")),
        Boolean(name="late", default=False),
    )
)


def explored_part(hp: Any) -> tuple[float, int, str, bool]:
    return (
        hp.Float("lr", 1e-3, 0.1),
        hp.Int("layers", 1, 6),
        hp.Choice("optimizer", ["adam", "sgd", "rmsprop"]),
        hp.Boolean("late"),
    )


def run(build: Callable[[Any], None], beyond: Beyond | None = None, **values: Value) -> Beyond:
    """Build one configuration of the space; returns what was noted."""
    beyond = beyond or Beyond.of(SPACE, set())
    hp = beyond.given({**SPACE.defaults, **values})
    with beyond.noting(hp):
        build(hp)
    return beyond


def explained(build: Callable[[Any], None], **values: Value) -> dict[str, dict[str, tuple[Value, ...]]]:
    """What one configuration asks for first → its conditions."""
    trial = {**SPACE.defaults, **values}
    found = tuple(run(build, **values).declared.values())
    with_when = discover.find_conditions(build, from_keras_tuner, Asked, found, trial, SPACE)
    return {hp.name: {c.parent: c.values for c in hp.when} for hp in with_when}


def in_a_corner(hp: Any) -> None:
    lr, layers, _, _ = explored_part(hp)
    if lr > 0.0123 and layers > 4:
        hp.Float("rare", 0.1, 0.5)


def test_a_name_in_a_corner_comes_with_its_declaration_and_the_value_it_got() -> None:
    found = run(in_a_corner, lr=0.05, layers=6)
    assert found.unsearched == {"rare": 0.1}
    assert found.declared["rare"] == Float(name="rare", low=0.1, high=0.5)
    assert run(in_a_corner).declared == {}


def test_its_value_reaches_the_code_and_is_not_noted_again() -> None:
    got: list[float] = []

    def build(hp: Any) -> None:
        explored_part(hp)
        got.append(hp.Float("rare", 0.1, 0.5))
        got.append(hp.get("rare"))

    for found in ({"rare"}, set[str]()):
        # Whether or not the process knows that a trial found it.
        searched = SPACE.extended([Float(name="rare", low=0.1, high=0.5)])
        beyond = run(build, Beyond.of(searched if found else SPACE, found), rare=0.25)
        assert beyond.unsearched == {}
        assert beyond.declared == {}
    assert got == [0.25] * 4


def test_what_an_older_trial_has_no_value_of_gets_the_code_s_own_in_every_process() -> None:
    searched = SPACE.extended([Float(name="rare", low=0.1, high=0.5)])
    for beyond in (Beyond.of(SPACE, set()), Beyond.of(searched, {"rare"})):
        assert run(in_a_corner, beyond, lr=0.05, layers=6).unsearched == {"rare": 0.1}


def test_a_build_that_fails_has_asked_all_the_same() -> None:
    def build(hp: Any) -> None:
        explored_part(hp)
        hp.Float("rare", 0.1, 0.5)
        raise ValueError("no such layer")

    beyond = Beyond.of(SPACE, set())
    with pytest.raises(ValueError, match="no such layer"):
        run(build, beyond)
    assert beyond.unsearched == {"rare": 0.1}


def test_a_choice_of_booleans_is_a_boolean_as_where_it_is_explored() -> None:
    found = run(lambda hp: hp.Choice("flag", [True, False]))
    assert found.unsearched == {"flag": True}
    assert found.declared["flag"] == Boolean(name="flag", default=True)


def test_a_declared_scope_is_its_condition_and_its_inactive_names_are_found_as_well() -> None:
    def build(hp: Any) -> None:
        explored_part(hp)
        if hp.get("lr") < 0.05:
            return
        with hp.conditional_scope("optimizer", ["sgd"]):
            hp.Float("momentum", 0.1, 0.9)
        hp.Boolean("extra")
        with hp.conditional_scope("extra", [True]):
            hp.Float("rate", 0.1, 0.5)

    found = run(build, lr=0.09, optimizer="sgd")
    assert found.unsearched == {"momentum": 0.1, "extra": False}
    assert found.declared["momentum"].when == (Condition(parent="optimizer", values=("sgd",)),)
    assert found.declared["rate"].when == (Condition(parent="extra", values=(True,)),)


def test_names_of_a_name_scope_are_whole() -> None:
    def build(hp: Any) -> None:
        explored_part(hp)
        for block in ("a", "b"):
            with hp.name_scope(block):
                hp.Int("units", 4, 8)

    assert run(build).unsearched == {"a/units": 4, "b/units": 4}


def test_a_name_of_several_scopes_is_one_with_all_their_values() -> None:
    def build(hp: Any) -> None:
        explored_part(hp)
        for optimizer in ("adam", "sgd"):
            with hp.conditional_scope("optimizer", [optimizer]):
                hp.Float("decay", 0.1, 0.9)

    assert run(build).declared["decay"].when == (Condition(parent="optimizer", values=("adam", "sgd")),)


def test_a_name_whose_scopes_no_condition_says_is_taken_without_any() -> None:
    def build(hp: Any) -> None:
        explored_part(hp)
        with hp.conditional_scope("optimizer", ["sgd"]):
            hp.Float("rare", 0.1, 0.9)
        with hp.conditional_scope("late", [True]):
            hp.Float("rare", 0.2, 0.3)

    assert run(build, late=True).declared["rare"] == Float(name="rare", low=0.2, high=0.3)


def test_what_a_closure_or_a_global_declares_is_found() -> None:
    asked = {"global": False}

    def make(name: str) -> Callable[[Any], None]:
        def layer(hp: Any) -> None:
            hp.Int(name, 4, 8)

        return layer

    layers = [make("closed_over")]

    def build(hp: Any) -> None:
        explored_part(hp)
        if asked["global"]:
            for layer in layers:
                layer(hp)

    assert run(build).declared == {}
    asked["global"] = True
    assert run(build).unsearched == {"closed_over": 4}
    # No configuration tells when: it is asked for in all of them.
    assert explained(build) == {"closed_over": {}}


def test_the_values_that_make_the_difference_are_its_conditions() -> None:
    def build(hp: Any) -> None:
        _, layers, optimizer, _ = explored_part(hp)
        if optimizer != "adam" and layers > 2:
            hp.Float("rare", 0.1, 0.5)

    assert explained(build, optimizer="sgd", layers=4, lr=0.04, late=True) == {
        "rare": {"optimizer": ("rmsprop", "sgd"), "layers": (3, 4, 5, 6)}
    }


def test_a_real_number_gives_no_condition_and_what_stands_beside_it_does() -> None:
    assert explained(in_a_corner, lr=0.05, layers=6) == {"rare": {"layers": (5, 6)}}


def test_what_the_defaults_ask_for_as_well_has_no_condition() -> None:
    assert explained(lambda hp: (explored_part(hp), hp.Int("more", 1, 2)), lr=0.05) == {"more": {}}


def test_builds_are_counted_not_timed() -> None:
    calls = []

    def build(hp: Any) -> None:
        calls.append(1)
        _, layers, optimizer, late = explored_part(hp)
        if late:
            for place in range(layers):
                hp.Int(f"{optimizer}_{place}", 1, 8)

    assert explained(build, optimizer="sgd", layers=6, lr=0.04, late=True)["sgd_0"] == {
        "late": (True,),
        "optimizer": ("sgd",),
    }
    assert len(calls) <= discover.MOST_BUILDS + 2


def test_a_build_that_fails_elsewhere_gives_no_condition() -> None:
    def build(hp: Any) -> None:
        lr, *_ = explored_part(hp)
        if lr != 0.05:
            raise ValueError
        hp.Float("rare", 0.1, 0.5)

    assert explained(build, lr=0.05) == {"rare": {}}


@pytest.mark.parametrize(
    "hp", [Float(name="a", low=0.1, high=0.5), Fixed(name="b", value=2), Choice(name="c", options=("x", "y"))]
)
def test_an_outcome_carries_declarations_to_another_process(hp: Hyperparameter) -> None:
    outcome = Outcome(job_id=1, state=OutcomeState.DONE, unsearched={hp.name: hp.initial}, declared=(hp,))
    assert pickle.loads(pickle.dumps(outcome)) == outcome
