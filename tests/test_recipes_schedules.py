"""Learning-rate decay: each schedule against its formula."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.errors import SpaceError
from hptune.models.recipes.schedules import Decay, Schedule, read_rates

EPOCHS = range(12)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param(Schedule(base=0.5), [0.5] * 12, id="none"),
        pytest.param(
            Schedule(decay=Decay.TIME, base=0.5, rate=0.3), [0.5 / (1 + 0.3 * e) for e in EPOCHS], id="time"
        ),
        pytest.param(
            Schedule(decay=Decay.EXPONENTIAL, base=0.5, rate=0.3),
            [0.5 * math.exp(-0.3 * e) for e in EPOCHS],
            id="exponential",
        ),
        pytest.param(
            Schedule(decay=Decay.STEP, base=0.5, rate=0.3, every=4),
            [0.5 * math.exp(-0.3 * s) for s in (0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8)],
            id="step",
        ),
        pytest.param(
            Schedule(decay=Decay.SQRT, base=0.5, rate=1.0),
            [0.5 / math.sqrt(e + 1) for e in EPOCHS],
            id="sqrt",
        ),
        pytest.param(
            Schedule(decay=Decay.COSINE, base=0.5, span=10),
            [0.25 * (1 + math.cos(math.pi * min(e, 10) / 10)) for e in EPOCHS],
            id="cosine",
        ),
        pytest.param(
            Schedule(decay=Decay.LIST, base=9.0, rates=(0.5, 0.1)),
            [0.5] + [0.1] * 11,
            id="list holds its last",
        ),
    ],
)
def test_a_schedule_follows_its_formula(schedule: Schedule, expected: list[float]) -> None:
    assert [schedule(epoch) for epoch in EPOCHS] == pytest.approx(expected)


@pytest.mark.parametrize("decay", [d for d in Decay if d not in (Decay.NONE, Decay.LIST)])
def test_every_decay_begins_at_the_base_rate_and_never_rises(decay: Decay) -> None:
    schedule = Schedule(decay=decay, base=0.2, rate=0.4, every=3, span=20)
    rates = [schedule(epoch) for epoch in range(20)]
    assert rates[0] == 0.2
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.2


@pytest.mark.parametrize("decay", [Decay.TIME, Decay.EXPONENTIAL, Decay.STEP, Decay.SQRT])
def test_a_larger_decay_rate_decays_faster_and_zero_never(decay: Decay) -> None:
    def last(rate: float) -> float:
        return Schedule(decay=decay, base=1.0, rate=rate, every=2)(9)

    assert last(0.0) == 1.0
    assert 1.0 > last(0.1) > last(0.5)


@given(
    st.sampled_from(Decay),
    st.floats(1e-6, 10),
    st.floats(0, 3),
    st.integers(1, 9),
    st.integers(1, 90),
    st.integers(0, 99),
)
def test_the_printed_function_gives_the_same_rates(
    decay: Decay, base: float, rate: float, every: int, span: int, epoch: int
) -> None:
    schedule = Schedule(decay=decay, base=base, rate=rate, every=every, span=span, rates=(base, base / 2))
    printed = eval(schedule.source(), {"math": math})
    assert printed(epoch) == schedule(epoch) == pickle.loads(pickle.dumps(schedule))(epoch)


def test_a_list_may_say_how_often_a_rate_is_repeated() -> None:
    assert read_rates("0.1*3, 1e-2,0.001 * 2") == (0.1, 0.1, 0.1, 0.01, 0.001, 0.001)


@pytest.mark.parametrize("text", ["", "0.1,,0.2", "fast", "0", "-0.1", "nan", "inf", "0.1*x", "0.1*0"])
def test_what_is_no_list_of_rates_is_refused(text: str) -> None:
    with pytest.raises(SpaceError, match="learning_rates"):
        read_rates(text)
