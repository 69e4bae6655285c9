"""Each wrong input ends in a message that says what and where, its exit code, and nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.__main__ import run
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.search.task import SearchTask
from hptune.study import Study, StudyLock


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run hptune; it must end with the code, say it, show no traceback and leave no study."""
    before = sorted(str(p) for p in Path().rglob("*") if "__pycache__" not in str(p))
    assert run(["search", *arguments]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(str(p) for p in Path().rglob("*") if "__pycache__" not in str(p)) == before
    return captured.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("lr: {range: [1, 0.1]}", "s.yaml:2: lr", id="low above high"),
        pytest.param("lr: {range: [0, 0.1], scale: log}", "s.yaml:2: lr", id="log with 0"),
        pytest.param("lr: {rnge: [0.1, 1]}", "Did you mean 'range'?", id="unknown key"),
        pytest.param("lr: {range: [0.1, 1], scale: logg}", "Did you mean 'log'?", id="unknown scale"),
        pytest.param("lr: {range: [0.1, 1], when: {opt: a}}", "opt", id="when on an unknown name"),
        pytest.param(
            "a: {choices: [1, 2], when: {b: 1}}\n  b: {choices: [1, 2], when: {a: 1}}", "circle", id="circle"
        ),
        pytest.param("lr: 1\n  lr: 2", "lr", id="duplicate key"),
        pytest.param("learning_rat: {range: [0.1, 1]}", "s.yaml:2: learning_rat", id="no such option"),
        pytest.param("optimizer: [", "s.yaml", id="no YAML"),
    ],
)
def test_a_wrong_space(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.yaml").write_text(f"hyperparameters:\n  {text}\n")
    refused(["iris", "--space", "s.yaml"], 3, said, capsys)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        pytest.param("a,b\n1,2\n", [], "--target", id="no target named"),
        pytest.param("a,b\n1,2\n", ["--target", "c"], "'c'", id="no such target"),
        pytest.param("a,y\n" + "1,k\n" * 30, ["--target", "y"], "class", id="one class"),
        pytest.param("a,y\n1,k\n2,l\n3,k\n", ["--target", "y"], "3 rows", id="3 rows"),
        pytest.param("", ["--target", "y"], "d.csv", id="empty"),
    ],
)
def test_a_wrong_table(
    text: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("d.csv").write_text(text)
    refused(["d.csv", *arguments], 3, said, capsys)


def test_text_among_numbers_and_missing_targets(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{n * 0.37:.3f},{'ab'[n % 2]}" for n in range(60)]
    Path("d.csv").write_text("\n".join(["x,y", *rows[:30], "oops,a", *rows[30:]]) + "\n")
    message = refused(["d.csv", "--target", "y", "--strict"], 3, "oops", capsys)
    assert "line 32" in message
    Path("d.csv").write_text("\n".join(["x,y", *rows[:30], "1.5,", *rows[30:]]) + "\n")
    refused(["d.csv", "--target", "y", "--strict"], 3, "line 32", capsys)
    refused(["d.csv", "--target", "y", "--missing-target", "refuse"], 3, "line 32", capsys)


def test_files_that_are_not_what_they_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    refused(["missing.csv", "--target", "y"], 3, "missing.csv", capsys)
    np.savez("d.npz", x=np.zeros((20, 2)))
    refused(["d.npz"], 3, "y", capsys)
    refused(["digts"], 3, "Did you mean 'digits'?", capsys)


GOOD = "import keras\ndef build(hp):\n    m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("def build(hp:\n", "model.py:1", id="syntax error"),
        pytest.param("def bild(hp): pass\n", "bild", id="no such function"),
        pytest.param("def build(hp): return None\n", "None", id="returns None"),
        pytest.param("def build(hp):\n    raise KeyError('units')\n", "model.py:2", id="raises"),
        pytest.param(GOOD + "    return m\n", "compile", id="not compiled"),
        pytest.param("import sys\ndef build(hp): sys.exit(0)\n", "model.py:2", id="exits"),
    ],
)
def test_a_wrong_model(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("model.py").write_text(text)
    refused(["iris", "--model", "model.py:build"], 3, said, capsys)


def test_an_objective_that_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(["iris", "--objective", "val_acuracy"], 3, "val_acuracy", capsys)
    assert "val_accuracy" in message


@pytest.mark.parametrize("arguments", [["--trials", "0"], ["--passes", "0"], ["--oracle", "best"]])
def test_wrong_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(arguments, 2, arguments[0], capsys)


def test_a_study_folder_that_can_not_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("x")
    refused(["iris", "--study", "file/study", "--trials", "1", "--epochs", "1"], 6, "file/study", capsys)


@pytest.fixture
def study(folder: Path) -> Path:
    """A finished study of another data set, made without Keras."""
    settings = SearchTask(data="iris", epochs=9).settings
    with Study.create(folder / "s", identity(settings=settings)) as made:
        made.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=made,
            searcher=FakeSearcher(),
            executor=InlineExecutor(FakeTrainer()),
            pass_ends=(90,),
            narrow=keep_all,
        ).run()
    return folder / "s"


def test_a_study_in_use(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StudyLock(study):
        assert run(["search", "iris", "--study", "s"]) == 6
    assert f"process {os.getpid()}" in capsys.readouterr().err


def test_a_pass_that_is_decided_while_a_search_runs(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["narrow", "s", "--accept"]) == 0
    assert "under way" not in capsys.readouterr().err
    with StudyLock(study):
        assert run(["narrow", "s", "--accept"]) == 0
    assert "The running search keeps its own ranges." in capsys.readouterr().err


def test_a_study_of_other_data_or_another_objective(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "iris", "--study", "s", "--epochs", "9"]) == 6
    assert "its rows are not those of iris" in capsys.readouterr().err
    assert run(["search", "digits", "--study", "s", "--objective", "min:val_accuracy"]) == 6
    assert "max:val_accuracy" in capsys.readouterr().err


def test_a_damaged_study_has_a_way_out(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (study / "study.db").write_bytes(b"not a database at all " * 400)
    for command in (["status", "s"], ["search", "iris", "--study", "s"]):
        assert run(command) == 6
        assert "--fresh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("units: {choices: [a, b]}", "units", id="text for a number"),
        pytest.param("units: {type: int, range: [8, 5000]}", "1..512", id="past the limits"),
        pytest.param("units: hello", "units", id="a word"),
        pytest.param("optimizer: [adam, rmsprop]", "rmsprop", id="a new choice"),
        pytest.param("unit: 3", "Did you mean 'units'?", id="an unknown name"),
    ],
)
def test_a_wrong_next_pass_is_refused_and_kept(
    study: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from hptune.errors import SpaceError
    from hptune.search.next_pass import read_next_pass

    path = study / "next-pass.yaml"
    path.write_text(f"hyperparameters:\n  {text}\n")
    with Study.open(study) as opened, pytest.raises(SpaceError) as caught:
        read_next_pass(opened)
    assert "next-pass.yaml" in caught.value.message
    assert said in caught.value.message + caught.value.hint
    assert path.is_file()


def test_a_next_pass_keeps_conditions_that_are_not_written(study: Path) -> None:
    from hptune.search.next_pass import read_next_pass

    (study / "next-pass.yaml").write_text("hyperparameters:\n  momentum: {range: [0.5, 0.8]}\n")
    with Study.open(study) as opened:
        proposal = read_next_pass(opened)
    assert proposal is not None
    assert proposal["momentum"].new.when == SPACE["momentum"].when
    assert proposal["momentum"].by_user
    assert proposal["momentum"].new.hard, "what a person writes is a wall, as what they set by a flag"


def test_exports_go_where_they_are_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "s", "-o", "."]) == 0
    assert len(list(Path().glob("s-trial-*.yaml"))) == 1
    assert run(["export", "s", "--top", "2"]) == 2
    assert "need a folder" in capsys.readouterr().err
    os.mkfifo("pipe")
    Path("link.csv").symlink_to("real.csv")
    assert run(["export", "s", "--format", "csv", "-o", "link.csv"]) == 0
    assert Path("link.csv").is_symlink()
    assert Path("real.csv").read_text().startswith("id,")
    assert not [p for p in Path().iterdir() if ".tmp" in p.name]


