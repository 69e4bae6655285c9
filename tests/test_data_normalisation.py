from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from hptune.data.normalisation import Normalisation, statistics

ROWS = np.random.default_rng(3).normal(5, [1, 100, 1e-3], size=(200, 3)).astype(np.float32)


def normalised(kind: Normalisation, x: np.ndarray) -> np.ndarray:
    offset, scale = statistics(kind, x)
    return (x - offset) / scale


def test_z_score_is_that_of_scikit_learn() -> None:
    ours, theirs = statistics(Normalisation.Z_SCORE, ROWS), StandardScaler().fit(ROWS.astype(np.float64))
    np.testing.assert_allclose(ours[0], theirs.mean_, rtol=1e-6)
    np.testing.assert_allclose(ours[1], theirs.scale_, rtol=1e-6)


def test_min_max_is_that_of_scikit_learn() -> None:
    theirs = MinMaxScaler().fit_transform(ROWS.astype(np.float64))
    np.testing.assert_allclose(normalised(Normalisation.MIN_MAX, ROWS), theirs, atol=1e-5)
    assert normalised(Normalisation.MIN_MAX, ROWS).min() == 0
    assert normalised(Normalisation.MIN_MAX, ROWS).max() == 1


def test_none_leaves_every_value_as_it_is() -> None:
    np.testing.assert_array_equal(normalised(Normalisation.NONE, ROWS), ROWS)


def test_centre_moves_the_mean_to_zero_and_keeps_the_spread() -> None:
    made = normalised(Normalisation.CENTRE, ROWS).astype(np.float64)
    np.testing.assert_allclose(made.mean(axis=0) / ROWS.std(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(made.std(axis=0), ROWS.std(axis=0, dtype=np.float64), rtol=1e-3)


def test_scale_brings_the_spread_to_one_and_moves_nothing() -> None:
    offset, scale = statistics(Normalisation.SCALE, ROWS)
    np.testing.assert_array_equal(offset, 0)
    np.testing.assert_allclose((ROWS.astype(np.float64) / scale).std(axis=0), 1, rtol=1e-6)


@pytest.mark.parametrize("kind", list(Normalisation))
def test_a_constant_column_survives(kind: Normalisation) -> None:
    x = np.full((7, 2), 0.1, dtype=np.float32)
    offset, scale = statistics(kind, x)
    np.testing.assert_array_equal(scale, 1)
    np.testing.assert_array_equal((x - offset) / scale, x - offset)


@pytest.mark.parametrize("kind", list(Normalisation))
def test_both_numbers_are_float32_and_have_the_shape_of_the_features(kind: Normalisation) -> None:
    offset, scale = statistics(kind, ROWS)
    assert offset.dtype == scale.dtype == np.float32
    assert offset.shape == scale.shape == (3,)


def test_images_are_normalised_per_channel() -> None:
    x = np.random.default_rng(0).normal([0, 10], [1, 3], size=(20, 4, 5, 2)).astype(np.float32)
    offset, scale = statistics(Normalisation.Z_SCORE, x)
    assert offset.shape == scale.shape == (2,)
    made = normalised(Normalisation.Z_SCORE, x)
    np.testing.assert_allclose(made.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(made.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_many_rows_are_looked_at_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = statistics(Normalisation.Z_SCORE, ROWS)
    monkeypatch.setattr("hptune.data.normalisation._CHUNK_VALUES", 10)
    parts = statistics(Normalisation.Z_SCORE, ROWS)
    np.testing.assert_allclose(whole, parts, rtol=1e-6)


def test_a_large_mean_does_not_swallow_a_small_spread() -> None:
    x = (1e6 + np.arange(8)).astype(np.float32)[:, None]
    _, scale = statistics(Normalisation.Z_SCORE, x)
    np.testing.assert_allclose(scale, np.arange(8).std(), rtol=1e-6)


@given(
    x=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    kind=st.sampled_from(Normalisation),
)
def test_whatever_is_finite_stays_finite(x: np.ndarray, kind: Normalisation) -> None:
    offset, scale = statistics(kind, x)
    assert np.all(scale > 0)
    assert np.all(np.isfinite((x - offset) / scale))
