"""What is learned from: tables, arrays and bundled sets, split and encoded."""

from hptune.data.baseline import Guess, guess_alone
from hptune.data.bundled import BUNDLED
from hptune.data.dataset import Dataset, Origin, Part
from hptune.data.kinds import SourceKind, Task
from hptune.data.load import load_dataset, load_folds

__all__ = [
    "BUNDLED",
    "Dataset",
    "Guess",
    "Origin",
    "Part",
    "SourceKind",
    "Task",
    "guess_alone",
    "load_dataset",
    "load_folds",
]
