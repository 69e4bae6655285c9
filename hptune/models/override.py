"""A space file on top of what a person's code asks for: what it does not say stays as the code has it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields, replace
from typing import Any

from hptune.errors import SpaceError, did_you_mean
from hptune.names import limits_for
from hptune.space import Boolean, Choice, Float, Hyperparameter, Integer, Number, Space

__all__ = ["overridden"]

_DERIVED = ("default", "limits")
"""What follows from the rest of a range where nothing is said of it."""


def overridden(found: Space, given: Space, spec: str) -> Space:
    """Return the space of a person's code, `found`, with what a person wrote, `given`.

    Conditions stay where none are written, and scale, step and default where a file says nothing of them.
    Raises SpaceError for a name that the code does not ask for, and for what it can't take.
    """
    changed = []
    for hp in given:
        own = found.get(hp.name)
        if own is None:
            raise SpaceError(
                f"{hp.name}: {spec} declares no such hyperparameter",
                hint=did_you_mean(hp.name, (h.name for h in found)),
            )
        keys = given.said.get(hp.name)
        made = hp if keys is None else _completed(hp, own, keys)
        _refuse_what_code_can_not_take(made, own, found, spec)
        changed.append(made if made.when else replace(made, when=own.when))
    return replace(found.with_changes(changed), name=given.name or found.name)


def _completed(hp: Hyperparameter, own: Hyperparameter, said: Set[str]) -> Hyperparameter:
    """Return a hyperparameter of a file, which says these keys of it, with what the code says of it."""
    if isinstance(hp, Number) and isinstance(own, Number):
        return _with_default(_number(hp, own, said), own, said)
    if isinstance(hp, Choice) and isinstance(own, Choice):
        ordered = hp.ordered if "ordered" in said else own.ordered
        return _with_default(replace(hp, ordered=ordered), own, said)
    same = isinstance(hp, Boolean) and isinstance(own, Boolean)
    return _with_default(hp, own, said) if same else hp


def _number(hp: Number, own: Number, said: Set[str]) -> Number:
    """Return a file's range on the code's scale, with its step."""
    # Without a type, 0 and 1 may be the ends of real numbers.
    kind = Float if isinstance(own, Float) and "type" not in said else type(hp)
    scale = hp.scale if "scale" in said else own.scale
    step = hp.step if "step" in said or scale is not own.scale else own.step
    kept: dict[str, Any] = {f.name: getattr(hp, f.name) for f in fields(hp) if f.name not in _DERIVED}
    default = hp.default if "default" in said else None
    made = kind(**{**kept, "scale": scale, "step": step, "default": default})
    whole = kind is Integer
    limits = hp.limits if "limits" in said else limits_for(hp.name, made.low, made.high, scale, whole=whole)
    return replace(made, limits=limits)


def _with_default(hp: Hyperparameter, own: Hyperparameter, said: Set[str]) -> Hyperparameter:
    """Return the same beginning where the code does, as far as that can still be."""
    middle = isinstance(own, Number) and own.initial == own.at(0.5)
    if "default" in said or middle or not hp.contains(own.initial):
        return hp
    return replace(hp, default=own.initial)  # type: ignore[call-arg]


def _refuse_what_code_can_not_take(hp: Hyperparameter, own: Hyperparameter, found: Space, spec: str) -> None:
    """Refuse real numbers for whole ones, and values for which it is not known what else they ask for."""
    if not isinstance(own, Integer):
        return
    values = _ends(hp)
    odd = next((value for value in values if not isinstance(value, int)), None)
    if odd is not None:
        raise SpaceError(
            f"{hp.name}: {spec} asks for a whole number, and {odd} is none",
            hint="Write its range in whole numbers.",
        )
    assert own.limits is not None
    decides = any(condition.parent == hp.name for other in found for condition in other.when)
    low, high = own.limits
    beyond = next((value for value in values if not low <= value <= high), None)
    if decides and beyond is not None:
        raise SpaceError(
            f"{hp.name}: {beyond} lies beyond {low}..{high}, and what {spec} asks for there is not known",
            hint=f"Widen hp.Int({hp.name!r}, …) in the code; a space file can make it narrower.",
        )


def _ends(hp: Hyperparameter) -> tuple[Any, ...]:
    """Return the values that bound what a hyperparameter can be."""
    if isinstance(hp, Number):
        return (hp.low, hp.high)
    return hp.options if isinstance(hp, Choice | Boolean) else (hp.initial,)
