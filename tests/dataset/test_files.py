"""Files that move, change, get lost, and travel with their project."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.files import packing
from piximi_widgets.dataset.files import search as file_search
from piximi_widgets.dataset.sql import images as image_sql
from piximi_widgets.dataset.sql.images import ImageFile, NewImage
from piximi_widgets.errors import ImageReadError, ProjectError, ReadOnlyError

random = np.random.default_rng(5)


def write(path: Path, seed: int | None = None, shape: tuple[int, ...] = (6, 5)) -> np.ndarray:
    """Write an uncompressed TIFF, so that all of one shape have one size, and return its values."""
    generator = random if seed is None else np.random.default_rng(seed)
    values = generator.integers(0, 60000, shape).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, values)
    return values


def read_all(dataset: Dataset) -> None:
    """Look at every image once, and have the hashes written."""
    for image_id in dataset.images.index:
        dataset.pixels(image_id)
    dataset.close()


def sha(values: np.ndarray) -> str:
    """A hash of an image's values that owes nothing to the package."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


@pytest.fixture
def plate(tmp_path) -> dict[int, str]:
    """A project with 12 images in raw/{a,b}/{0..5}.tif, all looked at once; the hash of each one's values."""
    hashes = {}
    with Dataset(tmp_path / "cells") as dataset:
        paths = [tmp_path / "raw" / well / f"{n}.tif" for well in "ab" for n in range(6)]
        for image_id, path in enumerate(paths, start=1):
            hashes[image_id] = sha(write(path))
        dataset.add_images(paths)
        read_all(dataset)
    return hashes


def assert_whole(dataset: Dataset, hashes: dict[int, str]) -> None:
    """Every image has the values that it was added with."""
    assert {image_id: sha(dataset.pixels(image_id)) for image_id in hashes} == hashes


# -- what is missing -------------------------------------------------------------------------------


def test_missing_changed_and_touched_files_are_told_apart(plate, tmp_path):
    """One row for each file that is not as it was; none when all is well."""
    with Dataset(tmp_path / "cells") as dataset:
        assert len(dataset.missing_files()) == 0
        (tmp_path / "raw/a/0.tif").unlink()
        with (tmp_path / "raw/a/1.tif").open("ab") as file:
            file.write(b"more")
        os.utime(tmp_path / "raw/b/5.tif", ns=(1, 1))
        table = dataset.missing_files()
    assert table["state"].to_dict() == {1: "missing", 2: "changed", 12: "touched"}
    assert table["path"][1] == str(tmp_path / "raw/a/0.tif")
    assert table["name"][1] == "0.tif"
    assert "no such file" in table["reason"][1]


def test_missing_blocks_further_files_and_parents_are_listed(tmp_path):
    """The project's own pixels, a joined image's second file, the field of a crop whose row is gone."""
    write(tmp_path / "a.tif")
    write(tmp_path / "field.tif", shape=(20, 20))
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(np.zeros((2, 6, 5), np.uint8))
        rows = [
            NewImage("joined", 6, 5, 2, 1, "uint16", path="../a.tif", files=(ImageFile("../b.tif"),)),
            NewImage("field", 20, 20, 1, 1, "uint16", path="../field.tif"),
            NewImage("cell", 4, 4, 1, 1, "uint16", parent_id=4, region="[0, 0, 4, 4]"),
            NewImage("gone", 4, 4, 1, 1, "uint16", path="../removed.tif"),
        ]
        with dataset._database.write() as connection:
            image_sql.insert(connection, rows)
        dataset.remove_images([4, 6])
        (tmp_path / "field.tif").unlink()
        shutil.rmtree(dataset.path / "images")
        table = dataset.missing_files()
    assert table["name"].tolist() == table["name"].tolist()
    assert table.index.tolist() == [1, 2, 3, 4]
    assert [Path(path).name for path in table["path"][2:]] == ["b.tif", "field.tif"]
    assert set(table["state"]) == {"missing"}


# -- relink ----------------------------------------------------------------------------------------


