"""One file is the classifier; it predicts the same everywhere, and opens nothing else."""

from __future__ import annotations

import io
import json
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


def hidden_layer(input_shape: tuple[int, int, int], classes: int):
    """A network as users write them: products of all features inside."""
    import keras

    image = keras.Input(input_shape)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    x = keras.layers.Dense(32, activation="relu")(x)
    return keras.Model(image, keras.layers.Dense(classes, activation="softmax")(x))


@pytest.mark.parametrize(
    ("name", "channels"),
    [("simple-cnn", 1), ("small-resnet", 3), ("mobilenet", 3), ("mobilenet", 2), ("hidden-layer", 1)],
)
def test_no_network_lets_images_influence_each_other(name: str, channels: int):
    """Bit for bit: alone, among others, and in another place; with weights that are not those of the start."""
    shape, classes = (40, 36, channels), 3 + channels
    model = hidden_layer(shape, classes) if name == "hidden-layer" else build(name, shape, classes, seed=0)
    generator = np.random.default_rng(0)
    for variable in model.weights:
        if variable.dtype == "float32" and "variance" not in variable.path:
            variable.assign(variable + generator.normal(0, 0.05, variable.shape))
    preprocessing = Preprocessing(shape, (0.0,) * channels, (1.0,) * channels)
    classifier = Classifier(model, [str(k) for k in range(classes)], preprocessing, TrainingConfig())
    pixels = generator.normal(0, 1, (40, *shape)).astype(np.float32)
    together = classifier.predict_prepared(pixels)
    np.testing.assert_allclose(together, model(pixels, training=False), atol=1e-5)
    for _ in range(3):
        order = generator.permutation(40)
        np.testing.assert_array_equal(classifier.predict_prepared(pixels[order]), together[order])
    for index in (0, 5, 31, 32, 39):
        np.testing.assert_array_equal(
            classifier.predict_prepared(pixels[index : index + 1])[0], together[index]
        )


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


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> bytes:
    model = build("simple-cnn", (16, 16, 1), 2, seed=0)
    classifier = Classifier(model, ["a", "b"], Preprocessing((16, 16, 1), (0.0,), (1.0,)), TrainingConfig())
    return classifier.save(tmp_path_factory.mktemp("saved") / "x.keras").read_bytes()


