"""How far a training has come, in memory and on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.models.backend import keras
from hptune.study.trial import Direction, Objective
from hptune.training.checkpoint import load_checkpoint, restore, save_checkpoint, take_checkpoint
from hptune.training.progress import TrainingState
from hptune.training.random_numbers import reseed, seed_states, shuffled

MORE = Objective(name="val_accuracy", direction=Direction.MAX)
LESS = Objective(name="val_loss", direction=Direction.MIN)


def noted(values: list[float], objective: Objective, **how: Any) -> TrainingState:
    progress = TrainingState()
    for value in values:
        progress.epochs += 1
        progress.note(value, objective, **{"patience": 0, "min_delta": 0.0, **how})
    return progress


@pytest.mark.parametrize(("objective", "best"), [(MORE, (3.0, 2)), (LESS, (1.0, 1))])
def test_the_best_epoch_is_the_earliest_of_equals(objective: Objective, best: tuple[float, int]) -> None:
    progress = noted([1.0, 3.0, 2.0, 3.0, 1.0], objective)
    assert (progress.best, progress.best_epoch) == best


def test_patience_counts_epochs_that_are_not_better() -> None:
    assert not noted([1, 3, 2, 2], MORE, patience=3).ended
    assert noted([1, 3, 2, 2, 3], MORE, patience=3).ended
    assert not noted([1, 3, 2, 2, 4], MORE, patience=3).ended


def test_without_patience_it_never_ends() -> None:
    assert not noted([3, 2, 1, 0], MORE).ended


def test_an_improvement_smaller_than_min_delta_does_not_count() -> None:
    slow = [0.0, 0.1, 0.2]
    assert noted(slow, MORE, patience=2, min_delta=0.25).ended
    assert not noted(slow, MORE, patience=2, min_delta=0.15).ended
    assert noted(slow, MORE, patience=2, min_delta=0.25).best == 0.2


def model(seed: int = 0, units: int = 3) -> Any:
    keras.utils.set_random_seed(seed)
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.BatchNormalization()])
    made.compile("adam", "mse")
    made.optimizer.build(made.trainable_variables)
    return made


def test_a_snapshot_comes_back_from_disk_bit_for_bit(tmp_path: Path) -> None:
    trained, other = model(0), model(1)
    trained.train_on_batch(np.ones((4, 2), np.float32), np.ones((4, 3), np.float32))
    progress = noted([1.0, 3.0, 2.0], MORE, patience=5)
    save_checkpoint(
        tmp_path / "kept.npz", take_checkpoint(trained, progress, best_weights=trained.get_weights())
    )
    kept = load_checkpoint(tmp_path / "kept.npz")
    restore(other, kept)
    assert kept.progress == progress
    for a, b in zip(
        trained.weights + trained.optimizer.variables, other.weights + other.optimizer.variables, strict=True
    ):
        assert (a.numpy() == b.numpy()).all()
    assert kept.best_weights is not None
    assert all((a == b).all() for a, b in zip(kept.best_weights, trained.get_weights(), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_a_snapshot_does_not_follow_the_model() -> None:
    trained = model()
    checkpoint = take_checkpoint(trained, TrainingState(), None)
    before = [value.copy() for value in checkpoint.weights]
    trained.train_on_batch(np.ones((4, 2), np.float32), np.ones((4, 3), np.float32))
    assert all((a == b).all() for a, b in zip(checkpoint.weights, before, strict=True))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "kept.npz"
    save_checkpoint(target, take_checkpoint(model(), TrainingState(epochs=1), None))

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(target, take_checkpoint(model(), TrainingState(epochs=2), None))
    assert load_checkpoint(target).progress.epochs == 1
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(ValueError, match="another model"):
        restore(model(units=4), take_checkpoint(model(units=3), TrainingState(), None))


def test_the_order_of_rows_depends_on_seed_and_epoch_alone() -> None:
    assert (shuffled(3, 5, 100) == np.random.default_rng([3, 5]).permutation(100)).all()
    assert (shuffled(3, 5, 100) != shuffled(3, 6, 100)).any()
    assert (shuffled(3, 5, 100) != shuffled(4, 5, 100)).any()
    assert sorted(shuffled(0, 0, 100)) == list(range(100))


def test_dropout_is_put_where_seed_and_epoch_say() -> None:
    dropping = keras.Sequential([keras.Input((50,)), keras.layers.Dropout(0.5), keras.layers.Dropout(0.5)])
    states = seed_states(dropping)
    ones = np.ones((1, 50), np.float32)

    def dropped(seed: int, epoch: int) -> Any:
        reseed(states, seed, epoch)
        return np.asarray(dropping(ones, training=True))

    assert len(states) == 2
    assert len({tuple(state.numpy()) for state in states}) == 2
    assert (dropped(1, 1) == dropped(1, 1)).all()
    assert (dropped(1, 1) != dropped(1, 2)).any()
    assert (dropped(1, 1) != dropped(2, 1)).any()
