"""The model of an exported script: the recipe's own calls, or a person's file with its values."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
from dataclasses import replace

from hptune.data.normalisation import Normalisation
from hptune.data.python_file import load_function as find_function
from hptune.errors import ModelError
from hptune.export.script_files import load_function
from hptune.export.script_part import ScriptPart, code
from hptune.export.script_text import inside, layout, literal
from hptune.models.recipes import Recipe
from hptune.models.recipes.calls import Call, source
from hptune.space import Values

__all__ = ["recipe_model", "user_model"]

_OFFSETS = {
    Normalisation.CENTRE: ("x - mean", "features.mean(axis=0)", "np.ones_like(offset)"),
    Normalisation.SCALE: ("x / deviation", "np.zeros(features.shape[1])", "features.std(axis=0)"),
    Normalisation.Z_SCORE: ("(x - mean) / deviation", "features.mean(axis=0)", "features.std(axis=0)"),
    Normalisation.MIN_MAX: ("(x - min) / (max - min)", "low", "high - low"),
}
"""What is done to inputs, and offset and scale of it."""

_NORMALIZATION = """
def normalization(x):
    \"\"\"Return a layer: @formula, as the training rows have it.\"\"\"
    features = x.reshape(-1, @width).astype("float64")
    low, high = features.min(axis=0), features.max(axis=0)
    offset = @offset
    scale = @scale
    # A feature that is always the same survives.
    scale = np.where(low == high, 1, scale).astype("float32")
    return keras.layers.Normalization(
        mean=offset.astype("float32"),
        variance=(scale.astype("float64") ** 2).astype("float32"),
    )
"""

_BUILD = """
def build_model(x):
    \"\"\"Return the compiled model; x are the training rows.\"\"\"
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            @0
        ]
    )
    @1
    return model
"""

_BUILD_USER_MODEL = """
def build_model(x):
    \"\"\"Return the compiled model; x are the training rows.\"\"\"
    @0
    hp = keras_tuner.HyperParameters()
    hp.values = dict(VALUES)
    keras.utils.set_random_seed(SEED)
    model = @build(hp)
    if not model.built:
        model(keras.ops.convert_to_tensor(x[:1]))
    return @result
"""


def recipe_model(recipe: Recipe, kind: Normalisation) -> ScriptPart:
    """Return `build_model` for a recipe, whose inputs are normalised as `kind` says."""
    functions, layers = [], []
    for call in recipe.layers:
        if call.name == "layers.Normalization":
            functions.append(_normalization(call, kind))
            layers.append("normalization(x),")
        else:
            layers.append(inside(call.source(), 12, tail=","))
    compiled = {"optimizer": recipe.optimizer, "loss": recipe.loss, "metrics": list(recipe.metrics)}
    given = ", ".join(f"{key}={source(value)}" for key, value in compiled.items())
    compile_text = inside(f"model.compile({given})", 4)
    functions.append(code(_BUILD, "\n".join(layers), compile_text))
    own = _own_classes(recipe)
    return replace(own, functions=(*own.functions, *functions))


def _normalization(call: Call, kind: Normalisation) -> str:
    """Return the function that learns what the recipe's layer holds as constants."""
    formula, offset, scale = _OFFSETS[kind]
    width = math.prod(call.arguments["mean"].shape)
    text = _NORMALIZATION.replace("@formula", formula).replace("@width", str(width))
    return code(text.replace("@offset", offset).replace("@scale", scale))


def _own_classes(recipe: Recipe) -> ScriptPart:
    """Return the text of classes that a recipe takes from files besides Keras."""
    classes: dict[str, None] = {}
    for call in recipe.calls():
        if call.home != "keras":
            classes |= dict.fromkeys(_class_texts(call.home, call.name))
    return ScriptPart(
        imports=("from typing import Any",) if any("Any" in text for text in classes) else (),
        functions=tuple(classes),
    )


def _class_texts(home: str, name: str) -> list[str]:
    """Return the text of a class of a module, after those of its bases that the module has."""
    text = inspect.getsource(importlib.import_module(home))
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    wanted: list[ast.ClassDef] = []
    waiting = [name]
    while waiting:
        node = found[waiting.pop()]
        wanted.insert(0, node)
        waiting += [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in found]
    lines = text.splitlines()
    return [
        "\n".join(lines[min([n.lineno, *(d.lineno for d in n.decorator_list)]) - 1 : n.end_lineno]).replace(
            "  # type: ignore[misc]", ""
        )
        for n in wanted
    ]


def user_model(spec: str, values: Values, *, fits: bool) -> ScriptPart:
    """Return `build_model` for FILE.py:NAME with these values.

    Where a HyperModel `fits` by itself, the model comes as (hypermodel, hp, model).
    """
    found = find_function(spec, error=ModelError)
    name = "hypermodel" if hasattr(found, "build") else "build"
    made = "()" if inspect.isclass(found) else ""
    text = _BUILD_USER_MODEL.replace("@build", "hypermodel.build" if name == "hypermodel" else "build")
    text = text.replace("@result", "hypermodel, hp, model" if fits else "model")
    load = inside(f"{name} = load_function({literal(spec)}){made}", 4)
    own = load_function()
    return ScriptPart(
        imports=(*own.imports, "import keras_tuner"),
        needs=("keras-tuner", "six", "tensorboard"),
        constants=(layout(f"VALUES = {literal(dict(values))}"),),
        functions=(*own.functions, code(text, load)),
    )
