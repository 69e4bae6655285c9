from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

from hptune.data import load_dataset
from hptune.data.python_file import importable, is_function_spec, load_function
from hptune.errors import DataError, ModelError


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text)
    return file


def failure(spec: str) -> DataError:
    with pytest.raises(DataError) as caught:
        load_function(spec, error=DataError)
    return caught.value


def test_a_function_is_returned_as_it_is(tmp_path: Path) -> None:
    file = written(tmp_path, "def load():\n    return 42\n")
    assert load_function(f"{file}:load", error=DataError)() == 42


def test_a_class_and_an_instance_with_build_are_returned_as_they_are(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "class Hyper:\n    def build(self, hp):\n        return hp\n\nmade = Hyper()\n",
    )
    found = load_function(f"{file}:Hyper", error=ModelError)
    assert isinstance(found, type)
    assert found.__name__ == "Hyper"
    assert load_function(f"{file}:made", error=ModelError).build(7) == 7


def test_a_dataclass_of_the_file_can_be_made_although_annotations_are_text(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Pair:\n    x: int\n\ndef load():\n    return Pair(x=3).x\n",
    )
    assert load_function(f"{file}:load", error=DataError)() == 3


def test_the_file_is_run_anew_after_a_change_of_the_same_length(tmp_path: Path) -> None:
    file = written(tmp_path, "def load():\n    return 1\n")
    assert load_function(f"{file}:load", error=DataError)() == 1
    file.write_text("def load():\n    return 2\n")
    assert load_function(f"{file}:load", error=DataError)() == 2


def test_what_stands_beside_the_file_can_be_imported_and_nothing_leaks(tmp_path: Path) -> None:
    written(tmp_path / "a", "WHO = 'a'\n", "beside_it.py")
    written(tmp_path / "b", "WHO = 'b'\n", "beside_it.py")
    text = "import beside_it\n\ndef load():\n    return beside_it.WHO\n"
    path, modules = list(sys.path), set(sys.modules)
    loaded = [
        load_function(f"{written(tmp_path / folder, text)}:load", error=DataError) for folder in ("a", "b")
    ]
    assert [function() for function in loaded] == ["a", "b"]
    assert sys.path == path
    assert set(sys.modules) == modules


def test_a_late_import_finds_the_same_module_again(tmp_path: Path) -> None:
    written(tmp_path / "late_kit", "class A:\n    pass\n", "__init__.py")
    file = written(
        tmp_path,
        "import late_kit\n\ndef load():\n    from late_kit import A\n    return A is late_kit.A\n",
    )
    function = load_function(f"{file}:load", error=DataError)
    with importable(file):
        assert function()
    assert "late_kit" not in sys.modules


def test_modules_from_elsewhere_stay_imported(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere", "VALUE = 1\n", "far_away.py")
    file = written(
        tmp_path / "here",
        "import sys\n"
        f"sys.path.append({str(tmp_path / 'elsewhere')!r})\n"
        "import far_away\nsys.path.pop()\n\ndef load():\n    return far_away.VALUE\n",
    )
    try:
        assert load_function(f"{file}:load", error=DataError)() == 1
        assert "far_away" in sys.modules
    finally:
        sys.modules.pop("far_away", None)


def test_a_file_named_like_a_module_of_the_standard_library_does_not_replace_it(tmp_path: Path) -> None:
    import json

    file = written(tmp_path, "import json as real\n\ndef load():\n    return real.dumps([1])\n", "json.py")
    assert load_function(f"{file}:load", error=DataError)() == "[1]"
    assert sys.modules["json"] is json


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = failure(f"{tmp_path / 'none.py'}:load")
    assert error.message == f"{tmp_path / 'none.py'}: no such file"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dir.py").mkdir()
    assert "can't be read: Is a directory" in failure(f"{tmp_path / 'dir.py'}:load").message


def test_a_syntax_error_is_named_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "x = 1\ndef load(:\n    pass\n")
    message = failure(f"{file}:load").message
    assert message.startswith(f"{file}:2: not valid Python: ")
    assert message.endswith("def load(:")


