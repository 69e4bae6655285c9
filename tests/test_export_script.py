"""An exported script loads the same rows, trains the same weights and comes to the same score."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.script_studies import CASES

from hptune.data import Dataset, load_dataset
from hptune.data.table_options import TableOptions
from hptune.export.script import assemble
from hptune.export.script_data import data

ROWS = 60


def check_style(*paths: Path) -> None:
    """Fail where ruff with its own settings finds a mistake: a name that is missing or not used."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Data


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every part of a script that is written here; they are checked in the end."""
    folder = tmp_path_factory.mktemp("parts")
    yield folder
    assert list(folder.iterdir())
    check_style(folder)


@pytest.fixture
def here(tmp_path: Path, parts: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, from which a script without arguments is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["best.py"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for path in tmp_path.glob("*.part.py"):
        shutil.copy(path, parts / f"{tmp_path.name}-{path.name}")


def assert_same_rows(dataset: Dataset, **options: bool) -> None:
    """Run the part of a script that loads data, and compare bit for bit."""
    path = Path(f"{dataset.fingerprint}.part.py")
    # Keras and NumPy are imported for other parts.
    text = assemble(data(dataset, **options)) + "\n\n\nassert keras and np\n"
    path.write_text(text, encoding="utf-8")
    names: dict[str, object] = {}
    exec(path.read_text(encoding="utf-8"), names)
    found = names["load_data"]()  # type: ignore[operator]
    train, held = dataset.train, dataset.validation
    for array, expected in zip(found, (train.x, train.y, held.x, held.y), strict=True):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "diabetes"])
def test_bundled_rows_are_loaded_again(name: str, here: Path) -> None:
    assert_same_rows(load_dataset(name, seed=5))


def test_bundled_digits_are_loaded_again_as_images(here: Path) -> None:
    assert_same_rows(load_dataset("digits", as_images=True, validation=0.3))


def people(rows: int = ROWS) -> pd.DataFrame:
    """A table with something of everything."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(40, 10, rows)),
            'the "inner" name, which is long and has a comma': rng.integers(0, 9, rows),
            "city": rng.choice(["Lyon", "Paris", "Århus", "it's", None], rows),
            "street": [f"street {i % 55}" for i in range(rows)],
            "member": rng.choice([True, False, None], rows),
            "floor": rng.choice(["0", "1", "2", "3+"], rows),
            "always": 3,
            "pet": rng.choice(["cat", "dog", "eel"], rows),
            "income": rng.normal(size=rows) * 1e3,
            "grade": rng.choice([3, 7], rows),
        }
    )


@pytest.mark.parametrize("target", ["pet", "income", "grade", "member"])
@pytest.mark.parametrize("marks", [",.", ";.", ";,"])
def test_rows_of_a_csv_file_are_encoded_again(target: str, marks: str, here: Path) -> None:
    separator, decimal = marks
    frame = people(200).dropna(subset=[target])
    frame.to_csv("people.csv", index=False, sep=separator, decimal=decimal)
    assert_same_rows(load_dataset("people.csv", target=target))


@pytest.mark.parametrize("target", ["city", "age", "member"])
def test_rows_without_a_target_are_left_out_again(target: str, here: Path) -> None:
    people(200).to_csv("people.csv", index=False)
    people(200).to_parquet("people.parquet")
    for name in ("people.csv", "people.parquet"):
        assert_same_rows(load_dataset(name, target=target))
    people(150).to_csv("held.csv", index=False)
    assert_same_rows(load_dataset("people.csv", target=target, validation="held.csv"))


def flawed(rows: int = 200) -> pd.DataFrame:
    """A table of numbers with words, marks and infinite values among them, and words that are levels."""
    rng = np.random.default_rng(0)
    number = rng.normal(size=rows).round(3).astype(object)
    price = np.array([f"${n:,}.50" for n in rng.integers(0, 5000, rows)], dtype=object)
    number[::50] = ["NA", "?", "tall", "inf"]
    price[3] = "n.a."
    truth = rng.choice(["True", "False"], rows).astype(object)
    truth[5] = "NA"
    kind = rng.choice(["None", "NA", "some"], rows)
    code = rng.choice(["-999", "1", "2"], rows)
    y = rng.normal(size=rows).round(3).astype(object)
    y[[7, 9]] = ["-", "inf"]
    days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), unit="h"))
    on, at = days.dt.strftime("%d/%m/%Y").to_numpy(object), days.astype(str).to_numpy(object)
    on[4] = "NA"
    columns = {
        "on": on,
        "at": at,
        "number": number,
        "price": price,
        "truth": truth,
        "kind": kind,
        "code": code,
        "y": y,
    }
    return pd.DataFrame(columns).astype(str)


