"""The model of an exported script: the recipe's own calls, or the user's file with its values."""

from __future__ import annotations

import importlib
import inspect
import math
from dataclasses import dataclass, replace
from typing import Any

from hptune.data.normalisation import Normalisation, statistics, variance_of
from hptune.data.python_file import load_function as find_function
from hptune.errors import ModelError
from hptune.export.script_part import ScriptPart, function
from hptune.models.recipes import Recipe
from hptune.models.recipes.calls import source
from hptune.space import Values

__all__ = ["LOAD_FUNCTION", "recipe_model", "user_model"]

LOAD_FUNCTION = ScriptPart(
    imports=(
        "import importlib.util",
        "import random",
        "import sys",
        "from pathlib import Path",
        "import numpy as np",
    ),
    functions=(
        function(
            "load_function(name)",
            "Return what FILE.py:NAME names.",
            (
                "# As in the search, which makes what is drawn without a seed the same each time.",
                "random.seed(0)",
                "np.random.seed(0)",
                'file, name = name.rsplit(":", 1)',
                "path = Path(file).resolve()",
                "sys.path.insert(0, str(path.parent))",
                "spec = importlib.util.spec_from_file_location(path.stem, path)",
                "module = importlib.util.module_from_spec(spec)",
                "sys.modules[path.stem] = module",
                "spec.loader.exec_module(module)",
                "random.seed(0)",
                "np.random.seed(0)",
                "return getattr(module, name)",
            ),
        ),
    ),
)
"""`load_function`, which imports a file by its path."""

_HEAD = ("build_model(x)", "Return the compiled model; x are the training rows.")


@dataclass(frozen=True)
class _Expression:
    """An argument that a script works out by itself."""

    text: str

    def make(self) -> Any:
        """Fail: only a script can."""
        raise NotImplementedError(self.text)

    def source(self) -> str:
        """Return the Python expression."""
        return self.text


def recipe_model(recipe: Recipe, kind: Normalisation) -> ScriptPart:
    """Return `build_model` for a recipe, whose inputs are normalised as `kind` says."""
    copies = [getattr(importlib.import_module(c.home), c.name) for c in recipe.calls() if c.home != "keras"]
    lines = ['keras.utils.set_random_seed(CONFIG["seed"])']
    layers = list(recipe.layers)
    for place, call in enumerate(layers):
        if call.name == "layers.Normalization":
            width = math.prod(call.arguments["mean"].shape)
            lines.append(f"kind = Normalisation({source(kind.value)})")
            lines.append(f"offset, scale = statistics(kind, x.reshape(-1, {width}))")
            learned = {"mean": _Expression("offset"), "variance": _Expression("variance_of(scale)")}
            layers[place] = replace(call, arguments={"axis": -1, **learned})
            copies += [Normalisation, statistics, variance_of]
    lines += [replace(recipe, layers=tuple(layers)).source().rstrip(), "return model"]
    return ScriptPart(functions=(function(*_HEAD, lines),), copies=tuple(copies))


def user_model(spec: str, values: Values, *, fits: bool) -> ScriptPart:
    """Return `build_model` for FILE.py:NAME with these values.

    Where a HyperModel `fits` by itself, the model comes as (hypermodel, hp, model).
    """
    found = find_function(spec, error=ModelError)
    is_hypermodel = hasattr(found, "build")
    name = "hypermodel" if is_hypermodel else "build"
    lines = (
        f"{name} = load_function({source(spec)}){'()' if inspect.isclass(found) else ''}",
        "hp = keras_tuner.HyperParameters()",
        'hp.values = dict(CONFIG["values"])',
        'keras.utils.set_random_seed(CONFIG["seed"])',
        f"model = {name}{'.build' if is_hypermodel else ''}(hp)",
        f"return {'hypermodel, hp, model' if fits else 'model'}",
    )
    built = ScriptPart(
        imports=("import keras_tuner",),
        needs=("keras-tuner", "six", "tensorboard"),
        config={"values": dict(values)},
        functions=(function(*_HEAD, lines),),
    )
    return LOAD_FUNCTION + built
