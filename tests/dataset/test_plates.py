"""Joining files into images by their names."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.dataset.plates.joining import PRESETS, JoinedFiles, compile_pattern, identity_value, join
from piximi_widgets.errors import SelectionError

GUID = "7447158A-AC92-4844-8462-8FD8E5A0D360"


def names(image: JoinedFiles) -> list[str]:
    """The file names of an image, without their folders."""
    return [path.rsplit("/", 1)[-1] for path in image.paths]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_takes_its_own_examples_and_auto_finds_it(name):
    """Each example is one image for its preset, and auto reads it the same way."""
    for example in PRESETS[name].examples:
        images, failed = join([f"/data/{example}"], name)
        assert failed == {}
        assert len(images) == 1
        assert join([f"/data/{example}"], "auto") == (images, {})
    assert PRESETS[name].about.endswith(".")


@pytest.mark.parametrize(
    ("preset", "file", "channel", "metadata"),
    [
        ("imagexpress", "A01_s1_w2.tif", 2, {"well": "A01", "row": "A", "column": 1, "site": 1}),
        ("imagexpress", "A01_w2.tif", 2, {"well": "A01", "row": "A", "column": 1}),
        ("imagexpress", "H12_s4.TIF", None, {"well": "H12", "row": "H", "column": 12, "site": 4}),
        (
            "imagexpress",
            "my plate_07_P24_s9_w5.tif",
            5,
            {"plate": "my plate_07", "well": "P24", "row": "P", "column": 24, "site": 9},
        ),
        (
            "bbbc021",
            f"Week1_150607_B02_s1_w1{GUID}.tif",
            1,
            {"plate": "Week1_150607", "well": "B02", "row": "B", "column": 2, "site": 1},
        ),
        (
            "bbbc021",
            "Week1_150607_B02_s1_w107447158-AC92-4844-8462-8FD8E5A0D360.tif",
            1,
            {"plate": "Week1_150607", "well": "B02", "row": "B", "column": 2, "site": 1},
        ),
        (
            "metaxpress",
            "IXMtest_AF48_s2_w10" + GUID + ".tif",
            10,
            {"plate": "IXMtest", "well": "AF48", "row": "AF", "column": 48, "site": 2},
        ),
        (
            "phenix",
            "r16c24f03p01-ch4sk2fk1fl1.tiff",
            4,
            {"well": "P24", "row": "P", "column": 24, "site": 3, "time": 2},
        ),
        (
            "operetta",
            "r27c05f01p01-ch01t03.tiff",
            1,
            {"well": "AA05", "row": "AA", "column": 5, "site": 1, "time": 3},
        ),
        (
            "cv8000",
            "20210607_p1_A549_B02_T0002F003L01A02Z01C04.tif",
            4,
            {"plate": "20210607_p1_A549", "well": "B02", "row": "B", "column": 2, "site": 3, "time": 2},
        ),
        ("cv1000", "W12F003T0001Z01C2.tif", 2, {"well": 12, "site": 3, "time": 1}),
        (
            "cellomics",
            "AS_09125_050118150001_D03f05d1.TIF",
            1,
            {"plate": "AS_09125_050118150001", "well": "D03", "row": "D", "column": 3, "site": 5},
        ),
        ("micro-manager", "img_000000003_Cy5_far_000.tif", "Cy5_far", {"time": 3}),
        (
            "micro-manager-2",
            "img_channel002_position011_time000000004_z003.tif",
            2,
            {"site": 11, "time": 4},
        ),
        (
            "incucyte",
            "VID77_B11_4_2020y04m19d_12h00m.tif",
            None,
            {
                "plate": "VID77",
                "well": "B11",
                "row": "B",
                "column": 11,
                "site": 4,
                "time": "2020y04m19d_12h00m",
            },
        ),
        (
            "incucyte",
            "Green_B1_4_00d12h30m.tif",
            "Green",
            {"well": "B01", "row": "B", "column": 1, "site": 4, "time": "00d12h30m"},
        ),
        ("plain", "embryo_7_ch3.tif", 3, {}),
        ("plain", "embryo 7-C01.png", 1, {}),
    ],
)
def test_what_presets_read(preset, file, channel, metadata):
    """Each convention's parts become metadata of the right types; the channel is kept out of them."""
    (image,), failed = join([f"/data/x/{file}"], preset)
    assert failed == {}
    assert image.metadata == metadata
    expected = {None: None, 1: None, 0: None}
    told = expected.get(channel, (f"channel {channel}",) if isinstance(channel, int) else (channel,))
    assert image.channel_names == told
    # The columns of the frame come in one order, whatever the order in the name.
    order = [name for name in ("plate", "well", "row", "column", "site", "time") if name in metadata]
    assert list(image.metadata) == order


