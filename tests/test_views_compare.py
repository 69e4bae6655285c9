from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from support.studies import MLP, Recipe, build

from hptune.__main__ import run
from hptune.errors import StudyMismatchError, UsageError
from hptune.space import Float
from hptune.study import JobProgress, Study
from hptune.study.records import BATCHES
from hptune.study.trial import Direction, Objective
from hptune.views.compare import StudyComparison, best_so_far, compare
from hptune.views.tables import comparison_text

ACCURACY = Objective(name="val_accuracy", direction=Direction.MAX)
WIDER = MLP.with_changes([Float(name="dropout", low=0.0, high=0.9)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    build(folder / "studies" / "a", Recipe(trials=12)).close()
    build(folder / "studies" / "b", Recipe(trials=30, seed=3, space=WIDER)).close()
    loss = Recipe(trials=4, objective="val_loss", direction=Direction.MIN)
    build(folder / "studies" / "loss", loss).close()
    build(folder / "studies" / "empty", Recipe(trials=5, passes=1, infeasible=1.0)).close()
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def compared(*names: str) -> StudyComparison:
    studies = [Study.open(Path("studies") / name) for name in names]
    try:
        return compare(studies)
    finally:
        for study in studies:
            study.close()


def stretch(epochs: int, score: float | None) -> JobProgress:
    return JobProgress(trial_id=1, pass_number=1, epochs=epochs, seconds=1.0, fit_seconds=0.9, score=score)


def test_the_best_so_far_changes_only_where_it_gets_better() -> None:
    stretches = [stretch(3, None), stretch(2, 0.5), stretch(4, 0.4), stretch(1, 0.7)]
    assert best_so_far(stretches, ACCURACY) == ((5, 0.5), (10, 0.7))
    loss = Objective(name="val_loss", direction=Direction.MIN)
    assert best_so_far(stretches, loss) == ((5, 0.5), (9, 0.4))


def test_the_same_budget_shows_what_each_had_by_then(here: Path) -> None:
    found = compared("a", "b")
    first, second = found.contenders
    assert first.epochs_used < second.epochs_used
    assert found.budgets[-2:] == (first.epochs_used, second.epochs_used)
    assert first.at(first.epochs_used) == first.best.score  # type: ignore[union-attr]
    assert first.at(second.epochs_used) is None
    at_once = [second.at(budget) for budget in found.budgets if second.at(budget) is not None]
    assert at_once == sorted(at_once)  # type: ignore[type-var]


def test_only_ranges_that_differ_are_listed(here: Path) -> None:
    found = compared("a", "b")
    assert found.differing["dropout"] == ("0..0.6", "0..0.9")
    assert "epsilon" not in found.differing
    assert compared("a", "a").differing == {}


def test_studies_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for place in ("x", "y"):
        build(tmp_path / place / "same", Recipe(trials=3, passes=1)).close()
    with Study.open(tmp_path / "x" / "same") as one, Study.open(tmp_path / "y" / "same") as two:
        names = [c.name for c in compare([one, two]).contenders]
    assert names == [str(tmp_path / "x" / "same"), str(tmp_path / "y" / "same")]


def test_other_data_is_compared_with_a_warning(tmp_path: Path, here: Path) -> None:
    from dataclasses import replace

    from support.studies import identity

    other = replace(identity(Recipe()), data_fingerprint="other", epochs=9)
    with Study.create(tmp_path / "s", other) as study, Study.open(Path("studies/a")) as first:
        found = compare([first, study])
    assert len(found.warnings) == 2
    assert "different rows" in found.warnings[0]
    assert "a: 27 epochs, s: 9 epochs" in found.warnings[1]


def test_one_study_is_not_a_comparison(here: Path) -> None:
    with pytest.raises(UsageError, match="two studies"):
        compared("a")
    assert run(["compare", "a"]) == 2


def test_objectives_that_differ_are_refused(here: Path) -> None:
    with pytest.raises(StudyMismatchError, match="val_loss"):
        compared("a", "loss")
    assert run(["compare", "a", "loss"]) == 6


def test_a_study_without_a_score_has_dashes(here: Path) -> None:
    text = comparison_text(compared("a", "empty"))
    assert text.splitlines()[2].split()[-1] == "–"


def test_the_text_has_the_budgets_the_best_and_the_ranges(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", "a", "b"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == [
        "study", "data", "model", "oracle", "trials", "epochs", "best", "val_accuracy",
    ]  # fmt: skip
    for heading in ("Best val_accuracy for the same epochs:", "Best configurations:", "Ranges that differ:"):
        assert heading in out


def test_json_has_every_step_and_every_budget(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "a", "b", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 2
    first = told["studies"][0]
    assert first["best_so_far"][-1]["score"] == first["best"]["score"]
    assert {b["epochs"] for b in told["budgets"]} >= {s["epochs"] for s in told["studies"]}
    assert told["ranges"]["dropout"] == {"a": "0..0.6", "b": "0..0.9"}


def test_a_page_is_written_beside_the_text(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", "a", "b", "empty", "-o", str(tmp_path / "c.html")]) == 0
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert page.count("<section") == 4
    assert "<script" not in page
    assert f"Wrote {tmp_path / 'c.html'}" in capsys.readouterr().err


def test_csv_has_a_row_per_budget_and_a_column_per_study(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", "a", "b", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    found = compared("a", "b")
    assert [int(row["epochs"]) for row in rows] == list(found.budgets)
    assert rows[-1]["a"] == "", "the first study spent less"
    assert float(rows[-1]["b"]) == found.contenders[1].at(found.budgets[-1])


def test_a_study_that_trained_nothing_does_not_hide_the_others_budgets(here: Path) -> None:
    assert len(compared("a", "b", "empty").budgets) > 5


def test_of_batches_it_is_said_that_their_rows_are_not_known(tmp_path: Path) -> None:
    from dataclasses import replace

    from support.studies import identity

    same = replace(identity(Recipe()), data_fingerprint=f"{BATCHES}3f1c")
    with Study.create(tmp_path / "a", same) as one, Study.create(tmp_path / "b", same) as other:
        (warning,) = compare([one, other]).warnings
    assert "whether batches held the same rows is not known" in warning
