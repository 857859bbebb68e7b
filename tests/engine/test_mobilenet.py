"""mobilenet is Keras' MobileNet v1 0.25 with a base that does not move."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.engine.architectures import base_weights, build, summarize
from piximi_widgets.engine.architectures.base_weights import base_weights_file, file_digest
from piximi_widgets.engine.architectures.frozen import split
from piximi_widgets.engine.architectures.logits import Logits
from piximi_widgets.engine.architectures.mobilenet import fine_tune
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.errors import ConfigurationError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

COLOUR = (40, 33, 3)


@pytest.fixture(scope="module")
def theirs(tensorflow):
    """Keras' own network with weights and moments that are nowhere 0 or 1."""
    import keras

    model = keras.applications.MobileNet(COLOUR, alpha=0.25, include_top=False, weights=None, pooling="avg")
    generator = np.random.default_rng(0)

    def drawn(variable) -> np.ndarray:
        if "variance" in variable.path or "gamma" in variable.path:
            return generator.uniform(0.5, 1.5, variable.shape)
        # Kernels keep the size of what goes through them, so that a rounding error stays one.
        inputs = 9 if "conv_dw" in variable.path else np.prod(variable.shape[:-1])
        return generator.normal(0, np.sqrt(1.5 / inputs) if len(variable.shape) == 4 else 0.1, variable.shape)

    model.set_weights([drawn(variable) for variable in model.weights])
    return model


@pytest.fixture(scope="module")
def weights(theirs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "base.weights.h5"
    theirs.save_weights(path)
    return path


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)


def features(model, x: np.ndarray) -> np.ndarray:
    base, _ = split(model)
    return base(x).numpy()


def frozen_values(model) -> list[np.ndarray]:
    return [
        variable.numpy().copy() for variable in model.non_trainable_variables if "seed" not in variable.path
    ]


def train_a_step(model, x: np.ndarray) -> None:
    import keras

    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.train_on_batch(x, np.arange(len(x)) % model.output_shape[-1])


# The network ------------------------------------------------------------------------------------------------


def test_its_parameters_are_the_published_ones_and_a_small_head():
    model = build("mobilenet", (32, 32, 3), 5, seed=0)
    # 218,544 is Keras' number for alpha 0.25 without its top; 256 features and a bias make each of the 5 classes.
    assert {row["layer"]: row["parameters"] for row in summarize(model) if row["parameters"]} == {
        "base": 218_544,
        "classes": 5 * 257,
    }
    assert model.count_params() == 218_544 + 5 * 257
    assert [row["layer"] for row in summarize(model) if row["trainable"]] == ["classes"]


def test_its_features_are_those_of_keras(theirs, weights):
    model = build("mobilenet", COLOUR, 4, seed=0, weights=weights)
    x = pixels(3, *COLOUR)
    expected = theirs(x, training=False).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(features(model, x), expected, rtol=1e-5, atol=1e-6)


def test_one_channel_sees_what_a_gray_colour_image_would(theirs, weights):
    model = build("mobilenet", (40, 33, 1), 4, seed=0, weights=weights)
    gray = pixels(3, 40, 33, 1)
    expected = theirs(np.repeat(gray, 3, axis=3), training=False).numpy()
    np.testing.assert_allclose(features(model, gray), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 5])
def test_other_counts_go_through_the_base_one_by_one(theirs, weights, channels):
    model = build("mobilenet", (40, 33, channels), 4, seed=0, weights=weights)
    x = pixels(2, 40, 33, channels)
    each = [theirs(np.repeat(x[..., c : c + 1], 3, axis=3), training=False).numpy() for c in range(channels)]
    np.testing.assert_allclose(features(model, x), np.concatenate(each, axis=1), rtol=1e-3, atol=1e-5)
    row = next(row for row in summarize(model) if row["layer"] == "base")
    assert f"each of {channels} channels by itself" in row["kind"]
    assert row["output shape"] == str(256 * channels)
    assert sum(row["parameters"] for row in summarize(model)) == model.count_params()


