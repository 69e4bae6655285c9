"""Moving averages of the weights, with and without bias correction. This file needs Keras alone.

With β = ema_momentum and w_t the weights after step t (t = 1, 2, …), Keras's own average begins at
the initial weights, which keep the share β^(t−1):

    a_1 = w_1,   a_t = β·a_(t−1) + (1 − β)·w_t

With bias correction the average begins at 0 and is divided by what the shares add up to, as Adam's
moments are (arXiv 1412.6980, section 3), so early steps weigh what later ones do:

    v_0 = 0,   v_t = β·v_(t−1) + (1 − β)·w_t,   a_t = v_t / (1 − β^t)

which is Keras's rule with a β of its own for each step, β_t = β·(1 − β^(t−1)) / (1 − β^t).
"""

from typing import Any

import keras

__all__ = ["SGD", "Adam", "AverageForValidation", "BiasCorrected", "RMSprop"]


class BiasCorrected:
    """An optimiser whose moving average of the weights is corrected for its beginning."""

    iterations: Any

    @property
    def ema_momentum(self) -> Any:
        """β_t of the step that is being taken."""
        if not getattr(self, "built", False):
            return self._momentum_of_average
        beta = keras.ops.cast(self._momentum_of_average, "float32")
        before = keras.ops.cast(self.iterations, "float32")
        return beta * (1 - beta**before) / (1 - beta ** (before + 1))

    @ema_momentum.setter
    def ema_momentum(self, value: float) -> None:
        self._momentum_of_average = value

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        config["ema_momentum"] = self._momentum_of_average
        return config


@keras.saving.register_keras_serializable("hptune")
class SGD(BiasCorrected, keras.optimizers.SGD):  # type: ignore[misc]
    """keras.optimizers.SGD with a bias-corrected average of the weights."""


@keras.saving.register_keras_serializable("hptune")
class RMSprop(BiasCorrected, keras.optimizers.RMSprop):  # type: ignore[misc]
    """keras.optimizers.RMSprop with a bias-corrected average of the weights."""


@keras.saving.register_keras_serializable("hptune")
class Adam(BiasCorrected, keras.optimizers.Adam):  # type: ignore[misc]
    """keras.optimizers.Adam with a bias-corrected average of the weights."""


class AverageForValidation(keras.callbacks.Callback):  # type: ignore[misc]
    """Validates the averaged weights and goes on training the others.

    keras.callbacks.SwapEMAWeights swaps by adding and subtracting, which rounds; here the weights
    come back bit for bit.
    """

    def __init__(self) -> None:
        super().__init__()
        self._trained: list[Any] | None = None

    def swap_in(self) -> None:
        """Put the averages in the model's place of weights."""
        optimizer = self.model.optimizer
        averages = getattr(optimizer, "_model_variables_moving_average", None)
        if self._trained is not None or not averages:
            return
        self._trained = [keras.ops.convert_to_numpy(v) for v in self.model.trainable_variables]
        for variable, average in zip(self.model.trainable_variables, averages, strict=True):
            variable.assign(keras.ops.convert_to_numpy(average))

    def swap_out(self) -> None:
        """Put the trained weights back."""
        if self._trained is None:
            return
        for variable, value in zip(self.model.trainable_variables, self._trained, strict=True):
            variable.assign(value)
        self._trained = None

    def on_test_begin(self, logs: Any = None) -> None:
        self.swap_in()

    def on_test_end(self, logs: Any = None) -> None:
        self.swap_out()
