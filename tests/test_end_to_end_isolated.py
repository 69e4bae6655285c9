"""Searches of user code that ends its process, hangs or forks, each in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hptune.study import Study

MODEL = """import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import keras


def good(hp):
    units, rate = hp.Int("units", 2, 8), hp.Float("lr", 1e-3, 1e-1, sampling="log")
    model = keras.Sequential([keras.layers.Dense(units, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def build(hp):
    model = good(hp)
    if hp.get("lr") > 0.03 and not Path("mended").exists():
        Path("there").touch()
        {body}
    return model
"""
SEARCH = ["search", "iris", "--model", "m.py:build", "--trials", "3", "--epochs", "2", "--study"]
DIES = "ctypes.string_at(0)"
EXITS = "os._exit(0)"
STUCK = "lock = ctypes.create_string_buffer(64); [ctypes.PyDLL(None).pthread_mutex_lock(lock) for _ in 'ab']"
"""For ever in C, with the interpreter's lock held: no handler of Python's runs."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # As a process of its own would find it.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def write(body: str) -> None:
    Path("m.py").write_text(MODEL.format(body=body), encoding="utf-8")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hptune", *arguments]


def hptune(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def story(study: str) -> list[dict[str, Any]]:
    """A study's trials without what a clock decides."""
    trials = json.loads(hptune("trials", study, "--json").stdout)["trials"]
    return [{k: v for k, v in trial.items() if k != "seconds"} for trial in trials]


def bad(study: str) -> list[tuple[int, str, str]]:
    with Study.open(Path(study)) as opened:
        return [(t.id, t.state.value, t.reason) for t in opened.trials() if t.state.is_bad]


def test_a_build_that_ends_its_process_is_infeasible_and_the_search_goes_on() -> None:
    write(DIES)
    done = hptune(*SEARCH, "s", "--isolate")
    assert "trial 2, job 2: its process died (SIGSEGV); it is tried once more" in done.stderr
    assert bad("s") == [(2, "infeasible", "its process died (SIGSEGV)")]
    assert done.stderr.count("iris: 120 training") == 1
    # The next search knows, and need not be told.
    again = hptune(*SEARCH, "s", "--trials", "4")
    assert "s: processes died of its trials. Your code runs in a process of its own" in again.stderr


def test_a_search_that_died_is_resumed_isolated_to_the_trials_of_one_that_was_isolated_before() -> None:
    write(EXITS)
    hptune(*SEARCH, "a", "--isolate")
    # Nothing can be said where a build ends the process that the search is.
    assert hptune(*SEARCH, "b").stdout == ""
    resumed = hptune(*SEARCH, "b")
    assert "b: its process died while trial 2 was under way." in resumed.stderr
    # It has had its first try.
    assert "tried once more" not in resumed.stderr
    assert bad("b") == [(2, "infeasible", "its process died (exit code 0)")]
    assert story("a") == story("b")


def test_a_trial_whose_process_was_killed_once_is_as_any_other() -> None:
    write("Path('mended').touch(); os.kill(os.getpid(), signal.SIGKILL)")
    hptune(*SEARCH, "a", "--isolate")
    assert bad("a") == []
    hptune(*SEARCH, "b")
    assert story("a") == story("b")


def test_a_build_that_dies_while_it_is_explored_is_left_out_there() -> None:
    write("")
    with Path("m.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef small(hp):\n    model = good(hp)\n")
        file.write("    if hp.get('units') == 8:\n        ctypes.string_at(0)\n    return model\n")
        file.write("\n\ndef never(hp):\n    os._exit(5)\n")
    done = hptune("init", "iris", "--model", "m.py:small", "--isolate")
    assert "m.py:small with units 8: its process died (SIGSEGV)" in done.stderr
    assert "isolate = true" in Path("hptune.toml").read_text(encoding="utf-8")
    assert "units" in Path("space.yaml").read_text(encoding="utf-8")
    Path("hptune.toml").unlink()
    refused = hptune("search", "iris", "--model", "m.py:never", "--isolate", "--dry-run", expect=3)
    assert "Error: m.py:never: can't be built\n  m.py: its process died (exit code 5)" in refused.stderr


def test_a_file_that_ends_its_process_is_an_error_of_the_file() -> None:
    Path("m.py").write_text("import os\nos._exit(0)\n", encoding="utf-8")
    done = hptune(*SEARCH, "s", "--isolate", expect=3)
    assert "m.py: running the file failed: its process died (exit code 0)" in done.stderr
    assert not Path("s").exists()


def test_a_build_that_hangs_is_infeasible_after_its_time() -> None:
    write(STUCK)
    done = hptune(*SEARCH, "s", "--isolate", "--trial-time", "2s")
    assert bad("s") == [(2, "infeasible", "took longer than 2 s")]
    assert "tried once more" not in done.stderr


def wait_for(path: str, search: subprocess.Popen[Any]) -> None:
    until = time.monotonic() + 120
    while not Path(path).exists():
        assert time.monotonic() < until
        assert search.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize("explored", [True, False])
def test_ctrl_c_ends_a_build_that_hangs_in_c(explored: bool) -> None:
    write(STUCK)
    if explored:
        text = Path("m.py").read_text(encoding="utf-8")
        Path("m.py").write_text(text.replace('hp.get("lr") > 0.03 and ', ""), encoding="utf-8")
    search = subprocess.Popen(command(*SEARCH, "s", "--isolate"), stderr=subprocess.PIPE, text=True)
    wait_for("there", search)
    for _ in range(1 if explored else 2):
        search.send_signal(signal.SIGINT)
        time.sleep(0.2)
    _, said = search.communicate(timeout=60)
    assert search.returncode == 130, said
    kept = "nothing was trained yet" if explored else "what was trained is kept"
    assert f"Interrupted: {kept}.\nResume it with: hptune search iris" in said
    if not explored:
        # It was no death: the person asked.
        Path("mended").touch()
        assert "process of its own" not in hptune(*SEARCH, "s").stderr
        assert bad("s") == []


def test_the_process_ends_with_the_one_that_watches_it() -> None:
    write("Path('who').write_text(str(os.getpid())); os.rename('who', 'known'); time.sleep(1000)")
    search = subprocess.Popen(command(*SEARCH, "s", "--isolate"), stderr=subprocess.DEVNULL)
    wait_for("known", search)
    search.kill()
    search.wait()
    until = time.monotonic() + 30
    while Path(f"/proc/{Path('known').read_text()}/stat").exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_build_that_forks_and_leaves_threads_is_searched_once_and_ends() -> None:
    write("os.fork()")
    with Path("m.py").open("a", encoding="utf-8") as file:
        file.write("\n\nimport threading\n\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n")
    done = hptune(*SEARCH, "forks")
    assert done.stderr.count("Your code left threads running, which end here: Thread-") == 1
    assert bad("forks") == []
    Path("mended").touch()
    hptune(*SEARCH, "straight")
    assert story("forks") == story("straight")


def test_a_trial_that_kills_its_worker_is_infeasible_and_the_others_go_on() -> None:
    write("import multiprocessing; multiprocessing.parent_process() is None or " + DIES)
    hptune(*SEARCH, "s", "--workers", "2")
    assert bad("s")[0][1:] == ("infeasible", "its process died (SIGSEGV)")
    with Study.open(Path("s")) as study:
        assert study.best(1)


def test_a_file_that_ends_each_worker_is_said_to() -> None:
    write("")
    text = "import multiprocessing, os\nmultiprocessing.parent_process() is None or os._exit(7)\n"
    Path("m.py").write_text(text + Path("m.py").read_text(encoding="utf-8"), encoding="utf-8")
    done = hptune(*SEARCH, "s", "--workers", "2", expect=3)
    assert "Error: m.py:build: the processes that train died 4 times in a row, as they started" in done.stderr
    Path("m.py").write_text(Path("m.py").read_text(encoding="utf-8").removeprefix(text), encoding="utf-8")
    hptune(*SEARCH, "s")
