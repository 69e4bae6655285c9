"""Our oracle by itself, and under a stock Keras Tuner."""

import json
import math

import keras_tuner
import numpy as np
import pytest

from hptune.errors import ObjectiveError
from hptune.oracles.coarse_to_fine import CoarseToFineOracle
from hptune.space import Float, Integer, Space
from hptune.space.scales import Scale
from hptune.strategy.state import NoSuggestion
from hptune.study.trial import Observation, TrialState

GOAL = keras_tuner.Objective("val_accuracy", "max")


def space():
    return Space(
        hyperparameters=(
            Float(name="rate", low=1e-4, high=1e-1, scale=Scale.LOG, default=1e-3),
            Integer(name="layers", low=1, high=5, default=2),
        )
    )


def score(values, epochs=9):
    return 1 - (math.log10(values["rate"]) + 2) ** 2 / 9 - (values["layers"] - 4) ** 2 / 50 - 0.2 / epochs


def make(**more):
    given = {"space": space(), "max_epochs": 9, "budget_epochs": 54, "seed": 0} | more
    return CoarseToFineOracle(GOAL, **given)


def ask(oracle):
    return oracle.create_trial(f"ask-{len(oracle.trials)}")


def tell(oracle, trial, value=None, status="COMPLETED", step=0):
    if status == "COMPLETED":
        values = trial.hyperparameters.values
        value = score(values, values.get("tuner/epochs", 9)) if value is None else value
        oracle.update_trial(trial.trial_id, {"val_accuracy": value}, step=step)
    trial.status = status
    oracle.end_trial(trial)


def play(oracle, most=200):
    asked = []
    while len(asked) < most:
        trial = ask(oracle)
        if trial.status != "RUNNING":
            break
        asked.append(dict(trial.hyperparameters.values))
        tell(oracle, trial)
    return asked


def test_legs_speak_keras_tuners_language():
    oracle = make()
    asked = play(oracle)
    assert oracle.answer is NoSuggestion.BUDGET_USED
    had = {}
    for number, values in enumerate(asked):
        before = values.get("tuner/trial_id")
        assert values["tuner/initial_epoch"] == (0 if before is None else had[before])
        own = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        if before is not None:
            earlier = oracle.trials[before].hyperparameters.values
            assert own == {name: earlier[name] for name in own}
        had[str(sorted(oracle.trials)[number])] = values["tuner/epochs"]
    assert sum(v["tuner/epochs"] - v["tuner/initial_epoch"] for v in asked) <= 54
    assert any("tuner/trial_id" in v for v in asked)


def test_seed_0_is_a_seed():
    assert make(seed=0).seed == 0
    assert play(make(seed=0)) == play(make(seed=0))
    assert play(make(seed=0)) != play(make(seed=1))


def test_replayed_tells_and_the_memo_bring_a_fresh_oracle_to_the_same_next_trial():
    first = make(budget_epochs=180)
    for _ in range(25):
        tell(first, ask(first))
    memo = json.loads(json.dumps(first.memo()))
    again = make(budget_epochs=180)
    for trial_id in first.start_order:
        values = dict(first.trials[trial_id].hyperparameters.values)
        again.populate_space = lambda _, values=values: {"status": "RUNNING", "values": values}
        tell(again, ask(again))
        del again.populate_space
    again.set_memo(memo)
    for _ in range(5):
        one, other = ask(first), ask(again)
        assert one.hyperparameters.values == other.hyperparameters.values
        tell(first, one)
        tell(again, other)


def test_a_state_written_down_and_read_back_goes_on_the_same_way():
    first = make(budget_epochs=180)
    for _ in range(15):
        tell(first, ask(first))
    running = ask(first)
    state = json.loads(json.dumps(first.get_state()))
    again = make(budget_epochs=180)
    again.trials = dict(first.trials)
    again.set_state(state)
    tell(first, running)
    tell(again, running)
    assert ask(first).hyperparameters.values == ask(again).hyperparameters.values


def test_several_tuners_hold_different_trials():
    oracle = make()
    trials = [ask(oracle) for _ in range(4)]
    values = [json.dumps(t.hyperparameters.values, sort_keys=True) for t in trials]
    assert len(set(values)) == 4
    assert oracle.create_trial("ask-0") is trials[0]
    for trial in reversed(trials):
        tell(oracle, trial)
    assert ask(oracle).status == "RUNNING"


def test_it_idles_while_a_running_trial_holds_the_rest_of_the_budget():
    oracle = make(budget_epochs=9)
    first = ask(oracle)
    assert ask(oracle).status == "IDLE"
    tell(oracle, first)
    assert ask(oracle).status == "STOPPED"


