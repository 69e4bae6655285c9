"""One whole search: load, check, open the study and run the passes."""

from __future__ import annotations

import itertools
import json
import platform
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hptune._text import counted
from hptune.errors import ObjectiveError, SearchInterruptedError, StudyError, StudyMismatchError
from hptune.narrowing.propose import propose
from hptune.search.budget import is_budget_exhausted, note_exhausted
from hptune.search.choose_executor import executor_for
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.search.next_pass import NEXT_PASS, read_next_pass
from hptune.search.open_next_pass import open_next_pass
from hptune.search.preflight import preflight, warn_of_numpy
from hptune.search.task import SearchTask
from hptune.search.warm_start import find_warm_starts, noted_starts, starts_note
from hptune.space import Space
from hptune.strategy.initial_design import WarmStart
from hptune.strategy.plan import Plan, plan
from hptune.study import Identity, Study, StudyLock, archive, default_path
from hptune.study.folder import DATABASE
from hptune.study.trial import Objective, metric_of
from hptune.views.report import write_report

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model
    from hptune.oracles.searcher import Searcher

__all__ = ["SearchOptions", "plan_search", "search"]


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What a search is asked for, beside its subject."""

    search_task: SearchTask
    study: Path | None = None
    passes: int
    trials: int
    """The budget: as many full trainings, in all."""
    oracle: str
    objective: str | None = None
    workers: int = 1
    trial_seconds: float | None = None
    """Longest that a job may be trained, above 0; one that takes longer is infeasible. None for no limit."""
    learn_from: tuple[str, ...] = ()
    """Earlier studies whose best configurations are tried first; "auto" for all others."""
    presets: bool = True
    """Whether a recipe's presets are tried first too."""
    fresh: bool = False
    command: str = ""
    """The command line that repeats this."""

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.study or default_path(self.search_task.data, self.search_task.model)

    @property
    def budget(self) -> int:
        """Epochs that the whole search may cost."""
        return self.trials * self.search_task.epochs

    def plan(self, space: Space) -> Plan:
        """Return what the budget buys in `space`."""
        return plan(space, trials=self.trials, epochs=self.search_task.epochs, passes=self.passes)


def plan_search(
    options: SearchOptions, listener: Listener | None = None
) -> tuple[Space, Plan, Objective, tuple[WarmStart, ...]]:
    """Return space, plan, objective and first configurations of a search without beginning it.

    Raises what beginning it, or going on with it, would raise: one batch is trained to see that it can be.
    """
    listener = listener or Listener()
    dataset = options.search_task.load_data()
    listener.on_data_loaded(dataset)
    model = options.search_task.load_model(dataset)
    space = model.space()
    _remark(options, dataset, model, listener)
    if not options.fresh and Study.exists(options.folder):
        with Study.open(options.folder) as study:
            options = _as_begun(options, study)
            study.require(_identity(options, dataset, model, study.identity.goal))
            _warn_of_late_starts(options, study, listener)
            warn_of_numpy(options.search_task, listener)
            space = _told_of_going_on(options, study, space, listener)
            warm_starts = () if study.epochs_used() else noted_starts(study)
            return space, options.plan(space), study.identity.goal, warm_starts
    _, reported = preflight(options.search_task, dataset, model, listener)
    goal = _settle_objective(options, reported, dataset, model, listener)
    return space, options.plan(space), goal, _warm_starts(options, space, listener)


def _told_of_going_on(options: SearchOptions, study: Study, space: Space, listener: Listener) -> Space:
    """Say where a study stands that would go on; returns the space of what comes next."""
    epochs_used = f"{study.epochs_used()} of {counted(options.budget, 'epoch')} are spent"
    listener.on_remark(f"going on with {study.folder}: {epochs_used}")
    edited = read_next_pass(study) if study.passes() else None
    if edited is None:
        return space
    listener.on_remark(f"the next pass is {study.folder / NEXT_PASS}")
    return edited.next_space


def _warn_of_late_starts(options: SearchOptions, study: Study, listener: Listener) -> None:
    """Say that what is tried first was settled when the study began."""
    if options.learn_from:
        listener.on_warning(
            f"--learn-from: {study.folder} has begun, and what it tries first was settled then;"
            " --fresh begins anew"
        )


def _warn_of_another_model(study: Study, model: Model, listener: Listener) -> None:
    """Say, once for each change, that trials so far were trained by another version of the model."""
    noted = study.meta.get("model_fingerprint", study.identity.model_fingerprint)
    if model.fingerprint == noted:
        return
    study.note("model_fingerprint", model.fingerprint)
    trained = counted(len(study.trials(curves=False)), "trial")
    listener.on_warning(
        f"{model.name} has changed since {trained} of {study.folder} were begun: what they scored counts"
        " as before, and may not compare; --fresh begins anew"
    )


