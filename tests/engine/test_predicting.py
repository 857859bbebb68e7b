"""Predicting arrays, files and folders: any number, any order, bounded memory, and an end whenever one is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.engine import predicting
from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.classifier import Classifier
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.jobs.surroundings import Stopped, Surroundings
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import Preprocessing
from piximi_widgets.errors import EvaluationError, ImageReadError

from .conftest import Place

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

PIXELS = np.random.default_rng(0).integers(0, 256, (70, 30, 26), dtype=np.uint8)
CLASSES = ["a", "b", "ç"]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    from piximi_widgets.engine import runtime

    runtime.start_tensorflow()
    model = build("simple-cnn", (20, 24, 1), 3, seed=0)
    return Classifier(model, CLASSES, Preprocessing((20, 24, 1), (120.0,), (60.0,)), TrainingConfig(epochs=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images in natural order: img2 and img10 in ``a``, img1 in ``b``; and files that are no images."""
    for index, name in enumerate(("a/img2.png", "a/img10.png", "b/img1.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(PIXELS[index]).save(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"hidden")
    return tmp_path


# What images can be ----------------------------------------------------------------------------------------


def test_a_folder_a_glob_and_a_list_give_the_same_in_natural_order(classifier: Classifier, folder: Path):
    expected = classifier.predict(PIXELS[:3])
    np.testing.assert_array_equal(classifier.predict(folder), expected)
    np.testing.assert_array_equal(classifier.predict(str(folder / "a" / "*.png")), expected[:2])
    np.testing.assert_array_equal(classifier.predict(str(folder / "**" / "*.png")), expected)
    np.testing.assert_array_equal(classifier.predict([folder / "a", PIXELS[2]]), expected)


def test_a_generator_is_predicted_as_it_comes(classifier: Classifier):
    told = []
    found = classifier.predict((image for image in PIXELS), progress=lambda *numbers: told.append(numbers))
    np.testing.assert_array_equal(found, classifier.predict(PIXELS))
    assert told == [(32, 0), (64, 0), (70, 0)], "how many there are is not known"


def test_stacks_and_images_with_named_axes(classifier: Classifier):
    class Named:
        """As xarray's arrays are."""

        dims, values = ("c", "y", "x"), PIXELS[:1]
        shape, dtype = values.shape, values.dtype

    expected = classifier.predict(PIXELS[:1])
    np.testing.assert_array_equal(classifier.predict(PIXELS[:1, None, :, :, None]), expected)
    np.testing.assert_array_equal(classifier.predict(Named()), expected)
    np.testing.assert_array_equal(classifier.predict([Named()]), expected)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((64, 64, 3), np.uint8), "looks like one image"),
        (np.zeros((8, 8), np.uint8), "into a list"),
        (5, "got int"),
        ([np.zeros(3)], "Image 0 cannot be predicted"),
        ([PIXELS[0], np.zeros((8, 8), complex)], "Image 1"),
        ([PIXELS[0], np.full((8, 8), np.nan)], "Image 1"),
        ("nothing/*.png", "no file matches"),
        ("nothing.png", "nothing.png"),
        ("https://example.org/x.png", "download"),
    ],
)
def test_what_cannot_be_predicted_is_said(classifier: Classifier, images, words: str):
    with pytest.raises(ImageReadError, match=words):
        classifier.predict(images)


def test_an_empty_folder_is_said(classifier: Classifier, tmp_path: Path):
    with pytest.raises(ImageReadError, match="no image"):
        classifier.predict(tmp_path)


# Many ------------------------------------------------------------------------------------------------------


def test_few_images_are_in_memory_at_a_time(classifier: Classifier):
    """A generator of images, each of which counts itself while somebody holds it."""
    alive, most = 0, 0

    class Held(np.ndarray):
        def __array_finalize__(self, _: object) -> None:
            pass

        def __del__(self) -> None:
            nonlocal alive
            alive -= getattr(self, "counted", 0)

    def images() -> Iterator[np.ndarray]:
        nonlocal alive, most
        for _ in range(200):
            image = PIXELS[0].astype(np.float32).view(Held)
            image.counted = 1
            alive += 1
            most = max(most, alive)
            yield image
            del image

    assert classifier.predict(images()).shape == (200, 3)
    assert most <= 16


def test_a_memory_map_is_read_in_parts(classifier: Classifier, tmp_path: Path):
    np.save(tmp_path / "many.npy", PIXELS)
    mapped = np.load(tmp_path / "many.npy", mmap_mode="r")
    np.testing.assert_array_equal(classifier.predict(mapped), classifier.predict(PIXELS))


