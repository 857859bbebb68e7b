"""Small copies in the cache: made once, right for ever, and missed by nobody when they are gone."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.pictures import reduced
from piximi_widgets.dataset.pictures.displaying import Displaying
from piximi_widgets.dataset.sql.images import Location


class Shown(Dataset, Displaying):
    """A project with display settings."""


class Place:
    """A project of four TIFF files with three planes, two channels and 512 by 384 pixels."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cells"
        self.cache = self.folder / "cache" / "reduced.db"
        self.files = [folder / f"{number}.tif" for number in range(4)]
        for number, file in enumerate(self.files):
            self.write(file, number)
        with Shown(self.folder) as dataset:
            assert not dataset.add_images(self.files).failed

    def write(self, file: Path, seed: int) -> None:
        values = np.random.default_rng(seed).gamma(2, 300, (3, 2, 384, 512)).astype(np.uint16)
        tifffile.imwrite(file, values, imagej=True, metadata={"axes": "ZCYX"})

    def open(self, mode: str = "r+") -> tuple[Shown, list[int]]:
        """The project, and a list of the images that are decoded from now on."""
        dataset = Shown(self.folder, mode=mode)
        read, seen = dataset._reader.read, []
        dataset._reader.read = lambda location: (seen.append(location.id), read(location))[1]
        return dataset, seen

    def pictures(
        self, *settings: Callable[[Shown], object], mode: str = "r+"
    ) -> tuple[list[bytes], list[int]]:
        """All thumbnails with these settings in a project that was just opened, and the images decoded for them."""
        dataset, seen = self.open(mode)
        with dataset:
            for change in settings:
                change(dataset)
            return [dataset.thumbnail(image_id) for image_id in range(1, 5)], seen


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_file_is_decoded_once_whatever_is_changed(place):
    """Reopened, recoloured, with another contrast and size: the copies serve; another plane needs copies of its own."""
    first, seen = place.pictures()
    assert sorted(seen) == [1, 2, 3, 4]
    again, seen = place.pictures()
    assert (again, seen) == (first, [])
    blue, seen = place.pictures(lambda d: d.set_channel(0, color="blue", window=(0, 900)))
    assert seen == []
    assert all(one != other for one, other in zip(blue, first, strict=True))
    own, seen = place.pictures(lambda d: d.set_contrast("image"))
    assert seen == []
    assert own != blue
    dataset, seen = place.open()
    with dataset:
        dataset.thumbnail(2, 256)
        assert seen == []
        large = dataset.thumbnail(2, 300)
        assert seen == [2]
        dataset.thumbnail(2, 600)
        assert seen == [2, 2]
        dataset._pictures._cache.clear()
        assert dataset.thumbnail(2, 300) == large
        assert seen == [2, 2]
    deepest, seen = place.pictures(lambda d: d.reset_display(), lambda d: d.set_plane("max"))
    assert set(seen) == {1, 2, 3, 4}
    assert deepest != first
    again, seen = place.pictures(lambda d: d.set_plane(0))
    assert (again, seen) == (first, [])


def test_pictures_are_the_same_with_and_without_copies(place):
    """A picture does not depend on where its pixels came from."""
    first, _ = place.pictures()
    place.cache.unlink()
    second, seen = place.pictures()
    assert second == first
    assert sorted(seen) == [1, 2, 3, 4]


def test_the_copy_shows_the_image(place):
    """At half its size the thumbnail is the rounded mean of four pixels of the first plane, over the window."""
    dataset, _ = place.open()
    with dataset:
        dataset.set_channel(0, window=(0, 1000))
        dataset.show_channels(0)
        for _ in range(2):
            dataset._pictures._cache.clear()
            with Image.open(io.BytesIO(dataset.thumbnail(3, 256))) as image:
                shown = np.asarray(image)
            plane = dataset.pixels(3)[0, :, :, 0].astype(float)
            means = np.rint(plane.reshape(192, 2, 256, 2).mean(axis=(1, 3)))
            expected = np.floor(np.minimum(means / 1000, 1) * 255 + 0.5)
            np.testing.assert_array_equal(shown[..., 0], expected)
            assert not shown[..., 1:].any()


def test_a_changed_file_is_decoded_anew(place):
    """Another content under the same name is noticed by size or time."""
    first, _ = place.pictures()
    place.write(place.files[1], 77)
    os.utime(place.files[1], ns=(1, 2_000_000_001))
    second, seen = place.pictures()
    assert 2 in seen
    assert second[1] != first[1]


