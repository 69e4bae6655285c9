from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.data import load_folds
from hptune.data.column_kinds import learn_encoder
from hptune.data.encoder import CategoricalColumn, DroppedColumn, NumericColumn, TableEncoder
from hptune.data.levels import chosen_levels
from hptune.data.table_options import MOST_LEVELS
from hptune.errors import DataError


def learned(**columns: object) -> TableEncoder:
    return learn_encoder(pd.DataFrame(columns))[0]


def notes(**columns: object) -> tuple[str, ...]:
    return learn_encoder(pd.DataFrame(columns))[1]


def test_a_complete_numeric_column_is_one_feature() -> None:
    encoder = learned(age=[3.5, 1.0, 2.0])
    assert encoder.columns == (NumericColumn(name="age", fill=2.0),)
    made = encoder.encode(pd.DataFrame({"age": [7, 8]}))
    assert made.dtype == np.float32
    assert made.tolist() == [[7], [8]]


def test_a_missing_number_becomes_the_median_and_a_feature_says_so() -> None:
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0, 8.0]})
    encoder, said = learn_encoder(frame)
    assert encoder.feature_names == ("age", "age is missing")
    assert encoder.encode(frame).tolist() == [[1, 0], [3, 1], [3, 0], [8, 0]]
    assert said == ("column 'age': 1 of 4 training values are missing; they become the median, 3",)


def test_a_missing_text_is_a_level_and_is_said() -> None:
    _, said = learn_encoder(pd.DataFrame({"plan": ["a", None, "b", "a"]}))
    assert said == ("column 'plan': 1 of 4 training values are missing, which is a level of its own",)


def test_a_number_that_is_missing_only_later_becomes_the_median_too() -> None:
    assert learned(age=[1.0, 2.0, 3.0]).encode(pd.DataFrame({"age": [np.nan]})).tolist() == [[2]]


def test_levels_are_sorted_and_one_hot() -> None:
    encoder = learned(city=["Rome", "Bonn", "Rome", "Oslo"])
    assert encoder.columns == (CategoricalColumn(name="city", levels=("Bonn", "Oslo", "Rome")),)
    assert encoder.feature_names == ("city=Bonn", "city=Oslo", "city=Rome")
    assert encoder.encode(pd.DataFrame({"city": ["Oslo", "Bonn"]})).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_an_unknown_level_is_zero_in_all_features() -> None:
    assert learned(city=["Rome", "Bonn"]).encode(pd.DataFrame({"city": ["Paris", None]})).tolist() == [
        [0, 0],
        [0, 0],
    ]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_a_missing_level_is_a_level_of_its_own(missing: object) -> None:
    encoder = learned(city=pd.Series(["Rome", missing, "Rome", "Bonn"], dtype=object))
    assert encoder.feature_names == ("city is missing", "city=Bonn", "city=Rome")
    assert encoder.encode(pd.DataFrame({"city": [missing]}, dtype=object)).tolist() == [[1, 0, 0]]


def test_beyond_fifty_levels_the_rarest_share_one_feature_that_takes_unknown_ones_too() -> None:
    values = [f"level {i:02}" for i in range(60)] * 2 + [f"level {i:02}" for i in range(10, 60)]
    encoder, said = learn_encoder(pd.DataFrame({"city": values}))
    [column] = encoder.columns
    assert isinstance(column, CategoricalColumn)
    assert column.levels == tuple(f"level {i:02}" for i in range(10, 60))
    assert column.other
    assert encoder.feature_names[0] == "city is another"
    made = encoder.encode(pd.DataFrame({"city": ["level 03", "never seen", "level 10"]}))
    assert made.shape == (3, MOST_LEVELS + 1)
    assert made.argmax(axis=1).tolist() == [0, 0, 1]
    assert made.sum(axis=1).tolist() == [1, 1, 1]
    assert said == (
        "column 'city': the 50 most frequent of 60 levels count, all others as one;"
        " --levels N takes another number",
    )
    for levels, columns in ((60, 60), (20, 21)):
        wide = learn_encoder(pd.DataFrame({"city": values}), levels=levels)[0]
        assert len(wide.feature_names) == columns


def test_levels_beyond_fifty_count_where_they_stand_in_three_rows_each() -> None:
    values = [f"level {i:03}" for i in range(150)] * 3
    encoder, said = learn_encoder(pd.DataFrame({"city": values}))
    assert len(encoder.feature_names) == 150
    assert said == ("column 'city': each of its 150 levels has a feature of its own",)
    encoder, said = learn_encoder(pd.DataFrame({"city": [*values, "rare", "rare"]}))
    assert len(encoder.feature_names) == 151
    assert encoder.feature_names[0] == "city is another"
    assert said[0].startswith("column 'city': the 150 most frequent of 151 levels count")


