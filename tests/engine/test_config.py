"""Settings are validated wherever they come from, and say in plain words what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from piximi_widgets.engine.config import (
    AUGMENTATION_DETAILS,
    AUGMENTATION_PRESETS,
    GROUPS,
    SCHEMA_VERSION,
    TrainingConfig,
    field_details,
    plays_a_part,
)
from piximi_widgets.errors import ConfigurationError


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", -0.1),
        ("learning_rate", 0),
        ("learning_rate", "fast"),
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 0),
        ("training_fraction", 1.0),
        ("momentum", 1.0),
        ("shift", 0.6),
        ("seed", -1),
        ("optimizer", "adamm"),
        ("architecture", "resnet"),
        ("normalization", None),
        ("input_shape", (32, 32)),
        ("input_shape", (0, 32, 1)),
        ("input_shape", "large"),
        ("channels", ()),
        ("channels", (0, 0)),
        ("channels", (0, -1)),
        ("channels", (0, 1.5)),
        ("channels", (0, True)),
        ("channels", "DAPI"),
        ("channels", True),
        ("channels", {0: 1}),
        ("channels", None),
        ("plane", -1),
        ("plane", 0.5),
        ("plane", True),
        ("plane", "top"),
        ("plane", None),
        ("input_shape", (32, 32, "many")),
        ("base_weights", ""),
        ("fine_tuned_blocks", 14),
        ("crop", "middle"),
        ("crops", 0),
        ("resize", "lanczos"),
        ("rotation", 181),
        ("zoom", -0.1),
        ("noise", float("nan")),
        ("horizontal_flip", 2),
        ("augmentation", "medical"),
        ("class_weights", True),
        ("schedule", "linear"),
        ("schedule_factor", 1.0),
        ("early_stopping", -1),
        ("gradient_clipping", -0.5),
        ("weight_decay", 2),
        ("loss", "cross-entropy"),
        ("label_smoothing", 0.6),
        ("precision", "float16"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(field: str, value: object):
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(**{field: value})
    assert list(caught.value.problems) == [field]
    sentence = caught.value.problems[field]
    assert sentence.startswith(field_details(field)["label"])
    assert repr(value)[:20] in sentence
    assert "Input should" not in sentence, "pydantic's own words reach the user"


def test_every_bad_value_is_reported_at_once():
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(epochs=-1, learning_rate=float("nan"), batch_size="x")
    assert set(caught.value.problems) == {"epochs", "learning_rate", "batch_size"}


def test_an_unknown_setting_gets_a_suggestion():
    with pytest.raises(ConfigurationError, match="Did you mean epochs"):
        TrainingConfig(epoch=3)


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError):
        TrainingConfig().epochs = 3


def test_model_copy_validates():
    config = TrainingConfig()
    assert config.model_copy(update={"epochs": 3}).epochs == 3
    with pytest.raises(ConfigurationError):
        config.model_copy(update={"epochs": 0})
    with pytest.raises(ConfigurationError):
        config.model_copy(update={"epoch": 1})


def test_model_validate_raises_our_own_error():
    with pytest.raises(ConfigurationError):
        TrainingConfig.model_validate({"epochs": 0})


@given(
    learning_rate=st.floats(1e-8, 10, exclude_min=True),
    epochs=st.integers(1, 10_000),
    shape=st.one_of(
        st.just("auto"), st.tuples(st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 64))
    ),
    optimizer=st.sampled_from(["adam", "sgd"]),
    channels=st.one_of(
        st.just("all"), st.lists(st.integers(0, 1023), min_size=1, max_size=64, unique=True).map(tuple)
    ),
    plane=st.one_of(st.sampled_from(["middle", "max"]), st.integers(0, 65535)),
)
def test_json_brings_back_the_same_config(learning_rate, epochs, shape, optimizer, channels, plane):
    config = TrainingConfig(
        learning_rate=learning_rate,
        epochs=epochs,
        input_shape=shape,
        optimizer=optimizer,
        channels=channels,
        plane=plane,
    )
    assert (config.channels, config.plane) == (channels, plane)
    assert TrainingConfig.from_json(config.to_json()) == config
    assert TrainingConfig.from_json(json.dumps(config.to_json())) == config


def test_channels_and_planes_may_be_any_whole_numbers():
    """NumPy's numbers, lists and ranges mean what Python's do, and one channel needs no brackets; order counts."""
    assert TrainingConfig(channels=2).channels == (2,)
    assert TrainingConfig(channels=[3, np.int64(1)]).channels == (3, 1)
    assert TrainingConfig(channels=range(3)).channels == (0, 1, 2)
    assert TrainingConfig(channels=np.array([1, 0])).channels == (1, 0)
    assert TrainingConfig(plane=np.uint8(4)).plane == 4


def test_settings_from_before_there_were_channels_and_planes_mean_all_and_the_first():
    old = TrainingConfig(epochs=7).to_json()
    del old["channels"], old["plane"]
    config = TrainingConfig.from_json(old)
    assert (config.channels, config.plane, config.epochs) == ("all", 0, 7)


def test_json_of_a_newer_version_is_refused():
    newer = TrainingConfig().to_json() | {"schema_version": SCHEMA_VERSION + 1}
    with pytest.raises(ConfigurationError, match="Update the package"):
        TrainingConfig.from_json(newer)


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_what_is_no_settings_is_refused(text: str):
    with pytest.raises(ConfigurationError):
        TrainingConfig.from_json(text)


def test_each_field_is_described_and_the_groups_come_in_order():
    groups = []
    for name, field in TrainingConfig.model_fields.items():
        details = field_details(name)
        assert field.description
        assert field.title
        assert details["expects"]
        groups.append(details["group"])
    assert groups == sorted(groups, key=GROUPS.index)
    assert set(groups) == set(GROUPS)


# -- augmentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", list(AUGMENTATION_PRESETS))
def test_a_preset_brings_its_details_and_they_bring_its_name(preset: str):
    config = TrainingConfig(augmentation=preset)
    assert {name: getattr(config, name) for name in AUGMENTATION_DETAILS} == AUGMENTATION_PRESETS[preset]
    assert TrainingConfig(**AUGMENTATION_PRESETS[preset]) == config


def test_mobilenet_sees_images_as_they_are_unless_something_else_is_wished():
    """Its frozen base is then computed once, and not in every epoch."""
    config = TrainingConfig(architecture="mobilenet")
    assert {name: getattr(config, name) for name in AUGMENTATION_DETAILS} == AUGMENTATION_PRESETS["none"]
    assert config.augmentation == "none"
    assert TrainingConfig.from_json(json.dumps(config.to_json())) == config
    assert TrainingConfig(architecture="mobilenet", augmentation="gentle").shift == 0.1
    assert TrainingConfig(architecture="small-resnet").augmentation == "gentle"
    flipped = TrainingConfig(architecture="mobilenet", horizontal_flip=True)
    assert (flipped.augmentation, flipped.horizontal_flip, flipped.shift) == ("custom", True, 0.0)
    gentle = TrainingConfig().model_copy(update={"architecture": "mobilenet"})
    assert gentle.augmentation == "gentle", "a copy changes what it was told to, and no more"


def test_presets_differ():
    presets = list(AUGMENTATION_PRESETS.values())
    assert all(presets.count(preset) == 1 for preset in presets)


def test_a_detail_wins_over_the_preset():
    config = TrainingConfig(augmentation="microscopy", rotation=5)
    assert (config.rotation, config.quarter_turns, config.augmentation) == (5.0, True, "custom")
    assert TrainingConfig(shift=0).augmentation == "none", "the default is shifted, and nothing else"


def test_custom_is_what_its_details_are():
    assert TrainingConfig(augmentation="custom") == TrainingConfig()
    assert TrainingConfig(augmentation="custom", noise=0.2).augmentation == "custom"


def test_a_copy_with_another_preset_brings_all_of_it():
    config = TrainingConfig(augmentation="microscopy", noise=0.3)
    assert config.model_copy(update={"augmentation": "none"}) == TrainingConfig(augmentation="none")
    with_noise = config.model_copy(update={"augmentation": "natural", "noise": 0.1})
    assert with_noise == TrainingConfig(augmentation="natural", noise=0.1)
    assert with_noise.augmentation == "custom"


def test_a_copy_with_another_detail_keeps_the_rest():
    config = TrainingConfig(augmentation="microscopy", epochs=3)
    copy = config.model_copy(update={"vertical_flip": False})
    assert (copy.augmentation, copy.horizontal_flip, copy.quarter_turns, copy.epochs) == (
        "custom",
        True,
        True,
        3,
    )
    assert copy.model_copy(update={"vertical_flip": True}) == config


def test_custom_augmentation_comes_back_from_json():
    config = TrainingConfig(augmentation="natural", cutout=0.25)
    assert TrainingConfig.from_json(config.to_json()) == config
    assert config.to_json()["augmentation"] == "custom"


# -- Piximi ---------------------------------------------------------------------------------------


def test_piximis_settings_are_those_that_were_written_down():
    """Defaults of Piximi 1.1.4, from its own form."""
    config = TrainingConfig.piximi()
    assert (config.architecture, config.input_shape) == ("simple-cnn", (20, 20, "auto"))
    assert (config.optimizer, config.learning_rate, config.loss) == ("adam", 0.01, "softmax-cross-entropy")
    assert (config.batch_size, config.epochs, config.training_fraction) == (32, 10, 0.75)
    assert (config.augmentation, config.normalization, config.schedule) == ("none", "bit-depth", "constant")


def test_piximis_settings_leave_only_what_is_always_done_otherwise():
    always = TrainingConfig.piximi().differences
    assert len(always) == 7
    assert any("softmax twice" in sentence for sentence in always)
    assert all(sentence.endswith(".") for sentence in always)


def test_each_other_setting_is_one_more_difference():
    piximi = TrainingConfig.piximi()
    more = piximi.model_copy(update={"epochs": 50, "weight_decay": 0.01})
    assert set(more.differences) - set(piximi.differences) == {
        "Epochs: 50; Piximi: 10.",
        "Weight decay: 0.01; Piximi: 0.0.",
    }


def test_differences_of_an_architecture_and_an_optimizer():
    config = TrainingConfig.piximi().model_copy(update={"architecture": "mobilenet", "optimizer": "momentum"})
    found = " ".join(config.differences)
    assert "-1 to 1" in found
    assert "only MobileNet's last layer is trained".lower() in found.lower()
    assert "plain gradient descent" in found
    assert "MobileNet" not in " ".join(TrainingConfig.piximi().differences)


# -- versions and architectures -------------------------------------------------------------------

VERSION_1 = {
    "schema_version": 1,
    "architecture": "simple-cnn",
    "input_shape": "auto",
    "channels": "all",
    "plane": 0,
    "normalization": "training-statistics",
    "shuffle": True,
    "shift": 0.1,
    "training_fraction": 0.75,
    "optimizer": "sgd",
    "momentum": 0.9,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "batch_size": 16,
    "epochs": 40,
    "loss": "softmax-cross-entropy",
    "seed": 0,
}


def test_until_version_2_sgd_had_momentum():
    config = TrainingConfig.from_json(VERSION_1)
    assert (config.optimizer, config.momentum, config.augmentation) == ("momentum", 0.9, "gentle")
    assert TrainingConfig.from_json(VERSION_1 | {"momentum": 0.0}).optimizer == "sgd"
    assert TrainingConfig.from_json(VERSION_1 | {"optimizer": "adam"}).optimizer == "adam"
    assert TrainingConfig.from_json(VERSION_1 | {"shift": 0.0}).augmentation == "none"


def test_version_2_is_taken_as_it_is():
    assert TrainingConfig.from_json(VERSION_1 | {"schema_version": 2}).optimizer == "sgd"
    assert TrainingConfig().to_json()["schema_version"] == SCHEMA_VERSION == 2


def test_a_recorded_architecture_needs_no_registration_until_it_is_used():
    config = TrainingConfig.from_json(TrainingConfig().to_json() | {"architecture": "theirs"})
    assert config.architecture == "theirs"
    assert config.model_copy(update={"epochs": 3}).architecture == "theirs"
    with pytest.raises(ConfigurationError):
        config.model_copy(update={"architecture": "theirs"})
    with pytest.raises(ConfigurationError):
        TrainingConfig(architecture="theirs")


# -- what plays a part ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "idle", "at_work"),
    [
        ("momentum", {"optimizer": "sgd"}, {"optimizer": "momentum"}),
        ("crops", {"crop": "none"}, {"crop": "match"}),
        ("resize", {"crop": "match"}, {"crop": "none"}),
        ("schedule_factor", {"schedule": "cosine"}, {"schedule": "step"}),
        ("base_weights", {"architecture": "small-resnet"}, {"architecture": "mobilenet"}),
    ],
)
def test_a_setting_plays_a_part_only_with_the_choice_it_belongs_to(name, idle, at_work):
    assert not plays_a_part(name, TrainingConfig(**idle))
    assert plays_a_part(name, TrainingConfig(**at_work))


def test_each_condition_names_a_setting_and_values_that_it_can_have():
    for name in TrainingConfig.model_fields:
        conditions = field_details(name)["only_with"]
        first = {other: values[0] for other, values in conditions.items()}
        for other, values in conditions.items():
            for value in values:
                assert plays_a_part(name, TrainingConfig(**first | {other: value})), (name, other, value)
