"""Whatever layers an option makes, a saved model answers from raw rows as the trained one."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hptune.data import load_dataset
from hptune.export.model import with_preprocessing
from hptune.models.recipes import DataFacts, make_recipe

CASES: list[tuple[str, dict[str, Any]]] = [
    *[
        ("mlp", {"activation": name, "kernel_initializer": "glorot_uniform"})
        for name in ("relu", "leaky_relu", "elu", "selu", "gelu", "swish", "tanh", "sigmoid")
    ],
    *[("mlp", {"input_normalization": name}) for name in ("none", "centre", "scale", "z-score", "min-max")],
    ("mlp", {"regularizer": "l1_l2", "l1": 1e-3, "l2": 1e-3, "dropout": 0.3, "batch_normalization": True}),
    ("mlp", {"batch_normalization": True, "batch_normalization_position": "after"}),
    ("mlp", {"optimizer": "rmsprop", "ema": True, "clipping": "clipvalue"}),
    ("mlp", {"optimizer": "sgd", "nesterov": True, "ema": True, "ema_bias_correction": False}),
    ("cnn", {"flip": "horizontal_and_vertical", "rotation": 0.1, "zoom": 0.1, "translation": 0.1}),
    ("cnn", {"contrast": 0.2, "pooling": "average", "head": "average", "convolutions": 2}),
]


@pytest.mark.parametrize(
    ("recipe", "values"),
    [
        pytest.param(recipe, values, id=f"{recipe}-{'-'.join(map(str, values.values()))}")
        for recipe, values in CASES
    ],
)
def test_a_saved_model_answers_as_the_trained_one(
    recipe: str, values: dict[str, Any], tmp_path: Path
) -> None:
    dataset = load_dataset("digits", as_images=recipe == "cnn")
    small = {"filters": 2, "dense_units": 4} if recipe == "cnn" else {"layers": 1, "units": 8}
    keras.utils.set_random_seed(1)
    trained = make_recipe(recipe, {**small, **values}, DataFacts.of(dataset, epochs=1)).build()
    rows = slice(0, 64)
    trained.train_on_batch(dataset.train.x[rows], dataset.train.y[rows])
    expected = np.asarray(trained(dataset.validation.x, training=False))
    with_preprocessing(trained, dataset).save(tmp_path / "m.keras")
    saved = keras.models.load_model(tmp_path / "m.keras")
    found = saved(dataset.validation.x, training=False)
    np.testing.assert_allclose(np.asarray(found["probability"]), expected, rtol=1e-5, atol=1e-6)
    labels = [dataset.classes[code] for code in expected.argmax(axis=1)]
    assert np.asarray(found["prediction"]).tolist() == labels
    assert np.ptp(expected, axis=0).max() > 1e-3


@pytest.mark.parametrize(
    ("values", "metric"),
    [
        pytest.param({"ema": True}, "", id="an optimiser of hptune"),
        pytest.param({}, "f1_score", id="a metric of hptune"),
    ],
)
def test_a_saved_model_is_loaded_without_hptune(values: dict[str, Any], metric: str, tmp_path: Path) -> None:
    dataset = load_dataset("digits")
    facts = DataFacts.of(dataset, metric=metric)
    trained = make_recipe("mlp", {"layers": 1, "units": 8, **values}, facts).build()
    trained.train_on_batch(dataset.train.x[:64], dataset.train.y[:64])
    with_preprocessing(trained, dataset).save(tmp_path / "m.keras")
    program = "import sys, keras; keras.models.load_model('m.keras'); assert 'hptune' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        weights = file.read("model.weights.h5")
    assert b"optimizer" not in weights
