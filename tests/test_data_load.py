from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.model_selection import StratifiedKFold, train_test_split

from hptune.data import BUNDLED, Dataset, Origin, SourceKind, Task, load_dataset, load_folds
from hptune.data.dataset import DataSplit
from hptune.data.raw import pair
from hptune.data.split import fold_indices, split_indices
from hptune.data.target import Targets, read_targets
from hptune.errors import DataError


def inferred(y: object, task: Task | None = None) -> Targets:
    array = y if isinstance(y, np.ndarray | pd.Series) else np.asarray(y)
    return read_targets(pair("set", SourceKind.FUNCTION, np.zeros((len(array), 1)), array), task)


# Bundled sets.


@pytest.mark.parametrize(
    ("name", "task", "shape", "rows"),
    [
        ("digits", Task.MULTICLASS, (64,), 1797),
        ("breast_cancer", Task.BINARY, (30,), 569),
        ("wine", Task.MULTICLASS, (13,), 178),
        ("iris", Task.MULTICLASS, (4,), 150),
        ("diabetes", Task.REGRESSION, (10,), 442),
    ],
)
def test_a_bundled_set_is_there_without_preparation(
    name: str, task: Task, shape: tuple[int, ...], rows: int
) -> None:
    made = load_dataset(name)
    assert made.task is task
    assert made.input_shape == shape
    assert made.train.rows + made.validation.rows == rows
    assert made.train.x.dtype == made.validation.x.dtype == np.float32
    assert made.train.y.dtype == (np.float32 if task is Task.REGRESSION else np.int32)
    assert made.train.y.shape == (made.train.rows,)
    assert made.name == name
    assert name in BUNDLED


def test_codes_and_labels_of_bundled_sets_are_those_of_scikit_learn() -> None:
    made = load_dataset("breast_cancer")
    assert made.classes == ("malignant", "benign")
    _, y = datasets.load_breast_cancer(return_X_y=True)
    assert made.class_counts[1] + made.validation.y.sum() == y.sum()
    assert load_dataset("digits").classes == tuple(range(10))
    assert load_dataset("diabetes").classes == ()


def test_digits_are_images_on_request_with_the_same_rows() -> None:
    flat, images = load_dataset("digits"), load_dataset("digits", as_images=True)
    assert images.input_shape == (8, 8, 1)
    np.testing.assert_array_equal(images.train.x.reshape(-1, 64), flat.train.x)
    assert images.origin is not None
    assert images.origin.as_images


def test_measures_are_no_images() -> None:
    with pytest.raises(DataError, match=r"iris: rows of shape \(4,\) are no images"):
        load_dataset("iris", as_images=True)


# The split.


def test_the_split_can_be_repeated_with_scikit_learn_alone() -> None:
    x, y = datasets.load_digits(return_X_y=True)
    train, held = train_test_split(np.arange(1797), test_size=0.3, random_state=7, stratify=y)
    made = load_dataset("digits", validation=0.3, seed=7)
    np.testing.assert_array_equal(made.train.x, x[train].astype(np.float32))
    np.testing.assert_array_equal(made.validation.y, y[held])


def test_the_split_of_a_regression_can_be_repeated_with_scikit_learn_alone() -> None:
    x, y = datasets.load_diabetes(return_X_y=True)
    train, held = train_test_split(np.arange(442), test_size=0.2, random_state=0)
    made = load_dataset("diabetes")
    np.testing.assert_array_equal(made.train.x, x[train].astype(np.float32))
    np.testing.assert_array_equal(made.validation.y, y[held].astype(np.float32))


def test_every_class_has_its_share_in_both_parts() -> None:
    codes = np.repeat([0, 1, 2], [80, 16, 4])
    train, held = split_indices("set", 100, validation=0.25, seed=0, codes=codes, classes=(0, 1, 2))
    assert np.bincount(codes[train]).tolist() == [60, 12, 3]
    assert np.bincount(codes[held]).tolist() == [20, 4, 1]


