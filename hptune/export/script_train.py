"""The training of an exported script: the code of the search, and what to call it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hptune.data.stream import Stream
from hptune.export.script_part import ScriptPart, function
from hptune.models.backend import keras, set_up_tensorflow, set_up_torch
from hptune.models.call_fit import call_with_what_it_takes
from hptune.models.model import Arrays, OwnFit, Streamed, Training
from hptune.models.recipes.recipe import Target
from hptune.models.recipes.schedules import Schedule
from hptune.study.trial import Direction, Objective
from hptune.training.epoch_rules import EpochRules
from hptune.training.feeds import GeneratorFeed
from hptune.training.session import make_ready
from hptune.training.stream_feed import StreamFeed
from hptune.training.trainer import balanced_weights, class_weights
from hptune.training.user_callbacks import fresh_callbacks
from hptune.training.user_fit import run_own_fit

__all__ = ["TrainingPlan", "training"]


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a configuration is trained."""

    seed: int
    epochs: int
    """As many as the trial had."""
    training: Training
    objective: Objective
    recorded: float
    """The score that the study has."""
    target: Target | None = None
    threads: int | None = None
    """Threads of one operation; None for as many as the backend likes."""
    fits: bool = False
    """Whether a user's HyperModel fits by itself."""
    own_data: bool = False
    """Whether that fit brings its own data."""
    users: bool = False
    """Whether the model is a user's own, which need not be one that can be saved whole."""
    passes_batch_size: bool = False
    """Whether that fit is given the batch size as a keyword."""
    bare: bool = False
    """Whether the model is saved without its optimiser, which is a class of the script's own."""
    classes: int = 0
    """Classes that count alike in the loss; 0 where rows count alike."""
    codes: str = "arrays.y"
    """Python expression of the class codes of training rows."""
    callbacks: str | None = None
    """FILE.py:function that makes the user's callbacks; None for none."""
    trial: str = ""
    """What that function is told that the training is named."""
    structured: bool = False
    """Whether the rows are structures of arrays, or weighted."""
    streamed: bool = False
    """Whether they come in batches of the user's own."""


_SHOW = function(
    "show(epoch, report)",
    "Print the objective of an epoch, and go on.",
    (
        'name = CONFIG["objective"]["name"]',
        "print(f\"epoch {epoch} of {CONFIG['epochs']}: {name} {report[name]:.7g}\")",
        "return False",
    ),
)


def training(plan: TrainingPlan) -> ScriptPart:
    """Return `train` and `main`, with what they need."""
    rate = plan.training.learning_rate
    functions = [] if rate is None else [_learning_rate(rate)]
    functions += [_train_own(plan) if plan.fits else _train(plan), _SHOW, _main(plan)]
    return ScriptPart(
        imports=("import math", "from pathlib import Path"),
        config=_config(plan),
        functions=tuple(functions),
        copies=tuple(_copies(plan)),
    )


def _config(plan: TrainingPlan) -> Mapping[str, Any]:
    trained = {name: value for name, value in asdict(plan.training).items() if name != "learning_rate"}
    target = {} if plan.target is None else {"target": asdict(plan.target)}
    called = {} if plan.callbacks is None else {"callbacks": plan.callbacks}
    return {
        "seed": plan.seed,
        "epochs": plan.epochs,
        **called,
        "training": trained,
        **target,
        "objective": {"name": plan.objective.name, "direction": str(plan.objective.direction)},
        "recorded": plan.recorded,
    }


def _copies(plan: TrainingPlan) -> list[Any]:
    feed: list[Any] = [StreamFeed if plan.streamed else GeneratorFeed]
    own: list[Any] = [OwnFit, call_with_what_it_takes, run_own_fit] if plan.fits else feed
    backends = {"tensorflow": [set_up_tensorflow], "torch": [set_up_torch]}
    return [
        *backends.get(keras.backend.backend(), []),
        *([fresh_callbacks] if plan.callbacks is not None else []),
        *([Target] if plan.target is not None else []),
        *([class_weights if plan.fits else balanced_weights] if plan.classes else []),
        *([Stream, Streamed] if plan.streamed else []),
        *(Arrays, Direction, Objective, Training, make_ready, EpochRules),
        *own,
    ]


def _learning_rate(schedule: Any) -> str:
    assert isinstance(schedule, Schedule)
    docstring = "Return the learning rate of an epoch, counted from 0."
    return function("learning_rate(epoch)", docstring, [f"return {schedule.formula}"])


def _rules(plan: TrainingPlan) -> list[str]:
    """Return statements that make the rules of an epoch, which judge and stop as the search did."""
    rate = "" if plan.training.learning_rate is None else ", learning_rate=learning_rate"
    return [
        'given = CONFIG["objective"]',
        'objective = Objective(name=given["name"], direction=Direction(given["direction"]))',
        f'training = Training(**CONFIG["training"]{rate})',
        *([] if plan.own_data else ["make_ready(model, arrays)"]),
        "rules = EpochRules(",
        '    seed=CONFIG["seed"],',
        "    training=training,",
        "    objective=objective,",
        "    on_epoch=show,",
        "    keep_best=True,",
        ")",
        *_made(plan),
    ]


def _made(plan: TrainingPlan) -> list[str]:
    """Return the statement that makes the user's callbacks; none where there are none."""
    if plan.callbacks is None:
        return []
    return [f'callbacks = fresh_callbacks(make_callbacks, CONFIG["values"], {plan.trial!r})']


