from __future__ import annotations

import gzip
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hptune.data import Dataset, SourceKind, Task, load_dataset, load_folds
from hptune.data.table_options import MissingTarget, TableOptions
from hptune.errors import DataError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows).round(2),
            "city": rng.choice(["Rome", "Bonn", "Oslo"], rows),
            "churn": ["yes", "no"] * (rows // 2),
        }
    )


def csv(text: str | bytes, name: str = "t.csv") -> str:
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def lines(*extra: str, rows: int = 20) -> str:
    """A sound table with line n + 2 of its own for each row n; `extra` lines stand at its end."""
    body = [f"{i}.5,{'ab'[i % 2]},{'yes' if i % 3 else 'no'}" for i in range(rows)]
    return "\n".join(["x,kind,y", *body, *extra]) + "\n"


def failure(source: str, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        load_dataset(source, **options)  # type: ignore[arg-type]
    return caught.value


def features(made: Dataset) -> tuple[str, ...]:
    assert made.encoder is not None
    return made.encoder.feature_names


STRICT = TableOptions(strict=True)


# What can be read.


def test_a_csv_file_with_text_labels_becomes_features_and_codes() -> None:
    table().to_csv("train.csv", index=False)
    made = load_dataset("train.csv", target="churn")
    assert made.name == "train.csv"
    assert made.task is Task.BINARY
    assert made.classes == ("no", "yes")
    assert made.target == "churn"
    assert made.train.x.shape == (32, 4)
    assert made.validation.x.shape == (8, 4)
    assert made.encoder is not None
    assert made.encoder.feature_names == ("age", "city=Bonn", "city=Oslo", "city=Rome")
    assert made.train.y.dtype == np.int32
    assert made.origin is not None
    assert made.origin.kind is SourceKind.CSV


def test_parquet_gives_what_csv_gives() -> None:
    table().to_csv("t.csv", index=False)
    table().to_parquet("t.parquet")
    one, other = (load_dataset(name, target="churn") for name in ("t.csv", "t.parquet"))
    assert one.fingerprint == other.fingerprint


def write(name: str, frame: pd.DataFrame) -> str:
    """Write a table in the form that its name asks for; return what names it."""
    path = Path(name.partition(":")[0])
    if ".jsonl" in name or ".ndjson" in name:
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    elif ".json" in name:
        frame.to_json(path, orient="records", double_precision=15)
    elif path.suffix == ".feather":
        frame.to_feather(path)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif ":" in name:
        with closing(sqlite3.connect(path)) as database:
            frame.to_sql(name.partition(":")[2], database, index=False)
    else:
        separators = {".tsv": "\t", ".tab": "\t", ".psv": "|", ".dat": " ", ".txt": ";"}
        frame.to_csv(path, index=False, sep=separators.get(path.suffix, ","))
    return name


FORMS = [
    *("t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zip", "t.txt", "t.tab", "t.psv", "t.dat"),
    *("t.json", "t.jsonl", "t.ndjson", "t.jsonl.gz", "t.feather", "t.xlsx"),
    *("t.sqlite:people", "t.db:a table"),
]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_table_gives_what_csv_gives(name: str) -> None:
    flawed = table().assign(width=[*(f"{n}.25" for n in range(38)), "NA", "tall"])
    wanted = load_dataset(write("plain.csv", flawed), target="churn")
    made = load_dataset(write(name, flawed), target="churn")
    assert made.fingerprint == wanted.fingerprint
    assert made.origin is not None


@pytest.mark.parametrize("source", ["parts/*.csv", "parts", "parts/p?.csv"])
def test_several_csv_files_are_one_table(source: str) -> None:
    table().to_csv("t.csv", index=False)
    Path("parts").mkdir()
    for number in range(4):
        table().iloc[10 * number : 10 * number + 10].to_csv(f"parts/p{number}.csv", index=False)
    made = load_dataset(source, target="churn")
    assert made.fingerprint == load_dataset("t.csv", target="churn").fingerprint
    assert "4 files are read as one table" in made.notes
    holed = table()
    holed.loc[[3, 25], "churn"] = None
    holed.iloc[:20].to_csv("parts/p0.csv", index=False)
    holed.iloc[20:].to_csv("parts/p1.csv", index=False)
    notes = load_dataset("parts/p[01]*.csv", target="churn").notes
    assert any(note.endswith("p0.csv line 5, p1.csv line 7") for note in notes)
    table().rename(columns={"age": "old"}).to_csv("parts/p9.csv", index=False)
    assert "its first line is not that of" in failure("parts/*.csv", target="churn").message


def test_files_that_are_not_what_their_names_say_are_named() -> None:
    for name in ("t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zip", "t.feather", "t.json", "t.sqlite:y"):
        Path(name.partition(":")[0]).write_bytes(b"hello, I am no table at all")
        assert name.partition(":")[0] in failure(name, target="y").message
    assert failure("gone/*.csv", target="y").message == "gone/*.csv: no such files"
    half = gzip.compress(lines(rows=2000).encode())
    assert "t.csv.gz" in failure(csv(half[: len(half) // 2], "t.csv.gz"), target="y").message


def test_a_table_of_a_database_is_named() -> None:
    write("t.sqlite:people", table())
    assert load_dataset("t.sqlite", target="churn").train.rows == 32
    write("t.sqlite:pets", table())
    error = failure("t.sqlite", target="churn")
    assert error.message == "t.sqlite: holds 'people', 'pets'"
    assert error.hint == "Name one: t.sqlite:TABLE."
    assert failure("t.sqlite:pet", target="churn").hint == "Did you mean 'pets'?"


def test_numbers_that_came_as_text_are_numbers_where_the_form_knows_no_better() -> None:
    texts = table().assign(year=[str(1565 + 5 * n) for n in range(40)], code=[f"0{n}" for n in range(40)])
    for name in ("t.json", "t.db:t"):
        made = load_dataset(write(name, texts), target="churn")
        assert features(made)[-1] == "year"
        assert (
            "column 'code' is not used: it identifies the row: nearly every value is distinct" in made.notes
        )
    texts.to_parquet("t.parquet")
    assert "year" not in features(load_dataset("t.parquet", target="churn"))


def test_words_for_missing_values_are_said_once_for_several_columns() -> None:
    rows = "".join(f"{i}.5,{i}.25,{'ab'[i % 2]}\n" for i in range(40))
    notes = load_dataset(csv("u,v,y\n" + rows + "NA,NA,a\n1,NA,b\n"), target="y").notes
    assert "'NA' counts as missing in 2 columns, 'u' (1 row), 'v' (2 rows)" in notes


def test_rows_and_labels_stay_together() -> None:
    frame = table().assign(age=lambda f: np.where(f.churn == "yes", 100.0, 1.0) + np.arange(40) / 100)
    frame.to_csv("t.csv", index=False)
    made = load_dataset("t.csv", target="churn")
    for part in (made.train, made.validation):
        np.testing.assert_array_equal(part.x[:, 0] > 50, part.y == 1)


@pytest.mark.parametrize(
    ("separator", "spoken"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_other_separators_are_found_and_said(separator: str, spoken: str) -> None:
    table().to_csv("t.csv", index=False, sep=separator)
    made = load_dataset("t.csv", target="churn")
    assert made.origin is not None
    assert made.origin.reading is not None
    assert made.origin.reading.separator == separator
    assert f"columns are separated by {spoken}" in made.notes


def test_decimal_commas_are_found_and_said() -> None:
    plain = table()
    plain["width"] = np.random.default_rng(0).normal(size=len(plain)).round(4)
    plain.to_csv("plain.csv", index=False)
    plain.to_csv("t.csv", index=False, sep=";", decimal=",")
    made, wanted = (load_dataset(name, target="churn") for name in ("t.csv", "plain.csv"))
    assert "numbers have a decimal comma" in made.notes
    assert made.origin is not None
    assert made.origin.reading is not None
    assert made.origin.reading.decimal == ","
    np.testing.assert_array_equal(made.train.x, wanted.train.x)
    np.testing.assert_array_equal(made.validation.y, wanted.validation.y)


def test_a_word_among_decimal_commas_is_missing() -> None:
    slipped = table()
    slipped["width"] = [f"{row},5" for row in range(len(slipped))]
    slipped.loc[7, "width"] = "k.A."
    slipped.to_csv("t.csv", index=False, sep=";", decimal=",")
    made = load_dataset("t.csv", target="churn")
    assert features(made)[4] == "width"
    assert (
        "column 'width': 1 of 40 values is no number and counts as missing: 'k.A.' (line 9);"
        " --strict refuses it" in made.notes
    )
    error = failure("t.csv", target="churn", tables=STRICT)
    assert error.message == "t.csv: column 'width' holds numbers, but line 9 has 'k.A.'"


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ("1,{:03}.5", 1000.5),
        ("{}.5%", 0.5),
        ("2{:02} %", 200),
        ("${}.25", 0.25),
        ("€ {}.25", 0.25),
        ("{},5", 0.5),
        ("1.{:03},25 €", 1000.25),
        ("[{}.5]", 0.5),
        ("-1 000 {:03}", -1000000),
        ("$1,{:03},000", 1000000),
    ],
)
def test_marks_beside_numbers_are_left_aside(form: str, number: float) -> None:
    odd = table()
    odd["price"] = [form.format(row) for row in range(len(odd))]
    odd.to_csv("t.csv", index=False)
    made = load_dataset("t.csv", target="churn")
    first = form.format(0)
    assert f"column 'price': numbers are written with marks, {first!r} is read as {number:.10g}" in made.notes
    place = features(made).index("price")
    prices = np.concatenate([made.train.x[:, place], made.validation.x[:, place]])
    assert number in prices
    assert len(set(prices)) == 40


def test_numbers_of_which_some_are_in_brackets_are_numbers() -> None:
    masses = pd.DataFrame({"mass": [f"[{n}]" if n % 3 == 0 else f"{n}.008" for n in range(118)]})
    masses.assign(metal=["yes", "no"] * 59).to_csv("t.csv", index=False)
    assert features(load_dataset("t.csv", target="metal")) == ("mass",)


def test_numbers_with_several_currencies_are_no_numbers() -> None:
    text = "x,y\n" + "".join(f"{'$€'[i % 2]}{i % 25},{'ab'[i // 2 % 2]}\n" for i in range(100))
    assert features(load_dataset(csv(text), target="y"))[0] == "x=$0"


def test_a_few_levels_may_look_like_numbers() -> None:
    levels = table()
    levels["share"] = [f"{row % 4}0%" for row in range(len(levels))]
    levels.to_csv("t.csv", index=False)
    assert load_dataset("t.csv", target="churn").input_shape[0] >= 4


def test_a_first_line_of_data_in_place_of_column_names_is_suspected() -> None:
    body = "".join(f"{i}.5,{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(20))
    notes = load_dataset(csv("0.25,3,1\n" + body), target="1").notes
    assert "the column names look like values ('0.25', '3', '1'): is the first line a row of data?" in notes
    flowers = "5.1,3.5,setosa\n" + "".join(f"{i}.5,{i % 7}.2,{'ab'[i % 2]}\n" for i in range(20))
    notes = load_dataset(csv(flowers), target="setosa").notes
    assert (
        "the column names look like values ('5.1', '3.5', 'setosa'): is the first line a row of data?"
        in notes
    )
    assert failure(csv(flowers)).hint.endswith("Does the file begin with a line of column names?")
    for names in ("0,1,2", "0,1,10", "2019,2020,2021"):
        numbered = load_dataset(csv(f"{names}\n" + body), target=names.split(",")[-1]).notes
        assert not any("column names" in note for note in numbered)
    error = failure(csv("5.1,5.1,1\n" + body), target="1")
    assert error.hint == "Does the file begin with a line of column names?"


def test_validation_rows_that_are_trained_on_too_are_counted() -> None:
    rows = table(100)
    rows.to_csv("t.csv", index=False)
    rows.head(30).to_csv("held.csv", index=False)
    notes = load_dataset("t.csv", target="churn", validation="held.csv").notes
    said = "30 of 30 validation rows equal a training row in all that is learned from"
    assert any(note.startswith(said) for note in notes)
    assert not any("equal a training row" in note for note in load_dataset("t.csv", target="churn").notes)


def test_rows_of_few_values_are_equal_by_chance() -> None:
    few = pd.DataFrame(np.random.default_rng(0).integers(2, size=(200, 4)), columns=["a", "b", "c", "y"])
    few.to_csv("t.csv", index=False)
    assert not any("equal a training row" in note for note in load_dataset("t.csv", target="y").notes)


def test_a_byte_order_mark_and_blanks_after_separators_are_no_part_of_names_and_values() -> None:
    text = "\ufeff" + lines().replace(",", ", ")
    made = load_dataset(csv(text), target="y")
    assert made.encoder is not None
    assert made.encoder.feature_names == ("x", "kind=a", "kind=b")
    assert made.classes == ("no", "yes")


def test_a_validation_file_of_its_own_is_encoded_with_what_was_learned_from_training() -> None:
    table().to_csv("train.csv", index=False)
    table().assign(age=1000.0).to_csv("held.csv", index=False)
    made = load_dataset("train.csv", target="churn", validation="held.csv")
    assert (made.train.rows, made.validation.rows) == (40, 40)
    assert np.all(made.validation.x[:, 0] == 1000)
    assert "validation: the 40 rows of held.csv" in made.notes
    assert made.origin is not None
    assert made.origin.validation == "held.csv"


def test_nothing_is_learned_from_validation_rows() -> None:
    frame = table()
    frame.to_csv("train.csv", index=False)
    frame.assign(city="Paris").to_csv("held.csv", index=False)
    made = load_dataset("train.csv", target="churn", validation="held.csv")
    assert np.all(made.validation.x[:, 1:] == 0)
    assert np.all(made.train.x[:, 1:].sum(axis=1) == 1)


def test_npz_takes_x_and_y() -> None:
    x = np.arange(80.0).reshape(40, 2)
    np.savez("a.npz", X=x, y=np.arange(40) % 2)
    made = load_dataset("a.npz")
    assert made.task is Task.BINARY
    assert made.train.x.dtype == np.float32
    assert made.encoder is None
    assert sorted([*made.train.x[:, 0], *made.validation.x[:, 0]]) == list(x[:, 0])


def test_npz_with_rows_for_validation_keeps_them() -> None:
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    np.savez("a.npz", x_train=x, y_train=y, x_test=x[:4] + 100, y_test=y[:4])
    made = load_dataset("a.npz")
    np.testing.assert_array_equal(made.train.x, x)
    np.testing.assert_array_equal(made.validation.x, x[:4] + 100)
    np.testing.assert_array_equal(made.validation.y, y[:4])
    assert "validation: the 4 rows of a.npz (x_test)" in made.notes
    assert made.origin is not None
    assert made.origin.own_validation


def test_a_validation_file_goes_before_the_validation_rows_of_the_source() -> None:
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    np.savez("a.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    np.savez("b.npz", x=x + 7, y=y)
    made = load_dataset("a.npz", validation="b.npz")
    np.testing.assert_array_equal(made.validation.x, x + 7)
    assert made.origin is not None
    assert not made.origin.own_validation


def test_images_of_bytes_in_an_archive_are_brought_to_0_to_1() -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 4, 5), dtype=np.uint8)
    np.savez("a.npz", x=x, y=np.arange(20) % 2)
    made = load_dataset("a.npz")
    assert made.input_shape == (4, 5)
    assert made.input_scale == 255
    assert 0 <= made.train.x.min() < made.train.x.max() <= 1
    assert "pixels are divided by 255, so that they are 0 to 1" in made.notes
    assert load_dataset("a.npz", as_images=True).input_shape == (4, 5, 1)


def test_bytes_that_are_no_images_keep_their_values() -> None:
    np.savez("a.npz", x=np.full((20, 3), 200, dtype=np.uint8), y=np.arange(20) % 2)
    made = load_dataset("a.npz")
    assert made.input_scale == 1
    assert np.all(made.train.x == 200)


FUNCTIONS = """
import numpy as np
import pandas as pd

X = np.arange(60.0).reshape(30, 2)
Y = np.arange(30) % 3
FRAME = pd.DataFrame({"a": X[:, 0] % 7, "c": ["u", "v"] * 15})

def arrays(): return X, Y
def column(): return X, Y[:, None]
def one_feature(): return X[:, 0], Y
def parts(): return (X, Y), (X[:6] + 1, Y[:6])
def pandas_pair(): return FRAME, pd.Series(Y, name="kind")
def pandas_frame(): return FRAME, pd.DataFrame({"kind": Y})
def pandas_and_numpy(): return FRAME, Y
def whole(): return FRAME.assign(kind=Y)
def one_hot(): return X, np.eye(3)[Y]
def one_hot_parts(): return (X, np.eye(3)[Y]), (X, np.eye(3)[Y])
def many_targets(): return X, X / 2
def words(): return X, np.array(["u", "v"] * 15)
def raw_bytes(): return X, np.array([b"u", b"v"] * 15)
def nothing(): return None
def three(): return X, Y, Y
def five(): return X, Y, Y, Y, Y
def bad_parts(): return (X, Y, Y, Y), (X, Y)
def ragged(): return [[1, 2], [3]], [0, 1]
def unequal(): return X, Y[:-1]
def scalars(): return 1, 2
def empty(): return X[:0], Y[:0]
def twice(): return pd.DataFrame(np.ones((30, 2)), columns=["a", "a"]), Y
def no_rows(): return FRAME.iloc[:0]
def text_inputs(): return np.array([["a", "b"]] * 30), Y
def complex_inputs(): return X * 1j, Y
def holes():
    x = X.copy()
    x[4, 1] = np.nan
    return x, Y
def infinite():
    x = X.copy()
    x[5, 0] = np.inf
    return x, Y
def no_features(): return np.zeros((30, 0)), Y
def unknown_target():
    y = X[:, 0].copy()
    y[[2, 9]] = np.nan
    return X, y
def endless_target():
    y = X[:, 0] + 0.5
    y[3] = np.inf
    return X, y
def dates(): return X, pd.Series(pd.date_range("2024-01-01", periods=30))
def text_squares(): return X, np.array([["u", "v"]] * 30)
def raises():
    value = 1
    raise RuntimeError("no network")
def beside():
    from beside_me import load
    return load()
"""


@pytest.fixture
def functions(tmp_path: Path) -> str:
    (tmp_path / "data.py").write_text(FUNCTIONS)
    return "data.py"


def made_by(function: str, **options: object) -> Dataset:
    return load_dataset(f"data.py:{function}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["arrays", "column", "one_hot", "pandas_pair", "pandas_frame", "pandas_and_numpy"]
)
def test_a_function_may_return_arrays_and_pandas_objects(functions: str, name: str) -> None:
    made = made_by(name)
    assert made.name == f"data.py:{name}"
    assert made.task is Task.MULTICLASS
    assert made.classes == (0, 1, 2)
    assert (made.train.rows, made.validation.rows) == (24, 6)
    assert (made.encoder is not None) is name.startswith("pandas")


def test_the_name_of_a_series_is_the_target(functions: str) -> None:
    assert made_by("pandas_pair").target == "kind"
    assert made_by("whole", target="kind").target == "kind"
    assert made_by("whole", target="kind").fingerprint == made_by("pandas_pair").fingerprint


def test_inputs_of_one_dimension_are_one_feature(functions: str) -> None:
    assert made_by("one_feature").input_shape == (1,)


def test_a_function_may_return_training_and_validation_rows(functions: str) -> None:
    made = made_by("parts")
    assert (made.train.rows, made.validation.rows) == (30, 6)
    assert made.validation.x[0].tolist() == [1, 2]
    assert "validation: the 6 rows of data.py:parts (validation)" in made.notes


def test_one_column_per_class_is_read_as_classes_and_said(functions: str) -> None:
    made = made_by("one_hot")
    assert (
        made.notes[0]
        == "task: multiclass (3 classes: 0, 1, 2), as the target has a column for each of 3 classes"
    )
    np.testing.assert_array_equal(made_by("one_hot_parts").validation.y, np.arange(30) % 3)


def test_targets_of_another_shape_stay_as_they_are(functions: str) -> None:
    made = made_by("many_targets")
    assert made.task is Task.OTHER
    np.testing.assert_array_equal(made.train.y, made.train.x / 2)
    assert made_by("one_hot", task=Task.OTHER).train.y.shape == (24, 3)
    assert made_by("words", task=Task.OTHER).fingerprint


@pytest.mark.parametrize("name", ["words", "raw_bytes"])
def test_text_in_an_array_is_a_label(functions: str, name: str) -> None:
    assert made_by(name).classes == ("u", "v")


def test_the_function_may_import_what_stands_beside_its_file_when_it_is_called(
    functions: str, tmp_path: Path
) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "data.py").write_text(FUNCTIONS)
    (tmp_path / "kit" / "beside_me.py").write_text("from data import arrays as load\n")
    assert load_dataset("kit/data.py:beside").train.rows == 24


# What can't, and what is said then.


def test_no_such_file_is_said() -> None:
    assert failure("gone.csv", target="y").message == "gone.csv: no such file"
    assert failure("gone.npz").message == "gone.npz: no such file"
    assert "gone.parquet" in failure("gone.parquet", target="y").message
    assert failure("gone.py:load").message == "gone.py: no such file"


def test_a_folder_named_like_a_file_is_said() -> None:
    Path("t.csv").mkdir()
    assert failure("t.csv", target="y").message == "t.csv: can't be read: Is a directory"


@pytest.mark.parametrize("text", ["", "\n\n  \n"])
def test_an_empty_file_is_said(text: str) -> None:
    assert failure(csv(text), target="y").message == "t.csv: the file is empty"


def test_a_file_with_nothing_below_its_column_names_is_said() -> None:
    message = failure(csv("x,y\n"), target="y").message
    assert message == "t.csv: has a line of column names and no rows below it"


def test_a_table_without_target_lists_its_columns() -> None:
    error = failure(csv(lines()))
    assert error.message == "t.csv: say which column is to be predicted"
    assert error.hint == "Give --target COLUMN. Columns: 'x', 'kind', 'y'."


def test_an_unknown_target_gets_the_nearest_column() -> None:
    table().to_csv("t.csv", index=False)
    error = failure("t.csv", target="chrun")
    assert error.message == "t.csv: has no column 'chrun'"
    assert error.hint == "Did you mean 'churn'?"


def test_an_unknown_target_that_is_near_to_nothing_lists_the_columns() -> None:
    assert failure(csv(lines()), target="price").hint == "Columns: 'x', 'kind', 'y'."


def test_a_file_without_column_names_is_suspected() -> None:
    text = "5.1,3.5,0\n" * 20
    assert "Does the file begin with a line of column names?" in failure(csv(text), target="y").hint


def test_a_table_of_the_target_alone_is_refused() -> None:
    assert (
        failure(csv("y\n" + "1\n2\n" * 10), target="y").message == "t.csv: has no column but the target 'y'"
    )


def test_a_column_name_that_stands_twice_is_refused() -> None:
    assert failure(csv("x,x,y\n1,2,3\n"), target="y").message == "t.csv: column name 'x' stands twice"


def test_three_rows_are_too_few() -> None:
    error = failure(csv("x,y\n1,a\n2,b\n3,a\n"), target="y")
    assert error.message == "t.csv: 3 rows are too few to learn from"


def test_one_class_is_refused() -> None:
    text = "x,y\n" + "".join(f"{i},spam\n" for i in range(20))
    assert failure(csv(text), target="y").message == "t.csv: the target 'y' has one class only, 'spam'"


def test_a_class_with_a_single_row_is_left_out_and_named() -> None:
    made = load_dataset(csv(lines("1,a,maybe", "2,b,", "3,a,perhaps", rows=40)), target="y")
    assert made.task is Task.BINARY
    assert made.classes == ("no", "yes")
    said = (
        "classes 'maybe', 'perhaps' have one row only, to train on or to validate on, and they are left"
        " out: lines 42, 44; --strict refuses this"
    )
    assert said in made.notes
    assert made.fingerprint == load_dataset(csv(lines(rows=40)), target="y").fingerprint
    assert load_folds("t.csv", target="y", folds=2)[0].classes == ("no", "yes")


def test_a_class_with_a_single_row_stays_where_the_rows_are_not_split() -> None:
    csv(lines(), "held.csv")
    made = load_dataset(csv(lines("1,a,maybe")), target="y", validation="held.csv")
    assert made.classes == ("maybe", "no", "yes")


def test_whole_numbers_of_which_one_stands_once_are_quantities() -> None:
    text = "x,rooms\n" + "".join(f"{i}.5,{2 + i % 9}\n" for i in range(99)) + "1,11\n"
    made = load_dataset(csv(text), target="rooms")
    assert made.task is Task.REGRESSION
    assert made.notes[0] == (
        "task: regression, as some of 10 distinct whole numbers stand in one row only; --task multiclass"
        " takes them for classes"
    )
    assert load_dataset("t.csv", target="rooms", task=Task.MULTICLASS).classes == tuple(range(2, 11))
    grades = "x,y\n" + "".join(f"{i}.5,{1 + i % 4}\n" for i in range(99)) + "1,5\n"
    assert load_dataset(csv(grades), target="y").classes == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("numbers", "task"),
    [
        pytest.param([0, 1, 2, 3, 7, 12], Task.REGRESSION, id="counts with gaps"),
        pytest.param([0, 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30], Task.REGRESSION, id="visits"),
        pytest.param([1, 2, 3, 5, 6, 7], Task.MULTICLASS, id="classes of which one is not used"),
        pytest.param(
            [*range(1, 11), *range(14, 17)], Task.MULTICLASS, id="classes of which few are not used"
        ),
        pytest.param(list(range(0, 100, 10)), Task.MULTICLASS, id="even steps"),
        pytest.param([0, 1, 5, 90], Task.MULTICLASS, id="few codes"),
        pytest.param(list(range(10)), Task.MULTICLASS, id="digits"),
    ],
)
def test_many_whole_numbers_in_uneven_steps_are_quantities(numbers: list[int], task: Task) -> None:
    text = "x,y\n" + "".join(f"{i}.5,{numbers[i % len(numbers)]}\n" for i in range(120))
    made = load_dataset(csv(text), target="y")
    assert made.task is task
    if task is Task.REGRESSION:
        low, high = min(numbers), max(numbers)
        assert made.notes[0] == (
            f"task: regression, as {len(numbers)} distinct whole numbers lie in uneven steps from {low} to"
            f" {high}; --task multiclass takes them for classes"
        )


def _last(level: str) -> tuple[bool, str]:
    """Levels are sorted; a missing value comes first."""
    return "=" in level, level


CODES = ["02134", "10001", "00501", "94105"]


@pytest.mark.parametrize("gap", ["", "NA"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_numbers_that_begin_with_zeros_are_codes(separator: str, gap: str) -> None:
    rows = [["zip", "x", "hour", "y"]]
    rows += [[[*CODES, gap][i % 5], f"0.{i}", "06:30", "ab"[i % 2]] for i in range(60)]
    made = load_dataset(csv("".join(separator.join(row) + "\n" for row in rows)), target="y")
    levels = [f"zip={code}" for code in sorted(CODES)]
    assert features(made)[:5] == tuple(sorted(["zip=NA" if gap else "zip is missing", *levels], key=_last))
    if not gap:
        assert "column 'zip' is one of codes, as some begin with 0" in made.notes
    assert load_folds("t.csv", target="y", folds=2)[0].encoder is not None


def test_numbers_that_begin_with_zeros_are_what_the_training_rows_have() -> None:
    text = "code,x,y\n" + "".join(f"{CODES[i % 4]},{i}.5,{'ab'[i % 2]}\n" for i in range(60))
    csv("code,x,y\n94105,1.5,a\n10001,2.5,b\n", "held.csv")
    made = load_dataset(csv(text), target="y", validation="held.csv")
    named = features(made)
    assert [named[place] for place in made.validation.x[:, :4].argmax(axis=1)] == ["code=94105", "code=10001"]
    csv("code,x,y\n7,1.5,a\n8,2.5,b\n" + "".join(f"{i},0.5,a\n" for i in range(20)), "t.csv")
    csv("code,x,y\n07,1.5,a\n08,2.5,b\n", "held.csv")
    made = load_dataset("t.csv", target="y", validation="held.csv")
    assert made.validation.x[:, 0].tolist() == [7, 8]


def test_a_letter_beside_codes_is_no_slip() -> None:
    names = [*(f"{i:03}" for i in range(1, 40)), "136A"]
    text = "family,x,y\n" + "".join(f"{names[i % 40]},{i}.5,{'ab'[i % 2]}\n" for i in range(200))
    made = load_dataset(csv(text), target="y")
    assert "family=136A" in features(made)
    assert "family=001" in features(made)


def test_eight_digits_that_are_dates_are_dates() -> None:
    days = [f"2024{1 + i % 12:02}{1 + i % 28:02}" for i in range(60)]
    text = "day,x,y\n" + "".join(f"{day},{i}.5,{'ab'[i % 2]}\n" for i, day in enumerate(days))
    csv("day,x,y\n20240131,1.5,a\n20240229,2.5,b\n", "held.csv")
    made = load_dataset(csv(text), target="y", validation="held.csv")
    assert features(made)[:3] == ("day: month", "day: weekday", "day: days")
    assert made.validation.x[:, 0].tolist() == [1, 2]
    assert made.validation.x[:, 1].tolist() == [2, 3]


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([20240100 + i for i in range(60)], id="no days of months"),
        pytest.param([20240101 + i % 5 for i in range(60)], id="few"),
        pytest.param([2024 + i for i in range(60)], id="years"),
        pytest.param([20240101.5 + i % 20 for i in range(60)], id="fractions"),
    ],
)
def test_other_numbers_are_no_dates(numbers: list[float]) -> None:
    text = "n,x,y\n" + "".join(f"{n},{i % 7}.5,{'ab'[i % 2]}\n" for i, n in enumerate(numbers))
    assert features(load_dataset(csv(text), target="y")) == ("n", "x")


def test_a_class_with_a_single_row_is_refused_where_one_class_would_be_left() -> None:
    text = "x,y\n" + "".join(f"{i % 7},a\n" for i in range(20)) + "1,b\n"
    assert "'b' has 1" in failure(csv(text), target="y").message


def test_a_class_with_a_single_row_is_refused_where_that_is_asked_for() -> None:
    assert failure(csv(lines("1,a,maybe")), target="y", tables=STRICT).message == (
        "t.csv: every class needs at least 2 rows (one to train on and one to hold back), but 'maybe' has 1"
    )


def test_text_as_target_that_is_distinct_in_every_row_is_refused() -> None:
    text = "x,y\n" + "".join(f"{i % 3},name {i}\n" for i in range(30))
    error = failure(csv(text), target="y")
    assert "'name 0' has 1, 'name 1' has 1" in error.message
    assert error.message.endswith("and 25 more")
    assert "is regression" in error.hint


def test_rows_without_target_are_left_out_and_named_by_their_lines() -> None:
    made = load_dataset(csv(lines("1,a,", "2,b,yes", "3,a,")), target="y")
    assert "2 of 23 rows have no target 'y' and are left out: lines 22, 24" in made.notes
    assert (made.train.rows, made.validation.rows) == (16, 5)
    whole = load_dataset(csv(lines("2,b,yes"), "whole.csv"), target="y")
    assert made.fingerprint == whole.fingerprint
    folds = load_folds("t.csv", target="y", folds=3)
    assert [fold.train.rows + fold.validation.rows for fold in folds] == [21] * 3


def test_rows_of_a_validation_file_without_target_are_left_out_too() -> None:
    csv(lines("1,a,"), "held.csv")
    made = load_dataset(csv(lines()), target="y", validation="held.csv")
    assert made.validation.rows == 20
    assert "held.csv: 1 of 21 rows has no target 'y' and is left out: line 22" in made.notes


def test_a_table_in_which_every_target_is_missing_is_refused() -> None:
    text = "x,y\n" + "".join(f"{i},\n" for i in range(20))
    assert failure(csv(text), target="y").message == "t.csv: 0 rows are too few to learn from"


def test_numbers_without_end_as_targets_are_left_out() -> None:
    text = "x,y\n" + "".join(f"{i % 7}.5,{i}.25\n" for i in range(30)) + "1,inf\n2,1e300\n"
    made = load_dataset(csv(text), target="y")
    assert "2 of 32 rows have no target 'y' and are left out: lines 32, 33" in made.notes


REFUSE = TableOptions(missing_target=MissingTarget.REFUSE)


def test_rows_without_target_are_refused_where_that_is_asked_for() -> None:
    error = failure(csv(lines("1,a,", "2,b,yes", "3,a,")), target="y", tables=REFUSE)
    assert error.message == "t.csv: the target 'y' has no value in lines 22, 24"
    assert "remove these rows" in error.hint


def test_many_rows_without_target_are_counted() -> None:
    message = failure(csv(lines(*["1,a,"] * 9)), target="y", tables=REFUSE).message
    assert message == "t.csv: the target 'y' has no value in lines 22, 23, 24, 25, 26 and 4 more"


def test_lines_are_counted_across_blank_lines_and_line_breaks_in_quotes() -> None:
    text = lines('1,"a\nb",yes', "", "   ", "1,a,")
    message = failure(csv(text), target="y", tables=REFUSE).message
    assert message == "t.csv: the target 'y' has no value in line 26"


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "None", "?", "n.a.", "nil", "-", "N/A "])
def test_words_for_a_missing_value_are_missing_among_numbers(word: str) -> None:
    made = load_dataset(csv(lines(*[f"{word},a,yes"] * 30)), target="y")
    assert features(made)[:2] == ("x", "x is missing")
    assert f"{word.strip()!r} counts as missing in column 'x' (30 rows)" in made.notes