def test_levels_are_counted_in_the_training_rows_of_each_fold_alone(tmp_path: Path) -> None:
    shops = np.array([f"shop {i:02}" for i in np.arange(640) % 80])
    path = tmp_path / "t.csv"
    pd.DataFrame({"shop": shops, "y": np.arange(640) + 0.5}).to_csv(path, index=False)
    found = []
    for fold in load_folds(str(path), folds=2, target="y"):
        assert fold.encoder is not None
        [column] = fold.encoder.columns
        assert isinstance(column, CategoricalColumn)
        # The target tells which rows these are.
        trained = pd.Series(shops[fold.train.y.astype(int)]).value_counts()
        assert set(column.levels) == set(trained[trained >= 3].index)
        assert 50 < len(column.levels) < 80
        found.append(column.levels)
    assert found[0] != found[1]


def test_levels_are_no_more_than_memory_has_room_for() -> None:
    counts = {f"level {i:04}": 5 for i in range(1200)}
    assert len(chosen_levels(counts, 6_000, None)[0]) == 1000
    assert len(chosen_levels(counts, 1_000_000, None)[0]) == 67
    assert len(chosen_levels(counts, 10**8, None)[0]) == MOST_LEVELS
    assert len(chosen_levels(counts, 10**8, 1100)[0]) == 1100


def test_exactly_fifty_levels_need_no_other() -> None:
    [column] = learned(city=[f"level {i:02}" for i in range(50)] * 2).columns
    assert isinstance(column, CategoricalColumn)
    assert not column.other
    assert len(column.levels) == 50


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([True, False, True], id="bool"),
        pytest.param(pd.array([True, False, None], dtype="boolean"), id="nullable"),
        pytest.param(pd.Series([True, False, None], dtype=object), id="objects"),
    ],
)
def test_true_and_false_are_numbers(values: object) -> None:
    encoder = learned(member=values)
    assert isinstance(encoder.columns[0], NumericColumn)
    assert encoder.encode(pd.DataFrame({"member": [True, False]}))[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pd.array([1, 5, None], dtype="Int64"), id="nullable integers"),
        pytest.param(pd.Series([Decimal("1"), Decimal("5"), None], dtype=object), id="decimals"),
        pytest.param(pd.Series([1, 5.0, None], dtype=object), id="objects"),
        pytest.param(pd.array([1.0, 5.0, None], dtype="float64[pyarrow]"), id="Arrow"),
    ],
)
def test_numbers_of_every_kind_are_numbers(values: object) -> None:
    frame = pd.DataFrame({"x": values})
    assert learn_encoder(frame)[0].encode(frame).tolist() == [[1, 0], [5, 0], [3, 1]]


def test_a_pandas_category_is_categorical_though_its_levels_are_numbers() -> None:
    encoder = learned(grade=pd.Categorical([3, 1, 3]))
    assert encoder.feature_names == ("grade=1", "grade=3")
    assert encoder.encode(pd.DataFrame({"grade": [1.0, 3.0]})).tolist() == [[1, 0], [0, 1]]


def test_levels_are_the_same_when_a_later_table_holds_them_as_numbers() -> None:
    encoder = learned(children=["0", "1", "2", "3+"])
    assert encoder.encode(pd.DataFrame({"children": [1, 2]})).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    assert encoder.encode(pd.DataFrame({"children": [1.0, np.nan]})).tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]


def test_text_that_is_half_numbers_is_reported() -> None:
    assert notes(x=["1", "2", "1", "2", "a", "b"]) == (
        "column 'x': taken as text, though 67% of its values are numbers",
    )


