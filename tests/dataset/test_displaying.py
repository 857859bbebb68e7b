"""How images are shown: chosen by a person, kept in the project, followed by every kernel, and never by a training."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.pictures.displaying import Displaying
from piximi_widgets.errors import ConfigurationError, ReadOnlyError, SelectionError
from piximi_widgets.imaging.display import ChannelDisplay, Display
from piximi_widgets.imaging.thumbnails import reduce_image, thumbnail


class Shown(Dataset, Displaying):
    """A project with display settings."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cells"


@pytest.fixture
def cells(folder: Path) -> Iterator[Shown]:
    """Eight images with two channels of 16 bits, 0 to 1000 and 0 to 100, and two planes."""
    with Shown(folder) as opened:
        opened.add_images(two_channels())
        yield opened


def two_channels() -> np.ndarray:
    values = np.zeros((8, 2, 10, 10, 2), np.uint16)
    values[..., 0] = np.linspace(0, 1000, 100).reshape(10, 10)
    values[..., 1] = np.linspace(0, 100, 100).reshape(10, 10)[::-1]
    values[:, 1] = values[:, 1] // 2
    values[:, 1, 0, 0] = (777, 77)
    return values


def drawn(dataset: Dataset, image_id: int = 1, size: int = 96) -> np.ndarray:
    with Image.open(io.BytesIO(dataset.thumbnail(image_id, size))) as image:
        return np.asarray(image).astype(int)


def name_channels(dataset: Dataset, names: dict[int, list[str]]) -> None:
    """As if the files had named their channels."""
    with dataset._database.write() as connection:
        for image_id, listed in names.items():
            connection.execute(
                "UPDATE image SET channel_names = ? WHERE id = ?", (json.dumps(listed), image_id)
            )


def test_channels_have_names_and_colors_from_the_start(cells):
    first, second = cells.channels
    assert (first.name, first.color, first.visible, first.window, first.gamma) == (
        "channel 0",
        "#ff0000",
        True,
        None,
        1.0,
    )
    assert (second.name, second.color) == ("channel 1", "#00ff00")
    assert cells.display == Display()


def test_files_name_the_channels_and_most_files_decide(cells):
    name_channels(cells, {1: ["x", "y"], 2: ["DAPI", ""], 3: ["DAPI", ""], 5: ["GFP", "DNA"]})
    assert [channel.name for channel in cells.channels] == ["DAPI", "y"]
    cells.set_channel("dapi", new_name="Nuclei")
    assert [channel.name for channel in cells.channels] == ["Nuclei", "y"]


def test_an_empty_project_has_no_channels(folder):
    with Shown(folder) as dataset:
        assert dataset.channels == []
        with pytest.raises(ConfigurationError, match="no images yet"):
            dataset.show_channels([0])
        dataset.set_plane("max")
        assert dataset.display.plane == "max"


def test_only_the_named_channels_are_shown(cells):
    name_channels(cells, {image_id: ["DAPI", "Actin"] for image_id in range(1, 9)})
    assert drawn(cells)[..., :2].any(axis=(0, 1)).tolist() == [True, True]
    result = cells.show_channels(["Actin"])
    assert result.message == "Shown: Actin."
    assert drawn(cells).any(axis=(0, 1)).tolist() == [False, True, False]
    cells.show_channels(0)
    assert drawn(cells).any(axis=(0, 1)).tolist() == [True, False, False]
    cells.show_channels(np.arange(2))
    assert [channel.visible for channel in cells.channels] == [True, True]


def test_a_channels_settings_reach_the_picture_exactly(cells):
    """Channel 0 in blue between 0 and 1000, with the square root: at 250 of 1000 it is half as bright as can be."""
    values = np.array([[0, 250], [640, 1000]], np.uint16)
    (image_id,) = cells.add_images(np.stack([values, values * 0], axis=-1)[None]).added
    cells.set_channel(0, color="#0000ff", window=(0, 1000), gamma=0.5)
    cells.set_channel(1, visible=False)
    assert drawn(cells, image_id)[..., 2].tolist() == [[0, 128], [204, 255]]
    assert not drawn(cells, image_id)[..., :2].any()
    assert cells.window()[0] == (0.0, 1000.0)
    cells.set_channel(0, window="auto")
    assert cells.channels[0].window is None
    assert cells.channels[0].gamma == 0.5


