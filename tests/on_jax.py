"""What is only there on JAX; test_backends.py runs it in a process of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.feeds import ARRAYS, WEIGHTS, built, trained

from hptune.models.backend import keras
from hptune.training import jax_feeds
from hptune.training.choose_feed import choose_feed
from hptune.training.feeds import GeneratorFeed
from hptune.training.jax_feeds import EpochLoop


def same(one: Any, other: Any) -> None:
    for a, b in zip(one.weights, other.weights, strict=True):
        assert np.asarray(a.value) == pytest.approx(np.asarray(b.value), rel=1e-5, abs=1e-6), a.path


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["rows alike", "rows weighted"])
def test_an_epoch_in_a_loop_trains_as_kerass_own_loop(weights: Any) -> None:
    slow, slow_curve = trained(GeneratorFeed, weights)
    fast, fast_curve = trained(EpochLoop, weights)
    for ours, theirs in zip(fast_curve, slow_curve, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    same(fast, slow)


def test_how_an_epoch_is_divided_into_calls_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = trained(EpochLoop)
    monkeypatch.setattr(jax_feeds, "_SECONDS_A_CALL", 0.0)
    divided, _ = trained(EpochLoop)
    for a, b in zip(whole.weights, divided.weights, strict=True):
        assert np.array_equal(a.value, b.value), a.path


def test_a_model_with_a_step_of_its_own_is_left_to_kerass_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hptune.training.choose_feed.choose_dense_feed", lambda *given: None)

    class Own(keras.Model):  # type: ignore[misc]
        def train_step(self, state: Any, data: Any) -> Any:
            return super().train_step(state, data)

    plain = built({"layers": 1, "units": 4})
    own = Own(plain.inputs, plain.outputs)
    own.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    assert isinstance(choose_feed(plain, ARRAYS, None, 8), EpochLoop)
    assert isinstance(choose_feed(own, ARRAYS, None, 8), GeneratorFeed)
