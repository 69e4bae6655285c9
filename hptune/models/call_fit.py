"""Calls a user's own fit with what it takes: exported scripts copy it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["DATA", "call_with_what_it_takes", "takes"]

DATA = "data"
"""What a fit that brings its own data refuses."""


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
                key, args = DATA, ()
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


def takes(function: Callable[..., Any], keyword: str) -> bool:
    """Return whether a function can be given a keyword."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)


def _refuses(error: TypeError, key: str) -> bool:
    text = str(error)
    return f"keyword argument '{key}'" in text and ("multiple values" in text or "unexpected" in text)
