"""Each form of arrays that a data function may return: searched, killed, resumed to the same trials."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hptune.study import Study

DATA = """import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
WORDS = np.array([" ".join(["good" if y else "bad", "film"]) for y in Y], dtype=object)


def inputs_by_name():
    return {"left": X[:, :3], "right": X[:, 3:]}, Y


def inputs_in_a_list():
    return [X[:, :3], X[:, 3:]], Y


def two_outputs():
    return X, {"sign": Y, "size": X[:, :1]}


def inputs_alone():
    return X


def weights():
    return X, Y, np.where(Y, 2.0, 1.0)


def four():
    return X[:90], Y[:90], X[90:], Y[90:]


def text():
    return WORDS, Y
"""
MODEL = """import keras
import numpy as np

KNOWN = ["good", "bad", "film"]
WORDS = keras.layers.TextVectorization(output_mode="multi_hot", vocabulary=KNOWN)


def made(hp, inputs, outputs, loss):
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(hp.Float("lr", 1e-3, 1.0, sampling="log")), loss)
    return model


def hidden(hp, x):
    return keras.layers.Dense(hp.Int("units", 2, 16), "relu")(x)


def plain(hp):
    x = keras.Input((6,))
    return made(hp, x, keras.layers.Dense(1, "sigmoid")(hidden(hp, x)), "binary_crossentropy")


def by_name(hp):
    parts = {name: keras.Input((3,), name=name) for name in ("left", "right")}
    both = keras.layers.concatenate(list(parts.values()))
    return made(hp, parts, keras.layers.Dense(1, "sigmoid")(hidden(hp, both)), "binary_crossentropy")


def in_a_list(hp):
    parts = [keras.Input((3,)), keras.Input((3,))]
    both = keras.layers.concatenate(parts)
    return made(hp, parts, keras.layers.Dense(1, "sigmoid")(hidden(hp, both)), "binary_crossentropy")


def two(hp):
    x = keras.Input((6,))
    out = {"sign": keras.layers.Dense(1, "sigmoid", name="sign")(hidden(hp, x)),
           "size": keras.layers.Dense(1, name="size")(x)}
    return made(hp, x, out, {"sign": "binary_crossentropy", "size": "mse"})


class Auto(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.inner, self.outer = keras.layers.Dense(units), keras.layers.Dense(6)

    def call(self, x):
        y = self.outer(self.inner(x))
        self.add_loss(keras.ops.mean(keras.ops.square(x - y)))
        return y


def alone(hp):
    model = Auto(hp.Int("units", 1, 5))
    model.compile(keras.optimizers.SGD(hp.Float("lr", 1e-3, 0.3, sampling="log")))
    return model


def words(hp):
    x = keras.Input((), dtype="string")
    return made(hp, x, keras.layers.Dense(1, "sigmoid")(hidden(hp, WORDS(x))), "binary_crossentropy")
"""
FORMS = {
    "inputs_by_name": "by_name",
    "inputs_in_a_list": "in_a_list",
    "two_outputs": "two",
    "inputs_alone": "alone",
    "weights": "plain",
    "four": "plain",
    "text": "words",
}


def story(folder: Path) -> list[Any]:
    with Study.open(folder) as study:
        return [(t.id, dict(t.values), t.seed, [*t.curve]) for t in study.trials()]


def epochs_used(folder: Path) -> int:
    if not Study.exists(folder):
        return 0
    with Study.open(folder) as study:
        return study.epochs_used()


@pytest.mark.parametrize("form", FORMS)
def test_a_killed_search_ends_in_the_same_trials(form: str, tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(DATA, encoding="utf-8")
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "hptune", "search", f"data.py:{form}", "--model", f"model.py:{FORMS[form]}"),
        *("--objective", "val_loss", "--passes", "1", "--trials", "3", "--epochs", "3"),
    ]
    whole = subprocess.run(
        [*command, "--study", "whole"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert whole.returncode == 0, whole.stderr
    killed = [*command, "--study", "killed"]
    process = subprocess.Popen(killed, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 240
    while epochs_used(tmp_path / "killed") < 2 and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(killed, cwd=tmp_path, capture_output=True, check=True)
    assert story(tmp_path / "killed") == story(tmp_path / "whole")
