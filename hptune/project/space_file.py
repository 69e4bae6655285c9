"""The text of `space.yaml`: a ready space as it stands, or what a model of your own asks for, explained."""

from __future__ import annotations

import re
import textwrap

from hptune.errors import ModelError
from hptune.models.model import Model
from hptune.models.recipe_model import RecipeModel
from hptune.space import Integer, Number, Space
from hptune.space.files import ready_spaces
from hptune.space.names import limits_for, meaning
from hptune.space.scales import Scale
from hptune.space.yaml_writer import dump_space, short_number
from hptune.strategy.axis import mixed_axes

__all__ = ["SPACE_FILE", "space_file_text", "space_text"]

SPACE_FILE = "space.yaml"

_WIDTH = 106
"""Columns of a comment, for lines of 110."""

_HEADER = """\
# What {model} asks for, as `hptune init` found it by calling it. What stands here overrides the
# code; what is left out, a hyperparameter, its scale, step or default, stays as in the code.
#
#   range    [low, high], both included: what the first pass searches. Later ones narrow or widen it.
#   scale    linear; log: equal steps multiply; log_complement: the same of 1 − x, which suits momentum.
#   zero     true: it may also be exactly 0, which a log range can't hold.
#   step     the distance between two values; on a log scale the factor.
#   default  where the search begins; where the code has none either, the middle of the range on its scale,
#            or the first of the choices.
#   limits   hard bounds that no pass crosses; where none are written, a comment gives those that hold.
#   when     it counts only where others have these values.
#   hard     true: nothing is tried outside its range, whatever the search learns.
#   tier     importance: 1 counts most. Some of the first configurations move the most important tier alone.
#
# A value alone, as in `name: 0.2`, is fixed: it is not searched. `hptune spaces schema` prints the whole
# format as a JSON Schema, for editors that check as you type.

"""


def space_file_text(model: Model, ready: str | None) -> str:
    """Return the file of the ready space named `ready`, of the model's recipe, or one made for the model."""
    if ready is None and isinstance(model, RecipeModel):
        ready = model.name
    if ready is not None:
        return ready_spaces()[ready].read_text(encoding="utf-8")
    if not len(model.space()):
        raise ModelError(
            f"{model.name}: asks for no hyperparameters, so that there is nothing to search",
            hint='Ask for one, such as hp.Float("learning_rate", 1e-4, 1e-1, sampling="log").',
        )
    return space_text(model.space(), model.name)


def space_text(space: Space, model: str) -> str:
    """Return a space that was found in `model` as a file that explains itself and loads back equal."""
    name = "".join(character for character in model if character.isprintable())
    return _HEADER.format(model=name) + dump_space(space, comments=_comments(space))


def _comments(space: Space) -> dict[str, str]:
    """Return what is true of each range and not to be seen in it; units_1 may be as units_0."""
    mixed = mixed_axes(space)
    found: dict[str, str] = {}
    first: dict[tuple[str, str], str] = {}
    for hp in sorted((hp for hp in space if isinstance(hp, Number)), key=lambda hp: hp.tier):
        text = " ".join(
            s for s in (_name(hp), _hard_bounds(hp, space), _scale(hp, mixed=hp.name in mixed)) if s
        )
        alike = first.setdefault((re.sub(r"\d+", "", hp.name), text), hp.name)
        text = text if alike == hp.name or not text else f"As {alike}."
        found[hp.name] = textwrap.fill(text, _WIDTH, break_on_hyphens=False)
    return found


def _name(hp: Number) -> str:
    """Say what a name was taken for, where its own words don't."""
    what = meaning(hp.name).what
    words = " ".join(re.findall(r"[^\W\d_]+", hp.name.lower()))
    return f"By its name: {what}." if what not in words else ""


def _hard_bounds(hp: Number, space: Space) -> str:
    """Say which limits hold where the file shows none; where it does, why they are the range."""
    assert hp.limits is not None
    all_there_is = hp.limits == (hp.low, hp.high)
    if hp.limits == limits_for(hp.name, hp.low, hp.high, hp.scale, whole=isinstance(hp, Integer)):
        low, high = (short_number(limit).removesuffix(".0") for limit in hp.limits)
        return f"No pass goes beyond {'its range' if all_there_is else f'{low}..{high}'}."
    decides = any(condition.parent == hp.name for other in space for condition in other.when)
    return "What the code asks for beyond these limits is not known." if all_there_is and decides else ""


def _scale(hp: Number, *, mixed: bool) -> str:
    """Say how a range is searched otherwise than declared, and which scale is usual for it."""
    usual = _usual_scale(hp)
    stepped = " with a factor as step" if usual is Scale.LOG and hp.step is not None else ""
    text = f"`scale: {usual}`{stepped} is usual" if usual else ""
    if not mixed:
        return f"{text}." if text else ""
    return f"Linear over decades, so it is searched mostly in log{f'; {text}' if text else ''}."


def _usual_scale(hp: Number) -> Scale | None:
    """Return the scale that its name tells, where it is another and the range can be laid on it."""
    known = meaning(hp.name)
    if not known.what or known.scale is hp.scale:
        return None
    if known.scale is Scale.LOG and hp.low <= 0:
        return None
    if known.scale is Scale.LOG_COMPLEMENT and (hp.high >= 1 or hp.step is not None):
        return None
    return known.scale
