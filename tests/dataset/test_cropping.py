"""Crops of objects as images of a project."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest
import tifffile

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import CategoryError, ReadOnlyError, SelectionError


@pytest.fixture
def fields(tmp_path):
    """Two fields of view of two wells, as files of two channels and three planes; ids 1 and 2."""
    random = np.random.default_rng(8)
    (tmp_path / "raw").mkdir()
    for well in ("A01", "B02"):
        tifffile.imwrite(
            tmp_path / "raw" / f"p_{well}.tif",
            random.integers(0, 4096, (3, 2, 40, 50), dtype=np.uint16),
            imagej=True,
            metadata={"axes": "ZCYX"},
        )
    with Dataset(tmp_path / "cells") as project:
        metadata = {"plate": ["p", "p"], "well": ["A01", "B02"]}
        assert project.add_images(tmp_path / "raw", metadata=metadata).added == [1, 2]
        yield project


def rows(project, columns):
    """What the database holds of the crops."""
    connection = sqlite3.connect(project.path / "project.db")
    found = connection.execute(
        f"SELECT {columns} FROM image WHERE parent_id IS NOT NULL ORDER BY id"
    ).fetchall()
    connection.close()
    return found


def state(project):
    """What a refused call must leave alone."""
    return project.revision, len(project), [category.name for category in project.categories]


def write(path, text):
    """Write a text file and return its path."""
    path.write_text(text, encoding="utf-8")
    return path


def test_crops_are_images_of_their_parents_pixels(fields):
    """Height and width are the window's, all else is the parent's; pixels are the parent's there."""
    table = pd.DataFrame({"x": [10, 49], "y": [20, 0]})
    report = fields.add_crops(table, 8, parent=2, kind="nucleus")
    assert (report.added, report.skipped, report.failed) == ([3, 4], [], {})
    frame = fields.images.loc[[3, 4]]
    assert frame["name"].tolist() == ["p_B02.tif #1", "p_B02.tif #2"]
    assert (
        frame[["height", "width", "channels", "planes", "dtype"]].to_numpy().tolist()
        == [[8, 8, 2, 3, "uint16"]] * 2
    )
    assert frame[["well", "object"]].to_numpy().tolist() == [["B02", 1], ["B02", 2]]
    whole = fields.pixels(2)
    assert np.array_equal(fields.pixels(3), whole[:, 17:25, 7:15])
    assert np.array_equal(fields.pixels(4), whole[:, :8, 42:])
    assert rows(fields, "parent_id, kind, region, origin, path") == [
        (2, "nucleus", "[17, 7, 8, 8]", "crop:2:nucleus:17,7,8,8", None),
        (2, "nucleus", "[0, 42, 8, 8]", "crop:2:nucleus:0,42,8,8", None),
    ]


def test_a_window_larger_than_the_parent_is_padded(fields):
    """What lies beyond the parent is 0."""
    (image_id,) = fields.add_crops(pd.DataFrame({"x": [25], "y": [20]}), (60, 10), parent=1).added
    pixels = fields.pixels(image_id)
    assert pixels.shape == (3, 60, 10, 2)
    assert np.array_equal(pixels[:, 9:49], fields.pixels(1)[:, :, 21:31])
    assert not pixels[:, :9].any()
    assert not pixels[:, 49:].any()


def test_channel_names_and_pixel_size_are_the_parents(fields):
    """A crop has the scale and the channels of the image that it is cut from."""
    connection = sqlite3.connect(fields.path / "project.db")
    connection.execute(
        "UPDATE image SET channel_names = ?, pixel_size = ?", ('["DAPI", "GFP"]', "[null, 0.3, 0.3]")
    )
    connection.commit()
    connection.close()
    fields.add_crops(pd.DataFrame({"x": [25], "y": [20]}), 4, parent=1)
    assert rows(fields, "channel_names, pixel_size") == [('["DAPI", "GFP"]', "[null, 0.3, 0.3]")]


