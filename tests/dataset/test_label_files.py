"""Labels out to CSV files and back in from files and DataFrames."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import CategoryError, ReadOnlyError, SelectionError

HOSTILE = [
    "comma, and ; semicolon",
    'quote"d',
    "new\nline",
    "return\rand\r\nboth",
    "hash #1",
    "100%",
    "a[1]*?",
    "图像 🔬 é",
    "=SUM(A1)",
    "+1",
    "@x",
    "NA",
    "null",
    "1.0",
    "007",
    "True",
    " blanks ",
    "it's",
    "..a",
    "\ttab",
]


def labels(dataset: Dataset) -> list[str | None]:
    """Category of each image."""
    return [None if pd.isna(value) else value for value in dataset.images["category"]]


def state(dataset: Dataset) -> tuple:
    """All that a refused call must leave alone."""
    return dataset.revision, labels(dataset), [category.name for category in dataset.categories]


def test_labels_go_through_a_file_and_back(dataset, picture, tmp_path):
    """What to_csv writes, load_labels reads into another project of the same files, categories and all."""
    paths = [picture(tmp_path / "raw" / f"{n}.png") for n in range(4)]
    odd = 'NA, "quoted"\nand <b>'
    dataset.add_images(paths, labels=["None", odd, None, "1"])
    dataset.to_csv(tmp_path / "labels.csv")
    with Dataset(tmp_path / "other") as other:
        other.add_images(np.zeros((3, 5, 8), np.uint8))
        other.add_images(paths)
        report = other.load_labels(tmp_path / "labels.csv", add_categories=True)
        assert report.failed == {}
        assert report.changed.tolist() == [4, 5, 7]
        category = other.images["category"]
        assert category[[4, 5, 7]].tolist() == ["None", odd, "1"]
        assert category[6] != category[6]
        assert other.load_labels(tmp_path / "labels.csv").unchanged == 3
        other.undo()
        assert other.images["category"].isna().all()


def test_hostile_names_go_through_a_file_and_back(dataset, picture, tmp_path):
    """Names of files and categories with commas, quotes, newlines, formulas and other alphabets."""
    original = picture(tmp_path / "original.png")
    paths = []
    for number, name in enumerate(HOSTILE):
        path = tmp_path / f"raw #{number % 2}" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        os.link(original, path)
        paths.append(path)
    dataset.add_images(paths, labels=HOSTILE)
    before = labels(dataset)
    assert before == [name.strip() for name in HOSTILE]
    dataset.to_csv(tmp_path / "labels.csv")
    dataset.unlabel(dataset.images.index.to_numpy())
    report = dataset.load_labels(tmp_path / "labels.csv")
    assert (len(report.changed), report.failed) == (len(HOSTILE), {})
    assert labels(dataset) == before
    with Dataset(tmp_path / "other") as other:
        other.add_images(reversed(paths))
        other.load_labels(tmp_path / "labels.csv", add_categories=True)
        assert labels(other) == before[::-1]


def test_labels_travel_with_a_folder(dataset, picture, tmp_path):
    """Paths are relative to the CSV's folder, so that both can be sent to a colleague."""
    paths = [picture(tmp_path / "study" / f"{n}.png") for n in range(2)]
    dataset.add_images(paths, labels=["a", "b"])
    dataset.to_csv(tmp_path / "study" / "labels.csv")
    shutil.move(tmp_path / "study", tmp_path / "theirs")
    with Dataset(tmp_path / "their project") as theirs:
        theirs.add_images(tmp_path / "theirs")
        theirs.load_labels(tmp_path / "theirs" / "labels.csv", add_categories=True)
        assert labels(theirs) == ["a", "b"]


def test_images_of_several_files(dataset, picture, tmp_path):
    """An image joined from channels is known by any of its files, by its name, and through to_csv."""
    for well in ("A01", "A02"):
        for channel in (1, 2):
            picture(tmp_path / "raw" / f"p_{well}_s1_w{channel}.png")
    dataset.add_images(tmp_path / "raw", pattern="auto", labels={"p_A01_s1": "a", "p_A02_s1": "b"})
    dataset.to_csv(tmp_path / "labels.csv")
    dataset.unlabel([1, 2])
    assert dataset.load_labels(tmp_path / "labels.csv").changed.tolist() == [1, 2]
    (tmp_path / "other.csv").write_text("path,category\nraw/p_A02_s1_w2.png,a\nraw/p_A01_s1_w1.png,b\n")
    dataset.load_labels(tmp_path / "other.csv")
    assert labels(dataset) == ["b", "a"]
    dataset.load_labels(pd.DataFrame({"name": ["p_A01_s1"], "category": ["a"]}))
    assert labels(dataset) == ["a", "a"]


