"""How many examples a second are trained, by batch size, and which is the largest that fits."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.report import CheckFinding, CheckSection, CheckVerdict
from hptune.check.still import Still
from hptune.models.backend import keras
from hptune.training.failures import is_out_of_memory

__all__ = ["check_throughput"]

_FIRST = 32
_SECONDS = 8.0
"""After this no larger batch is tried."""
_SECONDS_A_SIZE = 0.15
_MOST_REPEATS = 20


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """Steps of one size."""

    size: int
    seconds: float
    """Of a step: the median of some, the first left out, as it compiles."""

    @property
    def rate(self) -> float:
        """Examples per second."""
        return self.size / self.seconds


def check_throughput(model: Any, x: NDArray[Any], y: NDArray[Any], *, batch_size: int) -> CheckSection:
    """Time steps of training at doubling batch sizes; the weights are put back.

    Ends with all rows, where memory runs out, or is about to, or after some seconds.
    `batch_size` is the one that the configuration asks for.
    """
    began = time.monotonic()
    still, timed = Still(model), list[_Timed]()
    end = "all rows"
    try:
        memory = _peak()
        for size in _sizes(len(x), batch_size):
            grown, memory = _peak() - memory, _peak()
            if timed and _too_near(grown):
                end = f"{size:,} were not tried: they might not fit into memory"
                break
            if timed and time.monotonic() - began > _SECONDS:
                end = f"{size:,} were not tried: out of time"
                break
            timed.append(_time(model, x[:size], y[:size]))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return _section([*_out_of_memory(size, batch_size)], timed)
    finally:
        still.restore()
    return _section([_in_words(timed, end, batch_size)], timed)


def _sizes(rows: int, own: int) -> Iterator[int]:
    """Give powers of two from 32, the configuration's own size among them, and all rows at last."""
    sizes = {min(own, rows), rows}
    size = _FIRST
    while size < rows:
        sizes.add(size)
        size *= 2
    yield from sorted(sizes)


def _time(model: Any, x: NDArray[Any], y: NDArray[Any]) -> _Timed:
    given = [keras.ops.convert_to_tensor(array) for array in (x, y)]
    # Twice: a second shape makes TensorFlow compile for all shapes.
    for _ in range(2):
        model.train_on_batch(*given)
    took: list[float] = []
    while len(took) < 3 or (sum(took) < _SECONDS_A_SIZE and len(took) < _MOST_REPEATS):
        began = time.perf_counter()
        model.train_on_batch(*given)
        took.append(time.perf_counter() - began)
        if sum(took) > _SECONDS:
            break
    return _Timed(size=len(x), seconds=float(np.median(took)))


def _peak() -> int:
    """Return the most memory this process has had, in bytes; 0 where that can't be asked."""
    try:
        import resource
    except ImportError:
        return 0
    # macOS counts bytes, Linux kilobytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _too_near(grown: int) -> bool:
    """Return whether a batch twice as large might take all memory, by how much the last doubling took.

    A machine without memory left kills processes instead of raising an error.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    left = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    return left is not None and 3 * grown > left


def _out_of_memory(size: int, own: int) -> Iterator[CheckFinding]:
    fits = f"the largest that fits is at least {size // 2:,}"
    if size <= own:
        text = f"{own:,} rows, the configuration's own batch size, do not fit into memory"
        hint = "Use smaller batches or a smaller model."
        yield CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint=hint)
    else:
        text = f"{size:,} rows do not fit into memory; {fits}"
        hint = f"Keep batch_size at or below {size // 2:,}."
        yield CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint=hint)


def _in_words(timed: list[_Timed], end: str, own: int) -> CheckFinding:
    fastest = max(timed, key=lambda one: one.rate)
    mine = next((one for one in timed if one.size == own), timed[-1])
    text = f"{timed[-1].size:,} rows fit ({end})"
    text += f"; {mine.rate:,.0f} examples/s at {mine.size:,}, fastest {fastest.rate:,.0f} at {fastest.size:,}"
    return CheckFinding(verdict=CheckVerdict.FINE, text=text)


def _section(findings: list[CheckFinding], timed: list[_Timed]) -> CheckSection:
    table = tuple(
        {
            "batch size": one.size,
            "step in ms": round(one.seconds * 1000, 3),
            "examples per second": round(one.rate),
        }
        for one in timed
    )
    proposals = {"largest_batch": float(timed[-1].size)} if timed else {}
    return CheckSection(findings=tuple(findings), table=table, proposals=proposals)
