"""Settings are validated wherever they come from, and say in plain words what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from piximi_widgets.engine.config import GROUPS, SCHEMA_VERSION, TrainingConfig, field_details
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
