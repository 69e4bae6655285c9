"""A stack: configurations of one group that train an epoch at a time, all in one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.stack.backends import graph_class
from hptune.stack.graph import NUMBERS, Features, Given, StackGraph, Steps
from hptune.stack.layout import Layout, State
from hptune.stack.structure import Settings
from hptune.stack.training import Stacked
from hptune.train.order import shuffled

__all__ = ["Rows", "Stack", "StackGraphs", "features_of"]

_STEPS_A_CALL = 512
"""A call into a backend can't be interrupted, so a long epoch is several."""
_VALIDATED_AT_ONCE = 1 << 22
"""Values of the widest layer, over all configurations, in one batch of validation."""
_tensor: Callable[[Any], Any] = keras.ops.convert_to_tensor
_array: Callable[[Any], NDArray[Any]] = keras.ops.convert_to_numpy


@dataclass(frozen=True)
class Rows:
    """The data on the device, prepared."""

    x: Any
    y: Any
    validation_x: Any
    validation_y: Any

    @classmethod
    def of(cls, x: Any, y: NDArray[Any], validation_x: Any, validation_y: NDArray[Any], loss: str) -> Rows:
        """Return prepared rows with targets as the loss takes them."""
        return cls(_tensor(x), _targets(y, loss), _tensor(validation_x), _targets(validation_y, loss))


def _targets(y: NDArray[Any], loss: str) -> Any:
    if loss == "sparse_categorical_crossentropy":
        return _tensor(y.reshape(-1).astype(np.int32))
    return _tensor(y.reshape(-1, 1).astype(np.float32))


def features_of(settings: Settings) -> Features:
    """Return what a graph must be able to do for a configuration."""
    return Features(
        dropout=settings.dropout > 0,
        penalty=settings.l1 > 0 or settings.l2 > 0,
        averaged=settings.averaged,
        clipping=frozenset({settings.clipping} - {""}),
    )


class StackGraphs:
    """Graphs by structure; one that can do more serves as well."""

    def __init__(self) -> None:
        self._known: list[StackGraph] = []

    def get(self, layout: Layout, features: Features) -> StackGraph:
        """Return a traced graph."""
        for graph in self._known:
            if graph.serves(layout.structure, features, layout.units):
                return graph
        graph = graph_class()(layout.structure, features, layout.features)
        graph.trace()
        self._known.append(graph)
        return graph


