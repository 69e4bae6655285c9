"""Search algorithms of other packages: classes of `keras_tuner.Oracle`, by the names of entry points."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import keras_tuner

from hptune.errors import HptuneError, InputError, UsageError, did_you_mean
from hptune.models.keras_tuner_space import to_keras_tuner
from hptune.oracles import GROUP, ORACLES
from hptune.oracles.driven import Driven, DrivenStock, plain
from hptune.space import Hyperparameter, Space, Values
from hptune.study.trial import TrialState

__all__ = ["OracleOfPackage"]


class OracleOfPackage:
    """Makes oracles of a class that another package offers."""

    def __init__(self, name: str) -> None:
        """Load the class of an entry point.

        Raises UsageError where no package has it, InputError where it can't be loaded or is no class of
        `keras_tuner.Oracle` that can be driven.
        """
        self.name = name
        with _blaming(name):
            found = _point(name).load()
        if not (inspect.isclass(found) and issubclass(found, keras_tuner.Oracle)):
            raise InputError(
                f"--oracle {name}: {found!r} is no class of keras_tuner.Oracle",
                hint="What a function would set, a subclass can set in its __init__.",
            )
        ours = {key for kind in (Driven, DrivenStock) for key in vars(kind) if not key.startswith("_")}
        taken = sorted(key for key in ours if hasattr(found, key) and not hasattr(keras_tuner.Oracle, key))
        if taken:
            raise InputError(
                f"--oracle {name}: {found.__name__} has {', '.join(taken)}, by which it is driven here",
                hint="Give it another name there, with an underscore before it.",
            )
        self._arguments = inspect.signature(found).parameters
        self._kind = type(found.__name__, (_OfPackage, found), {"package_name": name})

    def make(self, *, goal: keras_tuner.Objective, space: Space, seed: int, epochs: int) -> Driven:
        """Return an oracle that searches `space`; it prints nothing.

        It is given objective, hyperparameters and seed by name, and max_trials (None: the budget ends a
        search) and max_epochs (of a full training), where its `__init__` names them.
        """
        offered = {"max_trials": None, "max_epochs": epochs}
        named = {name: value for name, value in offered.items() if name in self._arguments}
        with _blaming(self.name):
            made: Any = self._kind(objective=goal, hyperparameters=to_keras_tuner(space), seed=seed, **named)
        made.space = space
        made.max_trials = None
        made.verbose = 0
        driven: Driven = made
        return driven


class _OfPackage(DrivenStock):
    """Mixed in before the class of a package: what it suggests is checked, what it raises is its own."""

    package_name = ""
    space: Space

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with _blaming(self.package_name):
            answer = super().populate_space(trial_id)
        if answer["status"] != "RUNNING":
            return answer
        given = plain(answer.get("values") or {})
        tuners = {name: value for name, value in given.items() if name.startswith("tuner/")}
        own = {name: value for name, value in given.items() if name not in tuners}
        wrong = self.space.problems(own)
        if wrong:
            raise InputError(f"--oracle {self.package_name}: it suggested what the space lacks: {wrong[0]}")
        return {**answer, "values": {**self.space.active(own), **tuners}}

    def report(
        self,
        trial: Any,
        state: TrialState,
        score: float | None,
        *,
        epochs: int,
        added: Values | None = None,
    ) -> None:
        with _blaming(self.package_name):
            super().report(trial, state, score, epochs=epochs, added=added)

    def extend(self, space: Space, found: Sequence[Hyperparameter]) -> None:
        super().extend(space, found)
        self.space = space


def _point(name: str) -> EntryPoint:
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        raise UsageError(f"--oracle {name}: no package has it", hint=did_you_mean(name, [*ORACLES, *known]))
    return known[name]


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Let what the code of a package raises be its own error, with the place where it was raised."""
    try:
        yield
    except HptuneError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"--oracle {name}: {type(error).__name__}: {error}",
            hint=f"It was raised in {last.filename}:{last.lineno}.",
        ) from error
