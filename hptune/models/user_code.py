"""What builds and fits in a user's FILE.py:NAME, and what tells whether it is the same code."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hptune.data.in_program import handed_over, is_in_program
from hptune.data.python_file import importable, is_function_spec, load_function, where_raised
from hptune.data.source_code import code_fingerprint
from hptune.data.under_way import under_way
from hptune.errors import ModelError
from hptune.models.of_packages import load_of_package
from hptune.models.shapes import refuse_other_shapes, refuse_returned, refused_searches
from hptune.space.describe import describe_value

__all__ = ["bytes_fingerprint", "checked", "fingerprint_of", "load_user_code", "named_call", "own_fit_of"]


def load_user_code(spec: str) -> tuple[Path, Callable[[Any], Any], Callable[..., Any] | None]:
    """Return the file, what builds, and its own fit where it has one."""
    if is_in_program(spec):
        objects = handed_over(spec, error=ModelError)
        return objects.file, objects.build, objects.fit
    # Sets up the backend, before the file imports Keras.
    from hptune.models.precision import building_in

    with refused_searches(spec):
        (file, found), in_precision = building_in(lambda: _loaded(spec))
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
    return file, in_precision(found.build), own_fit_of(found)


def _loaded(spec: str) -> tuple[Path, Any]:
    """Return a file and what it has of that name."""
    if is_function_spec(spec):
        return Path(spec.rpartition(":")[0]), load_function(spec, error=ModelError)
    return load_of_package(spec)


def own_fit_of(hypermodel: Any) -> Callable[..., Any] | None:
    """Return a HyperModel's fit where its class defines one, and does not have Keras Tuner's; else None."""
    for kind in type(hypermodel).__mro__:
        if "fit" in vars(kind):
            stock = kind.__name__ == "HyperModel" and kind.__module__.startswith("keras_tuner.")
            return None if stock else hypermodel.fit
    return None


def checked(model: Any, spec: str, *, own_fit: bool) -> Any:
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


def fingerprint_of(file: Path, spec: str) -> str:
    """Return what changes where the code does: SHA-256, hex."""
    if is_in_program(spec):
        return handed_over(spec, error=ModelError).fingerprint
    named = f"{code_fingerprint(file)} {spec.rpartition(':')[2]}"
    return hashlib.sha256(named.encode()).hexdigest()


def bytes_fingerprint(file: Path, spec: str) -> str:
    """Return the same as older studies have it, of the bytes of the file alone; "" where there is no file."""
    if is_in_program(spec):
        return ""
    return hashlib.sha256(file.read_bytes() + spec.rpartition(":")[2].encode()).hexdigest()


def named_call(spec: str, hp: Any) -> str:
    """Say which call of a build this is, by the values that it is given."""
    given = ", ".join(f"{name} {describe_value(value)}" for name, value in hp.values.items())
    return f"{spec} with {given or 'what Keras Tuner begins with'}"
