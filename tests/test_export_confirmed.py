"""Exports go by what fresh seeds confirmed, and a model's card tells all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.__main__ import run
from hptune.analysis.finalists import Finalist, ranked
from hptune.data import Dataset, load_dataset
from hptune.executors.inline import InlineExecutor
from hptune.export.card import model_card
from hptune.export.model import with_preprocessing
from hptune.export.write import export
from hptune.search.engine import Engine
from hptune.study import Confirmation, Study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "s", identity(), command="hptune search pets.csv --target kind") as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        study.note(versions={"keras": "3.15.1"})
        Engine(
            study=study,
            searcher=FakeSearcher(),
            executor=InlineExecutor(FakeTrainer()),
            pass_ends=(60,),
            narrow=keep_all,
        ).run()
        yield study


def note(study: Study, trial_id: int, scores: Sequence[float | None]) -> None:
    trial = study.trial(trial_id)
    for number, score in enumerate(scores, 1):
        study.record_confirmation(
            Confirmation(
                trial_id=trial_id,
                asked=trial.epochs,
                number=number,
                seed=1000 + number,
                score=score,
                best_epoch=None if score is None else trial.epochs,
                epochs=trial.epochs,
                seconds=1.0,
                reason="diverged at epoch 1" if score is None else "",
            )
        )


def test_unconfirmed_trials_are_exported_by_their_score(study: Study) -> None:
    found = export(study, form="yaml", top=1, output=None)
    assert f"name: trial-{study.best(1)[0].id}\n" in found.text
    assert found.order == ""


def test_confirmed_trials_come_first_by_their_means(study: Study) -> None:
    first, second, third = (t.id for t in study.best(3))
    note(study, first, (0.80, 0.82))
    note(study, second, (0.85, 0.84))
    found = export(study, form="csv", top=3, output=None)
    assert re.findall(r"^(\d+),", found.text, flags=re.MULTILINE) == [str(i) for i in (second, first, third)]
    assert found.order == (
        f"By the mean over fresh seeds: trial {second} (0.845), trial {first} (0.81);"
        f" then by the search's score: trial {third}."
    )


def test_a_better_trial_that_is_not_confirmed_is_named(study: Study) -> None:
    first, second = (t.id for t in study.best(2))
    note(study, second, (0.85, 0.84))
    found = export(study, form="json", top=1, output=None)
    assert f'"trial-{second}"' in found.text
    assert f"Trial {first} has the best score of the search and is not confirmed" in found.order


def test_the_command_says_by_what_it_chose_on_stderr(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    best = study.best(1)[0].id
    note(study, best, (0.85, 0.84))
    assert run(["export", str(study.folder)]) == 0
    captured = capsys.readouterr()
    assert captured.err == f"By the mean over fresh seeds: trial {best} (0.845).\n"
    assert captured.out.startswith("# val_accuracy")


def saved(dataset: Dataset, folder: Path, activation: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    inner = keras.Sequential(
        [keras.Input(dataset.input_shape), keras.layers.Dense(dataset.outputs, activation=activation)]
    )
    whole = with_preprocessing(inner, dataset)
    whole.save(folder / "best.keras")
    return whole


def finalist(study: Study) -> Finalist:
    best = study.best(1)[0]
    return ranked([best], study.confirmations(), study.identity.goal)[0]


def ran(card: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the example of a card and return what it prints."""
    (code,) = re.findall(r"```python\n(.*?)\n```", card, re.DOTALL)
    monkeypatch.chdir(folder)
    printed: list[Any] = []
    exec(code, {"print": printed.append})
    (prediction,) = printed
    return prediction


def test_the_card_of_a_tables_model_has_an_example_that_predicts(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"in/out": rng.normal(size=60), "city": rng.choice(["Lyon", "Århus"], 60)})
    frame["kind"] = rng.choice(["cat", "dog"], 60)
    frame.to_csv(tmp_path / "pets.csv", index=False)
    dataset = load_dataset(str(tmp_path / "pets.csv"), target="kind")
    note(study, study.best(1)[0].id, (0.85, None, 0.84))
    card = model_card(study, finalist(study), dataset, saved(dataset, tmp_path, "sigmoid"), file="best.keras")
    found = ran(card, tmp_path, monkeypatch)
    assert found["prediction"][0] in (b"cat", b"dog")
    assert found["probability"].shape == (1, 2)
    for said in (
        "| `in_out` | float32 | (None, 1) |",
        "| `city` | string | (None, 1) |",
        "a column per class in this order: cat, dog.",
        "the label of `kind`",
        "| task | binary |",
        "Mean over 2 fresh seeds: 0.845 ± 0.0071 (standard deviation).",
        "| 1002 | could not be trained: diverged at epoch 1 |  |",
        "hptune search pets.csv --target kind",
        "| keras | 3.15.1 |",
        *(f"| {name} |" for name in study.best(1)[0].values),
    ):
        assert said in card


def test_the_card_of_a_regression_speaks_of_units_and_of_luck(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load_dataset("diabetes")
    card = model_card(study, finalist(study), dataset, saved(dataset, tmp_path, "linear"), file="best.keras")
    assert ran(card, tmp_path, monkeypatch)["prediction"].shape == (1, 1)
    assert "in its own units, shape (rows, 1)" in card
    assert "Not confirmed with other seeds" in card
