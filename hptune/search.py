"""One whole search: load, check, open the study and run the passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hptune.engine import Engine, Listener, Stop
from hptune.errors import StudyMismatchError
from hptune.next_pass import NEXT_PASS, propose, read_next_pass
from hptune.proposal import Proposal
from hptune.space import Space
from hptune.space_yaml import load_space, ready_space, ready_spaces
from hptune.strategy.plan import Plan, plan
from hptune.study import Identity, Study, StudyLock, default_path, move_aside

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.executors import Executor
    from hptune.models import Model

__all__ = ["SearchOptions", "plan_search", "search"]


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What a search is asked for. Fields are the options of `hptune search`."""

    data: str
    target: str | None = None
    validation: str = "0.2"
    """A share of the rows between 0 and 1, or a file of its own."""
    task: str | None = None
    """binary, multiclass or regression; inferred where not given."""
    skip_broken: bool = False
    """Leave out images that can't be read, instead of refusing the folder."""
    model: str = "mlp"
    space: str | None = None
    """A ready space's name or a file; the model's own where not given."""
    study: Path | None = None
    passes: int
    trials: int
    """The budget: as many full trainings, in all."""
    epochs: int
    max_seconds: float | None = None
    oracle: str
    objective: str | None = None
    workers: int = 1
    seed: int = 0
    fresh: bool = False
    command: str = ""
    """The command line that repeats this."""

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.study or default_path(self.data, self.model)


def plan_search(options: SearchOptions) -> tuple[Space, Plan]:
    """Return the space and the plan of a search without beginning it."""
    dataset = _load_data(options)
    space, _ = _space_and_model(options, dataset)
    return space, plan(space, trials=options.trials, epochs=options.epochs, passes=options.passes)


def search(options: SearchOptions, *, listener: Listener, stop: Stop) -> Path:
    """Run a search, or go on with it; returns the study's folder.

    Raises what `hptune.errors` lists; nothing is written before data, model, space and
    objective have been checked by training one batch.
    """
    if options.fresh:
        _put_aside(options.folder)
    if Study.exists(options.folder):
        with StudyLock(options.folder), Study.open(options.folder, read_only=False) as study:
            _run(options, study, listener, stop)
        return options.folder
    dataset = _load_data(options)
    listener.data_loaded(dataset)
    space, model = _space_and_model(options, dataset)
    identity = _first_identity(options, dataset, model, space)
    with Study.create(options.folder, identity, command=options.command) as study, StudyLock(options.folder):
        _run(options, study, listener, stop, loaded=(dataset, model, space))
    return options.folder


def _put_aside(folder: Path) -> None:
    if Study.exists(folder):
        with StudyLock(folder):
            move_aside(folder)


def _load_data(options: SearchOptions) -> Dataset:
    from hptune.data import Task, load_dataset

    try:
        validation: float | str = float(options.validation)
    except ValueError:
        validation = options.validation
    return load_dataset(
        options.data,
        target=options.target,
        validation=validation,
        seed=options.seed,
        task=None if options.task is None else Task(options.task),
        as_images=options.model == "cnn",
        skip_broken=options.skip_broken,
    )


def _space_and_model(options: SearchOptions, dataset: Dataset) -> tuple[Space, Model]:
    from hptune.models import load_model

    given = None
    if options.space is not None:
        ready = options.space in ready_spaces() and not Path(options.space).exists()
        given = ready_space(options.space) if ready else load_space(Path(options.space))
    model = load_model(options.model, dataset, space=given)
    return model.space(), model


def _first_identity(options: SearchOptions, dataset: Dataset, model: Model, space: Space) -> Identity:
    """Train one batch, settle on the objective and return what the study is about."""
    from hptune.train import Trainer, resolve_objective

    reported = Trainer(dataset, model, None).preflight(space.defaults)
    objective = resolve_objective(options.objective, reported, dataset.task)
    return _identity(options, dataset, model, objective.name, objective.direction.value)


def _identity(
    options: SearchOptions, dataset: Dataset, model: Model, objective: str, direction: str
) -> Identity:
    from hptune.trial import Direction

    return Identity(
        data=options.data,
        data_fingerprint=dataset.fingerprint,
        model=model.name,
        model_fingerprint=model.fingerprint,
        objective=objective,
        direction=Direction(direction),
        epochs=options.epochs,
        oracle=options.oracle,
        seed=options.seed,
        settings={"target": options.target, "validation": options.validation, "task": options.task},
    )


def _run(
    options: SearchOptions,
    study: Study,
    listener: Listener,
    stop: Stop,
    *,
    loaded: tuple[Dataset, Model, Space] | None = None,
) -> None:
    """Run the passes of an open, locked study."""
    _check_cheaply(options, study.identity)
    if loaded is None:
        dataset = _load_data(options)
        space, model = _space_and_model(options, dataset)
    else:
        dataset, model, space = loaded
    goal = study.identity.goal
    study.require(_identity(options, dataset, model, goal.name, goal.direction.value))
    _open_pass(study, space)
    the_plan = plan(space, trials=options.trials, epochs=options.epochs, passes=options.passes)
    root = study.passes()[0].space
    with _executor(options, dataset, model, study) as executor:
        Engine(
            study=study,
            searcher=_searcher(options, study, root, the_plan),
            executor=executor,
            pass_ends=tuple(itertools.accumulate(the_plan.pass_epochs)),
            narrow=lambda current, trials: propose(current, trials, goal, root=root),
            listener=listener,
            stop=stop,
        ).run()


def _check_cheaply(options: SearchOptions, identity: Identity) -> None:
    """Refuse another objective before anything heavy is loaded."""
    if options.objective and options.objective.rpartition(":")[2] != identity.objective:
        raise StudyMismatchError(
            f"{options.folder}: this study's objective is {identity.objective}, not {options.objective}",
            hint="Give the new search its own folder with --study, or put this one aside with --fresh.",
        )


def _open_pass(study: Study, space: Space) -> None:
    """Open the pass that is due before the search goes on: the first, a given or an edited one."""
    passes = study.passes()
    given = [p.space for p in passes if p.origin == "given"]
    if not given or given[-1] != space:
        study.open_pass(space, proposal=None, origin="given")
    edited = read_next_pass(study) if passes else None
    if edited is not None:
        if edited.next_space != study.passes()[-1].space:
            study.open_pass(edited.next_space, proposal=edited, origin=_origin(edited))
        (study.folder / NEXT_PASS).unlink()


def _origin(proposal: Proposal) -> str:
    return "person" if any(move.by_person for move in proposal.moves) else "narrowed"


def _searcher(options: SearchOptions, study: Study, root: Space, the_plan: Plan):  # type: ignore[no-untyped-def]
    from hptune.oracles.make import make_searcher

    return make_searcher(
        options.oracle,
        objective=study.identity.goal,
        root=root,
        epochs=options.epochs,
        budget=the_plan.budget,
        seed=options.seed,
    )


@contextmanager
def _executor(options: SearchOptions, dataset: Dataset, model: Model, study: Study) -> Iterator[Executor]:
    from hptune.executors.inline import InlineExecutor
    from hptune.train import Trainer

    executor = InlineExecutor(Trainer(dataset, model, study.identity.goal))
    try:
        yield executor
    finally:
        executor.close()
