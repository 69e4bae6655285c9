"""Checks the parts of a model one at a time: each layer, its penalties, the loss.

A wrong gradient spoils those of everything before it, so where it stands only shows when each
part is looked at alone: for what a layer gives, f(inputs, weights), and numbers v drawn at random,
the gradient of Σ v·f by inputs and weights is compared with differences.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import gradients_of, to_array, values_of
from hptune.check.capture import LayerCall, watch_layers
from hptune.check.naming import display_names, is_own, where_written
from hptune.check.report import CheckVerdict
from hptune.check.rounding import is_rounded
from hptune.check.still import Still
from hptune.check.tensors import TensorCheck, check_tensor
from hptune.models.backend import keras

__all__ = ["ModelPart", "check_parts", "has_own_code"]

_DIRECTIONS = 8
"""Lines per variable."""


@dataclass(frozen=True, kw_only=True)
class ModelPart:
    """A part whose gradient is wrong."""

    name: str
    """The layer's, as the model names it; or what else it is."""
    kind: str
    """Its class or function."""
    where: str
    """FILE:LINE; "" for a library's."""
    checks: tuple[TensorCheck, ...]
    """Those by its inputs and weights that are wrong."""


def has_own_code(layer: Any) -> bool:
    """Return whether a layer runs the user's code: its class or a function it was given."""
    return any(is_own(thing) for thing in _code_of(layer))


def _code_of(layer: Any) -> list[Any]:
    given = [getattr(layer, name, None) for name in ("activation", "recurrent_activation", "function")]
    return [type(layer), *(thing for thing in given if callable(thing))]


def check_parts(
    model: Any, x: NDArray[Any], y: NDArray[Any], *, everything: bool, seed: int, until: float
) -> list[ModelPart]:
    """Return the parts of a model whose gradients are wrong.

    Only layers that run the user's own code, unless `everything` is looked at: then a library's
    layers, the penalties and the loss as well. `until` is a time of `time.monotonic`, after which
    no further part is checked.
    """
    still = Still(model)
    names = display_names(model)
    wrong: list[tuple[Any, ModelPart]] = []
    still.hold()
    seen = watch_layers(model, x, training=True)
    for one in seen.values():
        if time.monotonic() > until:
            break
        if _is_step(one.layer) and (everything or has_own_code(one.layer)):
            checks = _check_layer(one, still, seed, lost_counts=everything)
            if checks:
                wrong.append((one.layer, _part(names[id(one.layer)], one.layer, checks)))
    found = [part for layer, part in wrong if not _contains(layer, [other for other, _ in wrong])]
    if everything:
        found += [*_wrong_penalties(model, names, seed), *_wrong_loss(model, x, y, still, seed)]
    return found


def _is_step(layer: Any) -> bool:
    """Return whether a layer is a step of its own, not just a chain of others that are looked at too."""
    return not isinstance(layer, keras.Sequential) and type(layer).__name__ not in (
        "Functional",
        "InputLayer",
    )


def _contains(layer: Any, others: list[Any]) -> bool:
    """Return whether one of the others is inside of this layer."""
    inner = {id(part) for part in layer._flatten_layers(include_self=False, recursive=True)}
    return any(id(other) in inner for other in others)


def _part(name: str, layer: Any, checks: tuple[TensorCheck, ...]) -> ModelPart:
    own = next((thing for thing in _code_of(layer) if is_own(thing)), type(layer))
    kind = type(layer).__name__
    if own is not type(layer):
        kind += f" with {getattr(own, '__name__', type(own).__name__)}"
    return ModelPart(name=name, kind=kind, where=where_written(own), checks=checks)


