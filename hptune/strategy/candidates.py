"""The configurations that the acquisition chooses from: drawn, or all there are."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from hptune.space import Fixed, Number
from hptune.strategy.encoding import Box, Cube

__all__ = ["CANDIDATES", "all_rows", "draw_candidates", "uniform_candidates"]

Array = NDArray[np.float64]

CANDIDATES = 1500
"""How many configurations the acquisition chooses from."""

_SPREADS = (0.03, 0.1, 0.25)
_MOVE_SHARES = (0.3, 0.6)
_EDGE_SHARE = 0.5


def uniform_candidates(cube: Cube, box: Box, count: int, rng: np.random.Generator) -> Array:
    """Return rows drawn evenly from a box, shape (count, columns)."""
    rows = box.low + rng.random((count, cube.columns)) * (box.high - box.low)
    _draw_options(cube, box, rows, np.ones((count, len(cube.axes)), dtype=bool), rng)
    return rows


def _draw_options(
    cube: Cube, box: Box, rows: Array, moved: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Draw anew the options of the axes that are `moved`, shape (rows, axes), in place."""
    for i, axis in enumerate(cube.axes):
        if not axis.options:
            continue
        allowed = np.array(box.allowed[axis.name])
        picks = rng.choice(allowed, size=len(rows))
        # A centre may hold an option that is no longer allowed.
        where = moved[:, i] | ~np.isin(axis.index_of_rows(rows[:, axis.columns]), allowed)
        rows[where, axis.columns] = axis.encode_index(picks[where])


def _around(cube: Cube, box: Box, centres: Array, count: int, rng: np.random.Generator) -> Array:
    """Return rows near the centres: some coordinates moved by a normal step, then clipped."""
    rows = centres[rng.integers(len(centres), size=count)].copy()
    spread = rng.choice(_SPREADS, size=(count, 1))
    moved = rng.random((count, len(cube.axes))) < rng.choice(_MOVE_SHARES, size=(count, 1))
    moved[np.arange(count), rng.integers(len(cube.axes), size=count)] = True
    steps = rng.normal(size=rows.shape) * spread
    numbers = np.array([not axis.options for axis in cube.axes])[cube.groups]
    rows += np.where(moved[:, cube.groups] & numbers, steps, 0.0)
    _draw_options(cube, box, rows, moved & (rng.random(moved.shape) < 0.5), rng)
    return np.clip(rows, box.low, box.high)


def _to_edges(cube: Cube, box: Box, rows: Array, rng: np.random.Generator) -> Array:
    """Put some coordinates of half the rows on a bound: optima often lie there."""
    rows = rows.copy()
    chosen = rng.random(len(rows)) < _EDGE_SHARE
    numbers = np.array([not axis.options for axis in cube.axes])[cube.groups]
    share = rng.choice(_MOVE_SHARES, size=(len(rows), 1)) / 1.5
    put = chosen[:, None] & (rng.random(rows.shape) < share) & numbers
    bound = np.where(rng.random(rows.shape) < 0.5, box.low, box.high)
    return np.where(put, bound, rows)


def draw_candidates(
    cube: Cube, boxes: tuple[Box, ...], centres: Array, count: int, rng: np.random.Generator
) -> Array:
    """Return snapped candidates, shape (count, columns): an equal share from each box.

    Half of a box's share is uniform, half lies around the `centres` (best first, may be empty).
    """
    parts = []
    for box in boxes:
        share = count // len(boxes)
        near = share // 2 if len(centres) else 0
        rows = uniform_candidates(cube, box, share - near, rng)
        if near:
            rows = np.concatenate([rows, _around(cube, box, centres, near, rng)])
        parts.append(_to_edges(cube, box, rows, rng))
    return cube.snap(np.concatenate(parts))


def all_rows(cube: Cube, box: Box, most: int) -> Array | None:
    """Return every configuration inside a box, or None where there are more than `most`."""
    columns: list[list[Array]] = []
    total = 1
    for axis in cube.axes:
        places = _places(cube, box, axis.name)
        if places is None:
            return None
        total *= len(places)
        if total > most:
            return None
        columns.append(list(places))
    if not columns:
        return np.empty((1, 0))
    rows = np.array([np.concatenate(parts) for parts in itertools.product(*columns)])
    return np.unique(np.round(cube.snap(rows.reshape(total, cube.columns)), 9), axis=0)


def _places(cube: Cube, box: Box, name: str) -> Array | None:
    """Return every place on an axis inside a box, shape (places, width); None where there is no end."""
    axis = next(a for a in cube.axes if a.name == name)
    if isinstance(cube.space[name], Fixed):
        return axis.encode([cube.space[name].initial])
    if axis.options:
        return axis.encode_index(np.array(box.allowed[name]))
    size = axis.hp.size
    if size is None or size > 10_000:
        return None
    hp = axis.hp
    assert isinstance(hp, Number)
    if hp.step is None:
        numbers = np.arange(hp.low, hp.high + 1)
    else:
        numbers = np.array([hp.at((i + 0.5) / size) for i in range(size)], dtype=np.float64)
    units = axis.units_of_numbers(np.unique(numbers))
    inside = (units >= box.low[axis.start] - 1e-9) & (units <= box.high[axis.start] + 1e-9)
    return np.asarray(units[inside][:, None], dtype=np.float64)