def test_seeds_part_differently_and_seed_0_is_a_seed() -> None:
    prints = [load_dataset("iris", seed=seed).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


def test_a_share_may_come_as_text() -> None:
    assert load_dataset("iris", validation="0.2").fingerprint == load_dataset("iris").fingerprint


@pytest.mark.parametrize("share", [0, 1, -0.5, 3, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="is not a share of the rows"):
        load_dataset("iris", validation=share)


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (
            0.01,
            "iris: a validation share of 0.01 leaves 2 of 150 rows for validation, fewer than the 3 classes",
        ),
        (
            0.99,
            "iris: a validation share of 0.99 leaves 1 of 150 rows for training, fewer than the 3 classes",
        ),
        (0.999, "iris: a validation share of 0.999 leaves none of 150 rows to train on"),
    ],
)
def test_a_share_that_leaves_a_part_without_every_class_is_refused(share: float, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset("iris", validation=share)
    assert caught.value.message == message


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_scikit_learn_does_not_take_is_refused(seed: int) -> None:
    with pytest.raises(DataError, match="is not between 0 and 4294967295"):
        load_dataset("iris", seed=seed)


@given(
    rows=st.integers(10, 60), share=st.floats(0.05, 0.9), classes=st.integers(2, 6), seed=st.integers(0, 9)
)
def test_every_split_is_whole_or_refused_with_words(rows: int, share: float, classes: int, seed: int) -> None:
    codes = np.arange(rows) % classes
    held_back = math.ceil(share * rows)
    if min(held_back, rows - held_back) < classes or rows < 2 * classes:
        with pytest.raises(DataError, match="set: "):
            split_indices(
                "set", rows, validation=share, seed=seed, codes=codes, classes=tuple(range(classes))
            )
        return
    train, held = split_indices(
        "set", rows, validation=share, seed=seed, codes=codes, classes=tuple(range(classes))
    )
    assert sorted([*train, *held]) == list(range(rows))
    assert set(codes[train]) == set(codes[held]) == set(range(classes))


# Folds.


def test_folds_are_those_of_scikit_learn_and_hold_every_row_back_once() -> None:
    _, y = datasets.load_iris(return_X_y=True)
    expected = list(StratifiedKFold(4, shuffle=True, random_state=5).split(y, y))
    found = fold_indices("iris", 150, folds=4, seed=5, codes=y, classes=(0, 1, 2))
    for (train, held), (theirs, their_held) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(train, theirs)
        np.testing.assert_array_equal(held, their_held)
    assert sorted(np.concatenate([held for _, held in found])) == list(range(150))


def test_folds_of_a_data_set_are_stratified_and_named() -> None:
    folds = load_folds("iris", folds=5, seed=1)
    assert [fold.name for fold in folds][::4] == ["iris (fold 1 of 5)", "iris (fold 5 of 5)"]
    for fold in folds:
        assert fold.class_counts.tolist() == [40, 40, 40]
    assert len({fold.fingerprint for fold in folds}) == 5


def test_folds_of_a_regression_are_parted_too() -> None:
    folds = load_folds("diabetes", folds=3)
    assert sum(fold.validation.rows for fold in folds) == 442


def test_each_fold_learns_its_preprocessing_from_its_own_training_rows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = [f"{value / 4 if value else ''},{'ab'[value % 2]}" for value in range(30)]
    file.write_text("\n".join(["x,y", *rows]))
    for fold in load_folds(str(file), target="y", folds=3):
        assert fold.encoder is not None
        [column] = fold.encoder.columns
        missing = fold.train.x[:, 1] if column.indicator else np.zeros(fold.train.rows)  # type: ignore[union-attr]
        assert column.fill == np.median(fold.train.x[missing == 0, 0])  # type: ignore[union-attr]
        assert fold.train.x.shape[1] == fold.validation.x.shape[1] == len(fold.encoder.feature_names)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (1, "cross-validation needs at least 2 folds, not 1"),
        (60, r"every class needs at least 60 rows \(one for each of 60 folds\), but 'setosa' has 50"),
    ],
)
def test_impossible_folds_are_refused(folds: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_folds("iris", folds=folds)
    with pytest.raises(DataError, match="442 rows can't be parted into 443 folds"):
        load_folds("diabetes", folds=443)


# The task.


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        pytest.param(["b", "a"] * 5, Task.BINARY, ("a", "b"), id="text"),
        pytest.param([True, False] * 5, Task.BINARY, (False, True), id="truth"),
        pytest.param([0, 1] * 5, Task.BINARY, (0, 1), id="0 and 1"),
        pytest.param([0.0, 1.0] * 5, Task.BINARY, (0, 1), id="0.0 and 1.0"),
        pytest.param([-1, 1] * 5, Task.BINARY, (-1, 1), id="-1 and 1"),
        pytest.param([500, 90000] * 5, Task.BINARY, (500, 90000), id="two numbers far apart"),
        pytest.param(list(range(20)) * 3, Task.MULTICLASS, tuple(range(20)), id="twenty"),
        pytest.param(list(range(21)) * 3, Task.REGRESSION, (), id="twenty-one"),
        pytest.param(list(range(10)) * 2, Task.REGRESSION, (), id="too few rows each"),
        pytest.param([1000, 1500, 2000] * 9, Task.REGRESSION, (), id="numbers far apart"),
        pytest.param([0.5, 1.0, 1.5] * 9, Task.REGRESSION, (), id="fractions"),
        pytest.param([3, 5, 7] * 9, Task.MULTICLASS, (3, 5, 7), id="labels with gaps"),
        pytest.param(np.array([[1], [0]] * 5), Task.BINARY, (0, 1), id="a column"),
        pytest.param(np.eye(2)[[0, 1] * 5], Task.BINARY, (0, 1), id="one-hot of two"),
        pytest.param(pd.Series(["x", "y"] * 5, dtype="category"), Task.BINARY, ("x", "y"), id="category"),
        pytest.param(pd.Series([2, 1] * 5, dtype="category"), Task.BINARY, (1, 2), id="numeric category"),
        pytest.param(pd.Series([2, 1] * 5, dtype="Int64"), Task.BINARY, (1, 2), id="nullable"),
        pytest.param(
            pd.Series([True, False] * 5, dtype="boolean"), Task.BINARY, (False, True), id="nullable truth"
        ),
        pytest.param(pd.Series([1, "a"] * 5, dtype=object), Task.BINARY, ("1", "a"), id="mixed"),
        pytest.param(np.zeros((10, 3)), Task.OTHER, (), id="more dimensions"),
    ],
)
def test_the_task_is_inferred_from_the_targets(y: object, task: Task, classes: tuple[object, ...]) -> None:
    found = inferred(y)
    assert found.task is task
    assert found.classes == classes
    assert [type(label) for label in found.classes] == [type(label) for label in classes]
    assert found.note.startswith(f"task: {task}")


