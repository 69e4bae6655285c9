from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.analysis.binomial import (
    in_words,
    p_all_above,
    p_at_least,
    p_combined,
    p_of_order,
    p_of_rank_sum,
)


def drawn_from(places: list[int], count: int) -> list[tuple[int, ...]]:
    return list(combinations(places, count))


@given(st.lists(st.integers(0, 9), min_size=3, max_size=8), st.integers(1, 3), st.integers(0, 9))
def test_chances_are_those_of_all_combinations(places: list[int], count: int, limit: int) -> None:
    sets = drawn_from(places, count)
    above = sum(min(s) >= limit for s in sets) / len(sets)
    assert p_all_above(len(places), sum(p >= limit for p in places), count) == pytest.approx(above)
    close = sum(max(s) - min(s) <= limit for s in sets) / len(sets)
    assert p_combined(sorted(places), count, limit) == pytest.approx(close)
    some = sum(sum(p >= limit for p in s) >= 2 for s in sets) / len(sets)
    marked = sum(p >= limit for p in places)
    assert p_at_least(len(places), marked, count, 2) == pytest.approx(some)


def test_the_chance_of_an_order_is_that_of_the_f_test() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    places, ranks = rng.random(20), rng.permutation(20) + 1.0
    design = np.column_stack([np.ones(20), places, places**2])
    left = ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
    explained = np.sum((ranks - ranks.mean()) ** 2) - left @ left
    f = (explained / 2) / (left @ left / 17)
    assert p_of_order(places, ranks) == pytest.approx(stats.f.sf(f, 2, 17))


def test_an_order_without_a_trend_happens_by_chance_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    said = [p_of_order(rng.random(15), rng.permutation(15)) for _ in range(400)]
    assert np.mean(np.array(said) < 0.05) == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize(
    ("places", "ranks"),
    [
        pytest.param([], [], id="none"),
        pytest.param([0.1, 0.2, 0.3], [1, 2, 3], id="few"),
        pytest.param([0.5] * 9, list(range(9)), id="one place"),
        pytest.param([i / 9 for i in range(9)], [4.0] * 9, id="one rank"),
    ],
)
def test_what_can_not_be_ordered_is_chance(places: list[float], ranks: list[float]) -> None:
    assert p_of_order(places, ranks) == 1.0


def test_bad_ranks_are_unlikely_and_good_ones_are_not() -> None:
    assert p_of_rank_sum([18, 19, 20], 20) < 0.01
    assert p_of_rank_sum([1, 2, 3], 20) > 0.99
    assert p_of_rank_sum([], 20) == p_of_rank_sum([1, 2], 2) == 1.0


@pytest.mark.parametrize(
    ("chance", "words"),
    [(0.025, "1 in 40"), (1.0, "1 in 1"), (1e-9, "less than 1 in 1000"), (0.0, "less than 1 in 1000")],
)
def test_a_chance_is_said_in_words(chance: float, words: str) -> None:
    assert in_words(chance) == words