def test_a_column_of_numbers_and_words_for_missing_ones_is_what_an_empty_field_makes_of_it() -> None:
    words = load_dataset(csv(lines("NA,a,yes", "?,b,no", rows=60)), target="y")
    empty = load_dataset(csv(lines(",a,yes", ",b,no", rows=60)), target="y")
    assert words.fingerprint == empty.fingerprint


@pytest.mark.parametrize("word", ["NA", "nan", "null", "None"])
def test_words_are_levels_and_classes(word: str) -> None:
    text = "kind,y\n" + "".join(f"{'ab'[i % 2]},{'uv'[i % 2]}\n{word},{word}\n" for i in range(20))
    made = load_dataset(csv(text), target="y")
    assert word in made.classes
    assert f"kind={word}" in features(made)
    said = f"{word!r} is a word as any other in 2 columns, 'kind', 'y'; --missing {word} takes it for missing"
    assert said in made.notes
    made = load_dataset("t.csv", target="y", tables=TableOptions(missing=(word,)))
    assert made.classes == ("u", "v")
    assert features(made) == ("kind=a", "kind=b")
    assert f"20 of 40 rows have no target 'y' and are left out: {some_lines(5)} and 15 more" in made.notes


def some_lines(count: int) -> str:
    return "lines " + ", ".join(str(3 + 2 * row) for row in range(count))


