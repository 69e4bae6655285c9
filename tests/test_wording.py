from __future__ import annotations

import pytest

from hptune.wording import counted, first_of, listed, numbered


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
