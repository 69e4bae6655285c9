"""The data of an exported script: read, brought to numbers and split as the search had it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hptune.data import Dataset, Origin, SourceKind, Task
from hptune.data.bundled import BUNDLED
from hptune.data.csv_and_parquet import CSV_OPTIONS, TABLE_SUFFIXES, read_csv
from hptune.data.dataset import is_source
from hptune.data.python_file import is_function_spec
from hptune.errors import DataError
from hptune.export.script_files import image_folders, images, load_function, npz_names
from hptune.export.script_part import ScriptPart, code
from hptune.export.script_table import encode
from hptune.export.script_text import inside, layout, literal

__all__ = ["argument", "data"]


def argument(origin: Origin) -> bool:
    """Tell whether a script takes the place of its data as an argument: all but bundled data have one."""
    return origin.kind is not SourceKind.BUNDLED


def data(dataset: Dataset, *, skip_broken: bool = False) -> ScriptPart:
    """Return `load_data`, which gives x, y, x_val and y_val, with all it needs."""
    origin = dataset.origin
    if origin is None:
        raise DataError(f"{dataset.name}: was made by hand, so no script can make it again")
    reader = _Reader(dataset=dataset, origin=origin, skip_broken=skip_broken)
    part = _constants(dataset, origin)
    if dataset.encoder is not None:
        part += encode(dataset.encoder, from_text=origin.kind is SourceKind.CSV)
    part += _targets(dataset, origin)
    return part + reader.part()


def _constants(dataset: Dataset, origin: Origin) -> ScriptPart:
    constants = []
    if argument(origin):
        given = f"DATA = sys.argv[1] if len(sys.argv) > 1 else {literal(origin.source)}"
        constants.append(given)
    if origin.target is not None:
        constants.append(layout(f"TARGET = {literal(origin.target)}"))
    if _needs_classes(dataset, origin):
        labels = layout(f"CLASSES = {literal(list(dataset.classes))}")
        constants.append(f"# Labels, in the order of their codes.\n{labels}")
    imports = ("import sys",) if argument(origin) else ()
    return ScriptPart(imports=imports, constants=tuple(constants))


def _needs_classes(dataset: Dataset, origin: Origin) -> bool:
    """Tell whether labels are other than their codes already."""
    if not dataset.classes or origin.kind is SourceKind.BUNDLED:
        return False
    return origin.kind is SourceKind.IMAGES or dataset.classes != tuple(range(len(dataset.classes)))


_LABELS = """
def as_targets(y):
    \"\"\"Return the place of each label in CLASSES.\"\"\"
    codes = {label: code for code, label in enumerate(CLASSES)}
    labels = np.asarray(y).reshape(-1)@text.tolist()
    return np.array([codes[label] for label in labels], dtype="int32")
"""

_NUMBERS = """
def as_targets(y):
    \"\"\"Return targets as numbers, one a row.\"\"\"
    return np.asarray(y).astype("float32").reshape(-1)
"""

_CODES = """
def as_targets(y):
    \"\"\"Return class codes, of codes or of a column for each class.\"\"\"
    y = np.asarray(y)
    y = y.argmax(axis=1) if y.ndim > 1 and y.shape[1] > 1 else y.reshape(-1)
    return y.astype("int32")