def test_a_number_may_stand_for_a_missing_value() -> None:
    text = "x,n,y\n" + "".join(f"{i}.5,{i % 7},{'ab'[i % 2]}\n" for i in range(40)) + "-999,-999,a\n"
    made = load_dataset(csv(text), target="y", tables=TableOptions(missing=("-999",)))
    assert "'-999' counts as missing in 2 columns, 'x' (1 row), 'n' (1 row)" in made.notes
    assert min(made.train.x.min(), made.validation.x.min()) == 0


def test_truth_with_a_word_for_missing_values_stays_truth() -> None:
    text = "x,y\n" + "".join(f"{i % 2 == 0},{'ab'[i // 2 % 2]}\n" for i in range(40)) + "NA,a\n"
    words = load_dataset(csv(text), target="y")
    assert words.fingerprint == load_dataset(csv(text.replace("NA", "")), target="y").fingerprint


def test_dates_with_a_word_for_missing_values_stay_dates() -> None:
    text = "x,d,y\n" + "".join(f"{i},2024-01-{1 + i % 28},{'ab'[i % 2]}\n" for i in range(40)) + "1,NA,a\n"
    made = load_dataset(csv(text), target="y")
    assert "'NA' counts as missing in column 'd' (1 row)" in made.notes


def test_words_among_many_numbers_are_missing_and_named_with_their_lines() -> None:
    made = load_dataset(csv(lines("tall,a,yes", "very tall,b,no", "1,a,yes", rows=40)), target="y")
    assert features(made)[:2] == ("x", "x is missing")
    assert (
        "column 'x': 2 of 43 values are no numbers and count as missing: 'tall', 'very tall'"
        " (lines 42, 43); --strict refuses them" in made.notes
    )


