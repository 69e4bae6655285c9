"""Spaces as plain dictionaries of what JSON can hold, and back, without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hptune.errors import SpaceError, did_you_mean
from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Condition
from hptune.space.hyperparameter import Hyperparameter, Tier
from hptune.space.numbers import Float, Integer
from hptune.space.scales import Scale
from hptune.space.space import Space

__all__ = ["hyperparameter_from_dict", "hyperparameter_to_dict", "space_from_dict", "space_to_dict"]

_KINDS: dict[str, type[Hyperparameter]] = {
    "float": Float,
    "integer": Integer,
    "choice": Choice,
    "boolean": Boolean,
    "fixed": Fixed,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def hyperparameter_to_dict(hp: Hyperparameter) -> dict[str, Any]:
    """Return a hyperparameter as a dictionary that JSON can hold: its kind and all its fields.

    `zero_of` is there only where it says something: hptune read and wrote spaces before it had it.
    """
    found: dict[str, Any] = {"kind": _NAMES[type(hp)]}
    for field in fields(hp):
        value = getattr(hp, field.name)
        if field.name != "zero_of" or value:
            found[field.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Scale):
        return value.value
    if isinstance(value, Tier):
        return int(value)
    if isinstance(value, Condition):
        return {"parent": value.parent, "values": list(value.values)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def hyperparameter_from_dict(data: Mapping[str, Any]) -> Hyperparameter:
    """Return the hyperparameter that `hyperparameter_to_dict` made `data` of."""
    found = dict(data)
    name = found.pop("kind", None)
    if name not in _KINDS:
        raise SpaceError(
            f"unknown kind {name!r}",
            hint=did_you_mean(str(name), _KINDS),
            name=found.get("name", "hyperparameter"),
        )
    kind = _KINDS[name]
    for key in found:
        known = [field.name for field in fields(kind)]
        if key not in known:
            raise SpaceError(
                f"unknown key {key!r}",
                hint=did_you_mean(key, known),
                name=found.get("name", "hyperparameter"),
            )
    if "scale" in found:
        found["scale"] = Scale(found["scale"])
    if found.get("limits") is not None:
        found["limits"] = tuple(found["limits"])
    found["when"] = tuple(
        Condition(parent=c["parent"], values=tuple(c["values"])) for c in found.get("when", ())
    )
    return kind(**found)


def space_to_dict(space: Space) -> dict[str, Any]:
    """Return a space as a dictionary that JSON can hold, without loss."""
    return {
        "name": space.name,
        "description": space.description,
        "hyperparameters": [hyperparameter_to_dict(hp) for hp in space],
    }


def space_from_dict(data: Mapping[str, Any]) -> Space:
    """Return the space that `space_to_dict` made `data` of."""
    return Space(
        name=data["name"],
        description=data["description"],
        hyperparameters=tuple(hyperparameter_from_dict(hp) for hp in data["hyperparameters"]),
    )
