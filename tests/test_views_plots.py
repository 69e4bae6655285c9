from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import spaces
from support.strategy_trials import MOMENTUM, RATE

from hptune.space import Boolean, Choice, Fixed, Float, Integer, Number, Space
from hptune.views.plots.axis import axis_of, linear_axis, log_axis
from hptune.views.plots.front import Priced, front, front_plot
from hptune.views.plots.lines import Line, epoch_axis, line_plot, stairs
from hptune.views.plots.points import Point, axis_plot, isolation_plot, regions_of
from hptune.views.plots.svg import element, number

UNITS = Integer(name="units", low=16, high=1024, scale=RATE.scale)
Y = linear_axis("score", 0.0, 1.0)


def labels(axis: object) -> list[str]:
    return [label for _, label in axis.ticks]  # type: ignore[attr-defined]


def test_a_log_axis_has_powers_of_ten() -> None:
    assert labels(axis_of("rate", [RATE], [])) == ["1e-5", "0.0001", "0.001", "0.01", "0.1", "1"]


def test_whole_numbers_on_a_log_axis_have_powers_of_two() -> None:
    assert labels(axis_of("units", [UNITS], [])) == ["16", "64", "256", "1024"]


def test_an_axis_of_one_minus_x_has_nines() -> None:
    axis = axis_of("momentum", [MOMENTUM], [])
    assert labels(axis) == ["0.5", "0.9", "0.99", "0.999"]
    assert axis.at(0.99) == pytest.approx(math.log(50) / math.log(500))


def test_a_short_log_axis_has_ticks_between_powers() -> None:
    axis = axis_of("rate", [Float(name="rate", low=2e-3, high=6e-3, scale=RATE.scale)], [])
    assert len(labels(axis)) >= 3


def test_an_axis_reaches_every_pass_and_every_value_tried() -> None:
    narrow = Float(name="learning_rate", low=1e-3, high=1e-2, scale=RATE.scale)
    axis = axis_of("learning_rate", [narrow, RATE], [5.0])
    assert (axis.low, axis.high) == (1e-5, 5.0)
    assert axis.span(narrow) == (pytest.approx(axis.at(1e-3)), pytest.approx(axis.at(1e-2)))


def test_options_of_all_passes_have_a_place_and_true_is_not_one() -> None:
    axis = axis_of("x", [Choice(name="x", options=(1, 2)), Choice(name="x", options=(2, 4))], [8])
    assert axis.places([1, 2, 4, 8, True, None]) == [0.125, 0.375, 0.625, 0.875, None, None]
    assert axis_of("flag", [Boolean(name="flag")], []).places([True, 1]) == [0.75, None]


def test_a_value_frozen_beyond_the_options_is_one_of_them() -> None:
    known = [Choice(name="x", options=("a", "b")), Fixed(name="x", value="c")]
    assert axis_of("x", known, []).chosen(known[1]) == (2,)


def test_values_that_no_scale_can_hold_have_no_place() -> None:
    axis = axis_of("rate", [RATE], [])
    assert axis.places([0.0, -1.0, math.nan, math.inf, "x"]) == [None] * 5


def test_long_numbers_are_short_on_an_axis() -> None:
    assert labels(log_axis("parameters", 5e3, 5e7)) == ["10k", "100k", "1M", "10M"]


def test_equal_ends_are_drawn_apart() -> None:
    axis = linear_axis("score", 0.5, 0.5)
    assert axis.low < 0.5 < axis.high
    assert len(axis.ticks) >= 2


@settings(max_examples=40)
@given(spaces(), st.integers(0, 2**16))
def test_every_value_of_every_range_has_a_place_and_ticks_lie_on_the_axis(space: Space, seed: int) -> None:
    import numpy as np

    values = space.sample(np.random.default_rng(seed))
    for name, value in values.items():
        hp = space[name]
        axis = axis_of(name, [hp], [value])
        place = axis.at(value)
        assert place is not None
        assert -1e-6 <= place <= 1 + 1e-6
        assert all(-1e-3 <= unit <= 1 + 1e-3 for unit, _ in axis.ticks)
        if isinstance(hp, Number):
            assert 2 <= len(axis.ticks) <= 16, (hp, axis.ticks)


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9))
def test_a_linear_axis_has_a_few_ticks_in_order(low: float, width: float) -> None:
    axis = linear_axis("x", low, low + width)
    units = [unit for unit, _ in axis.ticks]
    assert units == sorted(units)
    assert len(units) <= 8


POINTS = [
    Point(trial=1, group=1, place=0.1, score=0.5),
    Point(trial=2, group=1, place=0.1, score=0.9),
    Point(trial=3, group=2, place=0.6, score=-4.0),
    Point(trial=4, group=2, place=0.9, score=None),
]


def test_a_scatter_draws_each_pass_the_border_and_the_crosses() -> None:
    drawing = axis_plot(axis_of("r", [RATE], []), Y, POINTS, [RATE], best=2, title="t")
    paths = dict(re.findall(r'<path d="([^"]*)" class="([^"]*)"', drawing)[i][::-1] for i in range(3))
    assert paths["dots p1"].count("M") == 2
    assert paths["dots beyond p2"].count("M") == 1
    assert paths["crosses"].count("M") == 1
    assert "best: trial 2" in drawing