def test_what_is_not_given_stays(cells):
    cells.set_channel(0, color="cyan", gamma=0.7)
    assert cells.set_channel(0, visible=False).message == "Channel channel 0: visible False."
    assert cells.channels[0] == ChannelDisplay("channel 0", "#00ffff", False, None, 0.7)
    assert cells.display.channels[1] == ChannelDisplay()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"window": (5, 5)}, "window"),
        ({"window": (9, 5)}, "window"),
        ({"window": "automatic"}, "window"),
        ({"window": (0, float("nan"))}, "window"),
        ({"gamma": 0}, "gamma"),
        ({"gamma": float("nan")}, "gamma"),
        ({"color": "greenish"}, "color"),
        ({"visible": "no"}, "visible"),
        ({"new_name": ""}, "name"),
        ({"new_name": "CHANNEL 1"}, "name"),
        ({"color": "#000000", "gamma": -1}, "gamma"),
    ],
)
def test_bad_values_change_nothing(cells, settings, field):
    revision = cells.revision
    with pytest.raises(ConfigurationError) as caught:
        cells.set_channel(0, **settings)
    assert list(caught.value.problems) == [field]
    assert cells.display == Display()
    assert cells.revision == revision


@pytest.mark.parametrize("channel", [2, -1, True, "DAPI", 1.0, None, np.int64(7)])
def test_a_channel_that_is_not_there_is_named_with_those_that_are(cells, channel):
    for act in (lambda: cells.set_channel(channel, gamma=2), lambda: cells.show_channels([0, channel])):
        with pytest.raises(ConfigurationError, match="There are: 0 'channel 0', 1 'channel 1'"):
            act()
    with pytest.raises(ConfigurationError, match="Did you mean 'channel 1'"):
        cells.set_channel("chanel 1", gamma=2)
    with pytest.raises(ConfigurationError, match="at least one"):
        cells.show_channels([])


def test_two_channels_of_one_name_are_told_apart_by_their_numbers(cells):
    name_channels(cells, {1: ["DAPI", "DAPI"]})
    with pytest.raises(ConfigurationError, match=r"\[0, 1\]"):
        cells.show_channels("DAPI")
    cells.set_channel(1, new_name="Actin")
    cells.show_channels("DAPI")
    assert [channel.visible for channel in cells.channels] == [True, False]


def test_planes_and_the_projection(cells):
    """Only the second plane has (777, 77) in its corner; elsewhere the first is the brighter one."""
    cells.set_channel(0, window=(0, 1000))
    cells.set_channel(1, window=(0, 100))
    first = drawn(cells)
    cells.set_plane(1)
    second = drawn(cells)
    assert second[0, 0].tolist() == [198, 196, 0]
    assert abs(second[3, 4] * 2 - first[3, 4]).max() <= 4
    cells.set_plane("max")
    assert np.array_equal(drawn(cells), np.maximum(first, second))
    cells.set_plane("middle")
    assert np.array_equal(drawn(cells), second)
    with pytest.raises(ConfigurationError, match="planes 0 to 1"):
        cells.set_plane(2)
    for wrong in (-1, "top", 0.5, True):
        with pytest.raises(ConfigurationError):
            cells.set_plane(wrong)


def test_the_projects_contrast_keeps_differences_and_the_images_own_hides_them(folder):
    """Ten images from dim to bright: by the project they differ, each by itself they look alike."""
    ramp = np.linspace(0, 1, 400).reshape(20, 20)
    with Shown(folder) as dataset:
        dataset.add_images(np.stack([ramp * 400 * n for n in range(1, 11)]).astype(np.uint16))
        by_project = [drawn(dataset, image_id).max() for image_id in range(1, 11)]
        assert by_project[0] < 30
        assert by_project[-1] == 255
        dataset.set_contrast("image")
        assert [drawn(dataset, image_id).max() for image_id in range(1, 11)] == [255] * 10
        assert abs(drawn(dataset, 1) - drawn(dataset, 10)).max() <= 2
        dataset.set_contrast("project")
        assert [drawn(dataset, image_id).max() for image_id in range(1, 11)] == by_project


