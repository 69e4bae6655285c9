"""Turns what a space file says into a Space, or says what is wrong and on which line."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from hptune.errors import SpaceError, did_you_mean
from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Condition, Value, kind_of
from hptune.space.hyperparameter import Hyperparameter, Tier
from hptune.space.names import limits_for, meaning
from hptune.space.numbers import Float, Integer, Number
from hptune.space.scales import Scale
from hptune.space.schema import BooleanSpec, ChoiceSpec, FixedSpec, NumberSpec, SpaceFile, Spec
from hptune.space.space import Space
from hptune.space.yaml_lines import Document, dotted

__all__ = ["located", "read_space"]

_KINDS: dict[str, type[Spec]] = {
    "range": NumberSpec,
    "choices": ChoiceSpec,
    "type": BooleanSpec,
    "value": FixedSpec,
}
"""The key that tells each kind; `type: boolean` tells a boolean."""

_CALLED = {NumberSpec: "a range", ChoiceSpec: "choices", BooleanSpec: "a boolean", FixedSpec: "a fixed value"}

_ZERO_HINTS = {
    ChoiceSpec: "List 0 among the choices.",
    BooleanSpec: "It goes with a range.",
    FixedSpec: "It goes with a range.",
}

_KEYS = sorted({key for spec in _KINDS.values() for key in spec.model_fields})

_EXPECTED = {
    "range": "two numbers: [low, high]",
    "limits": "two numbers: [lowest, highest]",
    "step": "a number",
    "choices": "a list of text, numbers or booleans",
    "value": "text, a number or a boolean",
    "when": "conditions such as {optimizer: sgd}",
    "ordered": "true or false",
    "zero": "true or false",
    "zero_of": "the name of a range",
    "hard": "true or false",
    "description": "text",
    "name": "text",
}

_NAMED: dict[str, tuple[str, ...]] = {
    "tier": ("1", "2", "3", "unranked"),
    "scale": tuple(Scale),
    "type": ("int", "float", "boolean"),
}
"""Keys whose values are names."""

_COMPARISON = re.compile(r"(>=|<=|>|<)\s*(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_MOST_VALUES = 10_000
"""More values than this are not listed for a comparison."""


def read_space(document: Document) -> Space:
    """Return the space that a document describes."""
    return _Reader(document).space()


@dataclass(frozen=True)
class _Reader:
    document: Document

    def fail(self, path: tuple[str, ...], message: str, hint: str = "") -> SpaceError:
        """Return the error for what lies at `path`: `file:line: name.key: message`."""
        document = self.document
        line = document.line(*path)
        return SpaceError(message, hint=hint, source=document.source, line=line, name=dotted(path))

    def space(self) -> Space:
        self._check_top()
        data = self.document.data
        found = {name: self._hyperparameter(name, said) for name, said in data["hyperparameters"].items()}
        conditional = [self._with_conditions(found, name) for name in found]
        everything = [one for hp in conditional for one in self._with_zero(hp, found)]
        try:
            return Space(
                hyperparameters=tuple(everything),
                name=data.get("name", ""),
                description=data.get("description", ""),
                said={
                    name: frozenset(k for k in said if said[k] is not None)
                    if isinstance(said, dict)
                    else frozenset({"value"})
                    for name, said in data["hyperparameters"].items()
                },
            )
        except SpaceError as error:
            raise located(error, self.document) from error

    def _check_top(self) -> None:
        data = self.document.data
        if data is None:
            raise self.fail((), "the file is empty", "It needs `hyperparameters:` and at least one of them.")
        if not isinstance(data, dict):
            raise self.fail((), f"a space must be a mapping, not {_shown(data)}", _BEGIN)
        for key in data:
            if key not in SpaceFile.model_fields:
                is_one = "hyperparameters" not in data and isinstance(data[key], dict)
                hint = _BEGIN if is_one else did_you_mean(key, SpaceFile.model_fields)
                raise self.fail((key,), "unknown key", hint)
        for key in ("name", "description"):
            if not isinstance(data.get(key, ""), str):
                raise self.fail((key,), f"must be text, got {_shown(data[key])}", "Put it in quotes.")
        listed = data.get("hyperparameters")
        if "hyperparameters" not in data:
            raise self.fail((), "there is no `hyperparameters:`", _BEGIN)
        if not isinstance(listed, dict) or not listed:
            raise self.fail(
                ("hyperparameters",), f"must be a mapping from names, got {_shown(listed)}", _BEGIN
            )

    def _hyperparameter(self, name: str, said: Any) -> Hyperparameter:
        """Return one hyperparameter without its conditions."""
        path = ("hyperparameters", name)
        if said is None:
            raise self.fail(path, "nothing is written after the colon", _NEEDS)
        if isinstance(said, list):
            raise self.fail(path, f"must be a mapping or a value, got {_shown(said)}", _NEEDS)
        spec = self._checked(path, said if isinstance(said, dict) else {"value": said})
        try:
            return _made(name, spec)
        except SpaceError as error:
            raise located(error, self.document) from error

    def _checked(self, path: tuple[str, ...], said: dict[str, Any]) -> Spec:
        """Return the checked keys of one hyperparameter."""
        for key in said:
            if key not in _KEYS:
                raise self.fail((*path, key), "unknown key", did_you_mean(key, _KEYS))
        kind = self._kind(path, said)
        for key in said:
            if key not in kind.model_fields:
                hint = _ZERO_HINTS.get(kind, "") if key == "zero" else ""
                raise self.fail((*path, key), f"has no meaning for {_CALLED[kind]}", hint)
        try:
            return kind.model_validate(said)
        except ValidationError as error:
            key = str(error.errors()[0]["loc"][0])
            raise self._wrong_value((*path, key), key, said.get(key), kind) from None

    def _kind(self, path: tuple[str, ...], said: dict[str, Any]) -> type[Spec]:
        telling = [key for key in ("range", "choices", "value") if key in said]
        if len(telling) > 1:
            raise self.fail(path, f"has both {telling[0]} and {telling[1]}", "Keep one of them.")
        if telling:
            return _KINDS[telling[0]]
        if said.get("type") == "boolean":
            return BooleanSpec
        if "type" in said and said["type"] not in ("int", "float"):
            raise self._wrong_value((*path, "type"), "type", said["type"], BooleanSpec)
        raise self.fail(path, "says neither range, choices, value nor type: boolean", _NEEDS)

    def _wrong_value(self, path: tuple[str, ...], key: str, value: Any, kind: type[Spec]) -> SpaceError:
        if key in _NAMED:
            known = ("int", "float") if key == "type" and kind is NumberSpec else _NAMED[key]
            return self.fail(path, f"unknown {key} {_shown(value)}", did_you_mean(str(value), known))
        expected = _EXPECTED.get(key) or _DEFAULTS[kind]
        return self.fail(path, f"must be {expected}, got {_shown(value)}")

    def _with_conditions(self, found: dict[str, Hyperparameter], name: str) -> Hyperparameter:
        said = self.document.data["hyperparameters"][name]
        if not isinstance(said, dict) or not said.get("when"):
            return found[name]
        conditions = []
        for parent, value in said["when"].items():
            path = ("hyperparameters", name, "when", parent)
            values = value if isinstance(value, list) else [value]
            try:
                conditions.append(Condition(parent=parent, values=_meant(found.get(parent), values)))
            except SpaceError as error:
                raise self.fail(path, error.reason, error.hint) from error
        try:
            return replace(found[name], when=tuple(conditions))
        except SpaceError as error:
            raise located(error, self.document) from error

    def _with_zero(self, hp: Hyperparameter, found: Collection[str]) -> tuple[Hyperparameter, ...]:
        """Return a hyperparameter, and before it the boolean that `zero: true` asks for.

        A range stays one interval: whether it is exactly 0 instead is a hyperparameter of its own.
        """
        said = self.document.data["hyperparameters"][hp.name]
        if not isinstance(hp, Number) or not said.get("zero"):
            return (hp,)
        path, name = ("hyperparameters", hp.name, "zero"), f"{hp.name}_zero"
        if hp.low <= 0 <= hp.high:
            raise self.fail(path, f"the range {hp.low:g}..{hp.high:g} has 0 already", "Leave zero out.")
        if name in found:
            raise self.fail(
                path,
                f"{name} would say whether it is 0, and the space has one of that name",
                f"Rename it; or, if it is meant, leave zero out and write zero_of: {hp.name} there.",
            )
        switch = Boolean(name=name, tier=hp.tier, when=hp.when, zero_of=hp.name)
        return switch, replace(hp, when=(*hp.when, Condition(parent=name, values=(False,))))


def located(error: SpaceError, document: Document) -> SpaceError:
    """Return an error of a hyperparameter with the file and the line of the key that it is about."""
    path = ("hyperparameters", error.name)
    known = document.data["hyperparameters"].get(error.name)
    key = error.key if isinstance(known, dict) and error.key in known else "range"
    return error.at(document.source, document.line(*path, key))


_BEGIN = (
    "Begin with `hyperparameters:` and a line such as `  learning_rate: {range: [1e-4, 0.1], scale: log}`."
)
_NEEDS = "Write for example {range: [1e-4, 0.1], scale: log}, {choices: [a, b]}, {type: boolean} or a value."
_DEFAULTS: dict[type[Spec], str] = {
    NumberSpec: "a number",
    ChoiceSpec: "one of the choices",
    BooleanSpec: "true or false",
}


def _shown(value: Any) -> str:
    """Return a value as in the file, shortened."""
    if isinstance(value, str):
        text = repr(value)
    elif value is None:
        text = "nothing"
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _made(name: str, spec: Spec) -> Hyperparameter:
    tier = meaning(name).tier if spec.tier is None else Tier(4 if spec.tier == "unranked" else spec.tier)
    common: dict[str, Any] = {
        "name": name,
        "tier": tier,
        "hard": spec.hard,
        "description": spec.description,
    }
    if isinstance(spec, NumberSpec):
        return _number(spec, common)
    if isinstance(spec, ChoiceSpec):
        return Choice(options=tuple(spec.choices), ordered=spec.ordered, default=spec.default, **common)
    if isinstance(spec, BooleanSpec):
        return Boolean(default=spec.default, zero_of=spec.zero_of, **common)
    assert isinstance(spec, FixedSpec)
    return Fixed(value=spec.value, zero_of=spec.zero_of, **common)


def _number(spec: NumberSpec, common: dict[str, Any]) -> Number:
    low, high = spec.range
    scale = Scale(spec.scale)
    whole = _is_whole(common["name"], spec)
    kind = Integer if whole else Float
    made = kind(low=low, high=high, scale=scale, step=spec.step, default=spec.default, **common)
    limits = spec.limits or limits_for(common["name"], made.low, made.high, scale, whole=whole)
    return replace(made, limits=(limits[0], limits[1]))


def _is_whole(name: str, spec: NumberSpec) -> bool:
    """Return whether a range is one of whole numbers."""
    if spec.type is not None:
        return spec.type == "int"
    written = [*spec.range, *(n for n in (spec.step, spec.default) if n is not None)]
    all_whole = all(isinstance(number, int) for number in written)
    return all_whole and spec.scale != "log_complement" and meaning(name).whole is not False


def _meant(parent: Hyperparameter | None, values: list[Value]) -> tuple[Value, ...]:
    """Return the values of a condition, with comparisons such as ">= 2" as the values they hold for."""
    found: list[Value] = []
    for value in values:
        match = _COMPARISON.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None or parent is None or kind_of(parent.initial) != "number":
            found.append(value)
            continue
        compare, bound = _COMPARE[match[1]], float(match[2])
        held = [number for number in _numbers(parent, bound) if compare(number, bound)]
        if not held:
            raise SpaceError(f"{parent.name} is never {value}")
        found.extend(number for number in held if number not in found)
    return tuple(found)


def _numbers(parent: Hyperparameter, bound: float) -> list[float]:
    """Return the numbers that `parent` can ever be, within its limits."""
    if isinstance(parent, Choice):
        return [float(o) if isinstance(o, float) else int(o) for o in parent.options]
    if isinstance(parent, Fixed):
        # It may be opened again: the whole numbers about the bound stand for those it isn't now.
        near = {int(bound) - 1, int(bound), int(bound) + 1}
        return sorted({float(parent.value) if isinstance(parent.value, float) else int(parent.value), *near})
    if not isinstance(parent, Integer):
        raise SpaceError(
            f"a comparison needs whole numbers or choices, and {parent.name} is neither",
            hint="List the values.",
        )
    assert parent.limits is not None
    low, high = (int(limit) for limit in parent.limits)
    if high - low > _MOST_VALUES:
        raise SpaceError(f"{parent.name} has too many values within its limits {low}..{high}")
    return list(range(low, high + 1))