def test_text_among_numbers_is_refused_where_that_is_asked_for() -> None:
    error = failure(csv(lines("n.a.,a,yes", "n.a.,b,no", "1,a,yes", rows=40)), target="y", tables=STRICT)
    assert error.message == "t.csv: column 'x' holds numbers, but line 42 has 'n.a.' (and 1 more rows)"
    assert error.hint == "Correct the value, or leave it empty if it is missing."


def test_a_row_whose_numeric_target_is_a_word_has_no_target() -> None:
    text = "x,y\n" + "".join(f"{i % 3},{i}.25\n" for i in range(30)) + "1,12.5 EUR\n"
    made = load_dataset(csv(text), target="y")
    assert made.task is Task.REGRESSION
    assert any("'12.5 EUR' (line 32)" in note for note in made.notes)
    assert "1 of 31 rows has no target 'y' and is left out: line 32" in made.notes


def test_a_word_among_few_numbers_is_a_level() -> None:
    text = "n,y\n" + "".join(f"{4 + 2 * (i % 3)},{'ab'[i % 2]}\n" for i in range(120)) + "rotary,a\n"
    made = load_dataset(csv(text), target="y", validation=0.3)
    assert features(made) == ("n=4", "n=6", "n=8", "n=rotary")
    said = "column 'n': each of its 4 values is a level, as 'rotary' is no number (1 of 121 rows)"
    assert said in made.notes
    assert failure("t.csv", target="y", tables=STRICT).message.endswith("but line 122 has 'rotary'")


