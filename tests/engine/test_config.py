"""Settings are validated wherever they come from, and say in plain words what is wrong."""

from __future__ import annotations

import json

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
)
def test_json_brings_back_the_same_config(learning_rate, epochs, shape, optimizer):
    config = TrainingConfig(
        learning_rate=learning_rate, epochs=epochs, input_shape=shape, optimizer=optimizer
    )
    assert TrainingConfig.from_json(config.to_json()) == config
    assert TrainingConfig.from_json(json.dumps(config.to_json())) == config


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
