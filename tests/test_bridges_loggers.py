"""Trials shown in TensorBoard, MLflow and W&B, by their own clients; a logger that fails ends nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from support.studies import MLP, Recipe
from support.studies import build as made_study

from hptune.__main__ import run
from hptune.bridges.from_mlflow import read_mlflow
from hptune.bridges.loggers import LoggedStudy, Logging
from hptune.bridges.open_loggers import Loggers, with_loggers
from hptune.bridges.to_mlflow import MLflowLogger
from hptune.bridges.to_tensorboard import TensorBoardLogger
from hptune.bridges.to_wandb import WandbLogger
from hptune.errors import DataError, UsageError
from hptune.search.events import Listener, Listeners
from hptune.study.trial import Job, Trial, TrialState

STUDY = LoggedStudy(
    name="digits-mlp",
    folder="/there/digits-mlp",
    objective="val_accuracy",
    direction="max",
    data="digits",
    model="mlp",
    choices={"lr": (), "optimizer": ("adam", "sgd"), "norm": (False, True)},
)
VALUES = {"lr": 0.01, "optimizer": "adam", "norm": True}


def trial(number: int, state: TrialState = TrialState.COMPLETE, *scores: float) -> Trial:
    curve = tuple({"val_accuracy": score, "loss": 1 - score} for score in scores)
    return Trial(
        id=number,
        pass_number=1,
        values=VALUES,
        seed=7,
        state=state,
        curve=curve,
        score=max(scores, default=None),
        best_epoch=1 + scores.index(max(scores)) if scores else None,
        epochs=len(scores),
        reason="diverged at epoch 2" if state is TrialState.INFEASIBLE else "",
    )


def job(number: int, begun: int = 0, epochs: int = 3) -> Job:
    return Job(id=number, trial_id=number, values=VALUES, seed=7, initial_epoch=begun, epochs=epochs)


def shown(logger: Any) -> None:
    """One trial that is paused and resumed, and one that is infeasible."""
    logger.begin(STUDY)
    logger.trial_started(trial(1, TrialState.RUNNING))
    for epoch, score in ((1, 0.5), (2, 0.6)):
        logger.epoch_ended(1, epoch, {"val_accuracy": score, "loss": 1 - score})
    logger.trial_ended(trial(1, TrialState.PAUSED, 0.5, 0.6))
    logger.trial_started(trial(2, TrialState.RUNNING))
    logger.trial_ended(trial(2, TrialState.INFEASIBLE))
    logger.trial_started(trial(1, TrialState.RUNNING))
    logger.epoch_ended(1, 3, {"val_accuracy": 0.9, "loss": 0.1})
    logger.trial_ended(trial(1, TrialState.COMPLETE, 0.5, 0.6, 0.9))
    logger.close()


class Noted:
    """A logger that notes its calls, in whose thread they come, and fails at one of them."""

    name = "noted"

    def __init__(self, fails_at: str = "") -> None:
        self.calls: list[tuple[str, Any]] = []
        self.threads: set[int] = set()
        self.fails_at = fails_at

    def __getattr__(self, call: str) -> Any:
        def noted(*arguments: Any) -> None:
            self.threads.add(threading.get_ident())
            self.calls.append((call, arguments))
            if call == self.fails_at:
                raise ConnectionError("nobody there\nat all")

        return noted


def listened(logging: Logging) -> None:
    logging.on_trial_start(job(1), trial(1, TrialState.RUNNING))
    logging.on_epoch_end(job(1), 1, {"val_accuracy": 0.5})
    logging.on_trial_end(job(1), trial(1, TrialState.COMPLETE, 0.5))


def test_a_logger_hears_everything_in_order_in_one_thread_of_its_own() -> None:
    noted, said = Noted(), list[str]()
    logging = Logging(lambda: noted, "noted", said.append)
    listened(logging)
    logging.close()
    assert [call for call, _ in noted.calls] == ["trial_started", "epoch_ended", "trial_ended", "close"]
    assert len(noted.threads) == 1
    assert threading.get_ident() not in noted.threads
    assert said == []


@pytest.mark.parametrize("call", ["trial_started", "epoch_ended", "trial_ended", "close"])
def test_a_logger_that_fails_is_said_once_and_ends_nothing(call: str) -> None:
    said: list[str] = []
    logging = Logging(lambda: Noted(call), "noted", said.append)
    for _ in range(5):
        listened(logging)
    logging.close()
    assert said == ["noted: ConnectionError: nobody there; the search goes on without it"]


def test_one_that_can_not_be_made_is_said_too() -> None:
    said: list[str] = []

    def make() -> Any:
        raise SystemExit("no key")

    logging = Logging(make, "noted", said.append)
    listened(logging)
    logging.close()
    assert said == ["noted: SystemExit: no key; the search goes on without it"]


def test_means_over_folds_are_logged_when_they_are_known(tmp_path: Path) -> None:
    noted = Noted()
    logging = Logging(lambda: noted, "noted", print)
    with made_study(tmp_path / "study", Recipe(trials=3, passes=1)) as study:
        object.__setattr__(study.identity, "settings", {"cv": 3})
        logging.on_study_opened(study, 10)
    logging.on_trial_start(job(1), trial(1, TrialState.RUNNING))
    logging.on_epoch_end(job(1), 1, {"val_accuracy": 0.1})
    logging.on_trial_end(job(1, begun=1), trial(1, TrialState.COMPLETE, 0.5, 0.6))
    logging.close()
    begun = noted.calls[0][1][0]
    assert (begun.name, begun.objective) == ("study", "val_accuracy")
    assert set(begun.choices) == {hp.name for hp in MLP.searched}
    assert [arguments[:2] for call, arguments in noted.calls if call == "epoch_ended"] == [(1, 2)]


def test_several_listeners_are_one_and_the_first_decides() -> None:
    class Decides(Listener):
        def on_ranges_moved(self, proposal: Any) -> Any:
            return None

    heard: list[str] = []

    class Hears(Listener):
        def on_remark(self, text: str) -> None:
            heard.append(text)

    both = Listeners(Decides(), Hears())
    both.on_remark("so")
    assert heard == ["so"]
    assert both.on_ranges_moved(None) is None  # type: ignore[arg-type]
    named = {name for name in vars(Listener) if name.startswith("on_")}
    assert named <= vars(Listeners).keys()


def test_tensorboard_reads_curves_and_hyperparameters(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
    from tensorboard.plugins.hparams import plugin_data_pb2

    shown(TensorBoardLogger(tmp_path))
    read = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    assert set(read.Runs()) == {"digits-mlp", "digits-mlp/trial-1", "digits-mlp/trial-2"}
    curve = [(event.step, event.value) for event in read.Scalars("digits-mlp/trial-1", "val_accuracy")]
    assert curve == [(1, pytest.approx(0.5)), (2, pytest.approx(0.6)), (3, pytest.approx(0.9))]
    begun = read.SummaryMetadata("digits-mlp/trial-1", "_hparams_/session_start_info").plugin_data
    data = plugin_data_pb2.HParamsPluginData.FromString(begun.content)
    values = data.session_start_info.hparams
    assert values["lr"].number_value == 0.01
    assert values["optimizer"].string_value == "adam"
    assert values["norm"].bool_value is True


def test_mlflow_has_a_run_for_each_trial_which_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = f"file:{tmp_path}/runs"
    shown(MLflowLogger(uri))
    # Another process resumes the first trial.
    later = MLflowLogger(uri)
    later.begin(STUDY)
    later.trial_started(trial(1, TrialState.RUNNING))
    later.close()
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("digits-mlp")
    runs = {run.data.tags["hptune.trial"]: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"1", "2"}
    first, second = runs["1"], runs["2"]
    assert first.data.params == {"lr": "0.01", "optimizer": "adam", "norm": "True"}
    assert first.data.tags["hptune.seed"] == "7"
    assert first.data.metrics["best_val_accuracy"] == 0.9
    history = client.get_metric_history(first.info.run_id, "val_accuracy")
    assert [(one.step, one.value) for one in history] == [(1, 0.5), (2, 0.6), (3, 0.9)]
    assert (first.info.status, second.info.status) == ("KILLED", "FAILED")
    assert second.data.tags["hptune.reason"] == "diverged at epoch 2"


def test_runs_that_were_logged_come_back_as_past_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = f"file:{tmp_path}/runs"
    shown(MLflowLogger(uri))
    found = read_mlflow(uri, objective="val_accuracy")
    by_state = {past.state: past for past in found.trials}
    assert by_state[TrialState.COMPLETE].curve == (0.5, 0.6, 0.9)
    assert by_state[TrialState.COMPLETE].values == VALUES
    assert by_state[TrialState.FAILED].score is None


def test_a_folder_of_runs_that_can_not_be_read_is_refused_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(DataError, match="only where MLFLOW_ALLOW_FILE_STORE=true is set"):
        read_mlflow(str(tmp_path), objective="val_accuracy")
    for place in (tmp_path / "runs", f"file:{tmp_path}/runs", f"file://{tmp_path}/runs"):
        with pytest.raises(DataError, match="runs: no such file"):
            read_mlflow(str(place), objective="val_accuracy")
    with pytest.raises(DataError, match=r"runs\.db: no such file"):
        read_mlflow(f"sqlite:///{tmp_path}/runs.db", objective="val_accuracy")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(DataError, match="MLflow can't read it: API request"):
        read_mlflow("http://127.0.0.1:1", objective="val_accuracy")


def test_wandb_writes_a_run_for_each_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    shown(WandbLogger(""))
    runs = {path.name.rpartition("-")[2] for path in (tmp_path / "wandb").glob("offline-run-*")}
    assert runs == {"1", "2"}
    written = b"".join(path.read_bytes() for path in (tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert b"val_accuracy" in written


def test_a_logger_that_no_package_has_is_refused() -> None:
    with (
        pytest.raises(UsageError, match="--logger nosuch"),
        with_loggers(Listener(), Loggers(named=("nosuch",))),
    ):
        pass


def test_a_packages_logger_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Noted()

    class Point:
        name = "ours"

        def load(self) -> Any:
            return lambda: noted

    monkeypatch.setattr("hptune.bridges.open_loggers.entry_points", lambda group: [Point()])
    with with_loggers(Listener(), Loggers(named=("ours",))) as listener:
        listener.on_trial_start(job(1), trial(1, TrialState.RUNNING))
    assert [call for call, _ in noted.calls] == ["trial_started", "close"]


def test_a_search_is_logged_live_and_goes_on_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    asked = ["search", "iris", "--trials", "2", "--epochs", "3", "--passes", "1", "--study", "s"]
    assert run([*asked, "--tensorboard", "logs", "--mlflow", f"file:{tmp_path}/runs"]) == 0
    said = capsys.readouterr().err
    assert "the search goes on without it" in said
    assert said.count("MLflow:") == 1
    read = EventMultiplexer().AddRunsFromDirectory("logs").Reload()
    assert run(["trials", "s", "--csv"]) == 0
    trials = capsys.readouterr().out.splitlines()[1:]
    assert set(read.Runs()) == {"s", *(f"s/trial-{number}" for number in range(1, len(trials) + 1))}