def test_percentiles_are_those_that_were_chosen(folder):
    """Of the values 0 to 999, once each, 10 and 90 percent are 99.9 and 899.1."""
    with Shown(folder) as dataset:
        dataset.add_images(np.arange(1000, dtype=np.uint16).reshape(1, 20, 50))
        dataset.set_contrast("project", percentiles=(10, 90))
        np.testing.assert_allclose(dataset.window(), [(99.9, 899.1)])
        with pytest.raises(ConfigurationError):
            dataset.set_contrast("project", percentiles=(90, 10))
        with pytest.raises(ConfigurationError):
            dataset.set_contrast("best")
        with pytest.raises(ConfigurationError, match="not array"):
            dataset.set_contrast(np.array(["project", "image"]))


def test_photographs_keep_their_colours_under_a_contrast_of_their_own(folder):
    """A dim photograph is not stretched; the same bytes as three named channels are."""
    photograph = np.random.default_rng(0).integers(20, 60, (1, 9, 9, 3), dtype=np.uint8)
    with Shown(folder) as dataset:
        dataset.add_images(photograph)
        dataset.set_contrast("image")
        assert np.array_equal(drawn(dataset), photograph[0])
        name_channels(dataset, {1: ["DAPI", "GFP", "RFP"]})
        dataset.set_contrast("image", percentiles=(0, 100))
        assert drawn(dataset).max() == 255


def test_another_kernel_follows_within_one_call(cells, folder):
    """A second open project remembers thumbnails, and forgets them when the first one's settings change."""
    with Shown(folder) as other:
        before = other.thumbnail(1)
        version = other.picture_version
        assert other.thumbnail(1) is before
        cells.set_channel(0, color="blue")
        assert other.thumbnail(1) == cells.thumbnail(1) != before
        assert other.channels == cells.channels
        assert other.picture_version == cells.picture_version != version
        other.reset_display()
        assert cells.thumbnail(1) == before
        assert cells.picture_version == version


def test_another_process_follows(cells, folder):
    before = cells.thumbnail(1)
    script = (
        "import sys\nfrom piximi_widgets.dataset import Dataset\n"
        "from piximi_widgets.dataset.pictures.displaying import Displaying\n"
        "class Shown(Dataset, Displaying): pass\n"
        "with Shown(sys.argv[1]) as d: d.set_channel(1, gamma=3); sys.stdout.buffer.write(d.thumbnail(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, timeout=60, check=True
    )
    assert cells.thumbnail(1) == done.stdout != before


def test_a_change_is_an_operation_that_undo_leaves_alone(cells):
    """Revision, watchers and journal see it; the person's last label is still what undo takes back."""
    cells.add_category("a")
    cells.label(1, "a")
    heard = threading.Event()
    subscription = cells.watch(heard.set)
    result = cells.set_channel(0, color="blue", by="Ada")
    assert heard.wait(10)
    subscription.close()
    assert result.action == "display"
    assert result.revision == cells.revision
    assert cells.changes_since(result.revision - 1).revision == result.revision
    with cells._database.read() as connection:
        row = connection.execute("SELECT * FROM operation ORDER BY id DESC").fetchone()
    assert (row["author"], row["action"], row["reversible"]) == ("Ada", "display", 0)
    detail = json.loads(row["detail"])
    assert detail["before"] is None
    assert detail["after"]["channels"][0]["color"] == "#0000ff"
    assert "blue" in detail["message"] or "#0000ff" in detail["message"]
    assert cells.set_channel(0, color="#0000FF").revision == result.revision
    cells.undo()
    assert cells.display.channels[0].color == "#0000ff"
    assert cells.columns().category_id[0] == 0


def test_a_read_only_project_is_shown_as_it_was_set(cells, folder):
    cells.set_channel(0, color="blue", window=(0, 500))
    with Shown(folder, mode="r") as reading:
        assert reading.thumbnail(1) == cells.thumbnail(1)
        assert reading.channels == cells.channels
        cells.set_plane(1)
        assert reading.thumbnail(1) == cells.thumbnail(1)
        for act in (
            lambda: reading.set_channel(0, gamma=2),
            lambda: reading.show_channels(0),
            lambda: reading.set_contrast("image"),
            lambda: reading.set_plane(0),
            lambda: reading.reset_display(),
        ):
            with pytest.raises(ReadOnlyError):
                act()


def test_images_with_fewer_and_more_channels_live_together(cells):
    """A grey image beside images with two channels is grey, and one with four shows its first three."""
    (grey,) = cells.add_images(np.full((1, 5, 5), 500, np.uint16)).added
    (four,) = cells.add_images(np.full((1, 5, 5, 4), 500, np.uint16)).added
    assert drawn(cells, grey).ndim == 2
    assert drawn(cells, four).shape == (5, 5, 3)
    assert [channel.visible for channel in cells.channels] == [True, True, True, False]
    cells.set_channel(3, window=(0, 500), color="white")
    cells.show_channels(3)
    assert drawn(cells, four).min() == 255
    assert not drawn(cells, 1).any()


