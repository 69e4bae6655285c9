"""An epoch of a stack as one compiled loop of JAX.

XLA compiles for given shapes, and takes a second or two for each. So layers have widths that are
powers of two, and so have stacks: places that no configuration needs repeat the first one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hptune.stack.graph import Features, Given, StackGraph, Steps
from hptune.stack.structure import Structure, rounded_up

__all__ = ["JaxGraph"]

_WIDEST = 4
"""A stack that is compiled already is taken where it has up to so many times the places."""


class JaxGraph(StackGraph):
    """Trains and validates stacks of one structure and of layers of one width."""

    def __init__(self, structure: Structure, features: Features, inputs: int) -> None:
        super().__init__(structure, features, inputs)
        self._fixed: tuple[int, ...] | None = None
        self._known: set[int] = set()
        """Places of stacks that are compiled."""
        self._whole = jax.jit(self._whole_batches, static_argnames="size", donate_argnums=(0, 1))
        self._rest = jax.jit(self._step, donate_argnums=(0, 1))
        self._held = jax.jit(self._judge_rows)

    def widths(self, widths: tuple[int, ...]) -> tuple[int, ...]:
        self._fixed = tuple(map(rounded_up, widths))
        return self._fixed

    def places(self, configurations: int) -> int:
        fit = [k for k in self._known if configurations <= k <= _WIDEST * configurations]
        places = min(fit, default=1 << (configurations - 1).bit_length())
        self._known.add(places)
        return places

    def serves(self, structure: Structure, features: Features, widths: tuple[int, ...]) -> bool:
        same = self._fixed == tuple(map(rounded_up, widths))
        return same and super().serves(structure, features, widths)

    def split(self, lines: Any, cut: list[list[Any]]) -> Sequence[Any]:
        ends = np.cumsum([math.prod(shape) for shape in cut])
        return list(jnp.split(lines, ends[:-1], axis=1))

    def train(self, given: Given, state: Any, totals: Any, steps: Steps) -> Any:
        orders, seeds, size, first, end = steps
        rows = int(orders.shape[1])
        whole = min(int(end), rows // size)
        if first < whole:
            state, totals = self._whole(state, totals, given, orders, seeds, first, whole, size=size)
        if end * size > rows:
            state, totals = self._rest(state, totals, given, orders[:, whole * size :], seeds, whole)
        return state, totals

    def _whole_batches(
        self,
        state: Any,
        totals: Any,
        given: Given,
        orders: Any,
        seeds: Any,
        first: Any,
        end: Any,
        *,
        size: int,
    ) -> Any:
        def body(number: Any, carried: Any) -> Any:
            taken = jax.lax.dynamic_slice_in_dim(orders, number * size, size, axis=1)
            state, totals = carried
            return self._step(state, totals, given, taken, seeds, number)

        return jax.lax.fori_loop(first, end, body, (state, totals))

    def _step(self, state: Any, totals: Any, given: Given, taken: Any, seeds: Any, number: Any) -> Any:
        # Widths are shapes, which XLA has to know.
        given = given._replace(widths=self._fixed)
        batch = (given.data[0][taken], given.data[1][taken])
        masks = _dropout_masks(seeds, number, taken.shape[1], given) if self.features.dropout else None
        lose = partial(self._lose, moving=state[1], batch=batch, given=given, masks=masks)
        gradient, (predicted, moving, losses) = jax.grad(lose, has_aux=True)(state[0])
        state = self._descend(gradient, moving, state, given)
        return state, totals + self._seen(batch[1], predicted, losses)

    def validate(self, given: Given, state: Any, totals: Any, first: Any, end: Any) -> Any:
        x, y = (part[int(first) : int(end)] for part in given.data)
        return totals + self._held(x, y, given, state)

    def _judge_rows(self, x: Any, y: Any, given: Given, state: Any) -> Any:
        return self._judge(x, y, given._replace(widths=self._fixed), state)


def _dropout_masks(seeds: Any, step: Any, rows: int, given: Given) -> list[Any]:
    """Return which outputs dropout keeps, (K, B, U) per layer, and what it multiplies them by.

    The numbers are those that keras.layers.Dropout draws for a layer of its own width, from the key
    (drawn, step). JAX draws the n-th of them from the key and n alone, however many it draws.
    """
    masks, share = [], 1.0 - given.numbers["dropout"][:, None, None]
    for layer, width in enumerate(given.widths):
        drawn = seeds[:, layer].astype(jnp.uint32)
        keys = jnp.stack([drawn, jnp.broadcast_to(jnp.asarray(step, jnp.uint32), drawn.shape)], axis=1)
        line = jax.vmap(lambda key, count=rows * width: jax.random.uniform(key, (count,)))(keys)
        at = jnp.arange(rows)[None, :, None] * given.units[:, layer, None, None] + jnp.arange(width)
        uniform = jnp.take_along_axis(line, at.reshape(len(line), -1), axis=1)
        kept = uniform.reshape(len(line), rows, width) < share
        masks.append((kept, 1.0 / share))
    return masks