def test_channels_of_a_plate_are_joined_in_order():
    """Two wells, two sites, three channels in shuffled order: four images with their channels as numbered."""
    files = [
        f"/raw/p_{well}_s{site}_w{w}.tif" for well in ("A02", "A10") for site in (1, 2) for w in (1, 2, 3)
    ]
    shuffled = list(files)
    random.Random(4).shuffle(shuffled)
    images, failed = join(shuffled, "imagexpress")
    assert failed == {}
    assert [image.name for image in images] == ["p_A02_s1", "p_A02_s2", "p_A10_s1", "p_A10_s2"]
    assert [path for image in images for path in image.paths] == files
    assert {image.grid for image in images} == {(1, 3)}
    assert {image.channel_names for image in images} == {None}


def test_ten_channels_sort_by_number():
    """Channel 10 comes behind channel 2."""
    (image,), _ = join([f"A01_w{n}.tif" for n in (10, *range(1, 10))], "{well}_w{channel}.tif")
    assert names(image) == [f"A01_w{n}.tif" for n in range(1, 11)]


def test_planes_are_rows_and_channels_columns_of_the_grid():
    """Row-major: all channels of the first plane, then those of the second."""
    files = [f"r01c01f01p{p:02}-ch{c}sk1fk1fl1.tiff" for c in (1, 2) for p in (1, 2, 10)]
    (image,), failed = join(files, "phenix")
    assert failed == {}
    assert image.grid == (3, 2)
    assert [re.search(r"p(\d+)-ch(\d)", name).groups() for name in image.paths] == [
        ("01", "1"),
        ("01", "2"),
        ("02", "1"),
        ("02", "2"),
        ("10", "1"),
        ("10", "2"),
    ]
    assert image.problems == (
        "no image of this call has the plane 3, 4, 5, 6, 7, 8, 9; the planes around it were joined",
    )


def test_z_steps_and_time_points_from_folders():
    """MetaXpress puts planes and times into folders; planes are joined, times are images of their own."""
    files = [f"/d/TimePoint_{t}/ZStep_{z}/p_A01_s1_w{w}.TIF" for t in (1, 2) for z in (1, 2) for w in (1, 2)]
    images, failed = join(files, "imagexpress")
    assert failed == {}
    assert [(image.metadata["time"], image.grid) for image in images] == [(1, (2, 2)), (2, (2, 2))]
    assert images[0].paths == tuple(files[:4])


def test_planes_in_the_name():
    """_z1 at the end of an ImageXpress name is a plane too."""
    files = [f"A01_s1_w{w}_z{z}.tif" for z in (1, 2) for w in (1, 2)]
    (image,), failed = join(files, "imagexpress")
    assert (image.grid, image.paths, failed) == ((2, 2), tuple(files), {})


def test_a_projection_among_planes_is_no_plane():
    """A file without a plane beside files with planes is reported and left out."""
    planes = [f"/d/TimePoint_1/ZStep_{z}/p_A01_s1_w1.TIF" for z in (1, 2)]
    projection = "/d/TimePoint_1/p_A01_s1_w1.TIF"
    (image,), failed = join([projection, *planes], "imagexpress")
    assert image.paths == tuple(planes)
    assert "no plane" in failed[projection]