def many(n: int = 20) -> list[int]:
    return [(7 * i) % n for i in range(n)]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param([3.0] * 20, "is always 3.0", id="a constant number"),
        pytest.param(["x"] * 20, "is always x", id="a constant text"),
        pytest.param([True] * 20, "is always True", id="a constant truth"),
        pytest.param([None] * 20, "has no values in the training rows", id="no values"),
        pytest.param([""] * 20, "has no values in the training rows", id="empty texts"),
        pytest.param(
            [f"name {i}" for i in range(20)],
            "identifies the row: nearly every value is distinct",
            id="distinct texts",
        ),
        pytest.param(
            [f"name {i}" for i in range(19)] + [None],
            "identifies the row: nearly every value is distinct",
            id="distinct texts with a gap",
        ),
        pytest.param(list(range(20)), "numbers the rows", id="rows numbered from 0"),
        pytest.param(list(range(1, 21)), "numbers the rows", id="rows numbered from 1"),
        pytest.param(["2024-01-31"] * 20, "is always 2024-01-31", id="a constant date"),
        pytest.param(["2024-13-31", "2024-99-99"] * 10, "holds dates that can't be read", id="no dates"),
        pytest.param(
            [time(1, i) for i in range(20)],
            "holds times or durations: give what matters of them as numbers, such as the hour or seconds",
            id="times",
        ),
        pytest.param([[1, 2]] * 20, "holds neither numbers nor text", id="lists"),
        pytest.param([b"x", b"y"] * 10, "holds neither numbers nor text", id="bytes"),
    ],
)
def test_a_column_that_teaches_nothing_is_dropped_with_the_reason(values: list[object], reason: str) -> None:
    frame = pd.DataFrame({"useful": [0.5, 1.5] * 10, "odd": pd.Series(values)})
    encoder, said = learn_encoder(frame)
    assert encoder.dropped == (DroppedColumn(name="odd", reason=reason),)
    assert encoder.feature_names == ("useful",)
    assert said == (f"column 'odd' is not used: it {reason}",)


DAYS = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), date(2024, 12, 25)]


@pytest.mark.parametrize(
    ("values", "spoken"),
    [
        pytest.param([str(day) for day in DAYS], "", id="ISO"),
        pytest.param([f"{day}T00:00:00" for day in DAYS], "", id="with a time"),
        pytest.param([day.strftime("%Y/%m/%d") for day in DAYS], "", id="slashes"),
        pytest.param([day.strftime("%d.%m.%Y") for day in DAYS], ", read as day.month.year", id="points"),
        pytest.param([day.strftime("%d/%m/%Y") for day in DAYS], ", read as day.month.year", id="days first"),
        pytest.param(
            [day.strftime("%m/%d/%Y") for day in DAYS], ", read as month/day/year", id="months first"
        ),
        pytest.param([day.strftime("%b %d %Y") for day in DAYS], "", id="a month's name first"),
        pytest.param([day.strftime("%B %d, %Y") for day in DAYS], "", id="a month's whole name"),
        pytest.param([day.strftime("%d-%b-%Y").upper() for day in DAYS], "", id="a month's name second"),
        pytest.param(DAYS, "", id="dates"),
        pytest.param(pd.to_datetime(pd.Series(DAYS)), "", id="pandas"),
        pytest.param(pd.to_datetime(pd.Series(DAYS)).dt.tz_localize("UTC"), "", id="with a zone"),
    ],
)
def test_dates_become_numbers_in_every_notation(values: object, spoken: str) -> None:
    frame = pd.DataFrame({"when": values})
    encoder, said = learn_encoder(frame)
    assert encoder.feature_names == ("when: year", "when: month", "when: weekday", "when: days")
    assert encoder.encode(frame).tolist() == [
        [2023, 12, 6, 0],
        [2024, 1, 0, 1],
        [2024, 2, 3, 60],
        [2024, 12, 2, 360],
    ]
    parts = "year, month, weekday and days since 2023-12-31"
    assert said == (f"column 'when': dates become numbers: {parts}{spoken}",)


def test_weekdays_do_not_count_where_all_dates_are_of_one_day_of_the_month() -> None:
    frame = pd.DataFrame(
        {"month": [f"{year}-{month:02}-01" for year in (2020, 2021) for month in range(1, 13)]}
    )
    assert learn_encoder(frame)[0].feature_names == ("month: year", "month: month", "month: days")


def test_hours_count_where_they_vary_and_constant_parts_do_not() -> None:
    frame = pd.DataFrame({"at": ["2024-01-01 07:30", "2024-01-08 19:00", "2024-01-15 07:10:12.5"]})
    encoder = learn_encoder(frame)[0]
    assert encoder.feature_names == ("at: hour", "at: days")
    assert encoder.encode(frame).tolist() == [[7, 0], [19, 7], [7, 14]]


