"""The options of the built-in recipes: one table of names, values and defaults.

A space may search any of them; what it leaves out has the default of the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hptune.errors import SpaceError, did_you_mean
from hptune.normalise import Normalisation
from hptune.recipes.schedules import Decay, read_rates
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Number, Space, Value, Values

__all__ = ["OPTIONS", "Kind", "Option", "check_space", "resolve"]


class Kind(StrEnum):
    """What values an option takes."""

    NUMBER = "a number"
    WHOLE = "a whole number"
    SWITCH = "true or false"
    CHOICE = "one of its choices"
    BATCH = 'a whole number or "all"'
    RATES = "a list of learning rates"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing that a recipe can be told."""

    name: str
    kind: Kind
    default: Value | None
    """None where another option decides."""
    text: str
    """What it does, in a line."""
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    """Both ends are allowed, unless `above` or `below` says otherwise."""
    above: bool = False
    """Whether `low` itself is not allowed."""
    below: bool = False
    """Whether `high` itself is not allowed."""
    recipes: tuple[str, ...] = ("mlp", "cnn")
    """Which recipes have it."""
    needs: tuple[str, tuple[Value, ...]] | None = None
    """An option without one of whose values this one does nothing."""

    @property
    def range(self) -> str:
        """The values it takes, in words."""
        if self.kind is Kind.CHOICE:
            return ", ".join(self.choices)
        if self.kind not in (Kind.NUMBER, Kind.WHOLE, Kind.BATCH):
            return self.kind.value
        ends = [f"above {self.low:g}" if self.above else f"at least {self.low:g}"] * math.isfinite(self.low)
        ends += [f"below {self.high:g}" if self.below else f"at most {self.high:g}"] * math.isfinite(
            self.high
        )
        return " ".join([self.kind.value, *ends])

    def read(self, value: Value) -> Value:
        """Return `value` as the recipe uses it; raises SpaceError where it is not one of its values."""
        if self.kind is Kind.SWITCH and isinstance(value, bool):
            return value
        if self.kind is Kind.CHOICE and value in self.choices and isinstance(value, str):
            return value
        if self.kind is Kind.RATES and isinstance(value, str | int | float) and not isinstance(value, bool):
            read_rates(str(value))
            return str(value)
        if self.kind in (Kind.NUMBER, Kind.WHOLE, Kind.BATCH):
            number = self._number(value)
            if number is not None:
                return number
        hint = did_you_mean(str(value), self.choices) if self.choices else ""
        raise SpaceError(f"{self.name}: {value!r} is not {self.range}", hint=hint)

    def _number(self, value: Value) -> Value | None:
        if self.kind is Kind.BATCH and isinstance(value, str):
            # A choice among numbers and "all" is a choice among texts.
            if value == "all":
                return value
            value = int(value) if re.fullmatch(r"\d+", value) else math.nan
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        if self.kind is not Kind.NUMBER and value != int(value):
            return None
        inside = (self.low < value or (value == self.low and not self.above)) and (
            value < self.high or (value == self.high and not self.below)
        )
        if not inside:
            return None
        return float(value) if self.kind is Kind.NUMBER else int(value)


def _number(name: str, default: float | None, text: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.NUMBER, default=default, text=text, **more)


def _whole(name: str, default: int | None, text: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.WHOLE, default=default, text=text, **more)


def _switch(name: str, text: str, *, default: bool = False, **more: Any) -> Option:
    return Option(name=name, kind=Kind.SWITCH, default=default, text=text, **more)


def _choice(name: str, default: str, choices: tuple[str, ...], text: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.CHOICE, default=default, choices=choices, text=text, **more)


_UNITS_OF_LAYER = re.compile(r"units_[1-9]\d*")
"""units_1 is the first hidden layer's own number of units."""
_FRACTION = {"low": 0.0, "high": 1.0, "below": True}
_POSITIVE = {"low": 0.0, "above": True}
_CNN = ("cnn",)
_DECAYS = tuple(decay.value for decay in Decay if decay not in (Decay.NONE, Decay.COSINE, Decay.LIST))

