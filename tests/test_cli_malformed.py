"""Names that no file can have, spaces and archives that no tool should try to read: each ends in words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hptune.__main__ import run

LONG = "a" * 300


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().rglob("*"))
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert "a bug in hptune" not in captured.err
    assert captured.out == ""
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["search", "iris", "--study", ""], 2, "'' is empty", id="study of no name"),
        pytest.param(["search", "iris", "--study", "a\x01b"], 2, "holds control characters", id="control"),
        pytest.param(["search", "iris", "--study", "a\udcffb"], 2, r"b'a\xffb' is not UTF-8", id="bytes"),
        pytest.param(["search", "iris", "--study", LONG], 2, "longer than file systems take", id="long"),
        pytest.param(["status", LONG], 2, "longer than file systems take", id="long study"),
        pytest.param(["status", ""], 2, "is empty", id="empty study"),
        pytest.param(["report", "-o", LONG], 2, "longer than file systems take", id="long output"),
        pytest.param(["search", f"{LONG}.csv"], 3, "longer than file systems take", id="long data"),
        pytest.param(["search", "iris", "--space", LONG], 3, "File name too long", id="long space"),
        pytest.param(
            ["search", "iris", "--validation", f"{LONG}.csv"], 3, "longer than", id="long validation"
        ),
    ],
)
def test_a_name_that_no_file_has(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(arguments, code, said, capsys)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        pytest.param('data = "a\\u0000b"', "hptune.toml:1: data holds a null byte", id="data"),
        pytest.param(
            '[report]\noutput = "a\\u0000b"', "hptune.toml:2: output holds a null byte", id="output"
        ),
    ],
)
def test_a_null_byte_in_the_project_file(setting: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("hptune.toml").write_text(f"{setting}\n", encoding="utf-8")
    refused(["report"] if "report" in setting else ["search"], 2, said, capsys)


def test_a_project_file_that_is_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hptune.toml").mkdir()
    refused(["status"], 2, "hptune.toml: not a file", capsys)


BOMB = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}' if before else 'x'] * 9)}]\n"
    for before, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"hyperparameters:\n  lr: {'9' * 5000}", "s.yaml:2: lr: '9999", id="digits"),
        pytest.param(f"hyperparameters:\n  lr: {'9' * 400}", "is too large a number", id="large"),
        pytest.param(f"hyperparameters: {'[' * 10_000}{']' * 10_000}", "nested too deeply", id="lists"),
        pytest.param(
            f"hyperparameters: {'{a: ' * 10_000}1{'}' * 10_000}", "nested too deeply", id="mappings"
        ),
        pytest.param("hyperparameters:\n  lr: !!int abc", "s.yaml:2: lr: 'abc' is not a number", id="int"),
        pytest.param("hyperparameters:\n  lr: !!float abc", "'abc' is not a number", id="float"),
        pytest.param(f"{BOMB}hyperparameters: {{x: {{choices: *i}}}}", "aliases repeat too much", id="bomb"),
    ],
)
def test_a_space_that_should_not_be_read(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.yaml").write_text(text, encoding="utf-8")
    refused(["search", "iris", "--space", "s.yaml"], 3, said, capsys)


def test_an_alias_or_two_may_be_used() -> None:
    from hptune.space.files import parse_space

    space = parse_space("hyperparameters:\n  a: {choices: &c [1, 2]}\n  b: {choices: *c}\n")
    assert space["a"].size == space["b"].size == 2


def header(shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return out.getvalue()


def archive(x: bytes) -> None:
    y = io.BytesIO()
    np.save(y, np.zeros(40, int))
    with zipfile.ZipFile("x.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", x)
        file.writestr("y.npy", y.getvalue())


@pytest.mark.parametrize(
    ("x", "said"),
    [
        pytest.param(header((10**12,)), "x claims 1000000000000 values", id="rows that are not there"),
        pytest.param(header((-5, 2)), "can't be read as a NumPy archive", id="less than none"),
        pytest.param(b"\x93NUMPY", "can't be read as a NumPy archive", id="cut"),
    ],
)
def test_an_archive_that_claims_what_it_has_not(
    x: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(x)
    refused(["search", "x.npz", "--dry-run"], 3, said, capsys)


def test_an_archive_larger_than_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hptune.data.npz.machine_memory", lambda: 1000)
    archive(header((40, 100)) + bytes(40 * 100 * 8))
    refused(["search", "x.npz", "--dry-run"], 3, "more than there is memory", capsys)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param("M8[D]", "x holds dates", id="dates"),
        pytest.param("m8[s]", "x holds time spans", id="spans"),
        pytest.param([("a", "f4"), ("b", "f4")], "x holds records", id="records"),
        pytest.param("c8", "x holds complex numbers", id="complex"),
    ],
)
def test_an_archive_of_what_no_model_learns_from(
    kind: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez("x.npz", x=np.zeros(40, kind), y=np.zeros(40, int))  # type: ignore[call-overload]
    refused(["search", "x.npz", "--dry-run"], 3, said, capsys)


def test_null_bytes_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_bytes(b"a,b\n1,x\n2,\x00\n" * 20)
    refused(["search", "t.csv", "--dry-run"], 3, "t.csv: line 3 holds a null byte", capsys)


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        pytest.param("nosuch", "KERAS_BACKEND=nosuch: is no backend that Keras trains on", id="unknown"),
        pytest.param("jax", "KERAS_BACKEND=jax: is not installed", id="missing"),
    ],
)
def test_a_backend_that_is_not_there(
    backend: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    from hptune.errors import InputError
    from hptune.models import backend as loaded

    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "tensorflow" or None)
    with pytest.raises(InputError, match=said) as error:
        loaded._require_backend()
    assert error.value.hint == "Installed here: tensorflow."


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["report", "s", "-o", "locked/r.html"], id="report"),
        pytest.param(["export", "s", "-o", "locked/b.yaml"], id="export"),
        pytest.param(["compare", "s", "s", "-o", "locked/c.html"], id="compare"),
    ],
)
def test_an_output_that_can_not_be_written(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from support.studies import Recipe, build

    build(Path("s"), Recipe(trials=3, passes=1)).close()
    Path("locked").write_text("", encoding="utf-8")
    assert run(arguments) == 3
    assert "can't be written" in capsys.readouterr().err