def test_crops_are_known_by_their_parent_and_region(dataset, picture, tmp_path):
    """Crops that are called alike in two projects and are of different objects do not get each other's labels."""
    paths = [picture(tmp_path / "raw" / plate / "f #1.png", (40, 50)) for plate in ("p1", "p2")]
    table = pd.DataFrame({"x": [9, 30], "y": [9, 20]})

    def crop(project, images, kinds):
        project.add_images(images)
        for kind in kinds:
            for path in images:
                parent = project.images.query("kind == 'image'").index[images.index(path)]
                project.add_crops(table, 6, parent=int(parent), kind=kind)

    def cut(project):
        frame = project.images.query("kind != 'image'").fillna({"category": ""})
        return {
            (project.pixels(crop).tobytes(), frame.kind[crop]): frame.category[crop] for crop in frame.index
        }

    crop(dataset, paths, ["cell", "nucleus"])
    for number, crop_id in enumerate(dataset.images.index[2:]):
        dataset.add_category(f"c{number}")
        dataset.label(int(crop_id), f"c{number}")
    dataset.to_csv(tmp_path / "labels.csv")
    with Dataset(tmp_path / "other") as other:
        crop(other, paths[::-1], ["nucleus", "cell"])
        report = other.load_labels(tmp_path / "labels.csv", add_categories=True)
        assert (len(report.changed), report.failed) == (8, {})
        assert cut(other) == cut(dataset)
        other.remove_images(other.images.index[-1])
        with pytest.raises(SelectionError, match="no such crop of this image"):
            other.load_labels(tmp_path / "labels.csv")


def test_crops_of_arrays_are_matched_by_id_and_name(dataset, tmp_path):
    """Their parent has no path, so that nothing else tells them."""
    dataset.add_images(np.zeros((1, 20, 20), np.uint8), names=["a"])
    dataset.add_crops(pd.DataFrame({"x": [9], "y": [9]}), 6, labels=["x"])
    dataset.to_csv(tmp_path / "labels.csv")
    dataset.unlabel([2])
    assert dataset.load_labels(tmp_path / "labels.csv").changed.tolist() == [2]


def test_arrays_are_matched_by_id_and_name(ten, tmp_path):
    """Images without a path are known by id, and only if the name agrees: ids are local to a project."""
    ten.label([1, 2], "a")
    ten.to_csv(tmp_path / "labels.csv")
    ten.unlabel([1, 2])
    assert ten.load_labels(tmp_path / "labels.csv").changed.tolist() == [1, 2]
    with Dataset(tmp_path / "other") as other:
        other.add_images(np.zeros((3, 5, 8), np.uint8))
        before = state(other)
        with pytest.raises(SelectionError, match="another project"):
            other.load_labels(tmp_path / "labels.csv", add_categories=True)
        assert state(other) == before


def test_a_name_finds_its_image_in_another_project(ten, tmp_path):
    """Where an id means another image there, a name that only one image has decides."""
    ten.add_images(np.zeros((2, 5, 8), np.uint8), names=["one", "two"], labels=["a", "b"])
    ten.images.loc[[11, 12]].to_csv(tmp_path / "labels.csv")
    with Dataset(tmp_path / "other") as other:
        other.add_images(np.zeros((12, 5, 8), np.uint8), names=["two", *"cdefghijkl", "one"])
        other.load_labels(tmp_path / "labels.csv", add_categories=True)
        assert labels(other) == ["b", *[None] * 10, "a"]


def test_label_tables_by_name(ten, picture, tmp_path):
    """Unique names work, with or without a file's suffix; label is another word for category."""
    (image_id,) = ten.add_images(picture(tmp_path / "a.b.png")).added
    ids = ten.add_images(np.zeros((3, 5, 8), np.uint8), names=["one", "two", "two"]).added
    table = pd.DataFrame({"name": ["one", "a.b", None], "label": ["a", "b", None]})
    assert ten.load_labels(table).changed.tolist() == [image_id, ids[0]]
    with pytest.raises(SelectionError, match=r"row 1 \(two\): 2 images have this name"):
        ten.load_labels(pd.DataFrame({"name": ["two"], "label": ["a"]}))
    with pytest.raises(SelectionError, match="row 1: the row names no image"):
        ten.load_labels(pd.DataFrame({"name": [None], "label": ["a"]}))


@pytest.mark.parametrize("table", [{"name": ["one"]}, {"category": ["a"]}, {}])
def test_tables_without_the_columns(ten, table):
    """What is missing is said, with what is there."""
    with pytest.raises(SelectionError, match="needs a column"):
        ten.load_labels(pd.DataFrame(table))


def test_files_that_cannot_be_read(ten, tmp_path):
    """A missing file, a folder, an empty file and bytes that are no text."""
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bytes.csv").write_bytes(b"id,category\n1,\xff\xfe\n")
    before = state(ten)
    for name in ("nowhere.csv", "empty.csv", "bytes.csv", "cells"):
        with pytest.raises(SelectionError, match=name):
            ten.load_labels(tmp_path / name)
    assert state(ten) == before


