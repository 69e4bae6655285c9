"""Data through a pipe: kept, so that a search is resumed and its study confirmed and exported."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.data.standard_input import keep
from hptune.errors import DataError

TABLE = b"a,b,y\n" + b"".join(b"%d,%d,%s\n" % (i, i * 7 % 13, b"yes" if i % 3 else b"no") for i in range(60))
SEARCH = ["search", "-", "--target", "y", "--passes", "1", "--epochs", "2"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Piped(io.TextIOWrapper):
    """Standard input that is a pipe, or a terminal."""

    def __init__(self, content: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes, **how: Any) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(content, **how))


def test_a_file_is_named_by_what_it_holds() -> None:
    path = keep(io.BytesIO(TABLE))
    assert path.read_bytes() == TABLE
    before = path.stat().st_mtime_ns
    assert keep(io.BytesIO(TABLE)) == path
    assert path.stat().st_mtime_ns == before, "it is left as it is"
    path.write_bytes(b"damaged")
    assert keep(io.BytesIO(TABLE)).read_bytes() == TABLE
    assert keep(io.BytesIO(TABLE + b"1,2,no\n")) != path
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []


def test_nothing_in_the_pipe_is_refused() -> None:
    with pytest.raises(DataError, match="standard input is empty"):
        keep(io.BytesIO(b""))
    Path("studies").rmdir()
    Path("studies").touch()
    with pytest.raises(DataError, match="can't be kept there"):
        keep(io.BytesIO(TABLE))


def test_the_same_pipe_resumes_and_its_study_is_exported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, TABLE)
    assert run([*SEARCH, "--trials", "1", "--json"]) == 0
    first = capsys.readouterr()
    assert "standard input is kept in studies/stdin-" in first.err
    pipe(monkeypatch, TABLE)
    assert run([*SEARCH, "--trials", "2", "--json"]) == 0
    second = capsys.readouterr()
    assert "Resuming studies/stdin-" in second.err
    assert json.loads(second.out)["epochs"] > json.loads(first.out)["epochs"]
    assert run(["confirm", "--top", "1", "--seeds", "2"]) == 0
    assert run(["export", "--format", "python", "-o", "best.py"]) == 0
    (kept,) = Path("studies").glob("stdin-*.csv")
    assert str(kept) in Path("best.py").read_text(encoding="utf-8")
    kept.unlink()
    capsys.readouterr()
    assert run(["confirm", "--top", "1", "--seeds", "3"]) == 3
    assert "the same once more, `… | hptune search -`" in capsys.readouterr().err
    pipe(monkeypatch, TABLE + b"1,2,no\n")
    assert run([*SEARCH, "--trials", "1", "--dry-run"]) == 0
    assert "resuming" not in capsys.readouterr().err.casefold()


@pytest.mark.parametrize(
    ("words", "how", "code", "message"),
    [
        pytest.param(["--interactive"], {}, 2, "--interactive asks through standard input", id="interactive"),
        pytest.param([], {"terminal": True}, 2, "which is a terminal", id="terminal"),
        pytest.param(
            ["--validation", "-"], {}, 3, "of `hptune search`, `check` and `init` alone", id="twice"
        ),
    ],
)
def test_what_can_t_be_is_refused(
    words: list[str],
    how: dict[str, Any],
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipe(monkeypatch, TABLE, **how)
    assert run([*SEARCH, *words]) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_processes_that_may_die_get_what_was_read() -> None:
    Path("m.py").write_text(
        "import os\nimport keras\n\n\ndef build(hp):\n"
        "    if hp.Choice('kind', ['a', 'b']) == 'b':\n        os._exit(7)\n"
        "    model = keras.Sequential([keras.layers.Dense(1, 'sigmoid')])\n"
        "    model.compile('sgd', 'binary_crossentropy', metrics=['accuracy'])\n    return model\n",
        encoding="utf-8",
    )
    words = [*SEARCH, "--model", "m.py:build", "--isolate", "--trials", "2", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "hptune", *words],
        input=TABLE,
        capture_output=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"exit code 7" in done.stderr
    assert json.loads(done.stdout)["best"]["values"] == {"kind": "a"}
