"""Every view shows what fresh seeds gave, once `hptune confirm` has run."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from support.studies import Recipe, build, confirm

from hptune.__main__ import run
from hptune.study import Study
from hptune.views.report import render
from hptune.views.snapshot import read_snapshot
from hptune.views.tables import (
    confirmed_csv,
    read_confirmed,
    standing,
    status_dict,
    status_text,
    summary_json,
    summary_text,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A study whose second trial by score is the best with fresh seeds, and the third far behind."""
    folder = tmp_path_factory.mktemp("work") / "studies" / "s"
    with build(folder, Recipe(trials=60)) as study:
        ids = confirm(study, [0.930, 0.960, 0.910])
    return folder, ids


def test_the_status_names_who_leads_and_over_whom_by_more_than_luck(made: tuple[Path, list[int]]) -> None:
    folder, (first, second, third) = made
    with Study.open(folder) as study:
        text = " ".join(status_text(study).split())
        told = status_dict(study)["confirmed"]
    assert f"With fresh seeds trial {second} is best: val_accuracy 0.96" in text
    assert f"It beats trials {first} and {third} significantly." in text
    assert [f["trial"] for f in told["finalists"]] == [second, first, third]
    assert len(told["finalists"][0]["seeds"]) == 5
    assert all(pair["beyond_luck"] for pair in told["pairs"])


def test_the_summary_of_a_search_tells_what_was_confirmed(made: tuple[Path, list[int]]) -> None:
    folder, (_, second, _) = made
    with Study.open(folder) as study:
        assert f"With fresh seeds trial {second} is best" in summary_text(study)
        assert json.loads(summary_json(study))["confirmed"]["finalists"][0]["trial"] == second


def test_a_study_that_was_not_confirmed_says_nothing_of_it(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=12)) as study:
        assert status_dict(study)["confirmed"] is None
        assert "fresh seeds" not in status_text(study)
        assert standing(read_confirmed(study)) == []


def test_finalists_that_cant_be_told_apart_are_said_so(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=12)) as study:
        first, second = confirm(study, [0.9, 0.9001])
        said = standing(read_confirmed(study))
    assert said[1:] in ([f"Its lead over trial {i} is not significant."] for i in (first, second))


def test_a_lone_finalist_is_not_called_the_best(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=12)) as study:
        (only,) = confirm(study, [0.9])
        (said,) = standing(read_confirmed(study))
        page = render(read_snapshot(study))
    assert said.startswith(f"With fresh seeds trial {only} reached val_accuracy 0.9")
    assert said in page


def test_finalists_that_broke_with_every_seed_are_said_so(tmp_path: Path) -> None:
    with build(tmp_path / "s", Recipe(trials=12)) as study:
        confirm(study, [None, None])
        assert standing(read_confirmed(study)) == ["None of the finalists could be trained again."]
        rows = list(csv.DictReader(io.StringIO(confirmed_csv(read_confirmed(study)))))
        assert [(r["mean"], r["worst"], r["lost"]) for r in rows] == [("", "", "5")] * 2
        assert "could be trained again" in render(read_snapshot(study))


def test_a_trial_is_shown_with_each_seeds_score(
    made: tuple[Path, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, (first, *_) = made
    assert run(["show", str(first), "--study", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Fresh seeds: 0.9"))
    assert [line.split(":")[0].strip() for line in lines[at + 1 : at + 6]] == [
        f"seed {1000 + n}" for n in range(1, 6)
    ]
    assert run(["show", str(first), "--study", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confirmed"]["trial"] == first


def test_a_trial_without_fresh_seeds_is_shown_without(
    made: tuple[Path, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ids = made
    other = next(n for n in range(1, 60) if n not in ids)
    assert run(["show", str(other), "--study", str(folder)]) == 0
    assert "resh seeds" not in capsys.readouterr().out
    assert run(["show", str(other), "--study", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confirmed"] is None


def test_the_report_puts_the_confirmed_winner_first_with_its_spread(made: tuple[Path, list[int]]) -> None:
    folder, (first, second, third) = made
    with Study.open(folder) as study:
        snapshot = read_snapshot(study)
    assert [t.id for t in snapshot.finalists[:3]] == [second, first, third]
    page = render(snapshot)
    verdict = page.partition('id="verdict"')[2].partition("</section>")[0]
    assert f"With fresh seeds trial {second} is best" in verdict
    assert f"hptune export {folder} --format keras" in verdict
    best = page.partition('id="best"')[2].partition("</section>")[0]
    header = best.partition("mean of fresh seeds")[0].rpartition("<thead>")[2]
    assert header.index(f"trial {second}") < header.index(f"trial {first}")
    assert "± 0.00" in best
    assert "p-value" in best
    axes = page.partition('id="axes"')[2].partition("</section>")[0]
    assert "best with fresh seeds" in axes
    assert set(re.findall(r"best: trial (\d+)", axes)) == {str(second)}


def test_a_finalist_table_as_csv_sets_each_beside_the_best(made: tuple[Path, list[int]]) -> None:
    folder, (first, second, third) = made
    with Study.open(folder) as study:
        rows = list(csv.DictReader(io.StringIO(confirmed_csv(read_confirmed(study)))))
    assert [int(r["trial"]) for r in rows] == [second, first, third]
    assert [r["beyond_luck"] for r in rows] == ["", "true", "true"]
    for row in rows:
        assert float(row["worst"]) < float(row["mean"]) < float(row["best"])


def test_a_confirmed_status_is_told_without_scipy(made: tuple[Path, list[int]]) -> None:
    from support.startup import heavy_modules

    loaded = heavy_modules(f"from hptune.__main__ import run; run(['status', {str(made[0])!r}])")
    assert not {"tensorflow", "keras", "pandas", "scipy", "sklearn"} & set(loaded)