def _warm_starts(options: SearchOptions, space: Space, listener: Listener) -> tuple[WarmStart, ...]:
    """Return what a new search tries first; only our own oracle takes anything."""
    if options.oracle != "coarse-to-fine":
        if options.learn_from:
            listener.on_warning(f"--learn-from: the oracle {options.oracle} takes nothing from other studies")
        return ()
    return find_warm_starts(
        space,
        options.plan(space),
        model=options.search_task.model,
        learn_from=options.learn_from,
        own=options.folder,
        with_presets=options.presets,
    )


def _remark(options: SearchOptions, dataset: Dataset, model: Model, listener: Listener) -> None:
    """Tell what a person should know of the rows that judge and of the space to be searched."""
    from hptune.models.load import remarks_of

    folds = options.search_task.cv
    if folds is not None:
        rows = dataset.train.rows + (0 if dataset.has_own_validation else dataset.validation.rows)
        listener.on_remark(
            f"--cv {folds}: a score is the mean over {folds} folds of {rows:,} rows; the"
            f" {counted(dataset.validation.rows, 'validation row')} above judge only what is exported"
        )
    for text in remarks_of(model):
        listener.on_remark(text)


def search(options: SearchOptions, *, listener: Listener, stop: Stop) -> Path:
    """Run a search, or go on with it; returns the study's folder.

    Raises what `hptune.errors` lists; nothing is written before data, model, space and
    objective have been checked by training one batch.
    """
    folder = options.folder
    if not options.fresh and Study.exists(folder):
        with StudyLock(folder), Study.open(folder, read_only=False) as study:
            options = _as_begun(options, study)
            if is_budget_exhausted(study, options.search_task, oracle=options.oracle, budget=options.budget):
                listener.on_study_opened(study, options.budget)
                return folder
            dataset, model = options.search_task.load()
            study.require(_identity(options, dataset, model, study.identity.goal))
            _warn_of_late_starts(options, study, listener)
            _warn_of_another_model(study, model, listener)
            warn_of_numpy(options.search_task, listener)
            _run(options, study, dataset, model, listener, stop)
        return folder
    dataset = options.search_task.load_data()
    listener.on_data_loaded(dataset)
    model = options.search_task.load_model(dataset)
    search_task, reported = preflight(options.search_task, dataset, model, listener)
    options = replace(options, search_task=search_task)
    goal = _settle_objective(options, reported, dataset, model, listener)
    identity = _identity(options, dataset, model, goal)
    warm_starts = _warm_starts(options, model.space(), listener)
    if stop.asked:
        raise SearchInterruptedError("nothing was trained yet")
    _archive_existing(folder, fresh=options.fresh)
    with StudyLock(folder), Study.create(folder, identity, command=options.command) as study:
        study.note("starts", starts_note(warm_starts))
        study.note("numpy_difference", search_task.numpy_difference)
        _run(options, study, dataset, model, listener, stop)
    return folder


def _archive_existing(folder: Path, *, fresh: bool) -> None:
    """Make room for a fresh study, whatever state the old one is in, where that was asked for."""
    if not (folder / DATABASE).exists():
        return
    with StudyLock(folder):
        if not fresh and Study.exists(folder):
            raise StudyError(
                f"{folder}: another search has begun a study there meanwhile",
                hint="The same command goes on with it; --study gives this one its own folder.",
            )
        archive(folder)


def _settle_objective(
    options: SearchOptions, reported: tuple[str, ...], dataset: Dataset, model: Model, listener: Listener
) -> Objective:
    """Return the objective among what training reports."""
    from hptune.models.load import other_metrics
    from hptune.training import resolve_objective

    goal = resolve_objective(options.objective, reported, dataset.task, on_demand=other_metrics(model))
    held_out = f"val_{goal.name}"
    if held_out in reported:
        listener.on_warning(f"objective {goal.name} is of the training rows; {held_out} is of rows held out")
    of_classes = metric_of(goal.name) in other_metrics(model) and dataset.classes
    if of_classes and options.search_task.cv is None and len(set(dataset.validation.y.tolist())) == 1:
        raise ObjectiveError(
            f"objective {goal.name}: all validation rows of {dataset.name} are of one class",
            hint="Give validation rows of each class, or improve val_loss.",
        )
    return goal


def _identity(options: SearchOptions, dataset: Dataset, model: Model, objective: Objective) -> Identity:
    return Identity(
        data=options.search_task.data,
        data_fingerprint=dataset.fingerprint,
        model=options.search_task.model,
        model_fingerprint=model.fingerprint,
        objective=objective.name,
        direction=objective.direction,
        epochs=options.search_task.epochs,
        oracle=options.oracle,
        seed=options.search_task.seed,
        settings=options.search_task.settings,
    )


