from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategy_trials import ACCURACY, LOSS, curve, space_of, trial

from hptune.analysis.curves import judge_curve
from hptune.analysis.epoch_advice import advise_epochs
from hptune.analysis.findings import FindingKind, Severity
from hptune.space import Fixed, Float
from hptune.space.scales import Scale
from hptune.study.trial import Trial, TrialState


def learned(
    epochs: int,
    *,
    pace: float = 4.0,
    top: float = 0.9,
    start: float = 0.3,
    noise: float = 0.002,
    seed: int = 0,
) -> list[float]:
    """An objective that rises towards `top`; by epoch `pace` it has done 63 % of its way."""
    rng = np.random.default_rng(seed)
    return [float(top - (top - start) * math.exp(-i / pace) + noise * rng.normal()) for i in range(epochs)]


def of(scores: Sequence[float], **others: Any) -> Trial:
    states = {k: others.pop(k) for k in list(others) if k == "state"}
    return trial(7, {}, max(scores), curve=curve(list(scores), **others), epochs=len(scores), **states)


def kinds(found: Sequence[Any]) -> set[FindingKind]:
    return {f.kind for f in found}


class TestCurves:
    def test_a_curve_that_just_levels_off_is_fine(self) -> None:
        assert judge_curve(of(learned(30, pace=6)), ACCURACY) == ()

    def test_falling_validation_while_training_improves_is_overfitting(self) -> None:
        rise = learned(15, pace=3)
        fall = [*rise, *(rise[-1] - 0.01 * i for i in range(1, 16))]
        (found,) = judge_curve(of(fall, accuracy=learned(30, top=1.0)), ACCURACY)
        assert found.kind is FindingKind.OVERFITTING
        assert found.severity is Severity.ADVICE
        assert found.sentence.startswith("trial 7 overfits: val_accuracy went from 0.8")
        assert "at the end while accuracy still improved (means over 3 epochs)" in found.sentence
        assert "regularisation" in found.action
        assert found.figures["peak_epoch"] == pytest.approx(15, abs=2)
        assert "Examining the training curves" in found.source

    def test_rising_validation_loss_is_overfitting_too(self) -> None:
        rise = learned(15, pace=3)
        down = [-v for v in [*rise, *(rise[-1] - 0.01 * i for i in range(1, 16))]]
        found = judge_curve(
            trial(7, {}, min(down), curve=curve(down, "val_loss", loss=[1 / (i + 1) for i in range(30)])),
            LOSS,
        )
        assert kinds(found) == {FindingKind.OVERFITTING}
        assert "while loss still improved" in found[0].sentence

    def test_a_fall_that_training_shares_is_not_overfitting(self) -> None:
        rise = learned(15, pace=3)
        fall = [*rise, *(rise[-1] - 0.01 * i for i in range(1, 16))]
        assert FindingKind.OVERFITTING not in kinds(judge_curve(of(fall, accuracy=fall), ACCURACY))

    def test_late_swings_are_unstable(self) -> None:
        found = judge_curve(of(learned(40, noise=0.06)), ACCURACY)
        assert FindingKind.UNSTABLE in kinds(found)
        (shaky,) = [f for f in found if f.kind is FindingKind.UNSTABLE]
        assert "is unstable late: val_accuracy varies by ±0.0" in shaky.sentence
        assert 0.03 < float(shaky.figures["noise"]) < 0.1

    def test_a_slow_rise_is_still_improving(self) -> None:
        (found,) = judge_curve(of(learned(20, pace=20)), ACCURACY)
        assert found.kind is FindingKind.IMPROVING
        assert "the last 5 of 20 epochs brought" in found.sentence
        assert "--epochs" in found.action

    def test_a_trial_that_was_stopped_may_well_still_improve(self) -> None:
        (found,) = judge_curve(of(learned(8, pace=10), state=TrialState.PAUSED), ACCURACY)
        assert found.severity is Severity.INFO
        assert "when it was stopped" in found.sentence

    def test_a_curve_that_comes_back_from_a_dip_does_not_still_improve(self) -> None:
        dip = [
            0.7,
            0.85,
            0.95,
            0.97,
            0.98,
            0.985,
            0.985,
            0.98,
            0.95,
            0.94,
            0.94,
            0.95,
            0.97,
            0.98,
            0.98,
            0.98,
        ]
        assert FindingKind.IMPROVING not in kinds(judge_curve(of(dip), ACCURACY))
        assert FindingKind.IMPROVING in kinds(judge_curve(of([*dip[:12], 0.98, 0.995, 1.0, 1.0]), ACCURACY))

    def test_no_curve_is_both_saturated_and_still_improving(self) -> None:
        for seed in range(40):
            noisy = learned(18, pace=2, noise=0.03, seed=seed)
            assert not {FindingKind.SATURATED, FindingKind.IMPROVING} <= kinds(
                judge_curve(of(noisy), ACCURACY)
            )

    def test_reaching_everything_at_once_is_saturated_early(self) -> None:
        (found,) = judge_curve(of(learned(60, pace=2)), ACCURACY)
        assert found.kind is FindingKind.SATURATED
        assert "of 60" in found.sentence
        assert int(found.figures["reached"]) < 20

    def test_a_loss_that_is_not_a_number_is_divergence_and_stands_alone(self) -> None:
        losses = [1.0, 0.5, math.nan, math.nan]
        (found,) = judge_curve(of(learned(4), loss=losses), ACCURACY)
        assert found.kind is FindingKind.DIVERGED
        assert found.severity is Severity.WARNING
        assert found.sentence == "trial 7: loss is not a number from epoch 3 on"
        assert "learning rate" in found.action

    def test_a_training_loss_that_blows_up_is_divergence(self) -> None:
        (found,) = judge_curve(of(learned(6), loss=[1.0, 0.5, 0.4, 2.0, 5.0, 9.0]), ACCURACY)
        assert (
            found.sentence
            == "trial 7: the training loss rose from 0.4 (epoch 3) to 7, above the 1 of epoch 1"
        )

    @pytest.mark.parametrize(
        "scores",
        [
            pytest.param([], id="none"),
            pytest.param([0.1, 0.2, 0.3], id="short"),
            pytest.param([0.5] * 20, id="flat"),
        ],
    )
    def test_too_little_gives_no_verdict(self, scores: list[float]) -> None:
        assert judge_curve(trial(7, {}, 0.5, curve=curve(scores)), ACCURACY) == ()

    def test_a_curve_without_the_objective_gives_no_verdict(self) -> None:
        assert judge_curve(trial(7, {}, 0.5, curve=curve([0.5] * 9, "other")), ACCURACY) == ()

    def test_good_curves_are_rarely_accused(self) -> None:
        accused = [judge_curve(of(learned(30, pace=6, noise=0.01, seed=s)), ACCURACY) for s in range(50)]
        assert sum(bool(kinds(f) & {FindingKind.OVERFITTING, FindingKind.UNSTABLE}) for f in accused) <= 3

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf])), max_size=30),
        st.sampled_from([ACCURACY, LOSS]),
    )
    def test_any_curve_is_read_without_a_warning(self, scores: list[float], objective: Any) -> None:
        found = judge_curve(trial(7, {}, None, curve=curve(scores, objective.name, loss=scores)), objective)
        assert all(f.sentence and f.action for f in found)


