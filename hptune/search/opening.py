"""Opens a search, a new one or one to resume, for a dry run as for the search itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hptune._text import counted
from hptune.errors import ObjectiveError
from hptune.search.events import Listener
from hptune.search.options import SearchOptions
from hptune.search.past_studies import found_names, past_studies
from hptune.search.preflight import preflight, warn_of_numpy
from hptune.search.warm_start import find_warm_starts
from hptune.space import Space
from hptune.space.describe import describe_range
from hptune.strategy.plan import Plan
from hptune.study import Identity, Study
from hptune.study.notes import WarmStart
from hptune.study.trial import Objective, metric_of

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model

__all__ = ["Opening", "open_search"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Opening:
    """Everything that is settled before the first trial, or before the next one."""

    options: SearchOptions
    dataset: Dataset
    model: Model
    identity: Identity
    """Of the study that is resumed, or of the one that this search begins."""
    warm_starts: tuple[WarmStart, ...]

    @property
    def space(self) -> Space:
        """What the model searches today."""
        return self.model.space()

    @property
    def plan(self) -> Plan:
        """What the budget buys."""
        return self.options.plan(self.space)


def open_search(options: SearchOptions, listener: Listener, study: Study | None) -> Opening:
    """Load data and model and settle objective and warm starts; nothing is written.

    With `study`, an open one, its objective and warm starts hold. Without, one batch is trained to see
    that the model can be. Raises what `hptune.errors` lists.
    """
    if study is not None:
        options = options.resuming(study)
    dataset = options.task.load_data()
    listener.on_data_loaded(dataset)
    model = options.task.load_model(dataset)
    if study is not None:
        study.require(_identity(options, dataset, model, study.identity.goal))
        _warn_of_late_warm_starts(options, study, listener)
        warn_of_numpy(options.task, listener)
        identity, warm_starts = study.identity, study.notes.warm_starts
    else:
        options, model = _with_what_past_studies_found(options, dataset, model, listener)
        task, reported = preflight(options.task, dataset, model, listener)
        options = replace(options, task=task)
        goal = _settle_objective(options, reported, dataset, model, listener)
        identity = _identity(options, dataset, model, goal)
        warm_starts = _find_warm_starts(options, model.space(), listener)
    _remark(options, dataset, model, listener)
    return Opening(options=options, dataset=dataset, model=model, identity=identity, warm_starts=warm_starts)


def _with_what_past_studies_found(
    options: SearchOptions, dataset: Dataset, model: Model, listener: Listener
) -> tuple[SearchOptions, Model]:
    """Return options and model with what only trials of the studies to learn from asked for."""
    if not options.learn_from or options.oracle != "coarse-to-fine":
        return options, model
    folders = past_studies(options.learn_from, options.folder)
    found = tuple(hp for hp in found_names(folders, model.fingerprint) if hp.name not in model.space())
    if not found:
        return options, model
    names = ", ".join(f"{hp.name} ({describe_range(hp)})" for hp in found)
    listener.on_remark(f"--learn-from: {model.name} asked for {names} in past studies: searched as well")
    options = replace(options, task=replace(options.task, found=found))
    return options, options.task.load_model(dataset)


def _settle_objective(
    options: SearchOptions, reported: tuple[str, ...], dataset: Dataset, model: Model, listener: Listener
) -> Objective:
    """Return the objective among what training reports."""
    from hptune.training import resolve_objective

    on_demand = model.metrics_on_demand()
    goal = resolve_objective(options.objective, reported, dataset.task, on_demand=on_demand)
    held_out = f"val_{goal.name}"
    if held_out in reported:
        listener.on_warning(f"objective {goal.name} is of the training rows; {held_out} is of rows held out")
    of_classes = metric_of(goal.name) in on_demand and dataset.classes
    if of_classes and options.task.cv is None and len(set(dataset.validation.y.tolist())) == 1:
        raise ObjectiveError(
            f"objective {goal.name}: all validation rows of {dataset.name} are of one class",
            hint="Give validation rows of each class, or improve val_loss.",
        )
    return goal


def _find_warm_starts(options: SearchOptions, space: Space, listener: Listener) -> tuple[WarmStart, ...]:
    """Return what a new search tries first; only our own search algorithm takes anything."""
    if options.oracle != "coarse-to-fine":
        if options.learn_from:
            listener.on_warning(f"--learn-from: {options.oracle} search takes nothing from other studies")
        return ()
    return find_warm_starts(
        space,
        options.plan(space),
        model=options.task.model,
        learn_from=options.learn_from,
        own=options.folder,
        with_presets=options.presets,
    )


def _warn_of_late_warm_starts(options: SearchOptions, study: Study, listener: Listener) -> None:
    """Say that what is tried first was settled when the study began."""
    if options.learn_from:
        listener.on_warning(
            f"--learn-from: {study.folder} has warm starts already, from when it was created;"
            " --fresh starts over"
        )


def _remark(options: SearchOptions, dataset: Dataset, model: Model, listener: Listener) -> None:
    """Report what is worth knowing of the rows that score and of the space to be searched."""
    folds = options.task.cv
    if folds is not None:
        rows = dataset.train.rows + (0 if dataset.has_own_validation else dataset.validation.rows)
        listener.on_remark(
            f"--cv {folds}: a score is the mean over {folds} folds of {rows:,} rows; the"
            f" {counted(dataset.validation.rows, 'validation row')} above score only what is exported"
        )
    if dataset.comes_in_batches and "batch_size" in model.space():
        listener.on_remark(
            f"batch_size changes nothing where only training uses it: {dataset.name} gives batches of a size"
            " of their own"
        )
    for text in model.remarks():
        listener.on_remark(text)


def _identity(options: SearchOptions, dataset: Dataset, model: Model, objective: Objective) -> Identity:
    return Identity(
        data=options.task.data,
        data_fingerprint=dataset.fingerprint,
        model=options.task.model,
        model_fingerprint=model.fingerprint,
        objective=objective.name,
        direction=objective.direction,
        epochs=options.task.epochs,
        oracle=options.oracle,
        seed=options.task.seed,
        settings=options.task.settings,
    )
