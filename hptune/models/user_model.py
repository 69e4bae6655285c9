"""A user model: a Keras Tuner `build(hp)` function or HyperModel in FILE.py."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hptune._log import logger
from hptune.data import Dataset
from hptune.data.put_back import random_numbers_kept
from hptune.data.python_file import importable, load_function, where_raised
from hptune.data.source_code import code_fingerprint
from hptune.data.stream import Stream
from hptune.data.under_way import Died, under_way
from hptune.errors import HptuneError, ModelError
from hptune.models.beyond import Beyond
from hptune.models.discover import discover, find_conditions
from hptune.models.model import Arrays, OwnFit, Streamed, Training
from hptune.models.shapes import hint_of, refuse_other_shapes, refuse_returned, refused_searches
from hptune.space import Hyperparameter, Space, Values
from hptune.space.describe import describe_value

__all__ = ["UserModel", "load_user_model"]

_DEFAULT_BATCH = 32
"""Keras's own default."""
_DATA = "data"
_SAME = (
    "{}: its build returns the very same model each time, so that a trial goes on from the weights of the one"
    " before, as with Keras Tuner, and its score can't be had again: make a new model inside build"
)
_TRIED_ROWS = 32
"""Rows on which a user's own fit is called once, to see what it asks for."""


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
        return fingerprint in (self.fingerprint, _bytes_fingerprint(self.file, self.name))

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
            return _checked(self._build(hp), self.name, own_fit=self._fit is not None)

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
        with under_way(_call(self.name, hp)), random_numbers_kept(), importable(self.file):
            _checked(self._build(hp), self.name, own_fit=self._fit is not None)

    def with_conditions(
        self, found: tuple[Hyperparameter, ...], values: Values, space: Space
    ) -> tuple[Hyperparameter, ...]:
        """Return what a configuration of `space` asked for first, with when it is asked for.

        It is found by building others; what only the model's own fit asks for has the conditions that it
        declares.
        """
        from hptune.models.asked import Asked
        from hptune.models.keras_tuner_space import from_keras_tuner

        return find_conditions(self._build_quietly, from_keras_tuner, Asked, found, values, space)

    def training(self, values: Values, rows: int) -> Training:
        """Return how a configuration is trained: batches as `batch_size` says, 32 without one."""
        return Training(batch_size=self.batch_size(values, rows))

    def batch_size(self, values: Values, rows: int) -> int:
        """Return how many rows a step takes."""
        given = values.get("batch_size", _DEFAULT_BATCH)
        try:
            size = int(given)
        except ValueError:
            size = rows if given == "all" else _DEFAULT_BATCH
        return max(1, min(size, rows))

    def arrays(self, dataset: Dataset, values: Values) -> Arrays:
        """Return the data as it came."""
        return _arrays(dataset)

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
                kwargs = {"batch_size": values["batch_size"], **kwargs}
            with self._beyond.noting(hp), importable(self.file):
                return call_with_what_it_takes(fit, hp, model, refused, *args, **kwargs)

        # Without the data, there is nothing to give a model the weights that it would go on from.
        goes_on = _takes(fit, "initial_epoch") and not self.own_data
        return OwnFit(
            run,
            goes_on=goes_on,
            own_data=self.own_data,
            takes_class_weight=_takes(fit, "class_weight"),
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


def _arrays(dataset: Dataset) -> Arrays:
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


def load_user_model(spec: str, dataset: Dataset) -> UserModel:
    """Load FILE.py:NAME and find its hyperparameters by calling it.

    NAME is a function `build(hp)`, a HyperModel, or a HyperModel class that needs no arguments.
    Raises ModelError where it can't be loaded or called, or gives no compiled model.
    """
    from hptune.models.backend import set_up

    set_up(dataset.input_shape)
    # After the backend: they import Keras as well.
    from hptune.models.asked import Asked
    from hptune.models.keras_tuner_space import from_keras_tuner

    file, build, fit = _load(spec)
    if fit is not None:
        _refuse_without_steps(fit, dataset, spec)
    first, refused = Asked(), set[str]()
    # The first model that was built is kept: another one can't be at its address.
    kept: list[Any] = []
    returned_again = False

    def explore(hp: Any) -> None:
        nonlocal returned_again
        with under_way(_call(spec, hp)), random_numbers_kept(), importable(file):
            if fit is not None and hp is first:
                # Once: it trains, and what it asks for hardly depends on the rest.
                refused.update(_try_fit(fit, hp, lambda: _checked(build(hp), spec, own_fit=True), dataset))
            else:
                model = _checked(build(hp), spec, own_fit=fit is not None)
                returned_again = returned_again or (bool(kept) and model is kept[0])
                kept[:] = kept or [model]

    try:
        found = discover(explore, from_keras_tuner, first)
    except HptuneError:
        raise
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, Died) else f"{type(error).__name__}: "
        message = f"{where_raised(error, file)}: {kind}{error}"
        start = ", ".join(f"{name} {value}" for name, value in first.values.items())
        tried = f"\n  It was given what Keras Tuner begins with: {start}" if start else ""
        raise ModelError(f"can't be built\n  {message}{tried}", hint=hint_of(error), source=spec) from error
    return UserModel(
        name=spec,
        file=file,
        fingerprint=_fingerprint(file, spec),
        searched=found.space,
        first_tried=dict(first.values),
        noticed=(*found.remarks, *([_SAME.format(spec)] if returned_again else [])),
        own_data=_DATA in refused,
        _build=build,
        _fit=fit,
    )


