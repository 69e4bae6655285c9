"""The training of an exported script: an epoch's random numbers depend on the seed and the epoch alone."""

from __future__ import annotations

from dataclasses import dataclass

from hptune.export.script_part import ScriptPart, code
from hptune.export.script_text import inside, layout, literal
from hptune.models.recipes.recipe import Target
from hptune.models.recipes.schedules import Decay, Schedule
from hptune.study.trial import Direction, Objective

__all__ = ["TrainingPlan", "training"]

_SET_UP = """
def set_up():
    \"\"\"Let the same seed give the same numbers each time, as they were in the search.\"\"\"
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    @0
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
"""

_RESEED = """
def reseed(model, epoch):
    \"\"\"Put dropout and augmentation where the seed and the epoch say.\"\"\"
    every = model.non_trainable_variables
    states = [state for state in every if state.name == "seed_generator_state"]
    for number, state in enumerate(states):
        drawn = np.random.default_rng([SEED, epoch, number]).integers(2**31 - 1)
        state.assign(np.array([drawn, 0], dtype=state.dtype))
"""

_RESEED_TORCH = """
class Reseed(keras.callbacks.Callback):
    \"\"\"Reseeds at an epoch's first step: by then PyTorch's loader has drawn from its generator.\"\"\"

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            reseed(self.model, self.epoch)
            torch.manual_seed(int(np.random.default_rng([SEED, self.epoch]).integers(2**31 - 1)))
"""

_Z_SCORES = """
def z_scores(y):
    \"\"\"Return targets as the model learns them.\"\"\"
    scaled = (y.astype("float64") - TARGET_MEAN) / TARGET_DEVIATION
    return scaled.astype("float32").reshape(-1, 1)
"""

_ROW_WEIGHTS = """
def row_weights(y):
    \"\"\"Return what each row counts in the loss: every class as much as any other.\"\"\"
    codes = y.reshape(-1).astype(int)
    counts = np.bincount(codes)
    return (len(codes) / (len(counts) * np.maximum(counts, 1)))[codes].astype("float32")
"""

_KEEP = """
class KeepWeights(keras.callbacks.Callback):
    \"\"\"Keeps the weights that were trained: fit ends by putting their averages there.\"\"\"

    def on_epoch_end(self, epoch, logs=None):
        self.weights = copies(self.model)
"""

_COPIES = """
def copies(model):
    \"\"\"Return the weights as they are now.\"\"\"
    return [np.array(weights) for weights in model.get_weights()]
"""

_TRAIN = """
def train(model, x, y, x_val, y_val):
    \"\"\"Train the model, keep its best epoch's weights; return that epoch and its score.\"\"\"
    best_epoch, best_score, best_weights = 0, @worst, None
    @6
    @0
    for epoch in range(EPOCHS):
        @1
        @5
        order = np.random.default_rng([SEED, epoch]).permutation(len(x))
        @2
        print(f"epoch {epoch + 1} of {EPOCHS}: {OBJECTIVE} {score:.7g}")
        if score @better best_score:
            best_epoch, best_score, best_weights = epoch + 1, score, copies(model)
        @3
        @4
    model.set_weights(best_weights)
    return best_epoch, best_score
"""

_STOPPING = """
if reference is None or @improvement > MIN_DELTA:
    reference, waited = score, 0
else:
    waited += 1
"""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a configuration is trained."""

    seed: int
    epochs: int
    """As many as the trial had."""
    batch_size: int
    validation_batch: int
    """Rows that are validated in one batch."""
    validation_rows: int
    objective: Objective
    recorded: float
    """The score that the study has."""
    schedule: Schedule | None = None
    averaged: bool = False
    patience: int = 0
    min_delta: float = 0.0
    target: Target | None = None
    factor: bool = False
    """Whether the score is measured in the target's deviation."""
    draws: bool = True
    """Whether the model has layers that draw random numbers: dropout, augmentation."""
    one_thread: bool = False
    """Whether one operation takes one thread."""
    fits: bool = False
    """Whether a person's HyperModel fits by itself."""
    bare: bool = False
    """Whether the model is saved without its optimiser, which is a class of the script's own."""
    balanced: bool = False
    """Whether every class counts as much as any other in the loss."""
    torch: bool = False
    """Whether Keras runs on PyTorch, whose own generator dropout draws from."""