_ALL = (
    _choice("optimizer", "adam", ("sgd", "rmsprop", "adam"), "how weights follow the gradients"),
    _number(
        "learning_rate", None, "of whichever optimiser is used, unless it has one of its own", **_POSITIVE
    ),
    *(
        _number(
            f"learning_rate_{name}",
            rate,
            f"learning rate of {name}",
            needs=("optimizer", (name,)),
            **_POSITIVE,
        )
        for name, rate in (("sgd", 0.01), ("rmsprop", 0.001), ("adam", 0.001))
    ),
    _number(
        "momentum", 0.9, "how much of the last step sgd keeps", needs=("optimizer", ("sgd",)), **_FRACTION
    ),
    _switch("nesterov", "look ahead along the momentum (sgd)", needs=("optimizer", ("sgd",))),
    _number(
        "rho", 0.9, "memory of squared gradients (rmsprop)", needs=("optimizer", ("rmsprop",)), **_FRACTION
    ),
    _number("beta_1", 0.9, "memory of gradients (adam)", needs=("optimizer", ("adam",)), **_FRACTION),
    _number(
        "beta_2", 0.999, "memory of squared gradients (adam)", needs=("optimizer", ("adam",)), **_FRACTION
    ),
    _number(
        "epsilon", 1e-7, "keeps the division finite", needs=("optimizer", ("rmsprop", "adam")), **_POSITIVE
    ),
    Option(
        name="batch_size",
        kind=Kind.BATCH,
        default=32,
        low=1,
        text="rows per step; all is batch gradient descent",
    ),
    _whole("layers", 2, "hidden layers", low=0, high=64, recipes=("mlp",)),
    _whole("units", 64, "units of each hidden layer", low=1, recipes=("mlp",)),
    _choice(
        "activation",
        "relu",
        ("relu", "leaky_relu", "elu", "selu", "gelu", "swish", "tanh", "sigmoid"),
        "of hidden layers",
    ),
    _choice(
        "kernel_initializer",
        "auto",
        ("auto", "zeros", "random_uniform", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"),
        "first weights of hidden layers; auto fits the activation",
    ),
    _switch("batch_normalization", "normalise each hidden layer over the batch"),
    _choice(
        "batch_normalization_position",
        "before",
        ("before", "after"),
        "the activation; before drops the bias",
        needs=("batch_normalization", (True,)),
    ),
    _number("dropout", 0.0, "share of units left out after each hidden layer", **_FRACTION),
    _choice(
        "regularizer",
        "given",
        ("given", "none", "l1", "l2", "l1_l2"),
        "penalty on kernels; given is whatever of l1 and l2 is given",
    ),
    _number(
        "l1",
        None,
        "strength of the absolute penalty",
        low=0.0,
        needs=("regularizer", ("given", "l1", "l1_l2")),
    ),
    _number(
        "l2",
        None,
        "strength of the squared penalty",
        low=0.0,
        needs=("regularizer", ("given", "l2", "l1_l2")),
    ),
    _choice(
        "clipping",
        "none",
        ("none", "clipnorm", "clipvalue", "global_clipnorm"),
        "what keeps gradients small",
    ),
    _number(
        "clip_threshold",
        1.0,
        "largest norm or value that is left as it is",
        needs=("clipping", ("clipnorm", "clipvalue", "global_clipnorm")),
        **_POSITIVE,
    ),
    _choice("schedule", "none", tuple(decay.value for decay in Decay), "how the learning rate falls"),
    _number("decay_rate", 0.1, "strength of the decay per epoch", low=0.0, needs=("schedule", _DECAYS)),
    _whole("drop_every", 10, "epochs that a step lasts", low=1, needs=("schedule", ("step",))),
    _whole("decay_epochs", None, "epochs that cosine spans", low=1, needs=("schedule", ("cosine",))),
    Option(
        name="learning_rates",
        kind=Kind.RATES,
        default=None,
        text='one per epoch, the last is held: "0.1, 0.1, 0.01"',
        needs=("schedule", ("list",)),
    ),
    _switch("ema", "judge and keep a moving average of the weights"),
    _number("ema_momentum", 0.99, "memory of that average", needs=("ema", (True,)), **_FRACTION),
    _switch(
        "ema_bias_correction", "weigh its first steps as its later ones", default=True, needs=("ema", (True,))
    ),
    _choice(
        "input_normalization",
        "z-score",
        tuple(kind.value for kind in Normalisation),
        "what is done to inputs, learned from training rows",
    ),
    _whole("early_stopping_patience", 0, "epochs without a better one before it ends; 0 is never", low=0),
    _number("early_stopping_min_delta", 0.0, "how much better counts", low=0.0),
    _whole("blocks", 2, "convolution blocks, each followed by pooling", low=1, high=8, recipes=_CNN),
    _whole("convolutions", 1, "convolutions in each block", low=1, high=4, recipes=_CNN),
    _whole(
        "filters", 32, "filters of the first block; each further block has twice as many", low=1, recipes=_CNN
    ),
    _whole("kernel_size", 3, "height and width of a filter", low=1, high=11, recipes=_CNN),
    _choice("pooling", "max", ("max", "average"), "what halves the image after a block", recipes=_CNN),
    _choice("head", "flatten", ("flatten", "average", "max"), "how the image becomes numbers", recipes=_CNN),
    _whole("dense_units", 64, "units of the dense layer before the output; 0 for none", low=0, recipes=_CNN),
    _choice(
        "flip",
        "none",
        ("none", "horizontal", "vertical", "horizontal_and_vertical"),
        "mirror images at random, in training only",
        recipes=_CNN,
    ),
    _number("rotation", 0.0, "largest turn, in full turns, either way", low=0.0, high=0.5, recipes=_CNN),
    _number("zoom", 0.0, "largest share to zoom in or out", recipes=_CNN, **_FRACTION),
    _number("translation", 0.0, "largest shift, in shares of height and width", recipes=_CNN, **_FRACTION),
    _number("contrast", 0.0, "largest change of contrast", recipes=_CNN, **_FRACTION),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.name: option for option in _ALL})
