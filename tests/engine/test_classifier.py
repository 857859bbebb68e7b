"""One file is the classifier; it predicts the same everywhere, and opens nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.engine.architectures import build
from piximi_widgets.engine.classifier import Classifier
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.preprocessing import Preprocessing
from piximi_widgets.errors import ArtifactError, ImageReadError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

PIXELS = np.random.default_rng(0).integers(0, 256, (70, 30, 26), dtype=np.uint8)


@pytest.fixture
def classifier() -> Classifier:
    model = build("simple-cnn", (20, 24, 1), 3, seed=0)
    return Classifier(
        model, ["a", "<b>", "ç"], Preprocessing((20, 24, 1), (120.0,), (60.0,)), TrainingConfig(epochs=2)
    )


def test_probabilities_have_the_shape_and_type_of_the_contract(classifier: Classifier):
    found = classifier.predict(PIXELS)
    assert found.shape == (70, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert classifier.predict([]).shape == (0, 3)


def test_an_image_does_not_depend_on_its_neighbours(classifier: Classifier):
    together = classifier.predict(PIXELS)
    for index in (0, 31, 32, 69):
        np.testing.assert_array_equal(classifier.predict([PIXELS[index]])[0], together[index])
    np.testing.assert_array_equal(classifier.predict(PIXELS[::-1])[::-1], together)


def test_every_form_of_the_same_pixels_gives_the_same(classifier: Classifier, tmp_path: Path):
    expected = classifier.predict(PIXELS[:3])
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, image in zip(paths, PIXELS, strict=False):
        Image.fromarray(image).save(path)
    np.testing.assert_array_equal(classifier.predict(PIXELS[:3, :, :, None]), expected)
    np.testing.assert_array_equal(classifier.predict(list(PIXELS[:3])), expected)
    np.testing.assert_array_equal(
        classifier.predict([image[None, :, :, None] for image in PIXELS[:3]]), expected
    )
    np.testing.assert_array_equal(classifier.predict(paths), expected)
    np.testing.assert_array_equal(classifier.predict(str(paths[0])), expected[:1])
    np.testing.assert_array_equal(classifier.predict(PIXELS[:3].astype(np.uint16)), expected)


def test_saving_and_loading_changes_nothing(classifier: Classifier, tmp_path: Path):
    loaded = Classifier.load(classifier.save(tmp_path / "x.keras"))
    assert loaded.classes == classifier.classes
    assert loaded.config == classifier.config
    assert loaded.preprocessing == classifier.preprocessing
    np.testing.assert_array_equal(loaded.predict(PIXELS), classifier.predict(PIXELS))
    assert list(tmp_path.iterdir()) == [tmp_path / "x.keras"]


def test_keras_opens_the_file_as_a_plain_model(classifier: Classifier, tmp_path: Path):
    import keras

    model = keras.saving.load_model(classifier.save(tmp_path / "x.keras"), safe_mode=True)
    assert model.count_params() == classifier.keras_model.count_params()


def test_another_ending_is_refused(classifier: Classifier, tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"\.keras"):
        classifier.save(tmp_path / "x.h5")


def test_a_plain_keras_file_is_told_apart(classifier: Classifier, tmp_path: Path):
    classifier.keras_model.save(tmp_path / "plain.keras")
    with pytest.raises(ArtifactError, match="not saved by piximi_widgets"):
        Classifier.load(tmp_path / "plain.keras")


def test_damaged_and_missing_files_are_said(classifier: Classifier, tmp_path: Path):
    path = classifier.save(tmp_path / "x.keras")
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtifactError):
            Classifier.load(path)
    with pytest.raises(ArtifactError, match="no file"):
        Classifier.load(tmp_path / "nothing.keras")


def test_a_file_without_its_weights_is_damaged(classifier: Classifier, tmp_path: Path):
    path = classifier.save(tmp_path / "x.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "y.keras", "w") as target:
        for name in source.namelist():
            if name != "model.weights.h5":
                target.writestr(name, source.read(name))
    with pytest.raises(ArtifactError):
        Classifier.load(tmp_path / "y.keras")


def test_images_that_do_not_fit_are_refused(classifier: Classifier, tmp_path: Path):
    with pytest.raises(ImageReadError, match="channel"):
        classifier.predict(np.zeros((2, 20, 20, 3), np.uint8))
    with pytest.raises(ImageReadError, match="list"):
        classifier.predict(np.zeros((20, 20), np.uint8))
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(ImageReadError):
        classifier.predict(tmp_path / "x.png")


def test_the_summary_is_a_table_of_layers(classifier: Classifier):
    table = classifier.summary()
    assert list(table.columns) == ["kind", "output shape", "parameters", "trainable"]
    assert table["parameters"].sum() == classifier.keras_model.count_params()


def test_html_escapes_the_classes(classifier: Classifier):
    html = classifier._repr_html_()
    assert "<b>" in html
    assert "&lt;b&gt;" in html
    assert "<b>, " not in html
