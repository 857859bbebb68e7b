"""Adding images from files, folders, globs, arrays and tables."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import ImageReadError, SelectionError

HOSTILE = [
    'it\'s "quoted"; DROP TABLE image;--',
    "<img src=x onerror=alert('x')>",
    "línea\nnueva",
    "图像 🔬",
    "x" * 200,
    "a[1]*?",
    "%s {0} $HOME",
]


def labels_of(dataset: Dataset) -> dict[str, str | None]:
    """Category by file name."""
    frame = dataset.images
    return {name: None if pd.isna(c) else c for name, c in zip(frame["name"], frame["category"], strict=True)}


@pytest.fixture
def folder(tmp_path, picture) -> Path:
    """raw/{cat,dog}/{1,2,10}.png, with a text file and a hidden picture among them."""
    for kind in ("cat", "dog"):
        for number in (1, 2, 10):
            picture(tmp_path / "raw" / kind / f"{kind}{number}.png")
    (tmp_path / "raw" / "notes.txt").write_text("no image")
    picture(tmp_path / "raw" / ".hidden.png")
    picture(tmp_path / "raw" / ".cache" / "thumb.png")
    return tmp_path / "raw"


def test_a_folder_with_subfolders_in_natural_order(dataset, folder):
    """Pictures are found below a folder, 2 before 10; other files and hidden ones are passed over."""
    report = dataset.add_images(folder)
    assert (report.skipped, report.failed) == ([], {})
    assert list(dataset.images["name"]) == [f"{kind}{n}.png" for kind in ("cat", "dog") for n in (1, 2, 10)]
    assert report.added == list(dataset.images.index)


@pytest.mark.parametrize("pattern", ["raw/cat/*.png", "raw/c?t/cat[0-9]*.png", "raw/**/cat*.png"])
def test_globs(dataset, folder, monkeypatch, pattern):
    """A glob is relative to the working folder, and ** goes down."""
    monkeypatch.chdir(folder.parent)
    assert len(dataset.add_images(pattern).added) == 3


def test_files_lists_and_paths(dataset, folder):
    """A string, a Path and a list of both name files; a list keeps its order."""
    files = [str(folder / "dog" / "dog2.png"), folder / "cat" / "cat1.png"]
    assert len(dataset.add_images(files).added) == 2
    assert len(dataset.add_images(folder / "cat" / "cat2.png").added) == 1
    assert list(dataset.images["name"]) == ["dog2.png", "cat1.png", "cat2.png"]


def test_the_same_path_is_skipped(dataset, folder, monkeypatch):
    """However a file is named, a second time it is skipped and reported; in one call too."""
    monkeypatch.chdir(folder)
    dataset.add_images("cat/cat1.png")
    again = dataset.add_images(
        [folder / "cat" / "cat1.png", "cat/../cat/cat1.png", "dog/dog1.png", "dog/dog1.png"]
    )
    assert len(again.added) == 1
    assert again.skipped == [str(folder / "cat" / "cat1.png"), "cat/../cat/cat1.png", "dog/dog1.png"]
    assert len(dataset) == 2


def test_a_removed_file_can_be_added_anew(dataset, folder):
    """A removed image's id is never used again; the file gets a new one."""
    (first,) = dataset.add_images(folder / "cat" / "cat1.png").added
    dataset.remove_images(first)
    (second,) = dataset.add_images(folder / "cat" / "cat1.png").added
    assert second > first
    undone = dataset.undo()
    assert undone.skipped.tolist() == [first]
    assert list(dataset.images.index) == [second]


def test_headers_become_columns(dataset, tmp_path):
    """Height, width, channels, planes and dtype are the file's; the pixels are those that were written."""
    values = np.random.default_rng(0).integers(0, 60000, (3, 2, 7, 9), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "ZCYX"})
    (image_id,) = dataset.add_images(tmp_path / "a.tif").added
    row = dataset.images.loc[image_id]
    assert row[["height", "width", "channels", "planes", "dtype"]].tolist() == [7, 9, 2, 3, "uint16"]
    assert np.array_equal(dataset.pixels(image_id), np.moveaxis(values, 1, -1))


