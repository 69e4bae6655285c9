"""Loads a user model, and finds its hyperparameters by calling it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hptune.data import Dataset
from hptune.data.in_program import handed_over, is_in_program
from hptune.data.put_back import random_numbers_kept
from hptune.data.python_file import importable, where_raised
from hptune.data.stream import Stream
from hptune.data.under_way import Died, under_way
from hptune.errors import HptuneError, ModelError
from hptune.models.call_fit import DATA, call_with_what_it_takes, takes
from hptune.models.discover import discover
from hptune.models.memory import room_for_weights
from hptune.models.shapes import hint_of
from hptune.models.user_code import checked, fingerprint_of, load_user_code, named_call
from hptune.models.user_model import UserModel, arrays_of

__all__ = ["load_user_model"]

_SAME = (
    "{}: its build returns the very same model each time, so that a trial goes on from the weights of the one"
    " before, as with Keras Tuner, and its score can't be had again: make a new model inside build"
)
_TRIED_ROWS = 32
"""Rows on which a user's own fit is called once, to see what it asks for."""


def load_user_model(spec: str, dataset: Dataset) -> UserModel:
    """Load FILE.py:NAME and find its hyperparameters by calling it.

    NAME is a function `build(hp)`, a HyperModel, or a HyperModel class that needs no arguments.
    Raises ModelError where it can't be loaded or called, or gives no compiled model.
    """
    from hptune.models.backend import set_up

    set_up(dataset.input_shape)
    file, build, fit = load_user_code(spec)
    if fit is not None:
        _refuse_without_steps(fit, dataset, spec)
    # A program hands over the very objects that were explored before, and a build may take seconds.
    explored: dict[str, Any] = handed_over(spec, error=ModelError).explored if is_in_program(spec) else {}
    if spec not in explored:
        explored[spec] = _explored(spec, dataset, file, build, fit)
    model: UserModel = explored[spec]
    return model


def _explored(
    spec: str,
    dataset: Dataset,
    file: Path,
    build: Callable[[Any], Any],
    fit: Callable[..., Any] | None,
) -> UserModel:
    """Call a build, and once its own fit, and return the model with what they ask for."""
    # After the backend: they import Keras as well.
    from hptune.models.asked import Asked
    from hptune.models.keras_tuner_space import from_keras_tuner

    first, refused = Asked(), set[str]()
    # The first model that was built is kept: another one can't be at its address.
    kept: list[Any] = []
    returned_again = False

    def explore(hp: Any) -> None:
        nonlocal returned_again
        with under_way(named_call(spec, hp)), random_numbers_kept(), importable(file), room_for_weights():
            if fit is not None and hp is first:
                # Once: it trains, and what it asks for hardly depends on the rest.
                refused.update(_try_fit(fit, hp, lambda: checked(build(hp), spec, own_fit=True), dataset))
            else:
                model = checked(build(hp), spec, own_fit=fit is not None)
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
        fingerprint=fingerprint_of(file, spec),
        searched=found.space,
        first_tried=dict(first.values),
        noticed=(*found.remarks, *([_SAME.format(spec)] if returned_again else [])),
        own_data=DATA in refused,
        _build=build,
        _fit=fit,
    )


def _try_fit(fit: Callable[..., Any], hp: Any, build: Callable[[], Any], dataset: Dataset) -> frozenset[str]:
    """Call a user's own fit, so that it asks for its hyperparameters; returns what it refused.

    It is called on a few rows, and where that fails on all of them: a few may be too few for it, as
    where it passes weights of all rows. What it raises then is the model's fault.
    """
    from keras_tuner.errors import FailedTrialError

    def on(rows: int | None) -> frozenset[str]:
        refused = set[str]()
        arrays = arrays_of(dataset)
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
    missing = [name for name in told if not takes(fit, name)]
    if missing:
        raise ModelError(
            f"its own fit takes no {' and no '.join(missing)}, by which batches of {dataset.name} end",
            hint="Let fit take them, or **kwargs, and pass them on to model.fit.",
            source=spec,
        )
