"""A user model: a Keras Tuner `build(hp)` function or HyperModel in FILE.py."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hptune._log import logger
from hptune.data import Dataset
from hptune.data.put_back import random_numbers_kept
from hptune.data.python_file import importable
from hptune.data.under_way import under_way
from hptune.models.beyond import Beyond
from hptune.models.call_fit import call_with_what_it_takes, takes
from hptune.models.discover import find_conditions
from hptune.models.memory import room_for_weights
from hptune.models.model import Arrays, OwnFit, Streamed, Training
from hptune.models.user_code import bytes_fingerprint, checked, load_user_code, named_call
from hptune.space import Hyperparameter, Space, Values

__all__ = ["UserModel", "arrays_of"]

_DEFAULT_BATCH = 32
"""Keras's own default."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UserModel:
    """A model that takes Keras Tuner's `hp`."""

    name: str
    """FILE.py:NAME"""
    file: Path
    fingerprint: str
    searched: Space
    first_tried: Values = field(default_factory=dict)
    """What Keras Tuner itself would begin with: its own defaults, the lowest of a range without one."""
    noticed: tuple[str, ...] = ()
    """What is worth knowing of how its hyperparameters were found."""
    own_data: bool = False
    """Whether its fit brings its own data, and takes none."""
    passes_batch_size: bool = False
    """Whether `batch_size` comes from outside, so that an own fit is given it as a keyword."""
    found: frozenset[str] = frozenset()
    """Names of the space that exploring did not find, and a trial asked for."""
    _build: Callable[[Any], Any]
    _fit: Callable[..., Any] | None
    """The HyperModel's own fit(hp, model, *args, **kwargs); None for Keras's."""

    def __reduce__(self) -> tuple[Any, ...]:
        # What was defined in a file that is no module can't be pickled: it is loaded again.
        known = (
            *(self.name, self.fingerprint, self.searched, self.own_data),
            *(self.passes_batch_size, self.found),
        )
        return (_again, known)

    def known_as(self, fingerprint: str) -> bool:
        """Return whether a recorded fingerprint is this model's; older ones were of the file's bytes."""
        return fingerprint in (self.fingerprint, bytes_fingerprint(self.file, self.name))

    def space(self) -> Space:
        """Return what it asked for when it was called, and what a space file made of it."""
        return self.searched

    def build(self, values: Values, seed: int) -> Any:
        """Return the compiled keras.Model of a configuration.

        Raises ModelError where the code returns no compiled model; what it raises goes through.
        """
        from hptune.models.backend import set_random_seed

        set_random_seed(seed)
        hp = self._beyond.given(values)
        self._beyond.clear()
        with self._beyond.noting(hp), importable(self.file):
            return checked(self._build(hp), self.name, own_fit=self._fit is not None)

    @cached_property
    def _beyond(self) -> Beyond:
        return Beyond.of(self.searched, self.found)

    def unsearched(self) -> Values:
        """Return what the configuration built last asked for and has no value of, with the values it got.

        That is what was not found when its hyperparameters were, or asked for against its conditions.
        """
        return dict(self._beyond.unsearched)

    def declared(self) -> tuple[Hyperparameter, ...]:
        """Return what that configuration declared beyond what exploring found, parents first."""
        return tuple(self._beyond.declared.values())

    def declares(self, values: Values) -> tuple[Hyperparameter, ...]:
        """Return what the code declares at these values beyond what exploring found, as far as it comes."""
        from hptune.models.keras_tuner_space import declared_beyond

        hp = self._beyond.given(values)
        try:
            self._build_quietly(hp)
        except (Exception, SystemExit) as error:
            logger.debug("trying %s: %s", values, error)
        return declared_beyond(hp)

    def _build_quietly(self, hp: Any) -> None:
        """Build a model that is only looked at."""
        watched = under_way(named_call(self.name, hp))
        with watched, random_numbers_kept(), importable(self.file), room_for_weights():
            checked(self._build(hp), self.name, own_fit=self._fit is not None)

    def with_conditions(
        self, found: tuple[Hyperparameter, ...], values: Values, space: Space
    ) -> tuple[Hyperparameter, ...]:
        """Return what a configuration of `space` asked for first, with when it is asked for.

        It is found by building others; what only the model's own fit asks for has the conditions that it
        declares.
        """
        from hptune.models.asked import Asked
        from hptune.models.keras_tuner_space import from_keras_tuner

        known = space.for_model(values)
        return find_conditions(self._build_quietly, from_keras_tuner, Asked, found, known, space.of_model)

    def training(self, values: Values, rows: int) -> Training:
        """Return how a configuration is trained: batches as `batch_size` says, 32 without one."""
        return Training(batch_size=self.batch_size(values, rows))

    def batch_size(self, values: Values, rows: int) -> int:
        """Return how many rows a step takes."""
        given = self.searched.for_model(values).get("batch_size", _DEFAULT_BATCH)
        try:
            size = int(given)
        except ValueError:
            size = rows if given == "all" else _DEFAULT_BATCH
        return max(1, min(size, rows))

    def arrays(self, dataset: Dataset, values: Values) -> Arrays:
        """Return the data as it came."""
        return arrays_of(dataset)

    def graph_key(self, values: Values) -> Hashable | None:
        """Return None: what the user's code does besides is not known."""
        return None

    def own_fit(self, values: Values) -> OwnFit | None:
        """Return the HyperModel's own fit with its hyperparameters set, or None."""
        if self._fit is None:
            return None
        fit, hp, refused = self._fit, self._beyond.given(values), set[str]()

        def run(model: Any, *args: Any, **kwargs: Any) -> Any:
            if self.own_data:
                args, kwargs = (), {name: v for name, v in kwargs.items() if name != "validation_data"}
            if self.passes_batch_size:
                kwargs = {"batch_size": self.searched.for_model(values)["batch_size"], **kwargs}
            with self._beyond.noting(hp), importable(self.file):
                return call_with_what_it_takes(fit, hp, model, refused, *args, **kwargs)

        # Without the data, there is nothing to give a model the weights that it would go on from.
        goes_on = takes(fit, "initial_epoch") and not self.own_data
        return OwnFit(
            run,
            goes_on=goes_on,
            own_data=self.own_data,
            takes_class_weight=takes(fit, "class_weight"),
            refused=refused,
        )

    def recipe(self, values: Values) -> None:
        """Return None: a user model is no recipe."""

    def remarks(self) -> tuple[str, ...]:
        """Return what was noticed where its hyperparameters were found."""
        return self.noticed

    def metrics_on_demand(self) -> tuple[str, ...]:
        """Return nothing: it reports what it is compiled with."""
        return ()

    def fallback_start(self) -> Values | None:
        """Return where Keras Tuner would begin, or None where that is the default configuration.

        A range without a default begins in its middle here, and at its lowest value in Keras Tuner.
        """
        space = self.searched
        tried = {n: v for n, v in self.first_tried.items() if n in space and space[n].contains(v)}
        start = space.active(tried)
        return None if start == space.defaults else start

    @property
    def source_file(self) -> Path | None:
        """The file that holds it."""
        return self.file


def arrays_of(dataset: Dataset) -> Arrays:
    """Return the data as it came."""
    train, held = (part.as_given for part in (dataset.train, dataset.validation))
    arrays = {
        "x": train.x,
        "y": train.y,
        "validation_x": held.x,
        "validation_y": held.y,
        "weights": train.weights,
        "validation_weights": held.weights,
    }
    return Arrays(**arrays) if dataset.streams is None else Streamed(**arrays, streams=dataset.streams)


def _again(
    spec: str,
    fingerprint: str,
    searched: Space,
    own_data: bool,
    passes_batch_size: bool,
    found: frozenset[str],
) -> UserModel:
    """Load a model again, in another process, without looking for its hyperparameters."""
    file, build, fit = load_user_code(spec)
    return UserModel(
        name=spec,
        file=file,
        fingerprint=fingerprint,
        searched=searched,
        own_data=own_data,
        passes_batch_size=passes_batch_size,
        found=found,
        _build=build,
        _fit=fit,
    )
