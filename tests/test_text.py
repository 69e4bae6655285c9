from __future__ import annotations

import pytest

from hptune._text import counted, first_of, is_number, listed, numbered, significant


@pytest.mark.parametrize(("count", "said"), [(0, "0 trials"), (1, "1 trial"), (1200, "1,200 trials")])
def test_a_count_has_the_number_of_its_noun(count: int, said: str) -> None:
    assert counted(count, "trial") == said


@pytest.mark.parametrize(("names", "said"), [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")])
def test_names_are_listed_as_in_a_sentence(names: str, said: str) -> None:
    assert listed(names) == said


@pytest.mark.parametrize(
    ("numbers", "said"), [((), ""), ((3,), "trial 3"), ((3, 7), "trials 3 and 7")], ids=["none", "one", "two"]
)
def test_numbers_have_their_noun(numbers: tuple[int, ...], said: str) -> None:
    assert numbered("trial", numbers) == said


def test_what_is_left_out_of_a_long_list_is_counted() -> None:
    assert first_of("abc", 3) == "a, b, c"
    assert first_of("abcde", 3) == "a, b, c and 2 more"
    assert first_of("abcd", 2, "; ") == "a; b and 2 more"


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0.98611, 4, "0.9861"),
        (31617.3, 4, "31620"),
        (1712.0, 2, "1700"),
        (-24608.14, 5, "-24608"),
        (1e-7, 4, "1e-7"),
        (3.24e8, 2, "3.2e8"),
        (1e22, 3, "1e22"),
        (0.0, 4, "0"),
        (float("inf"), 4, "inf"),
        (None, 4, ""),
    ],
)
def test_numbers_are_written_out_where_people_would(number: float | None, digits: int, text: str) -> None:
    assert significant(number, digits) == text


@pytest.mark.parametrize(("text", "told"), [("1e-3", True), ("-2", True), ("", False), ("1,5", False)])
def test_a_number_is_what_python_reads(text: str, told: bool) -> None:
    assert is_number(text) is told