def test_validation_rows_are_read_as_training_rows_are() -> None:
    """What is a level there is one here, though these rows alone would be read as numbers."""
    text = "n,m,y\n" + "".join(f"{i % 3},{i},{'ab'[i % 2]}\n" for i in range(60)) + "3+,1,a\n3+,2,b\n"
    held = "n,m,y\n" + "".join(f"{i % 3},{i},{'ab'[i % 2]}\n" for i in range(3)) + "3+,NA,a\n1,tall,a\n"
    held += "".join(f"{i % 3},{i},{'ab'[i % 2]}\n" for i in range(30))
    csv(held, "held.csv")
    made = load_dataset(csv(text), target="y", validation="held.csv")
    assert features(made) == ("n=0", "n=1", "n=2", "n=3+", "m")
    assert made.validation.x[:, :4].sum(axis=1).tolist() == [1] * 35
    assert "held.csv: 'NA' counts as missing in column 'm' (1 row)" in " ".join(made.notes)


def test_few_levels_of_which_most_are_numbers_are_levels() -> None:
    text = "n,y\n" + "".join(f"{i % 3},{'ab'[i % 2]}\n" for i in range(60)) + "3+,a\n3+,b\n"
    made = load_dataset(csv(text), target="y")
    assert made.encoder is not None
    assert made.encoder.feature_names == ("n=0", "n=1", "n=2", "n=3+")


