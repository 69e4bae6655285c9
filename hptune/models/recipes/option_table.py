"""Every option of the built-in recipes: names, values and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hptune.data.normalisation import Normalisation
from hptune.models.recipes.option import Option, OptionKind
from hptune.models.recipes.schedules import Decay

__all__ = ["OPTIONS"]


def _number(name: str, default: float | None, text: str, **more: Any) -> Option:
    return Option(name=name, kind=OptionKind.NUMBER, default=default, text=text, **more)


def _whole(name: str, default: int | None, text: str, **more: Any) -> Option:
    return Option(name=name, kind=OptionKind.WHOLE, default=default, text=text, **more)


def _switch(name: str, text: str, *, default: bool = False, **more: Any) -> Option:
    return Option(name=name, kind=OptionKind.SWITCH, default=default, text=text, **more)


def _choice(name: str, default: str, choices: tuple[str, ...], text: str, **more: Any) -> Option:
    return Option(name=name, kind=OptionKind.CHOICE, default=default, choices=choices, text=text, **more)


_FRACTION = {"low": 0.0, "high": 1.0, "below": True}
_POSITIVE = {"low": 0.0, "above": True}
_CNN = ("cnn",)
_DECAYS = tuple(decay.value for decay in Decay if decay not in (Decay.NONE, Decay.COSINE, Decay.LIST))

_ALL = (
    _choice("optimizer", "adam", ("sgd", "rmsprop", "adam"), "how weights follow the gradients"),
    _number(
        "learning_rate", None, "of whichever optimiser is used, unless it has one of its own", **_POSITIVE
    ),
    *(
        _number(
            f"learning_rate_{name}",
            rate,
            f"learning rate of {name}",
            needs=("optimizer", (name,)),
            **_POSITIVE,
        )
        for name, rate in (("sgd", 0.01), ("rmsprop", 0.001), ("adam", 0.001))
    ),
    _number(
        "momentum", 0.9, "how much of the last step sgd keeps", needs=("optimizer", ("sgd",)), **_FRACTION
    ),
    _switch("nesterov", "look ahead along the momentum (sgd)", needs=("optimizer", ("sgd",))),
    _number(
        "rho", 0.9, "memory of squared gradients (rmsprop)", needs=("optimizer", ("rmsprop",)), **_FRACTION
    ),
    _number("beta_1", 0.9, "memory of gradients (adam)", needs=("optimizer", ("adam",)), **_FRACTION),
    _number(
        "beta_2", 0.999, "memory of squared gradients (adam)", needs=("optimizer", ("adam",)), **_FRACTION
    ),
    _number(
        "epsilon", 1e-7, "keeps the division finite", needs=("optimizer", ("rmsprop", "adam")), **_POSITIVE
    ),
    Option(
        name="batch_size",
        kind=OptionKind.BATCH,
        default=32,
        low=1,
        text="rows per step; all is batch gradient descent",
    ),
    _whole("layers", 2, "hidden layers", low=0, high=64, recipes=("mlp",)),
    _whole("units", 64, "units of each hidden layer", low=1, recipes=("mlp",)),
    _choice(
        "activation",
        "relu",
        ("relu", "leaky_relu", "elu", "selu", "gelu", "swish", "tanh", "sigmoid"),
        "of hidden layers",
    ),
    _choice(
        "kernel_initializer",
        "auto",
        ("auto", "zeros", "random_uniform", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"),
        "initial weights of hidden layers; auto fits the activation",
    ),
    _switch("batch_normalization", "normalise each hidden layer over the batch"),
    _choice(
        "batch_normalization_position",
        "before",
        ("before", "after"),
        "the activation; before drops the bias",
        needs=("batch_normalization", (True,)),
    ),
    _number("dropout", 0.0, "share of units left out after each hidden layer", **_FRACTION),
    _choice(
        "regularizer",
        "given",
        ("given", "none", "l1", "l2", "l1_l2"),
        "penalty on kernels; given is whatever of l1 and l2 is given",
    ),
    _number(
        "l1",
        None,
        "strength of the absolute penalty",
        low=0.0,
        needs=("regularizer", ("given", "l1", "l1_l2")),
    ),
    _number(
        "l2",
        None,
        "strength of the squared penalty",
        low=0.0,
        needs=("regularizer", ("given", "l2", "l1_l2")),
    ),
    _choice(
        "clipping",
        "none",
        ("none", "clipnorm", "clipvalue", "global_clipnorm"),
        "what keeps gradients small",
    ),
    _number(
        "clip_threshold",
        1.0,
        "largest norm or value that is left as it is",
        needs=("clipping", ("clipnorm", "clipvalue", "global_clipnorm")),
        **_POSITIVE,
    ),
    _choice("schedule", "none", tuple(decay.value for decay in Decay), "how the learning rate falls"),
    _number("decay_rate", 0.1, "strength of the decay per epoch", low=0.0, needs=("schedule", _DECAYS)),
    _whole("drop_every", 10, "epochs that a step lasts", low=1, needs=("schedule", ("step",))),
    _whole("decay_epochs", None, "epochs that cosine spans", low=1, needs=("schedule", ("cosine",))),
    Option(
        name="learning_rates",
        kind=OptionKind.RATES,
        default=None,
        text='one per epoch, the last is held: "0.1, 0.1, 0.01"',
        needs=("schedule", ("list",)),
    ),
    _switch("ema", "judge and keep a moving average of the weights"),
    _number("ema_momentum", 0.99, "memory of that average", needs=("ema", (True,)), **_FRACTION),
    _switch(
        "ema_bias_correction", "weigh its first steps as its later ones", default=True, needs=("ema", (True,))
    ),
    _choice(
        "input_normalization",
        "z-score",
        tuple(kind.value for kind in Normalisation),
        "what is done to inputs, learned from training rows",
    ),
    _whole("early_stopping_patience", 0, "epochs without a better one before it ends; 0 is never", low=0),
    _number("early_stopping_min_delta", 0.0, "how much better counts", low=0.0),
    _whole("blocks", 2, "convolution blocks, each followed by pooling", low=1, high=8, recipes=_CNN),
    _whole("convolutions", 1, "convolutions in each block", low=1, high=4, recipes=_CNN),
    _whole(
        "filters", 32, "filters of the first block; each further block has twice as many", low=1, recipes=_CNN
    ),
    _whole("kernel_size", 3, "height and width of a filter", low=1, high=11, recipes=_CNN),
    _choice("pooling", "max", ("max", "average"), "what halves the image after a block", recipes=_CNN),
    _choice("head", "flatten", ("flatten", "average", "max"), "how the image becomes numbers", recipes=_CNN),
    _whole("dense_units", 64, "units of the dense layer before the output; 0 for none", low=0, recipes=_CNN),
    _choice(
        "flip",
        "none",
        ("none", "horizontal", "vertical", "horizontal_and_vertical"),
        "mirror images at random, in training only",
        recipes=_CNN,
    ),
    _number("rotation", 0.0, "largest turn, in full turns, either way", low=0.0, high=0.5, recipes=_CNN),
    _number("zoom", 0.0, "largest share to zoom in or out", recipes=_CNN, **_FRACTION),
    _number("translation", 0.0, "largest shift, in shares of height and width", recipes=_CNN, **_FRACTION),
    _number("contrast", 0.0, "largest change of contrast", recipes=_CNN, **_FRACTION),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.name: option for option in _ALL})
"""Every option by its name."""
