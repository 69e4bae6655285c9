"""Optimisers on a line of weights: formulas, and the order of their operations, are Keras's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AdamRule",
    "Average",
    "RMSpropRule",
    "Rule",
    "SGDRule",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
]

Floats = NDArray[np.float32]
Clip = Callable[[Floats, Sequence[Floats]], None]
"""Cuts a gradient, (weights,), in place; also given as a view for each variable."""


class Rule(Protocol):
    """How weights follow their gradient."""

    slots: tuple[Floats, ...]
    """What is remembered of each weight, each (weights,)."""

    def step(self, weights: Floats, gradient: Floats, rate: np.float32, taken: int) -> None:
        """Move weights in place; `taken` steps were taken before. The gradient is used up."""
        ...


class SGDRule:
    """v := momentum·v − rate·g, w := w + v; nesterov: w := w + momentum·v − rate·g."""

    def __init__(self, size: int, *, momentum: float, nesterov: bool) -> None:
        self._momentum = np.float32(momentum)
        self._nesterov = nesterov
        self.slots: tuple[Floats, ...] = (np.zeros(size, np.float32),) if momentum else ()

    def step(self, weights: Floats, gradient: Floats, rate: np.float32, taken: int) -> None:
        gradient *= rate
        if not self.slots:
            weights -= gradient
            return
        (velocity,) = self.slots
        velocity *= self._momentum
        velocity -= gradient
        if self._nesterov:
            weights += velocity * self._momentum - gradient
        else:
            weights += velocity


class RMSpropRule:
    """s := rho·s + (1 − rho)·g², w := w − rate·g / √(s + epsilon)."""

    def __init__(self, size: int, *, rho: float, epsilon: float) -> None:
        self._rho, self._rest = np.float32(rho), np.float32(1 - rho)
        self._epsilon = np.float32(epsilon)
        self.slots: tuple[Floats, ...] = (np.zeros(size, np.float32),)
        self._work = np.empty(size, np.float32)

    def step(self, weights: Floats, gradient: Floats, rate: np.float32, taken: int) -> None:
        (squares,), work = self.slots, self._work
        np.multiply(gradient, gradient, out=work)
        work *= self._rest
        squares *= self._rho
        squares += work
        np.add(squares, self._epsilon, out=work)
        np.sqrt(work, out=work)
        gradient *= rate
        gradient /= work
        weights -= gradient


class AdamRule:
    """m := m + (g − m)·(1 − beta_1), s := s + (g² − s)·(1 − beta_2), w := w − m·alpha / (√s + epsilon).

    alpha = rate·√(1 − beta_2^t) / (1 − beta_1^t) corrects both for their beginning (arXiv 1412.6980,
    section 2), t the step counted from 1.
    """

    def __init__(self, size: int, *, beta_1: float, beta_2: float, epsilon: float) -> None:
        self._beta_1, self._beta_2 = np.float32(beta_1), np.float32(beta_2)
        self._rest_1, self._rest_2 = np.float32(1 - beta_1), np.float32(1 - beta_2)
        self._epsilon = np.float32(epsilon)
        self.slots: tuple[Floats, ...] = (np.zeros(size, np.float32), np.zeros(size, np.float32))
        self._work = np.empty(size, np.float32)

    def step(self, weights: Floats, gradient: Floats, rate: np.float32, taken: int) -> None:
        (m, s), work, one = self.slots, self._work, np.float32(1)
        local = np.float32(taken + 1)
        alpha = rate * np.sqrt(one - self._beta_2**local) / (one - self._beta_1**local)
        np.subtract(gradient, m, out=work)
        work *= self._rest_1
        m += work
        gradient *= gradient
        gradient -= s
        gradient *= self._rest_2
        s += gradient
        np.sqrt(s, out=work)
        work += self._epsilon
        np.multiply(m, alpha, out=gradient)
        gradient /= work
        weights -= gradient


class Average:
    """A moving average of the weights; models/recipes/averaging.py has the formula of its weight."""

    def __init__(self, size: int, *, momentum: float, corrected: bool) -> None:
        self.values = np.zeros(size, np.float32)
        self._momentum = np.float32(momentum)
        self._corrected = corrected

    def step(self, weights: Floats, taken: int) -> None:
        """Take in the weights after a step, `taken` having been taken before it."""
        share, one, before = self._momentum, np.float32(1), np.float32(taken)
        if self._corrected:
            share = share * (one - share**before) / (one - share ** (before + one))
        if not taken:
            share = np.float32(0)
        self.values *= share
        self.values += (one - share) * weights


def clip_by_value(threshold: float) -> Clip:
    """Return what cuts each number to ±threshold."""

    def clip(gradient: Floats, variables: Sequence[Floats]) -> None:
        np.clip(gradient, np.float32(-threshold), np.float32(threshold), out=gradient)

    return clip


def clip_by_norm(threshold: float) -> Clip:
    """Return what scales each variable's gradient to a norm of `threshold` at the most."""
    most = np.float32(threshold)

    def clip(gradient: Floats, variables: Sequence[Floats]) -> None:
        for own in variables:
            norm = np.sqrt(np.vdot(own, own))
            own *= most
            own /= max(norm, most)

    return clip


def clip_by_global_norm(threshold: float) -> Clip:
    """Return what scales the whole gradient to a norm of `threshold` at the most."""
    most, one = np.float32(threshold), np.float32(1)

    def clip(gradient: Floats, variables: Sequence[Floats]) -> None:
        norm = np.sqrt(np.vdot(gradient, gradient))
        gradient *= most * np.minimum(one / norm, one / most) + (norm - norm)

    return clip
