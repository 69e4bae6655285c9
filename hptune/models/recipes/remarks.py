"""What the user should know of the options that a space searches."""

from __future__ import annotations

from collections.abc import Sequence

from hptune.models.recipes.batch_sizes import SMALL_DATA
from hptune.models.recipes.data_facts import DataFacts
from hptune.space import Boolean, Choice, Fixed, Integer, Space, Value

__all__ = ["remarks"]

_OF_ONE_CLASS = ("f1_score", "pr_auc", "precision", "recall")


def remarks(space: Space, facts: DataFacts) -> tuple[str, ...]:
    """Return a sentence for each choice that is allowed and seldom meant, or does not say what it means."""
    found = []
    if "zeros" in _values(space, "kernel_initializer"):
        found.append(
            "kernel_initializer zeros: all units of a hidden layer begin alike, get the same gradient "
            "and stay alike for ever: the network is no better than one with one unit in each layer"
        )
    if "all" in _values(space, "batch_size") and facts.rows > SMALL_DATA:
        found.append(
            f"batch_size all: {facts.rows:,} rows for each single step; batch gradient descent is for "
            f"data of up to about {SMALL_DATA:,} rows"
        )
    found += _all_rows(space, facts)
    selu = "selu" in _values(space, "activation")
    if selu and not {"auto"} >= set(_values(space, "kernel_initializer")):
        found.append(
            "activation selu: it normalises itself only with the initial weights that auto gives it "
            "(arXiv 1706.02515)"
        )
    if facts.positive_label and facts.metric in _OF_ONE_CLASS:
        label = facts.positive_label
        found.append(f"{facts.metric} is of the class {label}; --positive CLASS takes the other")
    return tuple(found)


def _all_rows(space: Space, facts: DataFacts) -> list[str]:
    """Say from which batch size on a step takes all training rows."""
    hp = space.get("batch_size")
    if not isinstance(hp, Integer) or hp.high < facts.rows:
        return []
    sizes: Sequence[Value] = range(max(int(hp.low), facts.rows), int(hp.high) + 1)
    if hp.step is not None and hp.size is not None:
        values = [hp.at((i + 0.5) / hp.size) for i in range(hp.size)]
        sizes = [value for value in values if isinstance(value, int) and value >= facts.rows]
    if not sizes:
        return []
    alike = " and above, all alike" if len(sizes) > 1 else ""
    return [
        f"batch_size {sizes[0]}{alike}: all {facts.rows:,} training rows in each step, which is batch "
        "gradient descent"
    ]


def _values(space: Space, name: str) -> tuple[Value, ...]:
    """Return the values that a hyperparameter of choices may take; none where it is not in the space."""
    hp = space.get(name)
    if isinstance(hp, Choice | Boolean):
        return tuple(hp.options)
    return (hp.value,) if isinstance(hp, Fixed) else ()
