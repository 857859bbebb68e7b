"""Numbers against a table worked by hand, and what stands beside them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from piximi_widgets.engine.evaluation import Evaluation
from piximi_widgets.widgets.evaluation_view.matrix import row_shares, shorten, tinted
from piximi_widgets.widgets.evaluation_view.tables import (
    cell_title,
    classes_html,
    groups,
    measured_on,
    tiles_html,
)

from ..conftest import CLASSES, PREDICTED, TRUTH


@pytest.fixture
def evaluation():
    probabilities = np.full((9, 3), 0.1, dtype=np.float32)
    probabilities[np.arange(9), PREDICTED] = 0.8
    return Evaluation(CLASSES, np.arange(9) + 1, np.array(TRUTH), probabilities, dataset_name="v1")


def cells(html):
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", html)
    ]


def test_the_table_equals_the_one_worked_by_hand(evaluation):
    # Each class has 2 hits, 3 images and 3 predictions: precision = recall = F1 = 2/3.
    rows = cells(classes_html(evaluation))
    assert rows[0] == ["Class", "Precision", "Recall", "F1", "Support"]
    for row, name in zip(rows[1:4], CLASSES, strict=True):
        assert row == [name, "0.667", "0.667", "0.667", "3"]
    assert rows[4] == ["macro average", "0.667", "0.667", "0.667", "9"]
    assert rows[5] == ["weighted average", "0.667", "0.667", "0.667", "9"]


def test_precision_and_recall_are_not_swapped():
    # Two of class a and one of b, all predicted as a: precision of a 2/3, recall of a 1; b was never predicted.
    probabilities = np.array([[0.9, 0.1]] * 3, dtype=np.float32)
    rows = cells(classes_html(Evaluation(["a", "b"], np.arange(3), np.array([0, 0, 1]), probabilities)))
    assert rows[1] == ["a", "0.667", "1.000", "0.800", "2"]
    assert rows[2][:3] == ["b", "–", "0.000"]


def test_the_headline_equals_the_hand_worked_numbers(evaluation):
    html = tiles_html(evaluation)
    assert "66.7 %" in html
    assert "6 of 9 images right" in html
    # Six images at -ln 0.8, three at -ln 0.1.
    assert f"{(-6 * np.log(0.8) - 3 * np.log(0.1)) / 9:.3f}" in html


def test_names_are_escaped(evaluation):
    evaluation.classes[0] = "<img src=x>"
    html = classes_html(evaluation)
    assert "<img" not in html
    assert 'title="&lt;img src=x&gt;"' in html


def test_it_says_what_was_measured(evaluation):
    assert measured_on(evaluation, "v1", current=False, changed=0) == (
        "Measured on 9 images of the validation partition, with the labels of dataset version v1."
    )
    now = measured_on(evaluation, "v1", current=True, changed=2)
    assert "labels as they are now (2 differ from dataset version v1, which it was trained with)" in now
    assert "the same as in dataset version v1" in measured_on(evaluation, "v1", current=True, changed=0)


def test_the_most_confused_pairs_come_first():
    counts = np.array([[5, 1, 0], [4, 7, 0], [0, 2, 0]])
    found = groups(counts, ["a", "b", "c"])
    assert [group.label for group in found] == [
        "All errors (7 images)",
        "truth b → predicted a (4 images)",
        "truth c → predicted b (2 images)",
        "truth a → predicted b (1 image)",
        "truth a → predicted a (5 images)",
        "truth b → predicted b (7 images)",
    ]
    assert cell_title(counts, ["a", "b", "c"], 0, 1) == "truth a → predicted b (1 image)"


def test_colour_is_the_share_of_the_row_and_tells_right_from_wrong():
    shares = row_shares(np.array([[3, 1], [0, 0]]))
    assert shares.tolist() == [[0.75, 0.25], [0.0, 0.0]]
    tint = tinted(shares)
    assert tint[0, 0] > 0.5 > -0.5 > tint[0, 1]
    assert tint[1].tolist() == [-0.5, 0.5]


def test_long_names_are_shortened():
    assert shorten("metaphase") == "metaphase"
    assert len(shorten("a name that never seems to end")) == 14
