"""The dialogue on a proposal, through a pseudo-terminal of 80 × 24, with and without colour."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pexpect
import pytest
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune.search.next_pass import NEXT_PASS, propose_for
from hptune.space.describe import describe_range
from hptune.study import Study

KEYS = r"quit \?: $"
LAST = r"open quit: $"
REPEAT = r"The same without asking:\r\n +(hptune narrow [^\r]*)\r\n"

FAKE_SEARCH = """
import sys
from pathlib import Path
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all
from hptune.cli.progress import ProgressListener, stop_on_signals
from hptune.search.engine import Engine
from hptune.executors.inline import InlineExecutor
from hptune.study import Study

folder = Path("studies/fake")
new = not Study.exists(folder)
with Study.create(folder, identity()) if new else Study.open(folder, read_only=False) as study:
    if new:
        study.open_pass(SPACE, proposal=None, origin="given")
    with ProgressListener(interactive=True) as listener, stop_on_signals(None) as stop:
        engine = Engine(study=study, searcher=FakeSearcher(), executor=InlineExecutor(FakeTrainer()),
                        pass_ends=(30, 60), narrow=keep_all, listener=listener, stop=stop)
        engine.run()
    print("passes", len(study.passes()), "left", engine.left, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with build(folder / "studies" / "made", Recipe(trials=60)):
        pass
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "studies", tmp_path / "studies")
    return tmp_path


def terminal(folder: Path, *arguments: str, **variables: str) -> pexpect.spawn:
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
    root = Path(__file__).parent
    env |= {"TERM": "xterm-256color", "PYTHONPATH": f"{root.parent}{os.pathsep}{root}"} | variables
    child = pexpect.spawn(
        sys.executable,
        list(arguments),
        cwd=folder,
        env=env,
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=120,
    )
    child.delaybeforesend = None
    return child


def narrow(folder: Path, **variables: str) -> pexpect.spawn:
    return terminal(folder, "-m", "hptune", "narrow", **variables)


def answer(child: pexpect.spawn, *answers: str, at: str = KEYS) -> str:
    """Give answers one after the other; returns what was shown before the last question."""
    for given in answers:
        child.expect(at)
        child.sendline(given)
    return str(child.before)


def ended(child: pexpect.spawn) -> str:
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def written(folder: Path) -> str | None:
    path = folder / "studies" / "made" / NEXT_PASS
    return path.read_text() if path.exists() else None


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the study except those that SQLite makes for any reader."""
    found = (folder / "studies" / "made").iterdir()
    return {p.name: p.read_bytes() for p in found if not p.name.endswith(("-wal", "-shm"))}


def by_flags(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What the printed command writes by itself."""
    (folder / "studies" / "made" / NEXT_PASS).unlink()
    monkeypatch.chdir(folder)
    name, *arguments = shlex.split(command)
    assert name == "hptune"
    assert run(arguments) == 0
    return written(folder)


@pytest.fixture
def names(folder: Path) -> list[str]:
    """Hyperparameters in the order in which they are asked about."""
    with Study.open(folder / "studies" / "made") as study:
        moves = sorted(propose_for(study).moves, key=lambda m: m.old.tier)
    return [m.name for m in moves if m.name != "epsilon"]


