"""The benchmark of NumPy beside Keras trains by both, and prints what hptune takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "numpy_path.py"


def test_it_prints_a_line_for_each_size() -> None:
    command = [sys.executable, str(SCRIPT), "--epochs", "1", "--runs", "1"]
    sizes = [[4, 3, 8, 20], [2000, 50, 500, 1000]]
    done = subprocess.run(
        [*command, "--sizes", json.dumps(sizes)], check=True, capture_output=True, text=True, timeout=300
    )
    small, wide = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:]]
    assert small[:2] == ["4, 3, 8, 20", "8.0e+03"]
    assert (small[-1], wide[-1]) == ("NumPy", "Keras")
    assert float(small[-2]) > 0
