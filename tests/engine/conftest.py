"""TensorFlow as the worker sets it up, and small data that trains in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.experiments import ExperimentStore, Job

SIDE = 20


def stripes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy stripes, (N, 20, 20) uint8, and whether they are vertical, (N,) int32."""
    generator = np.random.default_rng(seed)
    vertical = np.arange(count) % 2
    wave = (np.arange(SIDE) // 2 % 2) * 120.0
    planes = np.where(vertical[:, None, None], wave[None, None, :], wave[None, :, None])
    noise = generator.normal(60, 25, (count, SIDE, SIDE))
    return np.clip(planes + noise, 0, 255).astype(np.uint8), vertical.astype(np.int32)


@pytest.fixture(scope="session")
def tensorflow():
    """TensorFlow with the worker's settings."""
    from piximi_widgets.engine import runtime

    runtime.start_tensorflow()
    import tensorflow

    return tensorflow


@pytest.fixture
def config() -> TrainingConfig:
    return TrainingConfig(epochs=4, batch_size=8, seed=3)


class Place:
    """A project of forty labeled stripes, and a store beside it."""

    def __init__(self, folder: Path) -> None:
        self.dataset = Dataset(folder, mode="x")
        pixels, labels = stripes(48)
        names = ["vertical" if label else "horizontal" for label in labels]
        self.dataset.add_images(pixels, labels=[*names[:40], *[None] * 8])
        self.dataset.assign_partitions(training=0.75, seed=0)
        self.version = self.dataset.snapshot()
        self.store = ExperimentStore(f"sqlite:///{folder / 'experiments.db'}")

    def enqueue(self, config: TrainingConfig, environment: str, *, dataset: str | None = None) -> Job:
        """Make an experiment and put its training on the list."""
        experiment = self.store.create_experiment("run", parameters=config.to_json(), if_exists="rename")
        experiment.attach_dataset(self.version, alias="train")
        return self.store.enqueue(
            experiment, "train", {"dataset": dataset or self.version.uid, "device": "auto"}, environment
        )


@pytest.fixture
def place(tmp_path: Path):
    place = Place(tmp_path / "project")
    yield place
    place.store.close()
    place.dataset.close()