@pytest.mark.parametrize(
    "labels", [("a", "b", "c"), (1, 2, 3), (1.0, 2.0, np.nan), (True, False, "x")], ids=str
)
def test_classes_of_one_row_are_left_out_again(labels: tuple[object, ...], here: Path) -> None:
    y = pd.Series([labels[0], labels[1]] * 30 + [labels[2]], dtype=object)
    pd.DataFrame({"x": np.arange(61) % 7, "y": y}).to_csv("t.csv", index=False)
    assert_same_rows(load_dataset("t.csv", target="y"))


@pytest.mark.parametrize(
    "source", ["t.csv.gz", "t.dat", "t.jsonl", "t.json", "t.feather", "t.sqlite:t", "parts/*.csv", "parts"]
)
def test_every_form_of_a_table_is_read_again(source: str, here: Path) -> None:
    frame = flawed()
    path = Path(source.partition(":")[0])
    if source.startswith("parts"):
        Path("parts").mkdir()
        frame.iloc[:100].to_csv("parts/1.csv", index=False)
        frame.iloc[100:].to_csv("parts/2.csv", index=False)
    elif "json" in source:
        frame.to_json(source, orient="records", lines=source.endswith("l"))
    elif path.suffix == ".feather":
        frame.to_feather(path)
    elif path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as database:
            frame.to_sql("t", database, index=False)
    else:
        frame.to_csv(path, index=False, sep=" " if path.suffix == ".dat" else ",")
    assert_same_rows(load_dataset(source, target="kind"))


@pytest.mark.parametrize("target", ["kind", "y"])
@pytest.mark.parametrize("missing", [(), ("None", "-999")])
def test_flawed_tables_are_mended_again(target: str, missing: tuple[str, ...], here: Path) -> None:
    flawed().to_csv("t.csv", index=False, sep=";")
    flawed().to_parquet("t.parquet")
    flawed().iloc[20:90].to_csv("held.csv", index=False)
    Path("f.py").write_text(
        "import pandas as pd\n\ndef load():\n    return pd.read_parquet('t.parquet')\n\n"
        "def pair():\n    return load().drop(columns='kind'), load()['kind']\n\n"
        "def both():\n    return pair(), pair()\n"
    )
    options = TableOptions(missing=missing)
    for source, held in [
        ("t.csv", 0.2),
        ("t.csv", "held.csv"),
        ("t.parquet", "held.csv"),
        ("f.py:load", 0.2),
    ]:
        assert_same_rows(load_dataset(source, target=target, validation=held, tables=options))
    if target == "kind":
        for source in ("f.py:pair", "f.py:both"):
            assert_same_rows(load_dataset(source, tables=options))


@pytest.mark.parametrize("missing", [(), ("-999",)])
def test_codes_dates_in_digits_and_names_are_read_again(missing: tuple[str, ...], here: Path) -> None:
    rows = [
        f"0{i % 9},{20240100 + 1 + i % 28},{i % 7},{'NA' if i == 5 else i},{['u', 'v', 'NA'][i % 3]}"
        for i in range(90)
    ]
    text = "\n".join(["code,day,user_id,x,y", *rows]) + "\n"
    Path("t.csv").write_text(text, encoding="utf-8")
    Path("held.csv").write_text(text, encoding="utf-8")
    for held in (0.2, "held.csv"):
        made = load_dataset("t.csv", target="y", validation=held, tables=TableOptions(missing=missing))
        assert made.encoder is not None
        assert {"code=00", "day: days", "user_id=6"} <= {*made.encoder.feature_names}
        assert made.classes == ("NA", "u", "v")
        assert_same_rows(made)


def test_more_levels_are_encoded_again(here: Path) -> None:
    people(200).to_csv("people.csv", index=False)
    made = load_dataset("people.csv", target="pet", tables=TableOptions(levels=55))
    assert made.input_shape > load_dataset("people.csv", target="pet").input_shape
    assert_same_rows(made)


def test_columns_of_one_kind_need_no_distinction(here: Path) -> None:
    frame = people()
    for columns in (["age", "income"], ["city", "floor"]):
        frame[[*columns, "pet"]].to_csv("some.csv", index=False)
        assert_same_rows(load_dataset("some.csv", target="pet"))


def test_validation_rows_have_a_file_of_their_own(here: Path) -> None:
    people(200).to_csv("train.csv", index=False)
    # Columns of text may look like numbers there, and values be missing that were not.
    held = people().assign(floor=[*["0"] * (ROWS - 1), None], street="street 1")
    held["income"] = held["income"].mask(held["grade"] == 3)
    held.to_csv("held.csv", index=False, sep=";")
    assert_same_rows(load_dataset("train.csv", target="pet", validation="held.csv"))


