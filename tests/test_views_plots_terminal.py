"""Plots in the terminal: values, scores and ranges at their places."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import Recipe, build

from hptune.search.next_pass import propose_for
from hptune.space import Choice, Fixed, Float
from hptune.space.scales import Scale
from hptune.views.plots.axis import axis_of, linear_axis
from hptune.views.plots.terminal import ASCII, Dot, text_plot
from hptune.views.snapshot import read_snapshot
from hptune.views.tables.steering import importance_text, range_plot, trials_behind

RATE = Float(name="rate", low=1e-4, high=1.0, scale=Scale.LOG)
SCORE = linear_axis("score", 0.0, 1.0)


def test_a_plot_has_every_trial_at_its_place_and_the_ranges_below() -> None:
    x = axis_of("rate", [RATE], [])
    best = Dot(place=0.5, score=0.95)
    dots = [best, Dot(place=0.0, score=0.0), *[Dot(place=0.26, score=0.5)] * 3, Dot(place=0.99, score=None)]
    dots += [Dot(place=0.76, score=0.5)] * 5
    new = Float(name="rate", low=1e-3, high=1e-1, scale=Scale.LOG)
    lines = text_plot(
        x, SCORE, dots, [("old", RATE), ("new", new)], best=best, width=20, height=4, marks=ASCII
    )
    assert lines == [
        "       1 |          *",
        "         |     o         O",
        "         |",
        "       0 |.",
        "no score |                   x",
        "         +--------------------",
        "          0.0001  0.01  0.1  1",
        "     old  [==================]",
        "     new       [=========]",
    ]


def test_options_are_columns_and_a_frozen_one_is_a_point() -> None:
    known = Choice(name="optimizer", options=("adam", "sgd"))
    x = axis_of("optimizer", [known], [])
    lines = text_plot(
        x,
        SCORE,
        [Dot(place=0.25, score=1.0)],
        [("old", known), ("new", Fixed(name="optimizer", value="sgd"))],
        width=20,
        height=2,
        marks=ASCII,
    )
    assert lines[-3:] == [
        "             adam       sgd",
        "     old  ========= =========",
        "     new                 ^",
    ]


def test_scores_beyond_the_axis_lie_on_its_border() -> None:
    x = axis_of("rate", [RATE], [])
    lines = text_plot(
        x, SCORE, [Dot(place=0.0, score=-9.0), Dot(place=0.5, score=9.0)], [], width=8, height=3
    )
    assert lines[0].endswith("│    ·")
    assert lines[2].endswith("│·")


@pytest.mark.parametrize("trials", [0, 1, 5])
def test_little_or_nothing_but_lost_trials_is_shown_as_what_it_is(tmp_path: Path, trials: int) -> None:
    with build(tmp_path / "s", Recipe(trials=trials, passes=1, infeasible=1.0)) as study:
        proposal, snapshot = propose_for(study), read_snapshot(study)
    lines = range_plot(snapshot, proposal["units"], unicode=False)
    assert bool(lines) == bool(trials)
    shown = "".join(lines).count("x")
    assert min(trials, 1) <= shown <= trials
    assert "*" not in "".join(lines)
    assert importance_text(snapshot, "units") == "importance not measured yet: too few trials"
    assert "the best 0 of 0 trials with a score" in trials_behind(snapshot, "units")


def test_one_trial_is_the_best(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=1, passes=1, infeasible=0, failed=0, seed=3)) as study:
        lines = range_plot(read_snapshot(study), propose_for(study)["units"])
    assert "".join(lines).count("★") == 1


def test_a_plot_is_as_wide_as_it_is_given(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=40)) as study:
        snapshot, proposal = read_snapshot(study), propose_for(study)
        for move in proposal.moves:
            for width in (40, 60, 80):
                assert max(map(len, range_plot(snapshot, move, width=width))) <= width
