"""The options of the built-in recipes: what is left out has the default of the table.

A space may search any of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hptune.errors import SpaceError, did_you_mean
from hptune.models.recipes.option import Option, OptionKind
from hptune.models.recipes.option_table import OPTIONS
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Number, Space, Value, Values

__all__ = ["OPTIONS", "Option", "OptionKind", "check_space", "resolve"]

_UNITS_OF_LAYER = re.compile(r"units_[1-9]\d*")
"""units_1 is the first hidden layer's own number of units."""


def _option(name: str, recipe: str) -> Option:
    option = OPTIONS.get(name)
    if _UNITS_OF_LAYER.fullmatch(name):
        option = replace(OPTIONS["units"], name=name)
    if option is None or recipe not in option.recipes:
        known = [option.name for option in OPTIONS.values() if recipe in option.recipes]
        raise SpaceError(f"the recipe {recipe} has no such option", hint=did_you_mean(name, known), name=name)
    return option


def resolve(values: Values, recipe: str) -> dict[str, Any]:
    """Return every option of a recipe: those in `values` checked, the others at their defaults.

    `learning_rate` is the one that holds: the optimiser's own where it is given, else the common
    one, else the optimiser's default. Raises SpaceError for an unknown name or a value that the
    option does not take.
    """
    given = {name: _option(name, recipe).read(value) for name, value in values.items()}
    defaults = {option.name: option.default for option in OPTIONS.values() if recipe in option.recipes}
    full: dict[str, Any] = {**defaults, **given}
    own = f"learning_rate_{full['optimizer']}"
    full["learning_rate"] = given.get(own, given.get("learning_rate", defaults[own]))
    return full


def check_space(space: Space, recipe: str) -> None:
    """Check that a recipe takes every value that a space holds and that each can make a difference.

    Raises SpaceError, naming the hyperparameter.
    """
    for hp in space.of_model:
        option = _option(hp.name, recipe)
        if isinstance(hp, Float) and option.kind in (OptionKind.WHOLE, OptionKind.BATCH):
            raise SpaceError("must be whole numbers", hint="Write `type: int`.", name=hp.name)
        for value in _corners(hp):
            option.read(value)
        if hp.name in space.zero_switches.values():
            option.read(type(hp.initial)(0))
        if not hp.when and option.needs is not None:
            _check_effect(option, space)


def _corners(hp: Hyperparameter) -> tuple[Value, ...]:
    """Return values that are fine only if all are: every choice, both ends of a range."""
    if isinstance(hp, Number):
        return (hp.at(0.0), hp.at(1.0))
    if isinstance(hp, Choice | Boolean):
        return tuple(hp.options)
    assert isinstance(hp, Fixed)
    return (hp.value,)


def _check_effect(option: Option, space: Space) -> None:
    """Refuse an option that is searched without a condition though its parent never asks for it."""
    assert option.needs is not None
    parent, wanted = option.needs
    hp = space.get(parent)
    possible = (OPTIONS[parent].default,) if hp is None else _corners(hp)
    if not any(value in possible for value in wanted):
        needed = " or ".join(
            str(value).lower() if isinstance(value, bool) else str(value) for value in wanted
        )
        raise SpaceError(
            f"does nothing here, because {parent} is never {needed}",
            hint=f"Add {parent} to the space, or leave {option.name} out.",
            name=option.name,
        )
