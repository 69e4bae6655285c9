"""The commands that read a study, through the command line, with full texts."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.__main__ import run
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.study import Study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with one finished study of 24 trials."""
    folder = tmp_path_factory.mktemp("work")
    with Study.create(folder / "studies" / "digits-mlp", identity(), command="hptune search") as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=FakeSearcher(),
            executor=InlineExecutor(FakeTrainer(diverge_above=0.3)),
            pass_ends=(30, 60, 90),
            narrow=keep_all,
        ).run()
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_status_says_how_far_a_study_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "studies/digits-mlp: digits with mlp, val_accuracy"
    assert lines[1] == "no search is running"
    # Each of the three that came to nothing has cost the budget of 90 one.
    assert "3 infeasible), 87 epochs" in lines[2]
    assert [line.split(":")[0] for line in lines[3:6]] == ["pass 1", "pass 2", "pass 3"]
    assert any(line.startswith("best 0.") for line in lines)


def test_status_as_json_has_a_version(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "digits-mlp", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["version"] == 2
    assert status["searching"] is False
    assert status["epochs"] == sum(p["epochs"] for p in status["passes"])


def test_trials_sorted_by_score_have_the_best_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trials", "--sort", "score", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    scores = [t["score"] for t in trials if t["score"] is not None]
    assert scores == sorted(scores, reverse=True)
    assert trials[-1]["score"] is None


def test_trials_as_csv_is_a_tidy_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trials", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["id"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert all(row["learning_rate"] for row in rows)
    assert any(row["momentum"] == "" for row in rows)


def test_trials_are_filtered_by_state_and_pass(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trials", "--state", "paused", "--pass", "1", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert trials
    assert {(t["state"], t["pass_number"]) for t in trials} == {("paused", 1)}


def test_a_table_of_trials_is_aligned(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trials", "--top", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["trial", "pass", "state", "score"]
    assert len(lines) == 4


def test_an_unknown_column_is_told_with_the_nearest(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trials", "--sort", "scor"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "Error: --sort scor: no such column",
        "Did you mean 'score'?",
    ]


def test_show_tells_everything_about_a_trial(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Trial 1, pass 1: ")
    assert "learning_rate = " in text
    assert "epoch  val_accuracy" in text


def test_a_curve_as_csv_has_a_row_per_epoch(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "1", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["epoch"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert all(0 < float(row["val_accuracy"]) < 1 for row in rows)


def test_a_trial_that_is_not_there_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "999"]) == 6
    assert "no trial 999" in capsys.readouterr().err


def test_narrow_shows_each_range_with_its_reason(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["narrow", "--dry-run"]) == 0
    text = capsys.readouterr().out
    for hp in SPACE:
        assert hp.name in text
    assert not (here / "studies/digits-mlp/next-pass.yaml").exists()


def test_narrow_prints_a_row_of_csv_per_range(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["narrow", "--dry-run", "--json"]) == 0
    moves = json.loads(capsys.readouterr().out)["moves"]
    assert run(["narrow", "--dry-run", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["name"] for row in rows] == [move["name"] for move in moves]
    assert [row["reason"] for row in rows] == [move["reason"] for move in moves]
    assert {row["by_user"] for row in rows} == {"false"}


def test_narrow_writes_the_next_pass_with_a_persons_changes(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hptune.search.next_pass import read_next_pass
    from hptune.space import Fixed, Float

    arguments = ["--set", "learning_rate=1e-3..1e-1", "--freeze", "optimizer=sgd", "--keep", "units"]
    assert run(["narrow", *arguments]) == 0
    captured = capsys.readouterr()
    assert "next-pass.yaml" in captured.err
    with Study.open(here / "studies/digits-mlp") as study:
        proposal = read_next_pass(study)
    assert proposal is not None
    rate, optimizer = proposal["learning_rate"].new, proposal["optimizer"].new
    assert isinstance(rate, Float)
    assert (rate.low, rate.high, rate.hard) == (1e-3, 1e-1, True)
    assert isinstance(optimizer, Fixed)
    assert optimizer.value == "sgd"
    assert proposal["learning_rate"].by_user
    (here / "studies/digits-mlp/next-pass.yaml").unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--set", "learning_rat=1..2"], "learning_rat", id="unknown name"),
        pytest.param(["--set", "learning_rate=0.1..0.001"], "0.1", id="low above high"),
        pytest.param(["--set", "learning_rate=0..0.1"], "log", id="log with 0"),
        pytest.param(["--set", "learning_rate=wide"], "wide", id="no number"),
        pytest.param(["--set", "learning_rate=1e-3..1e9"], "limit", id="past the limits"),
        pytest.param(["--freeze", "optimizer=adamw"], "adamw", id="unknown choice"),
    ],
)
def test_a_wrong_change_is_refused_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["narrow", *arguments]) == 3
    assert said in capsys.readouterr().err
    assert not (here / "studies/digits-mlp/next-pass.yaml").exists()


def test_without_a_study_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["status"]) == 2
    assert "hptune search" in capsys.readouterr().err


def test_an_unknown_command_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serach"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "Error: no command 'serach'",
        "Did you mean 'search'?",
    ]


def test_the_summaries_in_help_are_those_of_the_commands() -> None:
    from hptune.cli.commands import COMMANDS, load_command

    for name, summary in COMMANDS.items():
        command = load_command(name)
        assert command.name == name
        assert command.short_help == summary


def test_a_project_file_sets_defaults_and_flags_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hptune.cli.project_file import load_defaults

    (tmp_path / "hptune.toml").write_text('trials = 12\n[search]\nmax-time = "5m"\nseed = 3\n')
    defaults = load_defaults(tmp_path)
    assert defaults["search"] == {"trials": 12, "max_time": "5m", "seed": 3}


@pytest.mark.parametrize(
    ("given", "target"),
    [
        pytest.param([], "churn", id="none"),
        pytest.param(["train.csv"], "churn", id="the same"),
        pytest.param(["./train.csv"], "churn", id="the same, spelled otherwise"),
        pytest.param(["digits"], None, id="other"),
        pytest.param(["digits", "--target", "y"], "y", id="other and its own"),
    ],
)
def test_the_target_of_a_project_file_goes_with_its_data(
    given: list[str], target: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    import click

    from hptune.cli.options import data_options

    command = data_options(click.Command("search"))
    defaults = {"data": "train.csv", "target": "churn"}
    with command.make_context("search", list(given), default_map=defaults) as ctx:
        assert ctx.params["target"] == target
        assert ctx.params["data"] == (given[0] if given else "train.csv")
    said = "hptune.toml: target of train.csv, not used with digits\n"
    assert capsys.readouterr().err == (said if "digits" in given else "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trails = 3\n", "hptune.toml:1: no option 'trails'\nDid you mean 'trials'?"),
        ("seed = 1\n[serch]\n", "hptune.toml:2: no command [serch]\nDid you mean 'search'?"),
        ("seed = \n", "can't be read"),
        ("seed = 1\n\n[check]\ntrials = 3\n", "hptune.toml:4: no option 'trials' of check"),
        ("[confirm]\ntpo = 3\n", "hptune.toml:2: no option 'tpo' of confirm\nDid you mean 'top'?"),
        ("[spaces]\nseed = 3\n", "hptune.toml:2: no option 'seed' of spaces"),
        ("confirm.sees = 3\n", "hptune.toml:1: no option 'sees' of confirm\nDid you mean 'seeds'?"),
        ("[[search]]\nseed = 3\n", "hptune.toml:1: no option 'search'"),
    ],
)
def test_a_wrong_project_file_is_told_with_its_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hptune.toml").write_text(text)
    assert run(["spaces"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('trials = "many"\n', "hptune.toml:1: trials: 'many' is not a valid integer range"),
        ("# ten\ntrials = 0\n", "hptune.toml:2: trials: 0 is not in the range"),
        ('seed = 1\n[search]\nmax-time = "soon"\n', "hptune.toml:3: max-time: 'soon' is not a time"),
        ('[search]\noracle = "best"\n', "hptune.toml:2: oracle: 'best' is not one of"),
        ("[search]\ntrials = true\n", "hptune.toml:2: trials can't be true"),
        ("[search]\nvalidation = 0.3\n", "hptune.toml:2: validation can't be 0.3"),
        (
            '[search]\ninteractive = "perhaps"\n',
            "hptune.toml:2: interactive: 'perhaps' is not a valid boolean",
        ),
        ("[search]\nlearn-from = [3]\n", "hptune.toml:2: learn-from can't be [3]"),
    ],
)
def test_a_wrong_value_of_the_project_file_is_told_with_its_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hptune.toml").write_text(text)
    assert run(["search", "--dry-run"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        'data = "wine"\ntrials = 12\n[search]\nmax-time = "5m"\nlearn-from = ["a", "b"]\n',
        'learn-from = "auto"\nmax_time = 90\n',
        '[search]\ninteractive = true\ndry-run = true\n"class-weight" = "balanced"\n',
        "[confirm]\ntop = 5\n",
        "study = 'somewhere'\n",
    ],
)
def test_right_values_of_the_project_file_are_taken(tmp_path: Path, text: str) -> None:
    from hptune.cli.project_file import check_values, load_defaults

    (tmp_path / "hptune.toml").write_text(text)
    assert load_defaults(tmp_path)
    for command in ("search", "confirm", "status"):
        check_values(command, tmp_path)


