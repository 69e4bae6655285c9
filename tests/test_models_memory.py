"""Weights that memory has no room for: refused before they are made, in a process whose memory is limited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hptune.models import memory
from hptune.models.backend import keras
from hptune.models.memory import NoRoomError, available_memory, room_for_weights
from hptune.training.failures import infeasible_reason

GIB = 2**30


def dense(units: int) -> None:
    keras.layers.Dense(units).build((None, 4))


def test_weights_larger_than_memory_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    made = keras.layers.Layer.add_weight
    with room_for_weights():
        dense(50)
    with (
        pytest.raises(NoRoomError, match=r"shape \(4, 63\), with which the weights take"),
        room_for_weights(),
    ):
        dense(63)
    with pytest.raises(NoRoomError), room_for_weights():  # noqa: PT012
        dense(40)
        dense(40)
    assert keras.layers.Layer.add_weight is made
    dense(63)


def test_the_reason_says_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: GIB)
    with pytest.raises(NoRoomError) as caught, room_for_weights():
        keras.layers.Dense(5 * 10**8, name="wide").build((None, 4))
    assert infeasible_reason(caught.value) == (
        "out of memory: wide makes a weight of shape (4, 500000000), with which the weights take 7.5 GiB,"
        " and 1.0 GiB of memory are left"
    )


@pytest.mark.parametrize(("dtype", "size"), [("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_a_type_has_its_size(dtype: str, size: int) -> None:
    layer = keras.layers.Dense(1, dtype=dtype)
    assert memory._bytes(layer, (3, 5), None) == 15 * size
    assert memory._bytes(layer, (3, None), None) == 0


def test_what_is_left_is_part_of_the_machine_s() -> None:
    assert 0 < available_memory() <= memory.machine_memory()


MODEL = """import keras


def build(hp):
    units = hp.Int("units", 1, 10**9)
    layers = [keras.layers.Dense(units, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
LIMITED = """import resource
import sys

resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
from hptune.__main__ import main

main(sys.argv[1:])
"""


def test_a_range_up_to_a_billion_units_is_searched_where_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(MODEL, encoding="utf-8")
    words = ["search", "digits", "--model", "m.py:build", "--trials", "2", "--epochs", "3", "--passes", "1"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words, "--study", "s"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    listed = [sys.executable, "-m", "hptune", "trials", "s", "--json"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(listed, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    trials = json.loads(found.stdout)["trials"]
    reasons = {t["values"]["units"]: t["reason"] for t in trials if t["state"] == "infeasible"}
    assert "with which the weights take 119.2 GiB" in reasons[500000001]
    assert {t["state"] for t in trials} & {"complete", "paused"}
    assert "At their lowest values, where Keras Tuner begins, it can be" in " ".join(done.stderr.split())
