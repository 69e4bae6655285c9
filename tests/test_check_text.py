"""Reports of checks as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from hptune.check.report import CheckFinding, CheckReport, CheckSection, CheckVerdict
from hptune.cli.check_text import can_show_marks, report_text
from hptune.views.tables import to_json

REPORT = CheckReport(
    data="digits",
    model="net.py:build",
    values={"layers": 2},
    parameters=1234,
    backend="tensorflow",
    sections=(
        CheckSection(
            name="gradients",
            title="gradients against differences",
            findings=(
                CheckFinding(
                    verdict=CheckVerdict.WRONG,
                    text="square (Square): its gradient by its input says 2 where differences say 1",
                    hint="Correct it.",
                    layer="square",
                    where="net.py:7",
                ),
            ),
            table=({"tensor": "dense/kernel", "values": 8, "relative error": 0.5},),
        ),
        CheckSection(
            name="norms",
            title="gradient norms",
            findings=(CheckFinding(verdict=CheckVerdict.FINE, text="1 at the start"),),
            table=({"layer": "dense", "gradient at the start": 2.5e-5},),
            proposals={"clipnorm": 1.5},
        ),
    ),
    seconds=3.2,
)


def test_a_report_marks_each_finding_and_gives_hints_places_and_tables() -> None:
    assert report_text(REPORT) == (
        "digits with net.py:build: 1,234 weights, tensorflow\n"
        "\n"
        "✗ gradients against differences  square (Square): its gradient by its input says\n"
        "                                 2 where differences say 1 [net.py:7]\n"
        "                                   Correct it.\n"
        "✓ gradient norms                 1 at the start\n"
        "\n"
        "gradients against differences\n"
        "  tensor        values  relative error\n"
        "  dense/kernel       8             0.5\n"
        "\n"
        "gradient norms\n"
        "  layer  gradient at the start\n"
        "  dense               2.50e-05\n"
        "  where clipping may start, the 90th percentile of these steps: clipnorm 1.5\n"
        "\n"
        "1 wrong, 0 to look at, in 3 s"
    )


def test_a_page_is_at_most_80_columns_wide() -> None:
    tensor: Mapping[str, str | int | float | None] = {
        "tensor": "a_block_of_its_own/batch_normalization_12/gamma",
        "values": 1024,
        "relative error": 1.234e-8,
        "directions": 14,
        "at kinks": 2,
        "too small": 0,
        "verdict": "fine",
    }
    proposals = {"clipnorm": 12.345, "global_clipnorm": 23.456}
    gradients, norms = REPORT.sections
    wide = replace(
        REPORT, sections=(replace(gradients, table=(tensor,)), replace(norms, proposals=proposals))
    )
    lines = report_text(wide).splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if line.endswith("fine")]
    assert row.split()[0].startswith("..")
    assert row.split()[0].endswith("ormalization_12/gamma")


def test_counts_are_shown_where_there_is_something_to_count() -> None:
    rows: list[Mapping[str, str | int | float | None]] = [
        {"tensor": "a", "at kinks": 0, "too small": 0},
        {"tensor": "b", "at kinks": 3, "too small": 0},
    ]
    gradients, _ = REPORT.sections
    text = report_text(replace(REPORT, sections=(replace(gradients, table=tuple(rows)),)))
    assert "at kinks" in text
    assert "too small" not in text


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = report_text(REPORT, unicode=False)
    assert text.isascii()
    assert "X  gradients against differences" in text
    assert can_show_marks("utf-8")
    assert not can_show_marks("ascii")
    assert not can_show_marks("latin-1")
    assert not can_show_marks(None)


def test_json_has_a_version_and_a_verdict_per_check() -> None:
    content = json.loads(to_json({"check": REPORT.as_dict()}))
    assert content["version"] == 2
    assert content["check"]["verdict"] == "wrong"
    checks = content["check"]["checks"]
    assert checks["gradients"]["verdict"] == "wrong"
    assert checks["gradients"]["findings"][0]["where"] == "net.py:7"
    assert checks["norms"]["verdict"] == "fine"
    assert checks["norms"]["proposals"] == {"clipnorm": 1.5}
