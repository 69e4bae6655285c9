"""What holds of any proposal, whatever the space and the trials."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategy_trials import ACCURACY, MIXED, RATE, good_near, sampled, spaces, trials_of

from hptune.narrowing.narrow import narrow
from hptune.space import Choice, Float, Number, Space
from hptune.space.range_moves import unit_of
from hptune.study.proposal import Proposal, Verdict
from hptune.study.trial import Direction, Objective, Trial


def width(home: Number, hp: Number) -> float:
    return unit_of(home, hp.high) - unit_of(home, hp.low)


def check(space: Space, proposal: Proposal, root: Space) -> None:
    """What holds of any proposal."""
    after = proposal.next_space  # Space and every hyperparameter check themselves when they are made
    assert [m.name for m in proposal.moves] == [hp.name for hp in space]
    for move in proposal.moves:
        old, new = move.old, move.new
        assert old == space[move.name]
        assert new.when == old.when
        assert move.reason
        assert not move.by_user
        assert (move.verdict is Verdict.KEEP) == (new == old)
        if isinstance(new, Number):
            assert isinstance(old, Number)
            home = root[move.name]
            assert old.limits is not None
            assert isinstance(home, Number)
            assert old.limits[0] <= new.low < new.high <= old.limits[1]
            if move.verdict is Verdict.NARROW:
                assert old.low <= new.low < new.high <= old.high
                assert width(home, new) >= min(0.0999, 0.999 * width(home, old))
            if old.hard:
                assert old.low <= new.low < new.high <= old.high
            best = proposal.best.get(move.name)
            if move.verdict is not Verdict.KEEP and best is not None and old.contains(best):
                assert new.contains(best)
                assert new.initial == pytest.approx(best, rel=1e-9)
        if isinstance(new, Choice):
            assert isinstance(root[move.name], Choice)
            assert all(root[move.name].contains(o) for o in new.options)
    assert len(after) == len(space)


@st.composite
def studies(draw: st.DrawFn) -> tuple[Space, list[Trial]]:
    space = draw(spaces())
    return space, draw(trials_of(space))


@settings(max_examples=80, deadline=None)
@given(studies(), st.sampled_from(list(Direction)))
def test_every_proposal_is_a_valid_space_inside_its_limits(
    study: tuple[Space, list[Trial]], way: Direction
) -> None:
    space, trials = study
    objective = Objective(name="val_accuracy", direction=way)
    proposal = narrow(space, trials, objective)
    check(space, proposal, space)
    assert proposal == narrow(space, trials[::-1], objective)
    second = narrow(proposal.next_space, trials, objective, root=space)
    check(proposal.next_space, second, space)


@settings(max_examples=25, deadline=None)
@given(studies())
def test_narrowing_again_and_again_on_the_same_trials_comes_to_rest(study: tuple[Space, list[Trial]]) -> None:
    root, trials = study
    space = root
    for _ in range(25):
        proposal = narrow(space, trials, ACCURACY, root=root)
        check(space, proposal, root)
        if proposal.next_space == space:
            break
        space = proposal.next_space
    else:
        pytest.fail("the ranges still move after 25 rounds")


def test_a_full_space_narrows_over_three_passes_towards_what_is_good() -> None:
    space, found = MIXED, []
    for number in (1, 2, 3):
        for t in sampled(space, 40, good_near(3e-3), seed=number, pass_number=number):
            found.append(replace(t, id=len(found) + 1))
        space = narrow(space, found, ACCURACY, root=MIXED).next_space
    rate = space["learning_rate"]
    assert isinstance(rate, Float)
    assert width(RATE, rate) < 0.5
    assert rate.low < 3e-3 < rate.high