def test_rows_of_a_parquet_file_are_encoded_again(here: Path) -> None:
    frame = people().assign(
        city=lambda f: f["city"].astype("category"), floor=lambda f: f["grade"].astype("category")
    )
    frame["member"] = frame["member"].astype("boolean")
    frame["counted"] = pd.array([None, *range(ROWS - 1)], dtype="Int64")
    frame.to_parquet("people.parquet")
    assert_same_rows(load_dataset("people.parquet", target="pet"))


RNG = np.random.default_rng(1)
NUMBERS = RNG.normal(size=(ROWS, 4))
CODES = RNG.integers(0, 3, ROWS)
BYTES = RNG.integers(0, 256, (ROWS, 5, 6), dtype=np.uint8)
ARRAYS = [
    pytest.param({"x": NUMBERS, "y": CODES}, id="codes"),
    pytest.param({"X": NUMBERS[:, 0], "Y": NUMBERS[:, [1]]}, id="columns"),
    pytest.param({"x": NUMBERS, "y": np.eye(3)[CODES]}, id="a column for each class"),
    pytest.param({"x": BYTES, "y": np.array(["b", "a", "c"])[CODES]}, id="bytes and text"),
    pytest.param({"x": NUMBERS, "y": NUMBERS[:, :2]}, id="several targets"),
    pytest.param(
        {"x_train": NUMBERS, "y_train": CODES, "x_test": NUMBERS[:9], "y_test": CODES[:9]}, id="own"
    ),
]


@pytest.mark.parametrize("arrays", ARRAYS)
def test_arrays_of_an_archive_are_loaded_again(arrays: dict[str, np.ndarray], here: Path) -> None:
    np.savez("a.npz", **arrays)
    assert_same_rows(load_dataset("a.npz"))
    if arrays.get("x") is BYTES:
        assert_same_rows(load_dataset("a.npz", as_images=True))


@pytest.mark.parametrize(
    ("returned", "target"),
    [
        ("x, y", None),
        ("(x, y), (x[:20], y[:20])", None),
        ("x, np.array(['no', 'yes'])[y % 2]", None),
        ("x, x[:, :1]", None),
        ("pd.DataFrame(x), pd.Series(y, name='kind')", None),
        ("(pd.DataFrame(x), y), (pd.DataFrame(x[:20]), y[:20])", None),
        ("pd.DataFrame(x).assign(kind=y)", "kind"),
    ],
)
def test_a_users_function_is_called_again(returned: str, target: str | None, here: Path) -> None:
    Path("own").mkdir()
    # A name that is none in Python, and a file beside it.
    Path("own/my-data.py").write_text(
        "import numpy as np\nimport pandas as pd\nfrom seeds import SEED\n\n\ndef load():\n"
        "    rng = np.random.default_rng(SEED)\n"
        f"    x, y = rng.normal(size=({ROWS}, 4)), rng.integers(0, 3, {ROWS})\n    return {returned}\n"
    )
    Path("own/seeds.py").write_text("SEED = 4\n")
    try:
        assert_same_rows(load_dataset("own/my-data.py:load", target=target))
    finally:
        for name in ("seeds", "my-data"):
            sys.modules.pop(name, None)


def draw(folder: Path, rows: int, mode: str = "RGB") -> None:
    """Write images of two classes, of several sizes, types and orientations."""
    rng = np.random.default_rng(len(str(folder)))
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for row in range(rows):
            size = (12, 10) if row % 3 else (9, 14)
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).convert(mode)
            exif = Image.Exif()
            exif[0x0112] = 6 if row == 4 else 1
            image.save(folder / name / f"{row}.{'png' if row % 2 else 'jpg'}", exif=exif)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_folder_of_images_is_read_again(mode: str, here: Path) -> None:
    draw(Path("pets"), 8, mode)
    assert_same_rows(load_dataset("pets"))


def test_a_folder_may_bring_validation_images_and_broken_ones(here: Path) -> None:
    draw(Path("pets/train"), 8)
    draw(Path("pets/val"), 3)
    Path("pets/train/cat/x.png").write_bytes(b"no image")
    assert_same_rows(load_dataset("pets", skip_broken=True), skip_broken=True)


