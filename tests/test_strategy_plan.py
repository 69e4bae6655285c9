import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.space import Float, Space
from hptune.strategy.plan import plan

SPACE = Space(hyperparameters=(Float(name="decay", low=1e-5, high=1e-1),))


@given(st.integers(1, 300), st.integers(1, 200), st.integers(1, 6))
def test_the_passes_share_the_whole_budget_and_each_can_pay_a_training(trials, epochs, passes):
    made = plan(SPACE, trials, epochs, passes)
    assert sum(made.pass_epochs) == trials * epochs
    assert 1 <= len(made.pass_epochs) <= passes
    assert min(made.pass_epochs) >= epochs
    assert made.bracket.cost <= trials * epochs


def test_the_coarse_pass_takes_a_fifth_to_a_third():
    made = plan(SPACE, 50, 52, 3)
    assert 0.2 <= made.pass_epochs[0] / made.budget <= 0.35


def test_a_plan_says_what_it_buys():
    said = "\n".join(plan(SPACE, 2, 9, 3).lines)
    assert "18 epochs, the cost of 2 full trainings of 9" in said
    assert "passes asked for" in said
    assert "mostly in log" in said
    assert "decay" in said


def test_nothing_can_be_planned_for_no_trials():
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        plan(SPACE, 0, 1, 1)
