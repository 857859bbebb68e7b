"""Small projects and image files for the tests of the dataset room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    """An empty project."""
    with Dataset(tmp_path / "cells") as opened:
        yield opened


@pytest.fixture
def ten(dataset: Dataset) -> Dataset:
    """Ten unlabeled images with the ids 1 to 10, and the categories a, b and c."""
    values = np.arange(10 * 4 * 6, dtype=np.uint8).reshape(10, 4, 6)
    assert dataset.add_images(values).added == list(range(1, 11))
    for name in "abc":
        dataset.add_category(name)
    return dataset


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Writes a PNG of random pixels and returns its path."""
    random = np.random.default_rng(3)

    def write(path: Path, shape: tuple[int, ...] = (6, 5)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def piximi_files() -> Path:
    """The folder of Piximi's own sample images, which are not part of the repository."""
    shared = Path(os.environ.get("PIXIMI_SHARED", Path(__file__).parents[3] / "shared"))
    folder = shared / "fixtures" / "piximi"
    if not folder.is_dir():
        pytest.skip(f"Piximi's sample images are not at {folder}; PIXIMI_SHARED names their place")
    return folder
