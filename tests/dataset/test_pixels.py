"""Reading pixels from the files that an image lies in, and the hashes that are noted on the way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.files import image_files
from piximi_widgets.dataset.files.decoded import DecodedImages
from piximi_widgets.dataset.files.pixels import pixel_hash
from piximi_widgets.dataset.sql import files
from piximi_widgets.dataset.sql import images as image_sql
from piximi_widgets.dataset.sql.images import ImageFile, NewImage
from piximi_widgets.errors import ImageReadError

random = np.random.default_rng(11)


def insert(dataset: Dataset, **values: object) -> int:
    """Add a row as importers do, and return its id."""
    row = {"name": "image", "height": 6, "width": 5, "channels": 1, "planes": 1, "dtype": "uint8", **values}
    with dataset._database.write() as connection:
        (image_id,) = image_sql.insert(connection, [NewImage(**row)])  # type: ignore[arg-type]
    assert image_id is not None
    return image_id


def tiff(path: Path, shape: tuple[int, ...] = (6, 5), dtype: str = "uint16") -> np.ndarray:
    """Write random values as a TIFF and return them."""
    values = random.integers(0, 60000, shape).astype(dtype)
    tifffile.imwrite(path, values, photometric="minisblack")
    return values


def stored_rows(dataset: Dataset) -> list[tuple]:
    """(id, pixel hash, size, mtime) as another program reads them."""
    connection = sqlite3.connect(dataset.path / "project.db")
    try:
        return connection.execute("SELECT id, pixel_hash, size, mtime_ns FROM image ORDER BY id").fetchall()
    finally:
        connection.close()


def independent_hash(values: np.ndarray) -> bytes:
    """The documented hash: shape, little-endian type, newline, values."""
    little = values.astype(values.dtype.newbyteorder("<"))
    return hashlib.sha256(f"{values.shape} {little.dtype.str}\n".encode() + little.tobytes()).digest()


class Decoder:
    """Counts how often each file is decoded; waits a moment, as a large file would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
        self.count: Counter[str] = Counter()
        real = image_files.read_pixels

        def read(path, **options):
            self.count[Path(path).name] += 1
            time.sleep(seconds)
            return real(path, **options)

        monkeypatch.setattr(image_files, "read_pixels", read)


# -- several files ---------------------------------------------------------------------------------


def test_files_are_joined_as_channels_and_planes(dataset, tmp_path):
    """In a grid of 2 planes and 3 files a row's files are channels, and the rows are planes."""
    values = [tiff(tmp_path / f"{n}.tif") for n in range(6)]
    stored = [f"../{n}.tif" for n in range(6)]
    image_id = insert(
        dataset,
        path=stored[0],
        files=tuple(ImageFile(path) for path in stored[1:]),
        reading='{"grid": [2, 3]}',
        channels=3,
        planes=2,
        dtype="uint16",
    )
    pixels = dataset.pixels(image_id)
    assert pixels.shape == (2, 6, 5, 3)
    for plane in range(2):
        for channel in range(3):
            assert np.array_equal(pixels[plane, ..., channel], values[plane * 3 + channel])
    pixels[:] = 0


def test_files_without_a_grid_are_channels_of_one_plane(dataset, tmp_path):
    """Each file may have channels of its own."""
    first, second = tiff(tmp_path / "a.tif", (6, 5, 3), "uint8"), tiff(tmp_path / "b.tif", (6, 5, 3), "uint8")
    for name in "ab":
        values = first if name == "a" else second
        tifffile.imwrite(tmp_path / f"{name}.tif", values, photometric="rgb")
    image_id = insert(dataset, path="../a.tif", files=(ImageFile("../b.tif"),), channels=6)
    assert np.array_equal(dataset.pixels(image_id)[0], np.concatenate([first, second], axis=-1))


