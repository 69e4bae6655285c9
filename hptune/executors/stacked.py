"""Trains jobs of one structure together, in this process; all others one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hptune.executors import OnEpoch, Trainer
from hptune.trial import Job, Objective, Outcome, OutcomeState

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models import Model
    from hptune.recipes import Recipe
    from hptune.stack.stack import Rows, Stack, StackGraphs
    from hptune.stack.structure import Group, Settings
    from hptune.stack.training import Stacked

__all__ = ["MOST", "StackedExecutor", "can_be_stacked", "wave_size"]

_MOST_BYTES = 1 << 28
"""Training rows larger than this are not held a second time, prepared."""
_STACK_BYTES = 1 << 30
"""What weights and activations of a stack may take, roughly; wider ones hold fewer configurations."""
_FIRST_WAVE = 9
_JOBS_PER_PLACE = 40
MOST = 16
"""Configurations in one stack, unless a person says otherwise: more gain little on two cores."""
_COPIES = 12
"""How often a step holds each weight: the optimiser's memory, the gradient, what is in between."""


@dataclass(eq=False)
class _Waiting:
    """A job that was submitted and has not begun."""

    job: Job
    on_epoch: OnEpoch
    future: Future[Outcome]
    recipe: Recipe | None = None
    group: Group | None = None
    """None where it is trained by itself."""
    settings: Settings | None = None

    def listener(self, heard: Callable[[], None]) -> Callable[[int, Mapping[str, float]], bool]:
        """Return what is called after each epoch of this job; `heard` when it asks to stop."""

        def on_epoch(epoch: int, report: Mapping[str, float]) -> bool:
            asked = self.on_epoch(self.job, epoch, report)
            if asked:
                heard()
            return asked

        return on_epoch