def test_the_same_crops_again_are_skipped(fields, tmp_path):
    """Doing it twice adds nothing and is no operation; another kind or size is another crop."""
    table = pd.DataFrame({"image_id": [1, 2, 2], "x": [10, 11, 12], "y": [20, 20, 20]})
    assert len(fields.add_crops(table, 8).added) == 3
    before = state(fields)
    again = fields.add_crops(table, 8)
    assert (again.added, again.failed) == ([], {})
    assert again.skipped == ["p_A01.tif #1", "p_B02.tif #1", "p_B02.tif #2"]
    assert state(fields) == before
    assert len(fields.add_crops(table, 9).added) == 3
    assert len(fields.add_crops(table, 8, kind="nucleus").added) == 3
    fields.remove_images(again.added or [3])
    assert len(fields.add_crops(table, 8).added) == 1


def test_crops_are_labeled_and_seen_like_any_image(fields):
    """Labels come with them, views hear of them, and undo takes a later label back."""
    revision = fields.revision
    columns = fields.columns()
    assert len(columns.id) == 2
    table = pd.DataFrame({"x": [10, 30, 20], "y": [20, 20, 10], "phase": ["M", None, "G1"]})
    ids = fields.add_crops(table, 8, parent="p_A01", labels="phase", columns="phase", by="ann").added
    assert fields.images["category"][ids].fillna("").tolist() == ["M", "", "G1"]
    assert fields.images["phase"][ids].fillna("").tolist() == ["M", "", "G1"]
    assert fields.changes_since(revision).image_ids.tolist() == ids
    assert fields.columns(ids).names == [f"p_A01.tif #{n}" for n in (1, 2, 3)]
    assert fields.journal["author"].iloc[-1] == "ann"
    fields.label(ids[1], "M")
    assert fields.undo().changed.tolist() == [ids[1]]
    assert fields.select("object == 3").tolist() == ids[2:]


def test_many_crops_commit_in_chunks(fields):
    """Some hundred with each commit, so that other writers get in between."""
    table = pd.DataFrame({"x": np.tile(np.arange(40), 30), "y": np.repeat(np.arange(30), 40)})
    report = fields.add_crops(table, 2, parent=1)
    assert len(report.added) + len(report.failed) == 1200
    operations = fields.journal.query("action == 'add_images'")
    assert len(operations) == 1 + -(-len(report.added) // 500)
    assert len(fields) == 2 + len(report.added)


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        (["image_id"], [[2], [1]]),
        (["parent_id"], [["2"], ["1"]]),
        (["path"], [["raw/p_B02.tif"], ["raw/p_A01.tif"]]),
        (["image"], [["p_B02.tif"], ["p_A01"]]),
        (["name"], [["p_B02"], ["p_A01"]]),
        (["FileName_DNA", "PathName_DNA"], [["p_B02.tif", "/server/x"], ["p_A01.tif", "D:\\data"]]),
        (["URL_DNA"], [["file:/server/my%20plate/p_B02.tif"], ["file:///server/p_A01.tif"]]),
        (["Metadata_Plate", "Metadata_Well"], [["p", "b2"], ["p", "A01"]]),
    ],
)
def test_how_a_table_names_its_images(fields, tmp_path, columns, values):
    """By id, by path from the table's folder, by name, and by what CellProfiler writes."""
    table = pd.DataFrame(values, columns=columns).assign(x=[10, 10], y=[20, 20])
    table.to_csv(tmp_path / "objects.csv", index=False)
    report = fields.add_crops(tmp_path / "objects.csv", 4)
    assert report.failed == {}
    assert rows(fields, "parent_id") == [(2,), (1,)]


def test_a_joined_image_is_known_by_each_of_its_files(tmp_path, picture):
    """CellProfiler's FileName_ of any channel leads to the image that the channels were joined to."""
    for well in ("A01", "A02"):
        for channel in (1, 2):
            picture(tmp_path / "raw" / f"p_{well}_s1_w{channel}.png", (40, 50))
    table = pd.DataFrame({"FileName_Actin": ["p_A02_s1_w2.png", "p_A01_s1_w2.png"], "x": [5, 5], "y": [5, 5]})
    with Dataset(tmp_path / "cells") as project:
        project.add_images(tmp_path / "raw", pattern="imagexpress")
        (crop, _) = project.add_crops(table, 4).added
        assert project.pixels(crop).shape == (1, 4, 4, 2)
        assert project.images.loc[crop, ["name", "well", "object"]].tolist() == ["p_A02_s1 #1", "A02", 1]


