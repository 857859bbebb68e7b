"""Generated images of cells: a task that a bad classifier fails."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from piximi_widgets.samples.cell_images import _photographed, cell_class, cell_image
from piximi_widgets.samples.cell_plates import CLASSES, FREQUENCIES, image_name, index_of, place

COUNT = 480


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.stack([cell_image(0, index) for index in range(COUNT)]).astype(float)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.array([cell_class(0, index) for index in range(COUNT)])


def accuracy(features: np.ndarray, truth: np.ndarray, classifier=None) -> float:
    """Cross-validated accuracy; chance is a third."""
    classifier = classifier or make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return cross_val_score(classifier, features, truth, cv=5).mean()


def shares(pixels: np.ndarray) -> np.ndarray:
    """Mean, deviation and percentiles of each channel of each image."""
    percentiles = np.percentile(pixels, (1, 5, 25, 50, 75, 95, 99), axis=(1, 2))
    return np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2)), *percentiles], axis=1)


def test_mean_intensity_does_not_tell_the_class(pixels: np.ndarray, truth: np.ndarray):
    assert accuracy(pixels.mean((1, 2)), truth) < 0.55


def test_the_area_of_bright_dna_does_not_tell_the_class(pixels: np.ndarray, truth: np.ndarray):
    dna = pixels[..., 0].reshape(COUNT, -1)
    low, high = np.percentile(dna, (5, 99.5), axis=1)
    areas = [(dna > (low + share * (high - low))[:, None]).mean(axis=1) for share in (0.2, 0.4, 0.6)]
    for area in areas:
        assert accuracy(area[:, None], truth) < 0.55


def test_plate_well_and_treatment_do_not_tell_the_class(truth: np.ndarray):
    places = [place(index) for index in range(COUNT)]
    known = [
        (where.plate == np.arange(4), where.treatment == np.array(list(FREQUENCIES))) for where in places
    ]
    found = accuracy(np.array([np.concatenate(row) for row in known], dtype=float), truth)
    assert 0.4 < found < 0.6, "a treatment makes its class more frequent, and not certain"


def test_simple_statistics_do_not_solve_the_task(pixels: np.ndarray, truth: np.ndarray):
    assert accuracy(shares(pixels), truth) < 0.65


def test_neighbors_in_pixel_space_do_not_solve_the_task(pixels: np.ndarray, truth: np.ndarray):
    for count in (1, 5, 15):
        assert accuracy(pixels.reshape(COUNT, -1), truth, KNeighborsClassifier(count)) < 0.6


def test_the_classes_differ_where_a_biologist_looks(pixels: np.ndarray, truth: np.ndarray):
    """Condensed DNA in a round cell, pieces of DNA, or a smooth nucleus: the middle of the image tells them apart.

    The sharpness of the DNA in the middle, its brightest part against its median, is smallest in interphase.
    """
    middle = pixels[:, 20:44, 20:44, 0] - 140
    condensed = np.percentile(middle, 98, axis=(1, 2)) / np.maximum(np.percentile(middle, 70, axis=(1, 2)), 1)
    medians = {name: np.median(condensed[truth == name]) for name in CLASSES}
    assert medians["mitotic"] > 1.3 * medians["interphase"]
    assert medians["apoptotic"] > 1.3 * medians["interphase"]


def test_light_stain_focus_and_crowding_vary(pixels: np.ndarray):
    means = pixels.mean((1, 2)) - 140
    assert (np.percentile(means, 95, axis=0) > 2 * np.percentile(means, 5, axis=0)).all()
    # The contrast, since a bright medium may hide a weak stain in the mean.
    contrast = np.subtract(*np.percentile(pixels, (99, 5), axis=(1, 2)))
    plates = np.array([place(index).plate for index in range(COUNT)])
    by_plate = np.array([contrast[plates == plate].mean(axis=0) for plate in (1, 2, 3)])
    assert (by_plate.max(axis=0) > 1.15 * by_plate.min(axis=0)).all(), "plates are stained differently"


def test_noise_grows_with_light_as_a_camera_s_does():
    """The photon transfer curve: variance over mean rises by the counts per electron, from the read noise on."""
    generator = np.random.default_rng(0)
    levels = np.array([20.0, 100.0, 400.0, 1500.0])
    flat = [_photographed(generator, np.full((2, 200, 200), level)).astype(float) for level in levels]
    means, variances = np.array([[image.mean(), image.var()] for image in flat]).T
    gain, read_variance = np.polyfit(means - 140, variances, 1)
    assert gain == pytest.approx(1.8, rel=0.03)
    assert 0 < read_variance < 60
    assert means == pytest.approx(140 + 1.8 * levels, abs=0.5)


def test_half_of_a_treatment_s_cells_are_its_class():
    drawn = [(place(index).treatment, cell_class(1, index)) for index in range(3000)]
    for treatment, expected in FREQUENCIES.items():
        found = [sum(pair == (treatment, name) for pair in drawn) / 1000 for name in CLASSES]
        assert np.abs(np.subtract(found, expected)).max() < 0.06


def test_a_name_leads_back_to_its_image():
    for seed, index in [(0, 0), (0, 71), (5, 72), (2**32 - 1, 99_999)]:
        assert index_of(image_name(seed, index)) == (seed, index)
    assert len({image_name(0, index) for index in range(1000)}) == 1000


def test_the_images_are_the_same_on_every_machine():
    """Checked in: another machine or library version that draws otherwise would give other names the same truth."""
    digests = [
        hashlib.sha256(cell_image(seed, index).tobytes()).hexdigest()[:12]
        for seed, index in [(0, 0), (0, 1), (9, 500)]
    ]
    assert digests == ["3adb7b256f51", "cc2e8b76c90f", "045c7e149861"]