@pytest.mark.parametrize("value", ["inf", "-inf", "1e300", "Infinity"])
def test_infinity_in_a_table_is_missing_and_named_with_its_line(value: str) -> None:
    made = load_dataset(csv(lines(f"{value},a,yes", rows=40)), target="y")
    said = "column 'x': 1 row counts as missing: its value is infinite, or beyond float32 (line 42)"
    assert said in made.notes
    assert np.isfinite(made.train.x).all()
    assert np.isfinite(made.validation.x).all()
    message = failure("t.csv", target="y", tables=STRICT).message
    assert message.startswith("t.csv: column 'x': line 42 has ")


def test_infinity_in_parquet_and_in_a_frame_is_missing(functions: str) -> None:
    frame = table().assign(size=lambda f: np.where(f.index == 3, np.inf, f.index))
    frame.to_parquet("t.parquet")
    Path("f.py").write_text("import pandas as pd\ndef load(): return pd.read_parquet('t.parquet')\n")
    for source in ("t.parquet", "f.py:load"):
        notes = load_dataset(source, target="churn").notes
        assert any("'size': 1 row counts as missing" in note for note in notes)


def test_utf_16_is_told_by_its_first_bytes() -> None:
    Path("t.csv").write_bytes("x,y\n1,2\n".encode("utf-16"))
    assert failure("t.csv", target="y").hint == "Convert it, for example: iconv -f UTF-16 -t UTF-8 t.csv."


