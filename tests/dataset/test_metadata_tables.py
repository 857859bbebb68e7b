"""Metadata tables: which row belongs to which image that is being added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from piximi_widgets.dataset.adding.alignment import aligned_labels, aligned_metadata
from piximi_widgets.errors import SelectionError


@dataclass
class Image:
    """What a table knows of an image that is being added."""

    key: str
    path: str | None = None
    files: tuple[str, ...] = ()
    metadata: dict[str, Any] | None = None
    name: str | None = None


@pytest.fixture
def files(tmp_path):
    """Three image files, which need not hold pixels here."""
    (tmp_path / "raw").mkdir()
    for name in ("a.tif", "b.tif", "c.tif"):
        (tmp_path / "raw" / name).touch()
    return [Image(str(tmp_path / "raw" / name), str(tmp_path / "raw" / name)) for name in ("a.tif", "b.tif")]


@pytest.fixture
def plate():
    """Two wells of two plates, joined from two channels each."""
    return [
        Image(
            key=f"/raw/P0{p}_{well}_w1.tif",
            path=f"/raw/P0{p}_{well}_w1.tif",
            files=(f"/raw/P0{p}_{well}_w2.tif",),
            metadata={"plate": f"P0{p}", "well": well, "row": well[0], "column": int(well[1:])},
            name=f"P0{p}_{well}",
        )
        for p in (1, 2)
        for well in ("A01", "B12")
    ]


def csv(path, text):
    """Write a CSV file and return its path."""
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_given_keeps_what_names_say(plate, files):
    """Without a table images have what the pattern found, or nothing."""
    assert aligned_metadata(None, plate)[0] == plate[0].metadata
    assert aligned_metadata(None, files) == [None, None]


@pytest.mark.parametrize("column", ["{folder}/b.tif", "raw/b.tif", "b.tif", "b"])
def test_a_csv_joins_by_path(tmp_path, files, column):
    """Absolute, relative to the CSV's folder, as a file's name and without its suffix."""
    path = column.format(folder=tmp_path / "raw")
    table = csv(tmp_path / "t.csv", f"path,dose,drug\n{path},0.5,NA\n")
    assert aligned_metadata(table, files) == [None, {"dose": 0.5, "drug": "NA"}]
    assert aligned_metadata(str(table), files) == [None, {"dose": 0.5, "drug": "NA"}]


def test_a_csv_keeps_texts_and_numbers_apart(tmp_path, files):
    """Whole numbers stay whole, leading zeros stay, gaps are gaps, quotes and newlines are read."""
    text = 'name,count,code,half,remark\na,3,007,1.5,"one, ""two""\nthree"\nb,,010,,\n'
    assert aligned_metadata(csv(tmp_path / "t.csv", text), files) == [
        {"count": 3, "code": "007", "half": 1.5, "remark": 'one, "two"\nthree'},
        {"count": None, "code": "010", "half": None, "remark": None},
    ]


def test_a_path_decides_before_a_name(tmp_path, files):
    """Of both columns the path counts; the name becomes no metadata, which would hide the image's own."""
    table = csv(tmp_path / "t.csv", "name,path,x\nb.tif,raw/a.tif,1\n")
    assert aligned_metadata(table, files) == [{"x": 1}, None]


def test_a_path_that_leads_nowhere_is_refused(tmp_path, files):
    """A typo is an error even if every image has its row; the first few are listed."""
    rows = "".join(f"raw/typo{n}.tif,1\n" for n in range(7))
    table = csv(tmp_path / "t.csv", f"path,x\nraw/a.tif,1\nraw/b.tif,2\n{rows}")
    with pytest.raises(
        SelectionError, match=r"7 paths.*'raw/typo0.tif' \(row 3\).*typo4.*and 2 more"
    ) as caught:
        aligned_metadata(table, files)
    assert "typo5" not in str(caught.value)


def test_a_table_may_describe_more_files_than_are_added(tmp_path, files):
    """A file that is there and is not added now does no harm, if each image has its row."""
    table = csv(tmp_path / "t.csv", "path,x\nraw/c.tif,3\nraw/a.tif,1\nraw/b.tif,2\n")
    assert aligned_metadata(table, files) == [{"x": 1}, {"x": 2}]
    with pytest.raises(SelectionError, match=r"none of these images.*c\.tif.*1 images have no row"):
        aligned_metadata(csv(tmp_path / "u.csv", "path,x\nraw/c.tif,3\nraw/a.tif,1\n"), files)


def test_unknown_names_are_refused_where_images_have_no_row(files):
    """Names cannot be looked up on the disk: an unknown one is an error where an image has no row."""
    more = pd.DataFrame({"name": ["a.tif", "b", "z"], "x": [1, 2, 3]})
    assert aligned_metadata(more, files) == [{"x": 1}, {"x": 2}]
    with pytest.raises(SelectionError, match=r"'z' \(row 2\)"):
        aligned_metadata(more.iloc[[0, 2]], files)
    with pytest.raises(SelectionError, match="Row 1 of the metadata has no name"):
        aligned_metadata(pd.DataFrame({"name": [None], "x": [1]}), files)


def test_a_name_of_two_images_is_refused(plate):
    """Two files of one name in different folders need their paths."""
    twice = [Image("/p1/a.tif", "/p1/a.tif"), Image("/p2/a.tif", "/p2/a.tif")]
    with pytest.raises(SelectionError, match="2 images are called"):
        aligned_metadata(pd.DataFrame({"name": ["a.tif"], "x": [1]}), twice)