def members(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_a_file_that_was_cut_off_anywhere_is_refused(saved: bytes, tmp_path: Path):
    path = tmp_path / "x.keras"
    for length in range(0, len(saved), 10):
        path.write_bytes(saved[:length])
        with pytest.raises(ArtifactError):
            Classifier.load(path)
    with pytest.raises(ArtifactError, match="no file"):
        Classifier.load(tmp_path / "nothing.keras")


def test_a_flipped_bit_changes_nothing_or_is_refused(saved: bytes, tmp_path: Path):
    """The archive's checksums see damage to every part; bits that nobody reads may be flipped."""
    path = tmp_path / "x.keras"
    path.write_bytes(saved)
    pixels = PIXELS[:3]
    expected = Classifier.load(path).predict(pixels)
    refused = 0
    for position in np.random.default_rng(0).integers(0, len(saved), 25):
        damaged = bytearray(saved)
        damaged[position] ^= 1 << int(position) % 8
        path.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(Classifier.load(path).predict(pixels), expected)
        except ArtifactError:
            refused += 1
    assert refused >= 20


@pytest.mark.parametrize("missing", ["model.weights.h5", "config.json", "metadata.json"])
def test_a_file_without_one_of_its_parts_is_damaged(saved: bytes, tmp_path: Path, missing: str):
    parts = members(saved)
    del parts[missing]
    with pytest.raises(ArtifactError, match="four parts"):
        Classifier.load(packed(tmp_path / "y.keras", parts))


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/tmp/evil.txt", "assets/x", "model.weights.npz", "code.pkl"]
)
def test_a_file_with_other_parts_is_refused(saved: bytes, tmp_path: Path, name: str):
    path = packed(tmp_path / "y.keras", {**members(saved), name: b"evil"})
    with pytest.raises(ArtifactError, match="four parts"):
        Classifier.load(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_part_that_is_there_twice_is_refused(saved: bytes, tmp_path: Path):
    path = packed(tmp_path / "y.keras", members(saved))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", members(saved)["config.json"])
    with pytest.raises(ArtifactError, match="each once"):
        Classifier.load(path)


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json", "piximi_widgets.json", "metadata.json"])
def test_a_zip_bomb_is_not_unpacked(saved: bytes, tmp_path: Path, name: str):
    parts = {**members(saved), name: b" " * (70 * 2**20)}
    path = packed(tmp_path / "y.keras", parts, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    with pytest.raises(ArtifactError, match="unpacks to more"):
        Classifier.load(path)


def hdf5(content) -> bytes:
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        content(file)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda file: file.create_dataset("x", (10**6, 10**6), "f4", chunks=(1000, 1000)), "unpacks to more"),
        (
            lambda file: file.create_dataset("x", (9,), "u1", external=[("/etc/passwd", 0, 9)]),
            "not in the file",
        ),
        (lambda file: file.__setitem__("x", h5_link("/etc/other.h5")), "something outside"),
        (lambda file: file.create_group("g").__setitem__("again", file), "more than a network has"),
        (lambda file: file.create_group("layers"), "damaged"),
    ],
    ids=["huge array", "another file's bytes", "link to another file", "endless circle", "no weights"],
)
def test_weights_that_are_no_plain_arrays_are_refused(saved: bytes, tmp_path: Path, content, words: str):
    parts = {**members(saved), "model.weights.h5": hdf5(content)}
    with pytest.raises(ArtifactError, match=words):
        Classifier.load(packed(tmp_path / "y.keras", parts))


def h5_link(path: str):
    import h5py

    return h5py.ExternalLink(path, "/x")


def test_code_in_a_network_is_refused_before_keras_sees_it(saved: bytes, tmp_path: Path, monkeypatch):
    import keras

    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras was asked"))
    path = tmp_path / "y.keras"
    for change in (
        {"module": "keras.layers", "class_name": "Lambda", "registered_name": None},
        {"module": "os", "class_name": "system", "registered_name": None},
        {"module": "my_layers", "class_name": "Mine", "registered_name": "my_layers>Mine"},
        {"module": "keras.layers", "class_name": "TFSMLayer", "registered_name": None},
        {"module": None, "class_name": "Mine", "registered_name": "Custom>Mine"},
        {"module": "builtins", "class_name": "function", "registered_name": "function"},
    ):
        parts = members(saved)
        network = json.loads(parts["config.json"])
        network["config"]["layers"][2] |= change
        packed(path, parts | {"config.json": json.dumps(network).encode()})
        with pytest.raises(
            ArtifactError, match=f"the {change['class_name']} 'pooling_1', which is not one of Keras"
        ):
            Classifier.load(path)


def test_a_layer_larger_than_the_files_weights_is_refused(saved: bytes, tmp_path: Path):
    parts = members(saved)
    network = json.loads(parts["config.json"])
    network["config"]["layers"][-1]["config"]["units"] = 2_000_000_000
    path = packed(tmp_path / "y.keras", parts | {"config.json": json.dumps(network).encode()})
    with pytest.raises(ArtifactError, match="it has a layer larger than its weights"):
        Classifier.load(path)


def wide_network() -> dict:
    """The description of three Dense layers, each within the bounds, that together need 34 gigabytes."""
    import keras

    image = keras.Input((16, 16, 1))
    x = keras.layers.Flatten()(image)
    for _ in range(3):
        x = keras.layers.Dense(8)(x)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    network = json.loads(model.to_json())
    shapes = {8: 65_536}

    def widen(value):
        if isinstance(value, dict):
            return {name: widen(item) for name, item in value.items()}
        if isinstance(value, list):
            return [widen(item) for item in value]
        return shapes.get(value, value) if isinstance(value, int) else value

    return widen(network)