def test_bytes_that_are_not_utf_8_are_named_with_their_line() -> None:
    error = failure(csv(lines("1,Köln,yes").encode("latin-1")), target="y")
    assert error.message == "t.csv:22: not UTF-8 text: byte 0xf6"
    assert "iconv" in error.hint
    assert "t.csv:1: not UTF-8" in failure(csv("x,ö\n1,2\n".encode("latin-1")), target="y").message


def test_a_line_with_too_many_values_is_named() -> None:
    error = failure(csv(lines("1,a,yes,5")), target="y")
    assert error.message == "t.csv:22: 4 values, but the table has 3 columns"
    every = "x,y\n" + "1,2,3\n" * 20
    assert failure(csv(every), target="y").message == "t.csv:2: 3 values, but the table has 2 columns"


def test_a_quotation_mark_that_is_left_open_is_said() -> None:
    error = failure(csv(lines('1,"a,yes')), target="y")
    assert "not a table: EOF inside string" in error.message
    assert error.hint == "Is a quotation mark left open?"


def test_a_file_that_is_no_parquet_is_said() -> None:
    Path("t.parquet").write_bytes(b"hello, I am no table at all")
    assert failure("t.parquet", target="y").message.startswith("t.parquet: can't be read as Parquet: ")


def test_parquet_names_rows_by_their_place() -> None:
    table().assign(churn=lambda f: f.churn.where(f.index != 7)).to_parquet("t.parquet")
    assert failure("t.parquet", target="churn", tables=REFUSE).message == (
        "t.parquet: the target 'churn' has no value in row 7 (counted from 0)"
    )
    table().iloc[:0].to_parquet("t.parquet")
    assert failure("t.parquet", target="churn").message == "t.parquet: has no rows"