def test_moved_files_are_found_by_their_pixels(plate, tmp_path):
    """Files of one size, all renamed: each image gets its own pixels back, and its label stays."""
    names = list(range(12))
    random.shuffle(names)
    (tmp_path / "new").mkdir()
    for number, path in zip(names, sorted((tmp_path / "raw").rglob("*.tif")), strict=True):
        shutil.move(path, tmp_path / "new" / f"renamed-{number}.tif")
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_category("a")
        dataset.label([1, 2], "a")
        report = dataset.relink(tmp_path / "new", by="anna")
        assert (set(report.found), report.unverified, report.missing) == (set(plate), {}, {})
        assert_whole(dataset, plate)
        assert len(dataset.missing_files()) == 0
        entry = dataset.journal.iloc[-1]
        assert (entry["action"], entry["author"]) == ("relink", "anna")
        assert dataset.images["category"].tolist()[:2] == ["a", "a"]
        assert dataset.undo(by="anna").changed.tolist() == []
        again = dataset.relink(tmp_path / "new")
        assert (again.found, again.missing) == ({}, {})
        assert dataset.add_images(tmp_path / "new").added == []


def test_moved_files_that_nobody_has_read_are_found_by_name(tmp_path):
    """Without a hash name, size and header decide, and the report says so; none is chosen by chance."""
    hashes = {}
    with Dataset(tmp_path / "cells") as dataset:
        for n in range(4):
            hashes[n + 1] = sha(write(tmp_path / "raw" / f"{n}.tif"))
        dataset.add_images(tmp_path / "raw")
        shutil.move(tmp_path / "raw", tmp_path / "new")
        (tmp_path / "new/1.tif").rename(tmp_path / "new/other.tif")
        write(tmp_path / "new/x/2.tif")
        (tmp_path / "new/y").mkdir()
        shutil.copy(tmp_path / "new/3.tif", tmp_path / "new/y/3.tif")
        report = dataset.relink(tmp_path / "new")
        assert set(report.unverified) == {1, 4}
        assert report.found == {}
        assert "name and size" in report.missing[2]
        assert "2 different files" in report.missing[3]
        assert "1 still" not in repr(report)
        assert sha(dataset.pixels(1)) == hashes[1]
        assert sha(dataset.pixels(4)) == hashes[4]
        with pytest.raises(ImageReadError):
            dataset.pixels(2)


def test_an_unread_image_is_not_mistaken_for_one_of_another_shape(tmp_path):
    """Name and size are equal, but the header says another shape."""
    with Dataset(tmp_path / "cells") as dataset:
        write(tmp_path / "raw/0.tif", shape=(6, 10))
        dataset.add_images(tmp_path / "raw/0.tif")
        (tmp_path / "raw/0.tif").unlink()
        write(tmp_path / "new/0.tif", shape=(10, 6))
        assert set(dataset.relink(tmp_path / "new").missing) == {1}


def test_of_equal_files_the_one_in_the_same_folders_is_taken(tmp_path):
    """Each duplicate takes the file whose trailing path agrees most, and no file serves two."""
    with Dataset(tmp_path / "cells") as dataset:
        paths = [tmp_path / "raw" / f"plate{p}" / f"w{w}" / "0.tif" for p in range(2) for w in range(3)]
        for path in paths:
            write(path, seed=1)
        dataset.add_images(paths)
        read_all(dataset)
    shutil.move(tmp_path / "raw", tmp_path / "other" / "disk")
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "other")
        moved = [str(tmp_path / "other/disk" / path.relative_to(tmp_path / "raw")) for path in paths]
        assert list(map(report.found.get, range(1, 7))) == moved
    (tmp_path / "other/disk/plate0/w0/0.tif").unlink()
    shutil.move(tmp_path / "other", tmp_path / "third")
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "third")
        assert len(report.found) == 5
        assert "another missing image" in report.missing[1]


@pytest.mark.parametrize("known", [True, False])
def test_folders_far_up_decide_too(tmp_path, known):
    """Of two equal files the one is taken that agrees in five parts, not in four; read before or not."""
    with Dataset(tmp_path / "cells") as dataset:
        write(tmp_path / "raw/p/q/r/s/0.tif", seed=3)
        dataset.add_images(tmp_path / "raw/p/q/r/s/0.tif")
        if known:
            dataset.pixels(1)
    shutil.rmtree(tmp_path / "raw")
    for folder in ("a/q", "b/p/q", "c/q"):
        write(tmp_path / "new" / folder / "r/s/0.tif", seed=3)
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "new")
        assert {**report.found, **report.unverified} == {1: str(tmp_path / "new/b/p/q/r/s/0.tif")}
        assert len(report.found) == known


