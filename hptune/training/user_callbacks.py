"""Callbacks of the user's own: what --callbacks FILE.py:function makes, and what an own fit passes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hptune.data.in_program import handed_over, is_in_program
from hptune.data.python_file import importable, load_function, where_raised
from hptune.data.source_code import code_fingerprint
from hptune.errors import HptuneError, ModelError
from hptune.models.backend import keras
from hptune.models.model import Model
from hptune.models.user_model import UserModel
from hptune.space import Values
from hptune.training.callback_state import goes_along
from hptune.training.failures import in_words, infeasible_reason, is_fatal

__all__ = [
    "UserCallbacks",
    "carried_along",
    "fresh_callbacks",
    "noting_callbacks",
    "with_callbacks",
    "with_state",
]


def fresh_callbacks(make: Callable[..., Any], values: Values, trial: str) -> list[Any]:
    """Call `make` for the callbacks of one training; it may take `values` and `trial`, by these names.

    As Keras Tuner does, TensorBoard gets a directory of its own inside its log_dir, named by the trial.
    """
    given = {"values": dict(values), "trial": trial}
    takes = inspect.signature(make).parameters
    made = make(**{name: value for name, value in given.items() if name in takes})
    callbacks = list(made) if isinstance(made, list | tuple) else [made]
    for callback in callbacks:
        if type(callback).__name__ == "TensorBoard":
            callback.log_dir = str(Path(callback.log_dir) / trial)
    return callbacks


def with_callbacks(model: Model, spec: str) -> Model:
    """Return a user model whose fingerprint is that of its callbacks' file as well.

    Raises ModelError for a recipe, and where there is no such file.
    """
    if not isinstance(model, UserModel):
        raise ModelError(
            f"--callbacks: {model.name} is a recipe, which sets the learning rate and stops early by options"
            " of its own",
            hint="Search schedule and early_stopping_patience in a space; --callbacks goes with --model"
            " FILE.py:build.",
        )
    if is_in_program(spec):
        # The program's own fingerprint counts its callbacks.
        return model
    file = Path(spec.rpartition(":")[0])
    if not file.is_file():
        # What is missing is said where the function is loaded.
        UserCallbacks(spec)
    named = f"{model.fingerprint} {spec.rpartition(':')[2]} {code_fingerprint(file)}"
    joined = hashlib.sha256(named.encode())
    return replace(model, fingerprint=joined.hexdigest())


class UserCallbacks:
    """FILE.py:function, which makes callbacks of Keras anew for every training."""

    def __init__(self, spec: str) -> None:
        """Load the function; raises ModelError where it can't be, or needs what it is not given."""
        self.spec = spec
        self._file, self._make = _load(spec)
        self._latest: list[Any] = []
        """What it made last, kept so that the very same objects are known again."""
        _refuse_arguments(self._make, spec)

    def make(self, values: Values, trial: str) -> list[Any]:
        """Return fresh callbacks for a training of these values that is named `trial`.

        Raises ModelError where the function raises, or returns anything but callbacks made anew.
        """
        try:
            with importable(self._file):
                made = fresh_callbacks(self._make, values, trial)
        except (Exception, SystemExit) as error:
            if isinstance(error, HptuneError) or infeasible_reason(error) or is_fatal(error):
                raise
            raise ModelError(
                f"it raised {in_words(error, None)} ({where_raised(error, self._file)})", source=self.spec
            ) from error
        self._check(made)
        self._latest = made
        return made

    def _check(self, made: list[Any]) -> None:
        for one in made:
            if not isinstance(one, keras.callbacks.Callback):
                raise ModelError(
                    f"it returned {_kind(one)} where a callback of Keras was expected",
                    hint="Return a list of keras.callbacks.Callback objects, or one; [] for none.",
                    source=self.spec,
                )
            if isinstance(one, keras.callbacks.BackupAndRestore):
                raise ModelError(
                    "it returned BackupAndRestore, which begins a training where another one was interrupted",
                    hint="Leave it out: the same command resumes an interrupted search.",
                    source=self.spec,
                )
            if any(one is known for known in self._latest):
                raise ModelError(
                    f"it returned the same {type(one).__name__} object again, as another trial left it",
                    hint="Make the callbacks inside the function: each trial needs fresh ones.",
                    source=self.spec,
                )


def _load(spec: str) -> tuple[Path, Any]:
    if is_in_program(spec):
        objects = handed_over(spec, error=ModelError)
        return objects.file, objects.callbacks
    return Path(spec.rpartition(":")[0]), load_function(spec, error=ModelError)


def _refuse_arguments(make: Any, spec: str) -> None:
    if not callable(make):
        raise ModelError(
            f"is {_kind(make)}, not a function",
            hint="Name a function that returns a list of Keras callbacks.",
            source=spec,
        )
    needed = [
        p.name
        for p in inspect.signature(make).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    other = [name for name in needed if name not in ("values", "trial")]
    if other:
        raise ModelError(
            f"needs {', '.join(other)}, which it is not given",
            hint="It may take `values`, the trial's hyperparameters by name, and `trial`, a name for files of"
            " its own; or nothing.",
            source=spec,
        )


def _kind(found: Any) -> str:
    return "None" if found is None else f"{type(found).__module__}.{type(found).__qualname__}"


_STATELESS = (
    *("CSVLogger", "History", "LambdaCallback", "LearningRateScheduler", "ProgbarLogger"),
    *("RemoteMonitor", "TensorBoard", "TerminateOnNaN", "Callback"),
)
"""Callbacks of Keras that do in an epoch what they do, however many they saw before.

The learning rate that LearningRateScheduler sets is the optimizer's, which a checkpoint holds. All other
callbacks count as having a state: EarlyStopping counts epochs, ModelCheckpoint knows the best so far.
"""


def carried_along(callbacks: Sequence[Any]) -> tuple[Any, ...]:
    """Return the callbacks where the state of all of them goes along from job to job, else none."""
    return tuple(callbacks) if all(map(goes_along, callbacks)) else ()


def with_state(callbacks: list[Any]) -> tuple[str, ...]:
    """Return the names of the callbacks whose state is lost where a training is divided."""
    stateless = [getattr(keras.callbacks, name) for name in _STATELESS]
    return tuple(dict.fromkeys(type(one).__name__ for one in callbacks if type(one) not in stateless))


@contextmanager
def noting_callbacks() -> Iterator[list[Any]]:
    """Give a list that fills with the callbacks that code passes to Keras meanwhile, ours among them."""
    seen: list[Any] = []
    kind = keras.callbacks.CallbackList
    original = kind.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        seen.extend(self.callbacks)

    # Every fit of Keras's, of whichever model, makes such a list; nothing else tells what it holds.
    kind.__init__ = noted
    try:
        yield seen
    finally:
        kind.__init__ = original
