"""The benchmark of tables gives every method the same rows, and counts what was measured right."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import tables
import tables_data
import tables_methods
import tables_sizes
from tables_data import Table


def a_table(task, target="y"):
    return Table(package="none", item="made", target=target, half="tuned", task=task, kind="made up")


def easy(task, rows=300):
    """A column of words, one of numbers with holes, and a target that both tell."""
    rng = np.random.default_rng(0)
    word, number = rng.choice(["a", "b", "c"], rows), rng.normal(0, 1, rows)
    target = (word == "b") * 2 + number
    classes = {"binary": target > 0.5, "multiclass": np.digitize(target, [0, 2]), "regression": target}
    number[::17] = np.nan
    return pd.DataFrame({"word": word, "number": number, "y": classes[task]})


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_each_row_is_in_one_part_and_every_method_has_the_same(task):
    frame, table = easy(task), a_table(task)
    parts = tables_data.parts_of(frame, table, seed=1)
    assert [len(part) for part in parts] == [180, 60, 60]
    assert sorted(row for part in parts for row in part.index) == list(range(300))
    again, other = (tables_data.parts_of(frame, table, seed=seed) for seed in (1, 2))
    assert all(map(pd.DataFrame.equals, parts, again))
    assert not parts[2].equals(other[2])


@pytest.mark.parametrize("method", ["linear", "boosted"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_baseline_learns_what_is_easy(method, task):
    table = a_table(task)
    parts = tables_data.parts_of(easy(task), table, seed=1)
    scores = tables_methods.BASELINES[method](table, parts)
    assert 0.8 < scores["score"] <= 1
    assert 0 < scores["second"] <= 1


def test_scores_are_those_of_scikit_learn():
    numbers = tables_methods.score_of(
        a_table("regression"), pd.Series([1.0, 2.0, 3.0]), np.array([[1], [2], [2]])
    )
    assert numbers == {"score": pytest.approx(0.5), "second": pytest.approx(3**-0.5)}
    right, wrong = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[0.2, 0.8], [0.3, 0.7]])
    classes = pd.Series(["No", "Yes"])
    assert tables_methods.score_of(a_table("binary"), classes, right) == {"score": 1.0, "second": 1.0}
    assert tables_methods.score_of(a_table("binary"), classes, wrong) == {"score": 0.0, "second": 0.5}


def test_a_line_tells_means_and_how_far_hptune_is_ahead_on_the_same_splits():
    found = [
        {"table": "gapminder", "method": method, "seed": seed, "score": score + seed / 100, "cpu": 7.0}
        for method, score in (("linear", 0.5), ("boosted", 0.7), ("hptune", 0.6))
        for seed in (1, 3)
    ]
    header, _, line, end = tables.lines_of(found, ["gapminder", "Wage"], "tuned")
    assert header.count("|") == line.count("|") == 10
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[0] == "gapminder, lifeExp"
    assert cells[3:] == [
        *("0.520 ± 0.010", "0.720 ± 0.010", "0.620 ± 0.010"),
        *("+0.100 ± 0.000", "-0.100 ± 0.000", "7"),
    ]
    assert end == ""
    assert tables.lines_of(found, ["gapminder"], "held") == []


def test_both_halves_hold_tables_of_several_kinds():
    assert len(tables_data.TABLES) >= 10
    for half in tables_data.HALVES:
        own = [table for table in tables_data.TABLES.values() if table.half == half]
        assert len(own) == len(tables_data.TABLES) // 2
        assert {"regression", "binary"} <= {table.task for table in own}


def test_a_command_is_measured_and_one_that_fails_ends_the_benchmark():
    seconds, cpu, megabytes = tables_sizes.run_command("--version")
    assert seconds > 0
    assert cpu > 0
    assert megabytes > 1
    with pytest.raises(SystemExit, match="No such option"):
        tables_sizes.run_command("search", "--wrong")
