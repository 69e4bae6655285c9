"""One whole search: load, check, open the study and run the passes."""

from __future__ import annotations

import itertools
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hptune._text import counted
from hptune.errors import InputError, SearchInterruptedError, StudyError
from hptune.narrowing.propose import propose
from hptune.search.budget import is_budget_exhausted, note_exhausted
from hptune.search.choose_executor import executor_for
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.search.isolation import marked_under_way
from hptune.search.next_pass import NEXT_PASS, read_next_pass
from hptune.search.open_next_pass import open_next_pass
from hptune.search.opening import Opening, open_search
from hptune.search.options import SearchOptions
from hptune.search.retry import Retries, find_retries, has_failed_trials, retrying
from hptune.space import Space
from hptune.strategy.plan import Plan
from hptune.study import Study, StudyLock, archive
from hptune.study.folder import DATABASE
from hptune.study.notes import ModelVersion, WarmStart
from hptune.study.trial import Objective, TrialState
from hptune.views.report import write_report

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model
    from hptune.oracles.searcher import Searcher

__all__ = ["SearchOptions", "plan_search", "search"]


def plan_search(
    options: SearchOptions, listener: Listener | None = None
) -> tuple[Space, Plan, Objective, tuple[WarmStart, ...]]:
    """Return space, plan, objective and warm starts of a search without beginning it.

    Raises what beginning it, or resuming it, would raise: one batch is trained to see that it can be.
    """
    listener = listener or Listener()
    if options.fresh or not Study.exists(options.folder):
        opened = open_search(options, listener, None)
        return opened.space, opened.plan, opened.identity.goal, opened.warm_starts
    with Study.open(options.folder) as study:
        opened = open_search(options, listener, study)
        space = _space_to_resume(options, study, opened.space, listener)
        _find_retries(options, study, opened.model, listener, everything=options.retry_failed)
        warm_starts = () if study.epochs_used() else opened.warm_starts
        return space, options.plan(space), study.identity.goal, warm_starts


def search(options: SearchOptions, *, listener: Listener, stop: Stop) -> Path:
    """Run a search, or resume it; returns the study's folder.

    Raises what `hptune.errors` lists; nothing is written before data, model, space and
    objective have been checked by training one batch.
    """
    folder = options.folder
    if not options.fresh and Study.exists(folder):
        with StudyLock(folder), Study.open(folder, read_only=False) as study:
            options = options.resuming(study)
            nothing_to_retry = not options.retry_failed or not has_failed_trials(study)
            if nothing_to_retry and is_budget_exhausted(
                study, options.task, oracle=options.oracle, budget=options.budget
            ):
                listener.on_study_opened(study, options.budget)
                return folder
            with marked_under_way(study, options.task), retrying(study, asked=options.retry_failed):
                opened = open_search(options, listener, study)
                _warn_of_another_model(study, opened, listener)
                _run(opened, study, listener, stop)
        return folder
    opened = open_search(options, listener, None)
    if stop.asked:
        raise SearchInterruptedError("nothing was trained yet")
    _archive_existing(folder, fresh=options.fresh)
    with StudyLock(folder), Study.create(folder, opened.identity, command=options.command) as study:
        task = opened.options.task
        study.note(warm_starts=opened.warm_starts, in_one_go=task.in_one_go, found=task.found)
        study.note(numpy_difference=task.numpy_difference)
        with marked_under_way(study, task):
            _run(opened, study, listener, stop)
    return folder


def _space_to_resume(options: SearchOptions, study: Study, space: Space, listener: Listener) -> Space:
    """Say where a study stands that would be resumed; returns the space of what comes next."""
    used = f"{study.epochs_used()} of {counted(options.budget, 'epoch')} are used"
    listener.on_remark(f"resuming {study.folder}: {used}")
    edited = read_next_pass(study) if study.passes() else None
    if edited is None:
        return space
    listener.on_remark(f"the next pass is {study.folder / NEXT_PASS}")
    return edited.next_space


def _find_retries(
    options: SearchOptions, study: Study, model: Model, listener: Listener, *, everything: bool = False
) -> Retries:
    """Return the failed trials that are tried again, and say so, or that there is no budget for it."""
    retries = find_retries(study, model, everything=everything)
    line = retries.line(paid=study.epochs_used() < options.budget)
    if line:
        listener.on_remark(line)
    return retries


def _archive_existing(folder: Path, *, fresh: bool) -> None:
    """Make room for a fresh study, whatever state the old one is in, where that was asked for."""
    if not (folder / DATABASE).exists():
        return
    with StudyLock(folder):
        if not fresh and Study.exists(folder):
            raise StudyError(
                f"{folder}: another search has created a study there meanwhile",
                hint="The same command resumes it; --study gives this one its own folder.",
            )
        archive(folder)