def test_thumbnails_and_overlays_are_passed_over_and_reported():
    """What microscopes draw is no image, and is not silently dropped."""
    thumb = f"p_A01_s1_w1_thumb{GUID}.tif"
    (image,), failed = join([f"p_A01_s1_w1{GUID}.tif", thumb], "imagexpress")
    assert len(image.paths) == 1
    assert "thumbnail" in failed[thumb]
    overlay = "MFGTMP_111020190001_A01f00d0o1.TIF"
    _, failed = join(["MFGTMP_111020190001_A01f00d0.TIF", overlay], "arrayscan")
    assert list(failed) == [overlay]


def test_a_missing_channel_fails_its_set_and_says_which():
    """Never an image with fewer channels: the set is reported by each file, and the others are joined."""
    files = [f"A0{n}_s1_w{w}.tif" for n in (1, 2, 3) for w in (1, 2, 3)]
    files.remove("A02_s1_w2.tif")
    images, failed = join(files, "imagexpress")
    assert [image.metadata["well"] for image in images] == ["A01", "A03"]
    assert set(failed) == {"A02_s1_w1.tif", "A02_s1_w3.tif"}
    assert all("channel 2 is missing" in reason for reason in failed.values())


def test_a_missing_plane_and_a_missing_cell_are_told():
    """A whole plane, or one channel of one plane, is named."""
    files = [f"A0{n}_z{z}_c{c}.tif" for n in (1, 2, 3) for z in (1, 2) for c in "ab"]
    for gone in ("A02_z2_ca.tif", "A02_z2_cb.tif", "A03_z1_cb.tif"):
        files.remove(gone)
    images, failed = join(files, "{well}_z{z}_c{channel}.tif")
    assert [image.name for image in images] == ["A01"]
    assert "plane 2 is missing" in failed["A02_z1_ca.tif"]
    assert "channel b of plane 1 is missing" in failed["A03_z2_ca.tif"]


def test_doubled_files_are_reported_not_chosen():
    """Two files for one channel: the set is not joined, and both names are told."""
    files = [f"A01_s1_w1{GUID}.tif", "A01_s1_w1.tif", "A01_s1_w2.tif", "A02_s1_w1.tif", "A02_s1_w2.tif"]
    images, failed = join(files, "imagexpress")
    assert [image.name for image in images] == ["A02_s1"]
    assert set(failed) == set(files[:3])
    assert all(files[0] in reason and files[1] in reason for reason in failed.values())


def test_the_same_path_twice_counts_once():
    """A list may name a file twice without harm."""
    (image,), failed = join(["A01_w1.tif", "A01_w2.tif", "A01_w1.tif"], "imagexpress")
    assert (image.paths, failed) == (("A01_w1.tif", "A01_w2.tif"), {})


def test_the_same_names_in_two_folders_are_two_images():
    """Plates in folders of their own do not run into each other, though their files have the same names."""
    files = [f"/raw/plate{p}/A01_w{w}.tif" for p in (1, 2) for w in (1, 2)]
    images, failed = join(files, "imagexpress")
    assert failed == {}
    assert [image.paths for image in images] == [tuple(files[:2]), tuple(files[2:])]


def test_folders_may_be_groups():
    """A pattern with slashes reads folders: the channel's, or the plate's."""
    files = [f"/raw/{c}/embryo {n}.tif" for n in (1, 2, 10) for c in ("DAPI", "GFP")]
    images, failed = join(files, "{channel}/{name}.tif")
    assert failed == {}
    assert [image.name for image in images] == ["embryo 1", "embryo 2", "embryo 10"]
    assert images[0].channel_names == ("DAPI", "GFP")
    (image,), _ = join(["/raw/P7/A01.tif"], r"(?P<plate>.*)/(?P<well>[A-P]\d\d)\.tif")
    assert image.metadata == {"plate": "P7", "well": "A01", "row": "A", "column": 1}


