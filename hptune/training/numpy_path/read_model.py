"""Reads a compiled Keras model as a network that is trained here.

Nothing is overlooked: a layer, an argument or an optimiser that is not known here is a reason to
leave the model to Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import has_accelerator, keras
from hptune.training.numpy_path.activations import ACTIVATIONS
from hptune.training.numpy_path.dropout import DropoutMasks, dropout_masks
from hptune.training.numpy_path.layers import Activation, BatchNormalization, Dense, Dropout, Layer
from hptune.training.numpy_path.model import DenseModel, parts
from hptune.training.numpy_path.network import Network, Penalty
from hptune.training.numpy_path.read_compiled import (
    UnknownError,
    known,
    need,
    plain,
    read_clip,
    read_head,
    read_optimizer,
    untouched,
)

__all__ = ["read"]

Floats = NDArray[np.float32]
_PREPARING = (keras.layers.Flatten, keras.layers.Normalization, keras.layers.Rescaling)
"""Layers before the first that trains; what they make of the rows is the same in every epoch."""


def read(model: Any, batch_size: int) -> DenseModel | None:
    """Return a built, compiled Keras model as it is trained here; None where something is not known.

    `batch_size` is the most rows of a step.
    """
    try:
        return _Reader(model, batch_size).read()
    except UnknownError:
        return None


class _Reader:
    """Reads one model."""

    def __init__(self, model: Any, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self._layers: list[Layer] = []
        self._penalties: list[Penalty] = []
        self._masks: list[DropoutMasks] = []
        self._moving: list[tuple[Any, Floats]] = []
        self._units = 0
        self._views: Iterator[tuple[Any, Floats, Floats]] = iter(())
        """Variables that no layer has taken, with their weights and gradients."""

    def read(self) -> DenseModel:
        model = self._model
        chain = _chain(model)
        need(model.compiled and model.built and not model.run_eagerly and model.trainable_variables)
        trained = list(model.trainable_variables)
        need(plain(model, "activity_regularizer") and untouched(model))
        need(all(i.dtype == "float32" for i in model.inputs))
        need(all(plain(layer, "activity_regularizer") and untouched(layer) for layer in chain))
        need(all(str(variable.dtype) == "float32" for variable in model.weights))
        size = sum(int(np.prod(variable.shape)) for variable in trained)
        weights, gradient = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self._views = iter(zip(trained, parts(weights, trained), parts(gradient, trained), strict=True))
        prepares = []
        while chain and type(chain[0]) in _PREPARING:
            prepares.append(chain.pop(0))
        output = self._read_layers(chain)
        need(next(self._views, None) is None)
        rule, slots, average, averages = read_optimizer(model.optimizer, trained)
        head, sparse = read_head(model, output)
        network = Network(
            layers=self._layers,
            head=head,
            rule=rule,
            weights=weights,
            gradient=gradient,
            variables=parts(gradient, trained),
            outputs=self._units,
            penalties=self._penalties,
            dropouts=self._masks,
            clip=read_clip(model.optimizer),
            average=average,
        )
        return DenseModel(
            network=network,
            keras_model=model,
            sparse=sparse,
            _prepares=prepares,
            _trained=trained,
            _moving=self._moving,
            _slots=slots,
            _averages=averages,
        )

    def _read_layers(self, chain: list[Any]) -> Callable[..., Any]:
        """Read the layers that train; returns the output's activation, which belongs to the head."""
        need(chain and type(chain[0]) is keras.layers.Dense)
        output: Callable[..., Any] = keras.activations.linear
        for number, layer in enumerate(chain):
            need(layer.trainable and layer.dtype_policy.name == "float32")
            kind = _LAYERS.get(type(layer))
            need(kind is not None)
            assert kind is not None
            activation = kind(self, layer)
            if number == len(chain) - 1:
                output = activation
            elif activation is not keras.activations.linear:
                function = known(ACTIVATIONS, activation)
                # One works in the place of its inputs, which another before it remembers.
                need(function is not None and not isinstance(self._layers[-1], Activation))
                assert function is not None
                self._layers.append(Activation(function))
        # Whatever the last layer is, its values are those of dense units.
        need(isinstance(self._layers[-1], Dense))
        return output

    def _next(self, variable: Any, *, penalised: bool = False) -> tuple[Floats, Floats]:
        """Return the weights and the gradient of the next variable, which must be this one."""
        found = next(self._views, None)
        need(found is not None and found[0] is variable and variable.constraint is None)
        assert found is not None
        need(penalised or variable.regularizer is None)
        shape = tuple(variable.shape)
        return found[1].reshape(shape), found[2].reshape(shape)

    def _dense(self, layer: Any) -> Callable[..., Any]:
        need(plain(layer, "lora_rank", "quantization_mode"))
        kernel, gradient = self._next(layer.kernel, penalised=True)
        bias, of_bias = self._next(layer.bias) if layer.use_bias else (None, None)
        gradients = [gradient] if of_bias is None else [gradient, of_bias]
        self._layers.append(Dense(kernel, bias, gradients, self._batch_size))
        self._units = kernel.shape[1]
        penalty = layer.kernel.regularizer
        if penalty is not None:
            need(type(penalty) in _PENALTIES)
            l1, l2 = (float(getattr(penalty, name, 0.0) or 0.0) for name in ("l1", "l2"))
            self._penalties.append(Penalty(kernel, gradient, l1, l2))
        return layer.activation  # type: ignore[no-any-return]

    def _normalization(self, layer: Any) -> Callable[..., Any]:
        need(layer.axis in (-1, 1) and not getattr(layer, "renorm", False) and not layer.synchronized)
        gamma, of_gamma = self._next(layer.gamma) if layer.scale else (None, None)
        beta, of_beta = self._next(layer.beta) if layer.center else (None, None)
        mean, variance = (np.zeros(self._units, np.float32) for _ in range(2))
        self._moving += [(layer.moving_mean, mean), (layer.moving_variance, variance)]
        gradients = [g for g in (of_gamma, of_beta) if g is not None]
        moving, momentum, epsilon = (mean, variance), layer.momentum, layer.epsilon
        self._layers.append(BatchNormalization(gamma, beta, gradients, moving, momentum, epsilon))
        return keras.activations.linear  # type: ignore[no-any-return]

    def _activation(self, layer: Any) -> Callable[..., Any]:
        return layer.activation  # type: ignore[no-any-return]

    def _rectified(self, layer: Any) -> Callable[..., Any]:
        need(layer.max_value is None and plain(layer, "negative_slope", "threshold"))
        return keras.activations.relu  # type: ignore[no-any-return]

    def _dropout(self, layer: Any) -> Callable[..., Any]:
        need(layer.noise_shape is None and layer.rate < 1 and layer.seed is None)
        # On a GPU PyTorch's generator gives other numbers than on the CPU, where NumPy takes them from.
        need(keras.backend.backend() != "torch" or not has_accelerator())
        if layer.rate > 0:
            self._masks.append(dropout_masks(layer.rate))
            self._layers.append(Dropout(self._units, self._masks[-1]))
        return keras.activations.linear  # type: ignore[no-any-return]


