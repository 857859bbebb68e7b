"""Accepting and refusing predictions, and the keys of categories: what each does, says and takes back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import CategoryError, SelectionError


@pytest.fixture
def predicted(ten: Dataset) -> Dataset:
    """Predictions of the images 1 to 5 by two experiments, of which "new" spoke last; 5 is no category's."""
    classes = ["a", "b", "unheard of"]
    old = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]])
    new = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0, 0, 1]])
    ten.store_predictions("old", classes, [1, 2, 3, 4, 5], old)
    ten.store_predictions("new", classes, [1, 2, 3, 4, 5], new)
    return ten


def labels(dataset: Dataset) -> str:
    """The categories of all images in one word, a dot for unlabeled."""
    return "".join("." if pd.isna(value) else value[0] for value in dataset.images["category"])


# -- accepting -------------------------------------------------------------------------------------


def test_the_action_accepts_for_the_images_that_are_named(predicted):
    """A label that is there stays, unless relabel says so; undo brings back what was."""
    predicted.label([1, 2], "c")
    result = predicted.apply("accept_predictions", ids=[1, 2, 3, 9])
    assert result.changed.tolist() == [3]
    assert "1 image labeled as predicted" in result.message
    assert "1 image has no prediction" in result.message
    result = predicted.apply("accept_predictions", ids=[1, 2, 3], argument={"relabel": True})
    assert result.changed.tolist() == [1, 2]
    assert labels(predicted) == "aab......."
    predicted.undo()
    assert labels(predicted) == "ccb......."


def test_an_experiment_may_be_named(predicted):
    """Its predictions are taken in place of the newest; by the method an object with a uid will do."""
    predicted.apply("accept_predictions", ids=[1], argument="old")
    predicted.apply("accept_predictions", ids=[2], argument={"experiment": "new"})
    predicted.apply("accept_predictions", ids=[3], argument={"experiment": None})

    class Experiment:
        uid = "old"

    predicted.accept_predictions([4], Experiment())
    assert labels(predicted) == "babb......"


def test_a_class_without_a_category_makes_one(predicted):
    predicted.accept_predictions([5])
    assert predicted.images["category"][5] == "unheard of"


@pytest.mark.parametrize(("least", "expected"), [(0.0, "aabb"), (0.7, "a.bb"), (0.8, "a..b"), (0.95, "....")])
def test_the_least_confidence_counts_too(predicted, least, expected):
    """At least so sure: 0.8, which no float32 is, is not above what was predicted with 0.8."""
    result = predicted.accept_predictions([1, 2, 3, 4], min_confidence=least)
    assert labels(predicted)[:4] == expected
    assert ("Less sure" in result.message) == ("." in expected)


@pytest.mark.parametrize("least", [-0.1, 1.5, "0.5", True, float("nan"), [0.5]])
def test_what_is_no_confidence(predicted, least):
    with pytest.raises(SelectionError, match="from 0 to 1"):
        predicted.accept_predictions([1], min_confidence=least)


def test_without_predictions_it_says_so(ten, predicted):
    """Nothing is labeled, and the message says why."""
    assert "2 images have no prediction" in predicted.accept_predictions([8, 9]).message
    assert (
        "no predictions of the experiment 'x'"
        in predicted.apply("refuse_predictions", ids=1, argument="x").message
    )
    revision = predicted.revision
    predicted.clear_predictions()
    assert predicted.accept_predictions([1]).message == "There are no predictions."
    assert predicted.refuse_predictions([1]).message == "There are no predictions."
    assert predicted.revision > revision
    assert labels(predicted) == "." * 10
    for wrong in (5, ["new"]):
        with pytest.raises(SelectionError, match="uid"):
            predicted.apply("accept_predictions", ids=1, argument={"experiment": wrong})
    for action in ("accept_predictions", "refuse_predictions"):
        with pytest.raises(SelectionError, match="ids are missing"):
            predicted.apply(action)


def test_relabel_of_the_whole_project(predicted):
    """By default all that are not excluded."""
    predicted.label([1, 2], "c")
    predicted.exclude([3])
    predicted.accept_predictions(relabel=True, min_confidence=0.5)
    assert labels(predicted) == "aa.bu....."


# -- refusing --------------------------------------------------------------------------------------


def test_a_refused_prediction_is_noted_and_taken_back(predicted):
    """As the category that was predicted, in the columns and in the journal; labels stay."""
    predicted.label(1, "c")
    result = predicted.refuse_predictions([1, 3, 9], by="ann")
    assert result.changed.tolist() == [1, 3]
    assert result.message == "The predictions of 2 images refused. 1 image has no prediction."
    assert predicted.columns().refused.tolist() == [1, 0, 2, *[0] * 7]
    assert predicted.columns([3, 2]).refused.tolist() == [2, 0]
    assert labels(predicted) == "c........."
    told = predicted.journal.query("field == 'refused'")
    assert told[["author", "id", "before", "after"]].to_numpy().tolist() == [
        ["ann", 1, None, "a"],
        ["ann", 3, None, "b"],
    ]
    again = predicted.refuse_predictions([1])
    assert again.changed.size == 0
    assert "Refused before: the prediction of 1 image" in again.message
    predicted.undo(by="ann")
    assert not predicted.columns().refused.any()
    predicted.redo(by="ann")
    assert predicted.columns().refused.tolist() == [1, 0, 2, *[0] * 7]
    with Dataset(predicted.path, "r") as reader:
        assert np.array_equal(reader.columns().refused, predicted.columns().refused)
    assert predicted.check().ok


