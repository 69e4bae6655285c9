"""The recipe `cnn`: convolution blocks for images, with augmentation in training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hptune.data.normalisation import Normalisation
from hptune.errors import ModelError
from hptune.models.recipes.calls import Call
from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.options import resolve
from hptune.models.recipes.parts import entrance, hidden, normalisation, output
from hptune.models.recipes.recipe import Recipe
from hptune.space import Values

__all__ = ["augmentation", "cnn", "image_shape"]


def cnn(values: Values, facts: DataFacts) -> Recipe:
    """Return the convolutional network that `values` describe; see OPTIONS for what they may be.

    Each block has `convolutions` convolutions of `filters` filters and halves the image; the next
    block has twice as many filters. Blocks that the image is too small for are left out. Raises
    SpaceError for an unknown option or value, ModelError where rows are no images.
    """
    options = resolve(values, "cnn")
    shape = image_shape(facts.input_shape)
    layers = (
        entrance(facts, shape) + augmentation(options, facts, shape) + normalisation(options, facts, shape)
    )
    side, filters = min(shape[:2]), options["filters"]
    for _ in range(options["blocks"]):
        arguments = {"filters": filters, "kernel_size": options["kernel_size"], "padding": "same"}
        for _ in range(options["convolutions"]):
            layers += hidden("layers.Conv2D", arguments, options)
        if side < 2:
            break
        layers.append(_pooling(options["pooling"]))
        side, filters = side // 2, filters * 2
    layers.append(_head(options["head"]))
    if options["dense_units"]:
        layers += hidden("layers.Dense", {"units": options["dense_units"]}, options)
    layers.append(output(facts, "cnn"))
    return Recipe.of("cnn", layers, options, facts)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (height, width, channels) of a row: an image, or values that fill a square.

    Raises ModelError for any other shape.
    """
    if len(shape) == 3:
        return (shape[0], shape[1], shape[2])
    if len(shape) == 2:
        return (shape[0], shape[1], 1)
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    if side < 2 or side * side != shape[0]:
        raise ModelError(
            f"the recipe cnn needs images, but a row has the shape {shape}",
            hint="Use --model mlp, or data with rows of (height, width, channels).",
        )
    return (side, side, 1)


def augmentation(options: Mapping[str, Any], facts: DataFacts, shape: tuple[int, ...]) -> list[Call]:
    """Return layers that change images at random in training and do nothing at prediction.

    What a turn or a shift brings in at a border has the colour of the border.
    """
    calls = []
    if options["flip"] != "none":
        calls.append(Call(name="layers.RandomFlip", arguments={"mode": options["flip"]}))
    for key, layer in (("rotation", "RandomRotation"), ("zoom", "RandomZoom")):
        if options[key] > 0:
            arguments = {
                "factor" if key == "rotation" else "height_factor": options[key],
                "fill_mode": "nearest",
            }
            calls.append(Call(name=f"layers.{layer}", arguments=arguments))
    if options["translation"] > 0:
        share = options["translation"]
        arguments = {"height_factor": share, "width_factor": share, "fill_mode": "nearest"}
        calls.append(Call(name="layers.RandomTranslation", arguments=arguments))
    if options["contrast"] > 0:
        low, width = facts.statistics(Normalisation.MIN_MAX, shape)
        arguments = {
            "factor": options["contrast"],
            "value_range": (float(low.min()), float((low + width).max())),
        }
        calls.append(Call(name="layers.RandomContrast", arguments=arguments))
    return calls


def _pooling(kind: str) -> Call:
    name = "MaxPooling2D" if kind == "max" else "AveragePooling2D"
    return Call(name=f"layers.{name}", arguments={"pool_size": 2})


def _head(kind: str) -> Call:
    names = {"flatten": "Flatten", "average": "GlobalAveragePooling2D", "max": "GlobalMaxPooling2D"}
    return Call(name=f"layers.{names[kind]}")
