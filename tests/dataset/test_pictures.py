"""Thumbnails, contrast and what a saved notebook shows."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import ImageReadError, SelectionError


def picture_of(png: bytes) -> np.ndarray:
    """Decode a PNG."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def test_thumbnails_show_the_image(dataset):
    """A byte image that is small enough is shown value for value."""
    values = np.random.default_rng(0).integers(0, 256, (2, 20, 30), dtype=np.uint8)
    dataset.add_images(values)
    assert np.array_equal(picture_of(dataset.thumbnail(2)), values[1])
    assert picture_of(dataset.thumbnail(2, 15)).shape == (10, 15)
    assert dataset.thumbnail(2) is dataset.thumbnail(2)
    for wrong in (3, "1", True, 2**80, 0):
        with pytest.raises(SelectionError):
            dataset.thumbnail(wrong)


def test_one_contrast_for_the_whole_project(dataset):
    """Dim images stay dim beside bright ones, and bytes keep their own range among wider values."""
    values = np.zeros((10, 20, 20), np.uint16)
    values[:] = np.arange(10)[:, None, None] * 100
    dataset.add_images(values)
    ((low, high),) = dataset.window()
    assert (low, high) == (0, 900)
    assert picture_of(dataset.thumbnail(1)).max() == 0
    assert picture_of(dataset.thumbnail(6)).max() == round(500 / 900 * 255)
    (byte,) = dataset.add_images(np.full((1, 5, 8), 77, np.uint8)).added
    assert picture_of(dataset.thumbnail(byte)).max() == 77


def test_the_contrast_follows_a_growing_project(dataset):
    """The first image of a project does not decide for ever."""
    dataset.add_images(np.full((1, 9, 9), 10, np.uint16))
    dataset.thumbnail(1)
    dataset.add_images(np.full((5, 9, 9), 1000, np.uint16))
    assert dataset.window()[0][1] >= 999
    assert picture_of(dataset.thumbnail(1)).max() < 5


def test_an_empty_project_has_a_contrast(dataset):
    """No image at all is no error."""
    assert dataset.window() == ((0.0, 255.0),)
    assert "0 images" in dataset._repr_html_()


def test_a_saved_page_shows_counts_and_pictures(ten):
    """Name, categories with counts, and one inline picture; no link to anywhere."""
    ten.label([1, 2], "a")
    page = ten._repr_html_()
    assert "<b>cells</b> — 10 images, 3 categories" in page
    assert re.search(r"a</td>(<td[^>]*>0</td>){3}<td[^>]*>2</td>", page)
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert picture_of(base64.b64decode(encoded)).ndim == 3
    assert "http" not in page
    version = ten.snapshot("gold")
    assert "Dataset version <b>gold</b> — 2 images, 1 classes" in version._repr_html_()


def test_pictures_can_be_switched_off(ten, monkeypatch):
    """Images may be patients': the switch works on one object and on the class."""
    ten.label(1, "a")
    ten.thumbnails = False
    assert "data:image" not in ten._repr_html_()
    assert "data:image" not in ten.snapshot()._repr_html_()
    del ten.thumbnails
    assert "data:image" in ten._repr_html_()
    monkeypatch.setattr(Dataset, "thumbnails", False)
    assert "data:image" not in ten._repr_html_()


def test_a_page_is_bounded_and_escaped(tmp_path):
    """Noise that no PNG compresses, hundreds of long categories and hostile names stay under 200 KB, as text."""
    values = np.random.default_rng(0).integers(0, 256, (40, 99, 99, 3), dtype=np.uint8)
    with Dataset(tmp_path / "<img src=x onerror=alert(1)>") as dataset:
        dataset.add_images(values)
        for number in range(150):
            dataset.add_category(f"<script>{number}" + "<" * 80)
        page = dataset._repr_html_()
        dataset.label(range(1, 41), "<script>0" + "<" * 80)
        version = dataset.snapshot("<b>")._repr_html_()
    for html in (page, version):
        assert len(html.encode()) <= 200_000
        assert "<script" not in html
        assert "onerror=alert(1)>" not in html.replace("&gt;", "")


def test_a_missing_file_leaves_a_gap(dataset, picture, tmp_path):
    """A page is shown without the image that is gone; asked for it, the reason is given."""
    paths = [picture(tmp_path / f"{n}.png") for n in range(3)]
    dataset.add_images(paths)
    paths[1].unlink()
    assert 'alt="2 images' in dataset._repr_html_()
    with pytest.raises(ImageReadError):
        dataset.thumbnail(2)


def test_the_thumbnail_memory_is_bounded(dataset, monkeypatch):
    """Old thumbnails make room for new ones."""
    from piximi_widgets.dataset.pictures import pictures

    monkeypatch.setattr(pictures, "_CACHE_BYTES", 20_000)
    values = np.random.default_rng(0).integers(0, 256, (30, 40, 40), dtype=np.uint8)
    dataset.add_images(values)
    for image_id in range(1, 31):
        assert np.array_equal(picture_of(dataset.thumbnail(image_id)), values[image_id - 1])
    assert 0 < dataset._pictures._bytes <= 20_000
    assert len(dataset._pictures._cache) < 15
