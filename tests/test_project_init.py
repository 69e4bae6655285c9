"""`hptune init`: the files it writes, and that a search then uses them."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import spaces

from hptune.__main__ import run
from hptune._text import quoted
from hptune.cli.commands import COMMANDS
from hptune.cli.project_file import check_values, load_defaults
from hptune.errors import InputError
from hptune.project.settings_file import Settings, settings_text
from hptune.project.space_file import space_text
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Integer, Space, Tier
from hptune.space.files import load_space, parse_space, ready_spaces
from hptune.space.scales import Scale

SPACE, PROJECT = Path("space.yaml"), Path("hptune.toml")
MINE = "hyperparameters:\n  units: {range: [4, 8]}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text(
        "age,plan,churn\n"
        + "".join(f"{20 + i},{'abc'[i % 3]},{'yes' if i % 2 else 'no'}\n" for i in range(50))
    )
    return tmp_path


def init(*arguments: str) -> None:
    assert run(["init", *arguments]) == 0


def uncommented(text: str) -> str:
    """The text of a project file with every setting that is offered in a comment taken up."""
    return re.sub(r"^# ([a-z-]+ = )", r"\1", text, flags=re.MULTILINE)


# Both files


def test_what_a_search_would_refuse_is_refused_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("data.py").write_text(
        "import numpy as np\n\n\ndef load():\n    return np.eye(30), np.eye(3)[np.arange(30) % 3]\n"
    )
    Path("model.py").write_text(
        "import keras\n\n\ndef build(hp):\n"
        '    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 5, 9), "softmax")])\n'
        '    model.compile("sgd", "categorical_crossentropy")\n    return model\n'
    )
    searched = run(["search", "data.py:load", "--model", "model.py:build", "--trials", "1"])
    refused = capsys.readouterr().err
    assert run(["init", "data.py:load", "--model", "model.py:build"]) == searched == 3
    assert capsys.readouterr().err == refused
    assert "one batch can't be trained" in refused
    assert not SPACE.exists()
    assert not PROJECT.exists()


def test_both_files_are_written_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    init("train.csv", "--target", "churn", "--validation", "0.4", "--trials", "12", "--passes", "1")
    said = capsys.readouterr()
    assert said.out == (
        "space.yaml: mlp, 10 hyperparameters to search and 8 fixed\n"
        "hptune.toml: train.csv with mlp, 12 trainings of 20 epochs in 1 pass\n"
        "\n"
        "Next:\n"
        "  # what a search would do, without training\n"
        "  hptune search --dry-run\n"
        "  # the search\n"
        "  hptune search\n"
    )
    assert "train.csv: 30 training and 20 validation rows" in said.err
    assert "task: binary" in said.err
    assert "all 30 training rows in each step" in said.err
    assert tomllib.loads(PROJECT.read_text(encoding="utf-8")) == {
        "data": "train.csv",
        "target": "churn",
        "validation": "0.4",
        "model": "mlp",
        "space": "space.yaml",
        "trials": 12,
        "epochs": 20,
        "passes": 1,
    }


def test_the_project_file_reads_well() -> None:
    init("iris", "--task", "multiclass", "--skip-broken")
    assert (
        PROJECT.read_text(encoding="utf-8")
        == """\
# What `hptune search` takes where you give it nothing else, and every other command that has the same
# option. Flags and HPTUNE_… variables win. A key is an option without its dashes.

data = "iris"
task = "multiclass"
skip-broken = true
model = "mlp"
space = "space.yaml"  # the ranges: edit them there

# The budget: what so many full trainings of so many epochs cost, over all passes together. Bad trials are
# stopped early, so it buys more configurations than that; between passes the ranges move.
trials = 30
epochs = 20
passes = 3

