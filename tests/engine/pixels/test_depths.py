"""Images of 8 and of 16 bits in one training: each scaled by its own depth, or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.pixels.preparing import prepare_partitions
from piximi_widgets.engine.preprocessing import mixed_depths
from piximi_widgets.errors import NotTrainableError

CONFIG = TrainingConfig(input_shape=(4, 4, 1), normalization="bit-depth", batch_size=2)


@pytest.fixture
def project(tmp_path):
    """Six images of 8 bits, each all 51, and six of 16 bits, each all 13107: a fifth of what their types can hold."""
    with Dataset(tmp_path / "project", mode="x") as dataset:
        for value in (np.uint8(51), np.uint16(13107)):
            dataset.add_images(np.full((6, 4, 4, 1), value), labels=["a", "b"] * 3)
        ids = dataset.images.index.to_numpy()
        dataset.set_partition(ids[::2], "training")
        dataset.set_partition(ids[1::2], "validation")
        yield dataset


def prepare(dataset: Dataset, config: TrainingConfig, **options):
    return prepare_partitions(config, dataset, dataset.snapshot(), lambda _: None, lambda: None, **options)


def test_by_bit_depth_each_image_is_divided_by_the_largest_value_of_its_own_type(project):
    for _ in range(2):  # The second time from the cache.
        partitions, preprocessing = prepare(project, CONFIG)
        for name in ("training", "validation"):
            np.testing.assert_allclose(partitions[name].pixels, 0.2, rtol=1e-6)
    # A prediction does the same, whatever comes together.
    images = [np.full((1, 4, 4, 1), value) for value in (np.uint8(51), np.uint16(13107))]
    np.testing.assert_allclose(preprocessing.prepare(images), 0.2, rtol=1e-6)


@pytest.mark.parametrize("normalization", ["training-statistics", "percentile"])
def test_a_measured_normalisation_refuses_them_before_an_image_is_read(project, normalization, monkeypatch):
    monkeypatch.setattr(project, "pixels", None)
    with pytest.raises(NotTrainableError, match=r"6 uint16, 6 uint8.*Choose the normalization 'bit-depth'"):
        prepare(project, CONFIG.model_copy(update={"normalization": normalization}))


def test_values_as_they_are_stay_as_they_are(project):
    partitions, _ = prepare(project, CONFIG.model_copy(update={"normalization": "none"}))
    assert sorted(np.unique(partitions["training"].pixels)) == [51, 13107]


def test_a_normalisation_that_was_measured_before_is_used(project):
    _, preprocessing = prepare(project, CONFIG.model_copy(update={"normalization": "none"}))
    measured = type(preprocessing).from_json(
        json.loads(json.dumps(preprocessing.to_json() | {"normalization": "percentile"}))
    )
    config = CONFIG.model_copy(update={"normalization": "percentile"})
    assert len(prepare(project, config, preprocessing=measured)[0]["training"]) == 6


@pytest.mark.parametrize(
    "dtypes",
    [["uint8"] * 3, ["uint16", "int16", "float32"], ["uint8", "int8", "bool"], ["uint8", "float32"], []],
    ids=["one", "measured values", "all of 8 bits", "floating point", "none"],
)
def test_types_that_may_stand_together(dtypes):
    assert mixed_depths("training-statistics", dtypes) is None


@pytest.mark.parametrize("other", ["uint16", "int16", ">u2", "uint32"])
def test_types_that_may_not(other):
    assert "bit-depth" in (mixed_depths("percentile", ["uint8", other]) or "")
