"""Full disks, folders that vanish or can't be written, clocks that go back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hptune.study import Study

pytestmark = pytest.mark.campaign

SEARCH = [
    *(sys.executable, "-m", "hptune", "search", "iris", "--passes", "2", "--trials", "4", "--epochs", "4"),
    *("--study", "s"),
]


def run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    wanted = {**os.environ, **env}
    return subprocess.run(
        command or SEARCH, cwd=folder, env=wanted, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("kilobytes", [16, 48, 96, 160, 300])
def test_a_full_disk_is_said_and_with_room_the_same_command_goes_on(
    kilobytes: int, tmp_path: Path, count: Counter[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        full = run(disk)
        assert full.returncode in (0, 3, 6), full.stderr
        assert "Traceback" not in full.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert run(disk).returncode == 0
        with Study.open(disk / "s") as study:
            found = [(dict(t.values), t.score) for t in study.trials()]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert run(tmp_path).returncode == 0
    with Study.open(tmp_path / "s") as study:
        assert found == [(dict(t.values), t.score) for t in study.trials()]
    count["full disks"] += 1


def test_a_folder_that_vanishes_is_said(tmp_path: Path, count: Counter[str]) -> None:
    process = subprocess.Popen(SEARCH, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not Study.exists(tmp_path / "s"):
        assert process.poll() is None
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    _, err = process.communicate(timeout=120)
    assert process.returncode in (0, 6), err
    assert b"Traceback" not in err
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    assert run(tmp_path).returncode == 0
    count["folders that vanished"] += 1


def test_a_study_that_can_only_be_read_reads(tmp_path: Path, count: Counter[str]) -> None:
    assert run(tmp_path).returncode == 0
    for command in (["status", "s"], ["trials", "s"], ["show", "1", "--study", "s"]):
        mode = (tmp_path / "s").stat().st_mode
        (tmp_path / "s").chmod(0o555)
        try:
            done = run(tmp_path, sys.executable, "-m", "hptune", *command)
        finally:
            (tmp_path / "s").chmod(mode)
        assert done.returncode == 0, done.stderr
        count["commands on a folder that can only be read"] += 1
