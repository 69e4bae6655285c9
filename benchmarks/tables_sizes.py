"""What wide and long tables cost: seconds, and the most memory resident, of whole commands.

A search is of so few epochs that reading and preparing the table is most of it; `--dry-run` is that alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["measure", "run_command"]

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"small": (1_000, 20), "wide": (1_000, 10_000), "long": (1_000_000, 20)}
"""Rows and columns, the target not counted."""
COMMANDS = {"read": ("--dry-run",), "search": ("--trials", "2", "--epochs", "2", "--passes", "1")}


def measure(sizes: dict[str, tuple[int, int]] = SIZES) -> Iterator[str]:
    """Give the lines of a table in Markdown, each as soon as it is known."""
    yield "| table | rows × columns | file | MB | command | seconds | CPU seconds | MB resident |"
    yield "|---|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, (rows, columns) in sizes.items():
            frame = _numbers(rows, columns)
            for kind in ("csv", "parquet"):
                path = folder / f"{size}.{kind}"
                if kind == "csv":
                    frame.round(4).to_csv(path, index=False)
                else:
                    frame.to_parquet(path, index=False)
                for command, options in COMMANDS.items():
                    study = ("--study", str(folder / f"{size}-{kind}"))
                    cost = run_command("search", str(path), "--target", "y", *study, *options)
                    size_of_file = f"{path.stat().st_size / 1e6:.0f}"
                    cells = [size, f"{rows:,} × {columns:,}", kind, size_of_file, command]
                    cells += [f"{cost[0]:.1f}", f"{cost[1]:.1f}", f"{cost[2]:.0f}"]
                    yield f"| {' | '.join(cells)} |"
                path.unlink()


def run_command(*arguments: str) -> tuple[float, float, float]:
    """Run hptune; returns seconds, the processor's seconds, and the most memory resident, in MB."""
    command = [sys.executable, "-m", "hptune", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{output.read().decode()}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _numbers(rows: int, columns: int) -> pd.DataFrame:
    """Return columns of numbers, float32, and a target that a few of them tell."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (rows, columns)).astype(np.float32)
    made = pd.DataFrame(x, columns=[f"x{number}" for number in range(columns)])
    return made.assign(y=x[:, 0] - x[:, 1] * x[:, 2] + rng.normal(0, 0.1, rows))