"""


def _targets(dataset: Dataset, origin: Origin) -> ScriptPart:
    """Return `as_targets`, where more than their type has to be changed."""
    if _needs_classes(dataset, origin) and origin.kind is not SourceKind.IMAGES:
        texts = all(isinstance(label, str) for label in dataset.classes)
        return ScriptPart(functions=(code(_LABELS.replace("@text", ".astype(str)" if texts else "")),))
    if _is_loose(origin) and dataset.task is Task.REGRESSION:
        return ScriptPart(functions=(code(_NUMBERS),))
    if _is_loose(origin) and dataset.classes:
        return ScriptPart(functions=(code(_CODES),))
    return ScriptPart()


def _is_loose(origin: Origin) -> bool:
    """Tell whether targets may come in several shapes."""
    kinds = {origin.kind} | ({_kind(origin.validation)} if is_source(origin.validation) else set())
    return bool(kinds & {SourceKind.NPZ, SourceKind.FUNCTION})


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One source of rows: how a script reads x and y."""

    kind: SourceKind
    read: str
    """Statements that set x and y, or x, y, x_val and y_val."""
    whole: bool = False
    """Whether it reads the validation rows as well."""
    part: ScriptPart = field(default_factory=ScriptPart)
    """What the statements need."""


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Writes `load_data`."""

    dataset: Dataset
    origin: Origin
    skip_broken: bool

    def part(self) -> ScriptPart:
        """Return `load_data` with what it needs."""
        origin = self.origin
        path = "DATA" if argument(origin) else literal(origin.source)
        source = self._source(origin.kind, origin.source, path, "x", "y")
        part, lines = source.part, [source.read]
        if source.whole:
            pass
        elif is_source(origin.validation):
            held = str(origin.validation)
            apart = self._source(_kind(held), held, "VALIDATION", "x_val", "y_val")
            part += ScriptPart(constants=(layout(f"VALIDATION = {literal(held)}"),)) + apart.part
            lines.append(apart.read)
        else:
            part += ScriptPart(
                imports=("from sklearn.model_selection import train_test_split",), needs=("scikit-learn",)
            )
            lines.append(self._split())
        function = code(
            """
            def load_data():
                \"\"\"Return training rows and targets, validation rows and targets.\"\"\"
                @0
                return x, y, x_val, y_val
            """,
            "\n".join(lines),
        )
        return part + ScriptPart(functions=(function,))

    def _split(self) -> str:
        stratify = "y" if self.dataset.classes else "None"
        share, seed = float(self.origin.validation), self.origin.seed
        call = f"train_test_split(x, y, test_size={share!r}, random_state={seed}, stratify={stratify})"
        return inside(f"x, x_val, y, y_val = {call}", 4)

    def _source(self, kind: SourceKind, source: str, path: str, x: str, y: str) -> _Source:
        writers: Mapping[SourceKind, Callable[[str, str, str, str], _Source]] = {
            SourceKind.BUNDLED: self._bundled,
            SourceKind.CSV: self._csv,
            SourceKind.PARQUET: self._parquet,
            SourceKind.NPZ: self._npz,
            SourceKind.IMAGES: self._images,
            SourceKind.FUNCTION: self._function,
        }
        return writers[kind](source, path, x, y)

    def _bundled(self, source: str, path: str, x: str, y: str) -> _Source:
        inputs = f'{x} = {x}.astype("float32")'
        if self.origin.as_images:
            inputs += f".reshape(-1, {', '.join(map(str, self.dataset.input_shape))})"
        lines = [f"{x}, {y} = datasets.load_{source}(return_X_y=True)", inputs]
        lines.append(f'{y} = {y}.astype("{self._dtype}")')
        part = ScriptPart(imports=("from sklearn import datasets",), needs=("scikit-learn",))
        return _Source(kind=SourceKind.BUNDLED, read="\n".join(lines), part=part)

    def _csv(self, source: str, path: str, x: str, y: str) -> _Source:
        # The validation file may have another separator than the training file has.
        same = source == self.origin.source
        found = self.origin if same else read_csv(Path(source), self.origin.target)
        marks = {"sep": found.separator} | ({} if found.decimal == "." else {"decimal": found.decimal})
        options = {**marks, **CSV_OPTIONS}
        call = f"pd.read_csv({path}, {', '.join(f'{key}={literal(v)}' for key, v in options.items())})"
        read = inside(f"frame = {call}", 4)
        return self._frame(SourceKind.CSV, [read], x, y, needs=())

    def _parquet(self, source: str, path: str, x: str, y: str) -> _Source:
        return self._frame(
            SourceKind.PARQUET, [f"frame = pd.read_parquet({path})", *_AS_TEXT], x, y, needs=("pyarrow",)
        )

    def _frame(self, kind: SourceKind, read: list[str], x: str, y: str, *, needs: tuple[str, ...]) -> _Source:
        lines = [*read, f"{x}, {y} = encode(frame), {self._as_targets('frame[TARGET]')}"]
        return _Source(kind=kind, read="\n".join(lines), part=ScriptPart(needs=needs))

    def _npz(self, source: str, path: str, x: str, y: str) -> _Source:
        whole = x == "x" and self.origin.own_validation
        lines = [f"archive = np.load({path})"]
        for one, other, held in [(x, y, False), ("x_val", "y_val", True)][: 2 if whole else 1]:
            inputs, targets = npz_names(Path(source), validation=held)
            lines += self._inputs(one, f"archive[{literal(inputs)}]")
            lines.append(f"{other} = {self._as_targets(f'archive[{literal(targets)}]')}")
        return _Source(kind=SourceKind.NPZ, read="\n".join(lines), whole=whole)

    def _images(self, source: str, path: str, x: str, y: str) -> _Source:
        whole = x == "x" and self.origin.own_validation
        # Validation images of another source are taken as they lie there.
        folders = image_folders(Path(source)) if x == "x" else ("", "")
        lines = []
        for one, other, folder in [(x, y, folders[0]), ("x_val", "y_val", folders[1])][: 2 if whole else 1]:
            place = f"Path({path})" + (f" / {literal(folder)}" if folder else "")
            lines.append(f"{one}, {other} = read_images({place})")
        part = images(self.dataset, skip_broken=self.skip_broken)
        return _Source(kind=SourceKind.IMAGES, read="\n".join(lines), whole=whole, part=part)

    def _function(self, source: str, path: str, x: str, y: str) -> _Source:
        call = f"load_function({path})()"
        part = load_function()
        if self.dataset.encoder is not None and self.origin.target is not None:
            frame = self._frame(SourceKind.FUNCTION, [f"frame = {call}", *_AS_TEXT], x, y, needs=())
            return _Source(kind=SourceKind.FUNCTION, read=frame.read, part=part)
        whole = x == "x" and self.origin.own_validation
        lines = [f"{'(x, y), (x_val, y_val)' if whole else f'{x}, {y}'} = {call}"]
        for one, other in [(x, y), ("x_val", "y_val")] if whole else [(x, y)]:
            if self.dataset.encoder is not None:
                lines += [f"{one}.columns = {one}.columns.map(str)", f"{one} = encode({one})"]
            else:
                lines += self._inputs(one, one)
            lines.append(f"{other} = {self._as_targets(other)}")
        return _Source(kind=SourceKind.FUNCTION, read="\n".join(lines), whole=whole, part=part)

    @property
    def _dtype(self) -> str:
        return "float32" if self.dataset.task is Task.REGRESSION else "int32"

    def _inputs(self, x: str, read: str) -> list[str]:
        """Return statements that set x, float32, in the shape that it has in the data set."""
        shape = self.dataset.input_shape
        shaped = self.origin.as_images or shape == (1,)
        reshape = f".reshape(-1, {', '.join(map(str, shape))})" if shaped else ""
        scale = self.dataset.input_scale
        divided = f" / np.float32({scale:g})" if scale != 1 else ""
        return [
            layout(f"{x} = np.asarray({read}){reshape}", indent=4).lstrip(),
            f'{x} = {x}.astype("float32"){divided}',
        ]

    def _as_targets(self, y: str) -> str:
        """Return targets as they are learned: codes of classes, or numbers."""
        if self.dataset.task is Task.OTHER:
            return f"np.asarray({y})"
        if _targets(self.dataset, self.origin).functions:
            return f"as_targets({y})"
        return f'np.asarray({y}).astype("{self._dtype}")'


_AS_TEXT = ("frame.columns = frame.columns.map(str)",)


def _kind(source: float | str) -> SourceKind:
    """Return what kind of source this is, as it is told when it is read."""
    source = str(source)
    path = Path(source)
    if source in BUNDLED:
        return SourceKind.BUNDLED
    if is_function_spec(source):
        return SourceKind.FUNCTION
    if path.suffix.lower() in TABLE_SUFFIXES:
        return TABLE_SUFFIXES[path.suffix.lower()]
    return SourceKind.NPZ if path.suffix.lower() == ".npz" else SourceKind.IMAGES
