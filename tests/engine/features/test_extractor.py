"""Features: those of Keras, the same bits whatever is computed beside them, from the cache as computed."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.augmentation import view_of
from piximi_widgets.engine.features import FeatureExtractor, litert
from piximi_widgets.engine.features.graph import GraphBase
from piximi_widgets.engine.features.identity import base_digest
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.errors import TrainingError
from tests.engine.features.bases import mobilenet_base, pictures

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


@pytest.fixture(scope="module")
def base(tensorflow):
    return mobilenet_base()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache that all tests of this file share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=["litert", "tensorflow"])
def extractor(request, base, folder, monkeypatch):
    if request.param == "tensorflow":
        monkeypatch.setattr("piximi_widgets.engine.features.compiled.litert_version", lambda: None)
    elif litert.litert_version() is None:
        pytest.skip("ai-edge-litert is not installed")
    extractor = FeatureExtractor(base, folder)
    assert extractor._compiled.backend.startswith(request.param)
    return extractor


def test_features_are_those_of_keras_and_the_same_bits_from_the_cache(extractor, base):
    images = pictures(21)
    features = extractor.features(images)
    np.testing.assert_allclose(features, base.predict(images, verbose=0), rtol=1e-4, atol=1e-5)
    extractor._compiled.run = None
    np.testing.assert_array_equal(extractor.features(images[::-1]), features[::-1])


def test_an_image_has_the_same_features_wherever_it_stands_and_whatever_stands_beside_it(extractor):
    images = pictures(40)
    features = extractor.compute(images)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(extractor.compute(images[order]), features[order])
    np.testing.assert_array_equal(extractor.compute(images[5:6]), features[5:6])


def test_views_are_the_features_of_turned_and_mirrored_images(extractor):
    images, views = pictures(8, seed=4), np.arange(8)
    turned = np.stack([view_of(image, view) for image, view in zip(images, views, strict=True)])
    np.testing.assert_array_equal(extractor.features(images, views=views), extractor.compute(turned))


def test_some_rows_of_a_partition(extractor):
    images = pictures(9, seed=5)
    rows = np.array([7, 2, 2])
    features = extractor.features(Partition(images, np.zeros(9, np.int32)), rows=rows)
    np.testing.assert_array_equal(features, extractor.compute(images[rows]))


def test_what_was_computed_before_a_stop_is_kept(base, folder, monkeypatch):
    class Stop(Exception):
        pass

    def check():
        if seen and seen[-1] >= 4:
            raise Stop

    monkeypatch.setattr("piximi_widgets.engine.features.extractor._CHUNK", 2)
    images, seen = pictures(12, seed=6), []
    with pytest.raises(Stop):
        FeatureExtractor(base, folder, check=check).features(images, progress=seen.append)
    assert seen == [2, 4]
    again = FeatureExtractor(base, folder)
    again._compiled.run = None
    assert again.features(images[:4]).shape == (4, 256)


def test_a_stop_ends_the_work_of_all_threads(base, folder):
    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureExtractor(base, folder, check=check).compute(pictures(400))


def test_a_damaged_compiled_form_is_made_again(base, tmp_path):
    pytest.importorskip("ai_edge_litert")
    said = []
    images = pictures(3)
    features = FeatureExtractor(base, tmp_path, say=said.append).compute(images)
    (file,) = (tmp_path / "bases").iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    np.testing.assert_array_equal(FeatureExtractor(base, tmp_path, say=said.append).compute(images), features)
    FeatureExtractor(base, tmp_path, say=said.append).compute(images)
    assert len(said) == 2


def test_a_base_that_litert_cannot_compute_is_computed_by_tensorflow_and_says_so(base, monkeypatch):
    def fail(base):
        raise RuntimeError("no such operation")

    monkeypatch.setattr(litert, "convert", fail)
    monkeypatch.setattr("piximi_widgets.engine.features.compiled.litert_version", lambda: "0")
    said, images = [], pictures(2)
    extractor = FeatureExtractor(base, None, say=said.append)
    np.testing.assert_allclose(
        extractor.features(images), base.predict(images, verbose=0), rtol=1e-4, atol=1e-5
    )
    assert isinstance(extractor._compiled, GraphBase)
    assert "no such operation" in said[-1]


def test_images_of_another_size_are_refused(base):
    with pytest.raises(TrainingError, match="8×8×3, and the network's base takes 32×32×3"):
        FeatureExtractor(base, None).features(np.zeros((1, 8, 8, 3), np.float32))


def test_a_digest_tells_weights_and_structure_apart_and_no_names(base):
    import keras

    twin = mobilenet_base()
    assert base_digest(twin) == base_digest(base)
    twin.layers[1].kernel.assign(twin.layers[1].kernel + 1e-7)
    assert base_digest(twin) != base_digest(base)
    image = keras.Input((4, 4, 2))
    one, other = (keras.Model(image, image[..., channel]) for channel in (0, 1))
    again = keras.Model(image, image[..., 0])
    assert base_digest(one) == base_digest(again) != base_digest(other)


def named(images: np.ndarray, seed: int, **options) -> Partition:
    digests = np.random.default_rng(seed).integers(0, 256, (len(images), 15), dtype=np.uint8)
    return Partition(images, np.zeros(len(images), np.int32), digests=digests, **options)


class Apart(Partition):
    """Pixels that are brought to the range of a network when they are read, one image or many."""

    resident = False

    def take(self, rows):
        return self.pixels[rows] * np.float32(0.5)


def test_images_with_digests_are_neither_hashed_nor_read_once_their_features_are_known(
    extractor, monkeypatch
):
    monkeypatch.setattr("piximi_widgets.engine.features.extractor.pixel_digests", None)
    partition, order = named(pictures(12, seed=8), 1), np.array([11, 3, 3, 0])
    features, done = extractor.features(partition), []
    np.testing.assert_array_equal(features, extractor.compute(partition.pixels))
    again = Partition(np.full_like(partition.pixels, np.nan), partition.labels, digests=partition.digests)
    monkeypatch.setattr(extractor._compiled, "run", None)
    found = extractor.features(again, rows=order, progress=done.append)
    np.testing.assert_array_equal(found, features[order])
    assert done == [4]


def test_views_of_an_image_with_a_digest_are_kept_apart(extractor):
    partition = named(pictures(2, seed=9), 2)
    rows, views = np.array([0, 0, 1]), np.array([0, 5, 5])
    first = extractor.features(partition, rows=rows, views=views)
    turned = np.stack([view_of(partition.pixels[r], v) for r, v in zip(rows, views, strict=True)])
    np.testing.assert_array_equal(first, extractor.compute(turned))
    np.testing.assert_array_equal(extractor.features(partition, rows=rows, views=views), first)


@pytest.mark.parametrize("with_digests", [True, False])
def test_pixels_that_are_not_in_memory_have_the_features_of_those_that_are(
    extractor, with_digests, monkeypatch
):
    monkeypatch.setattr("piximi_widgets.engine.features.extractor._CHUNK", 4)
    partition = named(pictures(10, seed=10 + with_digests), 3)
    digests = partition.digests if with_digests else None
    apart = Apart(partition.pixels, partition.labels, digests=digests)
    rows = np.array([9, 0, 1, 2, 7, 7])
    expected = extractor.compute(partition.pixels[rows] * np.float32(0.5))
    np.testing.assert_array_equal(extractor.features(apart, rows=rows), expected)
    np.testing.assert_array_equal(extractor.features(apart, rows=rows), expected)


def test_features_that_are_known_in_part_are_completed(extractor):
    partition = named(pictures(9, seed=14), 4)
    extractor.features(partition, rows=np.array([1, 4, 8]))
    np.testing.assert_array_equal(extractor.features(partition), extractor.compute(partition.pixels))