class Stack:
    """Configurations that train together; they come and go between epochs."""

    def __init__(self, rows: Rows, batch_size: int, graphs: StackGraphs) -> None:
        self.live: list[Stacked] = []
        self._rows = rows
        self._batch_size = batch_size
        self._graphs = graphs
        self._changed = True

    def add(self, stacked: Stacked) -> None:
        """Take in a configuration that is ready to train."""
        self.live.append(stacked)
        self._changed = True

    def epoch(self) -> list[Stacked]:
        """Train an epoch of every configuration; returns those that are done, which leave."""
        began = time.perf_counter()
        if self._changed:
            self._pack()
        traced = time.perf_counter()
        totals = self._train()
        trained = time.perf_counter()
        held = self._validate()
        validated = time.perf_counter()
        rows, validation_rows = int(self._rows.x.shape[0]), int(self._rows.validation_x.shape[0])
        read = _once(self._host)
        share = len(self.live)
        for number, stacked in enumerate(self.live):
            spent = (
                ("trace", traced - began),
                ("fit", trained - traced),
                ("validation", validated - trained),
            )
            for what, seconds in spent:
                stacked.spend(what, seconds / share)
            stacked.member.follow(partial(self._state_of, number, read))
            stacked.end_epoch(
                self._graph.report(totals[number], rows), self._graph.report(held[number], validation_rows)
            )
        return self._leave()

    def drop(self) -> list[Stacked]:
        """Let go of all configurations, wherever they stand."""
        dropped, self.live, self._changed = self.live, [], True
        return dropped

    def _leave(self) -> list[Stacked]:
        done = [stacked for stacked in self.live if stacked.outcome is not None]
        if done:
            for stacked in self.live:
                # The stack is packed anew before its next epoch.
                stacked.member.hold(stacked.member.state)
            self.live = [stacked for stacked in self.live if stacked.outcome is None]
            self._changed = True
        return done

    # Packing

    def _pack(self) -> None:
        """Bring the weights of all configurations together, padded to the widest."""
        layouts = [stacked.member.layout for stacked in self.live]
        widest = tuple(max(sizes) for sizes in zip(*(layout.units for layout in layouts), strict=True))
        features = Features()
        for stacked in self.live:
            features |= features_of(stacked.member.settings)
        structure, inputs = layouts[0].structure, layouts[0].features
        self._graph = self._graphs.get(Layout(structure, inputs, widest), features)
        padded = Layout(structure, inputs, self._graph.widths(widest))
        self._padding = self._graph.places(len(self.live)) - len(self.live)
        self._trained_at = self._filled([layout.positions(padded) for layout in layouts])
        self._moving_at = self._filled([layout.positions(padded, trained=False) for layout in layouts])
        states = self._filled([stacked.member.state for stacked in self.live])
        put = partial(_padded, self._trained_at, padded.trained_size)
        self._state = (
            put([state.weights for state in states]),
            _padded(self._moving_at, padded.moving_size, [state.moving for state in states]),
            tuple(put([state.slots[number] for state in states]) for number in range(padded.slots)),
            put([state.average for state in states]),
            _tensor(np.array([state.iterations for state in states], np.float32)),
        )
        self._widths = np.array(padded.units, np.int32)
        units = np.array(self._filled([layout.units for layout in layouts]), np.int32)
        self._units = _tensor(units.reshape(len(units), len(padded.units)))
        numbers = self._filled([_numbers(stacked.member.settings) for stacked in self.live])
        self._numbers = {name: np.array([of_one[name] for of_one in numbers], np.float32) for name in NUMBERS}
        self._changed = False

    def _filled(self, of_each: list[Any]) -> list[Any]:
        """Return what each configuration has, and what the first has again for places that are free."""
        return [*of_each, *of_each[:1] * self._padding]

    def _host(self) -> tuple[Any, ...]:
        weights, moving, slots, averages, steps = self._state
        return _array(weights), _array(moving), [_array(s) for s in slots], _array(averages), _array(steps)

    def _state_of(self, number: int, read: Callable[[], tuple[Any, ...]]) -> State:
        weights, moving, slots, averages, steps = read()
        at = self._trained_at[number]
        return State(
            weights[number, at],
            moving[number, self._moving_at[number]],
            [slot[number, at] for slot in slots],
            averages[number, at],
            int(steps[number]),
        )

    # One epoch

    def _train(self) -> NDArray[np.float32]:
        rates = self._filled([stacked.begin_epoch() for stacked in self.live])
        rows, size = int(self._rows.x.shape[0]), self._batch_size
        orders = self._filled([shuffled(s.job.seed, s.epoch, rows).astype(np.int32) for s in self.live])
        seeds = np.zeros((len(orders), len(self._widths)), np.int32)
        for number, stacked in enumerate(self.live):
            drawn = [int(held.value[0]) for held in stacked.member.seeds]
            seeds[number, : len(drawn)] = self._graph.seeds(stacked.job.seed, stacked.epoch, drawn)
        self._numbers["rate"] = np.array(rates, np.float32)
        self._given = {name: _tensor(values) for name, values in self._numbers.items()}
        given = Given((self._rows.x, self._rows.y), self._widths, self._units, self._given)
        totals = self._graph.begin_totals(len(orders))
        order, seed = _tensor(np.stack(orders)), _tensor(seeds)
        steps = -(-rows // size)
        for first in range(0, steps, _STEPS_A_CALL):
            some = Steps(order, seed, size, first, min(steps, first + _STEPS_A_CALL))
            self._state, totals = self._graph.train(given, self._state, totals, some)
        return _array(totals)

    def _validate(self) -> NDArray[np.float32]:
        places = len(self._numbers["rate"])
        totals = self._graph.begin_totals(places)
        rows = int(self._rows.validation_x.shape[0])
        widest = max([*self._widths, self._rows.x.shape[1]])
        at_once = max(1, _VALIDATED_AT_ONCE // int(widest * places))
        held = (self._rows.validation_x, self._rows.validation_y)
        given = Given(held, self._widths, self._units, self._given)
        for first in range(0, rows, at_once):
            end = min(rows, first + at_once)
            totals = self._graph.validate(given, self._state, totals, first, end)
        return _array(totals)


def _once(read: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that reads when first called, and remembers."""
    found: list[Any] = []

    def again() -> Any:
        if not found:
            found.append(read())
        return found[0]

    return again


def _padded(positions: list[NDArray[np.int64]], size: int, lines: list[NDArray[np.float32]]) -> Any:
    wide = np.zeros((len(lines), size), np.float32)
    for row, at, line in zip(wide, positions, lines, strict=True):
        row[at] = line
    return _tensor(wide)


def _numbers(settings: Settings) -> dict[str, float]:
    """Return a configuration's numbers; differences are taken before they are rounded, as in Keras."""
    own = {name: float(value) for name, value in settings.optimizer.items()}
    rest = {f"{name}_rest": 1 - own[name] for name in ("rho", "beta_1", "beta_2") if name in own}
    return (
        dict.fromkeys(NUMBERS, 0.0)
        | own
        | rest
        | {
            "dropout": settings.dropout,
            "l1": settings.l1,
            "l2": settings.l2,
            "clip_threshold": settings.clip_threshold,
            "averaged": float(settings.averaged),
            "average_momentum": settings.average_momentum,
            "average_corrected": float(settings.average_corrected),
        }
        | ({settings.clipping: 1.0} if settings.clipping else {})
    )