@pytest.mark.parametrize(("shape", "dtype"), [((6, 4), "uint16"), ((6, 5), "uint8")])
def test_files_that_do_not_fit_together_are_named(dataset, tmp_path, shape, dtype):
    """One shape and dtype for all; the file that differs is named with both."""
    tiff(tmp_path / "a.tif")
    tiff(tmp_path / "b.tif", shape, dtype)
    image_id = insert(dataset, path="../a.tif", files=(ImageFile("../b.tif"),), channels=2, dtype="uint16")
    with pytest.raises(ImageReadError, match=r"b\.tif: .*1 x 6 x [45] x 1 values.*a\.tif.*remove_images"):
        dataset.pixels(image_id)


def test_a_missing_further_file_is_named(dataset, tmp_path):
    """The file that is gone is named, not the first one; a wrong number of files is refused."""
    tiff(tmp_path / "a.tif")
    image_id = insert(dataset, path="../a.tif", files=(ImageFile("../b.tif"),), channels=2, dtype="uint16")
    with pytest.raises(ImageReadError, match=r"b\.tif: there is no such file any more.*relink"):
        dataset.pixels(image_id)
    wrong = insert(dataset, path="../c.tif", files=(ImageFile("../b.tif"),), reading='{"grid": [2, 2]}')
    with pytest.raises(ImageReadError, match="2 planes of 2 files each, and has 2 files"):
        dataset.pixels(wrong)


def test_the_reading_is_passed_on(dataset, tmp_path, monkeypatch):
    """What the file does not say itself reaches the reader, for each file; what was not given does not."""
    seen = []

    def read(path, **options):
        seen.append((Path(path).name, options))
        return np.zeros((1, 6, 5, 1), np.uint8)

    monkeypatch.setattr(image_files, "read_pixels", read)
    plain = insert(dataset, path="../a.tif")
    told = insert(
        dataset,
        path="../b.tif",
        files=(ImageFile("../c.tif"),),
        channels=2,
        reading=json.dumps({"axes": "ZCYX", "channels": 4, "grid": [1, 2]}),
    )
    dataset.pixels(plain)
    dataset.pixels(told)
    both = {"axes": "ZCYX", "channels": 4}
    assert seen == [("a.tif", {}), ("b.tif", both), ("c.tif", both)]


@pytest.mark.parametrize(("shape", "dtype"), [((7, 5), "uint16"), ((6, 5), "uint8"), ((2, 6, 5), "uint16")])
def test_a_file_of_another_shape_than_it_had_is_refused(dataset, tmp_path, shape, dtype):
    """Both shapes and what to do are said; after that advice the image is there again."""
    tiff(tmp_path / "a.tif")
    dataset.add_images(tmp_path / "a.tif")
    values = tiff(tmp_path / "a.tif", shape, dtype)
    with pytest.raises(ImageReadError, match="has changed since it was added") as caught:
        dataset.pixels(1)
    height, planes = shape[-2], shape[0] if len(shape) == 3 else 1
    assert f"{planes} x {height} x 5 x 1 values of {dtype}" in str(caught.value)
    assert "1 x 6 x 5 x 1 values of uint16" in str(caught.value)
    dataset.remove_images(1)
    (again,) = dataset.add_images(tmp_path / "a.tif").added
    assert np.array_equal(dataset.pixels(again).squeeze(), values)


def test_a_block_that_is_too_short_is_refused(dataset):
    """An index beyond the end of a damaged block is an error of ours."""
    dataset.add_images(np.zeros((3, 6, 5), np.uint8))
    (block,) = (dataset.path / "images").glob("*.npy")
    np.save(block, np.zeros((2, 6, 5), np.uint8)[..., None][:, None])
    with pytest.raises(ImageReadError, match="2 images"):
        dataset.pixels(3)


# -- crops -----------------------------------------------------------------------------------------