IMAGES = """ImageNumber,FileName_DNA,FileName_Actin,PathName_DNA,PathName_Actin,Metadata_Well,Count_Nuclei
1,p_B02.tif,p_B02_w2.tif,{raw},{raw},B02,2
2,p_A01.tif,p_A01_w2.tif,{raw},{raw},A01,1
"""
NUCLEI = (
    "ImageNumber,ObjectNumber,AreaShape_Area,AreaShape_BoundingBoxMaximum_X,AreaShape_BoundingBoxMaximum_Y,"
    "AreaShape_BoundingBoxMinimum_X,AreaShape_BoundingBoxMinimum_Y,AreaShape_Center_X,AreaShape_Center_Y,"
    "Location_Center_X,Location_Center_Y,Location_Center_Z,Number_Object_Number,Intensity_MeanIntensity_DNA\n"
    "1,1,30,15,26,10,20,12.1,22.9,12.1,22.9,0,1,0.31\n"
    "1,2,12,49,4,46,0,47.0,1.5,47.0,1.5,0,2,nan\n"
    "2,1,80,40,30,30,20,34.5,24.5,34.5,24.5,0,1,0.5\n"
)


@pytest.mark.parametrize(
    ("nuclei", "images"), [("Nuclei.csv", "Image.csv"), ("MyExpt_Nuclei.csv", "MyExpt_Image.csv")]
)
def test_cellprofilers_tables(fields, tmp_path, nuclei, images):
    """Nuclei.csv with its Image.csv beside it: ImageNumber leads to the files."""
    write(tmp_path / images, IMAGES.format(raw=tmp_path / "raw"))
    place = write(tmp_path / nuclei, NUCLEI)
    report = fields.add_crops(place, (10, 12), columns=["AreaShape_Area", "Intensity_MeanIntensity_DNA"])
    assert (report.added, report.failed) == ([3, 4, 5], {})
    assert [(parent, json.loads(region)) for parent, region in rows(fields, "parent_id, region")] == [
        (2, [18, 7, 10, 12]),
        (2, [0, 38, 10, 12]),
        (1, [20, 29, 10, 12]),
    ]
    frame = fields.images.loc[[3, 4, 5]]
    assert frame["name"].tolist() == ["p_B02.tif #1", "p_B02.tif #2", "p_A01.tif #1"]
    assert frame["AreaShape_Area"].tolist() == [30, 12, 80]
    assert frame["Intensity_MeanIntensity_DNA"].isna().tolist() == [False, True, False]
    boxes = fields.add_crops(place)
    assert [json.loads(region) for (region,) in rows(fields, "region")[3:]] == [
        [20, 10, 6, 5],
        [0, 46, 4, 3],
        [20, 30, 10, 10],
    ]
    assert len(boxes.added) == 3


def test_cellprofilers_images_by_metadata(fields, tmp_path):
    """Where the files have other names, as joined or exported images have, Metadata_ columns decide."""
    text = IMAGES.replace("p_B02", "x").replace("p_A01", "y").format(raw="/nowhere")
    write(tmp_path / "Image.csv", text)
    assert fields.add_crops(write(tmp_path / "Nuclei.csv", NUCLEI), 4).failed == {}
    assert rows(fields, "parent_id") == [(2,), (2,), (1,)]


def test_image_numbers_that_lead_nowhere(fields, tmp_path):
    """Rows of an image that the project lacks are reported with the file's name; the others are added."""
    write(tmp_path / "Image.csv", "ImageNumber,FileName_DNA\n1,p_B02.tif\n2,gone.tif\n")
    report = fields.add_crops(
        write(tmp_path / "Nuclei.csv", NUCLEI + NUCLEI.splitlines()[-1].replace("2", "9", 1)), 4
    )
    assert len(report.added) == 2
    assert "gone.tif" in report.failed["row 3"]
    assert "no image 9" in report.failed["row 4"]


