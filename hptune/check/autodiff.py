"""Values and gradients on each of Keras's backends: the one place here that knows them apart."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.models.precision import computing_in

__all__ = [
    "Gradients",
    "Values",
    "descent",
    "double_precision",
    "gradients_of",
    "is_concrete",
    "to_array",
    "values_of",
]

Gradients = Callable[..., tuple[float, list[NDArray[Any] | None]]]
"""Arrays → the value and its gradient by each variable; None where it does not depend on one."""
Values = Callable[..., float]
"""Arrays → the value."""


def values_of(function: Callable[..., Any], variables: Sequence[Any], *, traced: bool) -> Values:
    """Return `function` of tensors as a function of arrays to a float.

    `variables` are the keras.Variables it depends on and that may change between calls; `traced`
    allows that it is compiled, so Python in it may run once only.
    """
    if keras.backend.backend() == "tensorflow" and traced:
        import tensorflow as tf

        function = tf.function(function, autograph=False, reduce_retracing=True)
    elif keras.backend.backend() == "jax" and traced:
        function = _compiled_by_jax(function, list(variables))

    def value(*arrays: Any) -> float:
        with _no_record():
            return float(to_array(function(*map(keras.ops.convert_to_tensor, arrays))))

    return value


def gradients_of(function: Callable[..., Any], variables: Sequence[Any], *, traced: bool) -> Gradients:
    """Return what gives the value of `function` and its gradient by each of `variables`."""
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    both = makers[keras.backend.backend()](function, list(variables), traced)

    def gradients(*arrays: Any) -> tuple[float, list[NDArray[Any] | None]]:
        value, found = both(*map(keras.ops.convert_to_tensor, arrays))
        return float(to_array(value)), [None if g is None else to_array(g) for g in found]

    return gradients


def descent(
    function: Callable[..., Any], optimizer: Any, variables: Sequence[Any], *, traced: bool
) -> Callable[..., float]:
    """Return what takes one step of `optimizer` down `function`: arrays → the value before the step."""
    optimizer.build(variables)
    makers = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
    both = makers[keras.backend.backend()](
        function, list(variables), keras.backend.backend() == "jax" and traced
    )

    def step(*tensors: Any) -> Any:
        value, found = both(*tensors)
        pairs = [(g, v) for g, v in zip(found, variables, strict=True) if g is not None]
        if pairs:
            optimizer.apply_gradients(pairs)
        return value

    if keras.backend.backend() == "tensorflow" and traced:
        import tensorflow as tf

        step = tf.function(step, autograph=False, reduce_retracing=True)
    return lambda *arrays: float(to_array(step(*map(keras.ops.convert_to_tensor, arrays))))


def _tensorflow(function: Callable[..., Any], variables: list[Any], traced: bool) -> Callable[..., Any]:
    import tensorflow as tf

    def both(*tensors: Any) -> Any:
        sources = [variable.value for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            value = function(*tensors)
        found = tape.gradient(value, sources)
        # Rows of an embedding come as indexed slices.
        return value, [None if g is None else tf.convert_to_tensor(g) for g in found]

    return tf.function(both, autograph=False, reduce_retracing=True) if traced else both


def _jax(function: Callable[..., Any], variables: list[Any], traced: bool) -> Callable[..., Any]:
    import jax

    pure = _pure(function, variables)
    gradient = jax.value_and_grad(pure)
    if traced:
        gradient = jax.jit(gradient)
    reached: list[bool] = []

    def both(*tensors: Any) -> Any:
        values = [variable.value for variable in variables]
        value, found = gradient(values, *tensors)
        if not reached:
            reached.extend(_reached_by_jax(lambda values: pure(values, *tensors), values))
        return value, [g if there else None for g, there in zip(found, reached, strict=True)]

    return both


def _reached_by_jax(function: Callable[..., Any], values: list[Any]) -> list[bool]:
    """Tell which values' gradients a result depends on: JAX itself gives 0 where there is no way."""
    import jax
    from jax.interpreters.partial_eval import dce_jaxpr

    _, tangents = jax.linearize(function, values)
    linear = jax.make_jaxpr(tangents)(values).jaxpr
    return list(dce_jaxpr(linear, [True])[1])


def _compiled_by_jax(function: Callable[..., Any], variables: list[Any]) -> Callable[..., Any]:
    import jax

    compiled = jax.jit(_pure(function, variables))
    return lambda *tensors: compiled([variable.value for variable in variables], *tensors)


def _pure(function: Callable[..., Any], variables: list[Any]) -> Callable[..., Any]:
    """Return `function` with the variables' values as its first argument.

    What else it reads, such as a seed, is taken for a constant when it is compiled, so it has to be
    held still.
    """

    def pure(values: list[Any], *tensors: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*tensors)

    return pure


def _torch(function: Callable[..., Any], variables: list[Any], traced: bool) -> Callable[..., Any]:
    import torch

    def both(*tensors: Any) -> Any:
        sources = [variable.value for variable in variables]
        with torch.enable_grad():
            value = function(*tensors)
        if not value.requires_grad:
            return value, [None] * len(sources)
        return value, torch.autograd.grad(value, sources, allow_unused=True)

    return both


@contextmanager
def _no_record() -> Iterator[None]:
    """Let PyTorch keep no record of what is only evaluated; the others keep none by themselves."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield


@contextmanager
def double_precision() -> Iterator[None]:
    """Let everything that Keras makes meanwhile be float64."""
    with _wide_jax(), _wide_operations(), computing_in("float64"):
        yield


@contextmanager
def _wide_jax() -> Iterator[None]:
    """Let JAX have 64 bits, which it has to be asked for."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


@contextmanager
def _wide_operations() -> Iterator[None]:
    """Let Keras's operations on float64 give float64 on JAX and PyTorch too, where they fall to float32.

    Known as keras-team/keras#23223 and #23704.
    """
    home = sys.modules.get("keras.src.backend.common.dtypes")
    narrowed = getattr(home, "BIT64_TO_BIT32_DTYPE", {})
    before = dict(narrowed)
    narrowed.pop("float64", None)
    try:
        yield
    finally:
        narrowed.update(before)


def is_concrete(tensor: Any) -> bool:
    """Return whether a tensor has values now, not only while a graph runs."""
    try:
        to_array(tensor)
    except Exception:
        # Each backend has an error of its own for it.
        return False
    return True


def to_array(tensor: Any) -> NDArray[Any]:
    """Return a tensor's values."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))