def test_bad_files_stop_nothing(dataset, folder, tmp_path):
    """Each bad file is reported by its path and a reason; all good ones are there."""
    good = folder / "cat" / "cat1.png"
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:-20])
    empty = tmp_path / "empty.tif"
    empty.touch()
    text = tmp_path / "text.jpg"
    text.write_text("hello")
    report = dataset.add_images([cut, empty, text, tmp_path / "gone.png", tmp_path / "*.none", folder])
    assert len(report.added) == 6
    assert set(report.failed) == {
        str(cut),
        str(empty),
        str(text),
        str(tmp_path / "gone.png"),
        str(tmp_path / "*.none"),
    }
    assert "cut off" in report.failed[str(cut)]
    assert "empty" in report.failed[str(empty)]
    assert "not a PNG" in report.failed[str(text)]
    assert report.failed[str(tmp_path / "gone.png")] == "there is no such file"
    assert "6 added, 0 skipped, 5 failed" in repr(report)


def test_verify_finds_damage_behind_a_good_header(dataset, folder, tmp_path):
    """Only verify=True decodes; the plain call takes the header's word."""
    data = (folder / "cat" / "cat1.png").read_bytes()
    at = data.index(b"IDAT") + 4
    broken = tmp_path / "broken.png"
    broken.write_bytes(data[:at] + bytes(len(data) - at - 16) + data[-16:])
    report = dataset.add_images([broken, folder / "cat" / "cat2.png"], verify=True)
    assert list(report.failed) == [str(broken)]
    (image_id,) = dataset.add_images(broken).added
    with pytest.raises(ImageReadError, match=r"broken\.png"):
        dataset.pixels(image_id)


def test_labels_by_folder(dataset, folder):
    """The parent folder's name becomes the category, made as needed."""
    dataset.add_category("dog", "#123456")
    dataset.add_images(folder, labels="folder")
    assert labels_of(dataset)["cat10.png"] == "cat"
    assert [c.name for c in dataset.categories] == ["dog", "cat"]
    assert dataset.categories[0].color == "#123456"


def test_labels_by_mapping(dataset, folder, monkeypatch):
    """A mapping may name files by path, by name or by name without suffix; what it does not name is unlabeled."""
    monkeypatch.chdir(folder)
    mapping = {
        folder / "cat" / "cat1.png": "p",
        "cat/cat2.png": "r",
        "cat10.png": "n",
        "dog1": "s",
        "dog2": None,
    }
    dataset.add_images(folder, labels=mapping)
    found = labels_of(dataset)
    assert [found[f"{name}.png"] for name in ("cat1", "cat2", "cat10", "dog1", "dog2", "dog10")] == [
        "p",
        "r",
        "n",
        "s",
        None,
        None,
    ]


def test_labels_by_sequence(dataset):
    """One label for each image, None and NaN for unlabeled; numbers become their digits."""
    pixels = np.zeros((6, 5, 9), np.uint8)
    dataset.add_images(pixels, labels=["a", None, np.nan, 3, np.int64(4), 5.0])
    category = dataset.images["category"]
    assert [None if pd.isna(value) else value for value in category] == ["a", None, None, "3", "4", "5"]


def test_labels_of_a_wrong_number_are_refused_before_anything_is_written(dataset, folder):
    """A sequence that does not fit adds nothing at all."""
    for labels in (["a"], ["a"] * 7, 3, "column"):
        with pytest.raises(SelectionError):
            dataset.add_images(folder, labels=labels)
    with pytest.raises(SelectionError, match="array has no folder"):
        dataset.add_images(np.zeros((2, 5, 9), np.uint8), labels="folder")
    assert len(dataset) == 0
    assert dataset.revision == 0


def test_a_label_that_is_no_name_fails_its_image_only(dataset):
    """A label of 101 characters is reported; the others are added."""
    report = dataset.add_images(np.zeros((2, 5, 9), np.uint8), labels=["x" * 101, "ok"])
    assert len(report.added) == 1
    assert "100" in report.failed["[0]"]


