"""Spaces as Keras Tuner writes them to JSON, read without asking it to make objects of any class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as kt
from keras_tuner.src.engine.conditions import Parent

from hptune.errors import SpaceError
from hptune.models.declared import from_declared
from hptune.space import Space

__all__ = ["space_from_json"]

_KINDS = {"Boolean": kt.Boolean, "Choice": kt.Choice, "Fixed": kt.Fixed, "Float": kt.Float, "Int": kt.Int}
_KEYS = {
    "Boolean": ("name", "default"),
    "Choice": ("name", "values", "ordered", "default"),
    "Fixed": ("name", "value"),
    "Float": ("name", "min_value", "max_value", "step", "sampling", "default"),
    "Int": ("name", "min_value", "max_value", "step", "sampling", "default"),
}


def space_from_json(declared: Sequence[Any], *, name: str) -> Space:
    """Return a space of what `HyperParameters.get_config()["space"]` holds, without `tuner/…`.

    Raises SpaceError for what is no hyperparameter of Keras Tuner's.
    """
    made = [_parameter(one) for one in declared]
    return Space(
        name=name,
        description="As Keras Tuner has it",
        hyperparameters=tuple(from_declared([p for p in made if not p.name.startswith("tuner/")])),
    )


def _parameter(one: Any) -> Any:
    kind = one.get("class_name") if isinstance(one, Mapping) else None
    config = one.get("config") if isinstance(one, Mapping) else None
    if kind not in _KINDS or not isinstance(config, Mapping) or not isinstance(config.get("name"), str):
        raise SpaceError(f"{kind or one!r} is no hyperparameter of Keras Tuner's")
    given = {key: config[key] for key in _KEYS[kind] if config.get(key) is not None}
    try:
        return _KINDS[kind](conditions=[_condition(c) for c in config.get("conditions") or ()], **given)
    except (TypeError, ValueError, KeyError) as error:
        raise SpaceError(f"can't be read: {error}", name=config["name"]) from error


def _condition(one: Any) -> Parent:
    config = one["config"]
    return Parent(str(config["name"]), list(config["values"]))
