"""The decision itself: played through with made-up trainings, in milliseconds."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from support.play import DOWN, UP, Play, bowl, distinct, mixed, space
from threadpoolctl import threadpool_limits

from hptune.space import Choice, Fixed, Float, Integer, Space
from hptune.space.scales import Scale
from hptune.strategy.state import Decision, NoSuggestion
from hptune.strategy.suggest import JUDGED, suggest
from hptune.study.notes import WarmStart
from hptune.study.trial import Observation, TrialState


@pytest.fixture(autouse=True)
def one_thread():
    """As the oracle does: more threads cost more than they bring."""
    import scipy.linalg  # noqa: F401  # it brings a library of its own

    with threadpool_limits(1):
        yield


def test_the_defaults_come_first_and_then_the_starts():
    given = ({"rate": 0.05}, {"rate": 99.0, "gone": 1})
    play = Play(
        space(),
        warm_starts=tuple(WarmStart(values=values, origin="a preset") for values in given),
    ).run()
    assert play.started[0] == space().defaults
    assert play.started[1] == {"rate": 0.05, "width": 0.2}
    assert play.started[2] == {"rate": 0.1, "width": 0.2}
    assert [a.note for a in play.asked[:2]] == ["start: defaults", "start: a preset"]


@pytest.mark.parametrize("objective", [UP, DOWN], ids=str)
def test_it_gets_near_the_best(objective):
    sign = objective.sign
    play = Play(space(), trainings=8, objective=objective, score=lambda v, e: sign * bowl(v, e)).run()
    best = max(sign * o.score for o in play.told if o.epochs == 9)
    assert best > bowl({"rate": 1e-2, "width": 0.7}, 9) - 0.01


@pytest.mark.parametrize("epochs", [1, 2, 3, 9])
@pytest.mark.parametrize("trainings", [1, 2, 3, 7])
def test_any_budget_is_kept_and_ends_with_a_full_training(trainings, epochs):
    play = Play(space(), trainings=trainings, epochs=epochs).run()
    assert play.end is NoSuggestion.BUDGET_USED
    assert play.epochs_used <= trainings * epochs
    assert play.epochs_used > (trainings - 1) * epochs
    assert any(a.epochs == epochs for a in play.asked)
    assert distinct(play.started)


def test_a_training_goes_on_from_where_it_stands():
    play = Play(space(), trainings=10).run()
    had = {}
    numbers = 0
    for answer in play.asked:
        if answer.trial_id is None:
            numbers += 1
            number = numbers
        else:
            number = answer.trial_id
        assert answer.initial_epoch == had.get(number, 0) < answer.epochs <= 9
        had[number] = answer.epochs
    assert any(a.trial_id is not None for a in play.asked)


def test_mixed_spaces_are_searched_with_valid_and_different_configurations():
    play = Play(mixed(), trainings=6).run()
    assert distinct(play.started)
    for values in play.started:
        assert mixed().problems(values) == []
        assert set(values) == set(mixed().active(values))


def test_a_finite_space_is_tried_out_and_said_to_be_exhausted():
    small = Space(
        hyperparameters=(Choice(name="kind", options=("a", "b", "c")), Integer(name="n", low=1, high=3))
    )
    play = Play(small, trainings=100, score=lambda v, e: v["n"] + e / 100).run()
    assert play.end is NoSuggestion.EXHAUSTED
    assert len(play.started) == 9
    assert distinct(play.started)


def test_a_space_without_a_choice_is_one_training():
    fixed = Space(hyperparameters=(Fixed(name="x", value=1),))
    for epochs in (1, 9):
        play = Play(fixed, epochs=epochs, score=lambda v, e: float(e)).run()
        assert play.end is NoSuggestion.EXHAUSTED
        assert play.started == [{"x": 1}]
        assert play.asked[-1].epochs == epochs


@pytest.mark.parametrize("epochs", [1, 9])
def test_several_in_flight_never_repeat_and_keep_the_budget(epochs):
    play = Play(space(), trainings=7, epochs=epochs, abreast=4).run()
    assert distinct(play.started)
    assert play.epochs_used <= 7 * epochs


def test_of_several_told_at_once_each_is_judged_in_turn():
    play = Play(space(), trainings=30, most=14).run()
    play.memo[JUDGED] = len(play.told) - 1
    last = max(o.trial_id for o in play.told)
    promising = [last + 1, last + 2, last + 3]
    for number in promising:
        values = {"rate": 10 ** (-2 + 0.01 * (number - last)), "width": 0.7}
        play.told.append(
            Observation(trial_id=number, values=values, epochs=3, score=1.4, state=TrialState.PAUSED)
        )
    running, went_on = [], []
    for _ in promising:
        answer = suggest(play.state(running))
        assert answer.note.startswith("continue")
        went_on.append(answer.trial_id)
        play.memo = answer.memo
        running.append(
            Observation(
                trial_id=answer.trial_id,
                values=answer.values,
                epochs=answer.epochs,
                score=None,
                state=TrialState.RUNNING,
            )
        )
    assert went_on == promising


def test_it_waits_when_only_running_trials_can_tell_what_is_next():
    play = Play(space(), trainings=1, epochs=9)
    first = suggest(play.state())
    assert isinstance(first, Decision)
    running = Observation(trial_id=1, values=first.values, epochs=9, score=None, state=TrialState.RUNNING)
    assert suggest(play.state([running])) is NoSuggestion.WAIT


def test_equal_scores_are_no_trouble():
    play = Play(space(), trainings=8, score=lambda v, e: 0.5).run()
    assert play.end is NoSuggestion.BUDGET_USED
    assert distinct(play.started)


@pytest.mark.parametrize("epochs", [1, 9])
def test_when_nothing_can_be_trained_it_keeps_looking_elsewhere(epochs):
    play = Play(space(), trainings=8, epochs=epochs, score=lambda v, e: None).run()
    assert play.end is NoSuggestion.BUDGET_USED
    assert distinct(play.started)
    assert len(play.started) >= 8


def test_what_can_not_be_trained_teaches_where_not_to_go():
    def score(values, epochs):
        return None if values["rate"] > 1e-2 else bowl(values, epochs)

    play = Play(space(), trainings=25, epochs=1, score=score).run()
    lost = sum(o.state is TrialState.INFEASIBLE for o in play.told[12:])
    assert lost < 0.4 * len(play.told[12:])
    assert max(o.score for o in play.told if o.score is not None) > bowl({"rate": 1e-2}, 1) - 0.05


def test_scores_that_are_not_numbers_count_as_untrainable():
    play = Play(space(), trainings=8, score=lambda v, e: math.inf if v["rate"] > 0.02 else bowl(v, e)).run()
    assert distinct(play.started)


def random_trials(count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Observation(
            trial_id=i,
            values=(values := space().sample(rng)),
            epochs=9,
            score=bowl(values, 9),
            state=TrialState.COMPLETE,
        )
        for i in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 1000])
def test_trials_made_elsewhere_inform_and_are_not_repeated(count):
    play = Play(space(), trainings=2, imported=random_trials(count)).run()
    assert play.end is NoSuggestion.BUDGET_USED
    known = [dict(o.values) for o in play.imported]
    assert all(values not in known for values in play.started)


def test_imported_values_outside_todays_ranges_still_inform():
    wild = [
        Observation(
            trial_id=1, values={"rate": 3.0, "width": -4.0}, epochs=9, score=0.1, state=TrialState.COMPLETE
        )
    ]
    assert Play(space(), trainings=4, imported=wild).run().end is NoSuggestion.BUDGET_USED


def narrowed(hard):
    return space().with_changes(
        [Float(name="rate", low=1e-3, high=1e-2, limits=(1e-4, 1e-1), scale=Scale.LOG, hard=hard)]
    )


def test_hard_ranges_bind_and_soft_ones_only_steer():
    earlier = Play(space(), trainings=5, score=lambda v, e: math.log10(v["rate"])).run()
    outside = {}
    for hard in (True, False):
        play = Play(narrowed(hard), trainings=9, root=space(), score=earlier.score, told=list(earlier.told))
        fresh = play.run().started
        assert fresh
        outside[hard] = sum(not 1e-3 <= v["rate"] <= 1e-2 for v in fresh)
        assert all(1e-4 <= v["rate"] <= 1e-1 for v in fresh)
    assert outside[True] == 0
    assert outside[False] > 0


def test_a_frozen_value_binds_and_old_trials_still_count():
    earlier = Play(space(), trainings=5).run()
    today = space().with_changes([Fixed(name="width", value=0.7)])
    play = Play(today, trainings=7, root=space(), told=list(earlier.told)).run()
    assert {v["width"] for v in play.started} == {0.7}


def test_a_trial_outside_what_binds_does_not_go_on():
    told = [
        Observation(
            trial_id=100, values={"rate": 0.1, "width": 0.2}, epochs=1, score=99.0, state=TrialState.PAUSED
        )
    ]
    play = Play(narrowed(True), trainings=5, root=space(), told=told).run()
    assert all(a.trial_id != 100 for a in play.asked)


SCRIPT = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from support.play import Play, mixed, space
play = Play(space(), trainings=4, seed=0).run()
print(json.dumps([[a.values, a.epochs, a.note] for a in play.asked[-3:]]))
"""


