"""What the recipes share: inputs, hidden layers, outputs and optimisers as calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hptune.data import Task
from hptune.data.normalisation import Normalisation, variance_of
from hptune.errors import ModelError
from hptune.models.recipes.calls import Array, Call
from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.schedules import Decay, Schedule, read_rates

__all__ = [
    "entrance",
    "hidden",
    "losses",
    "metrics_on_demand",
    "normalisation",
    "optimizer",
    "output",
    "schedule",
    "target_units",
]

Options = Mapping[str, Any]
"""Every option of the recipe, as `resolve` returns them."""

_DEFAULT_PENALTY = 1e-4
"""Strength of a penalty that is asked for without saying how strong."""
_SCORES = "hptune.models.recipes.metrics"
_UNKNOWN_SPAN = 50
"""Epochs that cosine spans where nobody said how long a full training is."""
_AUTO = {"selu": "lecun_normal", "tanh": "glorot_uniform", "sigmoid": "glorot_uniform"}
"""First weights that fit an activation; he_normal for relu and its family."""


def entrance(facts: DataFacts, shape: tuple[int, ...]) -> list[Call]:
    """Return the input, brought to `shape`."""
    calls = [Call(name="Input", arguments={"shape": facts.input_shape})]
    if shape != facts.input_shape and len(shape) == 1:
        calls.append(Call(name="layers.Flatten"))
    elif shape != facts.input_shape:
        calls.append(Call(name="layers.Reshape", arguments={"target_shape": shape}))
    return calls


def normalisation(options: Options, facts: DataFacts, shape: tuple[int, ...]) -> list[Call]:
    """Return the normalisation of inputs by what training rows taught, where one is asked for."""
    kind = Normalisation(options["input_normalization"])
    if kind is Normalisation.NONE:
        return []
    offset, scale = facts.statistics(kind, shape)
    arguments = {"axis": -1, "mean": Array.of(offset), "variance": Array.of(variance_of(scale))}
    return [Call(name="layers.Normalization", arguments=arguments)]


def hidden(layer: str, arguments: Mapping[str, Any], options: Options) -> list[Call]:
    """Return a hidden layer with its activation, batch normalisation and dropout.

    Batch normalisation before the activation (arXiv 1502.03167, section 3.2) makes the layer's
    bias pointless, as its own offset does the same: the bias is dropped.
    """
    activation = options["activation"]
    given: dict[str, Any] = {**arguments}
    before = options["batch_normalization"] and options["batch_normalization_position"] == "before"
    given |= {"use_bias": False} if before else {"activation": activation}
    given["kernel_initializer"] = initializer(options)
    penalty = regularizer(options)
    if penalty is not None:
        given["kernel_regularizer"] = penalty
    calls = [Call(name=layer, arguments=given)]
    if options["batch_normalization"]:
        calls.append(Call(name="layers.BatchNormalization"))
    if before:
        calls.append(Call(name="layers.Activation", arguments={"activation": activation}))
    if options["dropout"] > 0:
        calls.append(Call(name="layers.Dropout", arguments={"rate": options["dropout"]}))
    return calls


def initializer(options: Options) -> str:
    """Return the name of Keras's initialiser for hidden kernels.

    With fan-in the inputs and fan-out the outputs of a unit:

        zeros           all 0: units of a layer stay alike for ever
        random_uniform  uniform in ±0.05
        glorot_uniform  uniform in ±√(6 / (fan-in + fan-out))
        glorot_normal   normal, variance 2 / (fan-in + fan-out), cut at two deviations
        he_uniform      uniform in ±√(6 / fan-in)
        he_normal       normal, variance 2 / fan-in, cut at two deviations
        auto            he_normal with relu and its family, glorot_uniform with tanh and sigmoid,
                        lecun_normal (variance 1 / fan-in) with selu, which needs it (arXiv 1706.02515)

    Glorot and Bengio 2010 (AISTATS) for glorot, He et al. 2015 (arXiv 1502.01852) for he.
    """
    name = options["kernel_initializer"]
    return _AUTO.get(options["activation"], "he_normal") if name == "auto" else str(name)


def regularizer(options: Options) -> Call | None:
    """Return the penalty on hidden kernels: Σ l1·|w| + l2·w², or None where there is none."""
    which = options["regularizer"]
    missing = 0.0 if which == "given" else _DEFAULT_PENALTY
    strength = {
        name: missing if options[name] is None else options[name]
        for name in ("l1", "l2")
        if which == "given" or name in which.split("_")
    }
    given = {name: value for name, value in strength.items() if value > 0}
    if not given:
        return None
    if len(given) == 2:
        return Call(name="regularizers.L1L2", arguments=given)
    (name,) = given
    return Call(name=f"regularizers.{name.upper()}", arguments=given)


def output(facts: DataFacts, recipe: str) -> Call:
    """Return the last layer: softmax over classes, sigmoid for two and for labels, linear for a number."""
    activations = {
        Task.MULTICLASS: "softmax",
        Task.BINARY: "sigmoid",
        Task.MULTILABEL: "sigmoid",
        Task.REGRESSION: "linear",
    }
    if facts.task not in activations:
        raise ModelError(
            f"the recipe {recipe} learns classes, labels of 0 and 1 or one number per row, not targets of"
            " another shape",
            hint="Give a model of your own: --model FILE.py:build.",
        )
    arguments = {"units": facts.outputs, "activation": activations[facts.task]}
    return Call(name="layers.Dense", arguments=arguments)


def losses(facts: DataFacts) -> tuple[str, tuple[str | Call, ...]]:
    """Return the loss and the metrics that fit the task, and the one that is asked for."""
    asked = metrics_on_demand(facts)
    also = (asked[facts.metric],) if facts.metric in asked else ()
    if facts.task is Task.REGRESSION:
        r2 = Call(name="metrics.R2Score", arguments={"name": "r2"})
        return "mean_squared_error", ("mean_absolute_error", r2, *also)
    if facts.task is Task.MULTILABEL:
        # Keras takes "accuracy" of several outputs for that of a class.
        return "binary_crossentropy", ("binary_accuracy", *also)
    multiclass = facts.task is Task.MULTICLASS
    loss = "sparse_categorical_crossentropy" if multiclass else "binary_crossentropy"
    return loss, ("accuracy", *also)


def metrics_on_demand(facts: DataFacts) -> dict[str, Call]:
    """Return, by name, the metrics that a recipe reports where one of them is the objective."""
    if facts.task is Task.REGRESSION:
        return _named({"root_mean_squared_error": Call(name="metrics.RootMeanSquaredError")})
    if facts.task is Task.MULTILABEL:
        of_each = {"multi_label": True, "num_labels": facts.outputs}
        return _named({"auc": Call(name="metrics.AUC", arguments=of_each)})
    two = facts.task is Task.BINARY
    arguments = {"classes": 2, "positive": facts.positive} if two else {"classes": facts.outputs}
    scores = {
        "auc": "AUC",
        "pr_auc": "AveragePrecision",
        "f1_score": "F1Score",
        "precision": "Precision",
        "recall": "Recall",
        "balanced_accuracy": "BalancedAccuracy",
    }
    return _named({n: Call(name=of, arguments=arguments, home=_SCORES) for n, of in scores.items()})


def _named(calls: Mapping[str, Call]) -> dict[str, Call]:
    """Return metrics that report under these names."""
    return {n: replace(call, arguments={**call.arguments, "name": n}) for n, call in calls.items()}


def target_units(facts: DataFacts) -> dict[str, float]:
    """Return what reported metrics are multiplied by to be in the target's own units."""
    if facts.task is not Task.REGRESSION:
        return {}
    return dict.fromkeys(("mean_absolute_error", "root_mean_squared_error"), facts.target_deviation)