# Often set as well: take the first # away. `hptune search --help` has the rest.
# seed = 0                    # seeds everything that is drawn, the split too
# objective = "val_accuracy"  # what to improve, among what training reports
# workers = 2                 # trainings at a time
# max-time = "30m"            # stop after this long, or sooner
# cv = 5                      # score: the mean over five folds, which take five times as long
# class-weight = "balanced"   # rare classes count as much as frequent ones
# learn-from = ["auto"]       # try first what did well in your other studies
"""
    )


def test_a_search_then_uses_data_model_and_space(capsys: pytest.CaptureFixture[str]) -> None:
    init("train.csv", "--target", "churn", "--space", "mlp-small-budget", "--epochs", "7")
    text = SPACE.read_text(encoding="utf-8")
    SPACE.write_text(
        text.replace("units: {type: int, range: [16, 512]", "units: {type: int, range: [16, 256]")
    )
    capsys.readouterr()
    assert run(["search", "--dry-run"]) == 0
    plan = capsys.readouterr()
    assert "Space mlp-small-budget:" in plan.out
    assert re.search(r"units +2 +16\.\.256 +128", plan.out)
    assert "the cost of 30 full trainings of 7" in plan.out
    assert "all 40 training rows" in plan.err


def test_the_default_space_is_still_searched_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    def plan() -> str:
        capsys.readouterr()
        assert run(["search", "iris", "--dry-run"]) == 0
        return capsys.readouterr().out

    before = plan()
    assert "a preset" in before
    init("iris")
    assert plan() == before


def test_json_names_the_files_and_holds_the_space(capsys: pytest.CaptureFixture[str]) -> None:
    init("wine", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["version"], said["files"]) == (2, ["space.yaml", "hptune.toml"])
    assert said["space"]["name"] == "mlp"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        pytest.param([], "mlp", id="a recipe"),
        pytest.param(["--model", "cnn"], "cnn", id="another recipe"),
        pytest.param(["--space", "regularisation"], "regularisation", id="a ready space"),
    ],
)
def test_a_ready_space_is_copied_as_it_is(arguments: list[str], name: str) -> None:
    init("digits", *arguments)
    assert SPACE.read_bytes() == ready_spaces()[name].read_bytes()


def test_a_space_file_of_ones_own_is_named_and_not_copied(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text(MINE)
    init("iris", "--space", "mine.yaml")
    assert not SPACE.exists()
    assert tomllib.loads(PROJECT.read_text(encoding="utf-8"))["space"] == "mine.yaml"
    assert capsys.readouterr().out.startswith("hptune.toml: iris with mlp over mine.yaml, 30 trainings")
    assert run(["search", "--dry-run"]) == 0
    assert re.search(r"units +2 +4\.\.8", capsys.readouterr().out)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.csv", "--target", "churn"], 3, "nothing.csv"),
        (["train.csv", "--target", "chrun"], 3, "Did you mean 'churn'?"),
        (["iris", "--model", "mpl"], 3, "no model is named 'mpl'"),
        (["train.csv", "--target", "churn", "--model", "cnn"], 3, "its rows are no images"),
        (["iris", "--space", "missing.yaml"], 3, "missing.yaml: there is no such file"),
        (["iris", "--space", "cnn"], 3, "the recipe mlp has no such option"),
        (["iris", "--trials", "0"], 2, "--trials"),
        (["iris", "--task", "regresion"], 2, "--task"),
    ],
)
def test_wrong_input_writes_nothing(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *arguments]) == code
    assert said in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["train.csv"]


@pytest.mark.parametrize(
    ("there", "arguments", "said"),
    [
        (["space.yaml"], [], "space.yaml: already there"),
        (["hptune.toml"], [], "hptune.toml: already there"),
        (["space.yaml", "hptune.toml"], [], "space.yaml and hptune.toml: already there"),
        (["space.yaml", "hptune.toml"], ["--space", "mine.yaml"], "Error: hptune.toml: already there"),
    ],
)
def test_what_is_there_is_kept_and_nothing_is_loaded(
    there: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in there:
        Path(name).write_text("# mine\n")
    assert run(["init", "no-such-data", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "--force" in err
    assert "no-such-data" not in err
    assert all(Path(name).read_text() == "# mine\n" for name in there)
    assert len(list(Path().iterdir())) == len(there) + 1


def test_a_name_that_no_project_file_can_hold_is_told() -> None:
    settings = replace(SETTINGS, data="caf\udce9.csv")
    with pytest.raises(InputError, match=r"hptune.toml: data: 'caf\\udce9.csv' is not UTF-8"):
        settings_text(settings, "hptune.toml")


# Written anew


def test_force_replaces_both_and_takes_the_settings_of_the_project_file() -> None:
    init("train.csv", "--target", "churn", "--trials", "12")
    SPACE.write_text("hyperparameters:\n  units: 5\n")
    init("--force", "--epochs", "9")
    assert SPACE.read_bytes() == ready_spaces()["mlp"].read_bytes()
    found = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    assert (found["data"], found["target"], found["trials"], found["epochs"]) == ("train.csv", "churn", 12, 9)


def test_force_leaves_a_space_file_of_ones_own_alone() -> None:
    Path("mine.yaml").write_text(MINE)
    init("iris", "--space", "mine.yaml")
    init("--force", "--trials", "3")
    assert tomllib.loads(PROJECT.read_text(encoding="utf-8"))["space"] == "mine.yaml"
    assert Path("mine.yaml").read_text() == MINE
    assert not SPACE.exists()
    Path("mine.yaml").rename(SPACE)
    init("--force", "--space", "space.yaml")
    assert SPACE.read_text() == MINE


def test_wrong_input_replaces_nothing() -> None:
    init("iris")
    before = SPACE.read_bytes(), PROJECT.read_bytes()
    assert run(["init", "no-such-data", "--force"]) == 3
    assert (SPACE.read_bytes(), PROJECT.read_bytes()) == before


# The project file's text

SETTINGS = Settings(
    data="train.csv",
    target=None,
    validation=None,
    task=None,
    positive=None,
    skip_broken=False,
    image_size=None,
    model="mlp",
    space="space.yaml",
    trials=30,
    epochs=20,
    passes=3,
    objective="val_loss",
    takes_class_weight=False,
)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text('"\\\n\r\t\x00\x7f\u2028𝄞é#'))
def test_any_text_comes_back_from_the_project_file(text: str) -> None:
    written = quoted(text)
    assert len(written.splitlines()) == 1
    assert tomllib.loads(f"key = {written}  # {'said'}\n") == {"key": text}
    found = tomllib.loads(settings_text(replace(SETTINGS, data=text, target=text), "hptune.toml"))
    assert (found["data"], found["target"]) == (text, text)


def test_every_commented_setting_is_right_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    init("train.csv", "--target", "churn")
    text = uncommented(PROJECT.read_text(encoding="utf-8"))
    PROJECT.write_text(text, encoding="utf-8")
    taken = set(tomllib.loads(text))
    assert taken >= {"seed", "objective", "workers", "max-time", "cv", "class-weight", "learn-from"}
    assert load_defaults()["search"]["cv"] == 5
    for command in COMMANDS:
        check_values(command)
    assert run(["search", "--dry-run"]) == 0
    assert "Space mlp" in capsys.readouterr().out


def test_what_is_offered_fits_the_data() -> None:
    init("diabetes")
    found = tomllib.loads(uncommented(PROJECT.read_text(encoding="utf-8")))
    assert found["objective"] == "val_loss"
    assert "class-weight" not in found


# The space file of a model of one's own


@given(spaces())
def test_any_space_comes_back_from_its_commented_file(space: Space) -> None:
    assert parse_space(space_text(space, "a\nmodel.py:build")) == space


def comment(hp: Hyperparameter, *others: Hyperparameter) -> str:
    """What stands above a hyperparameter, in one line."""
    text = space_text(Space(hyperparameters=(hp, *others)), "model.py:build")
    body = text[text.index("hyperparameters:") :].splitlines()
    at = next(i for i, line in enumerate(body) if line.startswith(f"  {hp.name}:"))
    lines: list[str] = []
    while body[at - 1 - len(lines)].startswith("  # ") and not re.match(
        r"  # (Tier \d:|Unranked)", body[at - 1 - len(lines)]
    ):
        lines.insert(0, body[at - 1 - len(lines)].removeprefix("  # "))
    return " ".join(lines)


RATE = Float(name="lr", tier=Tier.FIRST, low=1e-4, high=0.1, scale=Scale.LOG, limits=(1e-8, 100.0))
UNITS = Integer(name="units", tier=Tier.SECOND, low=32, high=512, step=32, limits=(1, 8192))


@pytest.mark.parametrize(
    ("hp", "said"),
    [
        pytest.param(RATE, "By its name: learning rate. No pass goes beyond 1e-8..100.", id="meaning"),
        pytest.param(replace(RATE, name="learning_rate"), "No pass goes beyond 1e-8..100.", id="plain name"),
        pytest.param(
            UNITS,
            "By its name: hidden units. No pass goes beyond 1..8192. "
            "`scale: log` with a factor as step is usual.",
            id="usual scale",
        ),
        pytest.param(
            Float(name="momentum", tier=Tier.SECOND, low=0.5, high=0.99, limits=(0.0, 0.9999)),
            "No pass goes beyond 0..0.9999. `scale: log_complement` is usual.",
            id="usual complement",
        ),
        pytest.param(
            Float(name="momentum", tier=Tier.SECOND, low=0.0, high=1.0),
            "No pass goes beyond its range.",
            id="a scale that the range can't have",
        ),
        pytest.param(
            Float(name="l2", low=1e-6, high=1e-2, limits=(1e-10, 10.0)),
            "By its name: weight penalty. No pass goes beyond 1e-10..10. "
            "Linear over decades, so it is searched mostly in log; `scale: log` is usual.",
            id="decades",
        ),
        pytest.param(
            Float(name="temperature", low=1.0, high=1000.0),
            "No pass goes beyond its range. Linear over decades, so it is searched mostly in log.",
            id="unknown name over decades",
        ),
        pytest.param(replace(RATE, limits=(1e-5, 0.4)), "By its name: learning rate.", id="limits written"),
        pytest.param(Choice(name="activation", options=("relu", "tanh")), "", id="choice"),
        pytest.param(Boolean(name="nesterov"), "", id="boolean"),
        pytest.param(Fixed(name="lr", value=0.1), "", id="fixed"),
    ],
)
def test_a_comment_says_what_is_not_to_be_seen(hp: Hyperparameter, said: str) -> None:
    assert comment(hp) == said


def test_a_number_that_decides_what_else_is_asked_for_says_why_it_stays() -> None:
    layers = Integer(name="layers", tier=Tier.THIRD, low=1, high=3, limits=(1, 3))
    deep = replace(UNITS, name="units_2", when=(Condition(parent="layers", values=(3,)),))
    assert comment(layers, deep) == "What the code asks for beyond these limits is not known."


def test_what_is_said_of_one_layer_is_not_said_again() -> None:
    first, second = replace(UNITS, name="units_0"), replace(UNITS, name="units_1")
    text = space_text(Space(hyperparameters=(first, RATE, second)), "model.py:build")
    assert text.count("By its name: hidden units") == 1
    assert "  # As units_0.\n  units_1:" in text


MODEL = """
import keras
import keras_tuner


