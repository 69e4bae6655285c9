"""Real study databases of any size in a moment, written through `Study`'s own methods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hptune.search.next_pass import propose_for
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Integer, Space, Tier, Value
from hptune.space.scales import Scale
from hptune.study import Confirmation, Identity, Study
from hptune.study.trial import Direction, Epoch, Outcome, OutcomeState, Trial, TrialState

SGD = (Condition(parent="optimizer", values=("sgd",)),)

MLP = Space(
    name="mlp",
    hyperparameters=(
        Float(
            name="learning_rate",
            tier=Tier.FIRST,
            low=1e-5,
            high=1.0,
            scale=Scale.LOG,
            default=1e-3,
            limits=(1e-8, 10.0),
        ),
        Choice(name="optimizer", options=("adam", "sgd", "rmsprop")),
        Float(
            name="momentum",
            tier=Tier.SECOND,
            low=0.5,
            high=0.999,
            scale=Scale.LOG_COMPLEMENT,
            default=0.9,
            limits=(0.0, 0.9999),
            when=SGD,
        ),
        Integer(
            name="units",
            tier=Tier.SECOND,
            low=16,
            high=1024,
            scale=Scale.LOG,
            default=128,
            limits=(1, 4096),
        ),
        Choice(name="batch_size", tier=Tier.SECOND, options=(16, 32, 64, 128, 256), ordered=True),
        Integer(name="layers", tier=Tier.THIRD, low=1, high=6, limits=(1, 12)),
        Float(name="dropout", low=0.0, high=0.6, limits=(0.0, 0.9)),
        Boolean(name="batch_norm"),
        Fixed(name="epsilon", tier=Tier.THIRD, value=1e-7),
    ),
)
"""A space of every kind, with a conditional."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a made-up study holds."""

    trials: int = 12
    passes: int = 3
    epochs: int = 27
    seed: int = 0
    infeasible: float = 0.05
    """Share of the trials that could not be trained; 1 makes nothing but those."""
    failed: float = 0.01
    running: int = 0
    """Trials left open, for whoever watches."""
    space: Space = MLP
    objective: str = "val_accuracy"
    direction: Direction = Direction.MAX
    best_rate: float = 3e-3
    data: str = "digits"
    notes: Mapping[str, Any] = field(default_factory=dict)


def identity(recipe: Recipe) -> Identity:
    return Identity(
        data=recipe.data,
        data_fingerprint="3f1c9a7e52d04b18",
        model="mlp",
        model_fingerprint="a81d",
        objective=recipe.objective,
        direction=recipe.direction,
        epochs=recipe.epochs,
        oracle="coarse-to-fine",
        seed=recipe.seed,
        settings={"target": None, "validation": "0.2"},
    )