def test_a_name_that_most_files_have_needs_its_folder(tmp_path, monkeypatch):
    """One folder for each well with a file of the same name in it: the folders tell them apart."""
    monkeypatch.setattr(file_search, "_MOST_OF_A_NAME", 2)
    hashes = {n + 1: sha(write(tmp_path / "raw" / f"well{n}" / "0.tif")) for n in range(4)}
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(tmp_path / "raw")
        shutil.move(tmp_path / "raw", tmp_path / "new")
        assert set(dataset.relink(tmp_path / "new").unverified) == set(hashes)
        assert_whole(dataset, hashes)


def test_files_that_are_there_with_the_same_pixels_only_get_their_new_time(plate, tmp_path):
    """A restored backup with other times: nothing is moved, and nothing is touched any more."""
    for path in (tmp_path / "raw").rglob("*.tif"):
        os.utime(path, ns=(3, 3))
    with Dataset(tmp_path / "cells") as dataset:
        revision = dataset.revision
        assert set(dataset.missing_files()["state"]) == {"touched"}
        report = dataset.relink(tmp_path / "raw")
        assert (report.found, report.unverified, report.missing) == ({}, {}, {})
        assert len(dataset.missing_files()) == 0
        assert dataset.revision == revision


@pytest.mark.parametrize("folders", ["the same", "another"])
def test_images_that_changed_places_find_their_own_pixels(plate, tmp_path, folders):
    """Three files that were renamed in a circle: the unique paths are exchanged in one transaction."""
    raw = tmp_path / "raw" / "a"
    for source, target in (("0", "x"), ("1", "0"), ("2", "1"), ("x", "2")):
        (raw / f"{source}.tif").rename(raw / f"{target}.tif")
        os.utime(raw / f"{target}.tif", ns=(9, ord(target)))
    place = tmp_path / "raw"
    if folders == "another":
        shutil.move(tmp_path / "raw", tmp_path / "moved")
        place = tmp_path / "moved"
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(place)
        assert report.missing == {}
        assert {1, 2, 3} <= set(report.found)
        assert Path(report.found[1]).name == "2.tif"
        assert_whole(dataset, plate)


def test_a_chain_of_renames(plate, tmp_path):
    """0 became 1 and 1 became 9: that 1 is there with other pixels is noticed."""
    raw = tmp_path / "raw" / "a"
    (raw / "1.tif").rename(raw / "9.tif")
    (raw / "0.tif").rename(raw / "1.tif")
    os.utime(raw / "1.tif", ns=(9, 9))
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "raw")
        assert {image_id: Path(path).name for image_id, path in report.found.items()} == {
            1: "1.tif",
            2: "9.tif",
        }
        assert_whole(dataset, plate)


def test_a_path_that_is_not_free_is_explained(plate, tmp_path):
    """The file was added anew, or lies where a lost image is noted: said, and nothing is broken."""
    raw = tmp_path / "raw" / "a"
    shutil.move(raw / "0.tif", tmp_path / "new.tif")
    (raw / "1.tif").rename(raw / "2.tif")
    os.utime(raw / "2.tif", ns=(9, 9))
    with Dataset(tmp_path / "cells") as dataset:
        (again,) = dataset.add_images(tmp_path / "new.tif").added
        report = dataset.relink(tmp_path)
        assert f"remove_images({again})" in report.missing[1]
        assert "image 3 is noted" in report.missing[2]
        assert "holds other pixels now" in report.missing[3]
        assert report.found == {}
        dataset.remove_images([again, 3])
        report = dataset.relink(tmp_path)
        assert (set(report.found), report.missing) == ({1, 2}, {})
        assert sha(dataset.pixels(1)) == plate[1]
        assert sha(dataset.pixels(2)) == plate[2]


