"""Rows that do not fit into memory: the same data, and the same search, as those that do."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hptune.data import load_dataset
from hptune.data.on_disk import MEMORY, fits_memory, new_array, take_rows
from hptune.data.table_options import TableOptions
from hptune.errors import DataError
from hptune.study import Study
from tests.support.interruptions import story

NONE = "1K"


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let next to nothing fit into memory."""
    monkeypatch.setenv(MEMORY, NONE)


def table(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "count": rng.integers(0, 9, rows),
            "city": rng.choice(["x", "y", "z"], rows),
            "flag": rng.random(rows) > 0.5,
            "plan": pd.Categorical(rng.choice(["a", "b"], rows)),
            "gap": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(0, 5, rows)),
            "id": np.arange(rows),
            "always": 1,
            "day": pd.date_range("2024-01-01", periods=rows),
        }
    )
    frame.loc[:20, "city"] = None
    # A part without a missing value is one of whole numbers by itself.
    frame["gap"] = frame["gap"].astype("Int64")
    frame["out"] = np.where(frame["size"] + (frame["city"] == "x") > 0.3, "yes", "no")
    return frame


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder of Parquet files, one with an index of its own."""
    folder = tmp_path / "parts"
    folder.mkdir()
    frame = table()
    for number, start in enumerate(range(0, 300, 100)):
        part = frame.iloc[start : start + 100]
        part.to_parquet(folder / f"{number}.parquet", index=False)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, shade in (("dark", 60), ("light", 160)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(shade - 60, shade + 60, (6, 6)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize(("given", "size"), [("500M", 500 * 2**20), ("2 GiB", 2**31), ("1024", 1024)])
def test_a_limit_is_an_amount_of_memory(given: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY, given)
    assert fits_memory(size)
    assert not fits_memory(size + 1)


def test_a_wrong_limit_says_how_to_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY, "much")
    with pytest.raises(DataError, match="HPTUNE_MEMORY: 'much' is no amount of memory"):
        fits_memory(1)


def test_without_a_limit_a_part_of_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MEMORY, raising=False)
    assert fits_memory(1 << 20)
    assert not fits_memory(1 << 50)


@pytest.mark.usefixtures("little")
def test_rows_are_the_same_from_a_file() -> None:
    array = np.arange(4000, dtype=np.uint8).reshape(200, 20)
    rows = np.random.default_rng(0).permutation(200)[:150]
    taken = take_rows(array, rows, np.float32, scale=255.0)
    assert isinstance(taken, np.memmap)
    assert np.array_equal(taken, array[rows].astype(np.float32) / np.float32(255))
    assert take_rows(np.array(["a", "b"], dtype=object), np.array([1])).tolist() == ["b"]


@pytest.mark.usefixtures("little")
def test_a_file_of_rows_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    new_array((1000, 10), np.float32)[:] = 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("little")
def test_a_full_disk_says_where_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"no room for .* GiB of rows") as raised:
        new_array((1000, 10), np.float32)
    assert "TMPDIR" in raised.value.hint


def test_a_folder_of_parquet_files_is_one_table(parts: Path, tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "whole.parquet")
    one = load_dataset(str(tmp_path / "whole.parquet"), target="out")
    assert load_dataset(str(parts), target="out").fingerprint == one.fingerprint


@pytest.mark.parametrize("kind", ["parts", "whole"])
def test_a_large_table_is_encoded_as_a_small_one(
    kind: str, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = table()
    # The index is kept as a column of the file, and is none of the table.
    frame.set_index(pd.Index(np.arange(300) * 7, name="key")).to_parquet(tmp_path / "whole.parquet")
    source = str(parts if kind == "parts" else tmp_path / "whole.parquet")
    monkeypatch.setattr("hptune.data.parquet_rows._ROWS_AT_ONCE", 32)
    small = load_dataset(source, target="out")
    monkeypatch.setenv(MEMORY, NONE)
    large = load_dataset(source, target="out")
    assert isinstance(large.train.x, np.memmap)
    assert large.encoder == small.encoder
    assert np.array_equal(large.train.x, small.train.x)
    assert np.array_equal(large.validation.x, small.validation.x)
    assert large.fingerprint == small.fingerprint
    assert [note for note in large.notes if "as they are needed" in note]


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    ("target", "words"), [("outt", "has no column 'outt'"), (None, "say which column is to be predicted")]
)
def test_a_large_table_is_refused_as_a_small_one(target: str | None, words: str, parts: Path) -> None:
    with pytest.raises(DataError, match=words):
        load_dataset(str(parts), target=target)


@pytest.mark.usefixtures("little")
def test_a_word_among_the_numbers_of_a_large_table_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [str((7 * number) % 101) for number in range(100)]
    frame = pd.DataFrame({"a": [*rows[:99], "oops"], "b": range(100, 200), "out": ["yes", "no"] * 50})
    frame.to_parquet(tmp_path / "t.parquet")
    little = load_dataset(str(tmp_path / "t.parquet"), target="out")
    assert any("'oops' (row 99 (counted from 0))" in note for note in little.notes)
    with pytest.raises(DataError, match=r"column 'a' holds numbers, but row 99 .* has 'oops'"):
        load_dataset(str(tmp_path / "t.parquet"), target="out", tables=TableOptions(strict=True))
    monkeypatch.setenv(MEMORY, "1G")
    assert load_dataset(str(tmp_path / "t.parquet"), target="out").fingerprint == little.fingerprint


def test_images_that_do_not_fit_are_the_same(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = load_dataset(str(pictures), as_images=True)
    monkeypatch.setenv(MEMORY, NONE)
    large = load_dataset(str(pictures), as_images=True)
    assert isinstance(large.train.x, np.memmap)
    assert large.fingerprint == small.fingerprint


def test_arrays_of_a_function_that_do_not_fit_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(size=(100, 30)))
    np.save("y.npy", rng.integers(0, 2, 100))
    Path("d.py").write_text(
        "import numpy as np\n\n\ndef load():\n    return np.load('x.npy', mmap_mode='r'), np.load('y.npy')\n"
    )
    small = load_dataset("d.py:load", as_given=True)
    monkeypatch.setenv(MEMORY, NONE)
    large = load_dataset("d.py:load", as_given=True)
    assert isinstance(large.train.as_given.x, np.memmap)
    assert large.train.as_given.x.dtype == np.float64
    assert large.fingerprint == small.fingerprint


SEARCH = [sys.executable, "-m", "hptune", "search"]
LITTLE = ["--passes", "1", "--trials", "3", "--epochs", "3", "--no-presets"]


@pytest.mark.parametrize("kind", ["pictures", "parts"])
def test_a_search_over_rows_on_disk_is_killed_and_resumed(
    kind: str, parts: Path, pictures: Path, tmp_path: Path
) -> None:
    arguments = ["pictures", "--model", "cnn"] if kind == "pictures" else ["parts", "--target", "out"]
    command = [*SEARCH, *arguments, *LITTLE]
    in_memory = {name: value for name, value in os.environ.items() if name != MEMORY}
    on_disk = {**in_memory, MEMORY: NONE}
    searched([*command, "--study", "whole"], tmp_path, in_memory)
    killed = [*command, "--study", "killed"]
    process = subprocess.Popen(
        killed, cwd=tmp_path, env=on_disk, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while epochs_of(tmp_path / "killed") < 3 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    searched(killed, tmp_path, on_disk)
    with Study.open(tmp_path / "killed") as one, Study.open(tmp_path / "whole") as other:
        both = list(zip(story(one), story(other), strict=True))
    assert [mine[:5] + mine[6:7] for mine, _ in both] == [whole[:5] + whole[6:7] for _, whole in both]
    assert [mine[5] for mine, _ in both] == pytest.approx([whole[5] for _, whole in both], abs=1e-6)


def searched(command: list[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def epochs_of(folder: Path) -> int:
    if not Study.exists(folder):
        return 0
    with Study.open(folder) as study:
        return study.epochs_used()
