"""Notebooks written for Keras Tuner, of which one line is another, in a real Jupyter kernel."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

DATA = """
import keras
import keras_tuner
import numpy as np

generator = np.random.default_rng(0)
x_train = generator.normal(size=(200, 8, 8)).astype("float32")
y_train = (x_train[:, :4].sum(axis=(1, 2)) > 0).astype("int32")
x_val, y_val = x_train[150:], y_train[150:]
"""
FIRST = """
def build_model(hp):
    model = keras.Sequential()
    model.add(keras.layers.Flatten())
    for i in range(hp.Int("layers", 1, 2)):
        units = hp.Int(f"units_{i}", 8, 32, step=8)
        model.add(keras.layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.25))
    model.add(keras.layers.Dense(2, activation="softmax"))
    rate = hp.Float("lr", 1e-4, 1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
MAKE = """
tuner = keras_tuner.RandomSearch(
    hypermodel=build_model,
    objective="val_accuracy",
    max_trials=2,
    executions_per_trial=2,
    overwrite=True,
    directory="dir",
    project_name="hello",
)
"""
SEARCH = """
tuner.search_space_summary()
tuner.search(x_train, y_train, epochs=2, validation_data=(x_val, y_val))
"""
BEST = """
models = tuner.get_best_models(num_models=2)
best = models[0]
best.summary()
tuner.results_summary()
hps = tuner.get_best_hyperparameters(5)
model = build_model(hps[0])
model.fit(x=np.concatenate((x_train, x_val)), y=np.concatenate((y_train, y_val)), epochs=1, verbose=0)
"""
OWN_FIT = """
class Model(keras_tuner.HyperModel):
    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        if hp.Boolean("normalize"):
            x = keras.layers.Normalization(axis=None)(x)
        return model.fit(x, y, validation_data=validation_data, shuffle=hp.Boolean("shuffle"), **kwargs)

tuner = keras_tuner.RandomSearch(Model(), "val_loss", 2, directory="dir", project_name="own_fit")
tuner.search(x_train, y_train, epochs=2, validation_data=(x_val, y_val))
hp = tuner.get_best_hyperparameters()[0]
hypermodel = Model()
model = hypermodel.build(hp)
hypermodel.fit(hp, model, x_train, y_train, epochs=1, verbose=0)
print("shuffle", hp.get("shuffle"))
"""
LOOP = """
class Loop(keras_tuner.HyperModel):
    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, x, y, validation_data, callbacks=None, **kwargs):
        best = float("inf")
        for callback in callbacks:
            callback.set_model(model)
        for epoch in range(2):
            model.fit(x, y, batch_size=hp.Int("batch_size", 16, 64, step=16), verbose=0)
            loss = float(model.evaluate(*validation_data, verbose=0)[0])
            for callback in callbacks:
                callback.on_epoch_end(epoch, logs={"my_metric": loss})
            best = min(best, loss)
        return best

tuner = keras_tuner.RandomSearch(
    Loop(), keras_tuner.Objective("my_metric", "min"), 2, overwrite=True, directory="dir", project_name="loop"
)
tuner.search(x=x_train, y=y_train, validation_data=(x_val, y_val))
print("batch", tuner.get_best_hyperparameters()[0].get("batch_size"))
"""
STOPPING = """
stop_early = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1)
tuner = keras_tuner.BayesianOptimization(
    build_model, objective="val_accuracy", max_trials=1, directory="dir", project_name="stopping"
)
tuner.search(x_train, y_train, epochs=4, validation_split=0.2, callbacks=[stop_early])
print("units", tuner.get_best_hyperparameters(num_trials=1)[0].get("units_0"))
"""
OURS = """
print(tuner.trials().shape)
tuner
"""
PROPOSAL = "tuner.narrow()"
REPORT = "tuner.report()"
INTERRUPTED = """
import contextlib, os, signal, threading, time
long = hptune.CoarseToFine(build_model, "val_accuracy", 60, epochs=40, study="dir/long")

def trained():
    with contextlib.suppress(hptune.errors.HptuneError, KeyError):
        return hptune.open_study("dir/long").trials()["epochs"].sum()

def stop():
    while not trained():
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop, daemon=True).start()
try:
    long.search(x_train, y_train, validation_split=0.2)
except KeyboardInterrupt as error:
    print("stopped:", error)
"""


def one_line_changed(cell: str) -> str:
    for stock in ("RandomSearch", "BayesianOptimization"):
        cell = cell.replace(f"keras_tuner.{stock}(", "hptune.CoarseToFine(")
    return cell


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """What each cell put out, in a notebook that was run from its first cell to its last."""
    cells = [DATA + "import hptune, hptune.errors", FIRST, MAKE, SEARCH, BEST, OWN_FIT, LOOP, STOPPING]
    cells = [one_line_changed(cell) for cell in cells] + [OURS, PROPOSAL, REPORT, INTERRUPTED]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    folder = tmp_path_factory.mktemp("notebook")
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=540, kernel_name="python3", resources=resources).execute()
    assert (folder / "dir" / "hello" / "study.db").exists()
    return [cell.outputs for cell in notebook.cells]


def text(cell: list[Any], stream: str = "stdout") -> str:
    return "".join(out.text for out in cell if out.output_type == "stream" and out.name == stream)


def markup(cell: list[Any]) -> str:
    return "".join(out.data.get("text/html", "") for out in cell if "data" in out)


def test_the_search_is_one_output_of_its_cell(outputs: list[list[Any]]) -> None:
    searched = outputs[3]
    assert "lr: 0.0001..0.01" in text(searched)
    (shown,) = [out for out in searched if out.output_type == "display_data"]
    assert "<progress" in shown.data["text/html"]
    said = shown.data["text/plain"]
    assert "arrays: 200 training and 50 validation rows" in said
    assert "4/4 epochs" in said
    assert "--" not in said


def test_models_and_summaries_come_as_from_keras_tuner(outputs: list[list[Any]]) -> None:
    shown = text(outputs[4])
    assert "Results summary" in shown
    assert "Score: " in shown


def test_fits_and_loops_of_ones_own_are_searched(outputs: list[list[Any]]) -> None:
    assert "shuffle" in text(outputs[5])
    assert "batch" in text(outputs[6])


def test_a_notebook_with_early_stopping_runs(outputs: list[list[Any]]) -> None:
    assert "units" in text(outputs[7])


def test_studies_proposals_and_reports_show_in_place(outputs: list[list[Any]]) -> None:
    assert "<table>" in markup(outputs[8])
    assert "<th" in markup(outputs[9])
    assert "<iframe srcdoc=" in markup(outputs[10])


def test_the_stop_button_ends_after_the_epoch(outputs: list[list[Any]]) -> None:
    assert "the same search() resumes it" in text(outputs[11])
