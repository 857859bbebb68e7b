"""A training sees the channels and the plane that it was given, records them, and never what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset, DatasetVersion
from piximi_widgets.dataset.pictures.displaying import Displaying
from piximi_widgets.engine import launcher
from piximi_widgets.engine.classifier import Classifier
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.pixels.preparing import prepare_partitions
from piximi_widgets.errors import ImageReadError
from piximi_widgets.experiments import ExperimentStore

from .conftest import SIDE, stripes

CHOSEN = TrainingConfig(epochs=6, batch_size=8, seed=3, channels=(2,), plane="max")


class Shown(Dataset, Displaying):
    """A project with display settings."""


def hidden_stripes(count: int) -> tuple[np.ndarray, list[str]]:
    """Images of three planes and three channels, noise but for stripes in channel 2, in one plane or another."""
    pixels, labels = stripes(count)
    images = np.random.default_rng(1).integers(0, 40, (count, 3, SIDE, SIDE, 3)).astype(np.uint16)
    images[np.arange(count), np.arange(count) // 2 % 3, :, :, 2] = pixels
    return images, ["vertical" if label else "horizontal" for label in labels]


@pytest.fixture
def project(tmp_path: Path):
    images, labels = hidden_stripes(48)
    with Shown(tmp_path / "project", mode="x") as dataset:
        dataset.add_images(images, labels=[*labels[:40], *[None] * 8])
        dataset.assign_partitions(training=0.75, seed=0)
        yield dataset


def prepare(config: TrainingConfig, dataset: Dataset, version: DatasetVersion):
    return prepare_partitions(config, dataset, version, say=lambda line: None, check=lambda: None)


def prepared(dataset: Dataset, config: TrainingConfig) -> tuple[dict[str, bytes], dict]:
    partitions, preprocessing = prepare(config, dataset, dataset.snapshot())
    return {name: part.pixels.tobytes() for name, part in partitions.items()}, preprocessing.to_json()


@pytest.mark.parametrize("config", [TrainingConfig(batch_size=8), CHOSEN], ids=["defaults", "chosen"])
def test_what_is_shown_changes_no_bit_of_what_is_trained_on(project, config):
    before = prepared(project, config)
    project.show_channels(0)
    project.set_channel(2, window=(7, 8), gamma=0.1, color="blue")
    project.set_plane("middle")
    project.set_contrast("image", percentiles=(30, 60))
    assert prepared(project, config) == before


def test_what_is_chosen_is_what_is_trained_on(project):
    """The input is the projection of channel 2 alone, with statistics of the training images, worked out by hand."""
    version = project.snapshot()
    partitions, preprocessing = prepare(CHOSEN, project, version)
    assert preprocessing.input_shape == (SIDE, SIDE, 1)
    assert (preprocessing.channels, preprocessing.plane) == ((2,), "max")
    images, _ = hidden_stripes(48)
    raw = images[..., 2].max(axis=1).astype(np.float64)
    training = version.select("training")
    mean, scale = raw[training - 1].mean(), raw[training - 1].std()
    for name, part in partitions.items():
        expected = (raw[version.select(name) - 1] - mean) / scale
        np.testing.assert_allclose(part.pixels[..., 0], expected, atol=1e-4)


@pytest.mark.training
def test_training_evaluation_and_prediction_take_the_same(project, tensorflow, tmp_path):
    """The stripes are learned where they are; the classifier that was saved finds them in new images and files."""
    with ExperimentStore(f"sqlite:///{tmp_path / 'experiments.db'}") as store:
        experiment = store.create_experiment("run", parameters=CHOSEN.to_json())
        version = project.snapshot()
        experiment.attach_dataset(version, alias="train")
        environment = launcher.inline_environment()
        job = store.enqueue(experiment, "train", {"dataset": version.uid, "device": "auto"}, environment)
        launcher.run_inline(store, project.path, job)
        classifier = Classifier.load(experiment.artifacts["model-latest"].path)
        record = json.loads(Path(experiment.artifacts["config"].path).read_bytes())
        assert record["config"]["channels"] == record["preprocessing"]["channels"] == [2]
        assert record["config"]["plane"] == record["preprocessing"]["plane"] == "max"
        assert (classifier.preprocessing.channels, classifier.preprocessing.plane) == ((2,), "max")
        images, labels = hidden_stripes(48)
        probabilities = classifier.predict(list(images))
        found = [classifier.classes[index] for index in probabilities.argmax(axis=1)]
        assert np.mean([one == other for one, other in zip(found, labels, strict=True)]) > 0.9
        predict = store.enqueue(experiment, "predict", {"ids": list(range(41, 49))}, environment)
        launcher.run_inline(store, project.path, predict)
        stored = project.images.loc[41:48]
        assert stored["prediction"].tolist() == found[40:]
        np.testing.assert_allclose(stored["confidence"], probabilities[40:].max(axis=1), atol=1e-6)
        with pytest.raises(ImageReadError, match="channels 2"):
            classifier.predict([images[0][..., :2]])