def test_accepting_all_writes_what_accept_does(
    folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = narrow(folder)
    answer(child, *[""] * len(names))
    answer(child, "", at=LAST)
    child.expect(REPEAT)
    command = child.match[1]
    assert "next-pass.yaml" in ended(child)
    assert command == "hptune narrow studies/made --accept"
    mine = written(folder)
    assert mine is not None
    assert by_flags(folder, command, monkeypatch) == mine


def test_every_kind_of_change_is_repeated_by_the_flags(
    folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names[:5] == ["learning_rate", "momentum", "units", "batch_size", "layers"]
    child = narrow(folder)
    answer(child, "edit")
    answer(child, "1e-3..1e-1", at=r"back\): $")
    answer(child, "k", "w", "f")
    answer(child, "32", at=r"\]: $")
    answer(child, "t")
    answer(child, "drop 4", at=r"back\): $")
    answer(child, "d")
    child.expect(REPEAT)
    command = child.match[1]
    ended(child)
    flags = command.removeprefix("hptune narrow studies/made --accept ").split(" --")
    assert [flag.removeprefix("--").split("=")[0] for flag in flags] == [
        "set learning_rate",
        "freeze optimizer",
        "keep momentum",
        "set units",
        "freeze batch_size",
        "freeze dropout",
        "freeze batch_norm",
    ]
    assert "--set learning_rate=0.001..0.1" in command
    assert "--freeze batch_size=32" in command
    mine = written(folder)
    assert mine is not None
    assert by_flags(folder, command, monkeypatch) == mine


def test_a_wrong_range_is_told_at_once_and_asked_for_again(folder: Path) -> None:
    child = narrow(folder)
    answer(child, "e")
    answer(child, "1e-1..1e-3", at=r"back\): $")
    child.expect("low 0.1 must be below high 0.001")
    answer(child, "wide", at=r"back\): $")
    child.expect("'wide' is not a number")
    answer(child, "1e-3..1e-1", at=r"back\): $")
    child.expect("2/8 momentum")
    answer(child, "d")
    child.expect(REPEAT)
    assert child.match[1].endswith("--accept --set learning_rate=0.001..0.1")
    ended(child)


def test_undo_takes_back_the_last_decision_only(folder: Path) -> None:
    child = narrow(folder)
    answer(child, "k", "k")
    child.expect("3/8 units")
    answer(child, "u")
    child.expect("Undone")
    child.expect("2/8 momentum")
    answer(child, "f")
    answer(child, "0.9", at=r"\]: $")
    answer(child, "d")
    child.expect(REPEAT)
    assert child.match[1].endswith("--accept --keep learning_rate --freeze momentum=0.9")
    ended(child)


def test_undo_at_the_start_and_at_the_end(folder: Path, names: list[str]) -> None:
    child = narrow(folder)
    answer(child, "u")
    child.expect("nothing to undo")
    answer(child, *["k"] * len(names))
    answer(child, "u", at=LAST)
    child.expect(f"{len(names)}/{len(names)} {names[-1]}")
    answer(child, "")
    answer(child, "", at=LAST)
    child.expect(REPEAT)
    assert child.match[1].count("--keep") == len(names) - 1
    ended(child)


def test_a_whole_tier_is_dropped_and_opened_again(folder: Path) -> None:
    child = narrow(folder)
    answer(child, "t")
    answer(child, "drop 2", at=r"back\): $")
    child.expect(r"tier 2: momentum, units, batch_size are frozen")
    answer(child, "t")
    answer(child, "open 2", at=r"back\): $")
    child.expect(r"tier 2: momentum, units, batch_size are searched again")
    answer(child, "t")
    answer(child, "drop everything", at=r"back\): $")
    child.expect("write drop or open")
    answer(child, "o")
    child.expect("Nothing is frozen")
    answer(child, "d")
    child.expect(REPEAT)
    assert "--set momentum=0.5..0.999 --set units=16..1024" in child.match[1]
    ended(child)


@pytest.mark.parametrize("way", ["q", "\x03", "\x04"], ids=["quit", "ctrl-c", "ctrl-d"])
def test_leaving_changes_nothing(folder: Path, way: str) -> None:
    before = files(folder)
    child = narrow(folder)
    answer(child, "k", "w")
    if way == "q":
        answer(child, way)
    else:
        child.expect(KEYS)
        child.send(way)
    said = ended(child)
    assert ("Nothing was changed." in said) == (way == "q")
    assert child.exitstatus == (0 if way == "q" else 130)
    assert files(folder) == before


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "no colour"])
def test_screens_fit_80_by_24_and_never_move_the_cursor(folder: Path, names: list[str], colour: bool) -> None:
    child = narrow(folder, **({} if colour else {"NO_COLOR": "1"}))
    screens = [answer(child, "") for _ in names]
    codes = {code for screen in screens for code in re.findall(r"\x1b[^a-zA-Z]*[a-zA-Z]", screen)}
    assert all(re.fullmatch(r"\x1b\[\d+m", code) for code in codes), "colours and nothing else"
    assert ({"\x1b[1m", "\x1b[31m", "\x1b[0m"} <= codes) if colour else not codes
    with Study.open(folder / "studies" / "made") as study:
        proposal = propose_for(study)
    for name, screen in zip(names, screens, strict=True):
        lines = [re.sub(r"\x1b[^m]*m", "", line) for line in screen.split("\r\n")]
        assert max(map(len, lines)) <= 80
        # From its heading to the line that asks: all of it is seen at once.
        begin = next(i for i, line in enumerate(lines) if re.match(rf"\d/\d {name},", line))
        assert len(lines) - begin <= 24
        text = " ".join(" ".join(lines).split())
        assert f"{proposal[name].verdict}: {describe_range(proposal[name].old)}" in text
        assert "importance " in text
        assert "★" in text
    ended_by = answer(child, "q", at=LAST)
    assert "All as proposed." in ended_by
    ended(child)


