"""How an exported script brings the rows of a table to numbers: the encoder's constants, spelled out."""

from __future__ import annotations

from typing import Any

from hptune.data.encoder import CategoricalColumn, NumericColumn, TableEncoder
from hptune.export.script_part import ScriptPart, code
from hptune.export.script_text import layout, literal

__all__ = ["encode"]

_ENCODE = """
def encode(frame):
    \"\"\"Return the features of these rows, float32, shape (rows, features).\"\"\"
    features = []
    for name, known in COLUMNS.items():
        @0
    return np.stack(features, axis=1).astype("float32")
"""

_BOTH = """
if isinstance(known, list):
    @0
else:
    @1
"""

_NUMBERS = """
numbers = pd.to_numeric(frame[name], errors="coerce")
numbers = numbers.to_numpy(dtype="float64", na_value=np.nan)
missing = np.isnan(numbers)
features.append(np.where(missing, known, numbers))
@0
"""

_INDICATOR = """
if name in MARKED:
    features.append(missing)
"""

_LEVELS = """
texts = frame[name]
@0
if texts.dtype.kind == "f" and (texts.dropna() % 1 == 0).all():
    texts = texts.astype("Int64")  # Whole numbers beside missing values.
texts = texts.astype("string").fillna("")
@1
features += [(texts == level).to_numpy(dtype="float32") for level in known]
"""

_CATEGORIES = """
if isinstance(texts.dtype, pd.CategoricalDtype):
    texts = texts.astype(texts.cat.categories.dtype)
"""

_OTHER = """
if name in WITH_OTHERS:
    features.append(~texts.isin(known))
"""


def encode(encoder: TableEncoder, *, from_text: bool) -> ScriptPart:
    """Return the constants of a table and `encode`, which applies them.

    `from_text` says that the table comes from a file of text, which knows no categories.
    """
    marked = [c.name for c in encoder.columns if isinstance(c, NumericColumn) and c.indicator]
    others = [c.name for c in encoder.columns if isinstance(c, CategoricalColumn) and c.other]
    number = code(_NUMBERS, code(_INDICATOR) if marked else "")
    level = code(_LEVELS, "" if from_text else code(_CATEGORIES), code(_OTHER) if others else "")
    kinds = {type(column) for column in encoder.columns}
    body = code(_BOTH, level, number) if len(kinds) == 2 else number if kinds == {NumericColumn} else level
    return ScriptPart(
        imports=("import pandas as pd",),
        needs=("pandas",),
        constants=_constants(encoder, marked, others),
        functions=(code(_ENCODE, body),),
    )


def _constants(encoder: TableEncoder, marked: list[str], others: list[str]) -> tuple[str, ...]:
    known: dict[str, Any] = {
        column.name: column.fill if isinstance(column, NumericColumn) else list(column.levels)
        for column in encoder.columns
    }
    said = [
        "# Columns, as the training rows had them. A number: it stands for missing values.",
        '# A list: each value in it becomes a feature; "" is a missing value.',
    ]
    constants = ["\n".join([*said, layout(f"COLUMNS = {literal(known)}")])]
    if marked:
        text = layout(f"MARKED = {literal(marked)}")
        constants.append(f"# A second feature says where these are missing.\n{text}")
    if others:
        text = layout(f"WITH_OTHERS = {literal(others)}")
        constants.append(f"# A first feature stands for every value that is not in the list.\n{text}")
    return tuple(constants)