def peak_memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("claimed", [True, False], ids=["input shapes claimed", "input shapes found"])
def test_layers_that_are_huge_only_together_are_refused_before_they_take_memory(
    saved: bytes, tmp_path: Path, claimed: bool
):
    network = wide_network()
    if not claimed:
        for layer in network["config"]["layers"]:
            layer.pop("build_config", None)
    parts = members(saved) | {"config.json": json.dumps(network).encode()}
    path = packed(tmp_path / "y.keras", parts)
    before = peak_memory()
    with pytest.raises(ArtifactError, match="declares layers larger than its weights"):
        Classifier.load(path)
    assert peak_memory() - before < 500 * 2**20, "65536 x 65536 weights are 17 gigabytes"


def test_a_layer_that_claims_a_huge_input_is_refused(saved: bytes, tmp_path: Path):
    """Keras builds a layer for the input that the file claims before it looks at the one that it gets."""
    parts = members(saved)
    network = json.loads(parts["config.json"])
    network["config"]["layers"][-1]["build_config"]["input_shape"] = [None, 4_000_000_000]
    path = packed(tmp_path / "y.keras", parts | {"config.json": json.dumps(network).encode()})
    before = peak_memory()
    with pytest.raises(ArtifactError, match="larger than its weights"):
        Classifier.load(path)
    assert peak_memory() - before < 500 * 2**20


def padded(size: int):
    """A network without more than 34 weights whose features are `size` + 16 in width and height."""
    import keras

    image = keras.Input((16, 16, 1))
    x = keras.layers.ZeroPadding2D(((0, size), (0, size)), name="padding")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))


def test_features_larger_than_any_memory_are_refused(saved: bytes, tmp_path: Path):
    parts = members(saved)
    small = padded(1)
    small.save(tmp_path / "small.keras")
    theirs = members((tmp_path / "small.keras").read_bytes())
    network = json.loads(theirs["config.json"])
    (padding,) = (part for part in network["config"]["layers"] if part["name"] == "padding")
    padding["config"]["padding"] = [[0, 60_000], [0, 60_000]]
    parts |= {
        "config.json": json.dumps(network).encode(),
        "model.weights.h5": theirs["model.weights.h5"],
    }
    with pytest.raises(ArtifactError, match="computes 3,601,920,256 numbers of one image"):
        Classifier.load(packed(tmp_path / "y.keras", parts))


def test_what_could_not_be_opened_again_is_not_written(tmp_path: Path):
    import keras

    preprocessing = Preprocessing((16, 16, 1), (0.0,), (1.0,))
    image = keras.Input((16, 16, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.UpSampling2D(70_000)(image))
    upsampled = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Lambda(lambda x: 2 * x, name="twice")(image))
    with_code = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    for model, words in (
        (upsampled, "larger than its weights"),
        (padded(60_000), "3,601,920,256 numbers of one image"),
        (with_code, "the Lambda 'twice', which is not one of Keras' own"),
    ):
        classifier = Classifier(model, ["a", "b"], preprocessing, TrainingConfig())
        with pytest.raises(ArtifactError, match=rf"x\.keras cannot be written.*{words}"):
            classifier.save(tmp_path / "x.keras")
    assert list(tmp_path.iterdir()) == []


