"""Digests of prepared images: equal for equal pixels, and for no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.pixels import preparing
from piximi_widgets.engine.pixels.naming import row_digests
from piximi_widgets.engine.pixels.pixel_cache import Contents
from piximi_widgets.engine.pixels.preparing import prepare_partitions
from piximi_widgets.engine.preprocessing import Preprocessing

CONFIG = TrainingConfig(input_shape=(8, 8, "auto"), seed=5)
CONTENTS = Contents({"crop": "none"}, (8, 8, 1), ("aa", "bb", "aa"))
PREPROCESSING = Preprocessing((8, 8, 1), (3.0,), (2.0,))


@pytest.fixture
def project(tmp_path: Path):
    # The last four hold the same pixels as the first four.
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 1), dtype=np.uint8)
    with Dataset(tmp_path / "project", mode="x") as dataset:
        dataset.add_images(np.concatenate([pixels, pixels[:4]]), labels=["a", "b"] * 10)
        ids = dataset.images.index.to_numpy()
        dataset.set_partition(ids[:8], "training")
        dataset.set_partition(ids[8:], "validation")
        yield dataset


def prepared(dataset: Dataset, config: TrainingConfig = CONFIG) -> dict[str, Partition]:
    return prepare_partitions(config, dataset, dataset.snapshot(), lambda _: None, lambda: None)[0]


def named(partitions: dict[str, Partition]) -> list[tuple[bytes, bytes]]:
    """Digest and pixels, ready for a network, of all images."""
    return [
        (digest.tobytes(), image.tobytes())
        for part in partitions.values()
        for digest, image in zip(part.digests, part.take(slice(None)), strict=True)
    ]


def test_names_are_equal_for_equal_rows_only():
    digests = row_digests(CONTENTS, PREPROCESSING)
    assert (digests.shape, digests.dtype) == ((3, 15), np.uint8)
    np.testing.assert_array_equal(digests[0], digests[2])
    assert (digests[0] != digests[1]).any()


@pytest.mark.parametrize(
    ("contents", "preprocessing"),
    [
        (replace(CONTENTS, settings={"crop": "match"}), PREPROCESSING),
        (replace(CONTENTS, shape=(8, 4, 2)), PREPROCESSING),
        (CONTENTS, replace(PREPROCESSING, mean=(float(np.nextafter(np.float32(3), np.float32(4))),))),
        (CONTENTS, replace(PREPROCESSING, scale=(2.5,))),
    ],
    ids=["settings", "shape", "mean", "scale"],
)
def test_all_that_decides_on_the_pixels_is_in_a_digest(contents, preprocessing):
    before, after = row_digests(CONTENTS, PREPROCESSING), row_digests(contents, preprocessing)
    assert (before != after).any(axis=1).all()


def test_an_empty_version_has_no_digests():
    assert row_digests(replace(CONTENTS, names=()), PREPROCESSING).shape == (0, 15)


def test_digests_and_pixels_of_many_preparations_are_one_to_one(project, monkeypatch):
    """Other settings, crops, labels' partitions, the cache, and pixels on disk: never one name for two images."""
    cropped = CONFIG.model_copy(update={"crop": "match", "crops": 3})
    every = []
    for config in (CONFIG, CONFIG, cropped, CONFIG.model_copy(update={"resize": "nearest"})):
        every += named(prepared(project, config))
        every += named(prepared(project, config.model_copy(update={"normalization": "bit-depth"})))
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", 1)
    streamed = prepared(project)
    assert not streamed["training"].resident
    every += named(streamed)
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", None)
    # Other training images, other statistics, other pixels.
    project.set_partition(project.images.index.to_numpy()[:12], "training")
    every += named(prepared(project))
    pixels_of = dict(every)
    assert all(pixels_of[digest] == pixels for digest, pixels in every)
    # Places of crops may coincide; whole images that are equal come from equal settings.
    whole = [pair for pair in every if len(pair[1]) == 8 * 8 * 4]
    assert len(pixels_of) > 100
    assert len(whole) == len(every)


def test_equal_images_share_a_digest(project):
    partitions = prepared(project)
    np.testing.assert_array_equal(partitions["training"].digests[:4], partitions["validation"].digests[-4:])


def test_an_image_whose_hash_is_not_known_leaves_its_version_without_digests(project, monkeypatch):
    found = preparing.current_hashes

    def one_less(*arguments):
        hashes = found(*arguments)
        hashes.of.popitem()
        return hashes

    monkeypatch.setattr(preparing, "current_hashes", one_less)
    assert all(part.digests is None for part in prepared(project).values())


def test_some_images_of_a_partition_keep_their_digests(project):
    whole = prepared(project)["validation"]
    some = whole.select(np.array([5, 1]))
    np.testing.assert_array_equal(some.digests, whole.digests[[5, 1]])
    np.testing.assert_array_equal(some.pixels, whole.pixels[[5, 1]])
    assert some.labels.tolist() == whole.labels[[5, 1]].tolist()
    assert Partition(whole.pixels, whole.labels).select(np.array([0])).digests is None


def test_some_images_of_a_partition_on_disk_come_ready(project, monkeypatch):
    ready = prepared(project)["validation"]
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", 1)
    some = prepared(project)["validation"].select(np.array([3]))
    assert some.resident
    np.testing.assert_array_equal(some.pixels, ready.pixels[[3]])