def training(plan: TrainingPlan) -> ScriptPart:
    """Return constants, `train` and `main`, with what they need."""
    functions = [_set_up(plan)] + [code(_RESEED)] * plan.draws
    by_step = plan.draws and plan.torch and not plan.fits
    functions += [code(_RESEED_TORCH)] * by_step
    constants = [f"SEED = {plan.seed}", f"EPOCHS = {plan.epochs}"]
    if not plan.fits:
        constants.append(f"BATCH_SIZE = {plan.batch_size}")
    if plan.patience:
        constants += [f"PATIENCE = {plan.patience}", f"MIN_DELTA = {plan.min_delta!r}"]
    if plan.target is not None:
        constants += [
            f"TARGET_MEAN = {plan.target.mean!r}",
            f"TARGET_DEVIATION = {plan.target.deviation!r}",
        ]
        functions.append(code(_Z_SCORES))
    constants += [
        layout(f"OBJECTIVE = {literal(plan.objective.name)}"),
        f"RECORDED = {plan.recorded!r}  # What the study has.",
    ]
    if plan.balanced:
        functions.append(code(_ROW_WEIGHTS))
    rate = _learning_rate(plan.schedule)
    if not plan.fits:
        functions.append(code(_COPIES))
    if plan.averaged:
        functions.append(code(_KEEP))
    functions += [*rate.functions, _fit(plan) if plan.fits else _train(plan), _main(plan)]
    return ScriptPart(
        imports=(
            *("from pathlib import Path", *rate.imports),
            *(("import math",) if plan.fits else ()),
            *(("import torch",) if by_step else ()),
        ),
        constants=(*constants, *rate.constants),
        functions=tuple(functions),
    )


def _set_up(plan: TrainingPlan) -> str:
    one = "tf.config.threading.set_intra_op_parallelism_threads(1)"
    return code(_SET_UP, one if plan.one_thread else "")


def _learning_rate(schedule: Schedule | None) -> ScriptPart:
    """Return the learning rate as a function of the epoch; nothing where it stays as it is."""
    if schedule is None or schedule.decay is Decay.NONE:
        return ScriptPart()
    head = 'def learning_rate(epoch):\n    """Return the learning rate of an epoch, counted from 0."""\n'
    if schedule.decay is Decay.LIST:
        rates = layout(f"RATES = {literal(list(schedule.rates))}")
        body = "    return RATES[min(epoch, len(RATES) - 1)]"
        return ScriptPart(constants=(f"# The last is held.\n{rates}",), functions=(head + body,))
    imports = ("import math",) if "math." in schedule.formula else ()
    return ScriptPart(imports=imports, functions=(f"{head}    return {schedule.formula}",))


def _train(plan: TrainingPlan) -> str:
    up = plan.objective.direction is Direction.MAX
    decays = bool(_learning_rate(plan.schedule).functions)
    text = _TRAIN.replace("@worst", "-np.inf" if up else "np.inf").replace("@better", ">" if up else "<")
    return code(
        text,
        "\n".join(
            ["reference, waited = None, 0"] * bool(plan.patience) + ["keep = KeepWeights()"] * plan.averaged
        ),
        "model.optimizer.learning_rate = learning_rate(epoch)" if decays else "",
        _epoch(plan),
        "model.set_weights(keep.weights)" if plan.averaged else "",
        _stopping(plan, up) if plan.patience else "",
        "reseed(model, epoch)" if plan.draws and not plan.torch else "",
        "weights = row_weights(y)" if plan.balanced else "",
    )


