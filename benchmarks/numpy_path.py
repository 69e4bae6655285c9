"""One trial by NumPy and by Keras: which is faster, and which of them hptune takes.

    python benchmarks/numpy_path.py [--epochs 20] [--runs 2]

Two hidden layers and ten classes; a trial is building the model, tracing its graphs, training and
validating it. Every line has a process of its own, which gives Keras as many threads as a search
does: one for rows of up to 1,024 values, all for wider ones. Figures are seconds of the wall's clock
and, in parentheses, of the processor; the least of the runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SIZES = (
    (8, 16, 16, 200),
    (64, 16, 32, 1_437),
    (64, 64, 128, 1_437),
    (64, 512, 128, 1_437),
    (64, 64, 512, 20_000),
    (784, 512, 128, 2_000),
    (1_024, 1_024, 512, 2_000),
    (3_072, 16, 128, 200),
    (3_072, 16, 128, 600),
    (3_072, 64, 128, 600),
    (3_072, 512, 128, 600),
)
"""Values of a row, units, rows of a batch, rows of the data."""
CLASSES = 10
HELD_OUT = 0.2
"""Validation rows, as a share of the training rows."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--sizes", type=json.loads, default=SIZES, help="[[values, units, batch, rows], …]")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.epochs, options.runs)))
        return
    print("| values, units, batch, rows | operations an epoch | NumPy, s | Keras, s | ratio | hptune takes |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        print(line(size, options), flush=True)


def line(size: Any, options: argparse.Namespace) -> str:
    command = [sys.executable, __file__, "--one", json.dumps(size)]
    command += ["--epochs", str(options.epochs), "--runs", str(options.runs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    (ours, ours_cpu), (theirs, theirs_cpu) = found["NumPy"], found["Keras"]
    return (
        f"| {', '.join(f'{n:,}' for n in size)} | {found['operations']:.1e} | {ours:.2f} ({ours_cpu:.2f}) "
        f"| {theirs:.2f} ({theirs_cpu:.2f}) | {theirs / ours:.1f} | {found['choice']} |"
    )


def measure(values: int, units: int, batch: int, rows: int, epochs: int, runs: int) -> dict[str, Any]:
    """Return what a trial takes by each, (wall, processor) seconds, and the rule's choice."""
    from hptune.models.backend import set_up
    from hptune.models.model import Arrays
    from hptune.training.numpy_feed import is_faster, operations_per_epoch

    set_up((values,))
    rng = np.random.default_rng(0)
    held = int(rows * HELD_OUT)
    x = rng.normal(size=(rows + held, values)).astype(np.float32)
    y = rng.integers(0, CLASSES, rows + held).astype(np.int32)
    arrays = Arrays(x=x[:rows], y=y[:rows], validation_x=x[rows:], validation_y=y[rows:])
    model = compiled(values, units)
    found: dict[str, Any] = {
        "operations": operations_per_epoch(model, rows),
        "choice": "NumPy" if is_faster(model, arrays) else "Keras",
    }
    for by in ("NumPy", "Keras"):
        # What only a process's first training takes is not counted.
        trial(by, units, arrays, batch, 1)
        found[by] = min(trial(by, units, arrays, batch, epochs) for _ in range(runs))
    return found


def compiled(values: int, units: int) -> Any:
    from hptune.models.backend import keras

    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(2)]
    output = keras.layers.Dense(CLASSES, activation="softmax")
    model = keras.Sequential([keras.Input((values,)), *hidden, output])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trial(by: str, units: int, arrays: Any, batch: int, epochs: int) -> tuple[float, float]:
    """Train one model, whatever the rule says; returns the wall clock's and the processor's seconds."""
    from hptune.models.model import Training
    from hptune.study.trial import Direction, Job, Objective
    from hptune.training import numpy_feed
    from hptune.training.checkpoint import TrainingState
    from hptune.training.choose_feed import choose_feed
    from hptune.training.epoch_callback import EpochCallback, never_stop
    from hptune.training.session import make_ready

    callback = EpochCallback(
        job=Job(id=1, trial_id=1, values={}, seed=0, initial_epoch=0, epochs=epochs),
        training=Training(batch_size=batch),
        objective=Objective(name="val_loss", direction=Direction.MIN),
        on_epoch=never_stop,
        progress=TrainingState(),
    )
    began, cpu = time.perf_counter(), time.process_time()
    model = compiled(arrays.x.shape[1], units)
    make_ready(model, arrays)
    with patch.object(numpy_feed, "is_faster", lambda model, arrays: by == "NumPy"):
        feed = choose_feed(model, arrays, None, batch)
    assert isinstance(feed, numpy_feed.DenseFeed) is (by == "NumPy")
    feed.trace()
    feed.fit(callback, 0, 0, epochs)
    return time.perf_counter() - began, time.process_time() - cpu


if __name__ == "__main__":
    main()
