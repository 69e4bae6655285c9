"""Means over seeds are told apart as Welch and Holm do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hptune.analysis.significance import LEVEL, differences

A = (0.981, 0.979, 0.984, 0.980, 0.978)
B = (0.975, 0.971, 0.978, 0.969, 0.973)
C = (0.900, 0.930, 0.880, 0.910, 0.955)


def test_one_pair_has_the_p_value_of_scipys_welch_test() -> None:
    (found,) = differences({1: A, 2: B}, 1)
    assert found.p == pytest.approx(stats.ttest_ind(A, B, equal_var=False).pvalue)
    assert (found.better, found.worse) == (1, 2)
    assert found.gap == pytest.approx(np.mean(A) - np.mean(B))
    assert found.is_significant


@pytest.mark.parametrize("gap", [0.01, 0.7, 2.1, 6.0, 40.0])
@pytest.mark.parametrize("sizes", [(2, 2), (2, 9), (5, 5), (31, 31)])
@pytest.mark.parametrize("spread", [1.0, 7.0])
def test_p_values_are_those_of_scipy_however_large_or_small(
    gap: float, sizes: tuple[int, int], spread: float
) -> None:
    a, b = np.linspace(-0.5, 0.5, sizes[0]) + gap, spread * np.linspace(-0.5, 0.5, sizes[1])
    (found,) = differences({1: a.tolist(), 2: b.tolist()}, 1)
    assert found.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)


def test_many_pairs_are_adjusted_as_holm_does() -> None:
    found = differences({1: A, 2: B, 3: C}, 1)
    raw = {
        (i, j): stats.ttest_ind(a, b, equal_var=False).pvalue
        for i, j, a, b in ((1, 2, A, B), (1, 3, A, C), (2, 3, B, C))
    }
    expected, highest = {}, 0.0
    for rank, (pair, p) in enumerate(sorted(raw.items(), key=lambda item: item[1])):
        highest = max(highest, (3 - rank) * p)
        expected[pair] = highest
    assert {(d.better, d.worse): d.p for d in found} == pytest.approx(expected)
    assert all(d.p >= raw[d.better, d.worse] for d in found)


def test_where_less_is_better_the_lower_mean_is() -> None:
    (found,) = differences({1: A, 2: B}, -1)
    assert (found.better, found.worse) == (2, 1)
    assert found.gap > 0


def test_scores_that_never_vary_have_the_p_value_of_a_permutation_test() -> None:
    (same,) = differences({1: (0.9, 0.9), 2: (0.9, 0.9)}, 1)
    assert (same.gap, same.p) == (0.0, 1.0)
    never = (0.9,) * 3, (0.8,) * 3
    (apart,) = differences(dict(enumerate(never)), 1)
    exact = stats.permutation_test(never, lambda a, b: np.mean(a) - np.mean(b), n_resamples=np.inf)
    assert apart.p == pytest.approx(exact.pvalue)
    assert not apart.is_significant


def test_one_score_tells_nothing_of_luck() -> None:
    assert differences({1: (0.9,), 2: A}, 1) == ()


def test_equal_trials_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(0)
    wrong = sum(
        any(d.is_significant for d in differences({i: rng.normal(size=5).tolist() for i in range(3)}, 1))
        for _ in range(400)
    )
    # At most 5 of 100 rounds; 400 rounds come to 33 or more in fewer than one of 1000 such tests.
    assert wrong / 400 < LEVEL + 0.033
