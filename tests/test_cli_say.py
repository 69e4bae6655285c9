"""What a terminal would obey is never printed raw, wherever it comes from; JSON and files stay exact."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune._text import on_one_line, printable
from hptune.space import Choice, Float, Space
from hptune.study import Study
from hptune.study.notes import Baseline
from hptune.study.trial import Outcome, OutcomeState, Trial, TrialState
from hptune.views.tables import to_csv

CLEAR, REVERSED, BACK = "\x1b[2J", "\u202e", "\r"
LABEL = f"a{CLEAR}b\nError: fake{REVERSED}c{BACK}<b>&\"'</b>"
NAME = f"units{CLEAR}"
SPACE = Space(
    hyperparameters=(
        Float(name="learning_rate", low=1e-4, high=0.1),
        Choice(name=NAME, options=(LABEL, "=1+1")),
    )
)
COMMANDS = [
    pytest.param(["status", "s"], id="status"),
    pytest.param(["trials", "s"], id="trials"),
    pytest.param(["show", "1", "--study", "s"], id="show"),
    pytest.param(["show", "2", "--study", "s"], id="show one that failed"),
    pytest.param(["narrow", "s", "--dry-run"], id="narrow"),
    pytest.param(["compare", "s", "s"], id="compare"),
    pytest.param(["trials", "s", "--sort", CLEAR], id="usage"),
    pytest.param(["show", CLEAR, "--study", "s"], id="usage of click"),
    pytest.param(["status", f"no{CLEAR}"], id="no such study"),
    pytest.param([f"no{CLEAR}"], id="no such command"),
    pytest.param(["spaces", "show", CLEAR], id="no such space"),
    pytest.param(["search", f"{CLEAR}.csv"], id="no such file"),
    pytest.param(["search", "iris", "--space", f"{CLEAR}.yaml"], id="no such space file"),
]


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study whose every text holds what a terminal would obey."""
    monkeypatch.chdir(tmp_path)
    identity = build(Path("other"), Recipe(trials=2, passes=1)).identity
    hostile = type(identity)(
        **{field: getattr(identity, field) for field in identity.__dataclass_fields__}
        | {"data": f"{LABEL}.csv", "model": f"{LABEL}.py:build", "settings": {"target": LABEL}}
    )
    with Study.create(Path("s"), hostile, command=f"hptune search {LABEL}") as made:
        made.open_pass(SPACE, proposal=None, origin="given")
        made.note(baseline=Baseline(what=f"always {LABEL}", score=0.2), versions={LABEL: LABEL})
        for score in (0.9, None):
            trial = Trial(
                id=0,
                pass_number=1,
                values={"learning_rate": 0.01, NAME: LABEL if score else "=1+1"},
                seed=1,
                state=TrialState.RUNNING,
                note=LABEL,
            )
            job = made.record_ask(
                trial=trial, initial_epoch=0, epochs=1, oracle_values=trial.values, pass_number=1
            )
            state = OutcomeState.DONE if score else OutcomeState.FAILED
            made.record_outcome(
                Outcome(
                    job_id=job.id,
                    state=state,
                    curve=({"val_accuracy": score, LABEL: 1.0},) if score else (),
                    reason="" if score else LABEL,
                    traceback="" if score else LABEL,
                ),
                TrialState.COMPLETE if score else TrialState.FAILED,
            )


def obeyed(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_gets_nothing_to_obey(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) in (0, 2, 3)
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert obeyed(said) == set()
    assert "\\x1b[2J" in said


def test_commands_print_by_one_function_alone() -> None:
    import hptune.cli

    folder = Path(hptune.cli.__path__[0])
    printing = {
        path.name for path in folder.glob("*.py") if "click.echo(" in path.read_text(encoding="utf-8")
    }
    assert printing == {"say.py", "prompt.py"}


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "1", "--study", "s", "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["trial"]["values"][NAME] == LABEL
    assert obeyed(printed) == set()


def test_a_report_shows_text_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "s", "-o", "r.html"]) == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert "<b>&" not in page
    assert "</b>.csv" not in page


@pytest.mark.parametrize("form", ["csv", "yaml", "json"])
def test_an_export_holds_every_character_and_is_one_document(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "s", "--format", form]) == 0
    text = capsys.readouterr().out
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert rows[0][NAME] == LABEL
    elif form == "json":
        assert json.loads(text)["hyperparameters"][NAME]["value"] == LABEL
    else:
        from hptune.space.files import parse_space

        assert parse_space(text)[NAME].initial == LABEL


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx", "\rx"])
def test_a_spreadsheet_takes_no_text_for_a_formula(text: str) -> None:
    assert next(csv.reader(io.StringIO(to_csv([[text]]), newline="")))[0] == f"'{text}"


@pytest.mark.parametrize("cell", [-1.5, -3, "-1.5", "+2e-3", "a=b", ""])
def test_numbers_stay_numbers(cell: object) -> None:
    assert next(csv.reader(io.StringIO(to_csv([[cell, 1]]))))[0] == str(cell)


@given(st.text(st.characters()))
def test_shown_text_obeys_nothing(text: str) -> None:
    assert obeyed(on_one_line(text)) <= {"\u200c", "\u200d"}
    assert "\n" not in on_one_line(text)
    assert printable(printable(text)) == printable(text)