def crop(dataset: Dataset, parent: int, region: list[int], channels: int = 1, **values: object) -> int:
    """Add a crop of a parent."""
    return insert(
        dataset,
        parent_id=parent,
        region=json.dumps(region),
        height=region[2],
        width=region[3],
        channels=channels,
        kind="cell",
        **values,
    )


def padded(values: np.ndarray, region: list[int]) -> np.ndarray:
    """The region, cut from the values with a wide margin of zeros around them."""
    top, left, height, width = region
    wide = np.pad(values, 50)
    return wide[top + 50 : top + 50 + height, left + 50 : left + 50 + width]


@pytest.mark.parametrize(
    "region",
    [
        [2, 3, 4, 5],
        [0, 0, 20, 30],
        [-3, -4, 8, 9],
        [15, 25, 10, 10],
        [-5, 5, 40, 3],
        [30, 40, 4, 4],
        [-9, -9, 4, 4],
    ],
    ids=str,
)
@pytest.mark.parametrize("source", ["file", "array"])
def test_crops_are_cut_from_their_parent(dataset, tmp_path, region, source):
    """Beyond the parent's edges all is 0; the result is a copy that may be written."""
    values = random.integers(1, 60000, (20, 30)).astype(np.uint16)
    if source == "file":
        tifffile.imwrite(tmp_path / "field.tif", values)
        (parent,) = dataset.add_images(tmp_path / "field.tif").added
    else:
        (parent,) = dataset.add_images(values[None]).added
    cell = crop(dataset, parent, region, dtype="uint16")
    pixels = dataset.pixels(cell)
    assert pixels.shape == (1, region[2], region[3], 1)
    assert np.array_equal(pixels[0, ..., 0], padded(values, region))
    pixels[:] = 7
    assert np.array_equal(dataset.pixels(cell)[0, ..., 0], padded(values, region))
    assert np.array_equal(dataset.pixels(parent)[0, ..., 0], values)


def test_crops_of_a_removed_parent_and_of_a_crop(dataset, tmp_path):
    """A parent that was taken out still gives its crops their pixels; crops may be cut from crops."""
    values = tiff(tmp_path / "field.tif", (20, 30))
    (parent,) = dataset.add_images(tmp_path / "field.tif").added
    cell = crop(dataset, parent, [2, 3, 10, 12], dtype="uint16")
    inner = crop(dataset, cell, [1, 1, 4, 4], dtype="uint16")
    dataset.remove_images(parent)
    assert np.array_equal(dataset.pixels(cell)[0, ..., 0], values[2:12, 3:15])
    assert np.array_equal(dataset.pixels(inner)[0, ..., 0], values[3:7, 4:8])


