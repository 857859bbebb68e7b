"""Names of images, folders and projects are just names, whatever stands in them."""

from __future__ import annotations

import glob
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset

NAMES = {
    "brackets": "a[1]*{b}(c)",
    "only brackets": "[!a]",
    "percent": "100%",
    "percent code": "a%20b%2Fc%00",
    "hash": "a#b#",
    "query": "a?mode=memory&cache=shared",
    "dots": "..a..b..",
    "three dots": "...a",
    "spaces": " a  b ",
    "quotes": 'it\'s "quoted" `so`',
    "newline": "a\nb\r\tc",
    "composed": "caf\u00e9 \u00fc",
    "decomposed": "cafe\u0301 u\u0308",
    "other scripts": "图像 عكس 🔬",
    "backslash": "a\\b\\",
    "tilde and dollar": "~root $HOME %PATH%",
    "dash": "-rf --",
    "semicolon": "a;b|c>d'; DROP TABLE image;--",
    "comma": 'a,b;"c",',
    "like a URI": "file:a?immutable=1",
    "like memory": ":memory:",
    "long": "x" * 230,
    "long and wide": "像" * 75,
}

if os.name == "nt":
    NAMES = {key: name for key, name in NAMES.items() if not set(name) & set('<>:"/\\|?*\n\r\t')}


def write(path: Path, seed: int) -> np.ndarray:
    """Write a PNG and return its values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (6, 5), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values


@pytest.fixture(params=NAMES.values(), ids=NAMES.keys())
def name(request: pytest.FixtureRequest) -> str:
    """A hostile name."""
    return request.param


def test_images_folders_and_projects_of_any_name(tmp_path, name, monkeypatch):
    """Adding by path, folder, glob and relative path; labels, pictures, CSV, reopening and reading only."""
    folder = tmp_path / "raw" / name
    values = {f"{number}{name}.png": write(folder / f"{number}{name}.png", number) for number in range(4)}
    project = tmp_path / "projects" / name
    monkeypatch.chdir(tmp_path)
    with Dataset(project, mode="x") as dataset:
        assert dataset.name == name
        assert len(dataset.add_images(folder / f"0{name}.png").added) == 1
        assert len(dataset.add_images(os.path.join("raw", name, f"1{name}.png")).added) == 1
        assert (
            len(dataset.add_images(os.path.join(glob.escape(os.path.join("raw", name)), "2*.png")).added) == 1
        )
        report = dataset.add_images(folder)
        assert (len(report.added), len(report.skipped), report.failed) == (1, 3, {})
        dataset.add_category(name.strip()[:60])
        dataset.label([1, 2], name.strip()[:60])
        # A category has one spelling; a file may have either.
        label = unicodedata.normalize("NFC", name.strip()[:60])
        assert dict(zip(dataset.images["name"], dataset.images.index, strict=True)) == {
            file: number + 1 for number, file in enumerate(values)
        }
        (by_name,) = dataset.select(f"name == {next(iter(values))!r}").tolist()
        assert by_name == 1
        for number, file in enumerate(values, start=1):
            assert np.array_equal(dataset.pixels(number)[0, ..., 0], values[file])
            assert dataset.thumbnail(number).startswith(b"\x89PNG")
        dataset.snapshot()
        table = folder / f"{name}.csv"
        dataset.to_csv(table)
        before = dataset.images["category"].tolist()
        dataset.unlabel([1, 2])
        loaded = dataset.load_labels(table)
        assert (loaded.changed.tolist(), loaded.failed) == ([1, 2], {})
        assert dataset.images["category"].tolist()[:2] == before[:2] == [label] * 2
        assert "<img src=x" not in dataset._repr_html_()
    for mode in ("a", "r+", "r"):
        with Dataset(project, mode=mode) as dataset:
            assert dataset.images["name"].tolist() == list(values)
            assert np.array_equal(dataset.pixels(1)[0, ..., 0], values[f"0{name}.png"])
    assert os.listdir(tmp_path / "projects") == [name]
    assert sorted(os.listdir(tmp_path)) == ["projects", "raw"]


def test_files_of_any_name_are_found_again_and_packed(tmp_path, name):
    """Moved into another folder of that name, found by pixels and by name, and copied into the project."""
    folder = tmp_path / "raw" / name
    values = [write(folder / f"{number}{name}.png", number) for number in range(2)]
    with Dataset(tmp_path / name) as dataset:
        dataset.add_images(folder)
        dataset.pixels(1)
    shutil.move(folder, tmp_path / f"{name[:60]}2")
    with Dataset(tmp_path / name) as dataset:
        report = dataset.relink(tmp_path / f"{name[:60]}2")
        assert (set(report.found), set(report.unverified), report.missing) == ({1}, {2}, {})
        assert dataset.pack().packed == [1, 2]
        shutil.rmtree(tmp_path / f"{name[:60]}2")
    shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    with Dataset(tmp_path / "elsewhere" / name, mode="r") as dataset:
        for number in range(2):
            assert np.array_equal(dataset.pixels(number + 1)[0, ..., 0], values[number])


def test_the_two_spellings_of_an_accent_are_two_files(tmp_path):
    """Told apart where the disk does; a file that an archive has respelled is found by relink."""
    composed, decomposed = NAMES["composed"], NAMES["decomposed"]
    first, second = (
        write(tmp_path / "raw" / f"{composed}.png", 1),
        write(tmp_path / "raw" / f"{decomposed}.png", 2),
    )
    if len(os.listdir(tmp_path / "raw")) == 1:
        pytest.skip("this disk keeps one spelling only")
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images([tmp_path / "raw" / f"{composed}.png", tmp_path / "raw" / f"{decomposed}.png"])
        assert np.array_equal(dataset.pixels(1)[0, ..., 0], first)
        assert np.array_equal(dataset.pixels(2)[0, ..., 0], second)
        dataset.remove_images(2)
        third = write(tmp_path / "raw" / f"{composed}3.png", 3)
        dataset.add_images(tmp_path / "raw" / f"{composed}3.png")
    shutil.rmtree(tmp_path / "raw")
    write(tmp_path / "unpacked" / f"{decomposed}.png", 1)
    write(tmp_path / "unpacked" / f"{decomposed}3.png", 3)
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.relink(tmp_path / "unpacked")
        assert (set(report.found), set(report.unverified)) == ({1}, {3})
        assert np.array_equal(dataset.pixels(1)[0, ..., 0], first)
        assert np.array_equal(dataset.pixels(3)[0, ..., 0], third)