def test_without_unicode_the_plots_are_ascii(folder: Path) -> None:
    child = narrow(folder, PYTHONIOENCODING="ascii", NO_COLOR="1")
    screen = answer(child, "l")
    assert screen.isascii()
    assert "[====" in screen
    assert re.search(r"narrow: \S+ -> \S+", screen)
    table = answer(child, "q")
    assert re.search(r"trial +pass +learning_rate +val_accuracy +epochs", table)
    assert "trials with a score" in table
    ended(child)


def test_plots_can_be_left_out_and_help_explains(folder: Path) -> None:
    child = narrow(folder)
    answer(child, "p")
    child.expect("Plots are off")
    screen = answer(child, "?")
    assert "learning_rate" in screen
    assert "★" not in screen
    assert "search it no more" in answer(child, "drop")
    child.expect("'drop' is none of the words")
    answer(child, "q")
    ended(child)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A folder whose interactive search was left between its passes."""
    child = terminal(tmp_path, "-c", FAKE_SEARCH)
    child.expect(r"Pass 1 is over after \d+ trials. Best 0\.\d+. (\d+) of 60 epochs are left")
    assert 0 < int(child.match[1]) <= 30
    answer(child, "k", "q")
    said = ended(child)
    assert "Nothing was changed. The same command asks again." in said
    assert "passes 1 left True" in said
    return tmp_path


def test_an_interactive_search_asks_again_and_goes_on_as_decided(stopped: Path) -> None:
    child = terminal(stopped, "-c", FAKE_SEARCH)
    answer(child, "f")
    answer(child, "0.01", at=r"\]: $")
    answer(child, "d")
    child.expect(REPEAT)
    assert child.match[1] == "hptune narrow studies/fake --accept --freeze learning_rate=0.01"
    assert "passes 2 left False" in ended(child)
    with Study.open(stopped / "studies" / "fake") as study:
        assert [p.origin for p in study.passes()] == ["given", "user"]
        rates = {t.values["learning_rate"] for t in study.trials() if t.pass_number == 2}
        assert rates == {0.01}


def test_ctrl_c_in_the_dialogue_of_a_search_leaves_at_once(stopped: Path) -> None:
    child = terminal(stopped, "-c", FAKE_SEARCH)
    child.expect(KEYS)
    child.sendintr()
    assert "passes 1 left True" in ended(child)


def test_a_real_search_that_was_left_is_not_over(tmp_path: Path) -> None:
    search = ("-m", "hptune", "search", "iris", "--trials", "4", "--epochs", "3", "--passes", "2")
    child = terminal(tmp_path, *search, "--interactive")
    answer(child, "q")
    assert "Best: val_accuracy" in ended(child)
    assert child.exitstatus == 0
    child = terminal(tmp_path, *search, "--interactive")
    answer(child, "d")
    assert "Best: val_accuracy" in ended(child)
    with Study.open(tmp_path / "studies" / "iris-mlp") as study:
        assert len(study.passes()) == 2
        assert 0 < study.epochs_used(2) < study.epochs_used() <= 12


def test_it_begins_with_whether_more_trials_are_owed_and_what_would_move(folder: Path) -> None:
    child = narrow(folder, NO_COLOR="1")
    begin = " ".join(answer(child, "q").split())
    ended(child)
    with Study.open(folder / "studies" / "made") as study:
        proposal = propose_for(study)
    moved = [m.name for m in proposal.changes]
    assert re.match(r"More trials\? (Yes|Probably|Perhaps|No): [a-z]", begin)
    assert f"8 ranges to decide on; {'these' if len(moved) > 1 else 'this'} would move: " in begin
    assert ", ".join(moved) in begin