def test_two_image_numbers_of_one_file_are_refused(fields, tmp_path):
    """Time points of one file would all be cut from the same planes: silently wrong, hence reported."""
    write(tmp_path / "Image.csv", "ImageNumber,FileName_DNA\n1,p_B02.tif\n2,p_B02.tif\n")
    report = fields.add_crops(write(tmp_path / "Nuclei.csv", NUCLEI), 4)
    assert report.added == []
    assert all("the image numbers 1, 2 lead to the same image" in reason for reason in report.failed.values())


def test_image_numbers_without_a_table_of_images(fields, tmp_path):
    """Without Image.csv nobody knows which images are meant, unless a person says so or there is only one."""
    place = write(tmp_path / "Nuclei.csv", NUCLEI)
    with pytest.raises(SelectionError, match=r"Image\.csv.*parent="):
        fields.add_crops(place, 4)
    assert len(fields.add_crops(pd.read_csv(place), 4, parent=1).added) == 3
    with Dataset(tmp_path / "one") as one:
        one.add_images(np.zeros((1, 40, 50), np.uint8))
        with pytest.raises(SelectionError, match="ImageNumber"):
            one.add_crops(place, 4)
        assert len(one.add_crops(pd.read_csv(place).iloc[:2], 4).added) == 2


def test_a_table_that_does_not_say_which_image(fields, tmp_path):
    """Coordinates alone are about the only image of a project, or about parent=."""
    table = pd.DataFrame({"x": [5], "y": [5]})
    with pytest.raises(SelectionError, match="does not say which image"):
        fields.add_crops(table, 4)
    fields.remove_images(2)
    fields.add_crops(table, 4)
    assert rows(fields, "parent_id") == [(1,)]
    # Crops are no images that crops may be cut from, so that there is still only one.
    fields.add_crops(table, 6)
    assert rows(fields, "parent_id") == [(1,), (1,)]


def test_crops_of_crops_and_of_unknown_images_are_refused(fields):
    """The message says what to do; in a table it is the row that fails."""
    table = pd.DataFrame({"x": [5], "y": [5]})
    (crop,) = fields.add_crops(table, 8, parent=1).added
    before = state(fields)
    for parent, message in (
        (crop, "crop itself"),
        (99, "no image with the id 99"),
        ("zzz", "'zzz'"),
        (1.5, "1.5"),
    ):
        with pytest.raises(SelectionError, match=message):
            fields.add_crops(table, 4, parent=parent)
    assert state(fields) == before
    report = fields.add_crops(pd.DataFrame({"image_id": [crop, 1, None], "x": [5] * 3, "y": [5] * 3}), 4)
    assert len(report.added) == 1
    assert "crop itself" in report.failed["row 1"]
    assert "names no image" in report.failed["row 3"]


def test_a_file_of_the_same_name_elsewhere_is_another_file(fields, tmp_path, picture):
    """A path that leads to a file which is not the project's does not stand for one of its name."""
    (tmp_path / "plate2").mkdir()
    stranger = picture(tmp_path / "plate2" / "p_A01.png").rename(tmp_path / "plate2" / "p_A01.tif")
    table = pd.DataFrame({"path": [str(stranger), "/another/machine/p_A01.tif"], "x": [5, 9], "y": [5, 9]})
    report = fields.add_crops(table, 4)
    assert len(report.added) == 1
    assert list(report.failed) == ["row 1"]


def test_an_excluded_parent_may_be_cropped(fields):
    """Excluding the field of view does not exclude its cells."""
    fields.exclude(1)
    (crop,) = fields.add_crops(pd.DataFrame({"x": [5], "y": [5]}), 4, parent=1).added
    assert not fields.images["excluded"][crop]


