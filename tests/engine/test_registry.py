"""Architectures of users: the source travels, is tried before a run, and runs only for those who trust it."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.engine import architectures
from piximi_widgets.engine.architectures import registry, trust
from piximi_widgets.engine.architectures.building import build_registered
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.errors import ConfigurationError

with_tensorflow = pytest.mark.usefixtures("tensorflow")

WIDTH = 4
SHAPE = (12, 10, 2)


@pytest.fixture(autouse=True)
def _own_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXIMI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(registry, "_registered", {})


def linear(input_shape, classes):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def source_with(*lines: str, before: str = "", arguments: str = "input_shape, classes") -> str:
    body = "".join(f"    {line}\n" for line in ("import keras", "from keras import layers", *lines))
    return f"{before}def build({arguments}):\n{body}"


def record_of(source: str, name: str = "theirs") -> dict[str, str]:
    return {"name": name, "source": source, "sha256": hashlib.sha256(source.encode()).hexdigest()}


# Registering ------------------------------------------------------------------------------------------------


def test_a_registered_name_can_be_chosen_like_ours():
    pw.register_architecture("linear", linear)
    assert architectures.names() == ("simple-cnn", "small-resnet", "mobilenet", "linear")
    assert TrainingConfig(architecture="linear").architecture == "linear"
    assert architectures.minimum_size("linear") == 1


def test_the_source_is_kept_with_its_sha256():
    found = pw.register_architecture("linear", linear)
    assert found == registry.registered("linear")
    assert found.source.startswith("def linear(input_shape, classes):\n    import keras\n")
    assert found.digest == hashlib.sha256(found.source.encode()).hexdigest()


def test_a_function_within_a_function_is_dedented():
    def inner(input_shape, classes, width=3):
        return [input_shape, classes, width]

    assert registry.register_architecture("inner", inner).source.splitlines()[0] == (
        "def inner(input_shape, classes, width=3):"
    )


def test_registering_a_name_again_replaces_its_function():
    first = pw.register_architecture("mine", linear)

    def other(input_shape, classes):
        return None

    second = pw.register_architecture("mine", other)
    assert registry.registered("mine") == second != first
    assert registry.registered_names() == ("mine",)


@pytest.mark.parametrize(
    "name", ["", "Linear", "my net", "-a", "a-", "a--b", "1a", "a/b", "ä", "a\n", "a" * 65, None, 3]
)
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(ConfigurationError, match="lower-case"):
        registry.register_architecture(name, linear)


@pytest.mark.parametrize("name", ["simple-cnn", "small-resnet", "mobilenet"])
def test_our_names_stay_ours(name):
    with pytest.raises(ConfigurationError, match="choose another name"):
        registry.register_architecture(name, linear)


def test_an_unknown_name_is_refused_with_the_known_ones():
    pw.register_architecture("linear", linear)
    for ask in (registry.registered, architectures.minimum_size):
        with pytest.raises(ConfigurationError, match=r"'nothing'.*linear"):
            ask("nothing")


def uses_a_global(input_shape, classes):
    return [WIDTH, np.zeros(3), sorted(input_shape)]


def uses_a_global_deep_inside(input_shape, classes):
    class Layer:
        size = 2

        def call(self):
            return [WIDTH * value for value in range(self.size)]

    return Layer


def has_a_default_from_outside(input_shape, classes, width=WIDTH):
    return width


def sets_a_global(input_shape, classes):
    global counter
    counter = 1


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (uses_a_global, "WIDTH, np from outside"),
        (uses_a_global_deep_inside, "WIDTH from outside"),
        (has_a_default_from_outside, "WIDTH from outside"),
        (sets_a_global, "counter from outside"),
    ],
)
def test_names_from_outside_are_named(build, named):
    with pytest.raises(ConfigurationError, match=named):
        pw.register_architecture("mine", build)


def test_variables_of_the_function_around_are_named():
    width = 3

    def build(input_shape, classes):
        return width

    with pytest.raises(ConfigurationError, match="width from the function around it"):
        pw.register_architecture("mine", build)


def test_annotations_may_use_names_of_their_file():
    def build(input_shape: tuple[int, ...], classes: int) -> pw.Nothing:
        size: Unknown = 3  # noqa: F821
        return [size for _ in input_shape]

    assert pw.register_architecture("mine", build)


class Callable:
    def __call__(self, input_shape, classes):
        return None

    def method(self, input_shape, classes):
        return None


@pytest.mark.parametrize(
    "build",
    [lambda input_shape, classes: None, partial(linear), Callable(), Callable().method, print, "build", None],
)
def test_what_is_no_plain_function_is_refused(build):
    with pytest.raises(ConfigurationError, match="written with def"):
        pw.register_architecture("mine", build)


def test_a_function_without_source_is_refused():
    namespace: dict = {}
    exec("def build(input_shape, classes):\n    return None", namespace)
    with pytest.raises(ConfigurationError, match="no source for 'build'"):
        pw.register_architecture("mine", namespace["build"])


def needs_more(input_shape, classes, width):
    return None


def takes_one(input_shape):
    return None


def needs_a_keyword(input_shape, classes, *, width):
    return None


@pytest.mark.parametrize("build", [needs_more, takes_one, needs_a_keyword])
def test_other_arguments_are_refused(build):
    with pytest.raises(ConfigurationError, match=r"\(input_shape, classes\), but takes"):
        pw.register_architecture("mine", build)


def test_a_function_that_is_too_long_is_refused():
    with pytest.raises(ConfigurationError, match="at most 65536"):
        registry.from_record(record_of(source_with("x = '" + "a" * 70_000 + "'")))


# Records and trust ------------------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was():
    found = pw.register_architecture("linear", linear)
    assert registry.from_record(found.to_record()) == found


def test_a_changed_record_is_refused():
    record = pw.register_architecture("linear", linear).to_record()
    with pytest.raises(ConfigurationError, match="was changed"):
        registry.from_record({**record, "source": record["source"].replace("0.5", "0.4")})


@pytest.mark.parametrize("missing", ["name", "source", "sha256"])
def test_an_incomplete_record_is_refused(missing):
    record = {**record_of(source_with("return None")), missing: None}
    with pytest.raises(ConfigurationError, match="incomplete"):
        registry.from_record(record)


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.abort()\ndef build(input_shape, classes):\n    return None\n",
        "def build(input_shape, classes):\n    return None\nbuild(1, 2)\n",
        "async def build(input_shape, classes):\n    return None\n",
        "class build:\n    pass\n",
        "@(__import__('os').abort())\ndef build(input_shape, classes, x=unknown):\n    return None\n",
        "def build(input_shape, classes",
        "def build(input_shape, classes):\n    return '\0'\n",
        "x = " + "(" * 5000 + ")" * 5000,
        "",
    ],
)
def test_a_hostile_record_is_refused_before_anything_of_it_runs(source):
    with pytest.raises(ConfigurationError):
        registry.from_record(record_of(source))


def test_own_architectures_are_trusted_and_others_are_not():
    assert trust.is_trusted(pw.register_architecture("linear", linear).digest)
    assert not trust.is_trusted(registry.from_record(record_of(source_with("return None"))).digest)


def test_trust_is_given_by_sha256_or_by_the_experiment_that_holds_the_source():
    class Experiment:
        def __init__(self, record):
            self.architecture_record = record

    first, second = record_of(source_with("return 1")), record_of(source_with("return 2"))
    pw.trust_architecture(first["sha256"])
    pw.trust_architecture(Experiment(second))
    assert trust.is_trusted(first["sha256"])
    assert trust.is_trusted(second["sha256"])
    with pytest.raises(ConfigurationError, match="no architecture of its own"):
        pw.trust_architecture(Experiment(None))


def test_the_list_of_trust_is_the_users_and_holds_each_digest_once():
    digest = "a" * 64
    for _ in range(3):
        trust.trust(digest)
    assert trust.trust_list().read_text() == f"{digest}\n"
    if os.name == "posix":
        assert stat.S_IMODE(trust.trust_list().stat().st_mode) == 0o600


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", "../" * 20])
def test_only_a_sha256_can_be_trusted(digest):
    with pytest.raises(ConfigurationError, match="SHA-256"):
        trust.trust(digest)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is the platform's")
def test_the_list_lies_in_the_folder_for_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("PIXIMI_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert trust.trust_list() == tmp_path / "piximi-widgets" / "trusted-architectures"


def test_a_list_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PIXIMI_CONFIG", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        pw.register_architecture("linear", linear)
    assert registry.registered_names() == ()


# Building ---------------------------------------------------------------------------------------------------


@pytest.mark.training
@with_tensorflow
def test_source_of_somebody_else_does_not_run_without_trust(tmp_path: Path):
    witness = tmp_path / "ran"
    source = source_with(f"open({str(witness)!r}, 'w').close()", "return None")
    theirs = registry.from_record(record_of(source))
    registry.adopt(theirs)
    with pytest.raises(ConfigurationError, match=rf"pw\.trust_architecture\('{theirs.digest}'\)"):
        architectures.build("theirs", SHAPE, 3, 0)
    assert not witness.exists()
    pw.trust_architecture(theirs.digest)
    with pytest.raises(ConfigurationError, match="must return a keras.Model; got NoneType"):
        architectures.build("theirs", SHAPE, 3, 0)
    assert witness.exists()


@pytest.mark.training
@with_tensorflow
def test_it_is_built_the_same_from_the_same_seed():
    pw.register_architecture("linear", linear)
    weights = [architectures.build("linear", SHAPE, 3, seed).get_weights() for seed in (1, 1, 2)]
    np.testing.assert_array_equal(weights[0][0], weights[1][0])
    assert not np.array_equal(weights[0][0], weights[2][0])


@pytest.mark.training
@with_tensorflow
def test_building_leaves_the_generators_of_python_and_numpy_alone():
    pw.register_architecture("linear", linear)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    architectures.build("linear", SHAPE, 3, 0)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


FLAT = "x = layers.Flatten()(image)"
IMAGE = "image = keras.Input(input_shape)"
CLASSES = "layers.Dense(classes, activation='softmax')"
BAD = {
    "failed in line 4": ("raise RuntimeError('no way')", "return None"),
    "RuntimeError: no way": ("raise RuntimeError('no way')", "return None"),
    "got list": ("return [1]",),
    "expected one input": (
        "image = keras.Input((5, 5, 1))",
        FLAT,
        f"return keras.Model(image, {CLASSES}(x))",
    ),
    "takes .* expected one input of any": (
        IMAGE,
        "other = keras.Input((3,))",
        FLAT,
        "x = layers.Concatenate()([x, other])",
        f"return keras.Model([image, other], {CLASSES}(x))",
    ),
    r"returns \(None, 7\); expected \(None, 3\)": (
        IMAGE,
        FLAT,
        "return keras.Model(image, layers.Dense(7, activation='softmax')(x))",
    ),
    r"returns \(None, 12, 10, 3\)": (IMAGE, f"return keras.Model(image, {CLASSES}(image))"),
    "does not end in probabilities": (IMAGE, FLAT, "return keras.Model(image, layers.Dense(classes)(x))"),
    "add up to": (
        IMAGE,
        FLAT,
        "return keras.Model(image, layers.Dense(classes, activation='sigmoid')(x))",
    ),
    "no finite numbers": (
        IMAGE,
        FLAT,
        f"return keras.Model(image, {CLASSES}(keras.ops.log(x)))",
    ),
    "a function of its own as activation": (
        "def gelu(x):",
        "    return x * 2.0",
        IMAGE,
        "x = layers.Conv2D(2, 3, activation=gelu)(image)",
        "x = layers.GlobalAveragePooling2D()(x)",
        f"return keras.Model(image, {CLASSES}(x))",
    ),
    "kind Lambda": (
        IMAGE,
        FLAT,
        "x = layers.Lambda(lambda y: y * 2)(x)",
        f"return keras.Model(image, {CLASSES}(x))",
    ),
    "kind Mine": (
        "class Mine(layers.Layer):",
        "    def call(self, x):",
        "        return x",
        IMAGE,
        FLAT,
        f"return keras.Model(image, {CLASSES}(Mine()(x)))",
    ),
    "class of its own, Net": (
        "class Net(keras.Model):",
        "    pass",
        "return Net()",
    ),
    "does not say which input": (f"return keras.Sequential([layers.Flatten(), {CLASSES}])",),
    "could not be opened again: it has a function": (
        "def shrink(weights):",
        "    return 1e-4 * keras.ops.sum(weights**2)",
        IMAGE,
        FLAT,
        "last = layers.Dense(classes, activation='softmax', kernel_regularizer=shrink)",
        "return keras.Model(image, last(x))",
    ),
    "opened again: it has": (
        "def start(shape, dtype=None):",
        "    return keras.ops.zeros(shape, dtype)",
        IMAGE,
        FLAT,
        "last = layers.Dense(classes, activation='softmax', kernel_initializer=start)",
        "return keras.Model(image, last(x))",
    ),
    "a layer larger than its weights": (
        IMAGE,
        "x = layers.GlobalAveragePooling2D()(image)",
        "x = layers.CategoryEncoding(70_000)(x)",
        "x = layers.Reshape((70_000, 1))(x)",
        "x = layers.GlobalAveragePooling1D()(x)",
        f"return keras.Model(image, {CLASSES}(x))",
    ),
    "nothing to train": (
        IMAGE,
        FLAT,
        f"model = keras.Model(image, {CLASSES}(x))",
        "model.trainable = False",
        "return model",
    ),
}


@pytest.mark.training
@with_tensorflow
@pytest.mark.parametrize("said", list(BAD))
def test_a_network_that_cannot_be_trained_is_refused_in_plain_words(said):
    theirs = registry.from_record(record_of(source_with(*BAD[said])))
    pw.trust_architecture(theirs.digest)
    with pytest.raises(ConfigurationError, match=said):
        build_registered(theirs, SHAPE, 3, 0)


@pytest.mark.training
@with_tensorflow
def test_values_of_pixels_are_no_sizes_of_layers(tmp_path: Path):
    """Microscopes count from far more than 65,536."""
    from piximi_widgets.engine.classifier_file import read_classifier, write_classifier

    scaled = "x = layers.Rescaling(70_000, offset=-70_000)(image)"
    source = source_with(IMAGE, scaled, "x = layers.Flatten()(x)", f"return keras.Model(image, {CLASSES}(x))")
    theirs = registry.from_record(record_of(source))
    pw.trust_architecture(theirs.digest)
    model = build_registered(theirs, SHAPE, 3, 0)
    write_classifier(tmp_path / "a.keras", model, {})
    again, _ = read_classifier(tmp_path / "a.keras")
    pixels = np.random.default_rng(0).random((2, *SHAPE), dtype=np.float32)
    assert np.array_equal(model(pixels), again(pixels))


@pytest.mark.training
@with_tensorflow
def test_a_functional_network_with_its_own_helpers_can_be_trained():
    source = source_with(
        "def block(x, filters):",
        "    y = layers.Conv2D(filters, 3, padding='same', activation='relu')(x)",
        "    return layers.Concatenate()([x, layers.BatchNormalization()(y)])",
        IMAGE,
        "x = block(block(image, 2), 3)",
        "x = layers.GlobalAveragePooling2D()(x)",
        f"return keras.Model(image, {CLASSES}(x))",
    )
    theirs = registry.from_record(record_of(source))
    pw.trust_architecture(theirs.digest)
    model = build_registered(theirs, SHAPE, 3, 0)
    assert model.output_shape == (None, 3)
    assert sum(row["parameters"] for row in architectures.summarize(model)) == model.count_params()