_LAYERS: dict[type, Callable[[_Reader, Any], Callable[..., Any]]] = {
    keras.layers.Dense: _Reader._dense,
    keras.layers.BatchNormalization: _Reader._normalization,
    keras.layers.Activation: _Reader._activation,
    keras.layers.ReLU: _Reader._rectified,
    keras.layers.Dropout: _Reader._dropout,
}
"""Keras's layer → what reads it and returns its activation."""
_PENALTIES = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


def _chain(model: Any) -> list[Any]:
    """Return a model's layers without its input where each takes what the one before gives."""
    given: Any
    nodes: Any
    layers = [layer for layer in model.layers if type(layer) is not keras.layers.InputLayer]
    need(layers and len(set(map(id, layers))) == len(layers))
    if type(model) is keras.Sequential:
        return layers
    need(type(model).__name__ == "Functional" and type(model).__module__.startswith("keras."))
    need(len(model.inputs) == len(model.outputs) == 1)
    given = model.inputs[0]
    for layer in layers:
        nodes = getattr(layer, "_inbound_nodes", ())
        need(len(nodes) == 1 and len(nodes[0].input_tensors) == 1)
        need(nodes[0].input_tensors[0] is given)
        given = nodes[0].output_tensors[0]
    need(given is model.outputs[0])
    return layers
