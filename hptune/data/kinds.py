"""The kinds of data: what is to be predicted, and where rows come from."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SourceKind", "Task"]


class Task(StrEnum):
    """What is to be predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    """Several columns of 0 and 1, any number of which may be 1 in a row."""
    REGRESSION = "regression"
    OTHER = "other"
    """Targets of another shape, handed as they are to a user model."""
    UNKNOWN = "unknown"
    """Targets that come in batches, which are not looked at."""


class SourceKind(StrEnum):
    """Where data comes from."""

    BUNDLED = "bundled"
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"
    FEATHER = "feather"
    EXCEL = "excel"
    SQLITE = "sqlite"
    NPZ = "npz"
    IMAGES = "images"
    FUNCTION = "function"