@pytest.mark.parametrize(
    ("y", "found"),
    [
        pytest.param([0, 0, 0, 1], 1, id="numbers, the greater one"),
        pytest.param([0, 1, 1, 1], 1, id="also where it is frequent"),
        pytest.param([True, True, False, True], True, id="true"),
        pytest.param(["ok", "ok", "bad", "ok"], "bad", id="the rarer one"),
        pytest.param(["left", "left", "right", "right"], "right", id="the second of equals"),
        pytest.param(["Yes", "Yes", "Yes", "No"], "Yes", id="yes, whatever is rarer"),
    ],
)
def test_of_two_classes_one_is_to_be_found(y: list[object], found: object) -> None:
    targets = inferred(np.array(y * 5))
    assert targets.classes[targets.positive] == found


def test_a_person_may_say_which_class_is_to_be_found() -> None:
    made = load_dataset("breast_cancer", positive="Benign")
    assert (made.positive, load_dataset("breast_cancer").positive) == (1, 0)
    assert {fold.positive for fold in load_folds("breast_cancer", folds=2, positive="benign")} == {1}
    with pytest.raises(DataError, match="has no class 'benin' of two") as refused:
        load_dataset("breast_cancer", positive="benin")
    assert refused.value.hint == "Did you mean 'benign'?"
    with pytest.raises(DataError, match="has no class '1' of two") as refused:
        load_dataset("digits", positive="1")
    assert refused.value.hint == "Leave --positive out."


def test_codes_are_places_in_the_labels() -> None:
    found = inferred(["pear", "apple", "fig", "apple"] * 3)
    assert [found.classes[code] for code in found.y[:4]] == ["pear", "apple", "fig", "apple"]
    assert found.note == "task: multiclass (3 classes: apple, fig, pear), as the target is text"


