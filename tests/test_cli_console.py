"""What is shown while something is trained."""

from __future__ import annotations

import pytest

from hptune.cli.confirm_progress import ConfirmProgress
from hptune.cli.console import EpochCounter
from hptune.study import Confirmation
from hptune.study.trial import Trial, TrialState

TRIAL = Trial(id=4, pass_number=1, values={}, seed=1, state=TrialState.COMPLETE)


def test_epochs_of_folds_count_once() -> None:
    counter = EpochCounter()
    reports = [1, 1, 1, 2, 2, 2]
    assert [counter.reached("job", epoch) for epoch in reports] == [1, 0, 0, 1, 0, 0]
    assert counter.reached("another", 5, begun_at=3) == 2


def test_what_a_training_reported_and_has_not_on_record_is_taken_back() -> None:
    counter = EpochCounter()
    counter.reached("job", 5)
    assert counter.ended("job", 3) == -2
    assert counter.ended("job", 3) == 0
    assert counter.ended("unheard of", 7) == 0


@pytest.mark.parametrize("reason", ["KeyError: '[/x]'", "shapes [batch, 3]", ":warning: [bold]"])
def test_a_confirmation_shows_reasons_as_they_are(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ConfirmProgress() as shown:
        shown.planned(1, 1, 9, 0)
        shown.ended(
            Confirmation(
                trial_id=4,
                asked=9,
                number=1,
                seed=7,
                score=None,
                best_epoch=None,
                epochs=0,
                seconds=0.0,
                reason=reason,
            )
        )
        shown.warned(reason)
    assert capsys.readouterr().err.splitlines() == [
        "1 finalist: 1 training, 9 epochs",
        f"  trial 4, seed 1: could not be trained: {reason}",
        f"Warning: {reason}",
    ]


def test_a_confirmations_bar_counts_each_epoch_of_the_mean_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with ConfirmProgress() as shown:
        shown.planned(1, 1, 3, 0)
        for epoch in (1, 1, 2, 2, 3, 3):
            shown.epoch(TRIAL, 1, epoch)
    assert "3/3 epochs" in capsys.readouterr().err