def test_networks_of_other_forms_are_written_and_opened(tmp_path: Path):
    """Layers used twice, random generators of their own, a network within a network, and one layer after another."""
    import keras

    generator = keras.random.SeedGenerator(3)
    image = keras.Input((16, 16, 1))
    twice = keras.layers.Dense(8, kernel_initializer=keras.initializers.GlorotUniform(seed=generator))
    features = keras.layers.Dropout(0.4)(keras.layers.Dense(8, kernel_initializer="orthogonal")(image))
    inner = keras.Model(image, keras.layers.GlobalAveragePooling2D()(twice(twice(features))))
    outer = keras.Model(image, keras.layers.Dense(2, activation="softmax")(inner(image)))
    layers = [image, keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    schedule = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=10_000_000)
    outer.compile(keras.optimizers.Adam(schedule), "categorical_crossentropy")
    for model in (outer, keras.Sequential(layers)):
        classifier = Classifier(
            model, ["a", "b"], Preprocessing((16, 16, 1), (0.0,), (1.0,)), TrainingConfig()
        )
        loaded = Classifier.load(classifier.save(tmp_path / "x.keras"))
        np.testing.assert_array_equal(loaded.predict(PIXELS), classifier.predict(PIXELS))


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ["a", "b", "c"]},
        {"classes": ["a", "a"]},
        {"classes": []},
        {"classes": 7},
        {"preprocessing": {"input_shape": [20, 20, 1], "mean": [0], "scale": [1]}},
        {"preprocessing": {"input_shape": [16, 16, 1], "mean": [0, 0], "scale": [1]}},
        {"preprocessing": {"input_shape": [16, 16], "mean": [0], "scale": [1]}},
        {"preprocessing": None},
        {"config": {"epochs": -1}},
        {"config": "text"},
        {"format": 99},
        {"format": "1"},
    ],
    ids=str,
)
def test_a_description_that_does_not_fit_is_refused(saved: bytes, tmp_path: Path, change: dict):
    parts = members(saved)
    description = json.loads(parts["piximi_widgets.json"]) | change
    parts["piximi_widgets.json"] = json.dumps(description).encode()
    with pytest.raises(ArtifactError):
        Classifier.load(packed(tmp_path / "y.keras", parts))


def test_a_record_of_an_older_version_loads(saved: bytes, tmp_path: Path):
    """Preprocessing without plane, channels and framing, settings without the newer ones."""
    parts = members(saved)
    description = json.loads(parts["piximi_widgets.json"])
    description["preprocessing"] = {"input_shape": [16, 16, 1], "mean": [0.0], "scale": [1.0]}
    description["config"] = {"architecture": "simple-cnn", "epochs": 3, "optimizer": "adam"}
    parts["piximi_widgets.json"] = json.dumps(description).encode()
    old = Classifier.load(packed(tmp_path / "y.keras", parts))
    (tmp_path / "x.keras").write_bytes(saved)
    new = Classifier.load(tmp_path / "x.keras")
    assert old.config.epochs == 3
    np.testing.assert_array_equal(old.predict(PIXELS), new.predict(PIXELS))


def test_a_network_with_layers_of_its_own_is_not_written(tmp_path: Path):
    import keras

    class Doubled(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    image = keras.Input((16, 16, 1))
    x = keras.layers.GlobalAveragePooling2D()(Doubled(name="mine")(image))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    classifier = Classifier(model, ["a", "b"], Preprocessing((16, 16, 1), (0.0,), (1.0,)), TrainingConfig())
    with pytest.raises(ArtifactError, match="the Doubled 'mine', which is not one of Keras' own"):
        classifier.save(tmp_path / "x.keras")
    assert list(tmp_path.iterdir()) == []


def test_the_network_of_an_architecture_that_nobody_registered_loads(tmp_path: Path):
    """Its layers are Keras' own; the source that made it is neither in the file nor needed."""
    import keras

    image = keras.Input((16, 16, 1))
    x = keras.ops.relu(keras.layers.Conv2D(4, 3)(image) * 0.5)
    x = keras.layers.Dense(8, activation="gelu")(keras.layers.Flatten()(x))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    classifier = Classifier(model, ["a", "b"], Preprocessing((16, 16, 1), (0.0,), (1.0,)), TrainingConfig())
    path = classifier.save(tmp_path / "x.keras")
    parts = members(path.read_bytes())
    description = json.loads(parts["piximi_widgets.json"])
    description["config"]["architecture"] = "somebodys"
    parts["piximi_widgets.json"] = json.dumps(description).encode()
    loaded = Classifier.load(packed(path, parts))
    assert loaded.config.architecture == "somebodys"
    np.testing.assert_array_equal(loaded.predict(PIXELS), classifier.predict(PIXELS))


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
