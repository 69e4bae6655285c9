"""The keys of a space file, as models that check them and give a JSON Schema for editors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

__all__ = ["BooleanSpec", "ChoiceSpec", "FixedSpec", "NumberSpec", "SpaceFile", "Spec", "schema"]

Number = StrictInt | StrictFloat
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
_ZERO_OF = "The range that is exactly 0 instead where this is true: what `zero: true` there makes."


class Spec(BaseModel):
    """What every hyperparameter may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tier: Literal[1, 2, 3, "unranked"] | None = Field(
        None, description="Importance: 1 is searched first. When not given, its name tells."
    )
    when: dict[str, Scalar | list[Scalar]] = Field(
        {},
        description="It counts only where every other hyperparameter named here has the value, one of "
        'the values, or a value that a comparison such as ">= 2" holds for.',
    )
    hard: bool = Field(False, description="Nothing is tried outside the range, whatever the search learns.")
    description: str = Field("", description="Shown to people.")


class NumberSpec(Spec):
    """A range of numbers."""

    range: Pair = Field(description="[low, high], both included.")
    type: Literal["int", "float"] | None = Field(
        None,
        description="When not given: int where range, default and step are written as whole numbers, unless "
        "the scale is log_complement or the name is known for fractions (such as dropout).",
    )
    scale: Literal["linear", "log", "log_complement"] = Field(
        "linear",
        description="log_complement is uniform in log(1 − x): for momentum and the betas. When not given: "
        "linear, or as in code of your own.",
    )
    step: Number | None = Field(
        None, description="linear: distance between values; log: factor between them."
    )
    default: Number | None = Field(
        None,
        description="Where to start. When not given: the middle of the range on its scale, or as in code of"
        " your own.",
    )
    limits: Pair | None = Field(
        None,
        description="Walls that no expansion crosses. When not given: those its name tells, or the range.",
    )
    zero: bool = Field(
        False,
        description="Whether it may be exactly 0 as well, which a log range can't hold. A boolean NAME_zero "
        "is searched that says so.",
    )


class ChoiceSpec(Spec):
    """One of several options."""

    choices: list[Scalar] = Field(description="Two or more options, all text, all numbers or all booleans.")
    ordered: bool = Field(False, description="Neighbours in the list are alike.")
    default: Scalar | None = Field(None, description="Where to start. When not given: the first.")


class BooleanSpec(Spec):
    """Off or on."""

    type: Literal["boolean"]
    default: bool = Field(False, description="Where to start.")
    zero_of: str = Field("", description=_ZERO_OF)


class FixedSpec(Spec):
    """A value that is not searched; `name: 5` says the same as `name: {value: 5}`."""

    value: Scalar
    zero_of: str = Field("", description=_ZERO_OF)


class SpaceFile(BaseModel):
    """A search space: the hyperparameters to search, their ranges, scales and conditions."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field("", description="Shown to people.")
    description: str = Field("", description="Shown to people.")
    hyperparameters: dict[str, NumberSpec | ChoiceSpec | BooleanSpec | FixedSpec | Scalar] = Field(
        description="By name."
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a space file, for editors that complete and check as one types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SpaceFile.model_json_schema(),
        "title": "hptune search space",
    }
