"""The data sets that come with scikit-learn: real, small, and there without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hptune.data.kinds import SourceKind
from hptune.data.raw import Raw
from hptune.errors import DataError, did_you_mean

__all__ = ["BUNDLED", "read_bundled"]

BUNDLED: Mapping[str, str] = MappingProxyType(
    {
        "digits": "1,797 images of handwritten digits, 8 × 8 pixels of 0 to 16; ten classes",
        "breast_cancer": "569 tumours, 30 measures; malignant or benign",
        "wine": "178 wines, 13 measures; three growers",
        "iris": "150 irises, 4 measures; three species",
        "diabetes": "442 patients, 10 measures; progression after a year, a number",
    }
)
"""Name of each bundled data set, and what it holds."""


def read_bundled(name: str) -> Raw:
    """Read a data set of scikit-learn as `sklearn.datasets.load_NAME` has it.

    Class codes are scikit-learn's own, and labels its names of them, in its order. Digits are flat rows of
    64 values. Raises `DataError` for an unknown name.
    """
    if name not in BUNDLED:
        raise DataError(f"no bundled data set is named {name!r}", hint=did_you_mean(name, BUNDLED))
    from sklearn import datasets

    load: Callable[[], Any] = getattr(datasets, f"load_{name}")
    bunch = load()
    classes = () if name == "diabetes" else tuple(label.item() for label in bunch.target_names)
    return Raw(name=name, kind=SourceKind.BUNDLED, x=bunch.data, y=bunch.target, classes=classes)