def test_a_dataframe_with_labels_and_metadata(dataset, folder):
    """The column path names files, another one the labels, the rest becomes metadata."""
    table = pd.DataFrame(
        {
            "path": [folder / "cat" / "cat1.png", str(folder / "dog" / "dog1.png")],
            "animal": ["cat", None],
            "well": ["A1", "B2"],
            "dose": [0.5, np.nan],
            "day": pd.to_datetime(["2026-01-02", None]),
        }
    )
    dataset.add_images(table, labels="animal")
    frame = dataset.images
    assert list(frame["well"]) == ["A1", "B2"]
    assert frame["dose"].tolist()[0] == 0.5
    assert frame[["dose", "day"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
    assert "animal" not in frame.columns
    assert dataset.select("well == 'B2' or dose > 0.4").tolist() == frame.index.tolist()


def test_metadata_columns_may_be_chosen(dataset, folder):
    """A list of columns takes these only; a name that is missing or taken is refused."""
    table = pd.DataFrame({"path": [folder / "cat" / "cat1.png"], "a": [1], "b": [2]})
    dataset.add_images(table, metadata=["b"])
    assert list(dataset.images.columns)[-1] == "b"
    assert "a" not in dataset.images.columns
    with pytest.raises(SelectionError, match="no column 'c'"):
        dataset.add_images(table, metadata=["c"])
    with pytest.raises(SelectionError, match="no column 'kind'"):
        dataset.add_images(table, labels="kind")
    with pytest.raises(SelectionError, match="column named 'path'"):
        dataset.add_images(table.drop(columns="path"))


def test_metadata_for_files_and_arrays(dataset, folder):
    """A mapping of columns, a table by row, and a table by path fit any kind of images."""
    dataset.add_images(np.zeros((2, 5, 9), np.uint8), metadata={"well": ["A", "B"], "n": np.array([1, 2])})
    dataset.add_images(np.zeros((1, 5, 9), np.uint8), metadata=pd.DataFrame({"well": ["C"]}))
    by_path = pd.DataFrame({"path": ["dog1.png", "cat1.png"], "well": ["D", "E"]})
    dataset.add_images([folder / "cat" / "cat1.png", folder / "dog" / "dog1.png"], metadata=by_path)
    assert list(dataset.images["well"]) == ["A", "B", "C", "E", "D"]
    for wrong in ({"category": ["x"]}, {"well": []}, 5, {"id": [1]}):
        with pytest.raises(SelectionError):
            dataset.add_images(np.zeros((1, 5, 9), np.uint8), metadata=wrong)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((4, 6, 7), (1, 6, 7, 1)), ((4, 6, 7, 2), (1, 6, 7, 2)), ((4, 3, 6, 7, 2), (3, 6, 7, 2))],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", ">i4", "bool"])
def test_arrays(dataset, shape, expected, dtype):
    """Arrays are kept value for value in one block file for each call."""
    values = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    report = dataset.add_images(values)
    assert len(report.added) == 4
    for image_id, image in zip(report.added, values, strict=True):
        pixels = dataset.pixels(image_id)
        assert pixels.shape == expected
        assert np.array_equal(pixels, image.reshape(expected) * (255 if dtype == "bool" else 1))
        pixels += 1
    assert len(list((dataset.path / "images").glob("*.npy"))) == 1
    dataset.close()
    with Dataset(dataset.path) as again:
        assert np.array_equal(
            again.pixels(report.added[2])[..., 0].ravel()[:1] != 0, values[2].ravel()[:1] != 0
        )


def test_a_list_of_arrays_of_many_shapes(dataset, folder):
    """Single images of two to four axes, mixed with files, keep their order."""
    images = [
        np.zeros((4, 5), np.uint8),
        folder / "cat" / "cat1.png",
        np.ones((4, 5, 3), np.uint8),
        np.zeros((2, 4, 5, 1)),
    ]
    report = dataset.add_images(images)
    assert len(report.added) == 4
    assert dataset.images["planes"].tolist() == [1, 1, 1, 2]
    assert dataset.images["channels"].tolist() == [1, 1, 3, 1]
    broken = dataset.add_images([np.zeros(3), np.zeros((4, 5))])
    assert len(broken.added) == 1
    assert "axes" in broken.failed["[0]"]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 5)),
        np.zeros((20, 30, 3), np.uint8),
        np.zeros((2, 0, 5)),
        np.zeros((2, 5, 9), complex),
        np.array([["a"]] * 3)[None],
        5,
        [5],
        None,
    ],
    ids=str,
)
def test_what_is_no_set_of_images_is_refused(dataset, wrong):
    """One bare image, objects and numbers are refused with what to pass instead."""
    with pytest.raises(SelectionError):
        dataset.add_images(wrong)
    assert len(dataset) == 0


def test_no_images_are_fine(dataset, tmp_path):
    """An empty array and an empty list add nothing; an empty folder is reported."""
    assert dataset.add_images(np.zeros((0, 5, 5))).added == []
    assert dataset.add_images([]).added == []
    (tmp_path / "empty").mkdir()
    assert "no image" in dataset.add_images(tmp_path / "empty").failed[str(tmp_path / "empty")]


def test_copies_live_in_the_project(dataset, folder):
    """copy=True keeps the pixels when the originals vanish, and still knows which files they were."""
    values = np.asarray(Image.open(folder / "cat" / "cat1.png"))
    shutil.copy(folder / "cat" / "cat1.png", folder / "cat" / "same.png")
    report = dataset.add_images(folder, labels="folder", copy=True)
    again = dataset.add_images(folder, copy=True)
    assert (len(again.added), len(again.skipped)) == (0, 7)
    shutil.rmtree(folder)
    frame = dataset.images
    assert np.array_equal(dataset.pixels(frame.index[frame["name"] == "cat1.png"][0])[0, ..., 0], values)
    assert len(report.added) == 7
    assert len(list((dataset.path / "images").iterdir())) == 6


