"""What is compared on tables: a search of hptune, a linear model, and boosted trees.

Each learns from the training rows, chooses by the validation rows, and gives scores of test rows that
nothing was chosen by. A score is AUC for two classes, accuracy for more, and R² for numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables_data import Parts, Table

__all__ = ["BASELINES", "boosted", "linear", "score_of", "searched"]

ROOT = Path(__file__).resolve().parent.parent
_STRENGTHS = np.logspace(-3, 3, 13)
"""Penalties of linear models, from hardly any."""
_RATES = (0.03, 0.1, 0.3)
"""Learning rates of boosted trees; each stops by itself."""


def linear(table: Table, parts: Parts) -> dict[str, float]:
    """Score a ridge or logistic regression on a feature for every level, its penalty chosen."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, words = _columns(parts[0], table)
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )
    kind = Ridge if table.task == "regression" else LogisticRegression
    models = [
        make_pipeline(prepare, Ridge(alpha=strength))
        if kind is Ridge
        else make_pipeline(prepare, LogisticRegression(C=1 / strength, max_iter=2000))
        for strength in _STRENGTHS
    ]
    return _chosen(models, table, parts)


def boosted(table: Table, parts: Parts) -> dict[str, float]:
    """Score gradient boosted trees, which take levels and missing values as such, their rate chosen."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    numbers, words = _columns(parts[0], table)
    # A column of more than 255 levels is not taken as levels: its rare ones count as one.
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=254,
    )
    prepare = make_column_transformer((codes, words), ("passthrough", numbers))
    kind = HistGradientBoostingRegressor if table.task == "regression" else HistGradientBoostingClassifier
    models = [
        make_pipeline(
            prepare,
            kind(
                learning_rate=rate,
                max_iter=500,
                early_stopping=True,
                categorical_features=list(range(len(words))),
                random_state=0,
            ),
        )
        for rate in _RATES
    ]
    return _chosen(models, table, parts)


def searched(
    table: Table, parts: Parts, *, seed: int, trials: int, epochs: int, more: str
) -> dict[str, float]:
    """Score what `hptune search` found, exported as a model that takes raw rows.

    `more` are further options of the search, parted by blanks.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, file in zip(parts, ("train.csv", "validation.csv"), strict=False):
            part.to_csv(folder / file, index=False)
        objective = ["--objective", "val_auc"] if table.task == "binary" else []
        _hptune(
            folder,
            *("search", "train.csv", "--target", table.target, "--validation", "validation.csv"),
            *("--task", table.task, "--trials", str(trials), "--epochs", str(epochs), "--seed", str(seed)),
            *("--study", "study", *objective, *more.split()),
        )
        _hptune(folder, "export", "study", "--format", "keras", "--output", "model.keras")
        found = _answers(folder / "model.keras", parts[2], table)
    return score_of(table, parts[2][table.target], found)


def _hptune(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "hptune", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def _answers(model: Path, frame: pd.DataFrame, table: Table) -> NDArray[Any]:
    """Return what an exported model says of raw rows: numbers, or probabilities, shape (rows, classes)."""
    import keras

    loaded = keras.models.load_model(model)
    inputs = {}
    for given in loaded.inputs:
        column = frame[given.name]
        if given.dtype == "string":
            inputs[given.name] = keras.ops.convert_to_tensor(column.astype("string").fillna("").to_list())
        else:
            inputs[given.name] = column.to_numpy(dtype=np.float32, na_value=np.nan)
    shaped = {name: keras.ops.reshape(values, (-1, 1)) for name, values in inputs.items()}
    answers = loaded.predict(shaped, batch_size=1024, verbose=0)
    found = answers["prediction" if table.task == "regression" else "probability"]
    return np.asarray(found).reshape(len(frame), -1)


def score_of(table: Table, true: pd.Series, found: NDArray[Any]) -> dict[str, float]:
    """Return the score of answers, shape (rows, 1) or (rows, classes in their order), and a second one.

    The second is accuracy for classes, and the root of the mean squared error for numbers.
    """
    from sklearn import metrics

    if table.task == "regression":
        answers = found.reshape(-1)
        root = float(np.mean((answers - true.to_numpy(dtype=np.float64)) ** 2) ** 0.5)
        return {"score": float(metrics.r2_score(true, answers)), "second": root}
    classes = np.unique(true.astype(str))
    accuracy = float(np.mean(classes[found.argmax(axis=1)] == true.astype(str)))
    if table.task == "multiclass":
        return {"score": accuracy, "second": accuracy}
    area = float(metrics.roc_auc_score(true.astype(str) == classes[1], found[:, 1]))
    return {"score": area, "second": accuracy}


def _columns(frame: pd.DataFrame, table: Table) -> tuple[list[str], list[str]]:
    """Return the columns of numbers, and those of words, but for those that hold nothing or one value."""
    columns = [name for name in frame if name != table.target and frame[name].nunique() > 1]
    numbers = [name for name in columns if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    return numbers, [name for name in columns if name not in numbers]


def _chosen(models: Sequence[Any], table: Table, parts: Parts) -> dict[str, float]:
    """Fit each model on the training rows and score the one that is best on the validation rows."""
    x, y = zip(*((part.drop(columns=table.target), part[table.target]) for part in parts), strict=True)
    fitted = [model.fit(x[0], y[0]) for model in models]

    def score(model: Any, part: int) -> dict[str, float]:
        ask = model.predict if table.task == "regression" else model.predict_proba
        return score_of(table, y[part], np.asarray(ask(x[part])).reshape(len(y[part]), -1))

    return score(max(fitted, key=lambda model: score(model, 1)["score"]), 2)


BASELINES: Mapping[str, Callable[[Table, Parts], dict[str, float]]] = {"linear": linear, "boosted": boosted}
"""What hptune is compared with."""