def test_unknown_images_are_listed_and_nothing_is_labeled(ten):
    """One typo among the rows: an error with the first five, and the keyword that lifts it."""
    table = pd.DataFrame({"id": [1, *range(101, 108), 2], "category": ["a"] * 9})
    before = state(ten)
    with pytest.raises(
        SelectionError, match=r"7 rows of the table name no image.*row 2 \(101\).*row 6 \(105\).*and 2 more"
    ) as caught:
        ten.load_labels(table)
    assert "106" not in str(caught.value)
    assert "skip_unknown=True" in str(caught.value)
    assert state(ten) == before
    report = ten.load_labels(table, skip_unknown=True)
    assert report.changed.tolist() == [1, 2]
    assert list(report.failed) == [f"row {n} ({n + 99})" for n in range(2, 9)]
    assert "7 failed" in repr(report)


def test_unknown_paths_are_listed(dataset, picture, tmp_path):
    """As for ids; a relative path starts from the CSV file's folder."""
    dataset.add_images(picture(tmp_path / "raw" / "a.png"))
    dataset.add_category("x")
    (tmp_path / "t.csv").write_text("path,category\nraw/a.png,x\nraw/b.png,x\n")
    before = state(dataset)
    with pytest.raises(SelectionError, match=r"1 row of the table names no image.*row 2 \(raw/b\.png\)"):
        dataset.load_labels(tmp_path / "t.csv")
    assert state(dataset) == before
    assert dataset.load_labels(tmp_path / "t.csv", skip_unknown=True).changed.tolist() == [1]


def test_unknown_categories_are_listed_and_nothing_is_labeled(ten):
    """A category that nobody has made: an error with the first five, those there are, and the keyword."""
    table = pd.DataFrame({"id": range(1, 9), "category": ["a", "A", *"uvwxyz"]})
    before = state(ten)
    with pytest.raises(
        CategoryError, match=r"“A” \(there is “a”\); “u”; “v”; “w”; “x”; and 2 more"
    ) as caught:
        ten.load_labels(table)
    assert "there are “a”; “b”; “c”" in str(caught.value)
    assert "add_categories=True" in str(caught.value)
    assert state(ten) == before
    with pytest.raises(CategoryError):
        ten.load_labels(table, skip_unknown=True)
    assert state(ten) == before


def test_new_categories_are_made_when_asked_for(ten):
    """add_categories makes them in the table's order, in the same operation as the labels."""
    report = ten.load_labels(pd.DataFrame({"id": [3, 1], "category": ["new", "made"]}), add_categories=True)
    assert report.changed.tolist() == [1, 3]
    assert [category.name for category in ten.categories] == ["a", "b", "c", "new", "made"]
    ten.undo()
    assert [category.name for category in ten.categories] == ["a", "b", "c"]


def test_contradictions_are_errors(ten):
    """The same image with two labels, even by two keys: no row is taken, whatever the keywords say."""
    name = ten.images["name"][4]
    table = pd.DataFrame({"id": ["4", "1", None], "name": [None, None, name], "category": ["a", "c", "b"]})
    before = state(ten)
    for keywords in ({}, {"skip_unknown": True, "add_categories": True}):
        with pytest.raises(SelectionError, match=rf"row 3 \({name}\) says “b”, row 1 \(4\) “a”"):
            ten.load_labels(table, **keywords)
    assert state(ten) == before


def test_rows_that_say_the_same_twice_or_nothing(ten):
    """A row that repeats another, and one without a category, do no harm, whatever image it names."""
    table = pd.DataFrame({"id": [1, 1, 2, 99], "category": ["a", "a", None, None]})
    report = ten.load_labels(table)
    assert (report.changed.tolist(), report.failed) == ([1], {})
    assert ten.load_labels(table).unchanged == 1


def test_a_category_that_can_be_no_name(ten):
    """101 characters: an error that names the row."""
    table = pd.DataFrame({"id": [1, 2], "category": ["a", "x" * 101]})
    before = state(ten)
    with pytest.raises(CategoryError, match=r"row 2 \(2\).*101 characters.*Nothing was labeled"):
        ten.load_labels(table, add_categories=True)
    assert state(ten) == before


def test_one_operation_by_its_author(ten):
    """The journal holds one operation by the author who is named."""
    ten.load_labels(pd.DataFrame({"id": [1, 2], "category": ["a", "b"]}), by="ann")
    last = ten.journal.iloc[-2:]
    assert last["action"].tolist() == ["load_labels"] * 2
    assert last["author"].unique().tolist() == ["ann"]
    assert ten.undo(by="ann").changed.tolist() == [1, 2]


def test_a_read_only_project_is_left_alone(ten):
    """Loading is a change."""
    with Dataset(ten.path, mode="r") as reader, pytest.raises(ReadOnlyError):
        reader.load_labels(pd.DataFrame({"id": [1], "category": ["a"]}))
