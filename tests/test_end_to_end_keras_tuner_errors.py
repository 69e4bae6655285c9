"""Keras Tuner's own errors, raised by a user's model in a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.study import Study
from hptune.study.trial import TrialState

MODEL = """import keras
import keras_tuner


class Capped(keras_tuner.HyperModel):
    def build(self, hp):
        units = hp.Int("units", 2, 64, default=4)
        model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dense(3, "softmax")])
        if model.compute_output_shape((1, 4)) and {in_build}:
            raise keras_tuner.errors.{error}("more than 32 units")
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        if {in_fit}:
            raise keras_tuner.errors.{error}("more than 32 units")
        return model.fit(*args, **kwargs)
"""
LARGE = 'hp.get("units") > 32'
SEARCH = ["search", "iris", "--model", "m.py:Capped", "--study", "s", "--trials", "8", "--epochs", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("where", ["in_build", "in_fit"])
def test_a_failed_trial_error_is_infeasible_with_its_message(where: str) -> None:
    raised = {"in_build": "False", "in_fit": "False"} | {where: LARGE}
    Path("m.py").write_text(MODEL.format(error="FailedTrialError", **raised), encoding="utf-8")
    assert run([*SEARCH, "--passes", "1", "--json"]) == 0
    with Study.open(Path("s")) as study:
        trials = study.trials()
    large = [t for t in trials if int(t.values["units"]) > 32]
    assert large
    assert {t.state for t in large} == {TrialState.INFEASIBLE}
    assert {t.reason for t in large} == {"more than 32 units"}
    assert all(t.score is not None for t in trials if t not in large)


def test_a_fatal_error_ends_the_search_and_what_was_trained_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = MODEL.format(error="FatalTypeError", in_build="False", in_fit=LARGE)
    Path("m.py").write_text(text, encoding="utf-8")
    assert run(SEARCH) == 3
    said = capsys.readouterr().err
    ended = "m.py:Capped: the search was ended by the model: FatalTypeError: more than 32 units (m.py:"
    assert ended in said
    assert run(["trials", "s", "--json"]) == 0
    states = {t["state"] for t in json.loads(capsys.readouterr().out)["trials"]}
    assert "complete" in states