"""Every option by its name."""


def _option(name: str, recipe: str) -> Option:
    option = OPTIONS.get(name)
    if _UNITS_OF_LAYER.fullmatch(name):
        option = replace(OPTIONS["units"], name=name)
    if option is None or recipe not in option.recipes:
        known = [option.name for option in _ALL if recipe in option.recipes]
        raise SpaceError(f"{name}: the recipe {recipe} has no such option", hint=did_you_mean(name, known))
    return option


def resolve(values: Values, recipe: str) -> dict[str, Any]:
    """Return every option of a recipe: those in `values` checked, the others at their defaults.

    `learning_rate` is the one that holds: the optimiser's own where it is given, else the common
    one, else the optimiser's default. Raises SpaceError for an unknown name or a value that the
    option does not take.
    """
    given = {name: _option(name, recipe).read(value) for name, value in values.items()}
    defaults = {option.name: option.default for option in _ALL if recipe in option.recipes}
    full: dict[str, Any] = {**defaults, **given}
    own = f"learning_rate_{full['optimizer']}"
    full["learning_rate"] = given.get(own, given.get("learning_rate", defaults[own]))
    return full


def check_space(space: Space, recipe: str) -> None:
    """Check that a recipe takes every value that a space holds and that each can make a difference.

    Raises SpaceError, naming the hyperparameter.
    """
    for hp in space:
        option = _option(hp.name, recipe)
        if isinstance(hp, Float) and option.kind in (Kind.WHOLE, Kind.BATCH):
            raise SpaceError(f"{hp.name}: must be whole numbers", hint="Write `type: int`.")
        for value in _corners(hp):
            option.read(value)
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
            f"{option.name}: does nothing here, because {parent} is never {needed}",
            hint=f"Add {parent} to the space, or leave {option.name} out.",
        )