def test_masks(fields, tmp_path):
    """An array, a file, or a mapping of these; objects keep their numbers."""
    mask = np.zeros((40, 50), np.uint16)
    mask[10:14, 20:30] = 7
    mask[0, 49] = 3
    report = fields.add_crops(mask, parent=1)
    assert fields.images["name"][report.added].tolist() == ["p_A01.tif #3", "p_A01.tif #7"]
    assert np.array_equal(fields.pixels(report.added[1]), fields.pixels(1)[:, 10:14, 20:30])
    tifffile.imwrite(tmp_path / "mask #1.tif", mask)
    assert fields.add_crops(tmp_path / "mask #1.tif", parent="p_A01.tif").skipped == [
        "p_A01.tif #3",
        "p_A01.tif #7",
    ]
    report = fields.add_crops(
        {2: tmp_path / "mask #1.tif", "p_A01": mask}, 6, labels={"p_B02.tif #3": "a", "p_A01.tif #7": "b"}
    )
    assert len(report.added) == 4
    assert fields.images["category"][report.added].fillna("").tolist() == ["a", "", "", "b"]
    numbered = fields.add_crops(mask, 5, parent=2, labels={3: "b", 7: "a"}).added
    assert fields.images["category"][numbered].tolist() == ["b", "a"]


def test_bad_masks(fields, tmp_path):
    """One bad mask of several is reported; a single one is an error, as is one that belongs to no image."""
    mask = np.eye(40, 50, dtype=int)
    before = state(fields)
    for arguments, message in (
        ({"source": mask[1:], "parent": 1}, "shape"),
        ({"source": mask}, "parent="),
        ({"source": {1: mask, 99: mask, "zzz": mask}}, "2 masks have no image"),
        ({"source": {1: mask, "p_A01": mask}}, "two masks of one image"),
        ({"source": {1: mask}, "parent": 1}, "leave parent= out"),
        ({"source": 5, "parent": 1}, "not from int"),
        ({"source": mask, "parent": 1, "columns": ["a"]}, "a mask has none"),
        ({"source": mask, "parent": 1, "labels": ["a"]}, "mapping"),
        ({"source": mask, "parent": 1, "labels": {8: "a"}}, "given for 8"),
    ):
        with pytest.raises(SelectionError, match=message):
            fields.add_crops(**arguments)
    assert state(fields) == before
    report = fields.add_crops({1: mask[1:], 2: mask})
    assert len(report.added) == 1
    assert "shape" in report.failed["p_A01.tif"]


def test_labels_that_do_not_fit(fields):
    """Nothing is added where labels are too few, of no column, or alike but for capitals."""
    table = pd.DataFrame({"x": [5, 9], "y": [5, 9], "phase": ["m", "M"], "long": ["ok", "x" * 101]})
    fields.add_category("Ok")
    before = state(fields)
    for labels, message in (
        (["a"], "1 labels for 2 rows"),
        ("Phase", "no column 'Phase'"),
        ({9: "a"}, "given for 9"),
    ):
        with pytest.raises(SelectionError, match=message):
            fields.add_crops(table, 4, parent=1, labels=labels)
    for labels in ("phase", ["ok", None]):
        with pytest.raises(CategoryError, match="capitals"):
            fields.add_crops(table, 4, parent=1, labels=labels)
    assert state(fields) == before
    report = fields.add_crops(table.assign(long=["Ok", "x" * 101]), 4, parent=1, labels="long")
    assert len(report.added) == 1
    assert "101 characters" in report.failed["p_A01.tif #2"]


@pytest.mark.parametrize("kind", ["image", "", "a:b", "x" * 51, None, 5])
def test_kinds_that_are_none(fields, kind):
    """A kind is a short word, and a crop is no image of its own."""
    with pytest.raises(SelectionError, match="kind"):
        fields.add_crops(pd.DataFrame({"x": [5], "y": [5]}), 4, parent=1, kind=kind)


def test_tables_that_cannot_be_read(fields, tmp_path):
    """A missing file and bytes that are no text; an empty table has no crops."""
    (tmp_path / "bytes.csv").write_bytes(b"x,y\n\xff\xfe,1\n")
    for name in ("bytes.csv", "none.csv"):
        with pytest.raises(SelectionError, match=name):
            fields.add_crops(tmp_path / name, 4, parent=1)
    assert fields.add_crops(pd.DataFrame({"x": [], "y": []}), 4, parent=1).added == []


def test_a_read_only_project_is_left_alone(fields):
    """Adding is a change."""
    with Dataset(fields.path, mode="r") as reader, pytest.raises(ReadOnlyError):
        reader.add_crops(pd.DataFrame({"x": [5], "y": [5]}), 4, parent=1)