def test_a_partition_on_disk_gives_what_one_in_memory_gives(classifier: Classifier):
    preprocessing = classifier.preprocessing
    raw = np.random.default_rng(1).uniform(0, 255, (40, 20, 24, 1)).astype(np.float32)
    labels = np.zeros(40, np.int32)
    on_disk = Partition(raw, labels, preprocessing)
    in_memory = Partition(preprocessing.normalize(raw.copy()), labels)
    expected = classifier.predict_prepared(in_memory.pixels)
    np.testing.assert_array_equal(classifier.predict_prepared(on_disk), expected)
    np.testing.assert_array_equal(classifier.predict_prepared(in_memory), expected)


def test_progress_and_stop(classifier: Classifier):
    told: list[tuple[int, int]] = []
    found = classifier.predict(
        PIXELS, progress=lambda *numbers: told.append(numbers), stop=lambda: len(told) == 2
    )
    assert told == [(32, 70), (64, 70)]
    np.testing.assert_array_equal(found, classifier.predict(PIXELS)[:64])
    assert classifier.predict(PIXELS, stop=lambda: True).shape == (0, 3)
    assert classifier.predict_prepared(np.zeros((40, 20, 24, 1)), stop=lambda: True).shape == (0, 3)


def test_an_evaluation_that_is_stopped_scores_the_images_until_then(classifier: Classifier):
    labels = [index % 3 for index in range(len(PIXELS))]
    told: list[int] = []
    stopped = classifier.evaluate(
        PIXELS, labels, progress=lambda done, _: told.append(done), stop=lambda: len(told) == 2
    )
    assert stopped.ids.tolist() == list(range(64))
    assert stopped.unscored == 0
    whole = classifier.evaluate(PIXELS, labels)
    np.testing.assert_array_equal(stopped.probabilities, whole.probabilities[:64])
    np.testing.assert_array_equal(stopped.truth, whole.truth[:64])
    with pytest.raises(EvaluationError, match="stopped before the first image"):
        classifier.evaluate(PIXELS, labels, stop=lambda: True)
    with pytest.raises(EvaluationError, match="70"):
        classifier.evaluate(PIXELS, labels[:-1], stop=lambda: False)


def test_an_interruption_leaves_a_classifier_that_works(classifier: Classifier):
    def interrupted() -> Iterator[np.ndarray]:
        yield from PIXELS[:40]
        raise KeyboardInterrupt

    expected = classifier.predict(PIXELS[:40])
    with pytest.raises(KeyboardInterrupt):
        classifier.predict(interrupted())
    np.testing.assert_array_equal(classifier.predict(PIXELS[:40]), expected)


# A table ---------------------------------------------------------------------------------------------------


def test_the_table_names_files_and_leaves_out_what_cannot_be_read(classifier: Classifier, folder: Path):
    (folder / "a" / "img3.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 4 images .*img3.png"):
        table = classifier.predictions(folder)
    assert list(table.index) == [str(folder / name) for name in ("a/img2.png", "a/img10.png", "b/img1.png")]
    assert list(table.columns) == ["prediction", "confidence", "p(a)", "p(b)", "p(ç)"]
    expected = classifier.predict(PIXELS[:3])
    np.testing.assert_array_equal(table[["p(a)", "p(b)", "p(ç)"]], expected)
    assert list(table["prediction"]) == [CLASSES[index] for index in expected.argmax(axis=1)]
    np.testing.assert_array_equal(table["confidence"], expected.max(axis=1))
    assert list(table.attrs["failed"]) == [str(folder / "a" / "img3.png")]
    with pytest.raises(ImageReadError, match="img3"):
        classifier.predict(folder)
    with pytest.raises(ImageReadError, match="img3"):
        classifier.predictions(folder / "a" / "img3.png")


def test_arrays_are_named_by_their_positions(classifier: Classifier):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        table = classifier.predictions(PIXELS[:4])
    assert list(table.index) == [0, 1, 2, 3]
    assert list(classifier.predictions([]).columns) == list(table.columns)


# New images that are labeled -------------------------------------------------------------------------------


def test_new_images_are_scored(classifier: Classifier):
    best = classifier.predict(PIXELS[:6]).argmax(axis=1)
    labels = [CLASSES[index] for index in best]
    labels[0], labels[1], labels[2] = "a" if best[0] else "b", None, "unknown"
    evaluation = classifier.evaluate(PIXELS[:6], labels)
    assert list(evaluation.ids) == [0, 3, 4, 5]
    assert evaluation.accuracy == pytest.approx(3 / 4)
    assert evaluation.unscored == 2
    assert evaluation.partition == "new"
    by_index = classifier.evaluate(PIXELS[:6], best)
    assert by_index.accuracy == 1
    assert by_index.names is None