def test_what_was_refused_is_not_accepted(predicted):
    """Whoever asks and however; what another experiment predicts is."""
    predicted.refuse_predictions([1, 2])
    result = predicted.accept_predictions(min_confidence=0.5)
    assert labels(predicted) == "..bbu....."
    assert "Refused before: the predictions of 2 images" in result.message
    predicted.apply("accept_predictions", ids=[1], argument={"experiment": "old", "relabel": True})
    assert labels(predicted) == "b.bbu....."


def test_the_other_experiments_prediction_can_be_refused(predicted):
    predicted.refuse_predictions([1], experiment="old")
    assert predicted.columns().refused[0] == 2
    assert predicted.accept_predictions([1]).changed.tolist() == [1]


def test_a_class_that_is_no_category_cannot_be_refused(predicted):
    result = predicted.refuse_predictions([5])
    assert result.changed.size == 0
    assert result.message == "No prediction refused. Predicted as what is no category: 1 image."


@pytest.mark.parametrize("action", ["accept_predictions", "refuse_predictions"])
def test_a_numbered_operation_of_a_page(predicted, action):
    """Sent again it changes nothing; images that are gone are skipped."""
    predicted.remove_images(2)
    sent = {"ids": [1, 2, 3], "argument": {"experiment": "new"}, "client": ("tab", 1), "source": "labeler"}
    first = predicted.apply(action, **sent)
    assert (first.changed.tolist(), first.skipped.tolist()) == ([1, 3], [2])
    revision = predicted.revision
    again = predicted.apply(action, **sent)
    assert (again.changed.tolist(), again.skipped.tolist(), again.message) == ([1, 3], [2], first.message)
    assert predicted.revision == revision


def test_newest_predictions(ten):
    """The experiment that spoke last, until it is cleared."""
    assert ten.newest_predictions is None
    ten.store_predictions("one", ["a"], [1], np.ones((1, 1)))
    ten.store_predictions("two", ["a"], [1], np.ones((1, 1)))
    assert ten.newest_predictions == "two"
    ten.clear_predictions("two")
    assert ten.newest_predictions == "one"


def test_dataset_versions_do_not_know_of_it(predicted):
    """A refusal and a key change what is offered, not the data."""
    predicted.label([1, 2, 3], "a")
    before = predicted.snapshot("before")
    predicted.refuse_predictions([1, 2])
    predicted.set_category_key("a", "x")
    assert predicted.snapshot("after").fingerprint == before.fingerprint


# -- keys ------------------------------------------------------------------------------------------


def keys(dataset: Dataset) -> str:
    """The keys of the categories in their order, a dot for none."""
    return "".join(category.key or "." for category in dataset.categories)


def test_a_category_has_one_key_and_a_key_one_category(ten):
    """Taken from another category in the same operation; capitals do not matter."""
    assert keys(ten) == "..."
    ten.set_category_key("a", "M")
    assert keys(ten) == "m.."
    result = ten.set_category_key("b", "m")
    assert keys(ten) == ".m."
    assert result.message == "The key m labels with “b” now in place of “a”."
    ten.set_category_key("b", "7")
    assert keys(ten) == ".7."
    ten.apply("set_category_key", argument={"id": 2, "key": ""})
    assert keys(ten) == "..."
    revision = ten.revision
    ten.set_category_key("b", "")
    assert ten.revision == revision
    assert ten.changes_since(revision - 1).categories


@pytest.mark.parametrize("key", [" ", "\t", "ab", "u", "H", "v", *"?+-=,.", None, 5, "\x00", "\ud800", "İ"])
def test_what_is_no_key(ten, key):
    with pytest.raises(CategoryError):
        ten.set_category_key("a", key)
    assert keys(ten) == "..."


@pytest.mark.parametrize("key", ["ß", "é", "e\u0301", "ж", "9", "/", "日"])
def test_keys_of_all_keyboards(ten, key):
    """Whatever one character is."""
    ten.set_category_key("a", key)
    assert len(keys(ten)) == 3
    assert keys(ten)[0] != "."


def test_undo_and_redo_of_keys(ten):
    """A key that went from one category to another goes back, also where both had one; worked by hand."""
    table = [
        (lambda: ten.set_category_key("a", "x"), "x.."),
        (lambda: ten.set_category_key("b", "y"), "xy."),
        (lambda: ten.set_category_key("a", "y"), "y.."),
        (lambda: ten.undo(), "xy."),
        (lambda: ten.redo(), "y.."),
        (lambda: ten.set_category_key("c", "y"), "..y"),
        (lambda: ten.undo(), "y.."),
        (lambda: ten.undo(), "xy."),
        (lambda: ten.undo(), "x.."),
        (lambda: ten.undo(), "..."),
        (lambda: ten.redo(), "x.."),
        (lambda: ten.redo(), "xy."),
        (lambda: ten.redo(), "y.."),
        (lambda: ten.redo(), "..y"),
    ]
    for number, (step, expected) in enumerate(table):
        step()
        assert keys(ten) == expected, number
    assert ten.check().ok


def test_a_key_that_is_taken_meanwhile_stays_taken(ten):
    """Undo never makes two categories of one key."""
    ten.set_category_key("a", "x", by="ann")
    ten.set_category_key("a", "", by="ann")
    ten.set_category_key("b", "x", by="bob")
    result = ten.undo(by="ann")
    assert "stayed as it is" in result.message
    assert keys(ten) == ".x."
    ten.remove_category("b", by="bob")
    ten.set_category_key("c", "x", by="ann")
    ten.undo(by="bob")
    assert [(c.name, c.key) for c in ten.categories] == [("a", ""), ("b", ""), ("c", "x")]
    assert ten.check().ok


def test_a_removed_categorys_key_is_free(ten):
    ten.set_category_key("a", "x")
    ten.remove_category("a")
    ten.set_category_key("b", "x")
    assert keys(ten) == "x."
    ten.undo()
    ten.undo()
    assert keys(ten) == "x.."