def _as_begun(options: SearchOptions, study: Study) -> SearchOptions:
    """Return the same with what a study settled when it began: its objective, and whether NumPy may train.

    Refuses another objective before anything heavy is loaded.
    """
    identity = study.identity
    direction, _, name = (options.objective or identity.objective).rpartition(":")
    if name != identity.objective or direction not in ("", identity.direction.value):
        raise StudyMismatchError(
            f"{options.folder}: this study's objective is {identity.direction.value}:{identity.objective},"
            f" not {options.objective}",
            hint="Give the new search its own folder with --study, or put this one aside with --fresh.",
        )
    settled = replace(
        options.search_task,
        metric=metric_of(name),
        numpy_difference=study.meta.get("numpy_difference", ""),
    )
    return replace(options, search_task=settled)


def _run(
    options: SearchOptions, study: Study, dataset: Dataset, model: Model, listener: Listener, stop: Stop
) -> None:
    """Run the passes of an open, locked study."""
    space, goal = model.space(), study.identity.goal
    _remark(options, dataset, model, listener)
    if study.passes() and study.epochs_used() >= options.budget:
        _warn_of_waiting_pass(options, study, listener)
    else:
        open_next_pass(study, options.search_task, dataset, space)
    the_plan = options.plan(space)
    root = study.passes()[0].space
    _note_facts(study, dataset, the_plan)
    _note_baseline(options, study, dataset, model)
    warm_starts = noted_starts(study)
    if not study.epochs_used():
        listener.on_warm_starts(warm_starts)
    with executor_for(
        options.search_task,
        dataset,
        model,
        goal,
        workers=options.workers,
        max_seconds=options.trial_seconds,
    ) as executor:
        engine = Engine(
            study=study,
            searcher=_searcher(options, goal, root, the_plan, warm_starts),
            executor=executor,
            pass_ends=tuple(itertools.accumulate(the_plan.pass_epochs)),
            narrow=lambda current, trials: propose(
                current, trials, goal, root=root, epochs=options.search_task.epochs
            ),
            listener=listener,
            stop=stop,
        )
        engine.run()
        stop.running = False
    # Who leaves between two passes is asked again by the same command.
    if not stop.now and not engine.left:
        note_exhausted(study, options.search_task, budget=the_plan.budget)
    try:
        write_report(study)
    except StudyError as error:
        # The search is what was asked for; its report can be written later.
        listener.on_warning(f"{error.message} (write it elsewhere with `hptune report -o FILE`)")


def _warn_of_waiting_pass(options: SearchOptions, study: Study, listener: Listener) -> None:
    """Say that a pass which was asked for is left for a budget that pays it."""
    path = study.folder / NEXT_PASS
    if path.exists():
        epochs_used = f"{study.epochs_used()} of {counted(options.budget, 'epoch')} are spent"
        listener.on_warning(f"{path} waits for a larger --trials: {epochs_used}")


def _note_baseline(options: SearchOptions, study: Study, dataset: Dataset, model: Model) -> None:
    """Note what a guess alone scores, where all trials are judged on the same rows."""
    from hptune.data import baseline_of
    from hptune.models.recipe_model import RecipeModel

    recipe = isinstance(model, RecipeModel)
    guess = baseline_of(dataset, study.identity.objective, recipe=recipe)
    if guess is not None and options.search_task.cv is None:
        study.note("guess", json.dumps(asdict(guess)))


def _note_facts(study: Study, dataset: Dataset, the_plan: Plan) -> None:
    """Note what a reader of the study wants to know and only a search does."""
    from hptune.models.backend import keras

    # Asked of the module, not of the package: TensorFlow comes in packages of several names.
    loaded = {name: sys.modules.get(name) for name in ("keras", keras.backend.backend(), "numpy")}
    versions = {"python": platform.python_version()} | {
        name: str(getattr(module, "__version__", "")) for name, module in loaded.items() if module
    }
    study.note("budget", str(the_plan.budget))
    study.note("train_examples", str(dataset.train.rows))
    study.note("versions", json.dumps(versions))


def _searcher(
    options: SearchOptions,
    goal: Objective,
    root: Space,
    the_plan: Plan,
    warm_starts: tuple[WarmStart, ...],
) -> Searcher:
    from hptune.oracles.names import make_searcher

    return make_searcher(
        options.oracle,
        objective=goal,
        root=root,
        epochs=options.search_task.epochs,
        budget=the_plan.budget,
        seed=options.search_task.seed,
        warm_starts=warm_starts,
    )
