from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hptune.data import SourceKind, Task, load_dataset, load_folds
from hptune.data.images import read_images
from hptune.errors import DataError
from hptune.search.task import SearchTask

GREY = (128,)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def image(
    file: Path,
    colour: tuple[int, ...] = RED,
    size: tuple[int, int] = (6, 4),
    mode: str = "",
    **options: object,
) -> None:
    """Write an image of one colour; `size` is width and height in pixels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = mode or ("L" if len(colour) == 1 else "RGB")
    Image.new(mode, size, colour[0] if len(colour) == 1 else colour).save(file, **options)


def folder(root: Path, rows: int = 10, **options: object) -> Path:
    for i in range(rows):
        image(root / "red" / f"{i:02}.png", RED, **options)  # type: ignore[arg-type]
        image(root / "blue" / f"{i:02}.jpg", BLUE, **options)  # type: ignore[arg-type]
    return root


def failure(source: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        load_dataset(str(source), **options)  # type: ignore[arg-type]
    return caught.value


def test_a_folder_of_folders_is_classes_of_images_from_0_to_1(tmp_path: Path) -> None:
    made = load_dataset(str(folder(tmp_path / "pictures")))
    assert made.name == "pictures"
    assert made.task is Task.BINARY
    assert made.classes == ("blue", "red")
    assert made.input_shape == (4, 6, 3)
    assert made.input_scale == 255
    assert made.train.x.dtype == np.float32
    for part in (made.train, made.validation):
        redder = part.x[..., 0].mean(axis=(1, 2)) > part.x[..., 2].mean(axis=(1, 2))
        np.testing.assert_array_equal(redder, part.y == 1)
        assert 0.9 < part.x.max() <= 1
    assert made.notes[1:] == (
        "images of 4 × 6 pixels, red, green and blue",
        "pixels are divided by 255, so that they are 0 to 1",
    )
    assert made.origin is not None
    assert made.origin.kind is SourceKind.IMAGES
    assert made.origin.image_size == (4, 6)


def test_images_that_are_all_grey_have_one_channel(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", GREY)
    image(tmp_path / "b" / "1.jpg", (200,))
    raw = read_images(tmp_path)
    assert raw.x.shape == (2, 4, 6, 1)
    assert int(raw.x[0].min()) == 128


def test_one_image_in_colour_gives_all_three_channels(tmp_path: Path) -> None:
    image(tmp_path / "a" / "1.png", GREY)
    image(tmp_path / "b" / "1.png", RED)
    raw = read_images(tmp_path)
    assert raw.x[0, 0, 0].tolist() == [128, 128, 128]
    assert raw.x[1, 0, 0].tolist() == [255, 0, 0]


def test_the_size_is_the_most_frequent_one_and_others_are_resized_to_it(tmp_path: Path) -> None:
    folder(tmp_path, size=(7, 5))
    image(tmp_path / "red" / "large.png", RED, size=(50, 50))
    raw = read_images(tmp_path)
    assert raw.x.shape == (21, 5, 7, 3)
    assert raw.notes == ("images of 5 × 7 pixels, red, green and blue; 1 of 21 were resized to that",)


def test_large_images_are_made_smaller_in_proportion(tmp_path: Path) -> None:
    folder(tmp_path, rows=1, size=(640, 480))
    assert read_images(tmp_path).image_size == (48, 64)


@pytest.mark.parametrize(("size", "shape"), [(9, (9, 9, 3)), ((3, 8), (3, 8, 3)), (100, (100, 100, 3))])
def test_a_size_may_be_asked_for(tmp_path: Path, size: int | tuple[int, int], shape: tuple[int, ...]) -> None:
    assert load_dataset(str(folder(tmp_path)), image_size=size).input_shape == shape


def test_only_images_of_a_folder_have_a_size_to_choose() -> None:
    with pytest.raises(DataError, match="digits: is no folder of images"):
        load_dataset("digits", as_images=True, image_size=9)


def test_a_search_and_what_it_is_loaded_by_again_keep_the_size(tmp_path: Path) -> None:
    task = SearchTask(data=str(folder(tmp_path / "data")), model="cnn", image_size=9, epochs=1)
    assert task.load_data().input_shape == (9, 9, 3)
    assert task.settings["image_size"] == 9
    assert "image_size" not in replace(task, image_size=None).settings


def test_a_size_of_nothing_is_refused(tmp_path: Path) -> None:
    assert failure(folder(tmp_path), image_size=0).message == "image size: 0 × 0 pixels is no size"


def test_making_an_image_smaller_averages_its_pixels(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 200
    (tmp_path / "a").mkdir()
    Image.fromarray(stripes).save(tmp_path / "a" / "1.png")
    raw = read_images(tmp_path, size=(8, 8))
    assert np.all(np.abs(np.asarray(raw.x)[:, 1:-1, 1:-1].astype(int) - 100) <= 2)


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    left_white = np.zeros((4, 6), dtype=np.uint8)
    left_white[:, :3] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter clockwise
    Image.fromarray(left_white).save(tmp_path / "a" / "1.png", exif=exif)
    raw = read_images(tmp_path)
    assert raw.x.shape == (1, 6, 4, 1)
    assert int(raw.x[0, 0, 0, 0]) == 255
    assert int(raw.x[0, 5, 0, 0]) == 0


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        pytest.param("RGBA", (255, 0, 0, 128), [255, 0, 0], id="transparency"),
        pytest.param("P", (0,), [0, 0, 0], id="palette"),
        pytest.param("1", (1,), [255], id="black and white"),
        pytest.param("LA", (77, 255), [77], id="grey and transparency"),
        pytest.param("I;16", (0x8000,), [128], id="16 bits"),
    ],
)
def test_images_of_every_mode_are_read(
    tmp_path: Path, mode: str, colour: tuple[int, ...], expected: list[int]
) -> None:
    image(tmp_path / "a" / "1.png", colour, mode=mode)
    assert read_images(tmp_path).x[0, 0, 0].tolist() == expected


def broken_folder(tmp_path: Path) -> Path:
    folder(tmp_path)
    (tmp_path / "red" / "empty.png").write_bytes(b"")
    (tmp_path / "red" / "text.jpg").write_text("no image")
    whole = (tmp_path / "red" / "00.png").read_bytes()
    (tmp_path / "blue" / "half.png").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def test_broken_files_are_named_and_refused(tmp_path: Path) -> None:
    error = failure(broken_folder(tmp_path))
    assert error.message.startswith(f"{tmp_path}: can't be read as images: ")
    assert "red/empty.png" in error.message
    assert "red/text.jpg" in error.message
    assert "skipped" in error.hint


def test_a_file_of_which_half_is_missing_is_broken_too(tmp_path: Path) -> None:
    broken_folder(tmp_path)
    (tmp_path / "red" / "empty.png").unlink()
    (tmp_path / "red" / "text.jpg").unlink()
    assert failure(tmp_path).message == f"{tmp_path}: can't be read as images: blue/half.png"


def test_broken_files_are_skipped_on_request_and_counted(tmp_path: Path) -> None:
    made = load_dataset(str(broken_folder(tmp_path)), skip_broken=True)
    assert made.train.rows + made.validation.rows == 20
    assert "3 broken image files were skipped" in made.notes
    for part in (made.train, made.validation):
        np.testing.assert_array_equal(part.x[:, 0, 0, 0] > 0.5, part.y == 1)


def test_many_broken_files_are_counted(tmp_path: Path) -> None:
    folder(tmp_path)
    for i in range(9):
        (tmp_path / "red" / f"z{i}.png").write_bytes(b"")
    assert failure(tmp_path).message.endswith("red/z3.png, red/z4.png and 4 more")


def test_a_folder_of_broken_files_alone_is_refused_even_if_they_may_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    message = failure(tmp_path, skip_broken=True).message
    assert message == f"{tmp_path}: not one of its 1 files can be read as an image"


def test_other_files_are_left_aside_and_counted(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "red" / "thumbs.db").write_text("hello")
    (tmp_path / "red" / ".hidden").write_text("hello")
    assert "2 files are neither PNG nor JPEG and were left aside" in load_dataset(str(tmp_path)).notes


def test_images_without_folders_for_their_classes_are_refused(tmp_path: Path) -> None:
    image(tmp_path / "1.png")
    error = failure(tmp_path)
    assert error.message == f"{tmp_path}: holds no folders"
    assert error.hint == "Put the images of each class in a folder of its own."


def test_a_class_without_images_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "green").mkdir()
    assert failure(tmp_path).message == f"{tmp_path / 'green'}: holds no PNG or JPEG files"


def test_one_class_is_refused(tmp_path: Path) -> None:
    for i in range(10):
        image(tmp_path / "only" / f"{i}.png")
    assert failure(tmp_path).message == f"{tmp_path.name}: the target has one class only, 'only'"


def test_a_validation_folder_gets_the_size_channels_and_classes_of_training(tmp_path: Path) -> None:
    for i in range(10):
        image(tmp_path / "train" / "a" / f"{i}.png", GREY)
        image(tmp_path / "train" / "b" / f"{i}.png", (10,))
    image(tmp_path / "held" / "b" / "1.png", RED, size=(30, 30))
    made = load_dataset(str(tmp_path / "train"), validation=str(tmp_path / "held"))
    assert made.train.x.shape == (20, 4, 6, 1)
    assert made.validation.x.shape == (1, 4, 6, 1)
    assert made.validation.y.tolist() == [1]


def test_a_class_that_training_has_not_is_refused_in_a_validation_folder(tmp_path: Path) -> None:
    folder(tmp_path / "train")
    image(tmp_path / "held" / "green" / "1.png")
    error = failure(tmp_path / "train", validation=str(tmp_path / "held"))
    assert error.message == f"{tmp_path / 'held'}: the training images have no class 'green'"


@pytest.mark.parametrize("name", ["val", "validation", "test"])
def test_a_folder_of_train_and_validation_brings_its_own_validation_rows(tmp_path: Path, name: str) -> None:
    folder(tmp_path / "set" / "train")
    folder(tmp_path / "set" / name, rows=2)
    made = load_dataset(str(tmp_path / "set"))
    assert (made.train.rows, made.validation.rows) == (20, 4)
    assert made.classes == ("blue", "red")
    assert f"validation: the 4 rows of set/{name}" in made.notes
    assert made.origin is not None
    assert made.origin.own_validation


def test_classes_may_be_named_train_and_test(tmp_path: Path) -> None:
    for i in range(10):
        image(tmp_path / "train" / f"{i}.png", RED)
        image(tmp_path / "test" / f"{i}.png", BLUE)
    assert load_dataset(str(tmp_path)).classes == ("test", "train")


def test_folders_of_images_have_folds(tmp_path: Path) -> None:
    folds = load_folds(str(folder(tmp_path)), folds=2)
    assert [fold.validation.rows for fold in folds] == [10, 10]


def test_without_pillow_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    error = failure(tmp_path)
    assert error.message == f"{tmp_path}: reading images needs Pillow, which is not installed"
    assert error.hint == "Install it: pip install pillow."


def test_nothing_heavy_is_imported_before_data_is_read() -> None:
    program = (
        "import sys, hptune.data, hptune.data.python_file, hptune.data.normalisation\n"
        "print([name for name in ('pandas', 'sklearn', 'scipy', 'PIL', 'pyarrow', 'tensorflow', 'keras')"
        " if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