def test_what_can_not_be_trained_never_ends_the_search():
    oracle = make(budget_epochs=90)
    states = []
    for status in ("INVALID", "FAILED", "INVALID", "INVALID", "FAILED", "COMPLETED"):
        tell(oracle, ask(oracle), status=status)
        states.append(oracle.search_state().observations[-1].state)
    assert states == [
        TrialState.INFEASIBLE,
        TrialState.FAILED,
        TrialState.INFEASIBLE,
        TrialState.INFEASIBLE,
        TrialState.FAILED,
        TrialState.PAUSED,
    ]


def test_a_score_that_is_not_a_number_is_infeasible():
    oracle = make()
    tell(oracle, ask(oracle), value=float("nan"))
    assert oracle.search_state().observations[-1].state is TrialState.INFEASIBLE
    assert play(oracle)


def test_a_training_that_ended_by_itself_is_complete_and_costs_what_it_took():
    oracle = make(reports_epochs=True, budget_epochs=540)
    trial = ask(oracle)
    while trial.hyperparameters.values["tuner/epochs"] < 3:
        tell(oracle, trial, step=trial.hyperparameters.values["tuner/epochs"])
        trial = ask(oracle)
    before = oracle.search_state().epochs_used
    tell(oracle, trial, step=2)
    told = oracle.search_state().observations[-1]
    assert (told.state, told.epochs) == (TrialState.COMPLETE, 2)
    assert oracle.search_state().epochs_used == before - 1


def test_trials_made_elsewhere_count_and_cost_nothing():
    rng = np.random.default_rng(0)
    external_weights = [
        Observation(
            trial_id=i,
            values=(values := space().sample(rng)),
            epochs=9,
            score=score(values),
            state=TrialState.COMPLETE,
        )
        for i in range(40)
    ]
    oracle = make(budget_epochs=27)
    oracle.add_observations(external_weights)
    asked = play(oracle)
    assert oracle.search_state().epochs_used <= 27
    known = [json.dumps(dict(o.values), sort_keys=True) for o in external_weights]
    own = [{n: v for n, v in values.items() if not n.startswith("tuner/")} for values in asked]
    assert not {json.dumps(v, sort_keys=True) for v in own} & set(known)


def test_a_new_pass_keeps_what_was_told_and_obeys_hard_ranges():
    oracle = make(budget_epochs=60)
    for _ in range(12):
        tell(oracle, ask(oracle))
    today = space().with_changes([Integer(name="layers", low=3, high=4, default=3, hard=True)])
    oracle.begin_pass(today)
    assert len(oracle.search_state().observations) == 12
    for values in play(oracle):
        assert 3 <= values["layers"] <= 4
    assert oracle.search_state().observations[-1].pass_number == 2


def test_a_longer_budget_goes_on():
    oracle = make(budget_epochs=18)
    play(oracle)
    assert ask(oracle).status == "STOPPED"
    oracle.set_budget(36)
    assert play(oracle)


def test_several_objectives_are_refused():
    with pytest.raises(ObjectiveError, match="improves one metric"):
        CoarseToFineOracle([GOAL, keras_tuner.Objective("val_loss", "min")], space=space())


class Tuner(keras_tuner.Tuner):
    """Trains nothing: returns a loss."""

    def run_trial(self, trial, *args, **kwargs):
        values = trial.hyperparameters
        if values.get("rate") > 0.05:
            raise ValueError("diverged")
        return -score(values.values)


def build(hp):
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("layers", 1, 5)
    return


def test_a_stock_tuner_runs_it_to_the_end_and_goes_on_from_its_files(tmp_path):
    def tuner(trials):
        oracle = CoarseToFineOracle(keras_tuner.Objective("loss", "min"), max_trials=trials, seed=3)
        return Tuner(
            oracle=oracle, hypermodel=build, directory=str(tmp_path), project_name="stock", overwrite=False
        )

    first = tuner(14)
    first.search()
    done = first.oracle.trials
    assert len(done) == 14
    values = [json.dumps(t.hyperparameters.values, sort_keys=True) for t in done.values()]
    assert len(set(values)) == 14
    assert not any(name.startswith("tuner/") for v in values for name in json.loads(v))
    assert first.oracle.get_best_trials()[0].score < -0.75
    more = tuner(18)
    more.search()
    assert len(more.oracle.trials) == 18
    values = [json.dumps(t.hyperparameters.values, sort_keys=True) for t in more.oracle.trials.values()]
    assert len(set(values)) == 18
