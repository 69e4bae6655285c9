"""The benchmark runs, with a formula in place of the surrogate's file."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import lcbench
import strategy
import strategy_methods

from hptune.study.trial import Job


class Formula:
    """Best at a learning rate of 10⁻², better with more epochs; one task is kept apart."""

    def accuracies(self, code, epochs, rows):
        rate = np.log10(rows[:, 1])
        return np.full(len(rows), np.nan) if code == 99 else 90 - 5 * (rate + 2) ** 2 - 20 / epochs

    def answers(self, code):
        return code != 99


def trainer(**more):
    return lcbench.Trainer(surrogate=Formula(), code=1, **more)


def job(first, last):
    return Job(id=1, trial_id=1, values=lcbench.space().defaults, seed=0, initial_epoch=first, epochs=last)


def test_going_on_costs_the_new_epochs_only_and_short_trainings_find_nothing():
    trained = trainer()
    assert len(trained.run(job(0, 13)).curve) == 13
    assert trained.found(1) is None
    assert len(trained.run(job(13, 52)).curve) == 39
    assert trained.spent == 52
    assert trained.found(1) == pytest.approx(90 - 20 / 52)
    assert trained.found(0.9) is None


def test_noise_repeats_and_is_not_in_what_was_found():
    one, other = trainer(noise=1.0), trainer(noise=1.0)
    whole = one.run(job(0, 52)).curve
    assert whole != trainer().run(job(0, 52)).curve
    assert (*other.run(job(0, 20)).curve, *other.run(job(20, 52)).curve) == whole
    assert one.found(1) == pytest.approx(90 - 20 / 52)


@pytest.mark.parametrize("method", ["hptune", "kt-random", "kt-bayesian", "kt-hyperband"])
@pytest.mark.parametrize("defaults_first", [True, False])
def test_every_method_keeps_its_budget_and_finds_something(method, defaults_first):
    race = strategy_methods.Race(
        space=lcbench.space(mid_defaults=True),
        trainer=trainer(),
        trainings=8,
        seed=0,
        defaults_first=defaults_first,
    )
    strategy_methods.METHODS[method](race)
    assert race.trainer.spent <= 8 * 52
    assert race.trainer.found(8) is not None
    assert race.waits


def test_tasks_that_do_not_answer_are_left_out_and_references_are_read(tmp_path):
    file = tmp_path / "reference.json"
    file.write_text('{"3945": {"best": 90.0, "median_random": 70.0, "q9995": 85.0}}')
    references = lcbench.read_references(Formula(), {3945: 1, 7: 99}, file)
    assert list(references) == [3945]
    assert references[3945].r1(80.0) == 0.5
    assert references[3945].r2(86.0) == 0.0
    assert references[3945].r1(None) == references[3945].r2(None) == 1.0


def test_the_tables_show_means_and_paired_differences(capsys):
    references = {t: lcbench.Reference(best=90.0, median_random=80.0, q9995=88.0) for t in (1, 2)}
    results = [
        strategy.Result(
            method=method, task=task, seed=0, found=(found,), suggestions=1, seconds_per_suggestion=0.5
        )
        for task in (1, 2)
        for method, found in (("hptune", 89.0), ("kt-random", 84.0 + task))
    ]
    options = strategy.parse(["--surrogate", "x.onnx", "--budgets", "10", "--seeds", "1"])
    strategy.print_tables(options, results, references)
    shown = capsys.readouterr().out
    assert "hptune                   0.100" in shown
    assert "kt-random              +0.350±0.050" in shown