def build(folder: Path, recipe: Recipe | None = None) -> Study:
    """A finished study: passes of equal length, each over what the rules proposed after the one before."""
    recipe = recipe or Recipe()
    command = f"hptune search {recipe.data} --epochs {recipe.epochs} --seed {recipe.seed}"
    study = Study.create(folder, identity(recipe), command=command)
    study.note(**recipe.notes)
    space, proposal = recipe.space, None
    sizes = [len(part) for part in np.array_split(np.arange(recipe.trials), recipe.passes)]
    rng = np.random.default_rng(recipe.seed)
    for number, size in enumerate(sizes, 1):
        study.open_pass(space, proposal=proposal, origin="given" if proposal is None else "narrowed")
        for _ in range(size):
            _train(study, recipe, number, space.sample(rng), rng)
        if number < len(sizes):
            proposal = propose_for(study)
            space = proposal.next_space
    under_way = [_ask(study, recipe, len(sizes), space.sample(rng), rng) for _ in range(recipe.running)]
    study.record_progress({job: (epochs + 1) // 2 for job, epochs in under_way})
    return study


def confirm(
    study: Study, means: Sequence[float | None], *, noise: float = 0.004, seeds: int = 5
) -> list[int]:
    """Write down fresh seeds of the best trials, around these means; None broke with every seed."""
    rng = np.random.default_rng(0)
    best = study.best(len(means))
    for trial, mean in zip(best, means, strict=True):
        for number in range(1, seeds + 1):
            score = None if mean is None else round(mean + float(rng.normal(0, noise)), 5)
            study.record_confirmation(
                Confirmation(
                    trial_id=trial.id,
                    asked=trial.epochs,
                    number=number,
                    seed=1000 + number,
                    score=score,
                    best_epoch=None if score is None else trial.epochs,
                    epochs=trial.epochs,
                    seconds=1.0,
                    reason="diverged at epoch 1" if score is None else "",
                )
            )
    return [t.id for t in best]


def _ask(
    study: Study, recipe: Recipe, number: int, values: Mapping[str, Value], rng: np.random.Generator
) -> tuple[int, int]:
    trial = Trial(
        id=0,
        pass_number=number,
        values=values,
        seed=int(rng.integers(2**31)),
        state=TrialState.RUNNING,
        note="start" if number == 1 else "model",
    )
    epochs = int(
        rng.choice([recipe.epochs // 9 or 1, recipe.epochs // 3 or 1, recipe.epochs], p=[0.5, 0.3, 0.2])
    )
    job = study.record_ask(
        trial=trial,
        initial_epoch=0,
        epochs=epochs,
        oracle_values={**values, "tuner/epochs": epochs},
        pass_number=number,
    )
    return job.id, epochs


def _train(
    study: Study, recipe: Recipe, number: int, values: Mapping[str, Value], rng: np.random.Generator
) -> None:
    job, epochs = _ask(study, recipe, number, values, rng)
    luck = rng.random()
    parameters = 64 * int(values["units"]) * int(values["layers"])
    seconds = epochs * (0.05 + 4.0 / float(values["batch_size"]) + parameters / 4e6)
    common = {"job_id": job, "seconds": seconds, "parameters": parameters}
    common["timings"] = {"build": 0.05 * seconds, "fit": 0.9 * seconds}
    if luck < recipe.infeasible or float(values["learning_rate"]) > 0.3:
        outcome = Outcome(**common, state=OutcomeState.INFEASIBLE, reason="diverged: loss is nan at epoch 2")
        study.record_outcome(outcome, TrialState.INFEASIBLE)
    elif luck > 1 - recipe.failed:
        text = "Traceback (most recent call last):\n  File \"model.py\", line 3\nKeyError: 'x'\n"
        outcome = Outcome(**common, state=OutcomeState.FAILED, reason="KeyError: 'x'", traceback=text)
        study.record_outcome(outcome, TrialState.FAILED)
    else:
        curve = tuple(_curve(recipe, values, epochs, rng))
        outcome = Outcome(**common, state=OutcomeState.DONE, curve=curve)
        full = epochs >= recipe.epochs
        study.record_outcome(outcome, TrialState.COMPLETE if full else TrialState.PAUSED)


def _curve(
    recipe: Recipe, values: Mapping[str, Value], epochs: int, rng: np.random.Generator
) -> Iterator[Epoch]:
    """Accuracy that rises to what the values allow, overfits in big models and wobbles at high rates."""
    off = math.log10(float(values["learning_rate"]) / recipe.best_rate)
    penalty = 0.025 * off**2 + 0.012 * abs(math.log2(float(values["units"]) / 256))
    penalty += {"adam": 0.0, "sgd": 0.02, "rmsprop": 0.005}[str(values["optimizer"])]
    penalty += 0.004 * abs(int(values["layers"]) - 3) + 0.05 * abs(float(values["dropout"]) - 0.2)
    penalty += 0.1 * (1 - float(values.get("momentum", 0.9))) if "momentum" in values else 0.0
    top = max(0.1, 0.982 - penalty)
    pace = 1.5 + 1.5 * max(0.0, -off)
    overfit = 0.004 * max(0.0, math.log2(float(values["units"]) * int(values["layers"]) / 1024))
    wobble = 0.004 * 10 ** max(-0.5, min(off, 1.0))
    for epoch in range(1, epochs + 1):
        rise = 1 - math.exp(-epoch / pace)
        train = 0.1 + (top + 0.01 - 0.1) * rise
        late = max(0.0, epoch - recipe.epochs / 3) / recipe.epochs
        score = 0.1 + (top - 0.1) * rise - overfit * late * 10 + min(0.003, float(rng.normal(0, wobble)))
        score, train = min(max(score, 0.0), 1.0), min(train, 1.0)
        report = {"accuracy": train, "loss": 2.5 * (1 - train), "val_accuracy": score}
        report["val_loss"] = 2.5 * (1 - score) + 3 * overfit * late
        yield {key: round(value, 5) for key, value in report.items()}


def versions() -> dict[str, Any]:
    """What a search notes about the machine it ran on."""
    return {
        "versions": {"python": "3.11.7", "keras": "3.15.1", "tensorflow": "2.21.0"},
        "train_examples": 1437,
    }