class TestEpochs:
    def ended(self, best_epochs: Sequence[int], epochs: int = 50, **more: Any) -> list[Trial]:
        return [
            trial(i + 1, {"x": i}, 0.9 - 0.01 * i, best_epoch=e, epochs=epochs, **more)
            for i, e in enumerate(best_epochs)
        ]

    def test_always_in_the_first_tenth_means_shorter(self) -> None:
        found = advise_epochs(self.ended([2, 3, 4, 5]), ACCURACY)
        assert found is not None
        assert found.sentence.startswith("the best epoch of the best 4 full trainings always lies in")
        assert found.sentence.endswith("the first tenth (the latest is 5 of 50)")
        assert found.action.startswith("Train shorter: --epochs 10.")

    def test_mostly_in_the_last_quarter_means_longer_and_the_decay_again(self) -> None:
        decay = Float(name="learning_rate_decay", low=1e-4, high=1.0, scale=Scale.LOG)
        found = advise_epochs(self.ended([50, 49, 20, 45]), ACCURACY, space=space_of(decay))
        assert found is not None
        assert (
            found.sentence
            == "the best epoch of the best 4 full trainings lies in the last quarter of 50 in 3 of 4"
        )
        assert (
            found.action
            == "Train longer: --epochs 75. Open learning_rate_decay again: a decay depends on the length."
        )
        frozen = advise_epochs(
            self.ended([50, 49, 48]), ACCURACY, space=space_of(Fixed(name="lr_decay", value=0.1))
        )
        assert frozen is not None
        assert "(frozen now: lr_decay)" in frozen.action

    def test_weight_decay_is_not_a_decay_of_the_learning_rate(self) -> None:
        weights = Float(name="weight_decay", low=1e-6, high=1e-2, scale=Scale.LOG)
        found = advise_epochs(self.ended([50, 49, 48]), ACCURACY, space=space_of(weights))
        assert found is not None
        assert "weight_decay" not in found.action

    @pytest.mark.parametrize(
        "best_epochs", [pytest.param([2, 30, 4], id="between"), pytest.param([50, 49], id="two trials")]
    )
    def test_otherwise_nothing_is_said(self, best_epochs: list[int]) -> None:
        assert advise_epochs(self.ended(best_epochs), ACCURACY) is None

    def test_trials_that_were_cut_short_do_not_count(self) -> None:
        cut = self.ended([6] * 9, epochs=6, state=TrialState.PAUSED)
        full = [trial(90 + i, {"x": 90 + i}, 0.5, best_epoch=25, epochs=50) for i in range(3)]
        assert advise_epochs([*cut, *full], ACCURACY) is None

    def test_only_the_best_count(self) -> None:
        good = self.ended([48, 49, 50, 47, 46])
        poor = [trial(90 + i, {"x": 90 + i}, 0.1, best_epoch=5, epochs=50) for i in range(20)]
        assert advise_epochs([*poor, *good], ACCURACY) is not None
