"""Arbitrary valid spaces, for property tests."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Number, Space, Tier
from hptune.space.condition import Condition, Value
from hptune.space.scales import Scale

__all__ = ["hyperparameters", "names", "numbers", "spaces", "spaces_with_zeros", "values_in"]

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_FINITE = {"allow_nan": False, "allow_infinity": False}


def names() -> st.SearchStrategy[str]:
    """Names as people give them, and some that a file format could take for something else."""
    usual = st.sampled_from(
        [
            "learning_rate",
            "lr",
            "momentum",
            "units_0",
            "batch_size",
            "layers",
            "dropout",
            "beta_1",
            "l2",
            "decay",
        ]
    )
    odd = st.sampled_from(
        ["on", "1e-3", "null", "5", "~", "a b", "a: b", "ünits", "x/y", "- a", "[a", "#a", "'", '"']
    )
    return st.one_of(usual, odd, _TEXT.filter(lambda s: s and not s.startswith("tuner/")))


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(["adam", "sgd", "none", "true", "1e-3", ">= 2", "", " ", "a\nb"]), _TEXT)


@st.composite
def _ends(draw: st.DrawFn, scale: Scale) -> tuple[float, float, float, float]:
    """Lowest limit, low, high and highest limit of a range of real numbers."""
    grow, width, shrink = (
        draw(st.sampled_from([0.0, 0.5, 2.0])),
        draw(st.floats(0.01, 8)),
        draw(st.floats(0, 2)),
    )
    if scale is Scale.LINEAR:
        low = draw(st.floats(-1e3, 1e3))
        ends = (low - grow, low, low + width, low + width + shrink)
    else:
        # As powers of ten, of x or of 1 − x.
        top = draw(st.floats(-4, 3 if scale is Scale.LOG else 0))
        ends = (
            10 ** (top - grow - width - shrink),
            10 ** (top - width - shrink),
            10 ** (top - shrink),
            10**top,
        )
    short = tuple(float(f"{x:.2g}") for x in ends)
    if short[1] < short[2] and draw(st.booleans()):
        ends = (short[0], short[1], short[2], short[3])
    if scale is Scale.LOG_COMPLEMENT:
        return (1 - ends[3], 1 - ends[2], 1 - ends[1], 1 - ends[0])
    return ends


@st.composite
def _whole_ends(draw: st.DrawFn, scale: Scale) -> tuple[int, int, int, int]:
    """Lowest limit, low, high and highest limit of a range of whole numbers."""
    parts = (st.integers(0, 50), st.integers(1, 900), st.integers(0, 50))
    before, width, after = draw(st.tuples(*parts))
    if scale is Scale.LOG_COMPLEMENT:
        return (-before - width - after, -width - after, -after, 0)
    least = 1 if scale is Scale.LOG else draw(st.integers(-100, 1000))
    return (least, least + before, least + before + width, least + before + width + after)


@st.composite
def _steps(draw: st.DrawFn, scale: Scale, low: float, high: float, *, whole: bool) -> float | None:
    if scale is Scale.LOG_COMPLEMENT or draw(st.booleans()):
        return None
    if scale is Scale.LOG:
        return draw(st.sampled_from([2, 10]) if whole else st.sampled_from([2.0, 10.0, 1.5, math.sqrt(10)]))
    if whole:
        return draw(st.integers(1, max(1, int(high - low))))
    return (high - low) / draw(st.integers(1, 50))


@st.composite
def numbers(draw: st.DrawFn, name: str | None = None) -> Number:
    """A range of real or whole numbers on any scale."""
    whole = draw(st.booleans())
    scale = draw(st.sampled_from(Scale))
    outer_low, low, high, outer_high = draw(_whole_ends(scale) if whole else _ends(scale))
    step = draw(_steps(scale, low, high, whole=whole))
    kind = Integer if whole else Float
    hp = kind(name=name or draw(names()), low=low, high=high, scale=scale, step=step)
    default = hp.at(draw(st.floats(0, 1))) if draw(st.booleans()) else None
    limits = draw(st.sampled_from([None, (outer_low, outer_high)]))
    return kind(
        name=hp.name,
        low=low,
        high=high,
        scale=scale,
        step=step,
        default=default,  # type: ignore[arg-type]
        limits=limits,
        **draw(_common()),
    )


@st.composite
def _common(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "tier": draw(st.sampled_from(Tier)),
        "hard": draw(st.booleans()),
        "description": draw(st.one_of(st.just(""), _texts())),
    }


def _options() -> st.SearchStrategy[list[Value]]:
    kinds: list[st.SearchStrategy[Any]] = [
        _texts(),
        st.integers(-(10**6), 10**6),
        st.floats(-1e6, 1e6),
        st.one_of(st.integers(-9, 9), st.integers(-9, 9).map(lambda x: x + 0.5)),
    ]
    lists = (st.lists(kind, min_size=2, max_size=5, unique=True) for kind in kinds)
    return st.one_of(st.permutations([False, True]), *lists)


@st.composite
def _others(draw: st.DrawFn, name: str) -> Hyperparameter:
    """A choice, a boolean or a fixed value."""
    kind = draw(st.sampled_from([Choice, Boolean, Fixed]))
    common = draw(_common())
    if kind is Choice:
        options = draw(_options())
        default = draw(st.sampled_from([None, *options]))
        ordered = draw(st.booleans())
        return Choice(name=name, options=tuple(options), ordered=ordered, default=default, **common)
    if kind is Boolean:
        return Boolean(name=name, default=draw(st.booleans()), **common)
    value = draw(st.one_of(_texts(), st.integers(), st.floats(**_FINITE), st.booleans()))
    return Fixed(name=name, value=value, **common)


@st.composite
def hyperparameters(draw: st.DrawFn, name: str | None = None) -> Hyperparameter:
    """Any hyperparameter, without conditions."""
    called = name or draw(names())
    return draw(st.one_of(numbers(called), _others(called)))


@st.composite
def spaces(draw: st.DrawFn, *, max_size: int = 6) -> Space:
    """Any space of at least one hyperparameter, conditions included, parents in any place."""
    found: list[Hyperparameter] = []
    for name in draw(st.lists(names(), min_size=1, max_size=max_size, unique=True)):
        hp = draw(hyperparameters(name))
        parents = (
            draw(st.lists(st.sampled_from(found), max_size=2, unique_by=lambda p: p.name)) if found else []
        )
        when = tuple(Condition(parent=p.name, values=draw(_parent_values(p))) for p in parents)
        found.append(replace(hp, when=when))
    return Space(
        hyperparameters=tuple(draw(st.permutations(found))), name=draw(_texts()), description=draw(_texts())
    )


@st.composite
def spaces_with_zeros(draw: st.DrawFn) -> Space:
    """A space in which at least one number may be exactly 0, its switch searched or fixed."""
    space, number = draw(spaces()), draw(numbers("weight"))
    found: list[Hyperparameter] = []
    for hp in [*(hp for hp in space if hp.name != "weight"), number]:
        switch = f"{hp.name}_zero"
        if not isinstance(hp, Number) or switch in space or (hp is not number and draw(st.booleans())):
            found.append(hp)
            continue
        common = draw(_common()) | {"name": switch, "when": hp.when, "zero_of": hp.name}
        kind = draw(
            st.sampled_from([{"default": False}, {"default": True}, {"value": False}, {"value": True}])
        )
        found.append(Boolean(**common, **kind) if "default" in kind else Fixed(**common, **kind))  # type: ignore[arg-type]
        found.append(replace(hp, when=(*hp.when, Condition(parent=switch, values=(False,)))))
    return replace(space, hyperparameters=tuple(draw(st.permutations(found))))


@st.composite
def _parent_values(draw: st.DrawFn, parent: Hyperparameter) -> tuple[Value, ...]:
    values = values_in(parent)
    if isinstance(parent, Integer) and draw(st.booleans()):
        assert parent.limits is not None
        low, high = (int(limit) for limit in parent.limits)
        cut = draw(st.integers(low, high))
        if draw(st.booleans()) and high - cut < 300:
            return tuple(range(cut, high + 1))
        if cut - low < 300:
            return tuple(range(low, cut + 1))
    return tuple(dict.fromkeys(draw(st.lists(values, min_size=1, max_size=3))))


def values_in(hp: Hyperparameter) -> st.SearchStrategy[Value]:
    """Values that a hyperparameter can take, its ends among them."""
    return st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)).map(hp.at)
