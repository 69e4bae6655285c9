"""Installed commands that are killed at random instants: the same command ends with the same result."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.campaign

HPTUNE = [sys.executable, "-m", "hptune"]
SEARCH = ["search", "iris", "--passes", "2", "--trials", "3", "--epochs", "4", "--study", "s"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, how often it is killed, and up to how many seconds after it began."""

    words: tuple[str, ...]
    kills: int
    longest: float


CASES = {
    "confirm": Case(words=("confirm", "s", "--top", "2", "--seeds", "4", "--json"), kills=6, longest=12),
    "narrow": Case(words=("narrow", "s", "--accept", "--json"), kills=10, longest=4),
    "report": Case(words=("report", "s", "-o", "r.html"), kills=10, longest=3),
    "export csv": Case(
        words=("export", "s", "--format", "csv", "--top", "9", "-o", "b.csv"), kills=10, longest=1.5
    ),
    "export python": Case(words=("export", "s", "--format", "python", "-o", "b.py"), kills=5, longest=10),
    "export keras": Case(words=("export", "s", "--format", "keras", "-o", "b.keras"), kills=5, longest=12),
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    subprocess.run([*HPTUNE, *SEARCH], cwd=folder, check=True, capture_output=True)
    return folder


def without_times(folder: Path) -> dict[str, object]:
    """What lies in a folder, but for the study's database and lock, and for when a model was saved."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                found[name] = {one.filename for one in archive.infolist()}
                config = json.loads(archive.read("config.json"))
                found[f"{name}: layers"] = [layer["class_name"] for layer in config["config"]["layers"]]
        elif path.is_file() and not path.name.startswith("study.") and name != "s/report.html":
            found[name] = path.read_bytes()
    return found


@pytest.mark.parametrize("name", list(CASES))
def test_a_command_that_is_killed_ends_with_the_same_result(
    name: str, searched: Path, tmp_path: Path, count: Counter[str]
) -> None:
    case, rng = CASES[name], random.Random(name)
    command = [*HPTUNE, *case.words]
    whole = shutil.copytree(searched, tmp_path / "whole")
    killed = shutil.copytree(searched, tmp_path / "killed")
    said = subprocess.run(command, cwd=whole, check=True, capture_output=True).stdout
    for _ in range(case.kills):
        process = subprocess.Popen(command, cwd=killed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.2, case.longest))
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=120)
        assert b"Traceback" not in err, err
        assert b"--fresh" not in err, err
        count["kills of installed commands beside search"] += process.returncode != 0
    again = subprocess.run(command, cwd=killed, check=True, capture_output=True)
    # How long a training took is no result.
    seconds = rb'"seconds": [0-9.]+'
    assert re.sub(seconds, b"", again.stdout) == re.sub(seconds, b"", said)
    assert b"--fresh" not in again.stderr
    assert without_times(killed) == without_times(whole)


SETS_BACK = """import os
import time

_real, _days = time.time, int(os.environ["DAYS_BACK"])
time.time = lambda: _real() - 86400.0 * _days
"""


def test_a_search_goes_on_with_a_clock_that_is_set_back(tmp_path: Path, count: Counter[str]) -> None:
    """Each process of the search begins a day before the one that was killed."""
    for name in ("whole", "killed", "site"):
        (tmp_path / name).mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SETS_BACK, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    subprocess.run([*HPTUNE, *SEARCH], cwd=tmp_path / "whole", check=True, capture_output=True)
    rng = random.Random(0)
    for days in range(1, 6):
        env = {**os.environ, "PYTHONPATH": paths, "DAYS_BACK": str(days)}
        process = subprocess.Popen(
            [*HPTUNE, *SEARCH, "--max-time", "1h"],
            cwd=tmp_path / "killed",
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        time.sleep(rng.uniform(2, 10))
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=120)
        assert b"Traceback" not in err, err
        count["processes of a search that began a day before the last one"] += 1
    subprocess.run([*HPTUNE, *SEARCH], cwd=tmp_path / "killed", env=env, check=True, capture_output=True)
    found = []
    for name in ("whole", "killed"):
        listed = subprocess.run(
            [*HPTUNE, "trials", "s", "--json"], cwd=tmp_path / name, check=True, capture_output=True
        )
        trials = json.loads(listed.stdout)["trials"]
        found.append([(t["id"], t["values"], t["seed"], t["epochs"], t["score"]) for t in trials])
    assert found[0] == found[1]
