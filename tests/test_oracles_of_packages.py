"""Search algorithms of other packages: the one that the documentation shows, and some that are wrong."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeTrainer, identity, keep_all
from support.interruptions import Killed, kill_at, story

from hptune.__main__ import run
from hptune.errors import InputError, UsageError
from hptune.executors.inline import InlineExecutor
from hptune.oracles.names import make_searcher
from hptune.oracles.searcher import Searcher, Suggestion
from hptune.search.engine import Engine
from hptune.study import Study
from hptune.study.trial import TrialState

DOCS = Path(__file__).parent.parent / "docs" / "other-tools.md"
EPOCHS = 9
ENDS = (45, 90)

EXAMPLE = "near-the-best"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where packages are installed, with that of the documentation in it."""
    folder = tmp_path / "site"
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (module,) = [block for block in blocks if block.startswith("# my_searches.py\n")]
    (points,) = [block for block in blocks if '"hptune.oracles"' in block]
    name, target = re.findall(r'^(\S+) = "(\S+)"$', points, re.MULTILINE)[0]
    assert name == EXAMPLE
    install(folder, "my_searches", module, {name: target})
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "my_searches", raising=False)
    return folder


def install(folder: Path, module: str, text: str, points: dict[str, str]) -> None:
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (about / "entry_points.txt").write_text(f"[hptune.oracles]\n{lines}")


def searcher(name: str = EXAMPLE, seed: int = 0) -> Searcher:
    return make_searcher(name, objective=OBJECTIVE, root=SPACE, epochs=EPOCHS, budget=ENDS[-1], seed=seed)


def searched(folder: Path) -> Study:
    """A study that is searched to its end, from where it stands."""
    if Study.exists(folder):
        study = Study.open(folder, read_only=False)
    else:
        study = Study.create(folder, identity(oracle=EXAMPLE, epochs=EPOCHS))
        study.open_pass(SPACE, proposal=None, origin="given")
    executor = InlineExecutor(FakeTrainer())
    Engine(study=study, searcher=searcher(), executor=executor, pass_ends=ENDS, narrow=keep_all).run()
    return study


def test_the_example_searches_the_space_within_the_budget(site: Path, tmp_path: Path) -> None:
    study = searched(tmp_path / "study")
    trials = study.trials()
    assert {trial.pass_number for trial in trials} == {1, 2}
    assert study.epochs_used() == ENDS[-1]
    for trial in trials:
        assert SPACE.problems(trial.values) == []
        assert SPACE.active(trial.values) == dict(trial.values)
    # It was told of the scores: at most one value is another than the best trial's so far.
    first = [trial for trial in trials if trial.pass_number == 1]
    for number, trial in enumerate(first[1:], 1):
        best = max(first[:number], key=lambda one: one.score or 0.0)
        names = {"learning_rate", "optimizer", "units"}
        assert sum(trial.values[name] != best.values[name] for name in names) <= 1


def test_a_killed_search_goes_on_with_the_same_trials(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = searched(tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at("record_outcome", 4, patch, after=True)
        with pytest.raises(Killed):
            searched(tmp_path / "killed")
    assert story(searched(tmp_path / "killed")) == story(whole)


def test_the_command_takes_its_name(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["search", "iris", "--trials", "3", "--epochs", "2", "--passes", "1", "--study", "s"]
    assert run([*asked, "--oracle", EXAMPLE]) == 0
    with Study.open(Path("s")) as study:
        assert study.identity.oracle == EXAMPLE
        assert [trial.state for trial in study.trials()] == [TrialState.COMPLETE] * 3
    capsys.readouterr()
    assert run([*asked, "--oracle", "near-the-bset"]) == 2
    assert f"'grid', '{EXAMPLE}'" in capsys.readouterr().err


WRONG = """
import keras_tuner

class Asks(keras_tuner.Oracle):
    def populate_space(self, trial_id):
        return {"status": "RUNNING", "values": self.wanted}

class Unknown(Asks):
    wanted = {"lr": 1.0}

class Outside(Asks):
    wanted = {"learning_rate": 5.0}

class Raises(keras_tuner.Oracle):
    def populate_space(self, trial_id):
        return 1 / 0

class Refuses(keras_tuner.Oracle):
    def __init__(self, objective, hyperparameters):
        super().__init__(objective=objective, hyperparameters=hyperparameters)

class Reports(keras_tuner.Oracle):
    def report(self):
        pass

class Halves(keras_tuner.Oracle):
    def __init__(self, max_epochs, **given):
        super().__init__(max_trials=2, **given)
        self.half = max_epochs // 2

    def populate_space(self, trial_id):
        return {"status": "RUNNING", "values": {"units": 8, "momentum": 0.7, "tuner/epochs": self.half}}

def made(**given):
    return keras_tuner.oracles.RandomSearchOracle(**given)
"""
NAMES = ("Unknown", "Outside", "Raises", "Refuses", "Reports", "Halves", "made")


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {name.lower(): f"wrong_searches:{name}" for name in NAMES}
    install(tmp_path / "wrong", "wrong_searches", WRONG, {**points, "gone": "wrong_searches:Gone"})
    monkeypatch.syspath_prepend(str(tmp_path / "wrong"))
    monkeypatch.delitem(sys.modules, "wrong_searches", raising=False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown", "--oracle unknown: it suggested what the space lacks: lr: not in the space"),
        ("outside", r"--oracle outside: it suggested what the space lacks: learning_rate: 5\.0 is outside"),
        ("raises", "--oracle raises: ZeroDivisionError: division by zero"),
        ("refuses", "--oracle refuses: TypeError: .*seed"),
        ("reports", "--oracle reports: Reports has report, by which it is driven here"),
        ("made", "--oracle made: <function made at .* is no class of keras_tuner.Oracle"),
        ("gone", "--oracle gone: AttributeError: .*Gone"),
    ],
)
def test_what_is_wrong_with_one_is_said_by_its_name(wrong: None, name: str, said: str) -> None:
    def ask() -> None:
        made = searcher(name)
        made.begin_pass(1, SPACE)
        made.ask()

    with pytest.raises(InputError, match=said):
        ask()


def test_the_place_where_it_failed_is_named(wrong: None) -> None:
    made = searcher("raises")
    made.begin_pass(1, SPACE)
    with pytest.raises(InputError) as failed:
        made.ask()
    assert re.search(r"wrong_searches\.py:\d+\.$", failed.value.hint)


def test_its_own_epochs_count_its_own_limit_does_not_and_conditions_hold(wrong: None) -> None:
    made = searcher("halves")
    made.begin_pass(1, SPACE)
    for number in range(1, 5):
        suggestion = made.ask()
        assert isinstance(suggestion, Suggestion)
        assert suggestion.epochs == EPOCHS // 2
        # momentum is sgd's; what was not given is the default.
        assert suggestion.values == {"learning_rate": 1e-3, "optimizer": "adam", "units": 8}
        made.started(number, number)
        made.report(number, TrialState.COMPLETE, 0.5, epochs=4)


def test_one_that_no_package_has_is_refused() -> None:
    with pytest.raises(UsageError, match="--oracle nosuch: no package has it"):
        searcher("nosuch")
