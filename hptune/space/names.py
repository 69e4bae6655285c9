"""What a hyperparameter's name tells: its tier, natural limits and scale.

A name is read as words: `adam_learning_rate`, `encoder/dense_units_0`, `numLayers` and `beta1`
are adam·learning·rate, dense·units·0, num·layers and beta·1. The words before and after the
telling ones decide as well: `batch_norm_momentum` is not the optimiser's momentum,
`learning_rate_decay` is not a learning rate, and `flr` or `colour` hold no word at all.

The tiers are the practitioner's: 1 learning rate · 2 momentum, hidden units, mini-batch size ·
3 layers, learning-rate decay, Adam's own. Whatever else there is (regularisation among it)
is unranked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from hptune.space.hyperparameter import Tier
from hptune.space.scales import Scale

__all__ = ["Meaning", "limits_for", "meaning"]

_OPTIMISERS = {
    *("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon"),
    *("nadam", "opt", "optim", "optimiser", "optimizer", "rmsprop", "sgd"),
}
_STAGES = {"start", "initial", "init", "first", "last", "base", "max", "default"}
_UNLIKE = {
    *("activation", "decay", "epochs", "every", "factor", "final", "freeze", "frozen", "initializer"),
    *("min", "minimum", "mode", "patience", "regularizer", "schedule", "schedules", "scheduler"),
    *("steps", "trainable", "type", "unfreeze", "warmup"),
}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a name tells of a hyperparameter."""

    what: str = ""
    """In words, for example "learning rate"; "" where the name tells nothing."""
    tier: Tier = Tier.UNRANKED
    limits: tuple[float, float] | None = None
    """Walls that make sense for any model; None where the name tells none."""
    scale: Scale = Scale.LINEAR
    """The scale on which it is best searched."""
    whole: bool | None = None
    """Whether its values are whole numbers; None where the name does not tell."""


@dataclass(frozen=True)
class _Rule:
    """Words that carry a meaning, and which words may stand around them."""

    words: str
    """Alternatives divided by |, each one or more words in a row; # stands for a number."""
    meaning: Meaning
    before: frozenset[str] | None = None
    """Words that may come before; None for any that do not change the sense."""
    after: frozenset[str] | None = None
    """Words that may come after; None for any that do not change the sense."""

    def matches(self, words: tuple[str, ...]) -> bool:
        for alternative in self.words.split("|"):
            sought = tuple(alternative.split())
            for start in range(len(words) - len(sought) + 1):
                end = start + len(sought)
                same = all(map(_is_word, words[start:end], sought))
                if same and self._fits(words[:start], words[end:]):
                    return True
        return False

    def _fits(self, before: tuple[str, ...], after: tuple[str, ...]) -> bool:
        return all(_allowed(word, self.before) for word in before) and all(
            _allowed(word, self.after) for word in after
        )


def _is_word(word: str, sought: str) -> bool:
    return word == sought or (sought == "#" and word.isdigit())


def _allowed(word: str, known: frozenset[str] | None) -> bool:
    if word.isdigit():
        return True
    return word not in _UNLIKE if known is None else word in known


def _wide(what: str, tier: Tier, low: float, high: float, scale: Scale, *, whole: bool = False) -> Meaning:
    return Meaning(what=what, tier=tier, limits=(low, high), scale=scale, whole=whole)


_OPTIMISER = frozenset(_OPTIMISERS | _STAGES)
_NOTHING: frozenset[str] = frozenset()
_RATES = frozenset({"lr", "learning", "rate", "time", "exponential", "inverse", "schedule"})
_NUMBERED = (
    "hidden #|dense #|conv #|conv # d #|lstm #|gru #|rnn #|fc #|linear #|layer #|final layer|last layer|"
    "hidden # size|dense # size|lstm # size|gru # size|rnn # size|fc # size|layer # size"
)
"""One layer by its kind and number: a hyperparameter of that name is how wide it is."""
_KINDS_OF_LAYER = frozenset({"n", "num", "hidden", "dense", "conv", "lstm", "gru", "rnn", "fc", "linear"})
_COUNTED = (
    "num hidden|num dense|num conv|num lstm|num gru|num rnn|num fc|"
    "n hidden|n dense|n conv|n lstm|n gru|n rnn|n fc|hidden|layer num|layer number"
)
"""How many layers of a kind there are."""
_LOG, _LINEAR, _COMPLEMENT = Scale.LOG, Scale.LINEAR, Scale.LOG_COMPLEMENT
_1, _2, _3, _REST = Tier.FIRST, Tier.SECOND, Tier.THIRD, Tier.UNRANKED
_UNITS = _wide("hidden units", _2, 1, 8192, _LOG, whole=True)
_LAYERS = _wide("layers", _3, 1, 12, _LINEAR, whole=True)
_DECAYING = _wide("learning-rate decay", _3, 1e-8, 100.0, _LOG)