def test_what_a_section_of_the_project_file_sets_is_what_the_command_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hptune.cli.project_file import load_defaults

    monkeypatch.chdir(tmp_path)
    Path("hptune.toml").write_text("[spaces]\n[status]\njson = true\n[search]\ndata = 'no-such-data'\n")
    assert load_defaults()["status"] == {"as_json": True}
    assert run(["search", "--dry-run"]) == 3
    assert "no-such-data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("45", 45), ("1.5h", 5400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    from hptune.cli.options import Duration

    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(("given", "levels"), [("auto", "auto"), ("150", 150), (150, 150)], ids=repr)
def test_levels_are_a_number_or_auto(given: int | str, levels: int | str) -> None:
    from hptune.cli.options import Levels

    assert Levels().convert(given, None, None) == levels


@pytest.mark.parametrize("given", ["many", "2.5", "0", -3, ""], ids=repr)
def test_levels_that_are_no_number_are_refused(given: int | str) -> None:
    import click

    from hptune.cli.options import Levels

    with pytest.raises(click.BadParameter):
        Levels().convert(given, None, None)


@pytest.mark.parametrize("text", ["", "soon", "0s", "-3m", "1d"])
def test_wrong_durations_are_refused(text: str) -> None:
    import click

    from hptune.cli.options import Duration

    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