def test_another_place_of_the_data_is_taken_from_the_command_line(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people().to_csv("people.csv", index=False)
    dataset = load_dataset("people.csv", target="pet")
    Path("people.csv").rename("moved.csv")
    monkeypatch.setattr(sys, "argv", ["best.py", "moved.csv"])
    assert_same_rows(dataset)


# Training

RUN_ALL = """
import contextlib, io, json, runpy, sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hptune":
            raise ImportError("a script needs no hptune")

sys.meta_path.insert(0, Blocked())
said = {}
for name in sys.argv[1:]:
    sys.argv = [f"{name}.py"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(f"{name}.py", run_name="__main__")
    said[name] = out.getvalue()
Path("said.json").write_text(json.dumps(said))
"""
"""Runs scripts one after the other: loading TensorFlow takes longer than all of them."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """Scripts, what their trials came to, and what they said."""

    folder: Path
    trials: dict[str, dict[str, float]]
    said: dict[str, str]


def run(arguments: list[str], folder: Path, *path: Path) -> str:
    """Run Python in a folder; return what it printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    tests = Path(__file__).parent
    run([str(tests / "support" / "script_studies.py"), str(folder)], folder, tests, tests.parent)
    run(["-c", RUN_ALL, *CASES], folder / "run")
    trials = json.loads((folder / "scores.json").read_text())
    said = json.loads((folder / "run" / "said.json").read_text())
    return Exported(folder=folder / "run", trials=trials, said=said)


@pytest.mark.parametrize("name", CASES)
def test_a_script_comes_to_the_score_of_its_trial(name: str, exported: Exported) -> None:
    trial, last = exported.trials[name], exported.said[name].splitlines()[-1]
    objective = CASES[name].objective.partition(":")[2]
    shown = f"{trial['score']:.9g}"
    at = "" if name == "own fit" else f" at epoch {trial['epoch']}"
    found = re.fullmatch(rf"{re.escape(objective)} (\S+){at}, {re.escape(shown)} in the study", last)
    assert found is not None, last
    # A search may train by NumPy what a script trains by Keras.
    assert float(found[1]) == pytest.approx(trial["score"], rel=1e-5)
    assert (exported.folder / f"{name}-trained.keras").is_file()


def test_a_saved_model_knows_all_of_many_levels(exported: Exported) -> None:
    model = keras.models.load_model(exported.folder / "many levels-trained.keras")
    held = load_dataset(str(exported.folder / "shops.csv"), target="sales", seed=1).validation
    assert held.x.shape[1] == 75 + 1
    errors = model.predict(held.x, verbose=0)[:, 0] - held.y
    r2 = 1 - np.square(errors).mean() / held.y.var()
    assert r2 == pytest.approx(exported.trials["many levels"]["score"], rel=1e-4)


def test_a_script_trains_as_many_epochs_as_its_trial(exported: Exported) -> None:
    name = "adam, stopped early"
    assert exported.trials[name]["epochs"] == 2 < CASES[name].trained < CASES[name].epochs
    text = (exported.folder / f"{name}.py").read_text(encoding="utf-8")
    assert "of 2 (a full training has 9)" in text
    assert '"epochs": 2,\n' in text


def test_ruff_finds_no_mistake_in_scripts_and_they_need_no_hptune(exported: Exported) -> None:
    shutil.rmtree(exported.folder / "own" / "__pycache__", ignore_errors=True)
    for name in CASES:
        text = (exported.folder / f"{name}.py").read_text(encoding="utf-8")
        # The command that found it, and the name under which classes are registered.
        code = re.sub(r"^#.*|^@keras.saving.*", "", text, flags=re.MULTILINE)
        assert "hptune" not in code
    check_style(*(exported.folder / f"{name}.py" for name in CASES))


def test_a_saved_model_of_a_regression_answers_in_the_targets_own_units(exported: Exported) -> None:
    model = keras.models.load_model(exported.folder / "regression-trained.keras")
    held = load_dataset("diabetes", seed=1).validation
    error = np.square(model.predict(held.x, verbose=0)[:, 0] - held.y).mean() ** 0.5
    assert error == pytest.approx(exported.trials["regression"]["score"], rel=1e-5)


def test_a_saved_model_needs_no_class_of_the_script(exported: Exported) -> None:
    model = keras.models.load_model(exported.folder / "corrected average-trained.keras")
    held = load_dataset("breast_cancer", seed=1).validation
    chance = np.clip(model.predict(held.x, verbose=0)[:, 0].astype("float64"), 1e-7, 1 - 1e-7)
    loss = -np.mean(np.log(np.where(held.y == 1, chance, 1 - chance)))
    assert loss == pytest.approx(exported.trials["corrected average"]["score"], rel=1e-4)


def test_a_script_runs_by_itself_with_data_from_elsewhere(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "hptune.py").write_text("raise ImportError('a script needs no hptune')\n")
    (tmp_path / "empty").mkdir()
    shutil.copy(exported.folder / "table.py", tmp_path / "empty" / "best.py")
    shutil.copy(exported.folder / "pets.csv", tmp_path / "moved.csv")
    said = run(["best.py", "../moved.csv"], tmp_path / "empty", tmp_path / "blocked")
    assert said == exported.said["table"]
    assert {path.name for path in (tmp_path / "empty").iterdir()} == {"best.py", "best-trained.keras"}
