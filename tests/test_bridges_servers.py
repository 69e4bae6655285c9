"""What leaves a study, read by the programs that it is for: TensorBoard and Optuna's dashboard."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.browser import browser
from support.servers import asked, serving
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune.bridges.to_optuna import export_to_optuna
from hptune.study import Study
from hptune.study.trial import TrialState


def until(ask: Callable[[], Any], content: Callable[[Any], bool]) -> Any:
    """What `ask` gives once it has that content, which a server may have read a moment later."""
    end = time.monotonic() + 60
    while not content(found := ask()) and time.monotonic() < end:
        time.sleep(0.3)
    return found


def test_tensorboard_serves_each_trials_curves_and_hyperparameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asking = ["search", "iris", "--trials", "2", "--epochs", "3", "--passes", "1", "--study", "s"]
    assert run([*asking, "--tensorboard", "logs"]) == 0
    with Study.open(Path("s")) as study:
        trials = {f"s/trial-{trial.id}": trial for trial in study.trials()}
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", "logs", "--port", "PORT"]
    with serving([*command, "--host", "127.0.0.1", "--reload_interval", "1"], tmp_path / "log") as address:
        api = f"{address}/data/plugin"
        tags = until(lambda: asked(f"{api}/scalars/tags"), lambda found: set(found) >= set(trials))
        assert set(tags) == set(trials)
        for name, trial in trials.items():
            assert set(tags[name]) == set(trial.curve[0])
            points = asked(f"{api}/scalars/scalars?tag=val_accuracy&run={quote(name, safe='')}")
            assert [(step, value) for _, step, value in points] == [
                (epoch, pytest.approx(report["val_accuracy"])) for epoch, report in enumerate(trial.curve, 1)
            ]
        experiment = asked(f"{api}/hparams/experiment", {"experimentName": ""})
        assert {info["name"] for info in experiment["hparamInfos"]} >= {"learning_rate_adam", "optimizer"}
        assert [info["name"]["tag"] for info in experiment["metricInfos"]] == ["val_accuracy"]
        wanted = {
            "experimentName": "",
            "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"],
            "colParams": [],
            "startIndex": 0,
            "sliceSize": 100,
        }
        groups = asked(f"{api}/hparams/session_groups", wanted)["sessionGroups"]
        assert {group["name"] for group in groups} == {name.removeprefix("s/") for name in trials}
        for group in groups:
            trial = trials[f"s/{group['name']}"]
            assert group["hparams"] == {
                name: pytest.approx(value) if isinstance(value, float) else value
                for name, value in trial.values.items()
            }
            (metric,) = group["metricValues"]
            assert metric["value"] == pytest.approx(trial.curve[-1]["val_accuracy"])
            assert group["sessions"][0]["status"] == "STATUS_SUCCESS"


@pytest.mark.browser
def test_optunas_dashboard_shows_the_trials(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    with build(
        tmp_path / "digits-mlp", Recipe(trials=12, passes=2, infeasible=0.2, failed=0, seed=4)
    ) as study:
        export_to_optuna(study, url)
        trials = study.trials()
    states = {TrialState.COMPLETE: "Complete", TrialState.PAUSED: "Pruned", TrialState.INFEASIBLE: "Fail"}
    assert {trial.state for trial in trials} == set(states)
    server = [str(Path(sys.executable).with_name("optuna-dashboard")), url, "--port", "PORT", "--quiet"]
    with serving(server, tmp_path / "log") as address, browser() as window:
        window.size(1400, 1000)
        text = partial(window.run, "return document.body.innerText")
        window.send("url", {"url": address})
        assert "digits-mlp" in until(text, lambda shown: "digits-mlp" in shown)
        (one,) = asked(f"{address}/api/studies")["study_summaries"]
        assert (one["study_name"], one["directions"]) == ("digits-mlp", ["maximize"])
        window.send("url", {"url": f"{address}/dashboard/studies/{one['study_id']}/trials"})
        shown = until(text, lambda found: "Trial 11\n" in found)
        listed = shown.partition("Trial 0 (trial_id")[0].split("\n")
        assert [line for line in listed if line.startswith("Trial ")] == [f"Trial {n}" for n in range(12)]
        assert [line for line in listed if line in states.values()] == [states[t.state] for t in trials]
        window.send("url", {"url": f"{address}/dashboard/studies/{one['study_id']}"})
        drawn = {"val_accuracy", "learning_rate"}
        assert drawn <= set(until(text, lambda shown: drawn <= set(shown.split())).split())
        assert window.log("browser") == []