def test_a_file_written_anew_elsewhere_is_known_by_its_pixels(plate, tmp_path):
    """Compressed meanwhile, so of another size: the name leads to it and the pixels prove it."""
    values = tifffile.imread(tmp_path / "raw/a/0.tif")
    (tmp_path / "raw/a/0.tif").unlink()
    (tmp_path / "new").mkdir()
    tifffile.imwrite(tmp_path / "new/0.tif", values, compression="zlib")
    with Dataset(tmp_path / "cells") as dataset:
        assert set(dataset.relink(tmp_path / "new").found) == {1}
        assert_whole(dataset, plate)


def test_files_that_are_no_images_hurt_nobody(plate, tmp_path):
    """Text, cut files, links to nowhere and a nested project are passed over; other images stay."""
    connection = sqlite3.connect(tmp_path / "cells/project.db")
    before = connection.execute("SELECT id, path, size, mtime_ns FROM image WHERE id > 1").fetchall()
    data = (tmp_path / "raw/a/0.tif").read_bytes()
    shutil.move(tmp_path / "raw/a/0.tif", tmp_path / "keep.tif")
    new = tmp_path / "new"
    (new / "project").mkdir(parents=True)
    (new / "0.tif").write_bytes(b"x" * len(data))
    (new / "1.tif").write_bytes(data[: len(data) // 2])
    (new / "2.tif").symlink_to(new / "nowhere")
    (new / "loop").symlink_to(new)
    (new / "project/project.db").touch()
    shutil.copy(tmp_path / "keep.tif", new / "project/0.tif")
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.relink(new).missing == {1: "no file holds its pixels"}
        assert set(dataset.relink(tmp_path).found) == {1}
    after = connection.execute("SELECT id, path, size, mtime_ns FROM image WHERE id > 1").fetchall()
    connection.close()
    assert after == before


def test_joined_images_are_found_with_all_their_files(tmp_path):
    """Each channel's file gets its new place; a wrong one of the same name and size is not taken."""

    def joined(n: int) -> NewImage:
        files = (ImageFile(f"../raw/{n}_w2.tif", size=size), ImageFile(f"../raw/{n}_w3.tif", size=size))
        return NewImage(f"site {n}", 6, 5, 3, 1, "uint16", path=f"../raw/{n}_w1.tif", size=size, files=files)

    values = {(n, w): write(tmp_path / f"raw/{n}_w{w}.tif") for n in range(3) for w in (1, 2, 3)}
    size = (tmp_path / "raw/0_w1.tif").stat().st_size
    with Dataset(tmp_path / "cells") as dataset:
        with dataset._database.write() as connection:
            image_sql.insert(connection, [joined(n) for n in range(3)])
        dataset.pixels(1)
        dataset.pixels(2)
    new = tmp_path / "new"
    shutil.move(tmp_path / "raw", new)
    write(new / "0_another" / "0_w2.tif")
    (new / "1_w3.tif").unlink()
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(new)
        assert (set(report.found), set(report.unverified), set(report.missing)) == ({1}, {3}, {2})
        assert "1_w3.tif" in report.missing[2]
        for image_id in (1, 3):
            expected = np.stack([values[image_id - 1, w] for w in (1, 2, 3)], axis=-1)[None]
            assert np.array_equal(dataset.pixels(image_id), expected)
        (new / "0_w2.tif").rename(new / "0_another" / "0_w2.tif")
        assert set(dataset.relink(new / "0_another").found) == {1}
        assert np.array_equal(dataset.pixels(1)[0, ..., 1], values[0, 2])


def test_lost_copies_are_made_anew(tmp_path):
    """Copies inside of the project that somebody deleted are found by content and copied back."""
    hashes = {n + 1: sha(write(tmp_path / f"raw/{n}.tif")) for n in range(3)}
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(tmp_path / "raw", copy=True)
        for image_id in (1, 2):
            dataset.pixels(image_id)
    shutil.rmtree(tmp_path / "cells/images")
    (tmp_path / "cells/images").mkdir()
    shutil.move(tmp_path / "raw", tmp_path / "new")
    (tmp_path / "new/0.tif").rename(tmp_path / "new/another.tif")
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "new")
        assert (set(report.found), set(report.unverified), report.missing) == ({1, 2}, {3}, {})
        shutil.rmtree(tmp_path / "new")
        assert_whole(dataset, hashes)
        assert len(list((tmp_path / "cells/images").iterdir())) == 3


def test_a_parent_is_found_for_its_crops(tmp_path):
    """Also when the field itself was taken out of the project."""
    values = write(tmp_path / "raw/field.tif", shape=(20, 20))
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(tmp_path / "raw/field.tif")
        with dataset._database.write() as connection:
            image_sql.insert(
                connection,
                [NewImage("cell", 4, 4, 1, 1, "uint16", parent_id=1, region="[3, 3, 4, 4]", origin="cell 1")],
            )
        dataset.remove_images(1)
        shutil.move(tmp_path / "raw", tmp_path / "new")
        assert set(dataset.relink(tmp_path / "new").unverified) == {1}
        assert np.array_equal(dataset.pixels(2)[0, ..., 0], values[3:7, 3:7])


def test_another_object_follows(plate, tmp_path):
    """A second kernel's open project reads the files from their new places."""
    with Dataset(tmp_path / "cells") as dataset, Dataset(tmp_path / "cells", mode="r") as other:
        assert other.pixels(1).shape == (1, 6, 5, 1)
        shutil.move(tmp_path / "raw", tmp_path / "new")
        revision = other.revision
        dataset.relink(tmp_path / "new")
        assert other.revision > revision
        assert_whole(other, plate)


def test_many_images_are_relinked_in_some_hundred_a_transaction(tmp_path):
    """No transaction is long; the journal tells how many each one moved."""
    (tmp_path / "raw").mkdir()
    with Dataset(tmp_path / "cells") as dataset:
        for n in range(1100):
            (tmp_path / "raw" / f"{n}.png").write_bytes(_png(n))
        dataset.add_images(tmp_path / "raw")
        shutil.move(tmp_path / "raw", tmp_path / "new")
        assert len(dataset.relink(tmp_path / "new").unverified) == 1100
        assert dataset.journal["action"].tolist().count("relink") == 3
        assert len(dataset.missing_files()) == 0


def test_relink_is_refused_where_it_cannot_work(plate, tmp_path):
    """No folder, or a project that may not be written."""
    with Dataset(tmp_path / "cells") as dataset:
        with pytest.raises(ProjectError, match="is no folder"):
            dataset.relink(tmp_path / "nowhere")
        with pytest.raises(ProjectError, match="is no folder"):
            dataset.relink(tmp_path / "raw/a/0.tif")
    with Dataset(tmp_path / "cells", mode="r") as dataset:
        with pytest.raises(ReadOnlyError):
            dataset.relink(tmp_path / "raw")
        with pytest.raises(ReadOnlyError):
            dataset.pack()


# -- pack ------------------------------------------------------------------------------------------


def test_packing_makes_a_project_self_contained(plate, tmp_path):
    """Every file is copied, equal ones once; the originals are not needed, nor added again."""
    shutil.copy(tmp_path / "raw/a/0.tif", tmp_path / "raw/a/same.tif")
    write(tmp_path / "cells/own.tif")
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images([tmp_path / "raw/a/same.tif", tmp_path / "cells/own.tif"])
        revision = dataset.revision
        report = dataset.pack(by="anna")
        assert (report.packed, report.failed) == (list(range(1, 14)), {})
        assert report.bytes == 13 * (tmp_path / "raw/a/0.tif").stat().st_size
        assert len(list((tmp_path / "cells/images").iterdir())) == 12
        assert dataset.revision == revision + 1
        assert dataset.journal["action"].iloc[-1] == "pack"
        assert dataset.add_images(tmp_path / "raw").added == []
        assert (dataset.pack().packed, dataset.revision) == ([], revision + 1)
        shutil.rmtree(tmp_path / "raw")
        assert_whole(dataset, plate)
        assert len(dataset.missing_files()) == 0
        assert dataset.changed_files() == []


def test_packing_goes_on_after_failures_and_interruptions(plate, tmp_path, monkeypatch):
    """Missing and changed files are reported by path; an interrupted call has kept its chunks."""
    (tmp_path / "raw/a/0.tif").unlink()
    write(tmp_path / "raw/a/1.tif")
    os.utime(tmp_path / "raw/a/1.tif", ns=(8, 8))
    write(tmp_path / "raw/a/2.tif", shape=(7, 5))
    real = packing.copy_file
    done = []

    def interrupted(folder, source):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(source)
        return real(folder, source)

    with Dataset(tmp_path / "cells") as dataset:
        with monkeypatch.context() as patch:
            patch.setattr(packing, "copy_file", interrupted)
            patch.setattr(packing, "_PER_COMMIT", 4)
            patch.setattr(packing, "_COPIERS", 1)
            with pytest.raises(KeyboardInterrupt):
                dataset.pack()
        assert 0 < dataset.journal["action"].tolist().count("pack") < 3
        report = dataset.pack()
        assert 0 < len(report.packed) < 9
        assert [Path(path).name for path in report.failed] == ["0.tif", "1.tif", "2.tif"]
        reasons = list(report.failed.values())
        assert "relink" in reasons[0]
        assert "another image than the one that was added" in reasons[1]
        shutil.rmtree(tmp_path / "raw")
        assert_whole(dataset, {image_id: value for image_id, value in plate.items() if image_id > 3})


def test_packing_joined_images_and_folders(tmp_path, monkeypatch):
    """All files of an image go together, and a folder of many files is copied as a whole."""
    values = [write(tmp_path / f"raw/w{w}.tif") for w in (1, 2)]
    zarr = tmp_path / "raw" / "field.zarr"
    (zarr / "0" / "c").mkdir(parents=True)
    (zarr / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (zarr / "0" / "c" / "0").write_bytes(b"chunk")
    with Dataset(tmp_path / "cells") as dataset:
        joined = NewImage(
            "j", 6, 5, 2, 1, "uint16", path="../raw/w1.tif", files=(ImageFile("../raw/w2.tif"),)
        )
        status = (zarr / "zarr.json").stat()
        folder = NewImage(
            "z",
            6,
            5,
            1,
            1,
            "uint8",
            path="../raw/field.zarr",
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )
        with dataset._database.write() as connection:
            image_sql.insert(connection, [joined, folder])
        report = dataset.pack()
        assert (report.packed, report.failed) == ([1, 2], {})
        shutil.rmtree(tmp_path / "raw")
        assert np.array_equal(dataset.pixels(1)[0], np.stack(values, axis=-1))
        assert len(dataset.missing_files()) == 0
    (copied,) = (tmp_path / "cells/images").glob("*.zarr")
    assert (copied / "0" / "c" / "0").read_bytes() == b"chunk"
    assert not [path for path in (tmp_path / "cells/images").iterdir() if path.name.startswith(".")]


def test_zarr_folders_are_found_and_packed(tmp_path):
    """A folder is one image: known by the pixels in its chunks, and copied as a whole."""
    zarr = pytest.importorskip("zarr")
    values = random.integers(0, 60000, (6, 5)).astype(np.uint16)
    for version, name in ((2, "old.zarr"), (3, "new.zarr")):
        array = zarr.create_array(
            tmp_path / "raw" / name, data=values * version, chunks=(4, 4), zarr_format=version
        )
        assert array.shape == (6, 5)
    with Dataset(tmp_path / "cells") as dataset:
        rows = [NewImage(n, 6, 5, 1, 1, "uint16", path=f"../raw/{n}") for n in ("old.zarr", "new.zarr")]
        with dataset._database.write() as connection:
            image_sql.insert(connection, rows)
        hashes = {image_id: sha(dataset.pixels(image_id)) for image_id in (1, 2)}
        assert hashes[1] == sha(values[None, :, :, None] * 2)
    (tmp_path / "new").mkdir()
    (tmp_path / "raw/old.zarr").rename(tmp_path / "new/first.zarr")
    (tmp_path / "raw/new.zarr").rename(tmp_path / "new/second.zarr")
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.missing_files()["state"].tolist() == ["missing", "missing"]
        assert set(dataset.relink(tmp_path / "new").found) == {1, 2}
        assert dataset.pack().packed == [1, 2]
        shutil.rmtree(tmp_path / "new")
        assert_whole(dataset, hashes)
        assert len(dataset.missing_files()) == 0


def test_packing_needs_room(plate, tmp_path, monkeypatch):
    """A disk that is too small is noticed before anything is copied, with both numbers."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with Dataset(tmp_path / "cells") as dataset:
        with pytest.raises(ProjectError, match=r"needs 0\.00 GB, but only 0\.00 GB are free"):
            dataset.pack()
        assert list((tmp_path / "cells/images").iterdir()) == []


# -- travelling ------------------------------------------------------------------------------------

# The superuser may write everywhere: takes the right to that (CAP_DAC_OVERRIDE) from what is executed next.
POWERLESS = """
import ctypes, os, sys
if os.getuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0):
    raise SystemExit("the right to write everywhere cannot be given up")
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""

READ = """
import hashlib, json, os, sys
import numpy as np
from piximi_widgets.dataset import Dataset
with Dataset(sys.argv[1], mode="r") as dataset:
    try:
        open(os.path.join(sys.argv[1], "probe"), "w").close()
        raise SystemExit("the folder can be written")
    except OSError:
        pass
    hashes = {i: hashlib.sha256(np.ascontiguousarray(dataset.pixels(i)).tobytes()).hexdigest()
              for i in dataset.images.index.tolist()}
    pictures = [dataset.thumbnail(i)[:4] == b"\\x89PNG" for i in hashes]
    missing = dataset.missing_files()
    print(json.dumps([hashes, all(pictures), dataset.images["category"].dropna().tolist(),
                      sorted(set(missing["state"]))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="takes rights away as Linux does")
def test_a_packed_project_is_zipped_and_read_elsewhere_without_rights(plate, tmp_path):
    """Unpacked into a folder that its reader may not write, everything is there, and nothing is written."""
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(random.integers(0, 200, (2, 6, 5)).astype(np.uint8))
        expected = {**plate, 13: sha(dataset.pixels(13)), 14: sha(dataset.pixels(14))}
        dataset.add_category("a")
        dataset.label([3, 14], "a")
        dataset.pack()
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path, "cells")
    shutil.rmtree(tmp_path / "raw")
    project = tmp_path / "some where" / "cells"
    with zipfile.ZipFile(archive) as file:
        file.extractall(project.parent)
    for path in [*project.rglob("*"), project, project.parent]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        result = subprocess.run(
            [sys.executable, "-c", POWERLESS, READ, str(project)], capture_output=True, text=True, timeout=120
        )
    finally:
        for path in [project.parent, project]:
            path.chmod(0o755)
    assert result.returncode == 0, result.stderr
    hashes, pictures, categories, states = json.loads(result.stdout)
    assert {int(image_id): value for image_id, value in hashes.items()} == expected
    assert pictures
    assert categories == ["a", "a"]
    assert set(states) <= {"touched"}


def _png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((2, 2), seed % 251, np.uint8)).save(file, "png")
    return file.getvalue()


def test_what_was_seen_a_moment_ago_is_found_by_its_pixels(dataset, tmp_path, picture):
    """A picture is drawn, and its file moves before the hash would have been written in the background."""
    (image_id,) = dataset.add_images(picture(tmp_path / "raw" / "a.png")).added
    dataset.thumbnail(image_id)
    (tmp_path / "raw" / "a.png").rename(tmp_path / "other name.png")
    report = dataset.relink(tmp_path)
    assert list(report.found) == [image_id]
    assert report.unverified == {}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_project_is_the_same_through_a_link(tmp_path, picture):
    """Images beside the project are found, and not added again, when it is opened by a link to its folder."""
    picture(tmp_path / "study" / "raw" / "a.png")
    with Dataset(tmp_path / "study" / "cells") as dataset:
        dataset.add_images(tmp_path / "study" / "raw")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "link").symlink_to(tmp_path / "study" / "cells")
    with Dataset(tmp_path / "home" / "link") as dataset:
        assert dataset.pixels(1).ndim == 4
        assert len(dataset.missing_files()) == 0
        assert len(dataset.add_images(tmp_path / "study" / "raw").skipped) == 1