def test_project_and_images_can_be_moved_together(dataset, folder, tmp_path):
    """Files beside the project are known by relative paths."""
    dataset.add_images(folder)
    before = dataset.pixels(1)
    dataset.close()
    (tmp_path / "elsewhere").mkdir()
    for name in ("cells", "raw"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    with Dataset(tmp_path / "elsewhere" / "cells") as moved:
        assert np.array_equal(moved.pixels(1), before)
        assert len(moved.add_images(tmp_path / "elsewhere" / "raw").skipped) == 6


def test_files_far_away_are_known_by_absolute_paths(tmp_path, picture):
    """A project deep in one folder refers to files outside of its parent absolutely, and can be moved alone."""
    far = picture(tmp_path / "data" / "a.png")
    with Dataset(tmp_path / "projects" / "cells") as dataset:
        dataset.add_images(far)
    shutil.move(tmp_path / "projects", tmp_path / "deep" / "er")
    with Dataset(tmp_path / "deep" / "er" / "cells") as moved:
        assert moved.pixels(1).shape == (1, 6, 5, 1)


def test_a_vanished_file_is_named(dataset, folder):
    """Reading an image whose file is gone says which and what to do."""
    dataset.add_images(folder / "cat" / "cat1.png")
    (folder / "cat" / "cat1.png").unlink()
    with pytest.raises(ImageReadError, match=r"cat1\.png: there is no such file any more.*remove_images"):
        dataset.pixels(1)


def test_a_project_inside_the_folder_is_passed_over(tmp_path, folder):
    """A project's own copies and caches are not images of the folder around it."""
    with Dataset(folder / "cells") as inner:
        inner.add_images(folder / "cat", copy=True)
        report = inner.add_images(folder)
    assert (len(report.added), len(report.skipped)) == (3, 3)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(dataset, tmp_path, picture, name):
    """Quotes, markup, newlines, wildcards and long names are just names, of files and of categories."""
    label = name[:100].strip()
    path = picture(tmp_path / "raw" / label / f"{name}.png")
    report = dataset.add_images(path, labels="folder")
    assert report.failed == {}
    assert dataset.images["category"].tolist() == [label]
    assert dataset.images["name"].tolist() == [path.name]
    assert dataset.pixels(1).shape == (1, 6, 5, 1)
    assert "<img src=x" not in dataset._repr_html_()
    dataset.snapshot()
    dataset.rename_category(label, "tame")
    assert dataset.undo().changed.tolist() == []
    assert [c.name for c in dataset.categories] == [label]


def test_a_name_that_is_no_unicode_is_reported(dataset, tmp_path, picture):
    """A file name of stray bytes fails by itself."""
    bad = os.fsencode(tmp_path) + b"/bad-\xff.png"
    shutil.copy(picture(tmp_path / "good.png"), bad)
    report = dataset.add_images([os.fsdecode(bad), tmp_path / "good.png"])
    assert len(report.added) == 1
    assert "Unicode" in next(iter(report.failed.values()))


def test_a_large_import_commits_in_chunks(dataset, tmp_path, picture):
    """Other writers get in between the chunks, and see the import grow."""
    original = picture(tmp_path / "raw" / "0.png")
    for number in range(1, 1200):
        os.link(original, original.with_name(f"{number}.png"))
    dataset.add_category("a")
    lengths = set()
    done = threading.Event()

    def watch() -> None:
        with Dataset(dataset.path) as other:
            while not done.is_set():
                lengths.add(len(other))
                if len(other):
                    other.label(1, "a")

    watcher = threading.Thread(target=watch)
    watcher.start()
    report = dataset.add_images(tmp_path / "raw")
    done.set()
    watcher.join()
    assert len(report.added) == len(dataset) == 1200
    assert dataset.journal["action"].tolist().count("add_images") == 3
    assert lengths <= {0, 500, 1000, 1200}


def test_two_importers_of_the_same_files_add_each_once(dataset, folder):
    """Two processes or threads that add the same folder at once end up with each file once."""
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(dataset.add_images(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(dataset) == 6
    assert sum(len(report.added) for report in reports) == 6
    assert all(len(report.added) + len(report.skipped) == 6 for report in reports)


def test_piximis_own_images(dataset, piximi_files):
    """Piximi's sample TIFFs and DICOM files are added; its JSON files are no images."""
    report = dataset.add_images(piximi_files)
    assert len(report.added) == 8
    assert report.failed == {}
    assert sorted(dataset.images["channels"]) == [1, 1, 1, 1, 1, 3, 4, 5]
    assert len(dataset.window()) == 4
    assert all(dataset.thumbnail(image_id).startswith(b"\x89PNG") for image_id in report.added)


def test_joined_files_keep_the_order_in_which_values_are_given_for_them(dataset, tmp_path, picture):
    """What is given by position belongs to the image of that position, also where a pattern sorts them else."""
    paths = [picture(tmp_path / "raw" / f"{name}_s1.png") for name in "bca"]
    dataset.add_images(paths, labels=list("BCA"), pattern="{slide}_s{site}.png")
    frame = dataset.images
    assert frame["slide"].str.upper().tolist() == frame["category"].tolist()
    with Dataset(tmp_path / "second") as second:
        for well, site in (("A01", 2), ("B01", 1)):
            picture(tmp_path / "wells" / f"s{site}_{well}.png")
        names = ["first file", "second file"]
        second.add_images(tmp_path / "wells", names=names, pattern="s{site}_{well}.png")
        assert second.images["well"].tolist() == ["B01", "A01"]
    with Dataset(tmp_path / "third") as third:
        third.add_images(tmp_path / "wells", pattern="s{site}_{well}.png")
        assert third.images["well"].tolist() == ["A01", "B01"]


def test_labels_for_other_images_are_told(dataset, folder):
    """A mapping of labels may be about more images, but one that fits none of them is a mistake."""
    with pytest.warns(UserWarning, match=r"None of the 1 labels.*'raw/tiger\.png'") as caught:
        dataset.add_images(folder, labels={"raw/tiger.png": "tiger"})
    assert caught[0].filename == __file__


def test_an_arrays_odd_axes_are_reported(dataset):
    """Channels come last in memory; where there are more of them than pixels the report says how it was taken."""
    report = dataset.add_images(np.zeros((2, 3, 16, 20), np.uint8))
    assert "3 x 16 pixels" in report.guessed["[0]"]
    assert "axes='CYX'" in report.guessed["[1]"]
    assert "axes='ZCYX'" in dataset.add_images([np.zeros((2, 3, 16, 20), np.uint8)]).guessed["[0]"]
    assert dataset.add_images(np.zeros((2, 3, 16, 20), np.uint8), axes="CYX").guessed == {}
    assert dataset.add_images(np.zeros((2, 16, 20, 3), np.uint8)).guessed == {}


def test_addresses_in_a_network_are_refused_by_name(dataset):
    """An address is no path, and the report says what to do."""
    report = dataset.add_images("https://example.org/a.tif")
    assert "download" in report.failed["https://example.org/a.tif"]


def test_a_label_for_a_name_of_two_images_is_refused(dataset, tmp_path, picture):
    """A file's bare name that two folders have says nothing about either of them."""
    paths = [picture(tmp_path / "raw" / well / "field 1.png") for well in ("A01", "B02")]
    for name in ("field 1.png", "field 1"):
        with pytest.raises(SelectionError, match=r"label of 'field 1.*A01.*B02"):
            dataset.add_images(tmp_path / "raw", labels={name: "x"})
    assert len(dataset) == 0
    dataset.add_images(tmp_path / "raw", labels={paths[1]: "x"})
    assert dataset.images["category"].notna().tolist() == [False, True]


def test_a_series_of_labels_goes_by_its_index(dataset, tmp_path, picture):
    """Labels from a column of the table belong to their rows, also where the table was sorted since."""
    table = pd.DataFrame({"path": [picture(tmp_path / f"{name}.png") for name in "abc"], "kind": list("abc")})
    dataset.add_images(table[::-1], labels=table["kind"])
    assert list(labels_of(dataset).items()) == [("c.png", "c"), ("b.png", "b"), ("a.png", "a")]
    objects = pd.DataFrame({"image_id": [1, 2], "x": [2, 2], "y": [2, 2], "kind": ["c", "b"]})
    crops = dataset.add_crops(objects[::-1], 2, labels=objects["kind"]).added
    assert dataset.images["category"][crops].tolist() == ["b", "c"]
    with Dataset(tmp_path / "other") as other:
        other.add_images(table, labels=pd.Series(["x", "y", "z"], index=[7, 8, 9]))
        assert other.images["category"].tolist() == ["x", "y", "z"]
