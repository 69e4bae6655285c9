"""The recipe cnn: blocks, and augmentation that is there in training only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hptune.data import Task
from hptune.errors import ModelError
from hptune.models.backend import keras
from hptune.models.recipes import DataFacts, Recipe, make_recipe
from hptune.models.recipes.cnn import image_shape
from hptune.models.recipes.data_facts import LearnedStatistics

X = np.random.default_rng(0).uniform(0, 16, size=(20, 8, 8, 1)).astype(np.float32)
FACTS = DataFacts(
    input_shape=(8, 8, 1),
    task=Task.MULTICLASS,
    outputs=3,
    rows=20,
    statistics=LearnedStatistics(X),
    epochs=20,
)


def cnn(facts: DataFacts = FACTS, **values: Any) -> Recipe:
    return make_recipe(
        "cnn", {"filters": 2, "dense_units": 4, "input_normalization": "none", **values}, facts
    )


def names(recipe: Recipe) -> list[str]:
    return [call.name.removeprefix("layers.") for call in recipe.layers]


def test_blocks_halve_the_image_and_double_the_filters() -> None:
    recipe = cnn(blocks=2, convolutions=2)
    assert names(recipe) == [
        *("Input", "Conv2D", "Conv2D", "MaxPooling2D", "Conv2D", "Conv2D", "MaxPooling2D"),
        *("Flatten", "Dense", "Dense"),
    ]
    filters = [call.arguments["filters"] for call in recipe.layers if call.name == "layers.Conv2D"]
    assert filters == [2, 2, 4, 4]


def test_blocks_that_the_image_is_too_small_for_are_left_out() -> None:
    recipe = cnn(blocks=8)
    assert names(recipe).count("MaxPooling2D") == 3
    assert recipe.build().output_shape == (None, 3)


def test_convolutions_have_the_options_of_dense_layers() -> None:
    recipe = cnn(blocks=1, dropout=0.1, batch_normalization=True, l2=0.5, activation="gelu")
    assert names(recipe)[1:5] == ["Conv2D", "BatchNormalization", "Activation", "Dropout"]
    convolution = recipe.layers[1].arguments
    assert convolution["use_bias"] is False
    assert convolution["kernel_initializer"] == "he_normal"
    assert convolution["kernel_regularizer"].arguments == {"l2": 0.5}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"pooling": "average"}, "AveragePooling2D"),
        ({"head": "average"}, "GlobalAveragePooling2D"),
        ({"head": "max"}, "GlobalMaxPooling2D"),
    ],
)
def test_pooling_and_head_can_be_chosen(values: dict[str, Any], name: str) -> None:
    assert name in names(cnn(**values))


def test_no_dense_units_leave_the_dense_layer_out() -> None:
    assert names(cnn(dense_units=0)).count("Dense") == 1


@pytest.mark.parametrize(
    ("shape", "image"),
    [((8, 6, 3), (8, 6, 3)), ((8, 6), (8, 6, 1)), ((64,), (8, 8, 1))],
)
def test_rows_are_seen_as_images(shape: tuple[int, ...], image: tuple[int, ...]) -> None:
    assert image_shape(shape) == image


@pytest.mark.parametrize("shape", [(63,), (1,), (), (2, 2, 2, 2)])
def test_rows_that_are_no_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="needs images"):
        image_shape(shape)


def test_flat_rows_are_normalised_as_the_image_they_are() -> None:
    flat = replace(FACTS, input_shape=(64,), statistics=LearnedStatistics(X.reshape(20, 64)))
    recipe = make_recipe("cnn", {"input_normalization": "z-score"}, flat)
    assert names(recipe)[:3] == ["Input", "Reshape", "Normalization"]
    assert recipe.layers[2].arguments["mean"].numbers == pytest.approx((X.mean(),), rel=1e-5)


AUGMENTATIONS = {
    "flip": ("horizontal", "RandomFlip"),
    "rotation": (0.2, "RandomRotation"),
    "zoom": (0.3, "RandomZoom"),
    "translation": (0.3, "RandomTranslation"),
    "contrast": (0.5, "RandomContrast"),
}


@pytest.mark.parametrize("option", AUGMENTATIONS)
def test_augmentation_changes_training_images_and_no_others(option: str) -> None:
    value, name = AUGMENTATIONS[option]
    recipe = cnn(**{option: value})
    assert names(recipe)[1] == name
    keras.utils.set_random_seed(0)
    layer = recipe.layers[1].make()
    assert not np.allclose(layer(X, training=True), X)
    assert np.array_equal(layer(X, training=False), X)


@pytest.mark.parametrize("option", [name for name in AUGMENTATIONS if name != "flip"])
def test_images_change_more_the_larger_the_option(option: str) -> None:
    # A ramp from corner to corner: noise would change as much by little as by much.
    ramp = np.add.outer(np.arange(8), np.arange(8)).astype(np.float32).reshape(1, 8, 8, 1).repeat(20, axis=0)

    def change(value: float) -> float:
        keras.utils.set_random_seed(0)
        changed = cnn(**{option: value}).layers[1].make()(ramp, training=True)
        return float(np.abs(np.asarray(changed) - ramp).mean())

    assert change(0.02) < 0.5 * change(0.4)


@pytest.mark.parametrize(
    ("mode", "axes"), [("horizontal", (2,)), ("vertical", (1,)), ("horizontal_and_vertical", (1, 2))]
)
def test_images_are_mirrored_along_the_axes_of_the_option(mode: str, axes: tuple[int, ...]) -> None:
    keras.utils.set_random_seed(0)
    layer = cnn(flip=mode).layers[1].make()
    seen = set()
    for _ in range(5):
        for image, made in zip(X, np.asarray(layer(X, training=True)), strict=True):
            for mirrored in ((), (1,), (2,), (1, 2)):
                if np.array_equal(np.flip(image, [axis - 1 for axis in mirrored]), made):
                    seen.add(mirrored)
    assert {axis for mirrored in seen for axis in mirrored} == set(axes)


@pytest.mark.parametrize("option", AUGMENTATIONS)
def test_augmented_images_stay_in_the_range_of_the_data(option: str) -> None:
    value, _ = AUGMENTATIONS[option]
    keras.utils.set_random_seed(0)
    images = np.asarray(cnn(**{option: value}).layers[1].make()(X, training=True))
    assert images.min() >= X.min() - 1e-4
    assert images.max() <= X.max() + 1e-4


def test_augmentation_sees_images_before_they_are_normalised() -> None:
    recipe = cnn(rotation=0.1, input_normalization="z-score")
    assert names(recipe)[1:3] == ["RandomRotation", "Normalization"]


def test_without_augmentation_there_is_no_such_layer() -> None:
    assert not [name for name in names(cnn()) if name.startswith("Random")]
