"""The data of an exported script: read, encoded and split by the code of the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hptune.data import Dataset, Origin, SourceKind, Task
from hptune.data.bundled import BUNDLED
from hptune.data.conversions import convert_columns
from hptune.data.csv_and_parquet import CSV_OPTIONS
from hptune.data.dataset import is_source
from hptune.data.encoding import as_texts, encode_columns
from hptune.data.frames import csv_frame, excel_frame, json_frame, sqlite_frame
from hptune.data.images import image_files, own_validation_folder, read_image
from hptune.data.labels import class_codes, is_known, plain_values
from hptune.data.npz import array_names
from hptune.data.python_file import is_function_spec
from hptune.data.reading import Reading
from hptune.data.stream import Streams
from hptune.data.structure import Given, as_array, count_rows, parts_of
from hptune.data.table_files import table_kind
from hptune.errors import DataError
from hptune.export.script_model import LOAD_FUNCTION
from hptune.export.script_part import ScriptPart, function
from hptune.models.recipes.calls import source as literal

__all__ = ["argument", "codes_of", "data", "is_structured"]

_NAMES = "frame.columns = frame.columns.map(str)"


def argument(origin: Origin) -> bool:
    """Return whether a script takes the place of its data as an argument: all but bundled data have one."""
    return origin.kind is not SourceKind.BUNDLED


def is_structured(dataset: Dataset) -> bool:
    """Tell whether a script hands rows on as structures: several inputs, none or several targets, weights."""
    given = dataset.train.given
    return given is not None and dataset.encoder is None and not given.is_plain


def codes_of(dataset: Dataset, y: str) -> str:
    """Return the expression of class codes, where `y` is that of targets as a model learns them."""
    given = dataset.train.given
    if given is None or given.y is dataset.train.y or not dataset.classes:
        return y
    return f'class_codes(plain_values({y}), CONFIG["classes"])'


def data(dataset: Dataset, *, skip_broken: bool = False) -> ScriptPart:
    """Return `load_data`, which gives x, y, x_val and y_val, with all it needs."""
    origin = dataset.origin
    if origin is None:
        raise DataError(f"{dataset.name}: was made by hand, so no script can make it again")
    writer = _Writer(dataset=dataset, origin=origin, skip_broken=skip_broken)
    return writer.load_data()


@dataclass(frozen=True, kw_only=True)
class _Writer:
    """Writes `load_data`."""

    dataset: Dataset
    origin: Origin
    skip_broken: bool

    def load_data(self) -> ScriptPart:
        """Return `load_data` with what it needs."""
        origin = self.origin
        if self.dataset.streams is not None:
            return self._streamed()
        if is_structured(self.dataset):
            return self._structured()
        held = str(origin.validation) if is_source(origin.validation) else ""
        part, lines = ScriptPart(), list[str]()
        if argument(origin):
            lines.append(f"data = sys.argv[1] if len(sys.argv) > 1 else {literal(origin.source)}")
            part += ScriptPart(imports=("import sys",))
        for source, path, x, y in [
            (origin.source, "data", "x", "y"),
            (held, literal(held), "x_val", "y_val"),
        ]:
            if source:
                read, needed = self._source(source, path, x, y)
                part += needed
                lines += read
        if not held and not origin.own_validation:
            split = ("from sklearn.model_selection import train_test_split",)
            part += ScriptPart(imports=split, needs=("scikit-learn",))
            lines += self._split()
        docstring = "Return training rows and targets, validation rows and targets."
        made = function("load_data()", docstring, [*lines, "return x, y, x_val, y_val"])
        return part + ScriptPart(functions=(made,))

    def _streamed(self) -> ScriptPart:
        """Return `load_data` for batches, which gives `Streams`."""
        lines = (
            f"data = sys.argv[1] if len(sys.argv) > 1 else {literal(self.origin.source)}",
            "function = load_function(data)",
            "return Streams.of(function(), function, data)",
        )
        made = function("load_data()", "Return batches of training and of validation.", lines)
        imports = ("import sys",)
        return LOAD_FUNCTION + ScriptPart(imports=imports, functions=(made,), copies=(Streams,))

    def _structured(self) -> ScriptPart:
        """Return `load_data` for what only a function can return, which gives two `Given`."""
        origin, sources = self.origin, ["data"]
        if is_source(origin.validation):
            sources.append(literal(str(origin.validation)))
        lines = [f"data = sys.argv[1] if len(sys.argv) > 1 else {literal(origin.source)}", "parts = []"]
        lines += [
            f"for source in ({', '.join(sources)},):",
            "    parts += [Given.of(*part) for part in parts_of(load_function(source)())]",
        ]
        part = LOAD_FUNCTION + ScriptPart(imports=("import sys",), copies=(Given, parts_of))
        if is_source(origin.validation):
            lines.append("return parts[0], parts[-1]")
        elif origin.own_validation:
            lines.append("return parts[0], parts[1]")
        else:
            given = {"test_size": float(origin.validation), "random_state": origin.seed}
            y = codes_of(self.dataset, "parts[0].y")
            stratify = f", stratify={y}" if self.dataset.classes and origin.stratified else ""
            lines += [
                f"split = {literal(given)}",
                "places = np.arange(count_rows(parts[0].x))",
                f"places, held = train_test_split(places, **split{stratify})",
                "return parts[0].take(places), parts[0].take(held)",
            ]
            split = ("from sklearn.model_selection import train_test_split",)
            part += self._codes + ScriptPart(imports=split, needs=("scikit-learn",), copies=(count_rows,))
        docstring = "Return training rows and validation rows."
        return part + ScriptPart(functions=(function("load_data()", docstring, lines),))

    def _split(self) -> list[str]:
        given = {"test_size": float(self.origin.validation), "random_state": self.origin.seed}
        by_class = self.dataset.classes and self.origin.stratified
        stratify = f", stratify={codes_of(self.dataset, 'y')}" if by_class else ""
        return [
            f"split = {literal(given)}",
            f"x, x_val, y, y_val = train_test_split(x, y, **split{stratify})",
        ]

    def _source(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        """Return statements that set x and y, or all four, and what they need."""
        writers: Mapping[SourceKind, Callable[[str, str, str, str], tuple[list[str], ScriptPart]]] = {
            SourceKind.BUNDLED: self._bundled,
            SourceKind.CSV: self._csv,
            SourceKind.PARQUET: self._parquet,
            SourceKind.JSON: self._read_whole,
            SourceKind.FEATHER: self._read_whole,
            SourceKind.EXCEL: self._read_whole,
            SourceKind.SQLITE: self._read_whole,
            SourceKind.NPZ: self._npz,
            SourceKind.IMAGES: self._images,
            SourceKind.FUNCTION: self._function,
        }
        kind = self.origin.kind if source == self.origin.source else _kind(source)
        return writers[kind](source, path, x, y)

    def _bundled(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        lines = [f"{x}, {y} = datasets.load_{source}(return_X_y=True)", self._inputs(x, x)]
        lines.append(f'{y} = {y}.astype("{self._dtype}")')
        return lines, ScriptPart(imports=("from sklearn import datasets",), needs=("scikit-learn",))

    def _csv(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        how = self._reading(source)
        marks: dict[str, Any] = {"sep": how.separator}
        marks |= {} if how.decimal == "." else {"decimal": how.decimal}
        marks |= {"dtype": dict.fromkeys(how.texts, "str")} if how.texts else {}
        lines = [f"options = {literal({**marks, **CSV_OPTIONS})}", f"frame = pd.read_csv({path}, **options)"]
        if how.parts:
            lines[1] = f"frame = csv_frame({path}, options)"
        lines, part = self._frame(lines, x, y, how)
        return lines, part + ScriptPart(copies=(csv_frame,) if how.parts else ())

    def _read_whole(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        kind = self.origin.kind if source == self.origin.source else _kind(source)
        how = self._reading(source)
        if kind is SourceKind.FEATHER:
            lines, part = self._frame([f"frame = pd.read_feather({path})", _NAMES], x, y, how)
            return lines, part + ScriptPart(needs=("pyarrow",))
        readers: Mapping[SourceKind, Callable[[str], Any]] = {
            SourceKind.JSON: json_frame,
            SourceKind.EXCEL: excel_frame,
            SourceKind.SQLITE: sqlite_frame,
        }
        read = readers[kind]
        lines, part = self._frame([f"frame = {read.__name__}({path})", _NAMES], x, y, how)
        needs = ("openpyxl",) if kind is SourceKind.EXCEL else ()
        return lines, part + ScriptPart(copies=(read,), needs=needs)

    def _parquet(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        lines, part = self._frame([f"frame = pd.read_parquet({path})", _NAMES], x, y, self._reading(source))
        return lines, part + ScriptPart(needs=("pyarrow",))

    def _reading(self, source: str) -> Reading:
        """Return how a table was read: the validation rows' may have another separator than the others."""
        found = self.origin.reading if source == self.origin.source else self.origin.held_reading
        assert found is not None, "a table was read in some way"
        return found

    def _converted(self, frame: str, how: Reading) -> tuple[list[str], ScriptPart]:
        """Return the statement that converts columns of text, and what it needs; none where none are."""
        if not how.conversions:
            return [], ScriptPart()
        held = how is self.origin.held_reading
        name = "validation_conversions" if held else "conversions"
        part = ScriptPart(config={name: [dict(c) for c in how.conversions]}, copies=(convert_columns,))
        return [f'{frame} = convert_columns({frame}, CONFIG["{name}"])'], part

    def _frame(self, lines: list[str], x: str, y: str, how: Reading) -> tuple[list[str], ScriptPart]:
        target = f"frame[{literal(self.origin.target)}]"
        targets, part = self._targets(target)
        converted, needed = self._converted("frame", how)
        lines, part = [*lines, *converted], part + needed
        if self.origin.drops_unknown:
            lines = [*lines, f"frame = frame[is_known({target})]"]
            part += ScriptPart(copies=(is_known,))
        if self.origin.left_out:
            lines = [*lines, f'frame = frame[~as_texts({target}).isin(CONFIG["left_out"])]']
            part += ScriptPart(config={"left_out": list(self.origin.left_out)}, copies=(as_texts,))
        part += ScriptPart(imports=("import pandas as pd",)) + self._columns
        return [*lines, f'{x} = encode_columns(frame, CONFIG["columns"])', f"{y} = {targets}"], part

    @property
    def _columns(self) -> ScriptPart:
        assert self.dataset.encoder is not None
        columns = {"columns": list(self.dataset.encoder.as_dicts)}
        return ScriptPart(needs=("pandas",), config=columns, copies=(encode_columns,))

    def _npz(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        lines, part = [f"archive = np.load({path})"], ScriptPart()
        for held, (one, other) in enumerate(self._pairs(x, y)):
            inputs, targets = _names_in(Path(source), validation=bool(held))
            written, needed = self._targets(f"archive[{literal(targets)}]")
            lines += [self._inputs(one, f"archive[{literal(inputs)}]"), f"{other} = {written}"]
            part += needed
        return lines, part

    def _images(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        # Validation images of another source are taken as they lie there.
        own = own_validation_folder(Path(source)) if x == "x" else None
        folders = ("", "") if own is None else ("/train", f"/{own.name}")
        lines = [
            f"{one}, {other} = read_images({path}{f' + {literal(folder)}' if folder else ''})"
            for (one, other), folder in zip(self._pairs(x, y), folders, strict=False)
        ]
        read = [
            "rows, codes = [], []",
            'for code, name in enumerate(CONFIG["classes"]):',
            "    for file in image_files(Path(folder) / name):",
            '        rows.append(read_image(file, *CONFIG["image_shape"]))',
            "        codes.append(code)",
        ]
        if self.skip_broken:
            read[3:4] = [
                "        try:",
                f"    {read[3]}",
                "        except (OSError, SyntaxError, ValueError):",
                '            print(f"Skipped {file}", file=sys.stderr)',
                "            continue",
            ]
        read.append(
            'return np.stack(rows).astype("float32") / np.float32(255), np.array(codes, dtype="int32")'
        )
        docstring = "Return images, float32 from 0 to 1, and class codes, of a folder of folders."
        return lines, ScriptPart(
            imports=("from pathlib import Path",),
            needs=("pillow",),
            config={"classes": list(self.dataset.classes), "image_shape": self.dataset.input_shape},
            functions=(function("read_images(folder)", docstring, read),),
            copies=(image_files, read_image),
        )

    def _function(self, source: str, path: str, x: str, y: str) -> tuple[list[str], ScriptPart]:
        call = f"load_function({path})()"
        if self.dataset.encoder is not None and self.origin.target is not None:
            lines, part = self._frame([f"frame = {call}", _NAMES], x, y, self._reading(source))
            imports = tuple(i for i in part.imports if "pandas" not in i)
            return lines, LOAD_FUNCTION + ScriptPart(
                imports=imports, needs=part.needs, config=part.config, copies=part.copies
            )
        pairs = self._pairs(x, y)
        lines, part = [f"{x}, {y} = {call}"], LOAD_FUNCTION
        if len(pairs) > 1:
            lines = [f"{', '.join(f'({a}, {b})' for a, b in pairs)} = parts_of({call})"]
            part += ScriptPart(copies=(parts_of,))
        for one, other in pairs:
            if self.dataset.encoder is not None:
                lines += [f"{one}.columns = {one}.columns.map(str)"]
                how = self.origin.held_reading if one == "x_val" else self.origin.reading
                assert how is not None, "a table was read in some way"
                converted, needed = self._converted(one, how)
                lines, part = [*lines, *converted], part + needed
                lines += [f'{one} = encode_columns({one}, CONFIG["columns"])']
                part += self._columns
            else:
                lines.append(self._inputs(one, one))
            written, needed = self._targets(other)
            lines.append(f"{other} = {written}")
            part += needed
        return lines, part

    def _pairs(self, x: str, y: str) -> list[tuple[str, str]]:
        """Return the names that a source sets: its validation rows too, where it brings them."""
        return [(x, y), ("x_val", "y_val")] if x == "x" and self.origin.own_validation else [(x, y)]

    @property
    def _dtype(self) -> str:
        return "float32" if self.dataset.task is Task.REGRESSION else "int32"

    def _inputs(self, x: str, read: str) -> str:
        """Return a statement that sets x, float32, in the shape that it has in the data set."""
        if self.dataset.train.given is not None:
            return f"{x} = np.asarray({read})"
        shape = self.dataset.input_shape
        shaped = self.origin.as_images or shape == (1,)
        reshape = f".reshape(-1, {', '.join(map(str, shape))})" if shaped else ""
        scale = self.dataset.input_scale
        divided = f" / np.float32({scale:g})" if scale != 1 else ""
        return f'{x} = np.asarray({read}){reshape}.astype("float32"){divided}'

    def _targets(self, y: str) -> tuple[str, ScriptPart]:
        """Return targets as they are learned, codes of classes or numbers, and what that needs."""
        given = self.dataset.train.given
        if given is not None and given.y is not self.dataset.train.y:
            return f"as_array({y})", self._codes + ScriptPart(copies=(as_array,))
        if self.dataset.task is Task.OTHER:
            return f"np.asarray({y})", ScriptPart()
        if self.dataset.task is Task.MULTILABEL:
            return f'np.asarray({y}).astype("float32")', ScriptPart()
        part = ScriptPart(needs=("pandas",), copies=(plain_values,))
        if self.dataset.task is Task.REGRESSION:
            return f'plain_values({y}).astype("float64").astype("float32")', part
        return f'class_codes(plain_values({y}), CONFIG["classes"])', self._codes

    @property
    def _codes(self) -> ScriptPart:
        """What codes of classes need."""
        if not self.dataset.classes:
            return ScriptPart()
        config = {"classes": list(self.dataset.classes)}
        return ScriptPart(needs=("pandas",), config=config, copies=(plain_values, class_codes))


def _names_in(path: Path, *, validation: bool) -> tuple[str, str]:
    """Return the names of x and y in an archive, or those of its validation rows."""
    with np.load(path, allow_pickle=False) as archive:
        names = array_names(archive.files)[1 if validation else 0]
    if names is None:
        raise DataError(f"{path}: the arrays that were searched are gone")
    return names


def _kind(source: str) -> SourceKind:
    """Return what kind of source this is."""
    path = Path(source)
    if source in BUNDLED:
        return SourceKind.BUNDLED
    if is_function_spec(source):
        return SourceKind.FUNCTION
    table = table_kind(source)
    if table is not None:
        return table
    return SourceKind.NPZ if path.suffix.lower() == ".npz" else SourceKind.IMAGES
