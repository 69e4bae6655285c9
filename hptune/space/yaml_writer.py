"""Writes a space as YAML that the user enjoys reading and that loads back equal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from hptune._text import quoted
from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Condition, Value
from hptune.space.hyperparameter import Hyperparameter, Tier
from hptune.space.names import limits_for, meaning
from hptune.space.numbers import Integer, Number
from hptune.space.scales import Scale
from hptune.space.space import Space

__all__ = ["dump_space", "short_number"]

_WIDTH = 110

_TITLES = {
    Tier.FIRST: "Tier 1: the learning rate",
    Tier.SECOND: "Tier 2: momentum, hidden units, batch size",
    Tier.THIRD: "Tier 3: layers, learning-rate decay, Adam's own",
    Tier.UNRANKED: "Unranked",
}

_NOT_TEXT = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that some reader of YAML takes for something else."""


def dump_space(space: Space, *, comments: Mapping[str, str] | None = None) -> str:
    """Return `space` as YAML: by tier, one line for each hyperparameter where it fits.

    `comments` are written above the hyperparameters they are for, by name.
    """
    lines: list[str] = []
    if space.name:
        lines.append(f"name: {_text(space.name)}")
    if space.description:
        lines.extend(_paragraph("description", space.description))
    lines += ["", "hyperparameters:"] if lines else ["hyperparameters:"]
    for tier in Tier:
        members = [hp for hp in space if hp.tier is tier]
        if members:
            lines += [*([] if lines[-1] == "hyperparameters:" else [""]), f"  # {_TITLES[tier]}"]
        for hp in members:
            for comment in (comments or {}).get(hp.name, "").splitlines():
                lines.append(f"  # {''.join(c for c in comment if c.isprintable())}".rstrip())
            lines.extend(_entry(hp, space))
    return "\n".join(lines) + "\n"


def _entry(hp: Hyperparameter, space: Space) -> Iterator[str]:
    keys = dict(_keys(hp, space))
    name = _text(hp.name)
    if keys.keys() == {"value"}:
        yield f"  {name}: {keys['value']}"
        return
    line = f"  {name}: {{{', '.join(f'{key}: {text}' for key, text in keys.items())}}}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"  {name}:"
    for key, text in keys.items():
        yield f"    {key}: {text}"


def _keys(hp: Hyperparameter, space: Space) -> Iterator[tuple[str, str]]:
    """Yield the keys of a hyperparameter with their values as YAML; what goes without saying is left out."""
    as_told = hp.tier is meaning(hp.name).tier
    if not as_told or (hp.tier is not Tier.UNRANKED and not isinstance(hp, Fixed)):
        yield "tier", "unranked" if hp.tier is Tier.UNRANKED else str(int(hp.tier))
    yield from _kind_keys(hp)
    if hp.when:
        said = (f"{_text(c.parent)}: {_condition(c, space)}" for c in hp.when)
        yield "when", f"{{{', '.join(said)}}}"
    if hp.hard:
        yield "hard", "true"
    if hp.description:
        yield "description", _text(hp.description)


def _kind_keys(hp: Hyperparameter) -> Iterator[tuple[str, str]]:
    if isinstance(hp, Number):
        yield from _number_keys(hp)
    elif isinstance(hp, Choice):
        yield "choices", _list(hp.options)
        if hp.ordered:
            yield "ordered", "true"
        if hp.default != hp.options[0]:
            yield "default", _scalar(hp.initial)
    elif isinstance(hp, Boolean):
        yield "type", "boolean"
        yield "default", _scalar(hp.default)
    elif isinstance(hp, Fixed):
        yield "value", _scalar(hp.value)
    if isinstance(hp, Boolean | Fixed) and hp.zero_of:
        yield "zero_of", _text(hp.zero_of)


def _number_keys(hp: Number) -> Iterator[tuple[str, str]]:
    whole = isinstance(hp, Integer)
    if whole:
        yield "type", "int"
    yield "range", _list((hp.low, hp.high))
    if hp.scale is not Scale.LINEAR:
        yield "scale", hp.scale.value
    if hp.step is not None:
        yield "step", _scalar(hp.step)
    if hp.default != hp.at(0.5):
        yield "default", _scalar(hp.initial)
    assert hp.limits is not None
    if hp.limits != limits_for(hp.name, hp.low, hp.high, hp.scale, whole=whole):
        yield "limits", _list(hp.limits)


def _condition(condition: Condition, space: Space) -> str:
    """Return a condition as a value, a list, or a comparison where one says the same."""
    values = condition.values
    if len(values) == 1:
        return _scalar(values[0])
    parent = space[condition.parent]
    if isinstance(parent, Integer) and len(values) > 2:
        assert parent.limits is not None
        low, high = (int(limit) for limit in parent.limits)
        if values == tuple(range(int(values[0]), high + 1)):
            return f'">= {values[0]}"'
        if values == tuple(range(low, int(values[-1]) + 1)):
            return f'"<= {values[-1]}"'
    return _list(values)


def _list(values: tuple[Value, ...]) -> str:
    return f"[{', '.join(map(_scalar, values))}]"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else short_number(value)


def short_number(number: float) -> str:
    """Return a finite number in the fewest characters that read back as the same: 1e-3, 0.05, 100.0."""
    if isinstance(number, int):
        return str(number)
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) + exponent - 1
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    scientific = f"{'-' * sign}{mantissa}e{power}"
    written = format(Decimal(repr(float(number))).normalize(), "f")
    positional = written if "." in written else f"{written}.0"
    return positional if 0 <= power < 7 or len(positional) <= len(scientific) else scientific


def _text(text: str) -> str:
    """Return text as YAML: plain where nothing in it could be taken for something else."""
    harmless = all(c.isalnum() or c in " _./()'+%-" for c in text) and text[:1].isalpha()
    if harmless and not text.endswith(" ") and text.lower() not in _NOT_TEXT:
        return text
    return quoted(text)


def _paragraph(key: str, text: str) -> Iterator[str]:
    """Yield a key with its text, folded over lines where it is long and has no layout of its own."""
    short = f"{key}: {_text(text)}"
    if len(short) <= _WIDTH or not text.isprintable() or " ".join(text.split()) != text:
        yield short
        return
    yield f"{key}: >-"
    for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False):
        yield f"  {line}"
