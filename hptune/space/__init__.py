"""Search spaces: hyperparameters with their ranges, conditions and tiers, as frozen values and as files."""

from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.condition import Condition, Value, Values, same_value
from hptune.space.hyperparameter import Hyperparameter, Tier
from hptune.space.numbers import Float, Integer, Number
from hptune.space.space import Space

__all__ = [
    "Boolean",
    "Choice",
    "Condition",
    "Fixed",
    "Float",
    "Hyperparameter",
    "Integer",
    "Number",
    "Space",
    "Tier",
    "Value",
    "Values",
    "same_value",
]