@pytest.mark.parametrize("count", [1, 31, 32, 63, 64, 100])
def test_the_contrast_is_the_same_however_the_project_grew(tmp_path, count):
    """One kernel asks for it after every image, the other one at the end only."""
    values = np.random.default_rng(0).integers(1, 4000, (count, 6, 6)).astype(np.uint16)
    values *= np.arange(1, count + 1, dtype=np.uint16)[:, None, None] % 16 + 1
    with Shown(tmp_path / "a") as growing, Shown(tmp_path / "a") as late:
        for start in range(0, count, 9):
            growing.add_images(values[start : start + 9])
            growing.window()
        assert growing.window() == late.window()
        assert growing.thumbnail(count) == late.thumbnail(count)


def test_a_few_more_images_leave_the_contrast_alone_and_twice_as_many_do_not(folder):
    """Thumbnails that a person has seen keep their looks while images trickle in."""
    with Shown(folder) as dataset:
        dataset.add_images(np.random.default_rng(0).integers(0, 100, (64, 5, 5)).astype(np.uint16))
        window, seen, version = dataset.window(), dataset.thumbnail(3), dataset.picture_version
        dataset.add_images(np.full((63, 5, 5), 5000, np.uint16))
        assert dataset.window() == window
        assert dataset.thumbnail(3) is seen
        assert dataset.picture_version == version
        dataset.add_images(np.full((1, 5, 5), 5000, np.uint16))
        assert dataset.window()[0][1] == 5000
        assert dataset.picture_version != version


def test_what_is_shown_never_reaches_pixels(cells):
    """`pixels`, which a training reads, are the raw values under any settings."""
    cells.set_channel(0, visible=False, gamma=0.2, window=(3, 4))
    cells.set_plane("max")
    cells.set_contrast("image")
    assert np.array_equal(cells.pixels(3), two_channels()[2])


@pytest.mark.parametrize("contrast", ["project", "image"])
def test_the_picture_window_is_what_a_thumbnail_is_drawn_with(folder, contrast):
    """Set as every channel's own window it makes the same picture, of bytes and of 16 bits, whatever was chosen."""
    with Shown(folder) as dataset:
        dataset.add_images(two_channels() * np.arange(1, 9, dtype=np.uint16).reshape(8, 1, 1, 1, 1))
        dataset.add_images(np.arange(2 * 100, dtype=np.uint8).reshape(2, 10, 10))
        dataset.set_contrast(contrast)
        dataset.set_channel(1, window=(5, 50))
        for image_id, channels in ((1, 2), (8, 2), (9, 1), (10, 1)):
            window = dataset.picture_window(image_id)
            assert len(window) == channels
            chosen = dataset.display.resolved(channels)
            fixed = [replace(channel, window=pair) for channel, pair in zip(chosen, window, strict=True)]
            display = replace(dataset.display, channels=tuple(fixed))
            assert thumbnail(dataset.pixels(image_id), 96, display) == dataset.thumbnail(image_id)
        assert dataset.picture_window(1)[1] == (5.0, 50.0)
        assert (dataset.picture_window(1)[0] == dataset.picture_window(8)[0]) == (contrast == "project")
        assert dataset.picture_window(1)[0][1] == pytest.approx(
            8000 if contrast == "project" else 1000, rel=0.02
        )
        with pytest.raises(SelectionError):
            dataset.picture_window(99)


def test_the_picture_window_of_a_large_image_is_that_of_its_small_copy(folder):
    """Under a contrast of its own: the thumbnail is drawn from that, in which single bright pixels are averaged."""
    pixels = np.zeros((1, 1, 1024, 1024, 1), np.uint16)
    pixels[..., ::4, ::4, :] = 1600
    with Shown(folder) as dataset:
        dataset.add_images(pixels)
        dataset.set_contrast("image")
        low, high = dataset.picture_window(1)[0]
        assert 0 <= low <= high <= 200
        assert dataset.thumbnail(1) == thumbnail(
            reduce_image(dataset.pixels(1), 0, 256), 96, dataset.display, dataset.picture_window(1)
        )