def test_random_weights_follow_the_seed():
    kernels = [
        build(
            "mobilenet",
            (32, 32, 3),
            2,
            seed,
            config=TrainingConfig(architecture="mobilenet", base_weights="none"),
        )
        for seed in (1, 1, 2)
    ]
    first, same, different = ([v.numpy() for v in model.weights if len(v.shape) == 4] for model in kernels)
    assert len(first) == 1 + 13 * 2 + 1
    for kernel, again, other in zip(first, same, different, strict=True):
        np.testing.assert_array_equal(kernel, again)
        assert not np.array_equal(kernel, other)


def test_images_below_32_are_refused():
    assert build("mobilenet", (32, 50, 1), 2, seed=0).output_shape == (None, 2)
    with pytest.raises(ConfigurationError, match="at least 32×32; got 31×40"):
        build("mobilenet", (31, 40, 1), 2, seed=0)


# Frozen and fine-tuned --------------------------------------------------------------------------------------


def test_the_parts_give_what_the_whole_gives(weights):
    model = build("mobilenet", (40, 33, 2), 4, seed=0, weights=weights)
    base, head = split(model)
    x = pixels(3, 40, 33, 2)
    np.testing.assert_allclose(head(base(x)).numpy(), model(x).numpy(), rtol=1e-5)
    np.testing.assert_array_equal(base(x, training=True).numpy(), base(x, training=False).numpy())
    assert [variable.path for variable in head.trainable_variables] == ["classes/kernel", "classes/bias"]
    assert all(
        ours is theirs
        for ours, theirs in zip(head.trainable_variables, model.trainable_variables, strict=True)
    )


def test_other_networks_have_no_frozen_base():
    assert split(build("simple-cnn", (20, 20, 1), 3, seed=0)) is None


def test_a_step_of_training_moves_the_head_alone(weights):
    model = build("mobilenet", COLOUR, 3, seed=0, weights=weights)
    before, head = frozen_values(model), model.get_layer("classes").get_weights()
    train_a_step(model, pixels(6, *COLOUR))
    for old, new in zip(before, frozen_values(model), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(head[0], model.get_layer("classes").get_weights()[0])


@pytest.mark.parametrize("channels", [1, 2])
def test_fine_tuning_moves_the_convolutions_of_the_last_blocks_and_no_normalisation(weights, channels):
    model = build("mobilenet", (40, 33, channels), 3, seed=0, weights=weights)
    fine_tune(model, 2)
    assert {variable.path.split("/")[-2] for variable in model.trainable_variables} == {
        *("conv_dw_12", "conv_pw_12", "conv_dw_13", "conv_pw_13", "classes")
    }
    assert split(model) is None
    before = frozen_values(model)
    tuned = [variable.numpy().copy() for variable in model.trainable_variables]
    train_a_step(model, pixels(6, 40, 33, channels))
    for old, new in zip(before, frozen_values(model), strict=True):
        np.testing.assert_array_equal(old, new)
    for old, variable in zip(tuned, model.trainable_variables, strict=True):
        assert not np.array_equal(old, variable.numpy()), variable.path
    fine_tune(model, 0)
    assert len(model.trainable_variables) == 2
    assert split(model) is not None


def test_fine_tuning_refuses_what_it_cannot_do(weights):
    with pytest.raises(ConfigurationError, match="Only mobilenet"):
        fine_tune(build("simple-cnn", (20, 20, 1), 3, seed=0), 1)
    model = build("mobilenet", COLOUR, 3, seed=0, weights=weights)
    for blocks in (-1, 14):
        with pytest.raises(ConfigurationError, match="from 0 to 13"):
            fine_tune(model, blocks)


def test_it_is_the_same_after_saving_and_loading(weights, tmp_path: Path):
    import keras

    model = build("mobilenet", (40, 33, 2), 4, seed=0, weights=weights)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    x = pixels(2, 40, 33, 2)
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    assert [v.path for v in again.trainable_variables] == ["classes/kernel", "classes/bias"]
    assert split(again) is not None
    assert Logits(again).exact


# Where the weights come from --------------------------------------------------------------------------------


@pytest.fixture
def keras_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models" / base_weights.FILE_NAME


def mobilenet_config(source: str) -> TrainingConfig:
    return TrainingConfig(architecture="mobilenet", base_weights=source)


def answering(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> list[str]:
    asked: list[str] = []

    def open_(address: str, timeout: float) -> io.BytesIO:
        asked.append(address)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", open_)
    return asked


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_keras_files_of_the_base_are_read(theirs, tmp_path: Path, suffix: str):
    path = tmp_path / f"base{suffix}"
    theirs.save_weights(path) if suffix == ".weights.h5" else theirs.save(path)
    assert base_weights_file(mobilenet_config(str(path))) == path
    model = build("mobilenet", COLOUR, 2, 0, config=mobilenet_config(str(path)))
    x = pixels(1, *COLOUR)
    np.testing.assert_allclose(features(model, x), theirs(x, training=False).numpy(), rtol=1e-5, atol=1e-6)


def test_no_weights_and_other_networks_need_no_file():
    assert base_weights_file(mobilenet_config("none")) is None
    assert base_weights_file(TrainingConfig(architecture="simple-cnn")) is None


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="There is no file"):
        base_weights_file(mobilenet_config(str(tmp_path / "nowhere.h5")))
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="no Keras weights file"):
        base_weights_file(mobilenet_config(str(tmp_path / "weights.bin")))


