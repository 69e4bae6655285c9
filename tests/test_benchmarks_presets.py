"""How presets are learnt and judged, with made-up trainings in place of real ones."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import presets
import presets_data
import presets_trainings
from presets_trainings import Candidate, Table

from hptune.space.files import ready_space

PLAN = {"shapes": 9, "each": 2, "rates": 4}
TRIED = presets_trainings.candidates("mlp", **PLAN)


def table(final, name="made-up", epochs=3):
    """A data set on which each configuration comes to `final`, a little less before."""
    rising = np.linspace(0.9, 1.0, epochs)
    return Table(data=name, objective="val_accuracy", curves=np.outer(final, rising), cpu=1.0)


def test_the_same_configurations_of_the_recipes_space_are_drawn_each_time():
    space = ready_space("mlp")
    assert TRIED[0].values == space.defaults
    assert len(TRIED) == 1 + 4 + 9 * 2
    assert all(space.problems(candidate.values) == [] for candidate in TRIED)
    assert presets_trainings.candidates("mlp", **PLAN) == TRIED
    one, other = (c.values for c in TRIED if c.shape == 9)
    assert (one["units"], one["batch_size"]) == (other["units"], other["batch_size"])
    assert one["dropout"] != other["dropout"]


def test_some_draws_differ_from_the_defaults_in_the_first_tier_only():
    for candidate in TRIED[1:5]:
        changed = {n for n, v in candidate.values.items() if v != TRIED[0].values[n]}
        assert changed == {"learning_rate_adam"}


def test_regret_is_0_for_the_best_and_1_from_the_median_down():
    assert presets.regrets(table([0.5, 0.9, 0.7, 0.6, -np.inf])) == pytest.approx([1, 0, 2 / 3, 1, 1])
    assert not presets.is_telling(table([0.9, 0.9, 0.1]))


def test_what_is_chosen_complements_the_defaults():
    good = table([0.9, 1.0, 0.2, 0.1, 0.1]), table([0.1, 0.1, 0.9, 1.0, 0.3])
    assert presets.chosen_on(list(good), 1) == [3]


def test_a_searchs_own_draws_are_of_different_shapes():
    for drawn in presets.own_draws(TRIED, 8)[:50]:
        shapes = [TRIED[i].shape for i in drawn if TRIED[i].shape]
        assert len(drawn) == len(set(drawn)) == 8
        assert len(shapes) == len(set(shapes))
        assert 0 not in drawn


def test_the_first_bracket_ends_with_the_best_of_those_that_began_well():
    curves = np.full((9, 9), 0.5)
    curves[4, :] = 0.6  # the best at the first rung, and not at the end
    curves[7, 3:] = 0.9  # begins like the others
    found = Table(data="d", objective="val_accuracy", curves=curves, cpu=0.0)
    assert presets.bracket(found, list(range(1, 9)), 9) == pytest.approx(presets.regrets(found)[4])


def test_the_report_judges_each_data_set_by_what_the_others_chose():
    finals = np.random.default_rng(0).random(len(TRIED))
    finals[7] = 2.0
    tables = [table(finals + 0.01 * i, f"d{i}") for i in range(3)]
    lines = presets.report(tables, TRIED, 3)
    assert "Leave one of 3 data sets out" in lines[0]
    # One configuration is the best everywhere: the first preset finds it.
    assert lines[3].startswith("| 1 | 0.000 ± 0.000 | ")
    assert "| 3, worse on 0 |" in lines[3]
    assert len(presets.per_data(tables)) == 2 + 3


def test_what_is_written_is_what_the_package_reads(tmp_path, monkeypatch):
    from hptune.space.yaml_lines import read_yaml

    folder = tmp_path / "hptune" / "recipes" / "presets"
    folder.mkdir(parents=True)
    monkeypatch.setattr(presets, "ROOT", tmp_path)
    sgd = Candidate(values={"optimizer": "sgd", "learning_rate_sgd": 0.05432, "nesterov": True}, shape=1)
    presets.write("mlp", [TRIED[0], sgd], [table([1.0], "digits")])
    text = (folder / "mlp.yaml").read_text()
    assert "--recipe mlp --write 2` on\n# digits.\n" in text
    first, second = read_yaml(text, "mlp.yaml").data
    assert first == {k: v for k, v in ready_space("mlp").defaults.items() if k in first}
    # Values that the space fixes are not the preset's to say.
    assert second == {"optimizer": "sgd", "learning_rate_sgd": 0.054}


def test_trainings_that_are_on_file_are_not_repeated(tmp_path, monkeypatch):
    trained = []

    def train(recipe, source, share, values, *, epochs):
        trained.append(source)
        return np.full((len(values), epochs), -np.inf), "val_accuracy"

    monkeypatch.setattr(presets_trainings, "train", train)
    save = tmp_path / "trainings.jsonl"
    for _ in range(2):
        tables = presets_trainings.gather("mlp", TRIED, epochs=2, save=save, only=2)
        assert [t.data for t in tables] == ["digits", "breast_cancer"] == trained
        assert tables[0].curves.shape == (len(TRIED), 2)
    assert len([json.loads(line) for line in save.read_text().splitlines()]) == 2


@pytest.mark.parametrize("name", [*presets_data.GENERATED, *presets_data.IMAGES])
def test_generated_data_is_the_same_each_time(name):
    make = {**presets_data.GENERATED, **presets_data.IMAGES}[name]
    (x, y), (again, _) = make(), make()
    assert len(x) == len(y) <= 1600
    assert np.isfinite(x).all()
    assert np.array_equal(x, again)
