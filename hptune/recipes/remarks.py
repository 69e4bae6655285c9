"""What a person should know of the options that a space searches."""

from __future__ import annotations

from hptune.recipes.facts import Facts
from hptune.space import Boolean, Choice, Fixed, Space, Value

__all__ = ["remarks"]

_SMALL_DATA = 2000
"""Rows up to which the whole data at each step is sensible, by the practitioner's notes."""


def remarks(space: Space, facts: Facts) -> tuple[str, ...]:
    """Return a sentence for each choice that is allowed and seldom meant."""
    found = []
    if "zeros" in _values(space, "kernel_initializer"):
        found.append(
            "kernel_initializer zeros: all units of a hidden layer begin alike, get the same gradient "
            "and stay alike for ever: the network is no better than one with one unit in each layer"
        )
    if "all" in _values(space, "batch_size") and facts.rows > _SMALL_DATA:
        found.append(
            f"batch_size all: {facts.rows:,} rows for each single step; batch gradient descent is for "
            f"data of up to about {_SMALL_DATA:,} rows"
        )
    selu = "selu" in _values(space, "activation")
    if selu and not {"auto"} >= set(_values(space, "kernel_initializer")):
        found.append(
            "activation selu: it normalises itself only with the first weights that auto gives it "
            "(arXiv 1706.02515)"
        )
    return tuple(found)


def _values(space: Space, name: str) -> tuple[Value, ...]:
    """Return the values that a hyperparameter of choices may take; none where it is not in the space."""
    hp = space.get(name)
    if isinstance(hp, Choice | Boolean):
        return tuple(hp.options)
    return (hp.value,) if isinstance(hp, Fixed) else ()
