"""The functions have the minima that are known of them, and a search of them is told what it saw."""

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import functions

HARTMANN = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)


def point(*numbers):
    return {f"x{i}": number for i, number in enumerate(numbers)}


@pytest.mark.parametrize(
    ("name", "values", "least"),
    [
        ("hartmann6", point(*HARTMANN), -3.32237),
        ("ackley5", point(*[1.3] * 5), 0.0),
        ("log rosenbrock4", point(*[1.0] * 4), -3.0),
        ("levy8", point(*[1.0] * 8), 0.0),
        ("branin", point((math.pi + 5) / 15, 2.275 / 15), 0.397887),
        ("half of 12", point(*[m for n in HARTMANN for m in (n, 0.5)]), -3.32237),
        ("ackley12", point(*[1.3] * 12), 0.0),
        ("options", {"c0": 2, "c1": 1, "c2": 5, "c3": 2, "c4": 0, "a": 0.3, "b": 0.8}, 0.739717),
        ("mixed", {"rate": 10**-2.3, "kind": "a", "flag": False, "count": 2**5.2, "share": 0.27}, 0.0),
    ],
)
def test_a_function_is_least_where_it_is_known_to_be(name, values, least):
    assert functions.FUNCTIONS[name].of(values) == pytest.approx(least, abs=1e-5)


@pytest.mark.parametrize("name", functions.FUNCTIONS)
def test_hptune_asks_as_often_as_it_may_and_noise_repeats(name):
    task = functions.Task(function=functions.FUNCTIONS[name], asks=12, seed=0, noise=0.1)
    told = functions.hptune(task)
    assert len(told) == 12
    assert told == functions.hptune(task)
    assert any(seen != true for seen, true in told)


def test_what_was_found_is_the_true_value_of_what_looked_best():
    assert functions.found([(3.0, 3.5), (1.0, 2.0), (2.0, 1.0)], (1, 2, 3)) == [3.5, 2.0, 2.0]