@pytest.mark.parametrize(
    "name", ["a[1]*?.png", "100% #2.png", 'q"uo,te.png', "new\nline.png", "图像 🔬.png", "..a.png", "=1.png"]
)
def test_hostile_names(tmp_path, picture, name):
    """Images of any name are found by path, by name, and through a CSV file."""
    path = picture(tmp_path / "raw" / name, (40, 50))
    with Dataset(tmp_path / "cells") as project:
        project.add_images([path, picture(tmp_path / "raw" / "other.png", (40, 50))])
        table = pd.DataFrame({"path": [f"raw/{name}"], "x": [5], "y": [5]})
        table.to_csv(tmp_path / "t.csv", index=False)
        (crop,) = project.add_crops(tmp_path / "t.csv", 4).added
        assert project.images["name"][crop] == f"{name} #1"
        assert len(project.add_crops(table.rename(columns={"path": "name"}).assign(name=name), 6).added) == 1
        project.add_category("x")
        project.label(crop, "x")
        project.to_csv(tmp_path / "labels.csv")
        project.unlabel([crop])
        assert project.load_labels(tmp_path / "labels.csv").changed.tolist() == [crop]


@pytest.fixture
def plates(tmp_path, picture):
    """A project of the wells A01 of two plates, whose files are called alike; ids 1 and 2."""
    for plate in ("plate1", "plate2"):
        picture(tmp_path / "raw" / plate / "A01.png", (40, 50))
    with Dataset(tmp_path / "cells") as project:
        project.add_images(tmp_path / "raw", pattern="{plate}/{well}.png")
        yield project


def cellprofiler_rows(*plates):
    """One object of the well A01 of each plate, with the paths of another machine."""
    return pd.DataFrame(
        {
            "PathName_DNA": [rf"D:\scans\{plate}" for plate in plates],
            "FileName_DNA": ["A01.png"] * len(plates),
            "Location_Center_X": [9.0] * len(plates),
            "Location_Center_Y": [9.0] * len(plates),
        }
    )


def test_folders_tell_files_of_one_name_apart(plates):
    """Of two images of one file name the one is meant whose folder is called as in the table."""
    report = plates.add_crops(cellprofiler_rows("Plate2", "plate1"), 4)
    assert plates.images["parent"][report.added].tolist() == [2, 1]
    table = cellprofiler_rows("plate2", "plate1").rename(columns={"FileName_DNA": "path"})
    table["path"] = ["/scans/plate2/A01.png", "/scans/plate1/A01.png"]
    report = plates.add_crops(table.drop(columns="PathName_DNA"), 6)
    assert plates.images["parent"][report.added].tolist() == [2, 1]
    report = plates.add_crops(cellprofiler_rows("plate3"), 4)
    assert "2 images are called" in report.failed["row 1"]


def test_an_image_that_was_never_added_is_not_one_of_its_name(plates):
    """Files of one name in two folders are two images; where the project has one of them the other has none."""
    plates.remove_images(2)
    report = plates.add_crops(cellprofiler_rows("plate1", "plate2"), 4)
    assert plates.images["parent"][report.added].tolist() == [1]
    assert "A01.png in 2 folders" in report.failed["row 2"]
    both = cellprofiler_rows("here", "there").assign(Metadata_Well="A01")
    assert list(plates.add_crops(both, 6).failed) == ["row 1", "row 2"]
    table = pd.DataFrame({"path": ["/scans/a/A01.png", "/scans/b/A01.png"], "x": [9, 9], "y": [9, 9]})
    assert list(plates.add_crops(table, 6).failed) == ["row 1", "row 2"]


def test_a_tables_plate_must_be_that_of_the_file_of_its_name(plates):
    """A file's bare name leads to no image of another plate than the one that the table is about."""
    plates.remove_images(2)
    report = plates.add_crops(cellprofiler_rows("elsewhere").assign(Metadata_Plate="plate2"), 4)
    assert list(report.failed) == ["row 1"]
    report = plates.add_crops(cellprofiler_rows("elsewhere").assign(Metadata_Plate="Plate1"), 4)
    assert plates.images["parent"][report.added].tolist() == [1]