def _epoch(plan: TrainingPlan) -> str:
    """Return statements that train one epoch and set its score."""
    size = "len(x_val)" if plan.validation_batch >= plan.validation_rows else str(plan.validation_batch)
    given = ["x[order]", "y[order]", "batch_size=BATCH_SIZE", "shuffle=False"]
    given += ["sample_weight=weights[order]"] * plan.balanced
    units = " * TARGET_DEVIATION" if plan.factor else ""
    name = plan.objective.name
    validated = name.startswith("val_")
    callbacks = ["Reseed(epoch)"] * (plan.draws and plan.torch) + ["keep"] * plan.averaged
    if callbacks:
        given.append(f"callbacks=[{', '.join(callbacks)}]")
    if validated and not plan.averaged:
        given += ["validation_data=(x_val, y_val)", f"validation_batch_size={size}"]
    fit = f"model.fit({', '.join(given)}, verbose=0)"
    if not (plan.averaged and validated):
        return inside(f"fitted = {fit}", 8) + f"\nscore = fitted.history[OBJECTIVE][-1]{units}"
    evaluate = f"model.evaluate(x_val, y_val, batch_size={size}, verbose=0, return_dict=True)"
    lines = [inside(fit, 8), "# Here the weights are their averages.", inside(f"report = {evaluate}", 8)]
    return "\n".join([*lines, f"score = report[{literal(name.removeprefix('val_'))}]{units}"])


def _stopping(plan: TrainingPlan, up: bool) -> str:
    improvement = "score - reference" if up else "reference - score"
    text = code(_STOPPING).replace("@improvement", improvement)
    return f"{text}\nif waited >= PATIENCE:\n    break"


_FIT = """
def fit(hypermodel, hp, model, x, y, x_val, y_val):
    \"\"\"Let the HyperModel fit the model; return the score.\"\"\"
    given = {
        "validation_data": (x_val, y_val),
        "epochs": EPOCHS,
        "callbacks": [
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: reseed(model, epoch)
            )
        ],
        "verbose": 0,
    }
    while True:
        try:
            return score_of(hypermodel.fit(hp, model, x, y, **given))
        except TypeError as error:
            # A fit that sets an argument itself is not given it.
            said = str(error)
            refused = [name for name in given if f"argument '{name}'" in said]
            if not refused:
                raise
            del given[refused[0]]
"""

_SCORE_OF = """
def score_of(result):
    \"\"\"Return the objective of what a fit returned: the best of a History.\"\"\"
    if isinstance(result, list):
        return math.fsum(map(score_of, result)) / len(result)
    if hasattr(result, "history"):
        return @best(result.history[OBJECTIVE])
    return float(result[OBJECTIVE] if isinstance(result, dict) else result)
"""


def _fit(plan: TrainingPlan) -> str:
    best = "max" if plan.objective.direction is Direction.MAX else "min"
    return code(_SCORE_OF.replace("@best", best)) + "\n\n\n" + code(_FIT)


def _main(plan: TrainingPlan) -> str:
    lines = ["set_up()", "x, y, x_val, y_val = load_data()"]
    if plan.fits:
        lines += [
            "hypermodel, hp, model = build_model(x)",
            "score = fit(hypermodel, hp, model, x, y, x_val, y_val)",
            'print(f"{OBJECTIVE} {score:.9g}, {RECORDED:.9g} in the study")',
        ]
    else:
        targets = ("z_scores(y)", "z_scores(y_val)") if plan.target is not None else ("y", "y_val")
        lines += [
            "model = build_model(x)",
            f"epoch, score = train(model, x, {targets[0]}, x_val, {targets[1]})",
            'print(f"{OBJECTIVE} {score:.9g} at epoch {epoch}, {RECORDED:.9g} in the study")',
        ]
    lines += [*_predictor(plan), 'model.save(f"{Path(__file__).stem}-trained.keras")']
    body = "\n".join(f"    {line}" for line in lines)
    return f'def main():\n{body}\n\n\nif __name__ == "__main__":\n    main()'


def _predictor(plan: TrainingPlan) -> list[str]:
    """Return statements that make a model to be saved of the one that was trained."""
    if plan.target is not None:
        return [
            "# From z-scores back to the target's own units.",
            "back = keras.layers.Rescaling(TARGET_DEVIATION, offset=TARGET_MEAN)",
            "model = keras.Model(model.inputs, back(model.outputs[0]))",
        ]
    if plan.bare:
        return [
            "# Without the optimizer, which is a class of this file.",
            "model = keras.Model(model.inputs, model.outputs)",
        ]
    return []