def test_a_region_shows_its_best_trial_and_how_many_it_had() -> None:
    axis = axis_of("r", [RATE], [])
    regions = regions_of(axis, POINTS, 1)
    assert [(r.best.trial, r.trials) for r in regions] == [(2, 2), (3, 1)]
    assert [(r.best.trial, r.trials) for r in regions_of(axis, POINTS, -1)] == [(1, 2), (3, 1)]
    assert "best of 2: 0.9 (trial 2)" in isolation_plot(axis, Y, regions, title="t")


def test_the_front_holds_what_nothing_cheaper_beats() -> None:
    costs = [(1, 0.5), (2, 0.4), (3, 0.7), (3, 0.8), (9, 0.8)]
    points = [Priced(trial=i, group=1, cost=c, score=s) for i, (c, s) in enumerate(costs)]
    assert [p.trial for p in front(points, 1)] == [0, 3]
    assert [p.trial for p in front(points, -1)] == [0, 1]
    assert 'class="front"' in front_plot(linear_axis("cost", 0, 10), Y, points, sign=1, title="t")


def test_stairs_hold_each_value_until_the_next() -> None:
    assert stairs([(1, 0.2), (4, 0.5)], 9) == ((1, 0.2), (4, 0.2), (4, 0.5), (9, 0.5))
    assert stairs([], 9) == ()


def test_a_curve_leaves_out_what_is_not_a_number_and_keeps_few_points() -> None:
    points = tuple((float(i), math.nan if i == 5 else 0.5) for i in range(1, 1001))
    drawing = line_plot([Line(points=points, kind="curve")], x=epoch_axis(1000), y=Y, title="t")
    assert "nan" not in drawing
    assert drawing.count("L") <= 120


def test_attributes_and_numbers_are_written_short_and_escaped() -> None:
    assert number(3.0) == "3"
    assert number(3.14159) == "3.1"
    assert element("a", "x", href='"<', class_="k", hidden=None, data_b=1.25) == (
        '<a href="&quot;&lt;" class="k" data-b="1.2">x</a>'
    )


LAYERS = Integer(name="layers", low=1, high=6)


def test_a_few_whole_numbers_have_room_of_their_own_each() -> None:
    axis = axis_of("layers", [LAYERS], [])
    assert labels(axis) == ["1", "2", "3", "4", "5", "6"]
    assert axis.places([1, 6]) == [pytest.approx(1 / 12), pytest.approx(11 / 12)]
    assert axis.cover(LAYERS) == (pytest.approx(0.05 / 2), pytest.approx(1 - 0.05 / 2))
    assert axis_of("units", [UNITS], []).spread == 0
    assert axis_of("many", [Integer(name="many", low=1, high=99)], []).spread == 0


def test_points_of_one_whole_number_lie_side_by_side_and_near_no_other() -> None:
    axis = axis_of("layers", [LAYERS], [])
    points = [Point(trial=i, group=1, place=axis.at(n) or 0.0, score=0.5) for i, n in enumerate([3] * 40)]
    drawing = axis_plot(axis, Y, points, [LAYERS], best=None, title="t")
    across = [float(x) for x in re.findall(r"M([\d.]+) [\d.]+h0", drawing)]
    left, right = (46 + (n - 0.5) / 6 * (340 - 46 - 10) for n in (2.5, 3.5))
    assert len(set(across)) > 30
    assert left < min(across) < max(across) < right


def test_the_front_is_drawn_in_steps_to_the_edge() -> None:
    points = [Priced(trial=i, group=1, cost=c, score=s) for i, (c, s) in enumerate([(1, 0.5), (3, 0.8)])]
    drawing = front_plot(linear_axis("cost", 0, 10), Y, points, sign=1, title="t")
    (data,) = re.findall(r'<path d="M([^"]*)" class="front"', drawing)
    corners = [tuple(map(float, pair.split())) for pair in data.split("L")]
    assert len(corners) == 4
    assert corners[1] == (corners[2][0], corners[0][1]), "flat until the next, then up"
    assert corners[-1][0] == 330


def test_steps_have_room_of_their_own_where_they_are_few_and_even() -> None:
    doubled = Integer(name="units", low=16, high=512, scale=RATE.scale, step=2)
    narrowed = Integer(name="units", low=64, high=512, scale=RATE.scale, step=2)
    axis = axis_of("units", [doubled, narrowed], [128])
    assert axis.few == (16, 32, 64, 128, 256, 512)
    assert axis.places([16, 512]) == [pytest.approx(1 / 12), pytest.approx(11 / 12)]
    tenths = Float(name="dropout", low=0.0, high=0.5, step=0.1)
    assert axis_of("dropout", [tenths], []).few == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert axis_of("units", [doubled], [100]).few == (), "a value between the steps"
    uneven = Integer(name="n", low=1, high=8, scale=RATE.scale)
    assert axis_of("n", [uneven], []).few == ()
