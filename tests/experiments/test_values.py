"""Parameters keep their types; what cannot be kept is refused."""

from __future__ import annotations

import json
import math
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import LogError
from piximi_widgets.experiments.values import numbered_name, to_json, type_name

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50)
@given(_json)
def test_json_values_come_back_as_they_were(value):
    back = json.loads(to_json(value, "it"))
    assert back == value
    assert repr(back) == repr(value)  # 1, 1.0 and True are equal, and not the same


def test_parameters_keep_order_type_and_value(store, query):
    given_parameters = {
        "z": 1,
        "a": 1.0,
        "flag": True,
        "none": None,
        "nan": math.nan,
        "zero": 0.0,
        "minus zero": -0.0,
        "big": 10**30,
        "inf": -math.inf,
        "text": "ü\x00\n",
        "shape": [32, 32, 1],
        "nested": {"x": [{"y": 0.0}]},
    }
    experiment = store.create_experiment("p", parameters=given_parameters)
    assert repr(experiment.parameters) == repr(given_parameters)
    assert dict(query("SELECT name, type FROM parameter"))["a"] == "float"
    experiment.parameters = {"only": 2}
    assert experiment.parameters == {"only": 2}


def test_numpy_enumerations_and_tuples_become_plain():
    class Colour(StrEnum):
        RED = "red"

    value = {"i": np.int32(3), "f": np.float32(0.5), "a": np.arange(2), "t": (1, 2), "e": Colour.RED}
    assert (
        repr(json.loads(to_json(value, "it"))) == "{'i': 3, 'f': 0.5, 'a': [0, 1], 't': [1, 2], 'e': 'red'}"
    )
    assert type_name(json.loads(to_json(np.float64(2), "it"))) == "float"


def _endless() -> list:
    endless: list = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), {1: 2}, [b"x"], 1j, np.array([1j]), _endless(), [10**5000]]
)
def test_what_json_does_not_know_is_refused_by_name(store, value):
    with pytest.raises(LogError, match="'thing'"):
        store.create_experiment("p", parameters={"thing": value})
    assert len(store) == 0


@pytest.mark.parametrize("parameters", [[("a", 1)], {"": 1}, {"a": 1, " a": 2}, {3: 1}])
def test_parameters_need_names(store, parameters):
    with pytest.raises(LogError):
        store.create_experiment("p", parameters=parameters)


def test_numbered_names():
    assert [numbered_name("run", number) for number in (1, 2, 12)] == ["run", "run 2", "run 12"]
    assert numbered_name("x" * 57 + " yz", 10) == "x" * 57 + " 10"
