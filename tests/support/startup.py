"""Which heavy modules a fresh process loads."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "tensorflow",
    "keras",
    "keras_tuner",
    "pandas",
    "scipy",
    "sklearn",
    "plotly",
    "numpy",
    "pydantic",
    "rich",
)


def heavy_modules(code: str) -> list[str]:
    """The heavy modules that a fresh process has loaded after `code`."""
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.split()