def test_any_other_group_is_metadata_and_tells_images_apart():
    """A dose in the name becomes a column, as it is written."""
    files = [f"drugX_{dose}uM_ch{c}.tif" for dose in ("0.1", "10") for c in (0, 1)]
    images, failed = join(files, "{compound}_{dose}uM_ch{channel}.tif")
    assert failed == {}
    assert [image.metadata for image in images] == [
        {"compound": "drugX", "dose": "0.1"},
        {"compound": "drugX", "dose": "10"},
    ]
    assert [image.name for image in images] == ["drugX_0.1", "drugX_10"]


def test_files_that_do_not_match_are_reported():
    """A stranger among the files stops nothing."""
    images, failed = join(["A01_s1_w1.tif", "notes about A01.tif"], "imagexpress")
    assert len(images) == 1
    assert failed == {"notes about A01.tif": "the name does not match the pattern"}
    assert join([], "imagexpress") == ([], {})


def test_rows_and_columns_give_the_well_and_must_agree_with_it():
    """The reverse of a well that gives row and column; a contradiction is reported."""
    (image,), _ = join(["r3-c7.tif"], "r{row}-c{column}.tif")
    assert image.metadata == {"well": "C07", "row": "C", "column": 7}
    images, failed = join(["A01_r2_x.tif"], "{well}_r{row}_x.tif")
    assert images == []
    assert "names the well A01, but the row B" in failed["A01_r2_x.tif"]


def test_wells_in_natural_order_of_a_1536_well_plate():
    """Row AA comes behind row Z, column 10 behind column 2."""
    wells = ["A02", "A10", "B01", "Z48", "AA01", "AF48"]
    images, _ = join([f"p_{well}_s1_w1.tif" for well in reversed(wells)], "imagexpress")
    assert [image.metadata["well"] for image in images] == wells


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("well", "a1", "A01"),
        ("well", "aa7", "AA07"),
        ("well", "control", "control"),
        ("row", "2", "B"),
        ("row", "b", "B"),
        ("row", 28, "AB"),
        ("column", "07", 7),
        ("site", 3.0, 3),
        ("time", "00d12h", "00d12h"),
        ("plate", "0012", "0012"),
        ("plate", 12, "12"),
        ("dose", 1.5, "1.5"),
    ],
)
def test_values_in_one_form(column, value, expected):
    """However a table writes a value, it compares equal to what a pattern found."""
    assert identity_value(column, value) == expected


def test_other_tools_words_and_regular_expressions():
    """CellProfiler's expressions work as they are: capital names, ChannelNumber, and no suffix."""
    pattern = r"^(?P<Plate>.*)_(?P<Well>[A-P][0-9]{2})_s(?P<Site>[0-9])_w(?P<ChannelNumber>[0-9])"
    (image,), failed = join(["q_A01_s1_w2.tif", "q_A01_s1_w1.tif"], pattern)
    assert failed == {}
    assert names(image) == ["q_A01_s1_w1.tif", "q_A01_s1_w2.tif"]
    assert image.metadata == {"plate": "q", "well": "A01", "row": "A", "column": 1, "site": 1}
    assert join(["q_A01_f1_w2.tif"], re.compile(r".*_f(?P<field>\d)_.*"))[0][0].metadata == {"site": 1}


def test_brace_forms():
    """Braces stand for named groups, * for anything, dots for themselves; a suffix may be left out."""
    (image,), _ = join(["p.1_A01_junk_w1.tiff"], "{plate}_{well}_*_w{channel}")
    assert image.metadata["plate"] == "p.1"
    assert image.channel_names is None
    assert join(["A01xw1.tif"], "{well}.w{channel}.tif")[0] == []
    (image,), _ = join(["A01/A01_ch2.tif"], "{well}/{well}_ch{channel}.tif")
    assert image.metadata["well"] == "A01"
    assert join(["A01/A02_ch2.tif"], "{well}/{well}_ch{channel}.tif")[0] == []