@pytest.mark.parametrize("damage", ["rubbish", "empty", "cut", "flipped", "folder", "other tables"])
def test_a_damaged_cache_is_made_again(place, damage):
    first, _ = place.pictures()
    content = place.cache.read_bytes()
    if damage == "rubbish":
        place.cache.write_bytes(b"no database at all" * 1000)
    elif damage == "empty":
        place.cache.write_bytes(b"")
    elif damage == "cut":
        place.cache.write_bytes(content[: len(content) // 3])
    elif damage == "flipped":
        # Inside the pixels, where SQLite itself notices nothing.
        half = len(content) // 2
        place.cache.write_bytes(content[:half] + bytes(255 - b for b in content[half:]))
    elif damage == "folder":
        place.cache.unlink()
        place.cache.mkdir()
    else:
        place.cache.unlink()
        with sqlite3.connect(place.cache) as connection:
            connection.execute("CREATE TABLE something (else_ INTEGER)")
        connection.close()
    assert place.pictures()[0] == first
    assert place.pictures()[0] == first
    if damage != "folder":
        assert place.pictures() == (first, [])


def test_a_locked_cache_is_done_without(place, monkeypatch):
    """Another process that holds the file for long keeps nobody waiting."""
    monkeypatch.setattr(reduced, "_BUSY_SECONDS", 0.01)
    first, _ = place.pictures()
    holder = sqlite3.connect(place.cache, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        second, seen = place.pictures()
    finally:
        holder.close()
    assert second == first
    assert sorted({*seen}) == [1, 2, 3, 4]


def test_a_cache_that_cannot_be_written_is_done_without(place, monkeypatch):
    """A full disk, and a folder that somebody has put a file in place of."""
    first, _ = place.pictures()
    place.cache.unlink()
    monkeypatch.setattr(reduced.sql, "store", _full)
    monkeypatch.setattr(reduced.sql, "store_contrast", _full)
    assert place.pictures()[0] == first
    monkeypatch.undo()
    place.cache.unlink(missing_ok=True)
    place.cache.parent.rmdir()
    place.cache.parent.write_text("not a folder")
    assert place.pictures()[0] == first


def _full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_read_only_project_uses_copies_and_writes_none(place):
    first, _ = place.pictures()
    assert place.pictures(mode="r") == (first, [])
    place.cache.unlink()
    again, seen = place.pictures(mode="r")
    assert again == first
    assert seen
    assert not place.cache.exists()


def test_the_cache_is_bounded_and_drops_the_oldest(place, monkeypatch):
    """Room for three copies of some 175 kB: the last pictures are kept, the first ones are gone."""
    monkeypatch.setattr(reduced, "_MOST_BYTES", 620_000)
    place.pictures()
    for _ in range(3):
        place.pictures()
    assert place.cache.stat().st_size < 1_000_000
    with sqlite3.connect(place.cache) as connection:
        kept = [row[0] for row in connection.execute("SELECT image_id FROM reduced ORDER BY number")]
    connection.close()
    assert 0 < len(kept) <= 3


def test_small_images_are_not_copied(tmp_path):
    """A file of 64 pixels is decoded as fast as its copy would be found."""
    with Shown(tmp_path / "cells") as dataset:
        dataset.add_images(np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype(np.uint8))
        assert all(dataset.thumbnail(image_id) for image_id in (1, 2, 3))
        assert not (tmp_path / "cells" / "cache" / "reduced.db").exists()


def test_threads_and_processes_share_the_cache(place):
    """Four threads here and two processes draw the same pictures at once; each is right."""
    first, _ = place.pictures()
    place.cache.unlink()
    script = (
        "import sys\nfrom piximi_widgets.dataset import Dataset\n"
        "with Dataset(sys.argv[1]) as d:\n"
        "    for _ in range(5):\n"
        "        for i in range(1, 5): sys.stdout.write(d.thumbnail(i).hex() + '\\n')\n"
        "        d._pictures._cache.clear()\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(place.folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    wrong = []

    def draw(dataset: Dataset) -> None:
        for _ in range(5):
            for image_id in range(1, 5):
                if dataset.thumbnail(image_id) != first[image_id - 1]:
                    wrong.append(image_id)
            dataset._pictures._cache.clear()

    with Shown(place.folder) as dataset:
        threads = [threading.Thread(target=draw, args=(dataset,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert not wrong
    assert [bytes.fromhex(line) for output in outputs for line in output] == first * 10


def test_no_file_is_left_open(place):
    """Drawing leaves no handle of the cache behind."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("only Linux lists the open files")
    dataset, _ = place.open()
    with dataset:
        for image_id in range(1, 5):
            dataset.thumbnail(image_id)
        opened = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
    assert not [name for name in opened if "reduced.db" in name]


def test_a_crops_copy_follows_its_parents_file(tmp_path):
    """The signature of a region changes with the region, and with the file that it is cut from."""
    file = tmp_path / "field.tif"
    file.write_bytes(b"one")
    field = location(1, path=str(file))
    copies = reduced.ReducedCopies(tmp_path, read_only=False)
    first = copies.signature(location(2, region="[0, 0, 9, 9]", parent=field))
    assert first == copies.signature(location(2, region="[0, 0, 9, 9]", parent=field))
    assert first != copies.signature(location(2, region="[0, 1, 9, 9]", parent=field))
    file.write_bytes(b"another")
    assert first != copies.signature(location(2, region="[0, 0, 9, 9]", parent=field))
    file.unlink()
    assert copies.signature(location(2, region="[0, 0, 9, 9]", parent=field)) is None


def location(image_id: int, **values: object) -> Location:
    """A place of an image of 9 by 9 pixels."""
    unknown = dict.fromkeys(("path", "block", "block_index", "size", "mtime_ns", "pixel_hash"))
    known = {
        "id": image_id,
        "name": "n",
        "planes": 1,
        "height": 9,
        "width": 9,
        "channels": 1,
        "dtype": "uint8",
    }
    return Location(**unknown | known | values)