def _again(
    spec: str,
    fingerprint: str,
    searched: Space,
    own_data: bool,
    passes_batch_size: bool,
    found: frozenset[str],
) -> UserModel:
    """Load a model again, in another process, without looking for its hyperparameters."""
    file, build, fit = _load(spec)
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


def _call(spec: str, hp: Any) -> str:
    """Say which call of a build this is, by the values that it is given."""
    given = ", ".join(f"{name} {describe_value(value)}" for name, value in hp.values.items())
    return f"{spec} with {given or 'what Keras Tuner begins with'}"


def _fingerprint(file: Path, spec: str) -> str:
    named = f"{code_fingerprint(file)} {spec.rpartition(':')[2]}"
    return hashlib.sha256(named.encode()).hexdigest()


def _bytes_fingerprint(file: Path, spec: str) -> str:
    return hashlib.sha256(file.read_bytes() + spec.rpartition(":")[2].encode()).hexdigest()


def _load(spec: str) -> tuple[Path, Callable[[Any], Any], Callable[..., Any] | None]:
    """Return the file, what builds, and its own fit where it has one."""
    # Sets up the backend, before the file imports Keras.
    from hptune.models.precision import building_in

    file = Path(spec.rpartition(":")[0])
    with refused_searches(spec):
        found, in_precision = building_in(lambda: load_function(spec, error=ModelError))
    refuse_other_shapes(found, spec)
    if inspect.isclass(found):
        try:
            with under_way(f"{spec}()"), importable(file):
                found = found()
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"{where_raised(error, file)}: {spec} can't be made: {type(error).__name__}: {error}",
                hint="A class must need no arguments; a function that returns the model will do as well.",
            ) from error
    if not hasattr(found, "build"):
        return file, in_precision(found), None
    return file, in_precision(found.build), _own_fit(found)


def _own_fit(hypermodel: Any) -> Callable[..., Any] | None:
    """Return fit where a class defines one of its own, not that of Keras Tuner's HyperModel."""
    for kind in type(hypermodel).__mro__:
        if "fit" in vars(kind):
            stock = kind.__name__ == "HyperModel" and kind.__module__.startswith("keras_tuner.")
            return None if stock else hypermodel.fit
    return None


