"""What only a trial asks for is searched from there on, by every oracle, killed anywhere or not."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import OBJECTIVE, SPACE, FakeParallel, FakeTrainer, identity, keep_all
from support.interruptions import Killed, StopsAfter, kill_at, story

from hptune.errors import SearchInterruptedError
from hptune.executors import Executor
from hptune.executors.inline import InlineExecutor
from hptune.oracles import ORACLES
from hptune.oracles.names import make_searcher
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.search.found import MOST_FOUND, Found, FoundNames
from hptune.search.next_pass import propose_for, read_next_pass, write_next_pass
from hptune.space import Boolean, Choice, Condition, Fixed, Float, Hyperparameter, Space, Value
from hptune.study import Report, Study
from hptune.study.trial import Job, Outcome, OutcomeState
from hptune.views.report import write_report

EPOCHS = 9
ENDS = (45, 90)
SMALL = Space(
    name="small",
    hyperparameters=(
        Choice(name="learning_rate", options=(1e-3, 1e-2)),
        Choice(name="units", options=(16, 32)),
        Choice(name="optimizer", options=("adam", "sgd")),
    ),
)
"""What a grid comes to the end of."""
DROPOUT = Float(name="dropout", low=0.1, high=0.5)
BY_SGD = (Condition(parent="optimizer", values=("sgd",)),)


class Asking(FakeTrainer):
    """Asks for dropout in a corner, and for nothing where it was given a value."""

    def __init__(
        self,
        corner: Callable[[Mapping[str, Any]], bool],
        hp: Hyperparameter = DROPOUT,
        *,
        default: Value = 0.1,
    ) -> None:
        super().__init__()
        self.corner, self.hp, self.default = corner, hp, default
        self.given: list[Value] = []

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        outcome = super().run(job, on_epoch)
        if not self.corner(job.values):
            return outcome
        if self.hp.name in job.values:
            self.given.append(job.values[self.hp.name])
            return outcome
        return replace(outcome, unsearched={self.hp.name: self.default}, declared=(self.hp,))


def with_sgd(values: Mapping[str, Any]) -> bool:
    return bool(values["optimizer"] == "sgd")


def never(values: Mapping[str, Any]) -> bool:
    return False


class Told(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.warnings: list[str] = []

    def on_remark(self, text: str) -> None:
        self.remarks.append(text)

    def on_warning(self, text: str) -> None:
        self.warnings.append(text)


def begin(folder: Path, name: str = "coarse-to-fine") -> Study:
    study = Study.create(folder, identity(oracle=name, epochs=EPOCHS))
    study.open_pass(SMALL if name == "grid" else SPACE, proposal=None, origin="given")
    return study


def engine(
    study: Study,
    trainer: FakeTrainer,
    executor: Callable[[FakeTrainer], Executor] = InlineExecutor,
    **more: Any,
) -> Engine:
    searcher = make_searcher(
        study.identity.oracle,
        objective=OBJECTIVE,
        root=study.passes()[0].opened_with,
        epochs=EPOCHS,
        budget=more.get("pass_ends", ENDS)[-1],
        seed=0,
    )
    settings: dict[str, Any] = {"pass_ends": ENDS, "narrow": keep_all}
    return Engine(study=study, searcher=searcher, executor=executor(trainer), **(settings | more))


def by_optimizer(
    found: tuple[Hyperparameter, ...], values: Mapping[str, Value], space: Space
) -> tuple[Hyperparameter, ...]:
    return tuple(replace(hp, when=BY_SGD) for hp in found)


def _as_first_seen(
    found: tuple[Hyperparameter, ...], values: Mapping[str, Value], space: Space
) -> tuple[Hyperparameter, ...]:
    when = (Condition(parent="optimizer", values=(values["optimizer"],)),)
    return tuple(replace(hp, when=when) for hp in found)


oracle = pytest.mark.parametrize("name", ORACLES)
conditions = pytest.mark.parametrize(
    "finds",
    [pytest.param({}, id="unconditional"), pytest.param({"with_conditions": by_optimizer}, id="by sgd")],
)


@oracle
@conditions
def test_what_a_trial_asks_for_is_searched_from_there_on(
    tmp_path: Path, name: str, finds: dict[str, Any]
) -> None:
    study, trainer, told = begin(tmp_path, name), Asking(with_sgd), Told()
    engine(study, trainer, listener=told, **finds).run()
    [said] = told.remarks
    first = next(t for t in study.trials() if "dropout" in t.values)
    where = " where optimizer is sgd" if finds else ""
    assert said == f"trial {first.id} asked for dropout (0.1..0.5{where}): searched from here on"
    assert first.values["dropout"] == 0.1
    assert first.note.endswith("; found: dropout")
    assert not told.warnings
    later = [t for t in study.trials() if t.id > first.id]
    # Each later trial that needs it was given it, and the oracle tries different values.
    assert all("dropout" in t.values for t in later if with_sgd(t.values) or not finds)
    assert not any("dropout" in t.values for t in later if not with_sgd(t.values) and finds)
    assert len(set(trainer.given)) > (name != "grid")
    assert all(0.1 <= float(value) <= 0.5 for value in trainer.given)
    assert [hp.name for hp in study.found()] == ["dropout"]
    assert all("dropout" in p.space for p in study.passes())
    assert "dropout" not in study.passes()[0].opened_with
    assert study.passes()[-1].proposal is not None


@oracle
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("method", "finds"), [("record_outcome", {}), ("record_ask", {"with_conditions": by_optimizer})]
)
def test_killed_around_a_discovery_it_goes_on_to_the_same_trials(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    method: str,
    finds: dict[str, Any],
    after: bool,
) -> None:
    whole = begin(tmp_path / "whole", name)
    engine(whole, Asking(with_sgd), **finds).run()
    reports = [e for e in whole.events() if isinstance(e, Report)]
    found_at = 1 + next(i for i, e in enumerate(reports) if e.found)
    for count in (found_at, found_at + 1, found_at + 2):
        study = begin(tmp_path / str(count), name)
        with monkeypatch.context() as patch:
            kill_at(method, count, patch, after=after)
            with pytest.raises(Killed):
                engine(study, Asking(with_sgd), **finds).run()
        study.close()
        with Study.open(tmp_path / str(count), read_only=False) as again:
            engine(again, Asking(with_sgd), **finds).run()
            assert story(again) == story(whole)
            assert len(again.passes()) == len(whole.passes())


@oracle
@pytest.mark.parametrize("epochs", [4, 10, 60])
def test_stopped_after_any_epoch_it_goes_on_to_the_same_trials(
    tmp_path: Path, name: str, epochs: int
) -> None:
    whole = begin(tmp_path / "whole", name)
    engine(whole, Asking(with_sgd)).run()
    study, stop = begin(tmp_path / "cut", name), Stop()
    with pytest.raises(SearchInterruptedError):
        engine(study, Asking(with_sgd), stop=stop, listener=StopsAfter(stop, epochs)).run()
    engine(study, Asking(with_sgd)).run()
    assert story(study) == story(whole)


@oracle
def test_with_jobs_under_way_it_resumes_by_the_record(tmp_path: Path, name: str) -> None:
    """Three at a time: what a job found holds for asks after its report, and later reports give values."""
    study, told = begin(tmp_path, name), Told()
    engine(study, Asking(with_sgd), FakeParallel, listener=told).run()
    assert len(told.remarks) == 1
    assert all("dropout" in t.values for t in study.trials() if with_sgd(t.values))
    before = len(study.trials()), told.remarks
    engine(study, Asking(with_sgd), FakeParallel, listener=told, pass_ends=(45, 120)).run()
    assert len(study.trials()) > before[0]
    assert told.remarks == before[1]
    assert all("dropout" in t.values for t in study.trials() if with_sgd(t.values))


@oracle
@pytest.mark.parametrize("count", [2, 5])
def test_killed_with_jobs_under_way_it_replays_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    study = begin(tmp_path / "s", name)
    with monkeypatch.context() as patch:
        kill_at("record_outcome", count, patch, after=True)
        with pytest.raises(Killed):
            engine(study, Asking(with_sgd), FakeParallel).run()
    study.close()
    stories = []
    for copy in ("a", "b"):
        (tmp_path / copy).mkdir()
        for file in (tmp_path / "s").glob("study.db*"):
            (tmp_path / copy / file.name).write_bytes(file.read_bytes())
        if (tmp_path / "s" / "checkpoints").is_dir():
            (tmp_path / copy / "checkpoints").mkdir()
            for file in (tmp_path / "s" / "checkpoints").iterdir():
                (tmp_path / copy / "checkpoints" / file.name).write_bytes(file.read_bytes())
        with Study.open(tmp_path / copy, read_only=False) as again:
            engine(again, Asking(with_sgd)).run()
            assert all("dropout" in t.values for t in again.trials() if with_sgd(t.values))
            stories.append(story(again))
    assert stories[0] == stories[1]


def test_trials_before_a_discovery_without_conditions_are_still_resumed(tmp_path: Path) -> None:
    study, trainer = begin(tmp_path), Asking(lambda values: values["units"] > 40)
    engine(study, trainer).run()
    first = next(t for t in study.trials() if "dropout" in t.values)
    resumed = {job.trial_id for job in trainer.jobs if job.initial_epoch}
    assert any(number < first.id for number in resumed)
    assert all("dropout" not in t.values for t in study.trials() if t.id < first.id)


@oracle
def test_what_a_later_pass_finds_is_part_of_the_coarse_space_as_well(tmp_path: Path, name: str) -> None:
    study = begin(tmp_path, name)
    engine(study, Asking(lambda values: study.passes()[-1].number == 2)).run()
    first, second = study.passes()
    assert "dropout" in first.space
    assert "dropout" in second.space
    assert "dropout" not in second.opened_with
    assert second.proposal is not None
    assert "dropout" not in second.proposal.space
    assert write_report(study, tmp_path / "r.html").exists()
    proposal = propose_for(study)
    assert "dropout" in proposal.names
    write_next_pass(study, proposal)
    read = read_next_pass(study)
    assert read is not None
    assert read.moves == proposal.moves
    more = engine(study, Asking(with_sgd), pass_ends=(45, 90, 120))
    more.run()
    assert len(study.passes()) == 3
    assert "dropout" in study.passes()[-1].opened_with


@oracle
def test_a_condition_that_a_trial_contradicts_holds_no_more(tmp_path: Path, name: str) -> None:
    def corner(values: Mapping[str, Any]) -> bool:
        return bool(values["optimizer"] == "sgd" or values["units"] > 20)

    study, told = begin(tmp_path, name), Told()
    engine(study, Asking(corner), listener=told, with_conditions=_as_first_seen).run()
    asked = [t for t in study.trials() if corner(t.values)]
    assert asked
    assert all("dropout" in t.values for t in asked)
    assert not told.warnings
    [found] = study.found()
    if len(told.remarks) == 2:
        assert "asked for dropout against its conditions" in told.remarks[1]
        assert found.when == ()
    again = Asking(corner)
    engine(study, again).run()
    assert again.jobs == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(ORACLES),
    units=st.integers(9, 60),
    count=st.integers(1, 14),
    after=st.booleans(),
    method=st.sampled_from(["record_ask", "record_outcome"]),
    finds=st.sampled_from([{}, {"with_conditions": _as_first_seen}]),
)
def test_whatever_the_corner_and_the_instant_it_resumes_to_the_same_trials(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    units: int,
    count: int,
    after: bool,
    method: str,
    finds: dict[str, Any],
) -> None:
    def corner(values: Mapping[str, Any]) -> bool:
        return bool(values["units"] > units or values["optimizer"] == "sgd")

    folder = tmp_path / uuid.uuid4().hex
    whole, study = begin(folder / "whole", name), begin(folder / "cut", name)
    engine(whole, Asking(corner), **finds).run()
    with monkeypatch.context() as patch, suppress(Killed):
        kill_at(method, count, patch, after=after)
        engine(study, Asking(corner), **finds).run()
    study.close()
    with Study.open(folder / "cut", read_only=False) as again:
        engine(again, Asking(corner), **finds).run()
        assert story(again) == story(whole)
        assert again.found() == whole.found()


def test_nothing_that_is_asked_for_changes_a_search_that_asks_for_nothing(tmp_path: Path) -> None:
    one, two = begin(tmp_path / "1"), begin(tmp_path / "2")
    engine(one, FakeTrainer()).run()
    engine(two, Asking(never)).run()
    assert story(one) == story(two)
    assert one.found() == ()


def look(space: Space, values: dict[str, Value], asked: dict[str, Value], *declared: Hyperparameter) -> Any:
    outcome = Outcome(job_id=1, state=OutcomeState.DONE, unsearched=asked, declared=declared)
    return FoundNames(space=space, root=space).look(values, outcome)


def test_what_is_declared_but_inactive_is_found_with_its_conditions() -> None:
    switch = Boolean(name="switch")
    child = Float(name="rate", low=0.1, high=0.5, when=(Condition(parent="switch", values=(True,)),))
    found = look(SPACE, SPACE.defaults, {"switch": False}, switch, child)
    assert found.new == (switch, child)
    assert dict(found.added) == {"switch": False}
    space = SPACE.extended(found.extension)
    assert "rate" not in space.active({**SPACE.defaults, "switch": False})


def test_what_is_asked_for_against_the_conditions_of_the_space_is_left() -> None:
    found = look(SPACE, SPACE.defaults, {"momentum": 0.5})
    assert not found.extension
    assert dict(found.left) == {"momentum": 0.5}


def test_what_the_code_fixes_is_said_to_be_fixed() -> None:
    found = look(SPACE, SPACE.defaults, {"classes": 3}, Fixed(name="classes", value=3))
    assert found.lines(4) == ["trial 4 asked for classes (=3): fixed in the code"]


def test_a_condition_that_does_not_hold_for_the_trial_itself_is_none() -> None:
    wrong = replace(DROPOUT, when=BY_SGD)
    assert look(SPACE, SPACE.defaults, {"dropout": 0.1}, wrong).new == (DROPOUT,)


def test_only_the_conditions_that_a_trial_contradicts_are_dropped() -> None:
    when = (*BY_SGD, Condition(parent="units", values=(16, 17)))
    names = FoundNames(space=SPACE, root=SPACE)
    names.extend([replace(DROPOUT, when=when)])
    asked = Outcome(job_id=1, state=OutcomeState.DONE, unsearched={"dropout": 0.1})
    found = names.look(SPACE.defaults, asked)
    assert found.wider == (replace(DROPOUT, when=when[1:]),)
    assert dict(found.added) == {"dropout": 0.1}
    assert found.lines(3) == [
        "trial 3 asked for dropout against its conditions:"
        " searched as dropout (0.1..0.5 where units is 16 or 17) from here on"
    ]
    names.extend(found.extension)
    assert "dropout" in names.space.defaults
    assert names.look({**SPACE.defaults, "dropout": 0.3}, replace(asked, unsearched={})) == Found()


def test_conditions_that_the_user_wrote_stay() -> None:
    names = FoundNames(space=SPACE, root=SPACE)
    names.extend([DROPOUT])
    names.begin(names.space.with_changes([replace(DROPOUT, when=BY_SGD)]))
    found = names.look(
        SPACE.defaults, Outcome(job_id=1, state=OutcomeState.DONE, unsearched={"dropout": 0.1})
    )
    assert not found.extension
    assert dict(found.left) == {"dropout": 0.1}


def test_code_that_makes_up_names_for_ever_is_searched_up_to_a_number() -> None:
    names = FoundNames(space=SPACE, root=SPACE)
    names.extend(replace(DROPOUT, name=f"d{n}") for n in range(MOST_FOUND))
    one = replace(DROPOUT, name="another")
    outcome = Outcome(job_id=1, state=OutcomeState.DONE, unsearched={"another": 0.1}, declared=(one,))
    found = names.look(SPACE.defaults, outcome)
    assert not found.extension
    assert f"beyond the {MOST_FOUND} that its trials have found" in names.warning(7, found)
    assert names.warning(8, found) == ""


def test_a_space_is_extended_by_what_its_parents_can_be() -> None:
    when = (Condition(parent="optimizer", values=("sgd", "gone")), Condition(parent="nobody", values=(1,)))
    more = SPACE.extended([replace(DROPOUT, when=when)])
    assert more["dropout"].when == BY_SGD
    frozen = SPACE.with_changes([Fixed(name="optimizer", value="adam")]).extended(
        [replace(DROPOUT, when=BY_SGD)]
    )
    assert "dropout" not in frozen.defaults
    assert more.extended([DROPOUT])["dropout"].when == ()
    assert more.extended([replace(DROPOUT, when=BY_SGD)]) == more
