"""A small project that trains in a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import piximi_widgets as pw
from tests.workers import end_workers


def stripes(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """Noisy 24x24 images with horizontal or vertical stripes, alternating."""
    generator = np.random.default_rng(seed)
    wave = (np.sin(np.arange(24) * 1.3) > 0) * 120.0
    labels = ["horizontal" if row % 2 == 0 else "vertical" for row in range(count)]
    planes = [
        np.tile(
            wave[:, None] if label == "horizontal" else wave, (1, 24) if label == "horizontal" else (24, 1)
        )
        for label in labels
    ]
    noise = generator.normal(60, 25, size=(count, 24, 24))
    return np.clip(np.stack(planes) + noise, 0, 255).astype(np.uint8), labels


@pytest.fixture
def project(tmp_path: Path) -> Iterator[pw.Project]:
    """Forty labeled stripes and ten unlabeled ones; its workers are killed in the end."""
    pixels, labels = stripes(50, seed=1)
    project = pw.Project(tmp_path / "stripes")
    project.add_images(pixels, labels=[*labels[:40], *[None] * 10])
    yield project
    end_workers(project.path / "experiments.db")


@pytest.fixture
def config() -> pw.TrainingConfig:
    return pw.TrainingConfig(architecture="simple-cnn", epochs=4, batch_size=8, seed=3)