def _checked(model: Any, spec: str, *, own_fit: bool) -> Any:
    """Return what the user's build gave if it is a model that can be trained; else raise ModelError."""
    from hptune.models.backend import keras

    if model is None:
        raise ModelError("returned None", hint="End it with `return model`.", source=spec)
    refuse_returned(model, spec)
    if not isinstance(model, keras.Model):
        kind = type(model)
        raise ModelError(
            f"returned {kind.__module__}.{kind.__qualname__}, not a keras.Model of Keras 3",
            hint="Return the compiled model.",
            source=spec,
        )
    if not model.compiled and not own_fit:
        raise ModelError(
            "the model is not compiled", hint="Call model.compile(…) before returning it.", source=spec
        )
    return model


def _try_fit(fit: Callable[..., Any], hp: Any, build: Callable[[], Any], dataset: Dataset) -> frozenset[str]:
    """Call a user's own fit, so that it asks for its hyperparameters; returns what it refused.

    It is called on a few rows, and where that fails on all of them: a few may be too few for it, as
    where it passes weights of all rows. What it raises then is the model's fault.
    """
    from keras_tuner.errors import FailedTrialError

    def on(rows: int | None) -> frozenset[str]:
        refused = set[str]()
        arrays = _arrays(dataset)
        arguments, given = (arrays if rows is None else arrays.few(rows)).for_own_fit()
        given = {**given, "epochs": 1, "callbacks": [], "verbose": 0}
        call_with_what_it_takes(fit, hp, build(), refused, *arguments, **given)
        return frozenset(refused)

    try:
        return on(_TRIED_ROWS)
    except HptuneError:
        raise
    except (Exception, SystemExit):
        try:
            return on(None)
        except FailedTrialError:
            # It refuses this configuration, and others may do.
            return frozenset()


def _refuse_without_steps(fit: Callable[..., Any], dataset: Dataset, spec: str) -> None:
    """Raise ModelError where a fit can't be told how many batches an epoch has: it might never end."""
    if dataset.streams is None:
        return
    keywords = zip(("steps_per_epoch", "validation_steps"), dataset.streams.parts, strict=True)
    told = [name for name, part in keywords if isinstance(part, Stream) and part.steps is not None]
    missing = [name for name in told if not _takes(fit, name)]
    if missing:
        raise ModelError(
            f"its own fit takes no {' and no '.join(missing)}, by which batches of {dataset.name} end",
            hint="Let fit take them, or **kwargs, and pass them on to model.fit.",
            source=spec,
        )


def call_with_what_it_takes(
    fit: Callable[..., Any], hp: Any, model: Any, refused: set[str], /, *args: Any, **kwargs: Any
) -> Any:
    """Call fit(hp, model, *args, **kwargs) without the keywords that it gives itself or does not take.

    Those are added to `refused`; so is "data" where it brings its own, which has no place for `args`.

    Keras Tuner passes on what its user wrote; here nobody wrote anything, so `verbose=0` or
    `epochs=…` must not be in the way of a fit that sets them.
    """
    while True:
        try:
            with warnings.catch_warnings():
                # Nobody asked Keras to shuffle batches that come in an order of their own.
                warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
                return fit(hp, model, *args, **kwargs)
        except TypeError as error:
            key = next((key for key in kwargs if _refuses(error, key)), None)
            if key is not None:
                kwargs = {name: value for name, value in kwargs.items() if name != key}
            elif args and _has_no_place_for_data(fit, error):
                # Its rows are others: these are not what it is validated on either.
                key, args = _DATA, ()
                kwargs = {name: value for name, value in kwargs.items() if name != "validation_data"}
            else:
                raise
            refused.add(key)


def _has_no_place_for_data(fit: Callable[..., Any], error: TypeError) -> bool:
    """Return whether an error says that x and y came where a fit has something else."""
    parameters = list(inspect.signature(fit).parameters.values())[2:]
    forwards = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    required = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if forwards:
        return "multiple values for argument" in str(error)
    crowded = ("multiple values for argument", "positional arguments but")
    return not required and any(text in str(error) for text in crowded)


def _takes(function: Callable[..., Any], keyword: str) -> bool:
    """Return whether a function can be given a keyword."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)


def _refuses(error: TypeError, key: str) -> bool:
    text = str(error)
    return f"keyword argument '{key}'" in text and ("multiple values" in text or "unexpected" in text)