def _given(plan: TrainingPlan) -> str:
    """Return the last argument of `train`: what makes the user's callbacks, where there are any."""
    return "" if plan.callbacks is None else ", make_callbacks"


def _train(plan: TrainingPlan) -> str:
    weights = f"balanced_weights({plan.codes}, {plan.classes})" if plan.classes else "arrays.weights"
    more = "" if plan.callbacks is None else ", callbacks"
    lines = [
        *_rules(plan),
        f"feed = StreamFeed(model, arrays, training.batch_size{more})"
        if plan.streamed
        else f"feed = GeneratorFeed(model, arrays, {weights}, training.batch_size{more})",
        'feed.fit(rules, CONFIG["seed"], 0, CONFIG["epochs"])',
        "model.set_weights(rules.best_weights)",
        "return rules.progress.best_epoch, rules.progress.best",
    ]
    docstring = "Train as the search did; return the best epoch and its score. The model has its weights."
    return function(f"train(model, arrays{_given(plan)})", docstring, lines)


def _train_own(plan: TrainingPlan) -> str:
    size = 'batch_size=CONFIG["values"]["batch_size"], ' if plan.passes_batch_size else ""
    lines = [
        *_rules(plan),
        "",
        "def fit(model, *args, **kwargs):",
        f"    return call_with_what_it_takes(hypermodel.fit, hp, model, set(), *args, {size}**kwargs)",
        "",
        "own = OwnFit(fit, goes_on=False)",
        'span = {"initial_epoch": 0, "epochs": CONFIG["epochs"]}',
        *([f'span["class_weight"] = class_weights(arrays.y, {plan.classes})'] if plan.classes else []),
        *(['span["callbacks"] = callbacks'] if plan.callbacks is not None else []),
        "curve, _ = run_own_fit(own, model, arrays, rules, objective, **span)",
        "return curve[objective.best_epoch(curve) - 1][objective.name]",
    ]
    return function(
        f"train(hypermodel, hp, model, arrays{_given(plan)})",
        "Let the HyperModel fit; return its score.",
        lines,
    )


def _main(plan: TrainingPlan) -> str:
    name = "{CONFIG['objective']['name']}"
    lines = []
    if keras.backend.backend() in ("tensorflow", "torch"):
        lines += [
            f'if keras.backend.backend() == "{keras.backend.backend()}":',
            f"    set_up_{keras.backend.backend()}({plan.threads})",
        ]
    lines += _arrays(plan)
    if plan.callbacks is not None:
        # Before the model, which seeds what is drawn afterwards.
        lines.append('make_callbacks = load_function(CONFIG["callbacks"])')
    if plan.fits:
        lines += [
            "hypermodel, hp, model = build_model(arrays.x)",
            f"score = train(hypermodel, hp, model, arrays{_given(plan)})",
        ]
    else:
        lines += ["model = build_model(arrays.x)", f"epoch, score = train(model, arrays{_given(plan)})"]
    at = "" if plan.fits else " at epoch {epoch}"
    lines.append(f"print(f\"{name} {{score:.9g}}{at}, {{CONFIG['recorded']:.9g}} in the study\")")
    lines += [*_predictor(plan), *_save(plan)]
    return function("main()", "Train the model and save it.", lines)


def _arrays(plan: TrainingPlan) -> list[str]:
    """Return statements that load the data as it is trained on."""
    if plan.structured or plan.streamed:
        load = ["train_rows, held = load_data()"]
        if plan.streamed:
            first = "part.first(1)[0] if isinstance(part, Stream) else part"
            load = [
                "streams = load_data()",
                "# The first batches, by which a model is built.",
                f"train_rows, held = ({first} for part in streams.parts)",
            ]
        return [
            *load,
            f"arrays = {'Streamed' if plan.streamed else 'Arrays'}(",
            *(["    streams=streams,"] if plan.streamed else []),
            "    x=train_rows.x,",
            "    y=train_rows.y,",
            "    validation_x=held.x,",
            "    validation_y=held.y,",
            "    weights=train_rows.weights,",
            "    validation_weights=held.weights,",
            ")",
        ]
    lines = ["x, y, x_val, y_val = load_data()"]
    if plan.target is not None:
        lines.append('target = Target(**CONFIG["target"])')
        lines.append("y, y_val = target.z_scores(y), target.z_scores(y_val)")
    return [*lines, "arrays = Arrays(x=x, y=y, validation_x=x_val, validation_y=y_val)"]


def _save(plan: TrainingPlan) -> list[str]:
    """Return statements that save the model, of a user's own that can't be saved whole the weights."""
    save = 'model.save(f"{Path(__file__).stem}-trained.keras")'
    if not plan.users:
        return [save]
    return [
        "try:",
        f"    {save}",
        "except (NotImplementedError, TypeError, ValueError) as error:",
        "    # A class without get_config: load these into what build_model returns.",
        '    model.save_weights(f"{Path(__file__).stem}-trained.weights.h5")',
        '    print(f"saved the weights alone, for Keras can\'t write down the model: {error}")',
    ]


def _predictor(plan: TrainingPlan) -> list[str]:
    """Return statements that make a model to be saved of the one that was trained."""
    if plan.target is not None:
        return [
            "# From z-scores back to the target's own units.",
            "back = keras.layers.Rescaling(target.deviation, offset=target.mean)",
            "model = keras.Model(model.inputs, back(model.outputs[0]))",
        ]
    if plan.bare:
        return [
            "# Without the optimizer, which is a class of this file.",
            "model = keras.Model(model.inputs, model.outputs)",
        ]
    return []