def test_the_task_may_be_given() -> None:
    assert inferred([0, 1, 2] * 9, Task.REGRESSION).y.dtype == np.float32
    assert inferred([0, 1, 2] * 9, Task.REGRESSION).note == "task: regression (0 to 2), as given"
    assert inferred([0.5, 1.5] * 5, Task.MULTICLASS).classes == (0.5, 1.5)
    assert inferred(["1", "2", "4"] * 5, Task.REGRESSION).y[:3].tolist() == [1, 2, 4]
    assert inferred([0, 1] * 5, Task.MULTICLASS).task is Task.MULTICLASS
    assert load_dataset("digits", task=Task.REGRESSION).train.y.max() == 9
    assert load_dataset("iris", task=Task.OTHER).task is Task.OTHER


def test_a_given_task_goes_with_two_classes_of_softmax() -> None:
    made = load_dataset("breast_cancer", task=Task.MULTICLASS)
    assert made.outputs == 2
    assert load_dataset("breast_cancer").outputs == 1


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        pytest.param(
            [0, 1, 2] * 5,
            Task.BINARY,
            "set: the target has 3 classes, but the task is given as binary",
            id="binary",
        ),
        pytest.param(
            ["a", "b"] * 5,
            Task.REGRESSION,
            "set: the target is text, which regression can't predict",
            id="text",
        ),
        pytest.param(
            np.eye(3),
            Task.REGRESSION,
            r"targets of shape \(3, 3\), but regression has one for each row",
            id="matrix",
        ),
        pytest.param(
            np.ones((4, 3)),
            Task.BINARY,
            r"targets of shape \(4, 3\), but binary has one for each row",
            id="ones",
        ),
        pytest.param([7] * 9, None, "set: the target has one class only, 7", id="one class"),
        pytest.param([7.5] * 9, None, "set: the target is always 7.5", id="one number"),
        pytest.param(
            ["a", None] * 5, None, r"the target has no value in rows 1, 3, 5, 7, 9 \(counted", id="None"
        ),
        pytest.param(
            ["a", ""] * 3, None, r"the target has no value in rows 1, 3, 5 \(counted", id="empty text"
        ),
        pytest.param([0.5, 1e39], None, r"the target has no finite value in row 1 \(counted", id="too large"),
    ],
)
def test_targets_that_cannot_be_predicted_are_refused(y: object, task: Task | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        inferred(y, task)


def test_a_bundled_set_with_names_for_classes_is_no_regression() -> None:
    with pytest.raises(DataError, match="iris: the target is text, which regression can't predict"):
        load_dataset("iris", task=Task.REGRESSION)


# What a data set says of itself.


def test_the_fingerprint_changes_with_any_value_and_any_label(tmp_path: Path) -> None:
    def fingerprint(x: np.ndarray, y: np.ndarray) -> str:
        np.savez(tmp_path / "a.npz", x=x, y=y)
        return load_dataset(str(tmp_path / "a.npz")).fingerprint

    x, y = np.arange(40.0).reshape(20, 2), np.array(["a", "b"] * 10)
    other = x.copy()
    other[3, 1] += 0.5
    prints = {fingerprint(x, y), fingerprint(other, y), fingerprint(x, np.array(["a", "c"] * 10))}
    assert len(prints) == 3
    assert fingerprint(x, y) in prints
    assert all(len(text) == 64 for text in prints)


def test_the_origin_tells_how_to_make_it_again() -> None:
    assert load_dataset("wine", seed=3, validation=0.25).origin == Origin(
        kind=SourceKind.BUNDLED, source="wine", seed=3, validation=0.25
    )


def test_a_data_set_can_be_made_by_hand() -> None:
    part = DataSplit(x=np.zeros((4, 2), np.float32), y=np.array([0, 1, 1, 1], np.int32))
    made = Dataset(name="own", task=Task.BINARY, train=part, validation=part, classes=("no", "yes"))
    assert made.class_counts.tolist() == [1, 3]
    assert (made.input_shape, made.outputs) == ((2,), 1)