def test_numbers_beyond_all_bounds(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "99999999999999999999", "--study", "s"]) == 2
    assert run(["export", "s", "--top", "99999999999999999999"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trials = [1]\n", "hptune.toml:1: trials"),
        ("trials = 2.5\n", "hptune.toml:1: trials"),
    ],
)
def test_a_wrong_value_in_the_project_file(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hptune.toml").write_text(text)
    assert run(["search", "--dry-run"]) == 2
    assert said in capsys.readouterr().err


def test_messages_with_brackets_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from hptune.cli.progress import ProgressListener

    with ProgressListener() as listener:
        listener.on_warning("cannot use [/data/x] [bold]")
    assert "cannot use [/data/x] [bold]" in capsys.readouterr().err


def test_an_error_of_ours_is_no_trial_that_failed() -> None:
    from hptune.data import load_dataset
    from hptune.models.load import load_model
    from hptune.study.trial import Job
    from hptune.training import Trainer

    dataset = load_dataset("iris")
    model = load_model("mlp", dataset)
    trainer = Trainer(dataset, model, None)
    job = Job(id=1, trial_id=1, values=model.space().defaults, seed=1, initial_epoch=0, epochs=1)

    def broken(epoch: int, report: object) -> bool:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        trainer.run(job, broken)


def test_weights_that_can_not_be_read_are_trained_again(folder: Path) -> None:
    from hptune.data import load_dataset
    from hptune.models.load import load_model
    from hptune.study.trial import Job, OutcomeState
    from hptune.training import Trainer

    dataset = load_dataset("iris")
    model = load_model("mlp", dataset)
    trainer = Trainer(dataset, model, None)
    (folder / "w.npz").write_text("rubbish")
    job = Job(
        id=1,
        trial_id=1,
        values=model.space().defaults,
        seed=1,
        initial_epoch=1,
        epochs=2,
        checkpoint=str(folder / "w.npz"),
    )
    outcome = trainer.run(job)
    assert outcome.state is OutcomeState.DONE
    assert len(outcome.curve) == 2


def test_a_broken_json_line_never_reaches_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("data.py").write_text(
        "import numpy as np\ndef load():\n    print('loading')\n"
        "    r = np.random.default_rng(0)\n    x = r.normal(size=(60, 3))\n"
        "    return x, (x[:, 0] > 0).astype(int)\n"
    )
    assert run(["search", "data.py:load", "--dry-run", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["version"] == 2
    assert "loading" in captured.err
