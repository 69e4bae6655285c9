"""Data sets that presets are learnt from: the bundled ones, and generated ones of many kinds.

Each is small, so that hundreds of trainings take minutes. Generated ones hold back half of their
rows, so that a score says more than luck does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

__all__ = ["GENERATED", "IMAGES", "sources"]

Arrays = tuple[NDArray[Any], NDArray[Any]]
"""x, shape (rows, *features), and y: integers for classes, else floats."""

_BUNDLED = ("digits", "breast_cancer", "wine", "iris", "diabetes")
_SEED = 20


def sources(recipe: str, folder: Path) -> dict[str, tuple[str, float]]:
    """Return name → (what hptune loads, the share it holds back); generated data is written to `folder`."""
    made = GENERATED if recipe == "mlp" else IMAGES
    found = {name: (name, 0.3) for name in (_BUNDLED if recipe == "mlp" else _BUNDLED[:1])}
    for name, make in made.items():
        x, y = make()
        path = folder / f"{name}.npz"
        np.savez(path, x=np.asarray(x, dtype=np.float32), y=y)
        found[name] = (str(path), 0.5)
    return found


def _classes(rows: int, *, features: int = 20, **more: Any) -> Arrays:
    return datasets.make_classification(  # type: ignore[no-any-return]
        n_samples=rows, n_features=features, n_informative=10, random_state=_SEED, **more
    )


def _hidden(found: Arrays, features: int = 20) -> Arrays:
    """Mix a few features into many, with a little noise: what is simple has to be found."""
    x, y = found
    rng = np.random.default_rng(_SEED)
    mixed = x @ rng.normal(0, 1, (x.shape[1], features)) / x.std()
    return mixed + rng.normal(0, 0.05, mixed.shape), y


def _spirals(rows: int = 800) -> Arrays:
    """Two spirals of one and a half turns."""
    rng = np.random.default_rng(_SEED)
    y = np.arange(rows) % 2
    angle = 3 * np.pi * np.sqrt(rng.random(rows))
    turn = angle + np.pi * y
    return np.stack([angle * np.cos(turn), angle * np.sin(turn)], 1) + rng.normal(0, 0.4, (rows, 2)), y


def _waves(rows: int = 1200) -> Arrays:
    """A smooth function of two numbers with several hills, hardly any noise."""
    rng = np.random.default_rng(_SEED)
    x = rng.uniform(-1, 1, (rows, 2))
    return x, np.sin(5 * x[:, 0]) * np.cos(4 * x[:, 1]) + x[:, 0] * x[:, 1] + rng.normal(0, 0.02, rows)


def _heavy_tails(rows: int = 600) -> Arrays:
    """Features over several decades and noise that is sometimes large."""
    rng = np.random.default_rng(_SEED)
    x = np.exp(rng.normal(0, 1.5, (rows, 20)))
    return x, np.log(x[:, 0] * x[:, 1]) + np.sqrt(x[:, 2]) / 4 + 0.3 * rng.standard_t(3, rows)


GENERATED: Mapping[str, Callable[[], Arrays]] = {
    "two-classes": lambda: _classes(1000, flip_y=0.05),
    "noisy-labels": lambda: _classes(1000, flip_y=0.3),
    "imbalanced": lambda: _classes(1200, weights=[0.9], flip_y=0.02),
    "moons": lambda: _hidden(datasets.make_moons(800, noise=0.25, random_state=_SEED)),
    "spirals": lambda: _hidden(_spirals()),
    "many-clusters": lambda: _classes(1600, n_classes=4, n_clusters_per_class=4, flip_y=0.02),
    "few-rows": lambda: _classes(120, n_classes=4, n_clusters_per_class=1, flip_y=0.05, class_sep=1.5),
    "shells": lambda: _hidden(
        datasets.make_gaussian_quantiles(n_samples=1200, n_features=5, n_classes=4, random_state=_SEED)
    ),
    "friedman1": lambda: datasets.make_friedman1(800, n_features=20, noise=1.0, random_state=_SEED),
    "linear": lambda: datasets.make_regression(
        500, n_features=20, n_informative=10, noise=80.0, random_state=_SEED
    ),
    "waves": lambda: _hidden(_waves()),
    "heavy-tails": _heavy_tails,
    "wide": lambda: _classes(300, features=400, n_clusters_per_class=1, flip_y=0.0),
}
"""Tables for the recipe mlp. All but one have 20 features."""


# Images for the recipe cnn


def _bars(rows: int = 500, side: int = 10) -> Arrays:
    """One bar at four angles, anywhere, under noise."""
    rng = np.random.default_rng(_SEED)
    y = np.arange(rows) % 4
    down, right = np.mgrid[:side, :side]
    angle = np.pi / 4 * y[:, None, None] + rng.normal(0, 0.12, (rows, 1, 1))
    shift = rng.uniform(-2, 2, (rows, 1, 1))
    middle = (side - 1) / 2
    away = np.abs((right - middle) * np.sin(angle) - (down - middle) * np.cos(angle) - shift)
    return (away < 1) + rng.normal(0, 0.7, (rows, side, side)), y


def _shapes(rows: int = 500, side: int = 12) -> Arrays:
    """A disc, a square, a cross or a ring, of any size anywhere, under noise."""
    rng = np.random.default_rng(_SEED + 1)
    y = np.arange(rows) % 4
    down, right = np.mgrid[:side, :side]
    size = rng.uniform(2.2, 3.8, rows)
    middles = rng.uniform(3.5, side - 4.5, (rows, 2))
    images = []
    for kind, half, (row, column) in zip(y, size, middles, strict=True):
        one, other = np.abs(down - row), np.abs(right - column)
        far = np.hypot(one, other)
        drawn = (
            far <= half,
            np.maximum(one, other) <= 0.9 * half,
            (np.minimum(one, other) <= 0.8) & (np.maximum(one, other) <= half),
            np.abs(far - half + 0.5) <= 0.7,
        )
        images.append(drawn[kind])
    return np.array(images) + rng.normal(0, 0.35, (rows, side, side)), y


def _textures(rows: int = 500, side: int = 10) -> Arrays:
    """Gratings of three wavelengths at any angle and phase, in a colour that says nothing."""
    rng = np.random.default_rng(_SEED + 2)
    y = np.arange(rows) % 3
    down, right = np.mgrid[:side, :side]
    angle, phase = rng.uniform(0, 2 * np.pi, (2, rows, 1, 1))
    rate = 2 * np.pi / np.array([3.0, 4.5, 7.0])[y][:, None, None]
    grey = np.sin(rate * (np.cos(angle) * down + np.sin(angle) * right) + phase)
    colour = rng.uniform(0.2, 1, (rows, 1, 1, 3))
    return grey[..., None] * colour + rng.normal(0, 0.6, (rows, side, side, 3)), y


def _few(rows: int = 160) -> Arrays:
    """The first of the bundled digits: far too few."""
    x, y = datasets.load_digits(return_X_y=True)
    return x[:rows].reshape(rows, 8, 8), y[:rows]


IMAGES: Mapping[str, Callable[[], Arrays]] = {
    "bars": _bars,
    "shapes": _shapes,
    "textures": _textures,
    "few-digits": _few,
}
"""Images for the recipe cnn, shape (rows, height, width) or (rows, height, width, 3)."""