def test_ready_spaces_are_listed_shown_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spaces"]) == 0
    listed = capsys.readouterr().out
    assert "mlp" in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert run(["spaces", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["spaces"]
    assert "mlp" in [space["name"] for space in listed]
    assert run(["spaces", "show", "mlp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["space"] in listed
    assert run(["spaces", "show", "mlp"]) == 0
    assert "hyperparameters:" in capsys.readouterr().out
    assert run(["spaces", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"
    assert run(["spaces", "show", "mpl"]) == 3
    assert "Did you mean 'mlp'?" in capsys.readouterr().err


def test_the_study_of_the_environment_is_shown(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HPTUNE_STUDY", "no-such-study")
    assert run(["show", "1"]) == 2
    assert "no-such-study" in capsys.readouterr().err
    assert run(["show", "1", "--study", "digits-mlp"]) == 0


def test_a_study_that_was_killed_before_its_first_pass_has_nothing_to_narrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Study.create(tmp_path / "s", identity()).close()
    assert run(["narrow", str(tmp_path / "s")]) == 6
    assert "no pass has started yet" in capsys.readouterr().err


def test_a_next_pass_that_cannot_be_written_is_an_error_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = here / "studies" / "digits-mlp" / "next-pass.yaml"
    place.mkdir()
    (place / "inside").touch()
    try:
        assert run(["narrow", "--accept"]) == 6
        assert "next-pass.yaml: is no file, which a search would write there" in capsys.readouterr().err
        assert not [p for p in place.parent.iterdir() if ".tmp" in p.name]
    finally:
        (place / "inside").unlink()
        place.rmdir()


def test_a_study_whose_budget_is_spent_is_said_to_need_more(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = here / "studies" / "digits-mlp"
    with Study.open(place, read_only=False) as study:
        study.note(budget=60)
    assert run(["narrow", "--accept"]) == 0
    assert "Its budget is used: give that search more --trials." in capsys.readouterr().err
    (place / "next-pass.yaml").unlink()


@pytest.mark.parametrize("flag", [["--freeze", "beta_1=5"], ["--set", "activation=relu,tanh"]])
def test_what_a_recipe_does_not_take_is_refused_before_the_next_pass_is_written(
    tmp_path: Path, flag: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from hptune.space.files import ready_space

    with Study.create(tmp_path / "s", identity(model="mlp")) as study:
        study.open_pass(ready_space("mlp"), proposal=None, origin="given")
    assert run(["narrow", str(tmp_path / "s"), *flag]) == 3
    assert flag[1].partition("=")[0] in capsys.readouterr().err
    assert not (tmp_path / "s" / "next-pass.yaml").exists()
