"""How an exported script reads NumPy archives, folders of images and a person's own Python files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hptune.data import Dataset
from hptune.data.images import SUFFIXES, own_validation_folder
from hptune.data.npz import array_names
from hptune.errors import DataError
from hptune.export.script_part import ScriptPart, code
from hptune.export.script_text import layout, literal

__all__ = ["image_folders", "images", "load_function", "npz_names"]

_READ_IMAGES = """
def read_images(folder):
    \"\"\"Return images, float32 from 0 to 1, and class codes, of a folder of folders.\"\"\"
    images, codes = [], []
    for code, name in enumerate(CLASSES):
        for file in sorted((folder / name).rglob("*")):
            if file.name.startswith(".") or file.suffix.lower() not in SUFFIXES:
                continue
            @0
            codes.append(code)
    @1
    return x.astype("float32") / np.float32(255), np.array(codes, dtype="int32")
"""

_SKIP_BROKEN = """
try:
    images.append(read_image(file))
except (OSError, SyntaxError, ValueError):
    print(f"Skipped {file}", file=sys.stderr)
    continue
"""

_READ_IMAGE = """
def read_image(file):
    \"\"\"Return an image as bytes, upright and of the size that the model takes.\"\"\"
    with Image.open(file, formats=("PNG", "JPEG")) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            # 16 bits a pixel.
            pixels = np.asarray(image).astype("uint32") >> 8
            image = Image.fromarray(pixels.astype("uint8"))
        image = image.convert(@0)
        return np.asarray(image.resize(SIZE, Image.Resampling.BILINEAR))
"""

_LOAD_FUNCTION = """
def load_function(name):
    \"\"\"Return what FILE.py:NAME names.\"\"\"
    file, name = name.rsplit(":", 1)
    path = Path(file).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return getattr(module, name)
"""


def load_function() -> ScriptPart:
    """Return `load_function`, which imports a file by its path."""
    imports = ("import importlib.util", "import sys", "from pathlib import Path")
    return ScriptPart(imports=imports, functions=(code(_LOAD_FUNCTION),))


def npz_names(path: Path, *, validation: bool) -> tuple[str, str]:
    """Return the names of x and y in an archive, or those of its validation rows."""
    with np.load(path, allow_pickle=False) as archive:
        names = array_names(archive.files)[1 if validation else 0]
    if names is None:
        raise DataError(f"{path}: the arrays that were searched are gone")
    return names


def image_folders(folder: Path) -> tuple[str, str]:
    """Return the names of the folders of training and of validation images inside one; "" for itself."""
    own = own_validation_folder(folder)
    return ("", "") if own is None else ("train", own.name)


def images(dataset: Dataset, *, skip_broken: bool) -> ScriptPart:
    """Return `read_images`, with the size and the channels of a data set."""
    height, width, channels = dataset.input_shape
    read = code(_SKIP_BROKEN) if skip_broken else "images.append(read_image(file))"
    shaped = f"x = np.stack(images).reshape(-1, {height}, {width}, {channels})"
    mode = "L" if channels == 1 else "RGB"
    return ScriptPart(
        imports=("from pathlib import Path", "from PIL import Image, ImageOps")
        + (("import sys",) if skip_broken else ()),
        needs=("pillow",),
        constants=(
            f"SUFFIXES = {literal(sorted(SUFFIXES))}",
            f"SIZE = ({width}, {height})  # Width and height.",
        ),
        functions=(
            code(_READ_IMAGE).replace("@0", literal(mode)),
            code(_READ_IMAGES, read, layout(shaped)),
        ),
    )