def _check_layer(seen: LayerCall, still: Still, seed: int, *, lost_counts: bool) -> tuple[TensorCheck, ...]:
    """Return what is wrong with a layer's gradient.

    A layer that lets no gradient through to its input may be meant to; it counts only where weights
    are known to miss theirs.
    """
    layer = seen.layer
    flat = keras.tree.flatten((seen.args, seen.kwargs))
    places = [i for i, part in enumerate(flat) if _is_real(part)]
    inputs = {i: keras.Variable(flat[i]) for i in places}
    rng = np.random.default_rng(seed)
    cotangents = [
        rng.standard_normal(part.shape) for part in keras.tree.flatten(seen.output) if _is_real(part)
    ]

    def result() -> Any:
        given = [inputs[i].value if i in inputs else part for i, part in enumerate(flat)]
        args, kwargs = keras.tree.pack_sequence_as((seen.args, seen.kwargs), given)
        outputs = [part for part in keras.tree.flatten(layer(*args, **kwargs)) if _is_real(part)]
        return _weighed(outputs, cotangents)

    if not cotangents:
        return ()
    by_input = [
        ("its input" if len(inputs) == 1 else f"input {n}", v) for n, v in enumerate(inputs.values(), 1)
    ]
    by_weight = [(v.name, v) for v in layer.trainable_variables]
    # A trace pays where a call is a loop or a network of its own.
    traced = bool(layer._layers) and not getattr(layer, "run_eagerly", False)
    return (
        *_wrong(result, by_input, still, seed, skip_none=not lost_counts, traced=traced),
        *_wrong(result, by_weight, still, seed, traced=traced),
    )


def _is_real(part: Any) -> bool:
    return keras.ops.is_tensor(part) and "float" in keras.backend.standardize_dtype(part.dtype)


def _weighed(outputs: list[Any], cotangents: list[NDArray[np.float64]]) -> Any:
    total = 0.0
    for output, weight in zip(outputs, cotangents, strict=True):
        total = total + keras.ops.sum(output * keras.ops.cast(weight, output.dtype)) / np.sqrt(weight.size)
    return total


def _wrong(
    function: Callable[[], Any],
    variables: list[tuple[str, Any]],
    still: Still | None,
    seed: int,
    *,
    skip_none: bool = False,
    traced: bool = False,
) -> Iterator[TensorCheck]:
    """Give the checks by those variables that come out wrong."""
    if not variables:
        return
    every = [variable for _, variable in variables]
    evaluate = values_of(function, every, traced=traced)

    def value() -> float:
        if still is not None:
            still.hold()
        return evaluate()

    if is_rounded(value, every, seed):
        return
    if still is not None:
        still.hold()
    _, gradients = gradients_of(function, every, traced=traced)()
    rng = np.random.default_rng(seed)
    for (name, variable), gradient in zip(variables, gradients, strict=True):
        if gradient is None and skip_none:
            continue
        check = check_tensor(
            name,
            variable,
            gradient,
            value,
            directions=_DIRECTIONS,
            rng=rng,
        )
        if check.verdict is CheckVerdict.WRONG:
            yield check


def _wrong_penalties(model: Any, names: dict[int, str], seed: int) -> Iterator[ModelPart]:
    for variable in model.trainable_variables:
        penalty = getattr(variable, "regularizer", None)
        if penalty is None:
            continue

        def result(penalty: Any = penalty, variable: Any = variable) -> Any:
            return penalty(variable.value)

        checks = tuple(_wrong(result, [(variable.name, variable)], None, seed))
        if checks:
            kind = getattr(penalty, "__name__", type(penalty).__name__)
            name = f"the penalty on {variable.path}"
            yield ModelPart(name=name, kind=kind, where=where_written(penalty), checks=checks)


def _wrong_loss(model: Any, x: NDArray[Any], y: NDArray[Any], still: Still, seed: int) -> Iterator[ModelPart]:
    still.hold()
    given = model(keras.ops.convert_to_tensor(x), training=True)
    if not _is_real(given):
        return
    predicted = keras.Variable(to_array(given))
    target = keras.ops.convert_to_tensor(y)

    def result() -> Any:
        return model.compute_loss(x=None, y=target, y_pred=predicted.value, training=True)

    checks = tuple(_wrong(result, [("the prediction", predicted)], still, seed))
    if checks:
        loss = model.loss
        kind = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
        where = "" if isinstance(loss, str) else where_written(getattr(loss, "fn", loss))
        yield ModelPart(name="the loss", kind=str(kind), where=where, checks=checks)
