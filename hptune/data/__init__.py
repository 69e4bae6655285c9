"""What is learned from: tables, arrays and bundled sets, split and encoded."""

from hptune.data.baseline import baseline_of
from hptune.data.bundled import BUNDLED
from hptune.data.dataset import Dataset, DataSplit, Origin
from hptune.data.kinds import SourceKind, Task
from hptune.data.load import load_dataset, load_folds

__all__ = [
    "BUNDLED",
    "DataSplit",
    "Dataset",
    "Origin",
    "SourceKind",
    "Task",
    "baseline_of",
    "load_dataset",
    "load_folds",
]
