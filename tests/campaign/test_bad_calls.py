"""Two hundred malformed calls: each ends with an error that is ours to give, none with a traceback."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from hptune.__main__ import run

pytestmark = pytest.mark.campaign

WORDS = [
    *("", " ", "-", "--", "nosuch", "0", "-1", "1e999", "nan", "../..", "/", "\x01", "é" * 300, "a\nb"),
    *("digits", "iris", "s", "x.csv", "x.parquet", "x.npz", "x.py:f", "x.py", ":", "max:", "min:val_loss"),
]
COMMANDS = [
    "search",
    "narrow",
    "status",
    "trials",
    "show",
    "report",
    "export",
    "confirm",
    "compare",
    "init",
    "check",
]
OPTIONS = [
    *("--target", "--space", "--study", "--model", "--objective", "--validation", "--trials", "--epochs"),
    *("--passes", "--seed", "--set", "--freeze", "--keep", "--format", "--top", "-o", "--oracle", "--cv"),
    *(
        "--batch-size",
        "--class-weight",
        "--max-time",
        "--trial-time",
        "--callbacks",
        "--learn-from",
        "--task",
    ),
]


@pytest.mark.parametrize("seed", range(10))
def test_malformed_calls_end_with_an_error(
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    count: Counter[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = random.Random(seed)
    for name in ("x.csv", "x.parquet", "x.npz", "x.py"):
        Path(name).write_bytes(rng.randbytes(rng.choice([0, 10, 400])))
    for _ in range(20):
        call = [rng.choice(COMMANDS), *rng.sample(WORDS, rng.randrange(3))]
        for option in rng.sample(OPTIONS, rng.randrange(1, 4)):
            call += [option, rng.choice(WORDS)]
        code = run([*call, "--dry-run"] if call[0] in ("search", "narrow") else call)
        err = capsys.readouterr().err
        assert code in (0, 2, 3, 4, 6), (call, err)
        assert "Traceback" not in err, call
        count["malformed calls"] += 1
