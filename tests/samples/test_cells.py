"""The project of generated cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import piximi_widgets as pw

IMAGES = 90


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> pw.Project:
    return pw.samples.cells(tmp_path_factory.mktemp("cells") / "cells", images=IMAGES)


def test_images_are_two_channels_of_a_12_bit_camera(project: pw.Project):
    first = project.images.index[0]
    pixels = project.pixels(first)
    assert pixels.shape == (1, 64, 64, 2)
    assert pixels.dtype == np.uint16
    assert 100 <= pixels.min() < 200, "the camera's offset"
    assert 255 < pixels.max() <= 4095


def test_a_third_is_labeled_rightly_and_equally_many_of_each_class(project: pw.Project):
    truth = pw.samples.cells_truth(project)
    assert list(truth.index) == list(project.images.index)
    labeled = project.images["category"].dropna()
    assert labeled.value_counts().to_dict() == {"interphase": 10, "mitotic": 10, "apoptotic": 10}
    assert (labeled.astype(str) == truth[labeled.index]).all()
    assert [category.name for category in project.categories] == ["interphase", "mitotic", "apoptotic"]


def test_every_image_has_a_place_of_its_own(project: pw.Project):
    images = project.images
    assert not images[["plate", "well", "site"]].duplicated().any()
    assert images["plate"].nunique() == 3
    assert (
        images["well"]
        == [f"{row}{column:02d}" for row, column in zip(images["row"], images["column"], strict=True)]
    ).all()
    assert (images.groupby(["plate", "well"])["treatment"].nunique() == 1).all()


def test_the_same_seed_gives_the_same_images_however_many_are_made(project: pw.Project, tmp_path: Path):
    fewer = pw.samples.cells(tmp_path / "fewer", images=30, labeled=0)
    for image_id in fewer.images.index:
        assert np.array_equal(fewer.pixels(image_id), project.pixels(image_id))
    truth = pw.samples.cells_truth(project)
    assert list(pw.samples.cells_truth(fewer)) == list(truth[:30])
    assert not fewer.images["category"].notna().any()


def test_another_seed_gives_other_cells_on_other_plates(project: pw.Project, tmp_path: Path):
    other = pw.samples.cells(tmp_path / "other", images=30, seed=7)
    truth, others = pw.samples.cells_truth(project), pw.samples.cells_truth(other)
    assert list(others) != list(truth[:30])
    assert not set(other.images["plate"]) & set(project.images["plate"])
    assert not np.array_equal(other.pixels(1), project.pixels(1))


def test_the_truth_survives_removed_images_and_a_copied_folder(tmp_path: Path):
    """The names alone lead to the truth: what else the project holds does not matter."""
    cells = pw.samples.cells(tmp_path / "cells", images=30, seed=3)
    before = pw.samples.cells_truth(cells)
    cells.remove_images([1, 5])
    after = pw.samples.cells_truth(cells)
    assert list(after.index) == [image_id for image_id in before.index if image_id not in (1, 5)]
    assert (after == before[after.index]).all()


def test_a_project_that_is_there_is_opened_with_its_labels(tmp_path: Path):
    first = pw.samples.cells(tmp_path / "cells", images=30)
    labeled = first.images["category"].notna().sum()
    first.label(first.select("category.isna()")[0], "mitotic")
    again = pw.samples.cells(tmp_path / "cells", images=600)
    assert len(again) == 30
    assert again.images["category"].notna().sum() == labeled + 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"images": 3}, "images must be from 30"),
        ({"images": 30, "labeled": 4}, "multiple of 3"),
        ({"images": 30, "labeled": 30}, "labeled must be a multiple of 3 from 0 to"),
        ({"images": 30, "seed": -1}, "seed must be from 0"),
    ],
)
def test_numbers_that_cannot_be_are_refused_and_leave_nothing(tmp_path: Path, options: dict, says: str):
    with pytest.raises(ValueError, match=says):
        pw.samples.cells(tmp_path / "cells", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["nucleus.tif", "P0-7_B04_s1", "P0-1_B01_s1", "P0-1_Z04_s1", "P0-1_B04_s0", "P0-1_B04_s01"]
)
def test_truth_of_another_image_is_refused(tmp_path: Path, name: str):
    other = pw.Project(tmp_path / "other")
    other.add_images(np.zeros((1, 8, 8), np.uint8), names=[name])
    with pytest.raises(pw.errors.ProjectError, match="not an image of the cells sample"):
        pw.samples.cells_truth(other)


@pytest.mark.training
def test_the_default_network_learns_the_task(tmp_path: Path):
    """What a shortcut cannot do (see the tests of the images), a small network can: 450 images, the rest scored."""
    project = pw.samples.cells(tmp_path / "cells", images=600, labeled=450)
    truth = pw.samples.cells_truth(project)
    experiment = project.fit(pw.TrainingConfig(epochs=15, training_fraction=0.95), run="inline", wait=True)
    project.predict(experiment, run="inline")
    predicted = project.predictions(experiment.uid)["prediction"].astype(str)
    assert len(predicted) == 150
    found = (predicted == truth[predicted.index]).mean()
    assert found > 0.88
