"""What user code changes of its process is put back after each call."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.data.put_back import leave_if_forked, putting_back, random_numbers_kept
from hptune.data.python_file import importable, load_function
from hptune.errors import DataError

FILE = "/somewhere/m.py"


def mess(folder: Path) -> None:
    """Change all that can be put back."""
    os.chdir(folder)
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull)  # noqa: SIM115, PTH123
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    os.environ["HPTUNE_MESS"] = "1"
    os.environ.pop("HPTUNE_KEPT", None)
    sys.path = ["/elsewhere"]
    warnings.simplefilter("ignore")
    np.seterr(all="raise")


def process() -> dict[str, Any]:
    """All that can be put back."""
    return {
        "folder": Path.cwd(),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "handlers": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
        "variables": dict(os.environ),
        "path": list(sys.path),
        "same path": id(sys.path),
        "filters": list(warnings.filters),
        "arithmetic": np.geterr(),
    }


def test_all_is_put_back_where_the_code_returns_and_where_it_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPTUNE_KEPT", "yes")
    before = process()
    with putting_back(FILE):
        mess(tmp_path)
    assert process() == before
    with suppress(ValueError), putting_back(FILE):
        mess(tmp_path)
        raise ValueError
    assert process() == before


def test_a_warning_filter_that_is_put_back_has_no_effect_any_more() -> None:
    with putting_back(FILE):
        warnings.simplefilter("ignore")
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_a_working_directory_that_was_deleted_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with putting_back(FILE):
        os.chdir(tmp_path)
        gone.rmdir()
    assert Path.cwd() == tmp_path
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    elsewhere.rmdir()
    with putting_back(FILE):
        pass


def test_a_thread_puts_back_what_it_may(tmp_path: Path) -> None:
    def called() -> None:
        with putting_back(FILE):
            os.environ["HPTUNE_MESS"] = "1"

    thread = threading.Thread(target=called)
    thread.start()
    thread.join()
    assert "HPTUNE_MESS" not in os.environ


def test_random_numbers_go_on_as_if_nothing_had_been_drawn() -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    with random_numbers_kept():
        random.seed(5)
        np.random.rand(7)
    assert (random.random(), np.random.rand()) == expected


def test_what_running_a_file_sets_holds_for_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPTUNE_SET", "before")
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "m.py"
    file.write_text(
        textwrap.dedent("""
            import os, sys, warnings
            import numpy as np

            os.environ["HPTUNE_SET"] = "by the file"
            sys.path.insert(0, "/of/the/file")
            np.seterr(divide="raise")
            warnings.filterwarnings("ignore", "of the file")

            def seen():
                found = os.environ["HPTUNE_SET"], np.geterr()["divide"], warnings.filters[0][1].pattern
                os.environ["HPTUNE_SET"] = "by a call"
                np.seterr(divide="ignore")
                return found
        """)
    )
    arithmetic, filters = np.geterr(), list(warnings.filters)
    seen = load_function(f"{file}:seen", error=DataError)
    assert (np.geterr(), warnings.filters) == (arithmetic, filters)
    assert "/of/the/file" in sys.path
    for _ in range(2):
        with importable(file):
            assert seen() == ("by the file", "raise", "of the file")
    assert (np.geterr(), warnings.filters) == (arithmetic, filters)
    assert os.environ["HPTUNE_SET"] == "by the file"


@pytest.mark.parametrize(("ends", "code"), [("pass", 0), ("raise ValueError", 1)])
def test_a_child_that_the_code_forked_ends_with_the_call(ends: str, code: int) -> None:
    script = textwrap.dedent(f"""
        import os
        from hptune.data.put_back import putting_back
        with putting_back("/m.py"):
            child = os.fork()
            if not child:
                {ends}
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "goes on once", flush=True)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{code} goes on once\n", "")


def test_the_process_itself_stays() -> None:
    leave_if_forked(os.getpid())


def test_a_standard_stream_that_was_closed_is_opened_again() -> None:
    script = textwrap.dedent("""
        import sys
        from contextlib import redirect_stdout
        from hptune.data.put_back import putting_back
        with redirect_stdout(sys.stderr):
            for _ in range(2):
                with putting_back("/m.py"):
                    sys.stdout.close()
                print("said", file=sys.stderr)
                print("said", file=sys.stdout)
        print("printed")
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("printed\n", "said\n" * 4)