@pytest.mark.parametrize("name", ["a[1]", "50% #3", "..x", "名前 🔬", "it's; DROP", "x" * 180, "-", "=1+1"])
def test_hostile_names(name):
    """Wildcards, percent signs and other alphabets are just names."""
    files = [f"/raw/{name}/{name}_ch{c}.tif" for c in (0, 1)]
    (image,), failed = join(files, "plain")
    assert (image.name, image.paths, failed) == (name, tuple(files), {})


def test_windows_paths():
    """Backslashes part folders where there are no slashes."""
    (image,), failed = join(["C:\\d\\A01_w1.tif", "C:\\d\\A01_w2.tif"], "imagexpress")
    assert (image.grid, failed) == ((1, 2), {})


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(?P<well>[A-P", "no regular expression"),
        (r"\d+_\w+", "no named groups and is no preset"),
        ("imagexpres", "no named groups and is no preset"),
        (r"(?P<category>.*)_w(?P<channel>\d)", "'category'.*labels="),
        ("{id}_{channel}", "'id'"),
        ("{}_{channel}", "no name"),
        ("{1a}_{channel}", "no name"),
        (r"(?P<site>\d)_(?P<field>\d)", "two groups that mean 'site'"),
        (None, "NoneType"),
        (5, "int"),
    ],
)
def test_patterns_that_cannot_be_used(pattern, message):
    """A mistake in the pattern says what is expected, with an example."""
    with pytest.raises(SelectionError, match=message) as caught:
        join(["A01_w1.tif"], pattern)
    if "well>[A-P" in str(pattern):
        assert "{well}_s{site}_w{channel}.tif" in str(caught.value)


def test_a_compiled_pattern_without_groups_is_refused():
    """The rule holds for compiled expressions too."""
    with pytest.raises(SelectionError, match="no named groups"):
        join(["a.tif"], re.compile("a.tif"))


def test_auto_without_a_fit_says_which_presets_there_are():
    """A guess that fits nothing is no guess."""
    with pytest.raises(SelectionError, match=r"'holiday\.jpg'.*imagexpress.*phenix"):
        join(["/home/me/holiday.jpg"], "auto")
    assert compile_pattern("AUTO", ["x_ch0.tif"]) is PRESETS["plain"].pattern


def test_auto_is_not_led_astray_by_one_stranger():
    """The preset that takes most names is taken; what it does not take is reported."""
    files = [f"A0{n}_s1_w{w}.tif" for n in (1, 2) for w in (1, 2)]
    images, failed = join(["embryo_C1.tif", *files], "auto")
    assert len(images) == 2
    assert list(failed) == ["embryo_C1.tif"]


PIECES = st.sampled_from(
    ["A01", "b2", "_s1", "_s2", "_w1", "_w2", "_ch0", "_C1", "_z1", "_thumb", "img_", "/", "x", ".tif", "%"]
)


@given(
    st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), max_size=12),
    st.sampled_from([*PRESETS, "{name}_*"]),
)
def test_every_file_is_in_one_image_or_reported(paths, pattern):
    """Whatever the names: no file is lost, none is used twice, and all images are alike."""
    images, failed = join(paths, pattern)
    used = [path for image in images for path in image.paths]
    assert len(used) == len(set(used))
    assert set(used) | set(failed) == set(paths)
    assert not set(used) & set(failed)
    assert len({(image.grid, image.channel_names) for image in images}) <= 1
    assert all(len(image.paths) == image.grid[0] * image.grid[1] for image in images)
    assert join(list(reversed(paths)), pattern)[0] == images


def test_a_whole_plate():
    """384 wells, 9 sites, 5 channels; auto looks at some of the names only, and takes all files."""
    files = [
        f"/raw/p_{chr(65 + r)}{c:02}_s{s}_w{w}.tif"
        for r in range(16)
        for c in range(1, 25)
        for s in range(9)
        for w in range(5)
    ]
    images, failed = join(files, "auto")
    assert (len(images), failed) == (384 * 9, {})
    assert len({image.metadata["well"] for image in images}) == 384