def test_folders_can_be_the_labels(classifier: Classifier, folder: Path):
    evaluation = classifier.evaluate(folder, "folder")
    assert list(evaluation.predictions["truth"]) == ["a", "a", "b"]
    assert list(evaluation.predictions["name"])[2] == str(folder / "b" / "img1.png")


def test_labels_stay_with_their_images_where_one_cannot_be_read(classifier: Classifier, folder: Path):
    (folder / "a" / "img2.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 3"):
        evaluation = classifier.evaluate(folder, ["a", "b", "ç"])
    assert list(evaluation.predictions["truth"]) == ["b", "ç"]
    assert list(evaluation.ids) == [1, 2]
    assert evaluation.unscored == 1


def test_a_file_that_cannot_be_read_counts_as_often_as_it_is_named(classifier: Classifier, folder: Path):
    good, broken = folder / "a" / "img10.png", folder / "a" / "img2.png"
    broken.write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="2 of 4 images"):
        evaluation = classifier.evaluate([broken, good, broken, good], ["a", "b", "c", "ç"])
    assert list(evaluation.ids) == [1, 3]
    assert list(evaluation.predictions["truth"]) == ["b", "ç"]
    assert evaluation.unscored == 2
    with pytest.warns(UserWarning, match="2 of 3 images"):
        assert list(classifier.predictions([broken, good, broken]).index) == [str(good)]
    with pytest.raises(ImageReadError, match="img2"):
        classifier.predictions([broken, broken])


@pytest.mark.parametrize("labels", [["a"], [0, 1, 7], [0, 1, -1], [True, 0, 1], ["a", "b", 1.5], "folder"])
def test_labels_that_do_not_fit_are_refused(classifier: Classifier, labels):
    with pytest.raises(EvaluationError, match="label"):
        classifier.evaluate(PIXELS[:3], labels)


# A project's images ----------------------------------------------------------------------------------------


@pytest.fixture
def stripes_classifier() -> Classifier:
    model = build("simple-cnn", (20, 20, 1), 2, seed=0)
    preprocessing = Preprocessing((20, 20, 1), (120.0,), (60.0,))
    return Classifier(model, ["horizontal", "vertical"], preprocessing, TrainingConfig(epochs=2))


def test_a_projects_images_are_stored_and_told_of(place: Place, stripes_classifier: Classifier):
    said: list[str] = []
    around = Surroundings(said.append, lambda: False)
    predicting.predict_project(stripes_classifier, place.dataset, np.arange(1, 49), "run", around)
    stored = place.dataset.prediction_arrays("run")
    assert list(stored.ids) == list(range(1, 49))
    expected = stripes_classifier.predict([place.dataset.pixels(id) for id in range(1, 49)])
    np.testing.assert_array_equal(stored.probabilities, expected)
    assert predicting.read_progress_line(said[-1]) == (48, 48)
    assert predicting.read_progress_line("Image 4 is left out") is None


def test_a_stop_keeps_what_was_predicted(place: Place, stripes_classifier: Classifier, monkeypatch):
    monkeypatch.setattr(predicting, "_TELL_SECONDS", -1.0)
    said: list[str] = []
    around = Surroundings(said.append, lambda: len(said) == 1)
    with pytest.raises(Stopped):
        predicting.predict_project(stripes_classifier, place.dataset, np.arange(1, 49), "run", around)
    assert list(place.dataset.prediction_arrays("run").ids) == list(range(1, 33))


def test_an_image_that_cannot_be_read_is_left_out(place: Place, stripes_classifier: Classifier, monkeypatch):
    pixels = place.dataset.pixels

    def broken(id: int) -> np.ndarray:
        if id == 3:
            raise ImageReadError("it is damaged")
        return pixels(id)

    monkeypatch.setattr(place.dataset, "pixels", broken)
    said: list[str] = []
    around = Surroundings(said.append, lambda: False)
    predicting.predict_project(stripes_classifier, place.dataset, np.arange(1, 6), "run", around)
    assert list(place.dataset.prediction_arrays("run").ids) == [1, 2, 4, 5]
    assert "Image 3 is left out: it is damaged" in said
    with pytest.raises(ImageReadError, match="damaged"):
        predicting.predict_project(stripes_classifier, place.dataset, np.array([3]), "run", around)
