"""An exported model predicts from raw rows what the trained model predicts from encoded ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hptune.data import Dataset, load_dataset
from hptune.data.dates import date_numbers
from hptune.data.encoder import DateColumn
from hptune.export.model import input_names, with_preprocessing

ROWS = 60


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Dataset]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(40, 10, ROWS)),
            "in/out": rng.normal(size=ROWS),
            "city": rng.choice(["Lyon", "Paris", "Århus", None], ROWS),
            "member": rng.random(ROWS) < 0.5,
            "kind": rng.choice(["cat", "dog", "eel"], ROWS),
        }
    )
    path = tmp_path_factory.mktemp("data") / "pets.csv"
    frame.to_csv(path, index=False)
    return frame, load_dataset(str(path), target="kind")


def small_model(dataset: Dataset, activation: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(dataset.outputs, activation=activation)
    return keras.Sequential([keras.Input(dataset.input_shape), dense])


def raw_columns(frame: pd.DataFrame, dataset: Dataset) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    assert dataset.encoder is not None
    names = input_names(dataset.encoder)
    for column in dataset.encoder.columns:
        values = frame[column.name]
        if isinstance(column, DateColumn):
            numbers = date_numbers(values, column.order)
            numbers["days"] = numbers["days"] - column.first
            for part in column.parts:
                columns[f"{column.name}: {part}"] = numbers[part].astype("float32").reshape(-1, 1)
            continue
        if values.dtype.kind in "fb":
            columns[names[column.name]] = tf.constant(values.to_numpy(dtype="float32").reshape(-1, 1))
        else:
            columns[names[column.name]] = tf.constant(
                values.fillna("").astype(object).to_numpy().reshape(-1, 1)
            )
    return columns


def saved_and_loaded(model: keras.Model, folder: Path) -> keras.Model:
    model.save(folder / "m.keras")
    return keras.models.load_model(folder / "m.keras")


def test_a_table_goes_in_raw_and_labels_come_out(table: tuple[pd.DataFrame, Dataset], tmp_path: Path) -> None:
    frame, dataset = table
    inner = small_model(dataset, "softmax")
    whole = saved_and_loaded(with_preprocessing(inner, dataset), tmp_path)
    unseen = pd.concat(
        [frame, pd.DataFrame({"age": [np.nan], "in/out": [0.5], "city": ["Oslo"], "member": [True]})],
        ignore_index=True,
    )
    assert dataset.encoder is not None
    expected = inner.predict(dataset.encoder.encode(unseen), verbose=0)
    found = whole.predict(raw_columns(unseen, dataset), verbose=0)
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-5, atol=1e-6)
    labels = [dataset.classes[code] for code in expected.argmax(axis=1)]
    assert [label.decode() for label in found["prediction"]] == labels
    assert len(set(labels)) > 1


@pytest.mark.parametrize("word", ["[UNK]", "[MASK]", "a\nb", "\\N", "nan"])
def test_any_word_may_be_a_level_and_a_class(word: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"kind": rng.choice([word, "[UNK]_", "p"], ROWS), "y": rng.choice([word, "u", "v"], ROWS)}
    )
    assert_same_answers(frame.assign(x=rng.normal(size=ROWS)), tmp_path)


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    names = ["", " ", "a/b", "a_b", "a_b_2", "A", "a", "é", "a:0", "..", "training", "%s", "a\nb", "column"]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=ROWS) for name in names})
    assert_same_answers(frame.assign(y=rng.choice(["u", "v", "w"], ROWS)), tmp_path)


def test_infinite_numbers_are_missing_to_an_exported_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=ROWS)
    numbers[[1, 5, 9]] = np.inf, -np.inf, np.nan
    assert_same_answers(pd.DataFrame({"x": numbers, "y": rng.choice(["u", "v", "w"], ROWS)}), tmp_path)


def test_many_levels_go_in_raw(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shop = [f"no. {number}" for number in np.arange(6 * ROWS) % 75]
    frame = pd.DataFrame({"shop": [*shop[:-1], "rare"], "y": rng.choice(["u", "v", "w"], 6 * ROWS)})
    assert_same_answers(frame, tmp_path)


def test_dates_go_in_as_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    days = pd.Series(pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 500, ROWS), unit="D"))
    days[[3, 7]] = None
    assert_same_answers(pd.DataFrame({"on": days, "y": rng.choice(["u", "v", "w"], ROWS)}), tmp_path)


def assert_same_answers(frame: pd.DataFrame, folder: Path) -> None:
    """Compare an exported model with what the inner one says of encoded rows."""
    frame.to_parquet(folder / "t.parquet")
    dataset = load_dataset(str(folder / "t.parquet"), target="y")
    assert dataset.encoder is not None
    inner = small_model(dataset, "softmax")
    whole = saved_and_loaded(with_preprocessing(inner, dataset), folder)
    found = whole.predict(raw_columns(frame, dataset), verbose=0)
    expected = inner.predict(dataset.encoder.encode(frame), verbose=0)
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-5, atol=1e-6)
    labels = [dataset.classes[code] for code in expected.argmax(axis=1)]
    assert [label.decode() for label in found["prediction"]] == labels


@pytest.mark.parametrize("classes", [("no", "yes"), (False, True), (3, 7), (0, 1)], ids=str)
def test_labels_of_two_classes_are_those_of_the_data(classes: tuple[Any, Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3)).astype("float32")
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["y"] = [classes[int(v)] for v in x[:, 0] > 0]
    frame.to_csv(tmp_path / "d.csv", index=False)
    dataset = load_dataset(str(tmp_path / "d.csv"), target="y")
    assert dataset.classes == classes
    inner = small_model(dataset, "sigmoid")
    whole = saved_and_loaded(with_preprocessing(inner, dataset), tmp_path)
    found = whole.predict({name: x[:, [i]] for i, name in enumerate("abc")}, verbose=0)
    expected = inner.predict(x, verbose=0)[:, 0]
    labels = [classes[int(p > 0.5)] for p in expected]
    given = [v.decode() if isinstance(v, bytes) else v.item() for v in found["prediction"]]
    assert given == labels
    assert {type(label) for label in given} == {type(label) for label in labels}, "1 is not True"
    np.testing.assert_allclose(found["probability"][:, 1], expected, rtol=1e-5)


def test_a_number_comes_out_in_its_own_units(tmp_path: Path) -> None:
    dataset = load_dataset("diabetes")
    inner = small_model(dataset, "linear")
    whole = saved_and_loaded(with_preprocessing(inner, dataset, target=(150.0, 77.0)), tmp_path)
    rows = dataset.validation.x
    expected = inner.predict(rows, verbose=0) * 77 + 150
    np.testing.assert_allclose(whole.predict(rows, verbose=0)["prediction"], expected, rtol=1e-5)
