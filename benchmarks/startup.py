"""What `hptune --help` costs beside importing click: medians of alternating runs.

    python benchmarks/startup.py [--runs 15] [--most 2.5]

Exits with 1 where the ratio is above --most.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--most", type=float, default=2.5)
    options = parser.parse_args()
    clicks, helps = [], []
    for _ in range(options.runs):
        clicks.append(seconds("-c", "import click"))
        helps.append(seconds("-m", "hptune", "--help"))
    click, help_ = statistics.median(clicks), statistics.median(helps)
    print(f"python -c 'import click'  {click * 1000:6.0f} ms")
    print(f"hptune --help             {help_ * 1000:6.0f} ms")
    print(f"ratio                     {help_ / click:6.2f}")
    return int(help_ / click > options.most)


if __name__ == "__main__":
    sys.exit(main())
