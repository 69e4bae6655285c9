"""What a study notes of its search beside trials: one typed record, one row of the database per field."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from hptune.space import Hyperparameter, Values
from hptune.space.as_dict import hyperparameter_from_dict, hyperparameter_to_dict
from hptune.space.condition import kind_of
from hptune.study.cells import read_json, scalars

__all__ = [
    "Baseline",
    "ExhaustedBudget",
    "ModelVersion",
    "StudyNotes",
    "WarmStart",
    "note_to_json",
    "read_note",
    "read_notes",
]


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """A configuration to try right after the defaults, and where it comes from."""

    values: Values
    origin: str
    """A preset, or the study that it was learned from."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The best constant prediction, scored as a trial is."""

    what: str
    """always setosa, all classes alike, always the mean."""
    score: float


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """The model as it was from some job on, where its code was changed between two runs of a search."""

    fingerprint: str
    first_job: int


@dataclass(frozen=True, kw_only=True)
class ExhaustedBudget:
    """A search that bought all that its budget can, so that the same command need not load anything."""

    budget: int
    """In epochs."""
    request: Mapping[str, Any] | None
    """Everything that the search depended on; None where that can't be compared cheaply."""


@dataclass(frozen=True, kw_only=True)
class StudyNotes:
    """What a search notes; every field has a value, whatever was noted so far."""

    created_at: float = 0.0
    """Seconds since 1970-01-01 UTC."""
    version: str = ""
    """Of hptune, when the study was made."""
    command: str = ""
    """The command line that repeats the search."""
    warm_starts: tuple[WarmStart, ...] = ()
    """Configurations that the search tried right after the defaults."""
    found: tuple[Hyperparameter, ...] = ()
    """What trials of past studies of the same model asked for beyond what exploring finds."""
    model_fingerprint: str = ""
    """Of the model that the latest trials were trained with; "" where the study's identity tells it."""
    model_versions: tuple[ModelVersion, ...] = ()
    """Versions of the model after the one of the study's identity, in their order."""
    numpy_difference: str = ""
    """How NumPy differs from Keras on this model, which Keras trains then; "" where NumPy may train it."""
    under_way: bool = False
    """A search of user code has begun and not ended; where no process holds it, that one died."""
    isolate: bool = False
    """Processes died of its trials: a search of it runs in one that may die."""
    retry_before: int = 0
    """Failed trials whose last job has a lower number are tried again, as --retry-failed asked for."""
    retrying: bool = False
    """A search with --retry-failed has begun and not ended."""
    in_one_go: bool = False
    """Each trial is trained to its end at once, not rung by rung."""
    baseline: Baseline | None = None
    """None where trials are not all scored on the same rows, or where the metric is not known."""
    budget: int = 0
    """Epochs that the whole search may cost; 0 before it ran."""
    train_examples: int = 0
    """Training rows of the split."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Python, Keras, its backend and NumPy, as they were when the search last ran."""
    exhausted: ExhaustedBudget | None = None


_READERS: dict[str, Callable[[Any], Any]] = {
    "warm_starts": lambda known: tuple(_warm_start(one) for one in known),
    "found": lambda known: tuple(hyperparameter_from_dict(one) for one in known),
    "model_versions": lambda known: tuple(_model_version(one) for one in known),
    "baseline": lambda known: None if known is None else _baseline(known),
    "exhausted": lambda known: None if known is None else _exhausted(known),
}
_NAMES = frozenset(f.name for f in fields(StudyNotes))


def note_to_json(name: str, value: Any) -> str:
    """Return the value of a field of StudyNotes as JSON text; raises ValueError for another name."""
    if name not in _NAMES:
        raise ValueError(f"{name}: a study has no such note")
    if isinstance(value, tuple):
        return json.dumps(
            [hyperparameter_to_dict(one) if isinstance(one, Hyperparameter) else asdict(one) for one in value]
        )
    return json.dumps(asdict(value) if isinstance(value, Baseline | ExhaustedBudget) else value)


def read_note(name: str, text: Any) -> Any:
    """Return a note that `note_to_json` wrote; None for an unknown name. Raises DamagedCellError."""
    if name not in _NAMES:
        return None
    return read_json("meta", name, "value", text, lambda content: _read(name, content), "what a search notes")


def read_notes(rows: Mapping[str, str]) -> StudyNotes:
    """Return the notes that `note_to_json` wrote, by name; unknown names are left out.

    Raises DamagedCellError.
    """
    return StudyNotes(**{name: read_note(name, text) for name, text in rows.items() if name in _NAMES})


_KINDS: dict[str, Any] = {
    "created_at": (int, float),
    "version": str,
    "command": str,
    "model_fingerprint": str,
    "numpy_difference": str,
    "in_one_go": bool,
    "under_way": bool,
    "isolate": bool,
    "retry_before": int,
    "retrying": bool,
    "budget": int,
    "train_examples": int,
    "versions": dict,
}


def _read(name: str, content: Any) -> Any:
    if name in _READERS:
        return _READERS[name](content)
    if isinstance(content, bool) is not (_KINDS[name] is bool) or not isinstance(content, _KINDS[name]):
        raise TypeError(name)
    if name == "versions" and not all(isinstance(version, str) for version in content.values()):
        raise TypeError(name)
    if name == "created_at" and not math.isfinite(content):
        raise ValueError(name)
    return content


def _warm_start(known: Mapping[str, Any]) -> WarmStart:
    if not isinstance(known["origin"], str):
        raise TypeError("origin")
    return WarmStart(values=scalars(known["values"]), origin=known["origin"])


def _model_version(known: Mapping[str, Any]) -> ModelVersion:
    version = ModelVersion(**known)
    if not isinstance(version.fingerprint, str) or type(version.first_job) is not int:
        raise TypeError("fingerprint and first_job")
    return version


def _baseline(known: Mapping[str, Any]) -> Baseline:
    baseline = Baseline(**known)
    if not isinstance(baseline.what, str) or kind_of(baseline.score) != "number":
        raise TypeError("what and score")
    return baseline


def _exhausted(known: Mapping[str, Any]) -> ExhaustedBudget:
    exhausted = ExhaustedBudget(**known)
    if type(exhausted.budget) is not int or not isinstance(exhausted.request, dict | None):
        raise TypeError("budget and request")
    return exhausted
