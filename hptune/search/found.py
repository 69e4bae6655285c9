"""What models ask for in trials that the space lacks: what extends the space, and how the user is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hptune.space import Fixed, Hyperparameter, Space, Value, Values
from hptune.space.condition import Condition
from hptune.space.describe import describe_range, describe_value
from hptune.study.trial import Outcome

__all__ = ["MOST_FOUND", "Found", "FoundNames", "WithConditions"]

MOST_FOUND = 50
"""Names by which one search is extended at the most: code that makes up new ones for ever must end."""

WithConditions = Callable[[tuple[Hyperparameter, ...], Values, Space], tuple[Hyperparameter, ...]]
"""(What a trial asked for first, its values, the space) → the same with when it is asked for."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one job asked for beyond the values that it was given."""

    new: tuple[Hyperparameter, ...] = ()
    """What the space lacks, parents first."""
    wider: tuple[Hyperparameter, ...] = ()
    """What a trial found before, without the conditions that this one contradicts."""
    added: Mapping[str, Value] = field(default_factory=dict)
    """Values that are the trial's from here on."""
    left: Mapping[str, Value] = field(default_factory=dict)
    """What is not searched there, with its values."""

    @property
    def extension(self) -> tuple[Hyperparameter, ...]:
        """What the space is extended by."""
        return (*self.new, *self.wider)

    def lines(self, trial_id: int) -> list[str]:
        """Say what is searched from here on, a line per fact."""
        told = []
        searched = [hp for hp in self.new if not isinstance(hp, Fixed)]
        fixed = [hp for hp in self.new if isinstance(hp, Fixed)]
        if searched:
            told.append(f"trial {trial_id} asked for {_listed(searched)}: searched from here on")
        if fixed:
            told.append(f"trial {trial_id} asked for {_listed(fixed)}: fixed in the code")
        told += (
            f"trial {trial_id} asked for {hp.name} against its conditions: searched as {_listed([hp])}"
            " from here on"
            for hp in self.wider
        )
        return told


@dataclass
class FoundNames:
    """The space of a running search, and what its trials found beyond what it began with."""

    space: Space
    """Today's."""
    root: Space
    """That of the first pass."""
    with_conditions: WithConditions = lambda found, values, space: found
    known: dict[str, Hyperparameter] = field(default_factory=dict)
    """What trials found so far."""
    warned_of: set[str] = field(default_factory=set)
    """What is not searched where a trial asked for it, and the user knows."""

    def begin(self, space: Space) -> None:
        """Continue with the space of another pass."""
        self.space = space

    def extend(self, found: Iterable[Hyperparameter]) -> None:
        """Search these as well from here on."""
        found = tuple(found)
        self.space, self.root = self.space.extended(found), self.root.extended(found)
        self.known.update((hp.name, hp) for hp in found)

    def complete(self, values: Values, found: Sequence[Hyperparameter]) -> dict[str, Value]:
        """Return a configuration that lacks some of what was just found with the defaults of those."""
        active = self.space.active(values)
        missing = (hp.name for hp in found if hp.name in active and hp.name not in values)
        return {**values, **{name: active[name] for name in missing}}

    def look(self, values: Values, outcome: Outcome) -> Found:
        """Return what a job with these values found; nothing is changed."""
        if not outcome.unsearched and not outcome.declared:
            return Found()
        everything = {**values, **outcome.unsearched}
        new = self._new(values, outcome, everything)
        wider = tuple(self._wider(outcome.unsearched, everything))
        searched = {hp.name for hp in (*new, *wider)}
        searched |= {n for n in self.known if n in self.space and _holds(self.space[n].when, everything)}
        return Found(
            new=new,
            wider=wider,
            added={name: value for name, value in outcome.unsearched.items() if name in searched},
            left={name: value for name, value in outcome.unsearched.items() if name not in searched},
        )

    def warning(self, trial_id: int, found: Found) -> str:
        """Say, once for each, what a trial asked for and is not searched there; "" where there is nothing."""
        new = {name: value for name, value in found.left.items() if name not in self.warned_of}
        if not new:
            return ""
        self.warned_of.update(new)
        listed = ", ".join(f"{name} ({describe_value(value)})" for name, value in new.items())
        why = "where its conditions do not hold"
        if any(name not in self.space for name in new):
            full = len(self.known) >= MOST_FOUND
            why = f"beyond the {MOST_FOUND} that its trials have found" if full else "which can't be searched"
        return (
            f"trial {trial_id}: the model asked for {listed}, {why}: not searched there, but left at the "
            "value that the code begins with. Ask for it before any branch, and it is searched."
        )

    def _new(self, values: Values, outcome: Outcome, everything: Values) -> tuple[Hyperparameter, ...]:
        room = max(0, MOST_FOUND - len(self.known))
        found = tuple(hp for hp in outcome.declared if hp.name not in self.space)[:room]
        if not found:
            return ()
        asked = tuple(hp for hp in found if hp.name in outcome.unsearched)
        explained = {hp.name: hp for hp in self.with_conditions(asked, values, self.root)}
        return tuple(
            replace(hp, when=tuple(c for c in explained[hp.name].when if c.holds(everything)))
            if hp.name in explained
            else hp
            for hp in found
        )

    def _wider(self, asked: Iterable[str], everything: Values) -> Iterable[Hyperparameter]:
        for name in asked:
            known, now = self.known.get(name), self.space.get(name)
            # What the user wrote of when it counts is not ours to change.
            if known is None or now is None or not _parents(now.when) <= _parents(known.when):
                continue
            if not _holds(now.when, everything):
                yield replace(known, when=tuple(c for c in now.when if c.holds(everything)))


def _holds(when: Iterable[Condition], values: Values) -> bool:
    return all(condition.holds(values) for condition in when)


def _parents(when: Iterable[Condition]) -> set[str]:
    return {condition.parent for condition in when}


def _listed(found: Iterable[Hyperparameter]) -> str:
    return ", ".join(f"{hp.name} ({describe_range(hp)}{_where(hp)})" for hp in found)


def _where(hp: Hyperparameter) -> str:
    words = (
        f"{condition.parent} is {' or '.join(describe_value(value) for value in condition.values)}"
        for condition in hp.when
    )
    return f" where {' and '.join(words)}" if hp.when else ""
