"""Spaces as Keras Tuner's HyperParameters, and back.

Each hyperparameter of a space becomes a subclass of Keras Tuner's own kind that keeps it whole
and answers Keras Tuner's questions (which value lies at this probability?) by asking it. So
oracles sample 1 − x scales as they are meant, a model calls `hp.get("momentum")` under its own
name, and nothing is lost on the way back.

Names of Keras Tuner used here: a `HyperParameters` holds `space`, a list of hyperparameters, and
`values`, those of the active ones; a hyperparameter is active where all its `conditions` hold.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine import hyperparameters as kt
from keras_tuner.src.engine.conditions import Parent

from hptune.errors import SpaceError, did_you_mean
from hptune.models.asked import WithBooleans
from hptune.models.declared import from_declared
from hptune.space import (
    Boolean,
    Choice,
    Fixed,
    Float,
    Hyperparameter,
    Integer,
    Number,
    Space,
    Value,
    Values,
    same_value,
)
from hptune.space.as_dict import hyperparameter_from_dict, hyperparameter_to_dict
from hptune.space.scales import Scale, grid_index, to_unit

__all__ = ["declared_beyond", "from_keras_tuner", "to_keras_tuner", "values_of", "with_values"]

_GRID_POINTS = 10
"""How many values of a range without steps a grid search tries, as in Keras Tuner."""


class _Kept:
    """A hyperparameter of a space in the clothes of Keras Tuner's."""

    def __init__(self, kept: Hyperparameter, place: int, space: Mapping[str, str]) -> None:
        self.kept = kept
        self.place = place
        self.home = dict(space)
        self.name = kept.name
        self.conditions = [Parent(c.parent, _one_type(c.values)) for c in kept.when]
        self._default = kept.initial

    def __repr__(self) -> str:
        return repr(self.kept)

    @property
    def default(self) -> Value:
        return self.kept.initial

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, or evenly spread ones where there are too many, both ends included."""
        size = self.kept.size
        if size is not None and (size <= _GRID_POINTS or getattr(self.kept, "step", 1) is not None):
            found = [self.kept.at((i + 0.5) / size) for i in range(size)]
        else:
            found = [self.kept.at(i / (_GRID_POINTS - 1)) for i in range(_GRID_POINTS)]
        return tuple(dict.fromkeys(found))

    def prob_to_value(self, prob: float) -> Value:
        return self.kept.at(min(max(float(prob), 0.0), 1.0))

    def value_to_prob(self, value: Value) -> float:
        return min(max(_unit_of(self.kept, value), 0.0), 1.0)

    def get_config(self) -> dict[str, Any]:
        kept = {"hyperparameter": hyperparameter_to_dict(self.kept), "place": self.place, "space": self.home}
        return {"name": self.name, "hptune": kept}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> _Kept:
        kept = config["hptune"]
        return cls(hyperparameter_from_dict(kept["hyperparameter"]), kept["place"], kept["space"])


class _KeptNumber(_Kept):
    """A range, with what Keras Tuner calls its parts."""

    def __init__(self, kept: Hyperparameter, place: int, space: Mapping[str, str]) -> None:
        assert isinstance(kept, Number)
        super().__init__(kept, place, space)
        self.min_value = kept.low
        self.max_value = kept.high
        self.step = kept.step
        self.sampling = kept.scale.value


class HptuneFloat(_KeptNumber, kt.Float):  # type: ignore[misc]
    """A range of real numbers, on any scale."""


class HptuneInteger(_KeptNumber, kt.Int):  # type: ignore[misc]
    """A range of whole numbers, on any scale."""


class HptuneChoice(_Kept, kt.Choice):  # type: ignore[misc]
    """One of several options."""

    def __init__(self, kept: Hyperparameter, place: int, space: Mapping[str, str]) -> None:
        assert isinstance(kept, Choice)
        super().__init__(kept, place, space)
        self._values = list(kept.options)
        self.ordered = kept.ordered


class HptuneBoolean(_Kept, kt.Boolean):  # type: ignore[misc]
    """Off or on."""


class HptuneFixed(_Kept, kt.Fixed):  # type: ignore[misc]
    """A value that is not searched."""

    def __init__(self, kept: Hyperparameter, place: int, space: Mapping[str, str]) -> None:
        assert isinstance(kept, Fixed)
        super().__init__(kept, place, space)
        self.value = kept.value


_KINDS: dict[type[Hyperparameter], type[_Kept]] = {
    Float: HptuneFloat,
    Integer: HptuneInteger,
    Choice: HptuneChoice,
    Boolean: HptuneBoolean,
    Fixed: HptuneFixed,
}
# Keras Tuner copies hyperparameters by the names of their classes, which Keras looks up here.
keras.saving.get_custom_objects().update({kind.__name__: kind for kind in _KINDS.values()})


def _one_type(values: tuple[Value, ...]) -> list[Value]:
    """Return the values of a condition as Keras Tuner wants them: all of one type."""
    if any(isinstance(value, float) for value in values):
        return [float(value) for value in values]
    return list(values)


def _unit_of(hp: Hyperparameter, value: Value) -> float:
    """Return the middle of the part of [0, 1] that gives `value`: what `hp.at` takes back."""
    if isinstance(hp, Number):
        return float(_unit_of_number(hp, float(value)))
    if isinstance(hp, Choice | Boolean):
        for i, option in enumerate(hp.options):
            if same_value(option, value):
                return (i + 0.5) / len(hp.options)
    return 0.5


def _unit_of_number(hp: Number, value: float) -> Any:
    if isinstance(hp, Integer) and hp.scale is Scale.LOG and hp.step is not None:
        assert hp.size is not None
        values = np.array([hp.at((i + 0.5) / hp.size) for i in range(hp.size)], dtype=np.float64)
        return (np.abs(values - value).argmin() + 0.5) / hp.size
    if hp.step is not None:
        assert hp.size is not None
        return (grid_index(hp.scale, hp.low, hp.step, hp.snap(value)) + 0.5) / hp.size
    if isinstance(hp, Integer) and hp.scale is not Scale.LOG_COMPLEMENT:
        return to_unit(hp.scale, hp.low - 0.5, hp.high + 0.5, value)
    return hp.to_units(value)


class _Shared(WithBooleans):
    """HyperParameters whose copies share the hyperparameters themselves, which never change.

    Keras Tuner copies every one of them for every trial, by writing and reading it; a copy of 15 of them
    costs more than all the rest of a trial.
    """

    def copy(self) -> _Shared:
        copied = copy.copy(self)
        copied.values = dict(self.values)
        copied._space = list(self._space)
        copied._hps = copy.copy(self._hps)
        for name, known in self._hps.items():
            copied._hps[name] = list(known)
        for scopes in ("_name_scopes", "_conditions", "active_scopes", "inactive_scopes"):
            setattr(copied, scopes, list(getattr(self, scopes)))
        return copied


def to_keras_tuner(space: Space) -> keras_tuner.HyperParameters:
    """Return `space` as HyperParameters that every oracle of Keras Tuner can search.

    Nothing of the space is lost: `from_keras_tuner` gives it back, from copies and from what
    Keras Tuner writes to JSON as well. The values are the defaults of the active ones.
    """
    places = {hp.name: i for i, hp in enumerate(space)}
    home = {"name": space.name, "description": space.description}
    hps = _Shared()
    # Parents first: Keras Tuner decides what is active in this order.
    hps.merge([_KINDS[type(hp)](hp, places[hp.name], home) for hp in space.ordered])
    return hps


def from_keras_tuner(hps: keras_tuner.HyperParameters) -> Space:
    """Return the space of HyperParameters: ours without loss, a user's own by their names.

    What the user's `build(hp)` declared gets its tier and limits from `hptune.space.names`; Keras
    Tuner's reverse_log becomes log_complement where the range lies in [0, 1), else linear; a
    range or choice with a single value becomes fixed. One name under several conditions becomes
    one hyperparameter; SpaceError where its ranges differ or no single condition says it.
    """
    kept = {p.name: p for p in hps.space if isinstance(p, _Kept)}
    ours = [p.kept for p in sorted(kept.values(), key=lambda p: p.place)]
    declared = [p for p in hps.space if p.name not in kept and not p.name.startswith("tuner/")]
    home = next((p.home for p in kept.values()), {"name": "", "description": ""})
    return Space(
        name=home["name"],
        description=home["description"],
        hyperparameters=(*ours, *from_declared(declared, known=ours)),
    )


def declared_beyond(hps: keras_tuner.HyperParameters) -> tuple[Hyperparameter, ...]:
    """Return what a user's code declared beyond the space that it was given, parents first.

    One name under conditions that no single one says is taken as it was declared first, without any; what is
    no hyperparameter that can be searched is left out.
    """
    ours = [p.kept for p in hps.space if isinstance(p, _Kept)]
    names = {hp.name for hp in ours}
    declared = [p for p in hps.space if p.name not in names and not p.name.startswith("tuner/")]
    found: list[Hyperparameter] = []
    for name in dict.fromkeys(p.name for p in declared):
        same = [p for p in declared if p.name == name]
        try:
            found += from_declared(same, known=[*ours, *found])
        except SpaceError:
            with contextlib.suppress(SpaceError):
                active = next((p for p in same if hps.is_active(p)), same[0])
                found += from_declared([_anywhere(active)])
    return tuple(found)


def _anywhere(parameter: Any) -> Any:
    """Return Keras Tuner's hyperparameter without its conditions."""
    free = copy.copy(parameter)
    free.conditions = []
    return free


def with_values(space: Space, values: Values) -> keras_tuner.HyperParameters:
    """Return HyperParameters ready for `build(hp)`: the active values set, missing ones at defaults.

    They hold what code knows: `space.of_model`, with 0 for a number whose switch is true. A value may lie
    outside its range, as those of earlier passes do. SpaceError where a name is not in the space; `tuner/…`
    is let through.
    """
    extra = {name: value for name, value in values.items() if name.startswith("tuner/")}
    for name in values:
        if name not in space and name not in extra:
            raise SpaceError(
                f"no hyperparameter is named {name!r}", hint=did_you_mean(name, (hp.name for hp in space))
            )
    known = space.of_model
    hps = to_keras_tuner(known)
    hps.values = {**known.active(space.for_model(values)), **extra}
    return hps


def values_of(hps: keras_tuner.HyperParameters) -> dict[str, Value]:
    """Return the active values as plain Python values, without Keras Tuner's own `tuner/…`."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in hps.values.items()
        if not name.startswith("tuner/")
    }