def test_a_parent_is_decoded_once_for_all_its_crops(dataset, tmp_path, monkeypatch):
    """300 crops on 8 threads decode their field once, and anew when its file was written anew."""
    values = tiff(tmp_path / "field.tif", (64, 64))
    (parent,) = dataset.add_images(tmp_path / "field.tif").added
    cells = [crop(dataset, parent, [n % 40, n % 50, 8, 8], dtype="uint16") for n in range(300)]
    decoder = Decoder(monkeypatch, 0.05)
    wrong = []

    def read(part: list[int]) -> None:
        for cell in part:
            n = cell - cells[0]
            if not np.array_equal(
                dataset.pixels(cell)[0, ..., 0], values[n % 40 : n % 40 + 8, n % 50 : n % 50 + 8]
            ):
                wrong.append(cell)

    threads = [threading.Thread(target=read, args=(cells[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert decoder.count == {"field.tif": 1}
    os.utime(tmp_path / "field.tif", ns=(1, 1))
    dataset.pixels(cells[0])
    assert decoder.count == {"field.tif": 2}


def test_crops_say_what_is_wrong_with_their_parent(dataset, tmp_path):
    """A field that is gone is named by its path."""
    tiff(tmp_path / "field.tif", (20, 30))
    (parent,) = dataset.add_images(tmp_path / "field.tif").added
    cell = crop(dataset, parent, [0, 0, 4, 4], dtype="uint16")
    (tmp_path / "field.tif").unlink()
    for _ in range(2):
        with pytest.raises(ImageReadError, match=r"field\.tif: there is no such file any more"):
            dataset.pixels(cell)
    tiff(tmp_path / "field.tif", (20, 31))
    with pytest.raises(ImageReadError, match="has changed"):
        dataset.pixels(cell)


def test_decoded_images_are_bounded():
    """The oldest go first; the newest stays even when it is larger than the bound."""
    made: list[object] = []

    def make(size: int):
        def decode() -> np.ndarray:
            made.append(size)
            return np.zeros(size, np.uint8)

        return decode

    images = DecodedImages(bytes=100)
    for key in ("a", "b", "a", "c"):
        images.get(key, make(40))
    images.get("a", make(40))
    assert made == [40, 40, 40], "a was asked for last before c came, so that b had to go"
    images.get("b", make(40))
    assert len(made) == 4
    images.get("large", make(500))
    images.get("large", make(500))
    assert made[4:] == [500]
    images.get("b", make(40))
    assert made[5:] == [40]
    with pytest.raises(ValueError, match="read-only"):
        images.get("b", make(40))[0] = 1

    def fail() -> np.ndarray:
        raise ImageReadError("no")

    for _ in range(2):
        with pytest.raises(ImageReadError):
            images.get("bad", fail)
    assert images.get("bad", make(3)).size == 3


# -- hashes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", ">u2", "int32"])
def test_the_pixel_hash_is_the_documented_one(dtype):
    """Equal for equal values on machines of either byte order."""
    values = random.integers(0, 200, (2, 3, 4, 2)).astype(dtype)
    assert pixel_hash(values) == independent_hash(values)
    assert pixel_hash(values) != pixel_hash(values.reshape(1, 6, 4, 2))


def test_hashes_are_noted_when_pixels_are_read(dataset, tmp_path):
    """Thumbnail and pixels() note the hash in the background; images that nobody looked at have none."""
    values = [tiff(tmp_path / f"{n}.tif") for n in range(3)]
    dataset.add_images([tmp_path / f"{n}.tif" for n in range(3)])
    dataset.pixels(1)
    # The contrast of a first thumbnail is chosen from all images; those of bytes show no others.
    dataset.thumbnail(2)
    deadline = time.monotonic() + 20
    while stored_rows(dataset)[1][1] is None and time.monotonic() < deadline:
        time.sleep(0.05)
    rows = stored_rows(dataset)
    for image_id in (1, 2):
        assert rows[image_id - 1][1] == independent_hash(values[image_id - 1][None, :, :, None])


def test_waiting_hashes_are_written_by_close(tmp_path, picture):
    """Closing does not lose what was noted a moment ago, and the thread has ended then."""
    paths = [picture(tmp_path / f"{n}.png") for n in range(450)]
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(paths)
        assert {row[1] for row in stored_rows(dataset)} == {None}
        for image_id in range(1, 451):
            dataset.pixels(image_id)
    assert not [thread for thread in threading.enumerate() if thread.name == "piximi-hashes"]
    for (_, digest, *_), path in zip(stored_rows(dataset), paths, strict=True):
        assert digest == independent_hash(np.asarray(Image.open(path))[None, :, :, None])


def test_the_thread_ends_when_nothing_is_read(dataset, tmp_path, picture, monkeypatch):
    """A project that lies open costs no thread, and notes hashes again when somebody looks."""
    from piximi_widgets.dataset.files import hashing

    monkeypatch.setattr(hashing, "_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(hashing, "_SECONDS_BETWEEN_COMMITS", 0.05)
    dataset.add_images([picture(tmp_path / "a.png"), picture(tmp_path / "b.png")])
    for image_id in (1, 2):
        dataset.pixels(image_id)
        deadline = time.monotonic() + 20
        while dataset._witness._thread is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert dataset._witness._thread is None
        assert stored_rows(dataset)[image_id - 1][1] is not None


def test_crops_and_joined_images_get_hashes(tmp_path):
    """A crop's hash is that of its region, its parent gets one too; joined images are hashed as one."""
    with Dataset(tmp_path / "cells") as dataset:
        field = tiff(tmp_path / "field.tif", (20, 30))
        dataset.add_images(tmp_path / "field.tif")
        crop(dataset, 1, [-1, 2, 4, 5], dtype="uint16")
        a, b = tiff(tmp_path / "a.tif"), tiff(tmp_path / "b.tif")
        insert(dataset, path="../a.tif", files=(ImageFile("../b.tif"),), channels=2, dtype="uint16")
        dataset.pixels(2)
        dataset.pixels(3)
    hashes = [row[1] for row in stored_rows(dataset)]
    assert hashes == [
        independent_hash(field[None, :, :, None]),
        independent_hash(padded(field, [-1, 2, 4, 5])[None, :, :, None]),
        independent_hash(np.stack([a, b], axis=-1)[None]),
    ]
    connection = sqlite3.connect(dataset.path / "project.db")
    assert stored_rows(dataset)[1][2:] == stored_rows(dataset)[0][2:], "a crop's file is its parent's"
    status = os.stat(tmp_path / "b.tif")
    assert connection.execute("SELECT size, mtime_ns FROM file").fetchall() == [
        (status.st_size, status.st_mtime_ns)
    ]
    connection.close()


def test_a_changed_field_is_noticed_by_its_crops(tmp_path):
    """A crop's own hash tells whether its part of the field changed; both are listed then."""
    values = tiff(tmp_path / "field.tif", (20, 30))
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(tmp_path / "field.tif")
        cells = [crop(dataset, 1, [0, left, 5, 5], dtype="uint16") for left in (0, 10)]
        for cell in cells:
            dataset.pixels(cell)
    values[0, 12] += 1
    tifffile.imwrite(tmp_path / "field.tif", values)
    os.utime(tmp_path / "field.tif", ns=(7, 7))
    with Dataset(tmp_path / "cells") as dataset:
        with pytest.warns(UserWarning, match="image 1 holds other pixels"):
            pixels = [dataset.pixels(cell) for cell in cells]
        assert dataset.changed_files() == [1, cells[1]]
        assert np.array_equal(pixels[1][0, ..., 0], values[:5, 10:15])
    assert [row[3] == 7 for row in stored_rows(dataset)] == [False, True, False]


def test_nothing_is_hashed_twice(tmp_path, picture, monkeypatch):
    """While a file's size and time stay its hash is not made again, in a later session either."""
    from piximi_widgets.dataset.files import hashing

    calls = []
    monkeypatch.setattr(hashing, "pixel_hash", lambda pixels: calls.append(1) or pixel_hash(pixels))
    path = picture(tmp_path / "a.png")
    for _ in range(2):
        with Dataset(tmp_path / "cells") as dataset:
            dataset.add_images(path)
            for _ in range(3):
                dataset.pixels(1)
    assert len(calls) == 1


def test_a_touched_file_gets_its_new_time(tmp_path, picture):
    """The same pixels written anew change nothing but the noted size and time, without a word."""
    path = picture(tmp_path / "a.png")
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(path)
        dataset.pixels(1)
    values = np.asarray(Image.open(path))
    path.write_bytes(path.read_bytes() + b"what follows a PNG's end is not part of the picture")
    os.utime(path, ns=(5, 123456789))
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.missing_files()["state"].tolist() == ["changed"]
        dataset.pixels(1)
        assert dataset.changed_files() == []
    ((_, digest, size, mtime_ns),) = stored_rows(dataset)
    assert (digest, size, mtime_ns) == (
        independent_hash(values[None, :, :, None]),
        path.stat().st_size,
        123456789,
    )


def test_a_changed_file_is_noticed(tmp_path, picture):
    """Other pixels of the same shape: one warning, the old hash stays, the image is listed."""
    paths = [picture(tmp_path / f"{n}.png") for n in range(3)]
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(paths)
        for image_id in (1, 2, 3):
            dataset.pixels(image_id)
    before = stored_rows(dataset)
    shutil.copy(paths[0], tmp_path / "old.png")
    shutil.copy2(paths[1], tmp_path / "old1.png")
    for path in paths[:2]:
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
        os.utime(path, ns=(7, 7))
    with Dataset(tmp_path / "cells") as dataset:
        with pytest.warns(UserWarning, match=r"0\.png: .* image 1 holds other pixels") as caught:
            _ = [dataset.pixels(image_id) for image_id in (1, 2, 3, 1)]
        assert len(caught) == 1
        assert dataset.changed_files() == [1, 2]
        assert dataset.missing_files()["state"].tolist() == ["changed", "changed"]
        shutil.copy(tmp_path / "old.png", paths[0])
        dataset.pixels(1)
        assert dataset.changed_files() == [2]
        shutil.copy2(tmp_path / "old1.png", paths[1])
        dataset.pixels(2)
        assert dataset.changed_files() == []
    after = stored_rows(dataset)
    assert [row[1] for row in after] == [row[1] for row in before]
    assert after[1] == before[1]


def test_what_another_process_has_noted_stays(dataset, tmp_path, picture):
    """Neither a hash that is there already nor the row of a file that moved meanwhile is overwritten."""
    dataset.add_images([picture(tmp_path / f"{n}.png") for n in range(2)])
    connection = sqlite3.connect(dataset.path / "project.db")
    connection.execute("UPDATE image SET pixel_hash = x'07' WHERE id = 1")
    connection.execute("UPDATE image SET path = '../moved.png' WHERE id = 2")
    connection.commit()
    before = stored_rows(dataset)
    rows = [files.Seen(n + 1, b"\x08", (f"../{n}.png",), ((1, 1),)) for n in range(2)]
    with dataset._database.write() as writer:
        files.note_seen(writer, rows)
    assert stored_rows(dataset) == before
    connection.execute("UPDATE image SET pixel_hash = NULL, path = '../1.png' WHERE id = 2")
    connection.commit()
    connection.close()
    with dataset._database.write() as writer:
        files.note_seen(writer, rows[1:])
    assert stored_rows(dataset)[1] == (2, b"\x08", 1, 1)


def test_a_read_only_project_notes_nothing(tmp_path, picture):
    """No thread, no write, no error."""
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(picture(tmp_path / "a.png"))
    before = (tmp_path / "cells" / "project.db").read_bytes()
    with Dataset(tmp_path / "cells", mode="r") as dataset:
        dataset.pixels(1)
        dataset.thumbnail(1)
        assert dataset._witness._thread is None
    assert (tmp_path / "cells" / "project.db").read_bytes() == before


def test_a_hash_that_cannot_be_written_troubles_nobody(dataset, tmp_path, picture, monkeypatch):
    """A disk that is full or locked does not disturb reading; the hash is made again later."""
    from piximi_widgets.dataset.files import hashing
    from piximi_widgets.errors import ProjectError

    def full(*_: object) -> None:
        raise ProjectError("the disk is full")

    dataset.add_images(picture(tmp_path / "a.png"))
    with monkeypatch.context() as patch:
        patch.setattr(hashing.sql, "note_seen", full)
        patch.setattr(hashing, "_SECONDS_BETWEEN_COMMITS", 0.01)
        dataset.pixels(1)
        thread = dataset._witness._thread
        if thread is not None:
            thread.join(20)
    assert stored_rows(dataset)[0][1] is None
    dataset.pixels(1)
    dataset.close()
    assert stored_rows(dataset)[0][1] is not None
