"""What configurations of the recipe mlp must share to be trained as one, and what each has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hptune.recipes import Recipe
from hptune.recipes.calls import Call, source

__all__ = ["Group", "Settings", "Structure", "read", "rounded_up"]

_NARROW = 64
"""Layers of up to so many units take the same time: what is around the arithmetic takes it."""
_ENTRANCE = ("Input", "layers.Flatten", "layers.Normalization")
_OPTIMIZERS: Mapping[str, Mapping[str, Any]] = {
    "SGD": {"momentum": 0.0, "nesterov": False},
    "RMSprop": {"rho": 0.9, "epsilon": 1e-7},
    "Adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}
"""Keras's optimisers that can be stacked, with Keras's defaults."""
_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
_AVERAGING = "hptune.recipes.averaging"


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What is part of a graph: the same for all configurations that it trains."""

    hidden: int
    """Hidden layers, from 0."""
    activation: str
    """Of hidden layers; "" without any."""
    normalised: str
    """Batch normalisation "before" or "after" the activation; "" for none."""
    outputs: int
    output_activation: str
    loss: str
    metrics: tuple[str, ...]
    """accuracy, mean_absolute_error, r2."""
    optimizer: str
    """SGD, RMSprop or Adam."""

    @property
    def has_bias(self) -> bool:
        """Whether hidden layers have a bias."""
        return self.normalised != "before"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a stacked configuration has of its own, beside its weights."""

    units: tuple[int, ...]
    """Of each hidden layer."""
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    clipping: str = ""
    """clipnorm, clipvalue or global_clipnorm; "" for none."""
    clip_threshold: float = 1.0
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    """Its numbers, without the learning rate."""
    averaged: bool = False
    average_momentum: float = 0.99
    average_corrected: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Configurations with equal groups can be trained as one."""

    structure: Structure
    batch_size: int
    entrance: str
    """How inputs are prepared, as source."""
    widths: tuple[int, ...]
    """Units of each hidden layer, rounded up: narrower ones are padded to the widest of a stack."""


def read(recipe: Recipe) -> tuple[Group, Settings] | None:
    """Return what a configuration shares and what it has of its own; None where it can't be stacked.

    Nothing is overlooked: a layer or an argument that is not known here is a reason for None.
    """
    calls = list(recipe.layers)
    entrance = [call for call in calls if call.name in _ENTRANCE]
    blocks = _blocks(calls[len(entrance) :])
    optimizer = _optimizer(recipe.optimizer)
    metrics = tuple(m if isinstance(m, str) else str(m.arguments.get("name", "")) for m in recipe.metrics)
    known = all(metric in ("accuracy", "mean_absolute_error", "r2") for metric in metrics)
    if recipe.name != "mlp" or blocks is None or optimizer is None or not known:
        return None
    layers, output = blocks
    if len({(b.activation, b.normalised, b.dropout, b.l1, b.l2) for b in layers}) > 1:
        return None
    first = layers[0] if layers else _Block()
    structure = Structure(
        hidden=len(layers),
        activation=first.activation,
        normalised=first.normalised,
        outputs=output["units"],
        output_activation=output["activation"],
        loss=recipe.loss,
        metrics=metrics,
        optimizer=recipe.optimizer.name.rpartition(".")[2],
    )
    units = tuple(block.units for block in layers)
    settings = Settings(units=units, dropout=first.dropout, l1=first.l1, l2=first.l2, **optimizer)
    group = Group(
        structure=structure,
        batch_size=recipe.batch_size,
        entrance=source(entrance),
        widths=tuple(map(rounded_up, units)),
    )
    return group, settings


def rounded_up(width: int) -> int:
    """Return the next power of two, 64 at least."""
    return max(_NARROW, 1 << (width - 1).bit_length())


@dataclass
class _Block:
    """One hidden layer as its calls say."""

    units: int = 0
    activation: str = ""
    normalised: str = ""
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0


def _blocks(calls: list[Call]) -> tuple[list[_Block], Mapping[str, Any]] | None:
    """Return the hidden layers and the arguments of the last one; None where something is not known."""
    if not calls or any(call.home != "keras" for call in calls):
        return None
    *hidden, last = calls
    if last.name != "layers.Dense" or set(last.arguments) != {"units", "activation"}:
        return None
    blocks: list[_Block] = []
    for call in hidden:
        if call.name == "layers.Dense":
            blocks.append(_Block())
        if not blocks or not _take(blocks[-1], call):
            return None
    return blocks, last.arguments


def _take(block: _Block, call: Call) -> bool:
    """Read a call into its layer; returns whether all of it is known."""
    given = call.arguments
    keys = set(given)
    if call.name == "layers.Dense":
        block.units = given["units"]
        block.activation = given.get("activation", "")
        return _take_penalty(block, given.get("kernel_regularizer")) and keys <= {
            *("units", "use_bias", "activation", "kernel_initializer", "kernel_regularizer")
        }
    if call.name == "layers.BatchNormalization":
        block.normalised = "after" if block.activation else "before"
        return not keys
    if call.name == "layers.Activation":
        block.activation = given["activation"]
        return keys == {"activation"}
    if call.name == "layers.Dropout":
        block.dropout = given["rate"]
        return keys == {"rate"}
    return False


def _take_penalty(block: _Block, penalty: Call | None) -> bool:
    if penalty is None:
        return True
    block.l1, block.l2 = penalty.arguments.get("l1", 0.0), penalty.arguments.get("l2", 0.0)
    return penalty.name in {f"regularizers.{kind}" for kind in ("L1", "L2", "L1L2")}


def _optimizer(call: Call) -> dict[str, Any] | None:
    """Return what Settings say of an optimiser, clipping and averaging; None where it is another."""
    name = call.name.rpartition(".")[2]
    if name not in _OPTIMIZERS or call.home not in ("keras", _AVERAGING):
        return None
    given = dict(call.arguments)
    given.pop("learning_rate", None)
    own = {key: given.pop(key, default) for key, default in _OPTIMIZERS[name].items()}
    clipping = next((kind for kind in _CLIPPING if kind in given), "")
    found = {
        "optimizer": own,
        "clipping": clipping,
        "clip_threshold": given.pop(clipping, 1.0),
        "averaged": given.pop("use_ema", False),
        "average_momentum": given.pop("ema_momentum", 0.99),
        "average_corrected": call.home == _AVERAGING,
    }
    return None if given else found