@pytest.mark.parametrize(
    "content", [pytest.param(b"x = '\xff'\n", id="not UTF-8"), pytest.param(b"x = 1\0\n", id="a NUL byte")]
)
def test_bytes_that_are_no_python_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(content)
    assert "not valid Python" in failure(f"{file}:load").message


def test_a_failing_import_is_told_with_the_line_and_the_last_line_of_its_traceback(tmp_path: Path) -> None:
    file = written(tmp_path, "\nimport no_such_module_at_all\n")
    assert failure(f"{file}:load").message == (
        f"{file}:2: running the file failed: ModuleNotFoundError: No module named 'no_such_module_at_all'"
    )


def test_a_failing_file_leaves_no_module_behind(tmp_path: Path) -> None:
    modules = set(sys.modules)
    failure(f"{written(tmp_path, 'raise ValueError(1)')}:load")
    assert set(sys.modules) == modules


def test_a_file_that_exits_is_an_error_and_not_an_exit(tmp_path: Path) -> None:
    file = written(tmp_path, "import sys\nsys.exit(0)\n")
    assert failure(f"{file}:load").message == f"{file}:2: running the file failed: SystemExit: 0"


def test_a_misspelt_function_gets_the_nearest_name(tmp_path: Path) -> None:
    file = written(tmp_path, "from pathlib import Path\n\ndef load_data():\n    pass\n")
    error = failure(f"{file}:lod_data")
    assert error.message == f"{file}: has no function 'lod_data'"
    assert error.hint == "Did you mean 'load_data'?"


def test_what_was_only_imported_is_not_suggested(tmp_path: Path) -> None:
    file = written(tmp_path, "from pathlib import Path\n\ndef load():\n    pass\n")
    assert failure(f"{file}:zzz").hint == "Known: load."


def test_a_file_without_functions_says_so(tmp_path: Path) -> None:
    assert failure(f"{written(tmp_path, 'x = 1')}:load").hint == "The file defines no function."


def test_a_file_without_the_name_of_a_function_says_how_to_name_one(tmp_path: Path) -> None:
    file = written(tmp_path, "def load():\n    pass\n")
    assert failure(str(file)).message == f"{file}: name the function to use, as in {file}:load"


def test_a_value_that_is_no_function_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "load = 3\n")
    assert failure(f"{file}:load").message == f"{file}:load: is an int, not a function or a class"


def test_the_error_is_of_the_class_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_function(f"{tmp_path / 'none.py'}:build", error=ModelError)
    with pytest.raises(ModelError, match="not a Python file and function"):
        load_function("mlp", error=ModelError)


@pytest.mark.parametrize(
    ("source", "is_spec"),
    [
        ("a.py:f", True),
        ("a.py", True),
        ("x/y.py:g", True),
        ("digits", False),
        ("a.csv", False),
        ("a.pyx", False),
    ],
)
def test_a_python_file_is_told_from_other_sources(source: str, is_spec: bool) -> None:
    assert is_function_spec(source) is is_spec


def test_what_is_drawn_without_a_seed_is_the_same_each_time(tmp_path: Path) -> None:
    """In workers, and when a search is resumed, a file must give what it gave before."""
    file = tmp_path / "d.py"
    file.write_text(
        "import random\n\nimport numpy as np\n\nATTRIBUTES = random.random(), np.random.rand()\n\n\n"
        "def load():\n    return np.random.rand(20, 2), np.arange(20) % 2\n\n\n"
        "def of_the_file():\n    return ATTRIBUTES\n",
        encoding="utf-8",
    )
    random.seed(1)
    np.random.seed(1)
    before = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    drawn = [load_function(f"{file}:of_the_file", error=DataError)() for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert (random.random(), np.random.rand()) == before
    assert len({load_dataset(f"{file}:load").fingerprint for _ in range(2)}) == 1
