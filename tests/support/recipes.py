"""Facts of made-up data, and an effect of each option."""

from __future__ import annotations

from typing import Any

import numpy as np

from hptune.data import Task
from hptune.models.recipes import DataFacts
from hptune.models.recipes.data_facts import LearnedStatistics

FACTS = DataFacts(
    input_shape=(8, 8, 1),
    task=Task.MULTICLASS,
    outputs=3,
    rows=100,
    statistics=LearnedStatistics(np.arange(64 * 5, dtype=np.float32).reshape(5, 8, 8, 1)),
    epochs=20,
)
EFFECTS: dict[str, tuple[dict[str, Any], Any]] = {
    "optimizer": ({}, "sgd"),
    "learning_rate": ({}, 0.5),
    "learning_rate_sgd": ({"optimizer": "sgd"}, 0.5),
    "learning_rate_rmsprop": ({"optimizer": "rmsprop"}, 0.5),
    "learning_rate_adam": ({"learning_rate": 0.1}, 0.5),
    "momentum": ({"optimizer": "sgd"}, 0.3),
    "nesterov": ({"optimizer": "sgd"}, True),
    "rho": ({"optimizer": "rmsprop"}, 0.3),
    "beta_1": ({}, 0.3),
    "beta_2": ({}, 0.3),
    "epsilon": ({"optimizer": "rmsprop"}, 0.3),
    "batch_size": ({}, "all"),
    "layers": ({}, 3),
    "units": ({}, 9),
    "activation": ({}, "gelu"),
    "kernel_initializer": ({}, "zeros"),
    "batch_normalization": ({}, True),
    "batch_normalization_position": ({"batch_normalization": True}, "after"),
    "dropout": ({}, 0.5),
    "regularizer": ({"l1": 0.1, "l2": 0.1}, "l2"),
    "l1": ({}, 0.1),
    "l2": ({"regularizer": "l1_l2"}, 0.1),
    "clipping": ({}, "clipnorm"),
    "clip_threshold": ({"clipping": "clipvalue"}, 0.2),
    "schedule": ({}, "cosine"),
    "decay_rate": ({"schedule": "time"}, 0.7),
    "drop_every": ({"schedule": "step"}, 3),
    "decay_epochs": ({"schedule": "cosine"}, 7),
    "learning_rates": ({"schedule": "list"}, "0.1, 0.2"),
    "ema": ({}, True),
    "ema_momentum": ({"ema": True}, 0.5),
    "ema_bias_correction": ({"ema": True}, False),
    "input_normalization": ({}, "min-max"),
    "early_stopping_patience": ({}, 4),
    "early_stopping_min_delta": ({"early_stopping_patience": 4}, 0.1),
    "blocks": ({}, 3),
    "convolutions": ({}, 2),
    "filters": ({}, 5),
    "kernel_size": ({}, 5),
    "pooling": ({}, "average"),
    "head": ({}, "average"),
    "dense_units": ({}, 0),
    "flip": ({}, "horizontal"),
    "rotation": ({}, 0.1),
    "zoom": ({}, 0.1),
    "translation": ({}, 0.1),
    "contrast": ({}, 0.1),
}
"""Option → what else is set, and a value that is not the default."""
