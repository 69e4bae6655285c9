"""Batches of a user's own: what is taken, what is refused, and what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.streams import DATA

from hptune.data import Dataset, Task, load_dataset, load_folds
from hptune.data.stream import Stream, Streams, seed_order
from hptune.data.structure import Given
from hptune.errors import DataError
from hptune.study.records import BATCHES


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(DATA)


def given(name: str, **options: Any) -> Dataset:
    return load_dataset(f"data.py:{name}", as_given=True, **options)


@pytest.mark.parametrize(
    ("name", "extent"),
    [
        ("tensorflow", "10 training batches and 4 validation batches"),
        ("pydataset", "10 training batches and 4 validation batches"),
        ("loader", "10 training batches and 4 validation batches"),
        ("generators", "10 training batches and 4 validation batches"),
        ("repeating", "10 training batches and 4 validation batches"),
        ("held_rows", "10 training batches and 50 validation rows"),
        ("trained_rows", "150 training rows and 4 validation batches"),
        ("unknown_end", "training batches and 4 validation batches"),
    ],
)
def test_each_kind_is_taken_and_counted_as_far_as_it_can_be(name: str, extent: str) -> None:
    dataset = given(name)
    assert dataset.extent == extent
    assert dataset.task is Task.UNKNOWN
    assert dataset.input_shape == (5,)
    assert any("can't be checked" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alone", "returned a tf.data.Dataset alone, and batches can't be split by a share"),
        ("alone_with_steps", "returned a generator alone, and batches can't be split by a share"),
        ("apart", "returned 3 things (_BatchDataset, _BatchDataset, _BatchDataset), which are no pair"),
        ("endless", "the training tf.data.Dataset never ends, and comes without steps"),
        ("without_steps", "the training generator may never end, and comes without steps"),
        ("uncounted", "the training NoEnd may never end, and comes without steps"),
        ("no_steps", "the training generator comes with 0 steps"),
        ("within", "the training tf.data.Dataset has 10 batches and comes with 3 steps: it would end within"),
        ("empty", "the training tf.data.Dataset has no batches"),
        ("single", "training batches hold single values, not one for each row"),
        ("other_form", "validation batches hold x of {a: shape (rows, 3), float32, b: shape (rows, 2)"),
        ("steps_beside_unknown", "one stream has steps, and the tf.data.Dataset beside it has none"),
        (
            "ragged",
            "training batches hold rows of unequal shape, or sparse ones, and dense arrays are needed",
        ),
        ("broken", "its training Broken raised OSError: no such picture (data.py:"),
    ],
)
def test_what_can_not_be_trained_on_is_refused_in_a_sentence(name: str, message: str) -> None:
    with pytest.raises(DataError) as refused:
        given(name)
    assert refused.value.message.startswith(f"data.py:{name}: {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 0.3}, "--validation: data.py:pydataset gives batches"),
        ({"validation": "data.py:held_rows"}, "--validation: data.py:pydataset gives batches"),
        ({"task": Task.BINARY}, "--task: data.py:pydataset gives batches"),
        ({"positive": "1"}, "--positive: data.py:pydataset gives batches"),
        ({"target": "y"}, "data.py:pydataset: returns a tuple of 2, which has no column 'y'"),
        ({"image_size": 8}, "data.py:pydataset: is no folder of images"),
        ({"as_given": False}, "data.py:pydataset: gives batches, and no built-in recipe learns from them"),
    ],
)
def test_options_that_need_rows_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as refused:
        load_dataset("data.py:pydataset", **{"as_given": True, **options})
    assert refused.value.message.startswith(message)


def test_folds_need_rows() -> None:
    with pytest.raises(DataError, match="gives batches, and --cv needs rows"):
        load_folds("data.py:pydataset", folds=2, as_given=True)


def test_a_fingerprint_is_of_the_form_alone() -> None:
    same = [given("tensorflow").fingerprint for _ in range(2)]
    assert same[0] == same[1] == given("pydataset").fingerprint
    assert same[0].startswith(BATCHES)
    others = {given(name).fingerprint for name in ("wider", "dicts", "weighted", "unknown_end")}
    assert len(others | set(same)) == 5


def test_rows_beside_a_stream_count_in_the_fingerprint() -> None:
    before = given("held_rows").fingerprint
    Path("data.py").write_text(DATA.replace("(X[HELD], Y[HELD])", "(X[HELD] + 1, Y[HELD])"))
    assert given("held_rows").fingerprint != before


def test_axes_that_differ_from_batch_to_batch_have_no_length() -> None:
    assert given("any_length").input_form.shape == (None, None)
    assert given("tensorflow").input_form.shape == (None, 5)


def test_a_batch_is_what_keras_takes_it_for() -> None:
    first = given("weighted").train.as_given
    assert set(given("dicts").train.as_given.x) == {"a", "b"}
    np.testing.assert_array_equal(first.weights, np.where(first.y == 1, 2.0, 0.5))


class Loop:
    """Two batches, each time that it is gone through."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        yield from ([np.ones(2), np.zeros(2)], np.full(2, 2.0))


def streams_of(*parts: Any) -> Streams:
    found = Streams.of(parts, lambda: parts, "data.py:load")
    assert found is not None
    return found


def test_only_what_is_used_up_is_made_anew() -> None:
    made = iter(range(9))

    def load() -> Any:
        return (iter([np.full(2, next(made))]), 1), (np.ones(2),)

    streams = Streams.of(load(), load, "data.py:load")
    assert streams is not None
    for number in (1, 2):
        anew = streams.fresh().train
        assert isinstance(anew, Stream)
        assert anew.first(1)[0].x[0] == number
    kept = streams_of(Loop(), (np.ones(2),))
    assert kept.fresh() is kept


def test_arrays_alone_are_no_streams() -> None:
    assert Streams.of(([np.ones(3)], np.ones(3)), lambda: None, "f") is None
    assert Streams.of(((np.ones(3), 3), np.ones(3)), lambda: None, "f") is None


def test_a_few_is_one_batch_of_a_stream_and_some_rows() -> None:
    few = streams_of((iter([np.ones(2)]), 7), (np.arange(9.0), np.arange(9.0))).few(4)
    assert isinstance(few.train, Stream)
    assert few.train.steps == 1
    assert isinstance(few.validation, Given)
    assert len(few.validation.x) == 4


def test_an_object_without_an_end_of_its_own_goes_round() -> None:
    fed = Stream(source=Loop()).for_fit()
    taken = [next(fed) for _ in range(3)]
    assert [len(batch) for batch in taken] == [2, 1, 2]
    assert list(Stream(source=iter([])).for_fit()) == []


def test_the_order_is_seeded_by_all_numbers() -> None:
    drawn = []
    for numbers in ((1, 2), (1, 3), (1, 2)):
        seed_order(*numbers)
        drawn.append(np.random.rand())
    assert drawn[0] == drawn[2] != drawn[1]
