"""What is random in an epoch, as plain functions of the trial's seed and the epoch.

So a training that is resumed from a checkpoint does what it would have done without stopping, and
a script can repeat it with NumPy alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras

__all__ = ["generator_seed", "layer_seed", "reseed", "reseed_generator", "seed_states", "shuffled"]


def shuffled(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """Return the order of the rows in `epoch`, counted from 0."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def seed_states(model: Any) -> list[Any]:
    """Return the states of the random layers of a model: dropout, augmentation."""
    return [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]


def reseed(states: list[Any], seed: int, epoch: int) -> None:
    """Set the states for the beginning of `epoch`, each to a stream of its own.

    PyTorch's dropout draws from its own global generator, which is set too.
    """
    for number, state in enumerate(states):
        state.assign(np.array([layer_seed(seed, epoch, number), 0], dtype=state.dtype))
    reseed_generator(seed, epoch)


def layer_seed(seed: int, epoch: int, number: int) -> int:
    """Return what the state `number` of a model is set to at the beginning of `epoch`."""
    return int(np.random.default_rng([seed, epoch, number]).integers(2**31 - 1))


def reseed_generator(seed: int, epoch: int) -> None:
    """Set PyTorch's generator for the beginning of `epoch`; other backends have none."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(generator_seed(seed, epoch))


def generator_seed(seed: int, epoch: int) -> int:
    """Return what PyTorch's generator is set to at the beginning of `epoch`."""
    return int(np.random.default_rng([seed, epoch]).integers(2**31 - 1))
