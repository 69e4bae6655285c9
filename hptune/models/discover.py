"""Finds the hyperparameters of a `build(hp)` by calling it.

Each call tells which hyperparameters it asks for under the values it is given. Scopes that were never
active are made active, as Keras Tuner does; beyond that, every choice and both ends of every whole number
are tried, many of them in one call: where nothing depends on anything, a build is called once, and once
more for each value of the hyperparameter that has the most of them. Where a call asks for other names than
the one before, the fewest values that make the difference are sought, and each of those is tried at all its
values. So plain Python, `if hp.Choice(…) == "sgd":` or `for i in range(hp.Int("layers", 1, 5)):`, gives
conditions as well, several of them where a loop and a flag decide together.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hptune._text import counted
from hptune.models.explore import (
    MOST_CALLS,
    Build,
    Call,
    Exhausted,
    Explorer,
    Given,
    branch_values,
    tried_values,
)
from hptune.space import Hyperparameter, Number, Space, Value, Values, same_value
from hptune.space.condition import Condition
from hptune.space.describe import describe_range

__all__ = ["MOST_BUILDS", "Discovered", "discover", "find_conditions"]

MOST_BUILDS = 40
"""Configurations that are built to see when a name is asked for that exploring did not find."""


@dataclass(frozen=True)
class Discovered:
    """What was found by calling a build."""

    space: Space
    remarks: tuple[str, ...] = ()
    """What is worth knowing of how it was found."""


def discover(build: Build, read: Callable[[Any], Space], first: Any) -> Discovered:
    """Return the space of a `build(hp)`; `read` turns keras_tuner.HyperParameters into a space.

    `first` is an empty `Asked`, that of the first call. What that call raises goes through;
    where a further one raises, there is nothing to be found that way.
    """
    search = _Search(Explorer(build, type(first)()), read)
    remarks: list[str] = []
    try:
        search.run(first)
    except Exhausted:
        remarks.append(
            f"the model was built {counted(MOST_CALLS, 'time')} to find its hyperparameters, and some of its "
            "branches were not tried: what only they ask for is searched once a trial asks for it"
        )
    space = search.space()
    return Discovered(space, (*remarks, *_of_ranges(space, search.explorer.known)))


def find_conditions(
    build: Build,
    read: Callable[[Any], Space],
    asked: type[Any],
    found: tuple[Hyperparameter, ...],
    values: Values,
    space: Space,
) -> tuple[Hyperparameter, ...]:
    """Return what a trial with these values of `space` asked for first, with when it is asked for.

    What the code declares under conditions keeps those. Of others, the values are sought that make the
    difference between the trial and the defaults of the space, where those do not ask for it; a number with
    too many values to try each gives no condition. No more than MOST_BUILDS configurations are built.
    """
    free = [hp.name for hp in found if not hp.when]
    search = _Search(Explorer(build, asked(), most=MOST_BUILDS), read, ranges=space)
    around = space.defaults
    known = {name: value for name, value in values.items() if name in space}
    changed = {n: v for n, v in known.items() if n not in around or not same_value(around[n], v)}
    if free and changed:
        with contextlib.suppress(Exhausted):
            search.explain_new(free, around, changed)
    return tuple(replace(hp, when=search.conditions_of(hp)) if hp.name in free else hp for hp in found)


def _of_ranges(space: Space, known: Any) -> Iterator[str]:
    """Say which hyperparameters are declared in several ways, and what is searched."""
    for hp in space:
        if hp.name in known.unlike:
            yield f"{hp.name} is declared in several ways: {describe_range(hp)} is searched"
        elif hp.name in known.widened:
            yield (
                f"{hp.name} is declared with several ranges: all of {describe_range(hp)} is searched, and "
                "the code gets values beyond the range that it names for itself in a trial"
            )


_MOST_EXPLANATIONS = 4
"""How often it is sought what a name depends on: where either of two is enough, no condition says it."""


@dataclass
class _Search:
    """What was found so far."""

    explorer: Explorer
    read: Callable[[Any], Space]
    ranges: Space | None = None
    """The values to try of what it holds; None for all that the code declares."""
    looked_at: dict[str, Hyperparameter] = field(default_factory=dict)
    """Hyperparameters whose own values were tried, as they were known then."""
    explained: Counter[str] = field(default_factory=Counter)
    """How often it was sought what a name depends on."""
    when: dict[str, dict[str, tuple[Value, ...]]] = field(default_factory=dict)
    """Name → parent → values of the parent under which it is asked for."""
    branches: dict[str, dict[Value, frozenset[str]]] = field(default_factory=dict)
    """Parent → value → what is asked for."""

    def run(self, first: Any) -> None:
        self.explorer.activate_scopes(first)
        while True:
            calls = len(self.explorer.calls)
            while batch := self._next_batch():
                self._screen(*batch)
            for given in self._combinations():
                self._compare({}, given)
            if len(self.explorer.calls) == calls:
                return

    def _next_batch(self) -> tuple[Given, list[Hyperparameter]] | None:
        """Return the call that asked for the most hyperparameters not looked at, and these."""
        known = self.read(self.explorer.known)
        waiting = {hp.name: hp for hp in known if self.looked_at.get(hp.name) != hp}
        call = max(self.explorer.calls, key=lambda c: len(c.asked & waiting.keys()))
        batch = [hp for name, hp in waiting.items() if name in call.asked]
        self.looked_at.update((hp.name, hp) for hp in batch)
        return (call.given, batch) if batch else None

    def _screen(self, around: Given, batch: list[Hyperparameter]) -> None:
        """Try the values of several hyperparameters, all of them at once; each alone where that fails.

        A second round has each value beside others than the first. It is left out where the first showed
        that nothing depends on anything: a large model takes long to build.
        """
        values = {hp.name: tried for hp in batch if (tried := tried_values(hp))}
        for shift in (0, 1) if len(values) > 1 else (0,):
            worked = [self._try_row(around, row) for row in _rows(values, shift)]
            if all(worked) and not self._is_conditional():
                return

    def _try_row(self, around: Given, row: Given) -> bool:
        """Try values together; each alone where that fails, which is returned."""
        works = self._compare(around, row)
        if not works:
            for name, value in row.items():
                self._compare(around, {name: value})
        return works

    def _is_conditional(self) -> bool:
        """Return whether any call asked for other names than another one, or names have scopes."""
        known = self.read(self.explorer.known)
        return len({call.asked for call in self.explorer.calls}) > 1 or any(hp.when for hp in known)

    def _compare(self, around: Given, changed: Given) -> bool:
        """Explain what is asked for under changed values only, or without them only; False if that fails."""
        usual, new = self.explorer.call(around), self.explorer.call({**around, **changed})
        if usual is None or new is None:
            return False
        for name in sorted(usual.asked ^ new.asked):
            if not (self._is_expected(name, usual) and self._is_expected(name, new)):
                self._explain(name, around, changed)
        return True

    def explain_new(self, names: Iterable[str], around: Given, changed: Given) -> None:
        """Find when names are asked for that changed values ask for, and the usual ones do not."""
        usual, new = self.explorer.call(around), self.explorer.call({**around, **changed})
        if usual is None or new is None:
            return
        for name in names:
            differs = name in new.asked and name not in usual.asked
            if differs and not (self._is_expected(name, usual) and self._is_expected(name, new)):
                self._explain(name, around, changed)

    def _is_expected(self, name: str, call: Call) -> bool:
        """Return whether the conditions found so far say whether this call asked for `name`."""
        when = self.when.get(name)
        if when is None:
            return False
        return (name in call.asked) is all(_holds(call, parent, values) for parent, values in when.items())

    def _explain(self, name: str, around: Given, changed: Given) -> None:
        """Find what decides whether `name` is asked for, and under which values it is."""
        self.explained[name] += 1
        if self.explained[name] > _MOST_EXPLANATIONS:
            return
        usual = self._asks(name, around)
        needed = _fewest(changed, lambda some: self._asks(name, {**around, **some}) is (not usual))
        for parent in needed:
            self._vary(parent, around if usual else {**around, **needed})

    def _asks(self, name: str, given: Given) -> bool | None:
        """Return whether a call asks for `name`; None where it fails."""
        call = self.explorer.call(given)
        return None if call is None else name in call.asked

    def _vary(self, parent: str, around: Given) -> None:
        """Try all values of one hyperparameter, and note what is asked for under some of them only."""
        ranges = self.read(self.explorer.known) if self.ranges is None else self.ranges
        hp = ranges[parent]
        tried = {value: self.explorer.call({**around, parent: value}) for value in branch_values(hp)}
        seen = {value: call.asked for value, call in tried.items() if call is not None}
        ever = frozenset[str]().union(*seen.values())
        some = ever - ever.intersection(*seen.values())
        if some:
            self.branches.setdefault(parent, seen)
        if len(seen) == hp.size:
            for name in some:
                values = tuple(sorted((v for v, asked in seen.items() if name in asked), key=_order))
                self.when.setdefault(name, {}).setdefault(parent, values)

    def _combinations(self) -> Iterator[Given]:
        """Return values of all parents under which the most is asked for, and each other branch of each."""
        best = {
            parent: max(seen, key=lambda value: len(seen[value])) for parent, seen in self.branches.items()
        }
        if len(best) < 2:
            return
        yield dict(best)
        for parent, seen in list(self.branches.items()):
            for value, asked in seen.items():
                if not any(asked < other for other in seen.values()) and asked != seen[best[parent]]:
                    yield {**best, parent: value}

    def space(self) -> Space:
        """Return the space with the conditions found added to those that were declared."""
        space = self.read(self.explorer.known)
        changed: list[Hyperparameter] = []
        for hp in space:
            new = replace(hp, when=self.conditions_of(hp))
            fixed = hp.name in self.branches or hp.name in self.explorer.known.widened
            if fixed and isinstance(new, Number):
                # Larger numbers were not seen, or the code never means them: it must not grow.
                new = replace(new, limits=(new.low, new.high))
            changed.append(new)
        return space.with_changes(changed)

    def conditions_of(self, hp: Hyperparameter) -> tuple[Condition, ...]:
        """Return the conditions that were declared, and those that were found."""
        declared = {condition.parent for condition in hp.when}
        more = (
            Condition(parent=parent, values=values)
            for parent, values in self.when.get(hp.name, {}).items()
            if parent not in declared
            and parent != hp.name
            and hp.name not in self.when.get(parent, {})
            and self._always_holds(hp.name, parent, values)
        )
        return (*hp.when, *more)

    def _always_holds(self, name: str, parent: str, values: tuple[Value, ...]) -> bool:
        """Return whether no call asked for `name` under other values: then something else can do so, too."""
        return all(_holds(call, parent, values) for call in self.explorer.calls if name in call.asked)


def _holds(call: Call, parent: str, values: tuple[Value, ...]) -> bool:
    return parent in call.asked and any(same_value(call.values[parent], value) for value in values)


def _rows(values: dict[str, tuple[Value, ...]], shift: int) -> Iterator[Given]:
    """Return settings in which each value of each hyperparameter occurs, beside others for each `shift`."""
    for k in range(max(map(len, values.values()), default=0)):
        yield {
            name: several[(k + shift * place) % len(several)]
            for place, (name, several) in enumerate(values.items())
        }


def _fewest(changed: Given, differs: Callable[[Given], bool]) -> Given:
    """Return few of the changed values that still make the difference that all of them make."""
    needed = dict(changed)
    size = max(1, len(needed) // 2)
    while True:
        names = list(needed)
        for start in range(0, len(names), size):
            without = {n: v for n, v in needed.items() if n not in names[start : start + size]}
            if without and len(without) < len(needed) and differs(without):
                needed = without
        if size == 1:
            return needed
        size = min(size // 2 + size % 2, size - 1)


def _order(value: Value) -> tuple[str, Any]:
    return ("", value) if isinstance(value, int | float) else (str(value), 0)
