"""The texts in which the user writes ranges, options and values; none loses a digit on the way back."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace

from hptune.errors import SpaceError, did_you_mean
from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Value, same_value
from hptune.space.describe import describe_value
from hptune.space.hyperparameter import Hyperparameter
from hptune.space.numbers import Integer, Number
from hptune.space.range_moves import with_range

__all__ = ["exact_range", "exact_text", "parse_range", "parse_value", "split_text"]


def split_text(names: Sequence[str], text: str) -> tuple[str, str]:
    """Return the one of `names` and the rest of `name=rest`; raises SpaceError, naming the nearest."""
    named = [name for name in names if text.startswith(f"{name}=")]
    if named:
        name = max(named, key=len)
        return name, text[len(name) + 1 :].strip()
    name, equals, _ = text.partition("=")
    if not equals:
        raise SpaceError(f"{text!r}: nothing is set", hint=f"Write {text.strip()}=LOW..HIGH, =A,B or =VALUE.")
    if name.strip() in names:
        return name.strip(), text.partition("=")[2].strip()
    raise SpaceError(f"{text!r}: no hyperparameter is named {name.strip()!r}", hint=did_you_mean(name, names))


def exact_text(value: Value) -> str:
    """Return a value as the user would type it, with all the digits that it needs."""
    if isinstance(value, str):
        plain = value == value.strip() and value and not set(value) & set(',"\n\r')
        return value if plain else '"' + value.replace('"', '""') + '"'
    text = describe_value(value)
    if not isinstance(value, float) or float(text) == value:
        return text
    return repr(value).replace("e-0", "e-").replace("e+", "e")


def exact_range(hp: Hyperparameter) -> str:
    """Return a range as the user would type it, with all the digits that it needs."""
    if isinstance(hp, Number):
        return f"{exact_text(hp.low)}..{exact_text(hp.high)}"
    if isinstance(hp, Choice | Boolean):
        return ",".join(exact_text(option) for option in hp.options)
    return exact_text(hp.initial)


def parse_range(known: Hyperparameter, body: str, *, start: Value) -> Hyperparameter:
    """Return `known` with the range, options or single value that `body` writes, as a hard one.

    `start` becomes the default where the new range holds it. Raises SpaceError.
    """
    if isinstance(known, Number):
        if ".." not in body:
            return parse_value(known, body)
        low, high = (_number(known, end) for end in body.split("..", 1))
        return with_range(known, low, high, start, hard=True)
    if isinstance(known, Choice | Boolean):
        options = _options(known, body)
        if len(options) == 1:
            return _fixed(known, options[0])
        first = start if any(same_value(start, o) for o in options) else options[0]
        if isinstance(known, Boolean):
            return replace(known, default=bool(start), hard=True)
        return replace(known, options=options, default=first, hard=True)
    if ".." in body or "," in body:
        raise SpaceError(
            "fixed from the first pass on, so its scale, limits and choices are not known",
            hint="Give it a range in the space file.",
            name=known.name,
        )
    return parse_value(known, body)


def parse_value(known: Hyperparameter, body: str) -> Fixed:
    """Return `known` frozen at the value that `body` writes; raises SpaceError."""
    if isinstance(known, Number):
        value = _number(known, body)
        assert known.limits is not None
        low, high = known.limits
        if not low <= value <= high:
            raise SpaceError(
                f"{body} lies outside its limits {exact_text(low)}..{exact_text(high)}",
                hint="Widen the limits in the space file.",
                name=known.name,
            )
        return _fixed(known, value)
    if isinstance(known, Choice | Boolean):
        return _fixed(known, _option(known, body))
    return _fixed(known, _like(known, body))


def _fixed(known: Hyperparameter, value: Value) -> Fixed:
    return Fixed(
        name=known.name,
        tier=known.tier,
        when=known.when,
        hard=True,
        description=known.description,
        value=value,
        zero_of=known.zero_of if isinstance(known, Boolean | Fixed) else "",
    )


def _number(known: Number, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise SpaceError(
            f"{text.strip()!r} is not a number",
            hint="Write a range as 1e-3..1e-1, a value as 0.9.",
            name=known.name,
        ) from None
    if not isinstance(known, Integer):
        return number
    if number != number or number in (float("inf"), float("-inf")) or number != int(number):
        raise SpaceError(f"{text.strip()} is not a whole number", name=known.name)
    return int(number)


def _options(known: Choice | Boolean, body: str) -> tuple[Value, ...]:
    """Return the options written in `body`, in the order in which they are known."""
    if isinstance(known, Choice) and known.ordered and ".." in body:
        ends = body.split("..", 1)
        if not any(body == exact_text(o) for o in known.options):
            first, last = (_place(known, end) for end in ends)
            if first >= last:
                raise SpaceError(f"{ends[0]} must come before {ends[1]}", name=known.name)
            return known.options[first : last + 1]
    try:
        tokens = next(csv.reader([body], skipinitialspace=True), [])
    except csv.Error as error:
        raise SpaceError(f"{body!r} is not a list of options: {error}", name=known.name) from error
    found = [_place(known, token) for token in tokens]
    if not found:
        raise SpaceError(
            "no option is given", hint=did_you_mean("", map(exact_text, known.options)), name=known.name
        )
    for i, place in enumerate(found):
        if place in found[:i]:
            raise SpaceError(f"{tokens[i].strip()} is given twice", name=known.name)
    return tuple(known.options[place] for place in sorted(found))


def _option(known: Choice | Boolean, body: str) -> Value:
    options = _options(known, body)
    if len(options) > 1:
        raise SpaceError(f"{body} are {len(options)} values, and it can be frozen at one", name=known.name)
    return options[0]


def _place(known: Choice | Boolean, token: str) -> int:
    """Return the index of the option that a token names."""
    for wanted in (token, token.strip()):
        for i, option in enumerate(known.options):
            if _names(option, wanted):
                return i
    raise SpaceError(
        f"{token.strip()!r} is not among its options",
        hint=did_you_mean(token.strip(), (describe_value(o) for o in known.options)),
        name=known.name,
    )


def _names(option: Value, token: str) -> bool:
    if isinstance(option, str):
        return token == option
    if isinstance(option, bool):
        return token.lower() == describe_value(option)
    try:
        return float(token) == option
    except ValueError:
        return False


def _like(known: Hyperparameter, body: str) -> Value:
    """Return a value of the type of a fixed one."""
    value = known.initial
    if isinstance(value, str):
        return next(csv.reader([body]), [""])[0] if body.startswith('"') else body
    if isinstance(value, bool):
        if body.lower() not in ("true", "false"):
            raise SpaceError(f"{body!r} is neither true nor false", name=known.name)
        return body.lower() == "true"
    whole = isinstance(value, int) and body.strip().lstrip("+-").isdigit()
    try:
        return int(body) if whole else float(body)
    except ValueError:
        raise SpaceError(f"{body!r} is not a number", name=known.name) from None
