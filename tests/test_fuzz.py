"""Odd values in every field of a study, odd bytes in every file: words and an exit code, no traceback."""

from __future__ import annotations

import ast
import contextlib
import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.hostile import CELLS, JSON, ODD, one_file, outside, said, set_cell
from support.studies import Recipe, build, confirm, versions

from hptune.errors import HptuneError, InputError, SpaceError
from hptune.space.files import parse_space
from hptune.study import Study

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
COMMANDS = (
    ["status", "s"],
    ["status", "s", "--json"],
    ["trials", "s", "--sort", "score"],
    ["trials", "s", "--csv"],
    ["show", "3", "--study", "s"],
    ["narrow", "s", "--dry-run"],
    ["report", "s", "-o", "r.html"],
    ["compare", "s", "s"],
    ["export", "s"],
    ["export", "s", "--format", "csv", "--top", "9"],
    ["export", "s", "--format", "json"],
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a study in one file, and beside it a folder that no command may touch."""
    top = tmp_path_factory.mktemp("fuzz")
    (top / "outside").mkdir()
    (top / "outside" / "victim").write_text("mine", encoding="utf-8")
    (top / "in").mkdir()
    study = build(top / "in" / "whole", Recipe(trials=9, running=1, notes={"budget": 300, **versions()}))
    confirm(study, [0.95, 0.94])
    study.close()
    one_file(top / "in" / "whole" / "study.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top / "in")
        yield top


@settings(QUICK, max_examples=250)
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 9), value=ODD, data=st.data())
def test_an_odd_value_in_any_field_of_a_study(
    place: Path, cell: tuple[str, str], row: int, value: object, data: st.DataObject
) -> None:
    table, column = cell
    shutil.rmtree("s", ignore_errors=True)
    shutil.copytree("whole", "s")
    assume(set_cell(Path("s/study.db"), table, column, row, value))
    before = outside(place)
    command = data.draw(st.sampled_from(COMMANDS))
    code, words = said(command)
    assert code in (0, 6), words
    assert "Traceback" not in words
    assert outside(place) == before


TEXT = st.text(max_size=60) | st.binary(max_size=60).map(lambda content: content.decode("latin-1"))
WORDS = (
    *"[]{}:,-&*!|>?#'\"%@`\n ",
    *("hyperparameters", "range", "lr", "choices", "when", "1e-3", "~", "true", "\n  ", ": ", "0x", "1_0"),
    *("!!int ", "!!float ", "!!set", "!x ", "&a ", "*a", "<<: ", "---\n", "..."),
)
YAMLISH = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@settings(QUICK, max_examples=300)
@given(TEXT | YAMLISH | YAMLISH.map(lambda text: f"hyperparameters:\n  lr: {{{text}}}\n"))
def test_any_text_as_a_space(text: str) -> None:
    with contextlib.suppress(SpaceError):
        parse_space(text)


@QUICK
@given(JSON)
def test_any_structure_as_a_space(content: object) -> None:
    for whole in (content, {"hyperparameters": content}, {"hyperparameters": {"lr": content}}):
        with contextlib.suppress(SpaceError):
            parse_space(json.dumps(whole))


@QUICK
@given(st.binary(max_size=80) | (TEXT | YAMLISH).map(str.encode))
def test_any_bytes_as_a_project_file(place: Path, content: bytes) -> None:
    Path("hptune.toml").write_bytes(content)
    try:
        code, words = said(["status", "whole"])
    finally:
        Path("hptune.toml").unlink()
    assert code in (0, 2), words
    assert "Traceback" not in words


@QUICK
@given(
    st.sampled_from(
        ["data", "trials", "study", "report.output", "search.study", "narrow.set", "status.every"]
    ),
    st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=2),
)
def test_any_value_in_a_project_file(place: Path, key: str, value: object) -> None:
    Path("hptune.toml").write_text(f"{key} = {json.dumps(value)}\n", encoding="utf-8")
    try:
        code, words = said([key.split(".")[0] if "." in key else "status", "whole", "--help"])
    finally:
        Path("hptune.toml").unlink()
    assert code in (0, 2, 3), words
    assert "Traceback" not in words


@QUICK
@given(content=st.binary(max_size=120), head=st.booleans())
def test_any_bytes_as_an_archive(place: Path, content: bytes, head: bool) -> None:
    import zipfile

    from hptune.data.npz import read_npz

    path = Path("x.npz")
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, (b"\x93NUMPY\x01\x00" if head else b"") + content)
    with contextlib.suppress(InputError):
        read_npz(path)
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_npz(path)


HEADS = st.fixed_dictionaries(
    {
        "descr": st.sampled_from(["<f8", "|O", "<U3", "|b1", "x", "<M8[s]", "|S2", "<f2", "|V4"]),
        "fortran_order": st.booleans() | st.integers(),
        "shape": st.lists(st.integers(-3, 2**40), max_size=3).map(tuple)
        | st.integers()
        | st.text(max_size=3),
    }
)


@QUICK
@given(HEADS)
def test_any_head_of_an_array(place: Path, head: dict[str, object]) -> None:
    import zipfile

    from hptune.data.npz import read_npz

    text = f"{head!r:<117}\n".encode("ascii", "replace")
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", member)
    with contextlib.suppress(InputError):
        read_npz(Path("x.npz"))


@QUICK
@given(
    name=st.sampled_from(["next-pass.yaml", "next-pass.proposal.json"]),
    content=st.binary(max_size=60) | YAMLISH.map(str.encode) | JSON.map(lambda c: json.dumps(c).encode()),
)
def test_any_bytes_as_the_next_pass(place: Path, name: str, content: bytes) -> None:
    from hptune.search.next_pass import propose_for, read_next_pass, write_next_pass

    shutil.rmtree("s", ignore_errors=True)
    shutil.copytree("whole", "s")
    with Study.open(Path("s")) as study:
        write_next_pass(study, propose_for(study))
        (Path("s") / name).write_bytes(content)
        with contextlib.suppress(HptuneError):
            read_next_pass(study)


NASTY = st.text(
    st.sampled_from([*"\"'\\\n\r\t{}%#`$;:,= ", "\x0b", "\u2028", "\u202e", "é", "a", "b"]),
    min_size=1,
    max_size=12,
)


@settings(QUICK, max_examples=25)
@given(
    names=st.lists(NASTY, min_size=2, max_size=2, unique_by=str.strip),
    labels=st.sets(NASTY, min_size=2, max_size=2),
)
def test_a_script_parses_whatever_columns_and_classes_are_called(
    place: Path, names: list[str], labels: set[str]
) -> None:
    from hptune.data import load_dataset
    from hptune.export.script import assemble
    from hptune.export.script_data import data

    first, second = sorted(labels)
    rows = [[number % 7 + 0.5, (first, second)[number % 2]] for number in range(40)]
    with Path('it\'s "\\one".csv').open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    try:
        dataset = load_dataset('it\'s "\\one".csv', target=names[1], validation=0.2, seed=0, task=None)
    except InputError:
        assume(False)
    part = data(dataset, skip_broken=False)
    tree = ast.parse(assemble(part))
    config = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG"
    )
    assert ast.literal_eval(config)["classes"] == list(dataset.classes)


@QUICK
@given(
    st.dictionaries(
        NASTY, NASTY | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.integers()
    )
)
def test_a_script_holds_the_values_as_they_are(values: dict[str, object]) -> None:
    from hptune.export.script import assemble
    from hptune.export.script_part import ScriptPart

    tree = ast.parse(assemble(ScriptPart(config={"values": values})))
    config = next(node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(config) == {"values": values}


def test_the_watched_folder_would_show_a_change(place: Path) -> None:
    before = outside(place)
    os.utime(place / "outside" / "victim", ns=(1, 1))
    assert outside(place) != before
    assert np.all([path.startswith(str(place)) for path in before])
