"""A small network, trained by any way to feed rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hptune.data import Task
from hptune.models.backend import keras
from hptune.models.model import Arrays, Training
from hptune.models.recipes import DataFacts, make_recipe
from hptune.models.recipes.data_facts import LearnedStatistics
from hptune.space import Value
from hptune.study.trial import Job
from hptune.training.checkpoint import TrainingState
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import Feed
from hptune.training.session import make_ready

RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 5)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)
ARRAYS = Arrays(x=X[:25], y=Y[:25], validation_x=X[25:], validation_y=Y[25:])
WEIGHTS = RNG.uniform(0.5, 2, 25).astype(np.float32)
BATCH = 8
FACTS = DataFacts(
    input_shape=(5,), task=Task.MULTICLASS, outputs=3, rows=25, statistics=LearnedStatistics(ARRAYS.x)
)
VALUES: dict[str, Value] = {
    "layers": 1,
    "units": 6,
    "batch_normalization": True,
    "dropout": 0.2,
    "l2": 1e-3,
    "clipping": "global_clipnorm",
}


def built(values: Mapping[str, Value]) -> Any:
    keras.utils.set_random_seed(3)
    model = make_recipe("mlp", values, FACTS).build()
    make_ready(model, ARRAYS)
    return model


def epoch_callback(epochs: int) -> EpochCallback:
    job = Job(id=1, trial_id=1, values={}, seed=9, initial_epoch=0, epochs=epochs)
    return EpochCallback(
        job=job,
        training=Training(batch_size=BATCH),
        objective=None,
        on_epoch=lambda epoch, report: False,
        progress=TrainingState(),
    )


def trained(
    kind: Any, weights: Any = None, epochs: int = 3, values: Mapping[str, Value] = VALUES
) -> tuple[Any, list[dict[str, float]]]:
    model = built(values)
    feed: Feed = kind(model, ARRAYS, weights, BATCH)
    feed.trace()
    watching = epoch_callback(epochs)
    feed.fit(watching, 9, 0, epochs)
    return model, watching.curve
