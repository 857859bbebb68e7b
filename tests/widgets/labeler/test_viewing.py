"""One image as it was measured, and the settings by which all are shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler import viewing as viewing_module

from .conftest import AUTHOR, PageOf, first_ids, until

PLANES, HEIGHT, WIDTH, CHANNELS = 5, 37, 23, 2
STACK = np.random.default_rng(1).integers(0, 60_000, (PLANES, HEIGHT, WIDTH, CHANNELS)).astype(np.uint16)


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[Dataset]:
    """A stack of two channels, and a second one that is its reverse."""
    with Dataset(tmp_path / "stacks", mode="x") as project:
        project.add_images(np.stack([STACK, STACK[::-1]]), channels=["DAPI", "GFP"])
        yield project


@pytest.fixture
def viewer(stacks: Dataset) -> Iterator[PageOf]:
    labeler = Labeler(stacks, by=AUTHOR)
    yield PageOf(labeler)
    labeler.close()


def arrays(answer: tuple[dict[str, Any], list[bytes]]) -> list[np.ndarray]:
    content, buffers = answer
    assert "error" not in content, content
    dtype = np.dtype(content["dtype"]).newbyteorder("<")
    return [np.frombuffer(buffer, dtype).reshape(content["shape"]) for buffer in buffers]


def asked(viewer: PageOf, **given: Any) -> dict[str, Any]:
    image = first_ids(viewer.labeler.project, 1)[0]
    whole = [0, 0, HEIGHT, WIDTH]
    return {"image": image, "plane": 0, "channels": [0], "region": whole, "step": 1, **given}


def test_an_image_is_known_before_its_pixels_are(stacks: Dataset, viewer: PageOf) -> None:
    image = first_ids(stacks, 1)[0]
    stacks.set_plane("max")
    stacks.set_channel(1, window=(5, 70))
    told = viewer.ask("image", image=image)[0]["image"]
    windows = told.pop("windows")
    assert told == {
        "id": image,
        "name": stacks.columns().names[0],
        "height": HEIGHT,
        "width": WIDTH,
        "channels": CHANNELS,
        "planes": PLANES,
        "dtype": "uint16",
        "pixel_size": None,
        "plane": "max",
    }
    assert windows == [list(ends) for ends in stacks.picture_window(image)]
    assert windows[1] == [5, 70]


def test_pixel_sizes_are_told_as_far_as_they_are_known(tmp_path: Path) -> None:
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeYUnit": "µm",
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((8, 9), np.uint8), metadata=metadata)
    with Dataset(tmp_path / "sized", mode="x") as project:
        project.add_images(tmp_path / "a.ome.tif")
        labeler = Labeler(project)
        page = PageOf(labeler)
        image = first_ids(project, 1)[0]
        assert page.ask("image", image=image)[0]["image"]["pixel_size"] == [None, 0.25, 0.5]
        assert page.ask("describe", image=image)[0]["description"]["pixel_size"] == [None, 0.25, 0.5]
        labeler.close()


@pytest.mark.parametrize(
    ("plane", "number", "expected"),
    [
        (0, 0, STACK[0]),
        (3, 3, STACK[3]),
        (99, PLANES - 1, STACK[-1]),
        ("middle", PLANES // 2, STACK[PLANES // 2]),
        ("max", None, STACK.max(axis=0)),
    ],
)
def test_a_plane_comes_as_it_was_measured(
    viewer: PageOf, plane: Any, number: int | None, expected: np.ndarray
) -> None:
    answer = viewer.ask("pixels", **asked(viewer, plane=plane, channels=[1, 0]))
    assert (answer[0]["dtype"], answer[0]["plane"], answer[0]["step"]) == ("uint16", number, 1)
    second, first = arrays(answer)
    np.testing.assert_array_equal(first, expected[..., 0])
    np.testing.assert_array_equal(second, expected[..., 1])


def test_a_region_ends_where_the_image_does(viewer: PageOf) -> None:
    (part,) = arrays(viewer.ask("pixels", **asked(viewer, region=[30, 4, 1000, 6], plane=2)))
    np.testing.assert_array_equal(part, STACK[2, 30:, 4:10, 0])


@pytest.mark.parametrize("step", [2, 4, 7, 10**9])
def test_larger_steps_give_means(viewer: PageOf, step: int) -> None:
    (part,) = arrays(viewer.ask("pixels", **asked(viewer, region=[3, 1, 30, 21], step=step)))
    region = STACK[0, 3:33, 1:22, 0].astype(np.float64)
    stride = min(step, 30)
    expected = [
        [np.rint(region[top : top + stride, left : left + stride].mean()) for left in range(0, 21, stride)]
        for top in range(0, 30, stride)
    ]
    np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image": 999}, "999"),
        ({"image": "1"}, "image"),
        ({"image": None}, "image"),
        ({"image": True}, "image"),
        ({"image": 2**80}, "image"),
        ({"plane": -1}, "plane"),
        ({"plane": "brightest"}, "middle"),
        ({"plane": 1.5}, "plane"),
        ({"step": 0}, "step"),
        ({"step": -3}, "step"),
        ({"channels": []}, "no channels"),
        ({"channels": [0, 0, 0]}, "too many"),
        ({"channels": [2]}, "no channel 2"),
        ({"channels": [-1]}, "channel"),
        ({"channels": "all"}, "channels"),
        ({"region": None}, "region"),
        ({"region": [0, 0, 5]}, "region"),
        ({"region": [0, 0, 5, 2**70]}, "region"),
        ({"region": [-1, 0, 5, 5]}, "region"),
        ({"region": [0, 0, 0, 5]}, "outside"),
        ({"region": [HEIGHT, 0, 5, 5]}, "outside"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(viewer: PageOf, given: dict[str, Any], words: str) -> None:
    assert words in viewer.refusal("pixels", **asked(viewer, **given))
    assert "error" not in viewer.ask("pixels", **asked(viewer))[0]


def test_no_answer_is_larger_than_it_may_be(viewer: PageOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piximi_widgets.widgets.labeler.pixels.LARGEST_ANSWER", HEIGHT * WIDTH * 2)
    assert "error" not in viewer.ask("pixels", **asked(viewer))[0]
    assert "fewer channels" in viewer.refusal("pixels", **asked(viewer, channels=[0, 1]))
    assert "error" not in viewer.ask("pixels", **asked(viewer, channels=[0, 1], step=2))[0]


def test_an_image_is_decoded_once_while_there_is_room(
    stacks: Dataset, viewer: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    read = type(stacks).pixels
    monkeypatch.setattr(type(stacks), "pixels", lambda self, id: (decoded.append(id), read(self, id))[1])
    first, second = first_ids(stacks, 2)
    for image in (first, second, first, second):
        for plane in (0, "max", 1):
            viewer.ask("pixels", **asked(viewer, image=image, plane=plane))
    assert decoded == [first, second]


def test_what_was_decoded_takes_a_bounded_memory(stacks: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing_module, "_DECODED_BYTES", STACK.nbytes + 10)
    decoded: list[int] = []
    read = type(stacks).pixels
    monkeypatch.setattr(type(stacks), "pixels", lambda self, id: (decoded.append(id), read(self, id))[1])
    labeler = Labeler(stacks)
    viewer = PageOf(labeler)
    first, second = first_ids(stacks, 2)
    for image in (first, second, first):
        viewer.ask("pixels", **asked(viewer, image=image))
    assert decoded == [first, second, first]
    labeler.close()


def test_what_was_decoded_is_forgotten_when_nobody_looks(
    stacks: Dataset, viewer: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing_module, "_IDLE_SECONDS", 0.2)
    decoded: list[int] = []
    read = type(stacks).pixels
    monkeypatch.setattr(type(stacks), "pixels", lambda self, id: (decoded.append(id), read(self, id))[1])
    viewer.ask("pixels", **asked(viewer))
    until(lambda: not any(thread.name == "piximi-labeler-idle" for thread in threading.enumerate()))
    viewer.ask("pixels", **asked(viewer))
    assert len(decoded) == 2


def test_pixels_that_nobody_waits_for_are_not_read(
    stacks: Dataset, viewer: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, decoded = threading.Event(), []
    read = type(stacks).pixels

    def slow(self: Dataset, id: int) -> np.ndarray:
        decoded.append(id)
        gate.wait(20)
        return read(self, id)

    monkeypatch.setattr(type(stacks), "pixels", slow)
    first, second = first_ids(stacks, 2)
    under_way = viewer.post("pixels", **asked(viewer, image=first))
    waiting = viewer.post("pixels", **asked(viewer, image=second))
    until(lambda: decoded == [first])
    for question in (under_way, waiting):
        viewer.labeler._handle_custom_msg({"kind": "cancel", "id": question}, [])
    gate.set()
    assert viewer.answer(under_way)[0] == {"id": under_way, "error": "Cancelled."}
    assert viewer.answer(waiting)[0] == {"id": waiting, "error": "Cancelled."}
    assert decoded == [first]


def test_a_question_that_is_asked_twice_is_answered_once_while_it_is_open(
    stacks: Dataset, viewer: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    read = type(stacks).pixels
    monkeypatch.setattr(type(stacks), "pixels", lambda self, id: (gate.wait(20), read(self, id))[1])
    for _ in range(3):
        viewer.post("pixels", **asked(viewer), id="page:same")
    # The page must not take the kernel for dead.
    working = {"kind": "progress", "question": "page:same", "done": 0, "total": 0}
    until(lambda: [said for said, _ in viewer.heard] == [working] * 2)
    gate.set()
    viewer.answer("page:same")
    time.sleep(0.1)
    assert len([said for said, _ in viewer.heard if said.get("id") == "page:same"]) == 1
    # The answer was lost: asked again, it comes again.
    viewer.post("pixels", **asked(viewer), id="page:same")
    until(lambda: len([said for said, _ in viewer.heard if said.get("id") == "page:same"]) == 2)


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 9), np.uint8))
    with Dataset(tmp_path / "gone", mode="x") as project:
        project.add_images(tmp_path / "a.tif")
        labeler = Labeler(project)
        (tmp_path / "a.tif").unlink()
        image = first_ids(project, 1)[0]
        given = {"image": image, "plane": 0, "channels": [0], "region": [0, 0, 8, 9], "step": 1}
        assert "a.tif" in PageOf(labeler).refusal("pixels", **given)
        labeler.close()


# -- display ---------------------------------------------------------------------------------------


def test_the_display_is_told_with_its_defaults_filled_in(stacks: Dataset, viewer: PageOf) -> None:
    display = viewer.ask("display")[0]["display"]
    assert [channel["name"] for channel in display["channels"]] == ["DAPI", "GFP"]
    assert [channel["color"] for channel in display["channels"]] == ["#ff0000", "#00ff00"]
    assert [channel["window"] for channel in display["channels"]] == [list(ends) for ends in stacks.window()]
    assert all(channel["automatic"] and channel["visible"] for channel in display["channels"])
    assert (display["contrast"], display["plane"], display["read_only"]) == ("project", 0, False)


def channel(number: int, name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda display: display["channels"][number][name]


@pytest.mark.parametrize(
    ("given", "read", "expected"),
    [
        ({"channel": 1, "color": "magenta"}, channel(1, "color"), "#ff00ff"),
        ({"channel": 0, "visible": False}, channel(0, "visible"), False),
        ({"channel": 0, "gamma": 0.5}, channel(0, "gamma"), 0.5),
        ({"channel": 1, "window": [10, 20.5]}, channel(1, "window"), [10, 20.5]),
        ({"channel": 1, "window": [10, 20]}, channel(1, "automatic"), False),
        ({"plane": "max"}, lambda display: display["plane"], "max"),
        ({"plane": 3}, lambda display: display["plane"], 3),
        ({"contrast": "image"}, lambda display: display["contrast"], "image"),
    ],
)
def test_the_display_is_changed_by_the_labelers_author(
    stacks: Dataset,
    viewer: PageOf,
    given: dict[str, Any],
    read: Callable[[dict[str, Any]], Any],
    expected: Any,
) -> None:
    before = stacks.picture_version
    assert read(viewer.ask("set_display", **given)[0]["display"]) == expected
    assert read(viewer.ask("display")[0]["display"]) == expected
    assert stacks.picture_version != before
    assert stacks.journal.iloc[-1]["author"] == AUTHOR
    viewer.ask("set_display", reset=True)
    assert stacks.picture_version == before


def test_a_window_follows_from_the_images_again(stacks: Dataset, viewer: PageOf) -> None:
    viewer.ask("set_display", channel=0, window=[1, 2])
    display = viewer.ask("set_display", channel=0, window="auto")[0]["display"]
    assert display["channels"][0]["automatic"]
    assert display["channels"][0]["window"] == list(stacks.window()[0])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"channel": 5, "color": "red"}, "no channel 5"),
        ({"color": "red"}, "channel"),
        ({"channel": "DAPI", "color": "red"}, "channel"),
        ({"channel": 0, "color": "javascript:alert(1)"}, "color"),
        ({"channel": 0, "window": [5, 1]}, "window"),
        ({"channel": 0, "window": [0, 10**400]}, "window"),
        ({"channel": 0, "gamma": -1}, "gamma"),
        ({"channel": 0, "visible": "yes"}, "isible"),
        ({"plane": -1}, "plane"),
        ({"plane": 50}, "plane"),
        ({"contrast": "loud"}, "contrast"),
    ],
)
def test_settings_outside_their_range_are_refused_in_words(
    stacks: Dataset, viewer: PageOf, given: dict[str, Any], words: str
) -> None:
    revision = stacks.revision
    assert words in viewer.refusal("set_display", **given)
    assert stacks.revision == revision
