"""Search spaces: the hyperparameters of one pass, as a frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from hptune.errors import SpaceError, did_you_mean
from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Condition, Value, Values, kind_of, same_value
from hptune.space.hyperparameter import Hyperparameter

__all__ = ["Space"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """The hyperparameters of one pass.

    Parents may be listed after those that depend on them; `ordered` has parents first. Two
    spaces are equal when their names and hyperparameters are: the order of the list only
    shows, and neither it nor the description, nor what a file `said`, changes what is drawn.
    """

    hyperparameters: tuple[Hyperparameter, ...]
    name: str = ""
    description: str = ""
    said: Mapping[str, Set[str]] = field(default_factory=dict, repr=False)
    """Name → the keys that a file says of it, as it was read; empty where there was no file."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", tuple(self.hyperparameters))
        seen: set[str] = set()
        for hp in self.hyperparameters:
            if hp.name in seen:
                raise SpaceError("the name is used twice", name=hp.name)
            seen.add(hp.name)
        for hp in self.hyperparameters:
            for condition in hp.when:
                self._check_condition(hp, condition)
        for switch, name in self.zero_switches.items():
            self._check_zero_switch(switch, name)
        _ = self.ordered

    def _check_condition(self, hp: Hyperparameter, condition: Condition) -> None:
        parent = self.get(condition.parent)
        if parent is None:
            raise SpaceError(
                f"when: no hyperparameter of this space is named {condition.parent!r}",
                hint=did_you_mean(condition.parent, (h.name for h in self.hyperparameters)),
                name=hp.name,
                key="when",
            )
        kind = kind_of(parent.initial)
        for value in condition.values:
            if kind_of(value) != kind:
                raise SpaceError(
                    f"when: {parent.name} can't be {value!r}: it is {kind}, not {kind_of(value)}",
                    name=hp.name,
                    key="when",
                )
        if isinstance(parent, Choice | Boolean):
            for value in condition.values:
                if not parent.contains(value) and not self._dropped(parent, value):
                    raise SpaceError(
                        f"when: {parent.name} can't be {value!r}",
                        hint=did_you_mean(str(value), map(str, parent.options)),
                        name=hp.name,
                        key="when",
                    )

    def _check_zero_switch(self, switch: str, name: str) -> None:
        target = self.get(name)
        if target is None or kind_of(target.initial) != "number":
            raise SpaceError(
                f"zero_of: {name!r} is no number of this space",
                hint=did_you_mean(name, (h.name for h in self if kind_of(h.initial) == "number")),
                name=switch,
                key="zero_of",
            )
        if Condition(parent=switch, values=(False,)) not in target.when:
            raise SpaceError(
                f"when: must name {switch}, which says where it is 0",
                hint=f"Write when: {{{switch}: false}}.",
                name=name,
                key="when",
            )

    def _dropped(self, parent: Choice | Boolean, value: Value) -> bool:
        """Return whether `value` may have been an option in a coarser pass."""
        return isinstance(parent, Choice) and parent.hard and type(value) is type(parent.options[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return self.name == other.name and self._by_name == other._by_name

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.hyperparameters)))

    def __iter__(self) -> Iterator[Hyperparameter]:
        return iter(self.hyperparameters)

    def __len__(self) -> int:
        return len(self.hyperparameters)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Hyperparameter:
        try:
            return self._by_name[name]
        except KeyError:
            raise SpaceError(
                f"no hyperparameter is named {name!r}", hint=did_you_mean(name, self._by_name)
            ) from None

    def get(self, name: str) -> Hyperparameter | None:
        """Return the hyperparameter of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Hyperparameter]:
        return {hp.name: hp for hp in self.hyperparameters}

    @cached_property
    def ordered(self) -> tuple[Hyperparameter, ...]:
        """The hyperparameters, each after those it depends on; raises SpaceError on a circle."""
        done: dict[str, Hyperparameter] = {}

        def visit(hp: Hyperparameter, path: tuple[str, ...]) -> None:
            if hp.name in path:
                circle = " → ".join((*path[path.index(hp.name) :], hp.name))
                raise SpaceError(f"when: the conditions go in a circle: {circle}", name=hp.name, key="when")
            if hp.name in done:
                return
            for condition in hp.when:
                visit(self._by_name[condition.parent], (*path, hp.name))
            done[hp.name] = hp

        for hp in self.hyperparameters:
            visit(hp, ())
        return tuple(done.values())

    @property
    def searched(self) -> tuple[Hyperparameter, ...]:
        """Those that are not fixed."""
        return tuple(hp for hp in self.hyperparameters if not isinstance(hp, Fixed))

    def active(self, values: Values) -> dict[str, Value]:
        """Return `values` without those that are inactive under them; missing ones are defaults."""
        kept: dict[str, Value] = {}
        for hp in self.ordered:
            if all(condition.holds(kept) for condition in hp.when):
                kept[hp.name] = values.get(hp.name, hp.initial)
        return {hp.name: kept[hp.name] for hp in self.hyperparameters if hp.name in kept}

    @property
    def defaults(self) -> dict[str, Value]:
        """The configuration to start from."""
        return self.active({})

    def full(self, values: Values) -> dict[str, Value]:
        """Return `values` with every inactive or missing hyperparameter at its default."""
        return {hp.name: values.get(hp.name, hp.initial) for hp in self.hyperparameters}

    def problems(self, values: Values) -> list[str]:
        """Say what is wrong with a configuration: unknown names, values it can't take."""
        found = [f"{name}: not in the space" for name in values if name not in self]
        for name, value in self.active(values).items():
            if not self[name].contains(value):
                found.append(f"{name}: {value!r} is outside {self[name]!r}")
        return found

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Draw a configuration, uniform on each scale. The draw count is always `len(self)`."""
        units = rng.random(len(self.hyperparameters))
        drawn = zip(sorted(self._by_name), units, strict=True)
        return self.active({name: self[name].at(float(u)) for name, u in drawn})

    @cached_property
    def zero_switches(self) -> dict[str, str]:
        """Name of each boolean that says where a number is exactly 0 → the name of that number."""
        switches = (hp for hp in self.hyperparameters if isinstance(hp, Boolean | Fixed))
        return {hp.name: hp.zero_of for hp in switches if hp.zero_of}

    @cached_property
    def of_model(self) -> Space:
        """The hyperparameters that a model knows: these without `zero_switches`, and conditions on them."""
        if not self.zero_switches:
            return self
        known = (hp for hp in self if hp.name not in self.zero_switches)
        return replace(self, hyperparameters=tuple(self.without_switches(hp) for hp in known))

    def without_switches(self, hp: Hyperparameter) -> Hyperparameter:
        """Return a hyperparameter without its conditions on `zero_switches`."""
        return replace(hp, when=tuple(c for c in hp.when if c.parent not in self.zero_switches))

    def for_model(self, values: Values) -> dict[str, Value]:
        """Return a configuration as a model takes it: a number is 0 where its switch is true.

        What `zero_switches` names is left out; the 0 is a whole number where the range is one of those.
        """
        given = {name: value for name, value in values.items() if name not in self.zero_switches}
        zeros = (name for switch, name in self.zero_switches.items() if values.get(switch) is True)
        return given | {name: type(self[name].initial)(0) for name in zeros}

    def from_model(self, values: Values) -> dict[str, Value]:
        """Return values that a model had as a configuration of this space: the inverse of `for_model`.

        A configuration that has a value of a switch already is returned as it is.
        """
        found = dict(values)
        for switch, name in self.zero_switches.items():
            if switch not in found and name in found:
                found[switch] = same_value(found[name], 0)
                if found[switch]:
                    del found[name]
        return found

    @property
    def size(self) -> int | None:
        """An upper bound on the number of configurations; None where there is no end of them."""
        total = 1
        for hp in self.hyperparameters:
            if hp.size is None:
                return None
            total *= hp.size
        return total

    def with_changes(self, changed: Iterable[Hyperparameter]) -> Space:
        """Return this space with hyperparameters of the same names replaced."""
        new = {hp.name: hp for hp in changed}
        for name in new:
            _ = self[name]
        return replace(self, hyperparameters=tuple(new.get(hp.name, hp) for hp in self))

    def extended(self, found: Iterable[Hyperparameter]) -> Space:
        """Return this space with hyperparameters added, where it lacks them.

        Of a condition, the options count that its parent has here; one that names none of them is left out.
        What this space has keeps its range, and loses the conditions that `found` no longer names.
        """
        extended = self
        for hp in found:
            known = extended.get(hp.name)
            if known is None:
                more = replace(hp, when=tuple(extended._possible(hp.when)))
                extended = replace(extended, hyperparameters=(*extended.hyperparameters, more))
                continue
            parents = {condition.parent for condition in hp.when}
            kept = parents | self.zero_switches.keys()
            when = tuple(condition for condition in known.when if condition.parent in kept)
            if when != known.when:
                extended = extended.with_changes([replace(known, when=when)])
        return extended

    def _possible(self, when: Iterable[Condition]) -> Iterator[Condition]:
        """Yield the conditions that can hold here, each with the values that can."""
        for condition in when:
            parent = self.get(condition.parent)
            if parent is None:
                continue
            values = condition.values
            if isinstance(parent, Choice | Boolean):
                values = tuple(value for value in values if parent.contains(value))
            if values:
                yield replace(condition, values=values)