def _warn_of_another_model(study: Study, opened: Opening, listener: Listener) -> None:
    """Say, once for each change, that trials so far were trained by another version of the model."""
    model, callbacks, notes = opened.model, opened.options.task.callbacks, study.notes
    if model.known_as(notes.model_fingerprint or study.identity.model_fingerprint):
        return
    trials = study.trials(curves=False)
    # Weights of one network are none of another's: what is paused starts over.
    study.forget_checkpoints([trial.id for trial in trials if trial.state is TrialState.PAUSED])
    version = ModelVersion(fingerprint=model.fingerprint, first_job=study.next_job())
    study.note(model_fingerprint=model.fingerprint, model_versions=(*notes.model_versions, version))
    trained = counted(len(trials), "trial")
    name = model.name if callbacks is None else f"{model.name} or {callbacks}"
    listener.on_warning(
        f"{name} has changed since {trained} of {study.folder} were trained: their scores count"
        " as before, and may not compare; --fresh starts over"
    )


def _run(opened: Opening, study: Study, listener: Listener, stop: Stop) -> None:
    """Run the passes of an open, locked study."""
    options, goal, plan = opened.options, study.identity.goal, opened.plan
    if study.passes() and study.epochs_used() >= options.budget:
        _warn_of_waiting_pass(options, study, listener)
    else:
        open_next_pass(study, options.task, opened.dataset, opened.space)
    _note_what_is_searched(opened, study)
    if not study.epochs_used():
        listener.on_warm_starts(opened.warm_starts)
    retries = _find_retries(options, study, opened.model, listener)
    with executor_for(
        options.task,
        opened.dataset,
        opened.model,
        goal,
        workers=options.workers,
        max_seconds=options.trial_seconds,
    ) as executor:
        engine = Engine(
            study=study,
            searcher=_searcher(opened, goal, study.passes()[0].opened_with),
            executor=executor,
            pass_ends=tuple(itertools.accumulate(plan.pass_epochs)),
            narrow=lambda current, trials: propose(
                current, trials, goal, root=study.passes()[0].space, epochs=options.task.epochs
            ),
            with_conditions=opened.model.with_conditions,
            listener=listener,
            stop=stop,
            in_one_go=options.task.in_one_go,
            retries=retries.queue(),
        )
        engine.run()
        stop.running = False
    # Who stops between two passes is asked again by the same command.
    if not stop.now and not engine.left:
        note_exhausted(study, options.task, budget=plan.budget)
    try:
        write_report(study)
    except (InputError, StudyError) as error:
        # The search is what was asked for; its report can be written later.
        listener.on_warning(f"{error.message} (write it elsewhere with `hptune report -o FILE`)")


def _warn_of_waiting_pass(options: SearchOptions, study: Study, listener: Listener) -> None:
    """Say that a pass which was asked for waits for a budget that pays for it."""
    path = study.folder / NEXT_PASS
    if path.exists():
        used = f"{study.epochs_used()} of {counted(options.budget, 'epoch')} are used"
        listener.on_warning(f"{path} waits for a larger --trials: {used}")


def _note_what_is_searched(opened: Opening, study: Study) -> None:
    """Note what a reader of the study wants to know and only a search does."""
    from hptune.models.backend import keras

    # Asked of the module, not of the package: TensorFlow comes in packages of several names.
    loaded = {name: sys.modules.get(name) for name in ("keras", keras.backend.backend(), "numpy")}
    versions = {"python": platform.python_version()} | {
        name: str(getattr(module, "__version__", "")) for name, module in loaded.items() if module
    }
    examples = 0 if opened.dataset.comes_in_batches else opened.dataset.train.rows
    study.note(budget=opened.plan.budget, train_examples=examples, versions=versions)
    _note_baseline(opened, study, opened.dataset)


def _note_baseline(opened: Opening, study: Study, dataset: Dataset) -> None:
    """Note the baseline's score, where all trials are scored on the same rows."""
    from hptune.data import baseline_of

    recipe = opened.model.recipe(opened.space.defaults) is not None
    baseline = baseline_of(dataset, study.identity.objective, recipe=recipe)
    if baseline is not None and opened.options.task.cv is None:
        study.note(baseline=baseline)


def _searcher(opened: Opening, goal: Objective, root: Space) -> Searcher:
    from hptune.oracles.names import make_searcher

    return make_searcher(
        opened.options.oracle,
        objective=goal,
        root=root,
        epochs=opened.options.task.epochs,
        budget=opened.plan.budget,
        seed=opened.options.task.seed,
        warm_starts=opened.warm_starts,
    )