def schedule(options: Options, facts: DataFacts) -> Schedule:
    """Return the learning rate of each epoch."""
    decay = Decay(options["schedule"])
    rates = read_rates(options["learning_rates"]) if options["learning_rates"] is not None else ()
    return Schedule(
        decay=Decay.NONE if decay is Decay.LIST and not rates else decay,
        base=options["learning_rate"],
        rate=options["decay_rate"],
        every=options["drop_every"],
        span=options["decay_epochs"] or facts.epochs or _UNKNOWN_SPAN,
        rates=rates,
    )


def optimizer(options: Options, rates: Schedule) -> Call:
    """Return the optimiser, with clipping and averaging where asked for.

    sgd      v := momentum·v − rate·g,  w := w + v;  nesterov: w := w + momentum·v − rate·g
    rmsprop  s := rho·s + (1 − rho)·g²,  w := w − rate·g / √(s + epsilon)
    adam     m := beta_1·m + (1 − beta_1)·g,  s := beta_2·s + (1 − beta_2)·g²,
             w := w − rate·m̂ / (√ŝ + epsilon), both corrected for their beginning (arXiv 1412.6980)
    """
    kind = options["optimizer"]
    own = {
        "sgd": ("SGD", ("momentum", "nesterov")),
        "rmsprop": ("RMSprop", ("rho", "epsilon")),
        "adam": ("Adam", ("beta_1", "beta_2", "epsilon")),
    }
    name, keys = own[kind]
    arguments: dict[str, Any] = {"learning_rate": rates(0)} | {key: options[key] for key in keys}
    if options["clipping"] != "none":
        arguments[options["clipping"]] = options["clip_threshold"]
    if options["ema"]:
        arguments |= {"use_ema": True, "ema_momentum": options["ema_momentum"]}
        if options["ema_bias_correction"]:
            return Call(name=name, arguments=arguments, home="hptune.models.recipes.averaging")
    return Call(name=f"optimizers.{name}", arguments=arguments)