def test_rows_for_each_file_of_an_image_must_agree(plate):
    """A table with a row for each channel's file joins, unless the rows differ."""
    table = pd.DataFrame({"name": ["P01_A01_w1.tif", "P01_A01_w2", "P02_B12"], "dose": [5, 5, 7]})
    rows = aligned_metadata(table, plate)
    assert [row.get("dose") for row in rows] == [5, None, None, 7]
    table.loc[1, "dose"] = 6
    with pytest.raises(SelectionError, match=r"row 2 \(P01_A01_w2\) says dose = 6, an earlier one 5"):
        aligned_metadata(table, plate)


@pytest.mark.parametrize("well", ["well", "Well", "Metadata_Well"])
def test_a_plate_map_joins_by_shared_columns(tmp_path, plate, well):
    """By plate and well, however written; wells that nobody imaged, and images without a row, are fine."""
    rows = "P01,a1,DMSO\nP01,C3,drug\nP02,B12,drug\nP02,A1,\n"
    found = aligned_metadata(csv(tmp_path / "map.csv", f"plate,{well},compound\n{rows}"), plate)
    assert [row.get("compound", "no row") for row in found] == ["DMSO", "no row", None, "drug"]
    assert found[1] == plate[1].metadata
    assert found[0] == {**plate[0].metadata, "compound": "DMSO"}


def test_a_plate_map_by_well_alone_holds_for_all_plates(plate):
    """One map for all plates; rows may come as row and column too."""
    found = aligned_metadata(pd.DataFrame({"row": [1, 2], "column": ["01", "12"], "x": ["p", "q"]}), plate)
    assert [row["x"] for row in found] == ["p", "q", "p", "q"]


def test_a_plate_map_that_fits_nothing_is_refused(plate):
    """If no image has a row, plates or wells are called otherwise; the message shows both."""
    table = pd.DataFrame({"plate": ["plate 1"], "well": ["A01"], "x": [1]})
    with pytest.raises(SelectionError, match="'P01', 'A01'.*'plate 1', 'A01'"):
        aligned_metadata(table, plate)


def test_a_plate_map_that_contradicts_itself_is_refused(plate):
    """A1 and A01 are the same well."""
    table = pd.DataFrame({"well": ["A1", "A01"], "x": [1, 2]})
    with pytest.raises(SelectionError, match=r"row 2 \(A01\) says x = 2, an earlier one 1"):
        aligned_metadata(table, plate)
    same = aligned_metadata(pd.DataFrame({"well": ["A1", "A01"], "x": [1, 1]}), plate)
    assert [row.get("x") for row in same] == [1, None, 1, None]


def test_a_table_by_name_must_not_contradict_the_names(plate):
    """A table that puts a file into another well than its name does is an error."""
    table = pd.DataFrame({"name": ["P01_A01"], "well": ["a1"]})
    assert aligned_metadata(table, plate)[0] == plate[0].metadata
    with pytest.raises(SelectionError, match="well = 'A02'.*its name says 'A01'"):
        aligned_metadata(table.assign(well="A02"), plate)


def test_columns_of_the_project_cannot_be_hidden(tmp_path, files):
    """A column called category or id is refused, in a file as in a DataFrame."""
    for column in ("category", "height", "id"):
        with pytest.raises(SelectionError, match=column):
            aligned_metadata(csv(tmp_path / "t.csv", f"path,{column}\nraw/a.tif,1\n"), files)


def test_a_table_without_keys_has_one_row_for_each_image(files):
    """As many rows as images, in their order."""
    assert aligned_metadata(pd.DataFrame({"x": [1, 2]}), files) == [{"x": 1}, {"x": 2}]
    with pytest.raises(SelectionError, match="3 rows of metadata for 2 images"):
        aligned_metadata(pd.DataFrame({"x": [1, 2, 3]}), files)


def test_a_table_that_cannot_be_read_is_named(tmp_path, files):
    """A missing file, a folder, and bytes that are no text."""
    (tmp_path / "bytes.csv").write_bytes(b"path\n\xff\xfe\x00")
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "bytes.csv"):
        with pytest.raises(SelectionError, match=path.name):
            aligned_metadata(path, files)
    with pytest.raises(SelectionError, match="CSV file"):
        aligned_metadata(5, files)


@pytest.mark.parametrize("name", ["a[1]*?", "%s #2", 'q"uo,te', "n\new", "图像 🔬", "=1+1", "..a", " a "])
def test_hostile_names(tmp_path, name):
    """Names with wildcards, commas, quotes and newlines join by path and by name."""
    path = tmp_path / f"{name}.tif"
    path.touch()
    image = Image(str(path), str(path))
    for column, value in (("path", path.name), ("path", str(path)), ("name", path.name), ("name", name)):
        table = pd.DataFrame({column: [value], "x": [1]})
        table.to_csv(tmp_path / "t.csv", index=False)
        assert aligned_metadata(tmp_path / "t.csv", [image]) == [{"x": 1}]
        assert aligned_metadata(table, [image]) == [{"x": 1}]


def test_labels_of_joined_images(plate):
    """A mapping may name an image by its own name or by any of its files."""
    labels = {"P01_A01": "a", "P01_B12_w2.tif": "b", "/raw/P02_A01_w2.tif": "c"}
    assert aligned_labels(labels, plate) == ["a", "b", "c", None]
