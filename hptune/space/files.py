"""Search spaces as files that people write and read: YAML 1.2, or JSON, which is part of it.

    name: mlp
    hyperparameters:
      learning_rate: {tier: 1, range: [1e-4, 1e-1], scale: log, default: 1e-3}
      momentum: {range: [0.5, 0.99], scale: log_complement, when: {optimizer: sgd}}
      batch_size: {type: int, range: [16, 256], scale: log, step: 2}
      optimizer: {choices: [sgd, adam]}
      batch_normalization: {type: boolean}
      weight_decay: {range: [1e-6, 1e-2], scale: log, zero: true}
      units_1: {range: [16, 512], when: {layers: ">= 2"}}
      patience: 5

Whatever is wrong ends in a SpaceError that names the file, the line, the key and what was found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune.errors import SpaceError, did_you_mean
from hptune.space.as_dict import space_from_dict, space_to_dict
from hptune.space.space import Space
from hptune.space.yaml_writer import dump_space

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = [
    "dump_space",
    "load_space",
    "located",
    "parse_space",
    "ready_space",
    "ready_spaces",
    "schema",
    "space_from_dict",
    "space_to_dict",
]


def parse_space(text: str, source: str = "<text>") -> Space:
    """Return the space that `text` describes; `source` names it in errors."""
    # ruamel.yaml and pydantic cost a tenth of a second: not before a space is read.
    from hptune.space.yaml_lines import read_yaml
    from hptune.space.yaml_reader import read_space

    return read_space(read_yaml(text, source))


def load_space(path: str | Path) -> Space:
    """Return the space in a YAML or JSON file."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SpaceError(
            f"{path}: there is no such file", hint=f"Ready spaces: {', '.join(sorted(ready_spaces()))}."
        ) from None
    except UnicodeDecodeError as error:
        raise SpaceError(f"{path}: not UTF-8 text (byte {error.start})", hint="Save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpaceError(f"{path}: can't be read: {reason}") from error
    return parse_space(text, str(path))


def located(error: SpaceError, path: str | Path) -> SpaceError:
    """Return an error of a hyperparameter with the line of the space file that it is about."""
    from hptune.space import yaml_reader
    from hptune.space.yaml_lines import read_yaml

    text = Path(path).read_text(encoding="utf-8-sig")
    return yaml_reader.located(error, read_yaml(text, str(path)))


def ready_spaces() -> dict[str, Traversable]:
    """Return the spaces that come with hptune: name → file."""
    from importlib.resources import files

    folder: Traversable = files("hptune") / "search_spaces"
    if not folder.is_dir():  # in a checkout they lie beside the package
        folder = Path(__file__).parents[2] / "search_spaces"
    if not folder.is_dir():
        return {}
    found = {
        file.name.removesuffix(".yaml"): file for file in folder.iterdir() if file.name.endswith(".yaml")
    }
    return dict(sorted(found.items()))


def ready_space(name: str) -> Space:
    """Return the space that comes with hptune under `name`."""
    found = ready_spaces()
    if name not in found:
        raise SpaceError(f"there is no ready space {name!r}", hint=did_you_mean(name, found))
    return parse_space(found[name].read_text(encoding="utf-8"), f"{name}.yaml")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a space file, for editors."""
    from hptune.space.schema import schema as made

    return made()