def test_the_same_history_gives_the_same_next_trial_in_a_fresh_process():
    here = Play(space(), trainings=4, seed=0).run()
    expected = [[dict(a.values), a.epochs, a.note] for a in here.asked[-3:]]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(sys.path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == expected


def test_seeds_differ():
    one, other = (Play(space(), trainings=3, seed=seed).run().started for seed in (0, 1))
    assert one != other


def test_a_search_needs_at_least_one_epoch():
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        Play(space(), epochs=0).state()


def test_under_noise_what_looked_best_is_not_trained_for_ever():
    rng = np.random.default_rng(1)
    noisy = Play(
        space(), trainings=60, epochs=1, seed=1, score=lambda v, e: bowl(v, e) + 0.05 * rng.normal()
    ).run()
    places = np.array([[math.log10(v["rate"]) / 3, v["width"]] for v in noisy.started])
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    repeats = sum((apart[i, :i] < 0.01).any() for i in range(30, 60))
    # Without the share that noise lets be seen: 21.
    assert repeats <= 12


def test_a_training_that_is_like_the_best_finished_one_is_not_paid_to_its_end():
    rng = np.random.default_rng(0)
    play = Play(space(), trainings=60, most=20, score=lambda v, e: bowl(v, e) + 0.2 * rng.normal()).run()
    number = max(o.trial_id for o in play.told) + 1
    play.memo[JUDGED] = len(play.told) - 1

    def told(number, offset, epochs, state):
        values = {"rate": 10 ** (-2 + offset), "width": 0.7}
        return Observation(trial_id=number, values=values, epochs=epochs, score=1.0, state=state)

    play.told.append(told(number, 0.0, 9, TrialState.COMPLETE))
    play.told.append(told(number + 1, 1e-4, 5, TrialState.PAUSED))
    assert not suggest(play.state()).note.startswith("continue")
    play.told[-2:] = [told(number, 0.0, 5, TrialState.PAUSED)]
    assert suggest(play.state()).note.startswith("continue")


def test_a_training_that_leads_goes_on_where_none_is_finished():
    failed = [
        Observation(
            trial_id=i, values={"rate": 1e-3, "width": i / 10}, epochs=1, score=None, state=TrialState.FAILED
        )
        for i in range(1, 10)
    ]
    values = {"rate": 1e-2, "width": 0.7}
    leader = Observation(trial_id=10, values=values, epochs=3, score=0.9, state=TrialState.PAUSED)
    answer = suggest(Play(space(), trainings=60, told=[*failed, leader]).state())
    assert (answer.trial_id, answer.note[:8]) == (10, "continue")


def test_a_paused_training_that_leads_is_taken_up_again():
    def late(values, epochs):
        """Best at rate 10⁻² and width 0.5; one epoch tells little."""
        rate = (math.log10(values["rate"]) + 2) / 3
        return 1 - 2 * rate**2 - 2 * (values["width"] - 0.5) ** 2 - 0.6 / epochs

    def told(number, rate, width, epochs, state):
        values = {"rate": rate, "width": width}
        return Observation(
            trial_id=number, values=values, epochs=epochs, score=late(values, epochs), state=state
        )

    around = [
        (10 ** (-2 + 0.6 * math.cos(angle)), 0.5 + 0.2 * math.sin(angle))
        for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ]
    play = Play(space(), trainings=30)
    play.told = [told(i, *at, 9, TrialState.COMPLETE) for i, at in enumerate(around[:3], 1)]
    hopeless = [(1e-4, 0.1), (1e-4, 0.9), (5e-4, 0.05), (8e-2, 0.95), (9e-2, 0.02)]
    waiting = [(1e-2, 0.5), *hopeless]
    play.told += [told(i, *at, 1, TrialState.PAUSED) for i, at in enumerate(waiting, 4)]
    play.told += [told(i, *at, 9, TrialState.COMPLETE) for i, at in enumerate(around[3:], 10)]
    play.memo[JUDGED] = len(play.told) - 1
    resumed = []
    while len(resumed) < 8:
        answer = suggest(play.state())
        play.memo = answer.memo
        number = answer.trial_id or 1 + max(o.trial_id for o in play.told)
        state = TrialState.COMPLETE if answer.epochs == 9 else TrialState.PAUSED
        play.told.append(told(number, answer.values["rate"], answer.values["width"], answer.epochs, state))
        resumed.append(number)
    assert 4 in resumed


def test_what_was_ruled_out_since_is_no_rival():
    def score(values, epochs):
        rate = (math.log10(values["rate"]) + 1.2) / 3
        return 1 - 3 * rate**2 - (values["width"] - 0.7) ** 2 - 0.3 / epochs

    first = Play(space(), trainings=12, score=score).run()
    inside_hard_bounds = space().with_changes(
        [
            Float(
                name="rate",
                low=1e-4,
                high=1e-3,
                limits=(1e-4, 1e-1),
                scale=Scale.LOG,
                hard=True,
                default=1e-3,
            )
        ]
    )
    second = Play(
        inside_hard_bounds, root=space(), trainings=24, score=score, told=first.told, memo=first.memo
    )
    second.asked = list(first.asked)
    before, number = len(first.told), max(o.trial_id for o in first.told)
    while isinstance(answer := suggest(second.state()), Decision):
        second.asked.append(answer)
        second.memo = answer.memo
        number += answer.trial_id is None
        second.tell(
            Observation(
                trial_id=answer.trial_id or number,
                values=answer.values,
                epochs=answer.epochs,
                score=None,
                state=TrialState.RUNNING,
            )
        )
    assert sum(o.epochs == 9 for o in second.told[before:]) >= 5


@pytest.mark.parametrize("scale", [2.0**-60, 2.0**60])
def test_the_unit_of_the_scores_changes_nothing(scale):
    plain = Play(space(), trainings=12).run()
    scaled = Play(space(), trainings=12, score=lambda v, e: bowl(v, e) * scale).run()
    assert scaled.asked == plain.asked


def test_a_training_that_broke_down_at_its_end_is_not_finished():
    values = {"rate": 1e-2, "width": 0.7}
    told = [
        Observation(trial_id=100, values=values, epochs=3, score=0.9, state=TrialState.PAUSED),
        Observation(trial_id=100, values=values, epochs=9, score=None, state=TrialState.FAILED),
    ]
    # What is left pays for one full training: it is not used for short ones alone.
    play = Play(space(), trainings=2, told=told).run()
    assert [o.epochs for o in play.told if o.state is TrialState.COMPLETE] == [9]


@pytest.mark.parametrize("other", [(1e-3, 0.4), (1e-4, 0.7), (1e-1, 0.1)])
def test_what_is_like_the_best_finished_one_is_not_resumed_however_unknown_it_is(other):
    rng = np.random.default_rng(0)
    play = Play(space(), trainings=15, epochs=1, score=lambda v, e: bowl(v, 9) + 0.3 * rng.normal()).run()
    told = [replace(o, epochs=9) for o in play.told]
    for number, state, epochs, score, (rate, width) in (
        (100, TrialState.COMPLETE, 9, 1.2, (1e-2, 0.7)),
        (101, TrialState.PAUSED, 3, 1.0, (1.0001e-2, 0.7)),
        (102, TrialState.PAUSED, 3, 0.5, other),
    ):
        values = {"rate": rate, "width": width}
        told.append(Observation(trial_id=number, values=values, epochs=epochs, score=score, state=state))
    # One of the two that are paused can be paid, no new one. By itself 101 promises more: it is as good as
    # the best, and noise leaves much unknown of both.
    spent = 9 * (len(told) - 2) + 2 * 3
    answer = suggest(
        Play(space(), trainings=(spent + 8) / 9, told=told, memo={JUDGED: len(told) - 1}).state()
    )
    assert (answer.trial_id, answer.note[:6]) == (102, "resume")