def test_a_missing_date_becomes_the_medians_and_a_feature_says_so() -> None:
    frame = pd.DataFrame({"on": ["2024-01-01", None, "2024-01-02", "2024-01-09", "2024-02-30"]})
    encoder, said = learn_encoder(frame)
    assert encoder.feature_names == ("on: weekday", "on: days", "on is missing")
    assert encoder.encode(frame).tolist() == [[0, 0, 0], [1, 1, 1], [1, 1, 0], [1, 8, 0], [1, 1, 1]]
    assert said[0].endswith("2 of 5 training values are missing, 1 of them no dates; they become the medians")


def test_later_dates_are_read_as_the_training_dates_were() -> None:
    encoder = learned(on=["31.01.2024", "01.02.2024"])
    assert encoder.encode(pd.DataFrame({"on": ["01.02.2024", "nonsense"]}))[:, -1].tolist() == [1, 0.5]


@pytest.mark.parametrize(
    "name", ["id", "customer_id", "PassengerId", "customerID", "Unnamed: 0", "RowNumber", "index"]
)
def test_distinct_whole_numbers_named_like_an_identifier_are_dropped(name: str) -> None:
    frame = pd.DataFrame({"useful": [0.5, 1.5] * 10, name: [1000 + 13 * i for i in many()]})
    assert learn_encoder(frame)[0].dropped[0].reason == "identifies the row: every value is distinct"


@pytest.mark.parametrize("name", ["Order No", "invoice_nr", "code", "seqno", "PID", "docno"])
def test_distinct_whole_numbers_named_like_a_number_of_the_row_are_dropped(name: str) -> None:
    frame = pd.DataFrame({"useful": [0.5, 1.5] * 10, name: [1000 + 13 * i for i in many()]})
    assert learn_encoder(frame)[0].dropped[0].reason == "identifies the row: every value is distinct"


