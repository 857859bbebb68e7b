"""Controls for settings that are a word or whole numbers."""

from __future__ import annotations

import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.errors import ConfigurationError
from piximi_widgets.widgets.training_form.making import make_field


def field(name):
    return make_field(name, TrainingConfig.model_fields[name])


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("channels", "all", "all"),
        ("channels", " ALL ", "all"),
        ("channels", "2", (2,)),
        ("channels", "0, 2", (0, 2)),
        ("channels", "(3,1 0)", (3, 1, 0)),
        ("plane", "7", 7),
        ("plane", "Max", "max"),
        ("plane", "middle", "middle"),
    ],
)
def test_what_is_typed_is_what_the_configuration_takes(name, typed, value):
    control = field(name)
    assert control.read() == TrainingConfig.model_fields[name].default
    control.controls[0].value = typed
    assert control.read() == value
    assert getattr(TrainingConfig(**{name: control.read()}), name) == value
    control.write(value)
    assert control.read() == value


@pytest.mark.parametrize("typed", ["", "DAPI", "0, 0", "-1", "1.5", "9" * 5000, "0;1"])
@pytest.mark.parametrize("name", ["channels", "plane"])
def test_what_makes_no_sense_is_refused_by_the_configuration(name, typed):
    control = field(name)
    control.controls[0].value = typed
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(**{name: control.read()})
    assert list(caught.value.problems) == [name]
