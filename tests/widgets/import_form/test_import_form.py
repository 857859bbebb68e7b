"""The import form: what it passes on, its bar, Stop, and what it says afterwards."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from piximi_widgets import Project
from piximi_widgets.dataset import AddReport
from piximi_widgets.widgets.import_form import ImportForm
from piximi_widgets.widgets.import_form.words import report_html

from ..conftest import eventually


@pytest.fixture
def empty(tmp_path):
    with Project(tmp_path / "cells") as opened:
        yield opened


@pytest.fixture
def form(empty, close_later):
    return close_later(ImportForm(empty))


@pytest.fixture
def pictures(tmp_path):
    """Four PNG files in two folders named like categories."""
    random = np.random.default_rng(0)
    for name in ("cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png"):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (6, 6), dtype=np.uint8)).save(tmp_path / "pictures" / name)
    return tmp_path / "pictures"


def finished(form) -> str:
    """Wait for the end, and return what the form says."""
    assert eventually(lambda: not form.running, 20)
    assert form.refresher.flush()
    return form._words.value


def test_a_folder_whose_folders_are_labels(form, empty, pictures):
    form.place.value = f"  {pictures} "
    form.labels.value = "folder"
    form.add()
    assert "4 images added." in finished(form)
    assert sorted(empty.images["category"]) == ["cat", "cat", "dog", "dog"]
    form.add()
    assert "0 images added, 4 there already." in finished(form)
    assert not form.button.disabled


def test_nothing_said_is_an_error_with_what_to_do(form):
    form.add()
    assert "Say where the images lie" in finished(form)
    form.place.value = "/nowhere/at/all.png"
    form.add()
    said = finished(form)
    assert "1 could not be added" in said
    assert "/nowhere/at/all.png: there is no such file" in said
    form.files.value = "own"
    form.add()
    assert "Write the pattern" in finished(form)


def test_a_pattern_of_ones_own_has_a_field(form, empty, tmp_path):
    for well in ("A01", "A02"):
        for channel in (1, 2):
            Image.fromarray(np.full((4, 4), channel, np.uint8)).save(tmp_path / f"{well}-{channel}.png")
    form.refresher.flush()
    assert form._pattern_field.layout.display == "none"
    form.files.value = "own"
    form.refresher.flush()
    assert form._pattern_field.layout.display is None
    form.pattern.value = "{well}-{channel}.png"
    form.channels.value = " DNA, actin,"
    form.place.value = str(tmp_path / "*.png")
    form.add()
    assert "2 images added." in finished(form)
    assert empty.images["well"].tolist() == ["A01", "A02"]
    assert empty.pixels(1)[0, 0, 0].tolist() == [1, 2]


def test_the_bar_and_stop(form, empty, pictures, monkeypatch):
    """The bar shows the numbers; Stop sets the flag that add_images looks at; a second Add meanwhile does nothing."""
    reached, go_on = threading.Event(), threading.Event()
    calls = []

    def add_images(place, *, progress, cancel, **options):
        calls.append(place)
        progress(1500, 6000)
        reached.set()
        assert go_on.wait(10)
        return AddReport(added=[1, 2], failed={"x.tif": "<b>broken</b>"}, canceled=cancel.is_set())

    monkeypatch.setattr(empty, "add_images", add_images)
    form.place.value = str(pictures)
    form.add()
    assert reached.wait(10)
    form.add()
    form.refresher.flush()
    assert "1,500 of 6,000" in form._bar.value
    assert "width:25.0%" in form._bar.value
    assert form.button.disabled
    assert form.stop_button.layout.display is None
    form.stop()
    form.refresher.flush()
    assert "Stopping" in form._bar.value
    assert form.stop_button.disabled
    go_on.set()
    said = finished(form)
    assert "Stopped before the end" in said
    assert "&lt;b&gt;broken" in said
    assert calls == [str(pictures)]
    assert form._bar.value == ""


def test_guesses_are_said_once_with_their_number():
    said = report_html(AddReport(added=[1, 2, 3], guessed={"a": "taken as planes.", "b": "taken as planes."}))
    assert said.count("taken as planes.") == 1
    assert "2 files: taken as planes." in said
    assert "pxw-u-warn" in said


def test_what_a_saved_notebook_shows(form):
    assert "0 images" in form._repr_mimebundle_()["text/html"]