def build(hp):
    print("said by the code")
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    rate = hp.Float("lr", 1e-4, 1e-1, sampling="log", default=1e-3)
    made = keras.optimizers.Adam(rate)
    if optimizer == "sgd":
        made = keras.optimizers.SGD(rate, momentum=hp.Float("momentum", 0.5, 0.99))
    model = keras.Sequential()
    for layer in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Int(f"units_{layer}", 4, 8, step=4)))
    model.add(keras.layers.Dropout(hp.Float("dropout", 0, 0.5)))
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(made, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def nothing(hp):
    return build(keras_tuner.HyperParameters())
"""


def test_a_model_of_ones_own_gets_a_file_of_what_it_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    from hptune.data import load_dataset
    from hptune.models.load import load_model

    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.savez("data.npz", x=x, y=np.arange(30) % 3)
    Path("model.py").write_text(MODEL)
    init("data.npz", "--model", "model.py:build")
    said = capsys.readouterr()
    assert said.out.startswith(
        "space.yaml: 7 hyperparameters to search\nhptune.toml: data.npz with model.py:build"
    )
    assert "said by the code" in said.err
    text = SPACE.read_text(encoding="utf-8")
    assert text.startswith("# What model.py:build asks for, as `hptune init` found it by calling it.")
    assert text.endswith("}\n")
    assert "  momentum: {tier: 2, range: [0.5, 0.99], when: {optimizer: sgd}}\n" in text
    assert max(map(len, text.splitlines())) <= 110

    dataset = load_dataset("data.npz")
    own = load_model("model.py:build", dataset).space()
    assert load_space(SPACE) == own
    assert load_model("model.py:build", dataset, space=load_space(SPACE)).space() == own

    SPACE.write_text(text.replace("[0.5, 0.99]", "[0.8, 0.99]"), encoding="utf-8")
    capsys.readouterr()
    assert run(["search", "--dry-run"]) == 0
    plan = capsys.readouterr().out
    assert plan.startswith("Space:\n")
    assert re.search(r"momentum +2 +0\.8\.\.0\.99", plan)

    # The code changed: the file that it no longer fits is made anew.
    SPACE.write_text("hyperparameters:\n  gone: {range: [1, 2]}\n")
    assert run(["search", "--dry-run"]) == 3
    init("--force")
    assert load_space(SPACE) == own
    assert run(["init", "data.npz", "--model", "model.py:nothing", "--force"]) == 3
    assert "model.py:nothing: asks for no hyperparameters" in capsys.readouterr().err
    assert load_space(SPACE) == own


def test_the_class_to_be_found_is_written_down_and_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "breast_cancer", "--positive", "Benign"]) == 0
    assert 'positive = "Benign"' in Path("hptune.toml").read_text()
    capsys.readouterr()
    assert run(["search", "--dry-run", "--objective", "val_recall"]) == 0
    assert "recall is of the class benign" in capsys.readouterr().err
    # Other data has other classes.
    assert run(["search", "iris", "--dry-run"]) == 0
