"""Reads what a Keras model was compiled with: its loss, its optimiser and how gradients are kept small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from hptune.models.backend import keras, uses_tensorflow
from hptune.models.recipes import averaging
from hptune.training.numpy_path import losses
from hptune.training.numpy_path.optimizers import (
    AdamRule,
    Average,
    Clip,
    RMSpropRule,
    Rule,
    SGDRule,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
)

__all__ = ["UnknownError", "known", "need", "plain", "read_clip", "read_head", "read_optimizer", "untouched"]


_T = TypeVar("_T")
_METHODS = (
    *(
        "call",
        "__call__",
        "fit",
        "evaluate",
        "train_step",
        "test_step",
        "make_train_function",
        "make_test_function",
    ),
    *("compute_loss", "compute_metrics", "apply", "apply_gradients", "update_step"),
    *("update_state", "result", "reset_state"),
)
"""What training calls of a model, a layer, a loss, an optimiser or a metric."""


class UnknownError(Exception):
    """Something that is not known here."""


def need(condition: object) -> None:
    """Raise UnknownError unless a condition holds."""
    if not condition:
        raise UnknownError


def plain(of: Any, *names: str) -> bool:
    """Return whether none of these attributes is used."""
    return not any(getattr(of, name, None) for name in names)


def known(table: Mapping[Any, _T], thing: Any) -> _T | None:
    """Return what a table has of one thing itself, which need not be hashable."""
    return next((found for key, found in table.items() if key is thing), None)


def untouched(thing: Any) -> bool:
    """Return whether no method was put in the place of its class's own."""
    return not any(name in vars(thing) for name in _METHODS)


def read_head(model: Any, activation: Callable[..., Any]) -> tuple[losses.Head, bool]:
    """Return the head of an output's activation and a loss, and whether targets are codes."""
    compiled = model._compile_loss
    need(compiled is not None and compiled._user_loss_weights is None)
    try:
        found = keras.losses.get(model.loss)
    except (ValueError, TypeError):
        raise UnknownError from None
    given: dict[str, Any] = {}
    if isinstance(found, keras.losses.Loss):
        need(type(found) in _LOSSES and found.reduction == "sum_over_batch_size" and untouched(found))
        need(found.dtype == "float32")
        given = {key: value for key, value in found._fn_kwargs.items() if _LOSS_DEFAULTS.get(key) != value}
        found = found.fn
    predicts_z = bool(given.pop("from_logits", False))
    need(not given)
    linear = activation is keras.activations.linear
    cut = not uses_tensorflow()
    need(not cut or keras.config.epsilon() == losses.EPSILON)
    if found in (keras.losses.mean_squared_error, keras.losses.mean_absolute_error):
        need(linear)
        squared = found is keras.losses.mean_squared_error
        return (losses.SquaredError() if squared else losses.AbsoluteError()), False
    if found is keras.losses.binary_crossentropy:
        need(linear if predicts_z else activation is keras.activations.sigmoid)
        return losses.BinaryCrossentropy(cut=cut, predicts_z=predicts_z), False
    sparse = found is keras.losses.sparse_categorical_crossentropy
    need(sparse or found is keras.losses.categorical_crossentropy)
    need(linear if predicts_z else activation is keras.activations.softmax)
    return losses.CategoricalCrossentropy(sparse=sparse, cut=cut, predicts_z=predicts_z), sparse


_LOSSES = (
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.BinaryCrossentropy,
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
)
_LOSS_DEFAULTS = {"from_logits": False, "label_smoothing": 0.0, "axis": -1, "ignore_class": None}


def read_optimizer(
    optimizer: Any, trained: Sequence[Any]
) -> tuple[Rule, list[Sequence[Any]], Average | None, Sequence[Any]]:
    """Return the rule and the average of the weights, each with Keras's variables of what it holds.

    `trained` are the variables of the weights.
    """
    need(optimizer is not None and optimizer.built and untouched(optimizer))
    need(list(map(id, optimizer._trainable_variables)) == list(map(id, trained)))
    size = sum(int(np.prod(variable.shape)) for variable in trained)
    need(isinstance(getattr(optimizer, "_learning_rate", None), keras.Variable))
    need(plain(optimizer, "weight_decay", "gradient_accumulation_steps", "loss_scale_factor"))
    need(plain(optimizer, "ema_overwrite_frequency"))
    # On PyTorch Keras puts classes of its own in the place of these, with the same formulas.
    kind = next(of for of in type(optimizer).__mro__ if not of.__module__.startswith("keras.src.backend."))
    rule: Rule
    if kind in (keras.optimizers.SGD, averaging.SGD):
        rule = SGDRule(size, momentum=optimizer.momentum, nesterov=optimizer.nesterov)
        slots = [optimizer.momentums] if optimizer.momentum else []
    elif kind in (keras.optimizers.RMSprop, averaging.RMSprop):
        need(plain(optimizer, "momentum", "centered"))
        rule = RMSpropRule(size, rho=optimizer.rho, epsilon=optimizer.epsilon)
        slots = [optimizer._velocities]
    else:
        need(kind in (keras.optimizers.Adam, averaging.Adam) and not optimizer.amsgrad)
        rule = AdamRule(size, beta_1=optimizer.beta_1, beta_2=optimizer.beta_2, epsilon=optimizer.epsilon)
        slots = [optimizer._momentums, optimizer._velocities]
    if not optimizer.use_ema:
        return rule, slots, None, ()
    corrected = isinstance(optimizer, averaging.BiasCorrected)
    momentum = optimizer.get_config()["ema_momentum"]
    average = Average(size, momentum=momentum, corrected=corrected)
    return rule, slots, average, optimizer._model_variables_moving_average


def read_clip(optimizer: Any) -> Clip | None:
    """Return how gradients are kept small; None where they are left as they are."""
    # Keras looks in this order.
    for name, made in (
        ("clipnorm", clip_by_norm),
        ("global_clipnorm", clip_by_global_norm),
        ("clipvalue", clip_by_value),
    ):
        threshold = getattr(optimizer, name)
        if threshold is not None:
            # Keras clips nothing where a norm is not above 0.
            need(threshold > 0)
            return made(float(threshold))
    return None
