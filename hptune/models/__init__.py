"""The model door: built-in recipes and a person's own models, all alike from here on."""

from hptune.models.door import load_model, other_metrics, other_start, remarks_on
from hptune.models.model import Arrays, Model, OwnFit, Training
from hptune.models.person import PersonModel
from hptune.models.recipe import RecipeModel

__all__ = [
    "Arrays",
    "Model",
    "OwnFit",
    "PersonModel",
    "RecipeModel",
    "Training",
    "load_model",
    "other_metrics",
    "other_start",
    "remarks_on",
]
