"""A model that another package offers: the one that the documentation shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.cli.completion import complete_model
from hptune.study import Study

DOCS = Path(__file__).parent.parent / "docs" / "other-tools.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of the package, which is installed, with data beside it."""
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (module,) = [block for block in blocks if block.startswith("# my_models.py\n")]
    (points,) = [block for block in blocks if '"hptune.recipes"' in block]
    (point,) = re.findall(r'^(\S+) = "(\S+)"$', points, re.MULTILINE)
    about = tmp_path / "site" / "my_models-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my_models\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[hptune.recipes]\n{' = '.join(point)}\n")
    file = tmp_path / "site" / "my_models.py"
    file.write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    monkeypatch.chdir(tmp_path)
    return file


def test_it_is_searched_confirmed_and_exported_by_its_name(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["search", "iris", "--model", "one-layer", "--study", "s", "--epochs", "3"]
    assert run([*asked, "--trials", "2", "--passes", "1"]) == 0
    with Study.open(Path("s")) as study:
        assert study.identity.model == "one-layer"
        assert {hp.name for hp in study.passes()[0].space} == {"units", "learning_rate"}
    assert run(["confirm", "s", "--top", "1", "--seeds", "2"]) == 0
    assert run(["export", "s", "--format", "keras", "-o", "m.keras"]) == 0
    assert run(["export", "s", "--format", "python"]) == 2
    assert "which is a package's" in capsys.readouterr().err


def test_its_name_is_completed_and_corrected(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [item.value for item in complete_model(None, None, "one")] == ["one-layer"]  # type: ignore[arg-type]
    assert run(["search", "iris", "--model", "one-layr", "--study", "s"]) == 3
    assert "Did you mean 'one-layer'?" in capsys.readouterr().err


def test_a_package_that_can_not_be_loaded_is_named(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.write_text("import nothing_of_this_name\n")
    assert run(["search", "iris", "--model", "one-layer", "--study", "s"]) == 3
    said = capsys.readouterr().err
    assert "--model one-layer: its package can't be loaded: ModuleNotFoundError" in said
    assert "Traceback" not in said
