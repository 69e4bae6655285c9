from __future__ import annotations

import pytest

from hptune.study.trial import Direction, Job, Objective

LOSS = Objective(name="val_loss", direction=Direction.MIN)


def job(keep_as: str = "w.npz", keep_if: float | None = 0.5) -> Job:
    return Job(
        id=1, trial_id=1, values={}, seed=0, initial_epoch=0, epochs=1, keep_as=keep_as, keep_if=keep_if
    )


@pytest.mark.parametrize(
    ("best", "keeps"),
    [(0.4, True), (0.5, True), (0.6, False), (None, False)],
    ids=["better", "equal", "worse", "none"],
)
def test_weights_are_kept_where_the_score_is_good_enough(best: float | None, keeps: bool) -> None:
    assert job().keeps(best, LOSS, interrupted=False) is keeps
    assert job().keeps(best, LOSS, interrupted=True)
    assert job(keep_if=None).keeps(best, LOSS, interrupted=False)
    assert job().keeps(best, None, interrupted=False)
    assert not job(keep_as="").keeps(best, LOSS, interrupted=True)
