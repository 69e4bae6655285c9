"""What a user's code asks for in a trial beyond the values that it is given."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from hptune.space import Hyperparameter, Space, Value, Values

__all__ = ["Beyond"]


@dataclass
class Beyond:
    """Gives a user's code its values, and notes what else it asks for."""

    searched: Space
    """What the values are of."""
    explored: Space
    """What exploring found, which Keras Tuner's HyperParameters are made of."""
    unsearched: dict[str, Value] = field(default_factory=dict)
    """What the configuration built last asked for beyond its values, with the values that it got."""
    declared: dict[str, Hyperparameter] = field(default_factory=dict)
    """What it declared beyond what exploring found, and was given no value of, parents first."""

    @classmethod
    def of(cls, searched: Space, found: Set[str]) -> Beyond:
        """Return what gives values of a space, in which trials found some names and exploring the others."""
        explored = tuple(
            replace(hp, when=tuple(c for c in hp.when if c.parent not in found))
            for hp in searched.of_model
            if hp.name not in found
        )
        return cls(searched, replace(searched, hyperparameters=explored))

    def given(self, values: Values) -> Any:
        """Return HyperParameters with these values.

        Those of names that exploring did not find reach the code in any process, whether or not it was
        started before a trial asked for them: only the values are there, and the code declares the rest.
        """
        from hptune.models.keras_tuner_space import with_values

        values = self.searched.for_model(values)
        hp = with_values(self.explored, {n: v for n, v in values.items() if n in self.explored})
        hp.values.update({n: v for n, v in values.items() if n not in self.explored})
        return hp

    def clear(self) -> None:
        """Begin with another configuration."""
        self.unsearched.clear()
        self.declared.clear()

    @contextmanager
    def noting(self, hp: Any) -> Iterator[None]:
        """Note what the user's code asks for beyond the values it was given, even where it then fails."""
        from hptune.models.keras_tuner_space import declared_beyond, values_of

        given = set(hp.values)
        try:
            yield
        finally:
            self.unsearched.update({n: v for n, v in values_of(hp).items() if n not in given})
            if any(p.name not in given and p.name not in self.explored for p in hp.space):
                self.declared.update((d.name, d) for d in declared_beyond(hp) if d.name not in given)
