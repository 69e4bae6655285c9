"""Whether more trials are owed, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.strategy_trials import (
    ACCURACY,
    LOSS,
    NOISE,
    RATE,
    good_near,
    infeasible,
    sampled,
    space_of,
    trial,
)

from hptune.analysis.convergence import Advice, MoreTrials, assess_convergence
from hptune.analysis.study_findings import judge_study
from hptune.narrowing.narrow import narrow
from hptune.study.trial import Trial

BOTH = space_of(RATE, NOISE)


def owed(trials: list[Trial], *, noise: float | None = 0.001) -> Advice:
    proposal = narrow(BOTH, trials, ACCURACY)
    findings = judge_study(proposal, trials, ACCURACY)
    return assess_convergence(trials, ACCURACY, proposal=proposal, findings=findings, noise=noise)


def test_a_study_without_a_trial_owes_some() -> None:
    assert owed([]) == Advice(answer=MoreTrials.YES, reason="nothing was trained yet")


def test_where_nothing_could_be_trained_the_reasons_come_first() -> None:
    found = owed([infeasible(i + 1, {"learning_rate": 0.1, "noise": 0.1 * i}) for i in range(9)])
    assert found.answer is MoreTrials.YES
    assert found.reason.startswith("none of 9 trials could be trained: see first")


def test_too_few_trials_owe_more() -> None:
    found = owed([trial(1, {"learning_rate": 1e-3, "noise": 0.5}, 0.9)])
    assert found == Advice(
        answer=MoreTrials.YES, reason="only 1 trial reached 10 epochs; 8 are needed to narrow"
    )


def test_a_best_value_at_an_edge_owes_more() -> None:
    trials = [
        trial(i + 1, {"learning_rate": 10 ** (-5 + i / 4), "noise": i * 0.31 % 1}, 0.1 * i) for i in range(21)
    ]
    assert owed(trials) == Advice(
        answer=MoreTrials.YES, reason="the best learning_rate lies at an edge that the next pass would move"
    )


@pytest.mark.parametrize(
    ("gain", "answer", "words"),
    [
        (0.05, MoreTrials.PROBABLY, "the last pass took the best val_accuracy from"),
        (0.0001, MoreTrials.PERHAPS, "more finely, though the last pass took the best val_accuracy from"),
        (-0.05, MoreTrials.PERHAPS, "more finely, though the last pass found nothing better"),
    ],
)
def test_what_the_last_pass_brought_decides(gain: float, answer: MoreTrials, words: str) -> None:
    trials = sampled(BOTH, 60, good_near(3e-3))
    best = max(trials, key=lambda t: t.score or 0.0)
    last = replace(best, id=900, pass_number=2, score=(best.score or 0.0) + gain)
    found = owed([*trials, last])
    assert found.answer is answer
    assert words in found.reason
    assert ("which is within noise" in found.reason) == (gain == 0.0001)


def test_nothing_is_owed_where_no_range_moves_and_nothing_got_better() -> None:
    trials = sampled(BOTH, 60, good_near(3e-3))
    last = replace(trials[0], id=900, pass_number=2, score=0.0)
    proposal = narrow(BOTH, trials, ACCURACY)
    still = proposal.with_moves(replace(m, new=m.old) for m in proposal.moves)
    found = assess_convergence([*trials, last], ACCURACY, proposal=still, findings=(), noise=None)
    assert found == Advice(
        answer=MoreTrials.NO, reason="no range would move, and the last pass found nothing better"
    )


def test_a_loss_that_fell_is_a_gain() -> None:
    trials = [trial(1, {"learning_rate": 0.1, "noise": 0.1}, 0.5)]
    last = replace(trials[0], id=2, pass_number=2, score=0.3)
    proposal = narrow(BOTH, trials, LOSS)
    found = assess_convergence([*trials, last], LOSS, proposal=proposal, findings=(), noise=0.01)
    assert found.reason == "the last pass took the best val_loss from 0.5 to 0.3"
