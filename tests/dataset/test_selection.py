"""Naming images: ids, masks, and queries that may come from strangers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import SelectionError


@pytest.fixture(scope="module")
def one_project(tmp_path_factory):
    """Ten images and the category a; the tests here leave it as it is."""
    with Dataset(tmp_path_factory.mktemp("one") / "cells") as dataset:
        dataset.add_images(np.zeros((10, 4, 6), np.uint8))
        dataset.add_category("a")
        yield dataset


@pytest.fixture(scope="module")
def queried(tmp_path_factory):
    """Three labeled images with predictions, metadata of awkward names, the rest unlabeled."""
    with Dataset(tmp_path_factory.mktemp("queried") / "cells") as dataset:
        dataset.add_images(np.zeros((10, 4, 6), np.uint8), labels=["a", "a", "b", *[None] * 7])
        probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
        dataset.store_predictions("e", ["a", "b"], [1, 2, 4], probabilities)
        metadata = {"plate no.": [7, 8], "class": ["x'y", "z"], "remark": ["a&b", "c|d"]}
        dataset.add_images(np.zeros((2, 5, 8), np.uint8), metadata=metadata)
        yield dataset


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (3, [3]),
        (np.int32(3), [3]),
        ([2, 5], [2, 5]),
        ((5, 2, 5), [5, 2]),
        (np.array([4, 1], np.uint8), [4, 1]),
        (range(1, 4), [1, 2, 3]),
        ({7}, [7]),
        ((n for n in (8, 9)), [8, 9]),
        (pd.Index([2, 3]), [2, 3]),
        (pd.Series([6, 7], index=[100, 200]), [6, 7]),
        ([], []),
        (np.array([]), []),
        (np.arange(10) < 2, [1, 2]),
        (np.zeros(10, bool), []),
        (pd.Series([True, False, True], index=[9, 3, 4]), [9, 4]),
        (pd.Series([True, False], index=[2, 3], dtype="boolean"), [2]),
    ],
)
def test_ids(one_project, ids, expected):
    """One id, sequences, masks of the project's length, and bool Series aligned by index."""
    assert one_project.columns(ids).id.tolist() == expected


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([True, False], "list of bools"),
        ([True] * 10, "list of bools"),
        ([1, np.True_], "list of bools"),
        (True, "whole number"),
        (99, "no image with the id 99"),
        (0, "no image"),
        (-1, "no image"),
        ([1, 2, 77, 88], "77, 88"),
        (2**70, "too large|whole number|no image"),
        ([2**70], "too large"),
        ([1.0], "whole number"),
        (np.array([1.5]), "whole numbers"),
        (np.ones((2, 2), int), "one row"),
        (np.ones(9, bool), "mask has the shape"),
        ("1", "select"),
        (["1"], "whole number"),
        (pd.Series([True], index=[99]), "no image with the id 99"),
        (pd.Series([True], index=["a"]), "must hold ids"),
        (pd.Series([True, None], index=[1, 2], dtype="boolean"), "gaps"),
    ],
)
def test_what_is_no_selection_is_refused(one_project, ids, reason):
    """Each mistake is told apart, and nothing is labeled."""
    revision = one_project.revision
    with pytest.raises(SelectionError, match=reason):
        one_project.label(ids, "a")
    assert one_project.revision == revision


def test_a_mask_follows_the_project_as_images_go(ten):
    """A mask counts the images that are there now, as the rows of .images do."""
    ten.remove_images([1, 5])
    mask = (ten.images["height"] == 4).to_numpy()
    assert mask.shape == (8,)
    ten.label(mask, "a")
    assert ten.images["category"].tolist() == ["a"] * 8


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category == 'a' and confidence < 0.7", [2]),
        ("category == 'a' & confidence < 0.7", [2]),
        ('category == "b" | prediction == "b"', [2, 3, 4]),
        ("not category == 'a' and confidence > 0", [4]),
        ("~(category == 'a') and confidence > 0", [4]),
        ("0.5 < confidence < 0.85", [2, 4]),
        ("category in ['a', 'b']", [1, 2, 3]),
        ("category.isin(['b'])", [3]),
        ("category.notna() and prediction.isna()", [3]),
        ("height * 2 == 10 and width - 8 == 0", [11, 12]),
        ("`plate no.` > 7", [12]),
        ('`class` == "x\'y"', [11]),
        ("remark == 'a&b' or remark == 'c|d'", [11, 12]),
        ("remark.str.contains('|')", [12]),
        ("name.str.startswith('array') and id <= 2", [1, 2]),
        ("partition == 'unassigned' and\n  not excluded and id == 10", [10]),
        ("category != category and id < 6", [4, 5]),
    ],
)
def test_queries(queried, query, expected):
    """The columns of .images compared and joined as DataFrame.query understands it."""
    ids = queried.select(query)
    assert ids.dtype == np.int64
    assert ids.tolist() == expected


@pytest.mark.parametrize(
    "query",
    [
        "@__import__('os').system('true')",
        "__import__('os').system('true')",
        "category.__class__",
        "category.map(print)",
        "category.str.__class__",
        "name.str.cat(['x'])",
        "category.to_csv('/tmp/stolen.csv')",
        "(lambda: 1)()",
        "[x for x in name]",
        "height ** 99999999",
        "height << 9",
        "name * 1000000000 == 'x'",
        "'x' * 1000000000 == name",
        "[1] * 1000000000 == name",
        "f'{name}' == 'x'",
        "name[0] == 'x'",
        "secret == 1",
        "`secret` == 1",
        "`",
        "height = 3",
        "height == 3; import os",
        "height",
        "height + 1",
        "True",
        "1 == 1",
        "",
        "   ",
        "category ==",
        "name < 3",
        "sin(height) > 0",
        "eval('1')",
        "height == 4 if True else False",
        "(height := 3) > 1",
        "height == b'4'",
        "height == 4j",
        "height == ...",
        "category.isin(name.to_list())",
        "not " * 400 + "excluded",
        "(" * 900 + "height == 4" + ")" * 900,
        "height == 4" + " and height == 4" * 999,
        "category.isna(1)",
        "category.str.contains('a', regex=True)",
        5,
        None,
    ],
)
def test_hostile_and_broken_queries_are_refused(queried, query):
    """Nothing is called, nothing large is made; the refusal is one of ours."""
    with pytest.raises(SelectionError):
        queried.select(query)


def test_tables_of_some_columns_and_ids(queried):
    """table keeps the order of columns and ids, and refuses unknown ones."""
    table = queried.table(["category", "name"], [3, 1])
    assert table.index.tolist() == [3, 1]
    assert list(table.columns) == ["category", "name"]
    assert table["category"].tolist() == ["b", "a"]
    assert queried.table("name").shape == (12, 1)
    with pytest.raises(SelectionError, match="no column 'secret'"):
        queried.table(["secret"])
    with pytest.raises(SelectionError, match="no image"):
        queried.table(ids=[99])