def test_a_file_that_does_not_fit_is_said(tmp_path: Path):
    other = build("simple-cnn", (20, 20, 1), 3, seed=0)
    other.save(tmp_path / "other.keras")
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "text.h5").write_text("no weights")
    for path in (tmp_path / "other.keras", tmp_path / "other.weights.h5", tmp_path / "text.h5"):
        with pytest.raises(ConfigurationError, match="does not hold the weights of MobileNet"):
            build("mobilenet", COLOUR, 2, 0, weights=path)


def test_weights_that_are_no_numbers_are_said(theirs, tmp_path: Path):
    values = theirs.get_weights()
    try:
        theirs.set_weights([values[0] * np.nan, *values[1:]])
        theirs.save_weights(tmp_path / "nan.weights.h5")
    finally:
        theirs.set_weights(values)
    with pytest.raises(ConfigurationError, match="no finite numbers"):
        build("mobilenet", COLOUR, 2, 0, weights=tmp_path / "nan.weights.h5")


def test_imagenet_weights_are_announced_fetched_once_and_checked(monkeypatch, keras_home: Path):
    content = b"\x89HDF\r\n\x1a\n" + b"weights"
    asked, said = answering(monkeypatch, content), []
    for _ in range(2):
        assert base_weights_file(mobilenet_config("imagenet"), said.append) == keras_home
    assert keras_home.read_bytes() == content
    assert file_digest(keras_home) == hashlib.sha256(content).hexdigest()
    assert asked == [
        "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_2_5_224_tf_no_top.h5"
    ]
    assert len(said) == 1
    assert asked[0] in said[0]
    keras_home.write_bytes(content + b"!")
    with pytest.raises(ConfigurationError, match="SHA-256 has changed"):
        base_weights_file(mobilenet_config("imagenet"))


def test_a_file_that_keras_fetched_is_taken(monkeypatch, keras_home: Path):
    asked = answering(monkeypatch, OSError("no network"))
    keras_home.parent.mkdir(parents=True)
    keras_home.write_bytes(b"\x89HDF\r\n\x1a\nkeras")
    assert base_weights_file(mobilenet_config("imagenet")) == keras_home
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (urllib.error.URLError("no route to host"), "no route to host.*give the file's path.*'none'"),
        (TimeoutError("timed out"), "timed out"),
        (b"<html>Sign in</html>", "something else than a weights file"),
    ],
)
def test_a_download_that_fails_says_what_to_do_and_leaves_nothing(
    monkeypatch, keras_home: Path, answer, said
):
    answering(monkeypatch, answer)
    with pytest.raises(ConfigurationError, match=said):
        base_weights_file(mobilenet_config("imagenet"))
    assert not keras_home.exists()
