"""What `hptune report` and `hptune status` cost on studies of 12, 200 and 5,000 trials.

    python benchmarks/report.py [--runs 3] [--trials 12 200 5000]

The studies are made up: every kind of hyperparameter, three passes, infeasible and failed trials among
them. Each command runs in a process of its own, so starting Python counts. Figures are the processor's
seconds (user and system; the least of the runs), because other processes on the machine change them little,
and the page's size.
Exits with 1 where a report takes more than 10 s, a page more than 6 MB or a status more than 0.5 s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

MOST_SECONDS = {"report": 10.0, "status": 0.5}
MOST_BYTES = 6_000_000


def cost(*arguments: str) -> tuple[float, float]:
    """Return the processor's seconds and the wall's that a command takes."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "hptune", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path})
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, time.perf_counter() - began


def main() -> int:
    from support.studies import Recipe, build

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--trials", type=int, nargs="+", default=[12, 200, 5000])
    options = parser.parse_args()
    held = True
    print(f"{'trials':>7} {'command':<8} {'CPU s':>6} {'wall s':>7} {'bytes':>10}")
    with tempfile.TemporaryDirectory() as temporary:
        for trials in options.trials:
            folder = Path(temporary) / str(trials)
            build(folder, Recipe(trials=trials)).close()
            for command in ("report", "status"):
                found = [cost(command, str(folder)) for _ in range(options.runs)]
                spent, wall = (min(part) for part in zip(*found, strict=True))
                size = (folder / "report.html").stat().st_size if command == "report" else 0
                held = held and spent <= MOST_SECONDS[command] and size <= MOST_BYTES
                shown = f"{size:>10,}" if size else ""
                print(f"{trials:>7,} {command:<8} {spent:>6.2f} {wall:>7.2f} {shown}".rstrip(), flush=True)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
