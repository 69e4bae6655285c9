"""Coarse-to-fine hyperparameter search for Keras.

From the terminal, `hptune search`. From Python, in the place of a tuner of Keras Tuner's:

    import hptune

    tuner = hptune.CoarseToFine(build, objective="val_accuracy", trials=30, epochs=20, study="studies/mine")
    tuner.search(x, y, validation_split=0.2)    # what model.fit takes; the same program resumes
    model = tuner.get_best_models()[0]          # a keras.Model
    tuner.narrow()                              # what the last pass taught: accept, edit, keep, freeze
    tuner.report()                              # one page with the plots; a notebook shows it in place

`build(hp)` is any function or HyperModel that Keras Tuner takes. A study that the terminal searched opens by
`hptune.open_study("studies/digits-mlp")`, with the same methods:

    trials()    a DataFrame, one row per trial
    curve(3)    a DataFrame, what each epoch of trial 3 reported
    narrow()    the proposal for the next pass
    report()    the page
    confirm()   the best once more with fresh seeds: which are significantly better
    export()    the best configurations as text or files, or as a trained model

`CoarseToFineOracle` is the search algorithm alone, for a `keras_tuner.Tuner` of your own. Errors are those of
`hptune.errors`. Importing this package loads nothing heavy: what needs TensorFlow, Keras, Keras Tuner or
pandas loads it when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hptune.oracles.coarse_to_fine import CoarseToFineOracle
    from hptune.tuner.coarse_to_fine import CoarseToFine
    from hptune.tuner.studies import open_study

__version__ = "0.1.0"
__all__ = ["CoarseToFine", "CoarseToFineOracle", "__version__", "open_study"]

_HOMES = {
    "CoarseToFine": "hptune.tuner.coarse_to_fine",
    "CoarseToFineOracle": "hptune.oracles.coarse_to_fine",
    "open_study": "hptune.tuner.studies",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hptune' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
