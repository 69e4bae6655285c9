"""Ctrl-C: at once while nothing is trained, after the epoch while something is, and never called an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.__main__ import run
from hptune.cli.app import app
from hptune.cli.progress import stop_on_signals
from hptune.errors import SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.study import Study
from hptune.study.trial import Job, Trial


def press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_a_stopped_search_reads_as_an_interruption_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*arguments: object, **settings: object) -> None:
        raise SearchInterruptedError("what was trained is kept", hint="Go on with: hptune search")

    monkeypatch.setattr(app, "main", stopped)
    assert run(["search"]) == 130
    assert capsys.readouterr().err == "Interrupted: what was trained is kept.\nGo on with: hptune search\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_ctrl_c_ends_all_at_once_while_nothing_is_trained(number: signal.Signals) -> None:
    with stop_on_signals(None) as stop:
        with pytest.raises(KeyboardInterrupt):
            press(number)
        assert not stop.asked


def test_the_first_ctrl_c_waits_for_an_epoch_and_the_second_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with stop_on_signals(None) as stop:
        stop.running = True
        press()
        assert stop.asked
        assert "Stopping after this epoch; Ctrl-C again stops at once." in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            press()


def test_there_is_an_epoch_to_wait_for_once_the_first_is_over(tmp_path: Path) -> None:
    stop, seen = Stop(), []

    class Watcher(Listener):
        def on_trial_start(self, job: Job, trial: Trial) -> None:
            seen.append(stop.running)

        def on_epoch_end(self, job: Job, epoch: int, report: object) -> None:
            seen.append(stop.running)

    with Study.create(tmp_path / "s", identity()) as study:
        study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=FakeSearcher(),
            executor=InlineExecutor(FakeTrainer()),
            pass_ends=(10,),
            narrow=keep_all,
            listener=Watcher(),
            stop=stop,
        ).run()
    assert seen[:2] == [False, True]
    assert all(seen[1:])


def test_processes_that_load_a_users_batches_end_as_ever() -> None:
    script = (
        "import os, signal, time\n"
        "from hptune.cli.progress import stop_on_signals\n"
        "with stop_on_signals(None) as stop:\n"
        "    stop.running = True\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        os._exit(1)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), stop.asked)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == f"{-signal.SIGTERM} False\n"
    assert done.stderr == ""
