"""The same pixels give the same probabilities in training, in prediction and after a reload, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.engine import architectures
from piximi_widgets.engine.classifier import Classifier
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.pixels.preparing import prepare_partitions
from piximi_widgets.engine.preprocessing import Preprocessing

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

COUNT = 12
NORMALIZATIONS = ("training-statistics", "bit-depth", "percentile", "none")
CROPS = ("none", "match")
KINDS = {
    "8-bit": ("uint8", 0, 256),
    "12-bit in 16": ("uint16", 0, 4096),
    "16-bit": ("uint16", 0, 65536),
    "float": ("float32", -1000, 1000),
    "signed": ("int16", -32768, 32768),
}


def images(kind: str, channels: int) -> np.ndarray:
    """(12, 29, 23, channels): one side larger and one smaller than the input."""
    dtype, least, most = KINDS[kind]
    random = np.random.default_rng([channels, *kind.encode()])
    values = random.integers(least, most, (COUNT, 29, 23, channels))
    return (values / 7).astype(dtype) if dtype == "float32" else values.astype(dtype)


@pytest.fixture(params=[(kind, channels) for kind in KINDS for channels in range(1, 6)], ids=str)
def project(request, tmp_path: Path) -> Iterator[tuple[Dataset, np.ndarray]]:
    pixels = images(*request.param)
    with Dataset(tmp_path / "project", mode="x") as dataset:
        dataset.add_images(pixels, labels=["even", "odd"] * (COUNT // 2))
        for name, ids in (("training", range(1, 8)), ("validation", (8, 9)), ("test", (10, 11, 12))):
            dataset.set_partition(list(ids), name)
        yield dataset, pixels


@cache
def untrained(channels: int) -> Classifier:
    """A network for one number of channels, whose preprocessing follows."""
    shape = (24, 26, channels)
    nothing = Preprocessing(shape, (0.0,) * channels, (1.0,) * channels)
    model = architectures.build("simple-cnn", shape, 2, 0)
    return Classifier(model, ["even", "odd"], nothing, TrainingConfig())


def test_probabilities_are_the_same_everywhere(project, tmp_path):
    """The network is one that was not trained: its random weights answer to every pixel."""
    dataset, pixels = project
    version = dataset.snapshot()
    base = TrainingConfig(input_shape=(24, 26, "auto"), crops=1)
    shape = (24, 26, pixels.shape[-1])
    classifier = untrained(pixels.shape[-1])
    for crop in CROPS:
        for normalization in NORMALIZATIONS:
            config = base.model_copy(update={"crop": crop, "normalization": normalization})
            partitions, preprocessing = prepare_partitions(
                config, dataset, version, lambda line: None, lambda: None
            )
            assert preprocessing.input_shape == shape
            classifier.preprocessing = preprocessing
            prepared = np.concatenate([part.take(slice(None)) for part in partitions.values()])
            ids = np.concatenate([version.select(name) for name in partitions])
            in_training = classifier.predict_prepared(prepared)
            assert np.isfinite(in_training).all()
            # In another order, and as they come from a project and from a user's arrays.
            of_project = classifier.predict([dataset.pixels(id) for id in ids[::-1].tolist()])[::-1]
            np.testing.assert_array_equal(of_project, in_training)
            np.testing.assert_array_equal(classifier.predict(pixels)[ids - 1], in_training)
    # Once, since it takes longest; the test below loads one of each crop and normalisation.
    loaded = Classifier.load(classifier.save(tmp_path / "classifier.keras"))
    assert loaded.preprocessing == preprocessing
    np.testing.assert_array_equal(loaded.predict(pixels)[ids - 1], in_training)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_loaded_classifier_prepares_as_before(tmp_path, crop, normalization):
    pixels = images("12-bit in 16", 2)
    config = TrainingConfig(input_shape=(24, 26, "auto"), crop=crop, normalization=normalization)
    with Dataset(tmp_path / "project", mode="x") as dataset:
        dataset.add_images(pixels, labels=["even", "odd"] * (COUNT // 2))
        dataset.set_partition(list(range(1, 13)), "training")
        version = dataset.snapshot()
        partitions, preprocessing = prepare_partitions(
            config, dataset, version, lambda line: None, lambda: None
        )
    classifier = untrained(2)
    classifier.preprocessing = preprocessing
    expected = classifier.predict_prepared(partitions["training"].pixels)
    loaded = Classifier.load(classifier.save(tmp_path / "classifier.keras"))
    np.testing.assert_array_equal(loaded.predict(pixels), expected)
