"""The whole of hptune on Keras's other backends, in processes of their own: `pytest -m backends`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.user_models import GETTING_STARTED

from hptune.study import Study

pytestmark = pytest.mark.backends

HERE = Path(__file__).parent
HPTUNE = str(Path(sys.executable).parent / "hptune")
SMALL = ["--trials", "3", "--epochs", "3", "--passes", "2"]


@dataclass(frozen=True)
class Place:
    """A folder to work in on one backend, where TensorFlow can't be imported."""

    backend: str
    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """KERAS_BACKEND, and a module in the place of TensorFlow."""
        block = self.folder / "block"
        block.mkdir(exist_ok=True)
        (block / "tensorflow.py").write_text("raise ImportError('TensorFlow is not wanted here')\n")
        return {**os.environ, "KERAS_BACKEND": self.backend, "PYTHONPATH": str(block)}

    def run(self, *command: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    def hptune(self, *arguments: str, expect: int = 0) -> str:
        return self.run(HPTUNE, *arguments, expect=expect).stdout

    def trials(self, study: str) -> list[dict[str, Any]]:
        """A study's trials without what a clock decides."""
        found = json.loads(self.hptune("trials", study, "--json"))["trials"]
        return [{k: v for k, v in trial.items() if k != "seconds"} for trial in found]


@pytest.fixture(scope="module", params=["jax", "torch"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder in which the bundled digits were searched."""
    made = Place(request.param, tmp_path_factory.mktemp(request.param))
    made.hptune("search", *SMALL, "--study", "whole")
    return made


def test_a_search_that_was_killed_goes_on_to_the_same_trials(place: Place) -> None:
    command = [HPTUNE, "search", *SMALL, "--study", "killed"]
    process = subprocess.Popen(
        command,
        cwd=place.folder,
        env=place.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 300
    while process.poll() is None and epochs_used(place.folder / "killed") < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    place.hptune("search", *SMALL, "--study", "killed")
    assert place.trials("killed") == place.trials("whole")


def epochs_used(study: Path) -> int:
    if not Study.exists(study):
        return 0
    with Study.open(study) as opened:
        return opened.epochs_used()


def test_a_study_names_its_backend_and_its_score_is_good(place: Place) -> None:
    status = json.loads(place.hptune("status", "whole", "--json"))
    assert status["best"]["score"] > 0.85
    with Study.open(place.folder / "whole") as study:
        assert place.backend in study.notes.versions


def test_a_script_trains_the_best_again_to_the_same_score(place: Place) -> None:
    place.hptune("export", "whole", "--format", "python", "-o", "best.py")
    said = place.run(sys.executable, "best.py").stdout
    found = re.search(r"val_accuracy (\S+) at epoch \d+, (\S+) in the study", said)
    assert found is not None, said
    # One of 360 rows may fall on the other side.
    assert float(found[1]) == pytest.approx(float(found[2]), abs=1.01 / 360)


def test_a_trained_model_predicts_labels_from_raw_rows(place: Place) -> None:
    place.hptune("export", "whole", "--format", "keras", "-o", "best.keras")
    script = (
        "import keras, numpy as np, sklearn.datasets as d; x, y = d.load_digits(return_X_y=True);"
        "m = keras.models.load_model('best.keras');"
        "p = m.predict(x.astype('float32'), verbose=0)['prediction'];"
        "print('accuracy', (keras.ops.convert_to_numpy(p) == y).mean())"
    )
    assert float(place.run(sys.executable, "-c", script).stdout.split("accuracy")[1]) > 0.85


def test_the_best_are_confirmed_reported_and_narrowed(place: Place) -> None:
    confirmed = json.loads(place.hptune("confirm", "whole", "--top", "2", "--seeds", "2", "--json"))
    assert confirmed
    place.hptune("report", "whole")
    place.hptune("narrow", "whole", "--accept")
    place.hptune("search", "--trials", "4", "--epochs", "3", "--passes", "2", "--study", "whole")
    status = json.loads(place.hptune("status", "whole", "--json"))
    assert len(status["passes"]) >= 2


def test_a_good_model_passes_the_checks(place: Place) -> None:
    found = json.loads(place.hptune("check", "digits", "--json"))["check"]
    assert found["backend"] == place.backend
    assert found["verdict"] == "fine", found


def test_a_persons_model_is_searched_by_two_workers(place: Place) -> None:
    (place.folder / "model.py").write_text(GETTING_STARTED)
    arguments = ["digits", "--model", "model.py:build_model", "--workers", "2", *SMALL, "--study", "own"]
    found = json.loads(place.hptune("search", *arguments, "--json"))
    assert found["best"]["score"] > 0.7


def test_folds_and_convolutions_are_searched(place: Place) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 8, 8, 1)).astype(np.float32) + y[:, None, None, None]
    np.savez(place.folder / "images.npz", x=x, y=y)
    once = ["--trials", "1", "--epochs", "2", "--passes", "1"]
    place.hptune(
        "search", "images.npz", "--model", "cnn", "--objective", "val_f1_score", *once, "--study", "cnn"
    )
    found = json.loads(place.hptune("search", "iris", "--cv", "2", *once, "--study", "folds", "--json"))
    assert found["best"]["score"] > 0


def test_a_model_that_reads_text_is_exported_by_tensorflow_alone(place: Place) -> None:
    rows = "\n".join(f"{n % 7},{'red' if n % 3 else 'blue'},{'yes' if n % 2 else 'no'}" for n in range(60))
    (place.folder / "table.csv").write_text(f"number,colour,answer\n{rows}\n")
    once = ["--trials", "1", "--epochs", "2", "--passes", "1"]
    place.hptune("search", "table.csv", "--target", "answer", *once, "--study", "table")
    refused = place.run(HPTUNE, "export", "table", "--format", "keras", expect=2)
    assert "KERAS_BACKEND=tensorflow" in refused.stderr


def run_on(backend: str, *arguments: str) -> None:
    """Run tests that are there already on another backend."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *arguments],
        cwd=HERE.parent,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert re.search(r"\d+ passed", done.stdout), done.stdout[-5000:]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_training_goes_on_to_the_same_bits(backend: str) -> None:
    run_on(backend, "tests/test_train_trainer.py", "-k", "in_two_jobs or another_process")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_dense_networks_train_as_by_kerass_loop(backend: str) -> None:
    run_on(backend, "tests/test_dense.py", "tests/test_train_preflight.py")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_what_is_wrong_with_a_model_is_found(backend: str) -> None:
    run_on(backend, "tests/test_check_model.py")