# The first rule that matches counts.
_RULES: tuple[_Rule, ...] = (
    _Rule("weight decay|wd", _wide("weight decay", _REST, 1e-10, 1.0, _LOG)),
    _Rule(
        "ema momentum|ema decay|bn momentum|norm momentum|normalization momentum|normalisation momentum",
        _wide("memory of a moving average", _REST, 0.0, 0.99999, _COMPLEMENT),
    ),
    _Rule(
        "learning rate decay|lr decay|decay rate|decay",
        _DECAYING,
        before=_OPTIMISER | _RATES,
        after=_OPTIMISER | {"rate"},
    ),
    _Rule(
        "learning rate schedule|lr schedule|lr scheduler|schedule|scheduler",
        Meaning(what="learning-rate decay", tier=_3),
        before=_OPTIMISER | _RATES,
        after=_NOTHING,
    ),
    _Rule(
        "drop every|decay every|decay steps|decay epochs",
        _wide("learning-rate decay", _3, 1, 100_000, _LOG, whole=True),
        before=_OPTIMISER | _RATES,
        after=_OPTIMISER,
    ),
    _Rule("learning rate|learningrate|lr", _wide("learning rate", _1, 1e-8, 100.0, _LOG)),
    _Rule("momentum", _wide("momentum", _2, 0.0, 0.9999, _COMPLEMENT), before=_OPTIMISER, after=_OPTIMISER),
    _Rule(
        "batch size|batchsize|minibatch|minibatch size|bs",
        _wide("batch size", _2, 1, 8192, _LOG, whole=True),
    ),
    _Rule(
        "batch",
        _wide("batch size", _2, 1, 8192, _LOG, whole=True),
        before=frozenset({"mini"}),
        after=_NOTHING,
    ),
    _Rule(
        "kernel size|kernel sizes|kernels size|filter size",
        _wide("kernel size", _REST, 1, 15, _LINEAR, whole=True),
    ),
    _Rule(
        "units|unit|neurons|neuron|nodes|filters|filter|kernels|"
        "hidden size|hidden dim|hidden width|layer size|dense size|lstm size|gru size|rnn size|fc size",
        _UNITS,
    ),
    _Rule("width", _UNITS, before=_NOTHING, after=_NOTHING),
    _Rule("layers|num layer|n layer|num blocks|n blocks|blocks", _LAYERS),
    _Rule(_NUMBERED, _UNITS, before=_KINDS_OF_LAYER, after=_NOTHING),
    _Rule(_COUNTED, _LAYERS, before=_NOTHING, after=_NOTHING),
    _Rule(
        "depth",
        _LAYERS,
        before=frozenset({"network", "model", "hidden"}),
        after=_NOTHING,
    ),
    _Rule("beta 1|beta 2", _wide("Adam's beta", _3, 0.0, 0.999999, _COMPLEMENT), _OPTIMISER, _OPTIMISER),
    _Rule("epsilon|eps", _wide("epsilon", _3, 1e-12, 1.0, _LOG), before=_OPTIMISER, after=_OPTIMISER),
    _Rule("rho", _wide("RMSprop's rho", _REST, 0.0, 0.99999, _COMPLEMENT), _OPTIMISER, _OPTIMISER),
    _Rule("dropout|drop out|drop rate|droprate|drop #", _wide("dropout", _REST, 0.0, 0.9, _LINEAR)),
    _Rule("l1|l2|l1 l2|l1l2", _wide("weight penalty", _REST, 1e-10, 10.0, _LOG)),
    _Rule(
        "clip threshold|clipnorm|clip norm|clipvalue|clip value|global clipnorm|gradient clip|grad clip",
        _wide("gradient clipping", _REST, 1e-4, 1e3, _LOG),
    ),
    _Rule("patience", _wide("patience", _REST, 0, 1000, _LINEAR, whole=True)),
    _Rule("min delta", _wide("smallest improvement", _REST, 1e-10, 1.0, _LOG)),
    _Rule("label smoothing", _wide("label smoothing", _REST, 0.0, 0.5, _LINEAR)),
    _Rule(
        "rotation|zoom|translation|contrast",
        _wide("augmentation", _REST, 0.0, 1.0, _LINEAR),
        before=frozenset({"augment", "augmentation", "random"}),
        after=frozenset({"factor", "range"}),
    ),
)


@lru_cache(maxsize=4096)
def meaning(name: str) -> Meaning:
    """Return what `name` tells; a meaning without tier and limits where it tells nothing."""
    words = _words(name)
    for rule in _RULES:
        if rule.matches(words):
            return rule.meaning
    return Meaning()


def _words(name: str) -> tuple[str, ...]:
    """Split the last part of a name (`scope/name`) into lower-case words and numbers."""
    last = name.rsplit("/", 1)[-1]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", last).lower()
    # l1 and l2 are words of their own; elsewhere a number ends a word.
    spaced = re.sub(r"(?<![a-z])(l[12])(?=l[12])", r"\1 ", spaced)
    return tuple(re.findall(r"(?<![a-z])l[12](?![a-z0-9])|[^\W\d_]+|\d+", spaced))


def limits_for(
    name: str, low: float, high: float, scale: Scale, *, whole: bool = False
) -> tuple[float, float]:
    """Return the limits for a range that names none: those of its name, widened to hold it.

    Where the name tells none, or its limits have no place on `scale` or among whole numbers,
    the range's own ends.
    """
    found = meaning(name).limits
    if found is None:
        return (low, high)
    least, most = (math.ceil(found[0]), math.floor(found[1])) if whole else found
    least, most = min(low, least), max(high, most)
    if scale is Scale.LOG and least <= 0:
        least = low
    if scale is Scale.LOG_COMPLEMENT and most >= 1:
        most = high
    return (least, most)
