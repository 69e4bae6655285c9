"""A search without trainings: `suggest` asked again and again, with made-up scores."""

import json
import math
from dataclasses import dataclass, field

from hptune.space import Boolean, Choice, Condition, Fixed, Float, Integer, Space, Tier
from hptune.space.scales import Scale
from hptune.strategy.state import Decision, NoSuggestion, SearchState
from hptune.strategy.suggest import suggest
from hptune.strategy.threads import one_thread
from hptune.study.trial import Direction, Objective, Observation, TrialState

UP = Objective(name="accuracy", direction=Direction.MAX)
DOWN = Objective(name="loss", direction=Direction.MIN)


def bowl(values, epochs):
    """Best at rate 10⁻² and width 0.7, better with more epochs."""
    rate = (math.log10(values["rate"]) + 2) / 3
    return 1 - rate**2 - (values.get("width", 0.7) - 0.7) ** 2 - 0.3 / epochs


def space():
    return Space(
        hyperparameters=(
            Float(name="rate", low=1e-4, high=1e-1, scale=Scale.LOG, default=1e-3, tier=Tier.FIRST),
            Float(name="width", low=0.0, high=1.0, default=0.2),
        )
    )


@dataclass
class Play:
    """Asks and trains until there is no answer, one at a time unless `abreast` says otherwise."""

    space: Space
    trainings: float = 6
    epochs: int = 9
    root: Space | None = None
    objective: Objective = UP
    score: object = bowl
    seed: int = 0
    abreast: int = 1
    imported: list = field(default_factory=list)
    warm_starts: tuple = ()
    most: int = 400
    told: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    memo: dict = field(default_factory=dict)
    end: NoSuggestion | None = None

    def state(self, running=()):
        had = {}
        for o in [*self.told, *running]:
            had[o.trial_id] = max(o.epochs, had.get(o.trial_id, 0))
        return SearchState(
            root=self.root or self.space,
            space=self.space,
            objective=self.objective,
            epochs=self.epochs,
            budget=self.trainings * self.epochs,
            epochs_used=sum(had.values()),
            observations=[*self.told, *running],
            imported=self.imported,
            warm_starts=self.warm_starts,
            seed=self.seed,
            asks=len(self.asked),
            memo=self.memo,
        )

    def run(self):
        with one_thread():  # as the oracle does: more threads cost more than they bring
            return self._run()

    def _run(self):
        running = []
        numbers = 0
        while len(self.asked) < self.most:
            answer = suggest(self.state(running))
            if isinstance(answer, Decision):
                self.asked.append(answer)
                self.memo = json.loads(json.dumps(answer.memo))
                numbers += answer.trial_id is None
                number = numbers if answer.trial_id is None else answer.trial_id
                running.append(
                    Observation(
                        trial_id=number,
                        values=answer.values,
                        epochs=answer.epochs,
                        score=None,
                        state=TrialState.RUNNING,
                    )
                )
                if len(running) < self.abreast:
                    continue
            elif not running:
                self.end = answer
                break
            self.tell(running.pop(0))
        return self

    def tell(self, o):
        score = self.score(o.values, o.epochs)
        state = TrialState.COMPLETE if o.epochs >= self.epochs else TrialState.PAUSED
        if score is None:
            state = TrialState.INFEASIBLE
        self.told.append(
            Observation(trial_id=o.trial_id, values=o.values, epochs=o.epochs, score=score, state=state)
        )

    @property
    def started(self):
        return [a.values for a in self.asked if a.trial_id is None]

    @property
    def epochs_used(self):
        return sum(a.epochs - a.initial_epoch for a in self.asked)


def distinct(configurations):
    return len({json.dumps(c, sort_keys=True) for c in configurations}) == len(configurations)


def mixed():
    return Space(
        hyperparameters=(
            Float(name="rate", low=1e-4, high=1e-1, scale=Scale.LOG, default=1e-3, tier=Tier.FIRST),
            Choice(name="optimizer", options=("adam", "sgd", "rmsprop")),
            Float(
                name="momentum",
                low=0.5,
                high=0.99,
                scale=Scale.LOG_COMPLEMENT,
                when=(Condition(parent="optimizer", values=("sgd",)),),
            ),
            Integer(name="layers", low=1, high=4, default=2),
            Integer(name="units", low=32, high=256, step=32, default=64),
            Boolean(name="norm", when=(Condition(parent="layers", values=(2, 3)),)),
            Fixed(name="loss", value="mse"),
        )
    )