class StackedExecutor:
    """Takes a wave of jobs and trains those that can be trained together as one.

    A wave holds up to `most` jobs, or, where `pace` is given, what it says for a job's number.
    """

    in_waves = True

    def __init__(
        self,
        trainer: Trainer,
        dataset: Dataset,
        model: Model,
        objective: Objective | None,
        *,
        most: int = MOST,
        pace: Callable[[int, int], int] | None = None,
        alone: bool = False,
        graphs: StackGraphs | None = None,
    ) -> None:
        """Prepare; `alone` leaves everything to the trainer, one job at a time.

        `graphs` are those of another executor whose rows were as wide, to be used again.
        """
        self._most = most
        self._pace = pace
        self._last_job = 0
        self._trainer = trainer
        self._dataset = dataset
        self._model = model
        self._objective = objective
        self._alone = alone
        self._waiting: list[_Waiting] = []
        self._running: dict[Stacked, _Waiting] = {}
        self._stacks: dict[Group, Stack] = {}
        self._rows: dict[str, Rows] = {}
        self._graphs = graphs
        self._stopping = False
        self._resolved = False
        """Some job is done since the last poll."""

    @property
    def slots(self) -> int:
        """How many jobs the present wave holds."""
        return self._most if self._pace is None else self._pace(self._last_job, self._most)

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Take a job in; it is trained in `poll`."""
        waiting = _Waiting(job, on_epoch, Future())
        self._last_job = job.id
        self._sort(waiting)
        self._waiting.append(waiting)
        return waiting.future

    def poll(self, seconds: float) -> None:
        """Train until some job is done."""
        self._resolved = False
        self._advance()

    def close(self) -> None:
        """Let go of what it holds; jobs under way are ended."""
        self._waiting.clear()
        self._running.clear()
        self._stacks.clear()
        self._rows.clear()

    # What is trained next

    def _sort(self, waiting: _Waiting) -> None:
        """Find out whether a job can be trained with others."""
        if self._alone or not can_be_stacked(self._trainer, self._dataset, self._model):
            return
        from hptune.models import RecipeModel
        from hptune.stack.structure import read

        assert isinstance(self._model, RecipeModel)
        recipe = self._model.recipe(waiting.job.values)
        found = read(recipe)
        if found is not None:
            waiting.recipe = recipe
            waiting.group, waiting.settings = found

    def _advance(self) -> None:
        """Train whatever is oldest, and what can be trained with it, until some job is done."""
        if self._stopping:
            self._end_waiting()
        under_way = [*self._waiting, *self._running.values()]
        if not under_way or self._resolved:
            return
        oldest = min(under_way, key=lambda waiting: waiting.job.id)
        if oldest.group is None:
            self._waiting.remove(oldest)
            self._train_alone(oldest)
        else:
            self._train_group(oldest.group)

    def _train_alone(self, waiting: _Waiting) -> None:
        outcome = self._trainer.run(waiting.job, waiting.listener(self._stop))
        self._resolve(waiting, outcome)

    def _train_group(self, group: Group) -> None:
        from hptune.train.failures import is_out_of_memory

        stack = self._stack(group)
        try:
            self._fill(stack, group)
            while stack.live and not self._resolved:
                for stacked in stack.epoch():
                    assert stacked.outcome is not None
                    self._resolve(self._running.pop(stacked), stacked.outcome)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            # Alone, each has all of the memory. What was trained here is trained again.
            for stacked in stack.drop():
                waiting = self._running.pop(stacked)
                waiting.group = None
                self._waiting.append(waiting)
        if not stack.live:
            del self._stacks[group]

    def _fill(self, stack: Stack, group: Group) -> None:
        """Put waiting jobs of a group into its stack, the oldest first."""
        room = _room(group, self._dataset.train.x[0].size, self._most)
        for waiting in [w for w in self._waiting if w.group == group]:
            if len(stack.live) >= room:
                break
            self._waiting.remove(waiting)
            try:
                stacked = self._begun(waiting, group)
            except ValueError as error:
                self._resolve(waiting, _failed(waiting.job, error))
                continue
            if stacked.outcome is not None:
                self._resolve(waiting, stacked.outcome)
                continue
            stack.add(stacked)
            self._running[stacked] = waiting

    def _begun(self, waiting: _Waiting, group: Group) -> Stacked:
        """Return a job ready to train; raises ValueError where its checkpoint is another model's."""
        from hptune.stack.layout import Layout
        from hptune.stack.training import begin

        assert waiting.recipe is not None
        assert waiting.settings is not None
        return begin(
            waiting.job,
            waiting.recipe,
            waiting.settings,
            Layout(group.structure, self._dataset.train.x[0].size, waiting.settings.units),
            self._model.training(waiting.job.values, self._dataset.train.rows),
            self._objective,
            waiting.listener(self._stop),
        )

    def _stack(self, group: Group) -> Stack:
        """Return the stack of a group, an empty one where there is none."""
        from hptune.models.backend import set_up

        set_up(self._dataset.input_shape)
        from hptune.stack.stack import Stack, StackGraphs

        if self._graphs is None:
            self._graphs = StackGraphs()
        if group not in self._stacks:
            self._stacks[group] = Stack(self._prepared(group), group.batch_size, self._graphs)
        return self._stacks[group]

    def _prepared(self, group: Group) -> Rows:
        """Return the data as the group's first layer sees it."""
        if group.entrance not in self._rows:
            from hptune.stack.begin import prepare
            from hptune.stack.stack import Rows

            waiting = next(w for w in self._waiting if w.group == group)
            assert waiting.recipe is not None
            arrays = self._model.arrays(self._dataset, waiting.job.values)
            x, validation_x = (prepare(waiting.recipe, rows) for rows in (arrays.x, arrays.validation_x))
            loss = group.structure.loss
            self._rows[group.entrance] = Rows.of(x, arrays.y, validation_x, arrays.validation_y, loss)
        return self._rows[group.entrance]

    # What came of it

    def _stop(self) -> None:
        self._stopping = True

    def _resolve(self, waiting: _Waiting, outcome: Outcome) -> None:
        self._resolved = True
        waiting.future.set_result(outcome)

    def _end_waiting(self) -> None:
        """End jobs that have not begun: they were asked to stop before their first epoch."""
        for waiting in self._waiting:
            interrupted = Outcome(job_id=waiting.job.id, state=OutcomeState.INTERRUPTED)
            self._resolve(waiting, replace(interrupted, checkpoint=waiting.job.checkpoint))
        self._waiting.clear()


def can_be_stacked(trainer: Trainer, dataset: Dataset, model: Model) -> bool:
    """Tell whether any configuration of a model can be trained with others, as its trainer trains."""
    from hptune.models import RecipeModel
    from hptune.train import TrainerSettings

    settings = getattr(trainer, "settings", TrainerSettings())
    special = settings.class_weight != "none" or settings.max_parameters is not None
    if special or not isinstance(model, RecipeModel) or model.name != "mlp":
        return False
    return dataset.train.x.nbytes <= _MOST_BYTES


def wave_size(job_id: int, most: int) -> int:
    """Return how many jobs are asked for before the results of any are known, at job number `job_id`.

    The first nine are drawn without a model: asking for them one by one would teach nothing.
    After that every result counts for what is asked next, the less the more there are.
    """
    return min(most, _FIRST_WAVE if job_id < _FIRST_WAVE else max(1, job_id // _JOBS_PER_PLACE))


def _failed(job: Job, error: Exception) -> Outcome:
    from hptune.train.failures import in_words, traceback_text

    failed = Outcome(job_id=job.id, state=OutcomeState.FAILED, reason=in_words(error, None))
    return replace(failed, traceback=traceback_text(error))


def _room(group: Group, features: int, most: int) -> int:
    """Return how many configurations of a group memory allows in one stack."""
    sizes = [features, *group.widths, group.structure.outputs]
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    numbers = _COPIES * weights + 4 * group.batch_size * sum(sizes)
    return max(1, min(most, _STACK_BYTES // (4 * numbers)))