@pytest.mark.parametrize("name", ["NO", "no", "week_no", "grid", "numbers"])
def test_repeated_whole_numbers_with_such_a_name_are_kept(name: str) -> None:
    assert learned(**{name: [1000 + 13 * (i // 2) for i in many()]}).feature_names == (name,)


@pytest.mark.parametrize("name", ["id", "store_id", "StoreId", "subject", "Patient", "user.id"])
@pytest.mark.parametrize("gap", [False, True])
def test_whole_numbers_named_like_an_identifier_are_names(name: str, gap: bool) -> None:
    numbers = [7, 12, 7, None if gap else 12, 300] * 6
    encoder, said = learn_encoder(pd.DataFrame({name: numbers}))
    levels = ("", "12", "300", "7") if gap else ("12", "300", "7")
    assert encoder.columns == (CategoricalColumn(name=name, levels=levels),)
    assert "its numbers are names, of 3 in all, and no quantities" in said[0]
    assert encoder.encode(pd.DataFrame({name: [7, 300]})).argmax(axis=1).tolist() == [
        levels.index("7"),
        levels.index("300"),
    ]


def test_nearly_distinct_whole_numbers_named_like_an_identifier_are_dropped() -> None:
    numbers = [1000 + 13 * i for i in range(95)] + [1000] * 5
    frame = pd.DataFrame({"useful": [0.5, 1.5] * 50, "ID": numbers})
    assert learn_encoder(frame)[0].dropped[0].reason == "identifies the row: nearly every value is distinct"


@pytest.mark.parametrize(
    ("names", "each", "reason"),
    [(60, 5, "names 60 of something, each in few rows"), (60, 10, ""), (50, 5, ""), (400, 1, None)],
)
def test_many_names_of_few_rows_each_are_dropped(names: int, each: int, reason: str | None) -> None:
    numbers = [1000 + 13 * (i % names) for i in range(names * each)]
    frame = pd.DataFrame({"useful": [0.5, 1.5] * (names * each // 2), "user_id": numbers})
    dropped = learn_encoder(frame)[0].dropped
    if reason is None:
        assert dropped[0].reason == "identifies the row: every value is distinct"
    else:
        assert [one.reason for one in dropped] == ([reason] if reason else [])


def test_fractions_named_like_an_identifier_are_quantities() -> None:
    assert learned(id=[0.5, 1.5] * 10).feature_names == ("id",)


@pytest.mark.parametrize("name", ["width", "paid", "humidity", "idea"])
def test_distinct_whole_numbers_with_another_name_are_kept(name: str) -> None:
    assert learned(**{name: [1000 + 13 * i for i in many()]}).feature_names == (name,)


def test_years_that_go_up_by_one_are_no_row_numbers() -> None:
    assert learned(year=list(range(1990, 2020))).feature_names == ("year",)


def test_row_numbers_are_found_in_a_shuffled_part_of_the_table() -> None:
    frame = pd.DataFrame({"useful": [0.5, 1.5] * 20, "n": range(40)}).iloc[
        [3, 17, 5, 30, 8, 1, 2, 39, 12, 20]
    ]
    assert learn_encoder(frame)[0].dropped == (DroppedColumn(name="n", reason="numbers the rows"),)


def test_a_few_distinct_texts_are_levels() -> None:
    assert learned(city=["a", "b", "c"]).feature_names == ("city=a", "city=b", "city=c")


def test_a_table_of_which_nothing_is_left_is_refused_with_the_reasons() -> None:
    with pytest.raises(DataError, match="no column is left to learn from") as caught:
        learned(a=[1, 1], b=["x", "x"])
    assert caught.value.hint == (
        "column 'a' is not used: it is always 1; column 'b' is not used: it is always x"
    )


def test_columns_are_found_by_name_in_any_order_and_others_are_not_looked_at() -> None:
    encoder = learned(a=[1, 2], b=[3, 4])
    assert encoder.encode(pd.DataFrame({"z": ["?"], "b": [9], "a": [8]})).tolist() == [[8, 9]]


def test_columns_may_be_named_by_numbers() -> None:
    assert learn_encoder(pd.DataFrame({0: [1, 2], 1: [3, 5]}))[0].encode(
        pd.DataFrame({0: [1], 1: [2]})
    ).tolist() == [[1, 2]]


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(DataError, match="the table has no column 'income'") as caught:
        learned(income=[1, 2]).encode(pd.DataFrame({"incom": [1]}))
    assert caught.value.hint == "Did you mean 'incom'?"


def test_text_where_a_number_is_due_is_named() -> None:
    with pytest.raises(DataError, match=r"column 'a' holds numbers, but row 1 \(counted from 0\) has 'x'"):
        learned(a=[1, 2]).encode(pd.DataFrame({"a": ["3", "x"]}))


def test_dates_where_numbers_are_due_are_refused() -> None:
    with pytest.raises(DataError, match="column 'a' holds numbers"):
        learned(a=[1, 2]).encode(pd.DataFrame({"a": pd.date_range("2024-01-01", periods=2)}))


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("dtype", [float, object])
def test_what_float32_cannot_hold_is_missing(value: float, dtype: type) -> None:
    encoder = learned(a=[1, 2, 4, value])
    assert encoder.feature_names == ("a", "a is missing")
    frame = pd.DataFrame({"a": pd.Series([value, 3], dtype=dtype)})
    assert encoder.encode(frame).tolist() == [[2, 1], [3, 0]]


def test_only_the_training_rows_are_learned_from() -> None:
    encoder = learn_encoder(pd.DataFrame({"a": [1.0, 3.0, 900.0], "b": ["x", "y", "z"]}).iloc[:2])[0]
    assert encoder.columns == (
        NumericColumn(name="a", fill=2.0),
        CategoricalColumn(name="b", levels=("x", "y")),
    )


def test_impossible_constants_are_refused() -> None:
    with pytest.raises(DataError, match="missing values can't become nan"):
        NumericColumn(name="a", fill=float("nan"))
    with pytest.raises(DataError, match="a level stands twice"):
        CategoricalColumn(name="a", levels=("x", "x"))


@given(
    numbers=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=20),
    levels=st.lists(st.sampled_from(["a", "b", "é", "", None, "new"]), min_size=1, max_size=20),
)
def test_the_constants_alone_repeat_the_encoding(
    numbers: list[float | None], levels: list[str | None]
) -> None:
    """The arithmetic of the module's docstring, written a second time row by row."""
    encoder = TableEncoder(
        columns=(
            NumericColumn(name="n", fill=1.5, indicator=True),
            CategoricalColumn(name="c", levels=("", "a", "b"), other=True),
            CategoricalColumn(name="d", levels=("b", "é")),
        )
    )
    rows = min(len(numbers), len(levels))
    frame = pd.DataFrame(
        {
            "n": pd.Series(numbers[:rows], dtype=float),
            "c": pd.Series(levels[:rows], dtype=object),
            "d": pd.Series(levels[:rows], dtype=object),
        }
    )
    expected = []
    for number, level in zip(numbers, levels, strict=False):
        row = [1.5 if number is None else number, number is None]
        text = level or ""
        row += [text not in ("", "a", "b"), text == "", text == "a", text == "b"]
        row += [text == "b", text == "é"]
        expected.append(row)
    np.testing.assert_array_equal(encoder.encode(frame), np.array(expected, dtype=np.float32))
