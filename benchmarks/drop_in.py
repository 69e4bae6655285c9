"""A script for Keras Tuner with one line changed: what quality comes out, and after how long.

The same `build(hp)`, the same rows and the same call of search, with Keras Tuner's tuners and with
hptune.CoarseToFine. Quality is that of `get_best_models()[0]` on rows that no search saw.

    python benchmarks/drop_in.py                 # two models, three seeds: about half an hour on two cores
    python benchmarks/drop_in.py --seeds 1 --trials 5 --epochs 5
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "CoarseToFine")


def dense(hp: Any) -> Any:
    """A network of dense layers, as guides build one."""
    import keras

    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    for i in range(hp.Int("layers", 1, 3)):
        units = hp.Int(f"units_{i}", 32, 256, step=32)
        model.add(keras.layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.25))
    return _compiled(model, hp)


def convolutional(hp: Any) -> Any:
    """A small convolutional network."""
    import keras

    model = keras.Sequential([keras.Input((8, 8, 1))])
    for i in range(hp.Int("blocks", 1, 2)):
        model.add(
            keras.layers.Conv2D(hp.Int(f"filters_{i}", 8, 32, step=8), 3, padding="same", activation="relu")
        )
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
    return _compiled(model, hp)


def _compiled(model: Any, hp: Any) -> Any:
    import keras

    model.add(keras.layers.Dense(10, activation="softmax"))
    rate = hp.Float("learning_rate", 1e-5, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


MODELS = {"dense": dense, "convolutional": convolutional}


def rows(seed: int) -> list[tuple[Any, Any]]:
    """Return digits as training, validation and test rows, 3 : 1 : 1."""
    import numpy as np
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = (x[order] / 16).astype("float32").reshape(-1, 8, 8, 1), y[order]
    ends = (0, len(x) * 3 // 5, len(x) * 4 // 5, len(x))
    return [(x[a:b], y[a:b]) for a, b in pairwise(ends)]


def one(name: str, model: str, seed: int, trials: int, epochs: int) -> dict[str, float]:
    """Search once, in this process; return what came out."""
    import keras
    import keras_tuner

    import hptune

    (x, y), held, test = rows(seed)
    kinds = {"CoarseToFine": hptune.CoarseToFine}
    # Hyperband's own budget of two rounds is near that of so many trainings.
    budget = {"max_epochs": epochs} if name == "Hyperband" else {"max_trials": trials}
    keras.utils.set_random_seed(seed)
    began, worked = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        tuner = (kinds.get(name) or getattr(keras_tuner, name))(
            MODELS[model], objective="val_accuracy", seed=seed, directory=folder, project_name="p", **budget
        )
        tuner.search(x, y, epochs=epochs, validation_data=held, verbose=0)
        best = tuner.get_best_models()[0]
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - worked,
            "validation": float(best.evaluate(*held, verbose=0)[1]),
            "test": float(best.evaluate(*test, verbose=0)[1]),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--one", nargs=3, metavar=("TUNER", "MODEL", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, model, seed = options.one
        print(json.dumps(one(name, model, int(seed), options.trials, options.epochs)))
        return
    print("| model | tuner | seconds | CPU seconds | validation accuracy | test accuracy |")
    print("|---|---|---|---|---|---|")
    for model in options.models:
        found: dict[str, list[dict[str, float]]] = defaultdict(list)
        # One after the other within a seed: the machine is as noisy for all.
        for seed in range(options.seeds):
            for name in TUNERS:
                found[name].append(_apart(name, model, seed, options))
        for name in TUNERS:
            print(f"| {model} | {name} | {_said(found[name])} |", flush=True)


def _apart(name: str, model: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Search in a process of its own: what one leaves in Keras costs the next nothing."""
    asked = [
        "--one",
        name,
        model,
        str(seed),
        "--trials",
        str(options.trials),
        "--epochs",
        str(options.epochs),
    ]
    done = subprocess.run([sys.executable, __file__, *asked], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{Path(__file__).name}: {name} {model} seed {seed}: {found}", file=sys.stderr)
    return found


def _said(found: list[dict[str, float]]) -> str:
    cells = [f"{mean(run[key] for run in found):.0f}" for key in ("seconds", "cpu")]
    for key in ("validation", "test"):
        scores = [run[key] for run in found]
        spread = f" ± {stdev(scores) / len(scores) ** 0.5:.4f}" if len(scores) > 1 else ""
        cells.append(f"{mean(scores):.4f}{spread}")
    return " | ".join(cells)


if __name__ == "__main__":
    main()
