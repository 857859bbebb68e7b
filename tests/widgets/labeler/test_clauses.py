"""Clauses and the text of a query say the same, whatever the names and values are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.query import select
from piximi_widgets.errors import SelectionError
from piximi_widgets.widgets.labeler.clauses import FLAGS, checked, to_query
from piximi_widgets.widgets.labeler.parsing import from_query

HOSTILE = [
    "",
    "a",
    "A'b",
    'say "x"',
    "back\\slash",
    "\\'",
    "tab\tnew\nline",
    "é\u2028ü",
    "`tick`",
    "a and b",
    "#",
    "0",
    "ß",
    "&|",
]
TEXT_FIELDS = ["category", "plate id", "and", "größe", "x#y", "a'b", "ﬁeld", "new\nline", "id"]
NUMBER_FIELDS = ["confidence", "concentration (µM)", "lambda", "height"]

# Halves of surrogate pairs are no text that a project takes.
texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = (
    st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 0.5])
)
values = st.builds(
    lambda chosen, none: {"values": [*chosen, None] if none else chosen},
    st.lists(texts, unique=True, max_size=4),
    st.booleans(),
)
bounds = st.builds(lambda low: {"min": low}, numbers) | st.builds(lambda high: {"max": high}, numbers)
bounds |= st.builds(lambda low, high: {"min": low, "max": high}, numbers, numbers)
clauses = (
    st.builds(lambda field, rest: {"field": field, **rest}, st.sampled_from(TEXT_FIELDS), values)
    | st.builds(lambda field, rest: {"field": field, **rest}, st.sampled_from(NUMBER_FIELDS), bounds)
    | st.builds(lambda field, is_: {"field": field, "is": is_}, st.sampled_from(FLAGS), st.booleans())
    | st.builds(lambda field, text: {"field": field, "contains": text}, st.sampled_from(TEXT_FIELDS), texts)
    | st.sampled_from(
        [
            {"query": "height > 3 or not `plate id` == 'x and `y`'"},
            {"query": "category != 'a'"},
            {"query": "`größe`.str.startswith('é')"},
        ]
    )
)


def once(filter: list[dict[str, Any]]) -> bool:
    """Whether no field has two bounds in two clauses, which are one condition."""
    bounded = [each["field"] for each in filter if "min" in each or "max" in each]
    return len(set(bounded)) == len(bounded)


filters = st.lists(clauses, max_size=4).filter(once)


def passes(clause: dict[str, Any], value: Any) -> bool:
    """What a clause means, said as plainly as can be."""
    missing = value is None or value != value
    if "values" in clause:
        return (None if missing else value) in clause["values"]
    if "contains" in clause:
        return not missing and clause["contains"].upper() in value.upper()
    if "is" in clause:
        return bool(value) is clause["is"]
    return not missing and clause.get("min", -math.inf) <= value <= clause.get("max", math.inf)


@given(filters)
def test_what_is_written_as_a_query_is_found_in_it(filter: list[dict[str, Any]]) -> None:
    assert from_query(to_query(filter)) == filter
    assert checked(filter) == filter


@given(
    st.lists(clauses.filter(lambda clause: "query" not in clause), min_size=1, max_size=3),
    st.lists(
        st.fixed_dictionaries(
            {
                **{field: st.none() | texts for field in TEXT_FIELDS},
                **{field: st.just(math.nan) | numbers for field in NUMBER_FIELDS},
                **{field: st.booleans() for field in FLAGS},
            }
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_query_chooses_what_its_clauses_mean(
    filter: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    frame = pd.DataFrame(index=pd.Index(np.arange(1, len(rows) + 1), name="id"))
    for field in [*TEXT_FIELDS, *NUMBER_FIELDS, *FLAGS]:
        column = [row[field] for row in rows]
        kind = "str" if field in TEXT_FIELDS else bool if field in FLAGS else np.float64
        frame[field] = pd.Series(column, index=frame.index, dtype=kind)
    # The columns hold float64, of which a whole number beyond 2**53 is none.
    expected = [
        number
        for number, row in enumerate(rows, start=1)
        if all(
            passes(
                clause,
                float(row[clause["field"]]) if clause["field"] in NUMBER_FIELDS else row[clause["field"]],
            )
            for clause in filter
        )
    ]
    assert select(frame, to_query(filter)).tolist() == expected


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    with Dataset(tmp_path_factory.mktemp("hostile") / "cells", mode="x") as project:
        labels = ["it's", "it's", 'a "b"', None, None, "c\\d", "ü", "ü"]
        metadata = pd.DataFrame(
            {
                "plate id": ["0012", "x'y", None, "X", "x", "x`y", "\\n", ""],
                "dose": [0.5, None, 3.0, 2.0, 2.5, None, -1.0, 1e-9],
            }
        )
        project.add_images(np.zeros((8, 4, 4), np.uint8), labels, metadata=metadata, progress=False)
        ids = project.columns().id
        project.mark_unsure(ids[:3])
        project.exclude(ids[5:7])
        probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]], np.float32)
        project.store_predictions("uid", ["it's", "ü"], ids[:3], probabilities)
        project.label(ids[3], "ü", by="O'Hara")
        project.refuse_predictions(ids[2])
        yield project


@pytest.mark.parametrize(
    "filter",
    [
        [{"field": "category", "values": ["it's", None]}],
        [{"field": "category", "values": ["c\\d", 'a "b"', "ü"]}, {"field": "excluded", "is": False}],
        [{"field": "category", "values": []}],
        [
            {"field": "partition", "values": ["unassigned"]},
            {"field": "plate id", "values": ["x`y", "0012", ""]},
        ],
        [{"field": "prediction", "values": [None]}, {"field": "unsure", "is": False}],
        [{"field": "dose", "min": -1, "max": 2}],
        [{"field": "dose", "max": 2.5}, {"field": "plate id", "contains": "X"}],
        [{"field": "dose", "min": 1e-9, "max": 1e-9}],
        [{"query": "dose > 1 or category == 'ü'"}, {"field": "unsure", "is": True}],
        [{"field": "origin", "values": ["hand", None]}],
        [{"field": "labeled_by", "values": ["O'Hara"]}],
        [{"field": "agreement", "values": ["differs"]}],
        [{"field": "margin", "min": 0.3}, {"field": "refused", "is": False}],
        [{"field": "refused", "is": True}],
    ],
)
def test_a_project_chooses_what_its_clauses_mean(project: Dataset, filter: list[dict[str, Any]]) -> None:
    further = ["origin", "labeled_by", "agreement", "margin", "refused"]
    rows = project.images.join(project.table(further)).to_dict("index")
    plain = [clause for clause in filter if "query" not in clause]
    expected = [
        number
        for number, row in rows.items()
        if all(passes(clause, row[clause["field"]]) for clause in plain)
        and (len(plain) == len(filter) or row["dose"] > 1 or row["category"] == "ü")
    ]
    assert project.select(to_query(filter)).tolist() == expected
    assert bool(expected) is (filter[0].get("values") != [])


@pytest.mark.parametrize(
    ("query", "filter"),
    [
        ("", []),
        ("  ", []),
        ("category == 'a'", [{"field": "category", "values": ["a"]}]),
        ("'a' == category", [{"field": "category", "values": ["a"]}]),
        ("category.isin(['a', 'b', 'a'])", [{"field": "category", "values": ["a", "b"]}]),
        ("category in ('a', 'b')", [{"field": "category", "values": ["a", "b"]}]),
        ("category.isna()", [{"field": "category", "values": [None]}]),
        ("category.isna() or category == 'a'", [{"field": "category", "values": ["a", None]}]),
        ("`plate id` == 'x'", [{"field": "plate id", "values": ["x"]}]),
        ("height >= -3", [{"field": "height", "min": -3}]),
        ("height == 3", [{"field": "height", "min": 3, "max": 3}]),
        ("0.9 >= confidence >= .5", [{"field": "confidence", "min": 0.5, "max": 0.9}]),
        ("confidence >= .5 & 0.9 >= confidence", [{"field": "confidence", "min": 0.5, "max": 0.9}]),
        (
            "unsure and (~excluded and not refused)",
            [
                {"field": "unsure", "is": True},
                {"field": "excluded", "is": False},
                {"field": "refused", "is": False},
            ],
        ),
        ("name.str.contains('007')", [{"field": "name", "contains": "007"}]),
        ("name.str.contains('a', case=False)", [{"field": "name", "contains": "a"}]),
        # What the page has no form for.
        ("name.str.contains('a')", [{"query": "name.str.contains('a')"}]),
        ("confidence > 0.5", [{"query": "confidence > 0.5"}]),
        ("category == None", [{"query": "category == None"}]),
        ("category in ['a', None]", [{"query": "category in ['a', None]"}]),
        ("category.isna() or prediction == 'a'", [{"query": "category.isna() or prediction == 'a'"}]),
        ("height >= 1e999", [{"query": "height >= 1e999"}]),
        ("height >= True", [{"query": "height >= True"}]),
        ("focused", [{"query": "focused"}]),
        (
            "(a > 1 | `b c` < 'é&') & unsure # why",
            [{"query": "a > 1 | `b c` < 'é&'"}, {"field": "unsure", "is": True}],
        ),
        ("not (a and b)", [{"query": "not (a and b)"}]),
        ("category ==", [{"query": "category =="}]),
        ("__import__('os')", [{"query": "__import__('os')"}]),
        ("x\0y", [{"query": "x\0y"}]),
        ("(" * 900 + "a" + ")" * 900, [{"query": "(" * 900 + "a" + ")" * 900}]),
    ],
)
def test_what_people_write_is_understood(query: str, filter: list[dict[str, Any]]) -> None:
    assert from_query(query) == filter


def test_only_fields_that_the_page_knows_become_conditions_there() -> None:
    kinds = {"category": "text", "height": "number"}
    assert from_query("note == 'x' and category == 'a'", kinds) == [
        {"query": "note == 'x'"},
        {"field": "category", "values": ["a"]},
    ]
    assert from_query("height == '3' and category >= 3", kinds) == [
        {"query": "height == '3'"},
        {"query": "category >= 3"},
    ]


def test_a_part_in_words_stays_a_part_of_its_own() -> None:
    query = to_query(
        [{"query": "a > 1 or b > 1 # either"}, {"query": "c > 1"}, {"field": "unsure", "is": True}]
    )
    assert query == "(a > 1 or b > 1) and c > 1 and unsure"


@pytest.mark.parametrize(
    "clauses",
    [
        None,
        {},
        ["unsure"],
        [{}],
        [{"field": "category"}],
        [{"field": "", "values": []}],
        [{"field": "category", "values": "a"}],
        [{"field": "category", "values": [3]}],
        [{"field": "height", "min": math.nan}],
        [{"field": "height", "min": True}],
        [{"field": "height", "min": 2**60}],
        [{"field": "height", "min": 1, "most": 3}],
        [{"field": "height", "min": None, "max": None}],
        [{"field": "category", "is": True}],
        [{"field": "unsure", "is": "yes"}],
        [{"field": "name", "contains": None}],
        [{"query": "a >"}],
        [{"query": "True) or (True"}],
        [{"query": "a or " * 10_000 + "a"}],
        [{"field": "unsure", "is": True}] * 101,
    ],
)
def test_what_is_no_filter_is_refused(clauses: Any) -> None:
    with pytest.raises(SelectionError):
        checked(clauses)


def test_a_column_that_no_query_can_name_is_refused() -> None:
    with pytest.raises(SelectionError, match="backtick"):
        to_query([{"field": "a`b", "values": ["x"]}])


def test_clauses_are_put_into_one_form() -> None:
    given = [{"field": "category", "values": [None, "a", "a"]}, {"field": "height", "min": 1, "max": None}]
    assert checked(given) == [{"field": "category", "values": ["a", None]}, {"field": "height", "min": 1}]