@pytest.mark.parametrize(
    ("value", "spoken"),
    [([1, 2], "lists"), ({"a": 1}, "records"), ([{"a": 1}], "lists"), ([], "lists")],
    ids=str,
)
@pytest.mark.parametrize("memory", ["", "1K"])
def test_lists_and_records_are_left_out_and_are_no_target(
    value: object, spoken: str, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPTUNE_MEMORY", memory)
    table().assign(odd=[value, None] * 20).to_parquet("t.parquet")
    notes = load_dataset("t.parquet", target="churn").notes
    assert "column 'odd' is not used: it holds neither numbers nor text" in notes
    message = failure("t.parquet", target="odd").message
    assert message == f"t.parquet: the target 'odd' holds {spoken}, which can't be predicted"


def test_an_archive_without_y_lists_what_it_holds() -> None:
    np.savez("a.npz", x=np.zeros((20, 2)), labels=np.zeros(20))
    error = failure("a.npz")
    assert error.message == "a.npz: needs arrays x and y, or x_train and y_train; holds labels, x"
    np.savez("a.npz", x=np.zeros((20, 2)), y=np.arange(20), x_val=np.zeros((2, 2)))
    assert "holds x, x_val, y" in failure("a.npz").message


def test_a_file_that_is_no_archive_is_said() -> None:
    Path("a.npz").write_bytes(b"PK\x03\x04 half an archive")
    assert "a.npz: can't be read as a NumPy archive" in failure("a.npz").message
    Path("a.npz").write_bytes(b"hello")
    assert "a.npz: can't be read as a NumPy archive" in failure("a.npz").message
    with Path("a.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert failure("a.npz").message == "a.npz: holds one array, not an archive of x and y"


def test_python_objects_in_an_archive_are_never_loaded() -> None:
    np.savez("a.npz", x=np.array([{}, {}], dtype=object), y=np.zeros(2))
    error = failure("a.npz")
    assert "plain arrays" in error.message
    assert "not Python objects" in error.hint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "data.py:nothing: returned None"),
        ("three", "data.py:three: has a weight for each row, which no built-in recipe learns from"),
        ("five", "data.py:five: returned a tuple of 5"),
        ("bad_parts", "data.py:bad_parts: returned a tuple of 2"),
        ("unequal", "data.py:unequal: 30 rows of inputs but 29 targets"),
        ("scalars", "data.py:scalars: the inputs are one value, not one per row"),
        ("empty", "data.py:empty: has no rows"),
        ("no_features", "data.py:no_features: rows of shape (0,) hold nothing to learn from"),
        ("raises", "data.py:raises: it raised RuntimeError: no network (data.py:55)"),
        ("whole", "data.py:whole: say which column is to be predicted"),
        ("no_rows", "data.py:no_rows: has no rows"),
        ("twice", "data.py:twice: column name 'a' stands twice"),
        ("holes", "data.py:holes: row 4 (counted from 0), column 1: nan can't be learned from"),
        ("infinite", "data.py:infinite: row 5 (counted from 0), column 0: inf can't be learned from"),
        ("complex_inputs", "data.py:complex_inputs: the inputs hold complex numbers, not numbers"),
        (
            "text_inputs",
            "data.py:text_inputs: the inputs hold text, not numbers",
        ),
        ("unknown_target", "data.py:unknown_target: the target has no value in rows 2, 9 (counted from 0)"),
        (
            "endless_target",
            "data.py:endless_target: the target has no finite value in row 3 (counted from 0)",
        ),
        ("dates", "data.py:dates: the target holds datetime64, which can't be predicted"),
        ("text_squares", "data.py:text_squares: targets of shape (30, 2) hold <U1, not numbers"),
    ],
)
def test_what_a_function_must_not_return_is_described(functions: str, name: str, message: str) -> None:
    assert failure(f"data.py:{name}").message == message


def test_lists_of_unequal_length_are_described(functions: str) -> None:
    assert failure("data.py:ragged").message.startswith("data.py:ragged: returned lists of unequal length")


def test_a_misspelt_function_gets_the_nearest_name(functions: str) -> None:
    assert failure("data.py:arays").hint == "Did you mean 'arrays'?"


def test_a_target_where_there_are_no_columns_is_refused(functions: str) -> None:
    assert "has no column 'y'" in failure("data.py:arrays", target="y").message
    assert failure("digits", target="y").message == "digits: has no columns, and so no column 'y'"


def test_validation_rows_of_another_form_are_refused(functions: str) -> None:
    csv(lines())
    assert failure("t.csv", target="y", validation="digits").message.startswith("digits: has no columns")
    np.savez("a.npz", x=np.zeros((20, 3)), y=np.arange(20) % 3)
    assert failure("data.py:arrays", validation="a.npz").message == (
        "a.npz: rows of shape (3,), but those of data.py:arrays have (2,)"
    )
    assert failure("data.py:pandas_pair", validation="a.npz").message == (
        "a.npz: is an array, but the training rows in data.py:pandas_pair are a table"
    )


def test_a_class_that_training_has_not_is_refused_in_validation_rows() -> None:
    csv(lines())
    csv(lines("1,a,noo"), "held.csv")
    error = failure("t.csv", target="y", validation="held.csv")
    assert error.message == "held.csv: the training rows have no class noo"
    assert error.hint == "Did you mean 'no'?"


def test_a_column_that_validation_rows_lack_is_named() -> None:
    csv(lines())
    csv(lines().replace("kind", "kinds"), "held.csv")
    assert failure("t.csv", target="y", validation="held.csv").message == (
        "held.csv: the table has no column 'kind'"
    )


def test_text_in_validation_rows_where_numbers_are_due_is_named_with_its_line() -> None:
    csv(lines())
    csv("x,kind,y\n" + "old,a,yes\nnew,b,no\n" * 5, "held.csv")
    assert failure("t.csv", target="y", validation="held.csv").message == (
        "held.csv: column 'x' holds numbers, but line 2 has 'old'"
    )


def test_validation_rows_that_are_not_there_are_said() -> None:
    assert failure(csv(lines()), target="y", validation="gone.csv").message == "gone.csv: no such file"


def test_a_misspelt_bundled_name_gets_the_nearest() -> None:
    error = failure("digit")
    assert error.message == "digit: no bundled data set has this name, and no file or folder"
    assert error.hint.startswith("Did you mean 'digits'?")


def test_a_file_of_another_kind_is_refused() -> None:
    Path("t.docx").write_bytes(b"PK")
    assert failure("t.docx").message == "t.docx: not a kind of file that can be read"
    assert failure("gone.docx").message == "gone.docx: no such file or folder"
    assert failure("gone.xlsx").message == "gone.xlsx: no such file"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("t.pkl", "a pickle runs whatever its author wrote into it"),
        ("t.arff", "save it as CSV"),
        ("t.xls", "save it as .xlsx"),
        ("t.h5", "save the table as Parquet"),
        ("-", "standard input stands for the data of `hptune search`"),
    ],
)
def test_what_is_never_read_is_refused_with_what_to_do(name: str, words: str) -> None:
    Path(name).write_bytes(b"")
    error = failure(name, target="y")
    assert words in f"{error.message} {error.hint}"


def test_a_table_is_no_images() -> None:
    assert failure(csv(lines()), target="y", as_images=True).message == (
        "t.csv: is a table, and its rows are no images"
    )


def test_no_python_function_is_called_for_each_row() -> None:
    def calls(rows: int) -> int:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({f"n{i}": rng.normal(size=rows) for i in range(3)})
        frame["city"] = rng.choice([f"city {i}" for i in range(60)], rows)
        frame["whole"] = rng.integers(0, 9, rows)
        frame["churn"] = rng.choice(["yes", "no"], rows)
        frame.loc[::7, "n1"] = np.nan
        frame.to_csv("t.csv", index=False)
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(counted)
        try:
            load_dataset("t.csv", target="churn")
        finally:
            sys.setprofile(None)
        return count

    calls(1000)  # what is imported on the first use is not counted
    assert calls(20_000) < 2 * calls(1000)
