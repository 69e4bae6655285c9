"""What a search is about, loaded without noise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DATA = """import tensorflow
import numpy as np

print("from the data")


def load():
    return np.zeros((40, 4), dtype="float32"), np.arange(40) % 2
"""
QUIETLY = """
import sys
from hptune.subject import Subject
Subject(data=sys.argv[1], epochs=1).load()
"""


def test_a_data_function_that_imports_tensorflow_says_nothing_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(DATA)
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", QUIETLY, f"{tmp_path / 'data.py'}:load"],
        cwd=Path(__file__).parent.parent,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "from the data\n"
    assert done.stderr == ""
