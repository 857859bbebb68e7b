"""Categories and labels: what each operation does, reports and refuses."""

from __future__ import annotations

import sqlite3

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.dataset import Category, Dataset
from piximi_widgets.errors import CategoryError, PiximiError, SelectionError


def labels(dataset: Dataset) -> str:
    """The categories of all images in one word, a dot for unlabeled."""
    return "".join("." if pd.isna(value) else value for value in dataset.images["category"])


def test_label_and_unlabel(ten):
    """Labels replace each other; the result names what has changed."""
    first = ten.label([1, 2, 3], "a")
    second = ten.label([3, 4], "b", by="ann")
    third = ten.unlabel([1, 9])
    assert labels(ten) == ".abb......"
    assert [r.changed.tolist() for r in (first, second, third)] == [[1, 2, 3], [3, 4], [1]]
    assert first.changed.dtype == np.int64
    assert "3 images labeled “a”" in first.message
    assert ten.revision == third.revision > second.revision > first.revision


def test_what_changes_nothing_is_no_operation(ten):
    """To label an image as it is labeled already leaves journal and revision alone."""
    ten.label(1, "a")
    revision = ten.revision
    assert ten.label(1, "a").changed.size == 0
    assert ten.unlabel(2).changed.size == 0
    assert ten.label([], "a").changed.size == 0
    assert ten.revision == revision


def test_labels_are_there_when_opened_again(ten):
    """What was returned is on disk."""
    ten.label([2, 4], "c")
    ten.exclude(7)
    with Dataset(ten.path) as again:
        assert labels(again) == ".c.c......"
        assert again.images.index[again.images["excluded"]].tolist() == [7]


def test_an_unknown_category_is_not_made_by_labeling(ten):
    """A typing error is answered with the names that are near."""
    ten.add_category("mitotic")
    with pytest.raises(CategoryError, match="did you mean “mitotic”"):
        ten.label(1, "mitotc")
    with pytest.raises(CategoryError, match=r"add_category\('zzz'\)"):
        ten.label(1, "zzz")
    for wrong in (None, 5, ["a"], "", {"category_id": 99}, {"category_id": "1"}, {}):
        with pytest.raises(CategoryError):
            ten.apply("label", ids=1, argument=wrong)
    assert labels(ten) == "." * 10


def test_ids_must_be_given(ten):
    """No ids is a mistake, not all images."""
    for action in ("label", "unlabel", "exclude", "include", "remove_images"):
        with pytest.raises(SelectionError, match="ids are missing"):
            ten.apply(action, argument="a")


def test_exclude_and_include(ten):
    """Excluded images keep their label and leave the counts."""
    ten.label([1, 2, 3], "a")
    ten.exclude([1, 9])
    assert ten.counts()[1].tolist() == [2, 0, 0, 0]
    assert ten.counts()[0].tolist() == [6, 0, 0, 0]
    ten.include([1])
    assert ten.counts()[1].sum() == 3
    assert ten.columns().excluded.tolist() == [False] * 8 + [True, False]


def test_removed_images_are_gone_and_ids_stay_unused(ten):
    """Ids are never reused, also when the last image is removed."""
    ten.remove_images([9, 10])
    assert len(ten) == 8
    with pytest.raises(SelectionError):
        ten.label(10, "a")
    with pytest.raises(SelectionError):
        ten.thumbnail(10)
    assert ten.add_images(np.zeros((1, 4, 6), np.uint8)).added == [11]


def test_categories_have_names_colors_and_an_order(dataset):
    """Colors come from the palette until one is given; equality is by name and color."""
    dataset.add_category("  one ")
    dataset.add_category("two", "Red")
    dataset.add_category("three", "#AbC")
    assert dataset.categories == [
        Category("one", "#0072b2"),
        Category("two", "#ff0000"),
        Category("three", "#aabbcc"),
    ]
    assert [category.id for category in dataset.category_table()] == [1, 2, 3]
    dataset.reorder_categories(["three", "one", "two"])
    assert [category.name for category in dataset.categories] == ["three", "one", "two"]


def test_default_colors_differ(dataset):
    """As many categories as the palette has colors get different ones, then the colors come again."""
    for number in range(30):
        dataset.add_category(str(number))
    colors = [category.color for category in dataset.categories]
    assert len(set(colors)) == 16
    assert colors[:14] == colors[16:]


@pytest.mark.parametrize("color", ["rgb(300,1,1)", "hsl(120,100%,200%)", "#12", "blurple"])
def test_colors_that_are_none_are_refused(ten, color):
    """Pillow understands some that have no six digits."""
    with pytest.raises(CategoryError):
        ten.recolor_category("a", color)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, None, 5, "a", " a ", "\ud800"])
def test_names_that_cannot_be_categories(ten, name):
    """Empty, long, doubled and broken names are refused for adding and renaming."""
    with pytest.raises(CategoryError):
        ten.add_category(name)
    with pytest.raises(CategoryError):
        ten.rename_category("b", name)
    assert [category.name for category in ten.categories] == ["a", "b", "c"]


def test_names_that_look_alike_are_alike(dataset):
    """An accent typed as one character or as two makes the same category."""
    dataset.add_category("caf\u00e9")
    with pytest.raises(CategoryError, match="already"):
        dataset.add_category("cafe\u0301")


@pytest.mark.parametrize("color", ["", "reddish", "#12", 5, "url(x)", "#0072b2;background:url(x)", "x" * 999])
def test_what_is_no_color(ten, color):
    """A color ends up in HTML, so that nothing else may pass for one."""
    with pytest.raises(CategoryError):
        ten.recolor_category("a", color)


def test_rename_and_recolor_keep_the_images(ten):
    """A category's images follow its new name; the old name is free again."""
    ten.label([1, 2], "a")
    ten.rename_category("a", "z")
    ten.recolor_category("z", "white")
    assert labels(ten) == "zz........"
    assert ten.categories[0] == Category("z", "#ffffff")
    ten.add_category("a")
    ten.rename_category("z", "z")
    assert [category.name for category in ten.categories] == ["z", "b", "c", "a"]


def test_remove_a_category(ten):
    """Its images become unlabeled or move; others stay."""
    ten.label([1, 2], "a")
    ten.label([3, 4], "b")
    gone = ten.remove_category("a")
    assert gone.changed.tolist() == [1, 2]
    moved = ten.remove_category("b", move_to="c")
    assert moved.changed.tolist() == [3, 4]
    assert labels(ten) == "..cc......"
    assert [category.name for category in ten.categories] == ["c"]
    with pytest.raises(CategoryError):
        ten.remove_category("c", move_to="c")
    with pytest.raises(CategoryError):
        ten.remove_category("a")


def test_merge_categories(ten):
    """Several become one; merging a category into itself keeps it."""
    for image_id, name in ((1, "a"), (2, "b"), (3, "c")):
        ten.label(image_id, name)
    result = ten.merge_categories(["a", "b", "c"], into="c")
    assert result.changed.tolist() == [1, 2]
    assert labels(ten) == "ccc......."
    assert [category.name for category in ten.categories] == ["c"]
    ten.undo()
    assert labels(ten) == "abc......."
    assert [category.name for category in ten.categories] == ["a", "b", "c"]
    for wrong in ("a", [], None, 5):
        with pytest.raises(CategoryError):
            ten.merge_categories(wrong, into="c")


def test_reorder_wants_each_category_once(ten):
    """A list that lacks or doubles one is refused."""
    for wrong in (["a", "b"], ["a", "b", "b"], ["a", "b", "c", "c"], ["a", "b", "z"], "abc"):
        with pytest.raises(CategoryError):
            ten.reorder_categories(wrong)
    ten.apply("reorder_categories", argument={"ids": [3, 1, 2]})
    assert [category.name for category in ten.categories] == ["c", "a", "b"]


def test_categories_may_be_named_by_id(ten):
    """A view that was drawn before somebody renamed a category still means the right one."""
    ten.rename_category("a", "renamed")
    ten.apply("label", ids=[1], argument={"category_id": 1})
    ten.apply("rename_category", argument={"id": 2, "new": "B"})
    ten.apply("recolor_category", argument={"id": 3, "color": "#000000"})
    ten.apply("remove_category", argument={"id": 1, "move_to_id": 2})
    assert ten.images["category"][1] == "B"
    assert ten.categories == [Category("B", "#e69f00"), Category("c", "#000000")]


def test_counts_by_partition(ten):
    """Counts are by category and partition, with the unlabeled under 0, zeros included."""
    ten.label([1, 2, 3, 4], "a")
    ten.label([5, 6], "b")
    ten.split(training=0.5, seed=1)
    counts = ten.counts()
    assert {key: value.tolist() for key, value in counts.items()} == {
        0: [4, 0, 0, 0],
        1: [0, 2, 2, 0],
        2: [0, 1, 1, 0],
        3: [0, 0, 0, 0],
    }


def test_the_journal_tells_who_did_what(ten):
    """One row for each single change, with names in place of ids, and none is ever altered."""
    ten.label([1, 2], "a", by="ann")
    ten.label(2, "b", by="bob")
    ten.exclude(3, by="ann")
    journal = ten.journal
    last = journal[journal["action"].isin(["label", "exclude"])]
    assert last[["author", "action", "id", "field"]].to_numpy().tolist() == [
        ["ann", "label", 1, "category"],
        ["ann", "label", 2, "category"],
        ["bob", "label", 2, "category"],
        ["ann", "exclude", 3, "excluded"],
    ]
    assert last["before"].tolist() == [None, None, "a", False]
    assert last["after"].tolist() == ["a", "a", "b", True]
    assert journal["time"].dt.tz is not None
    assert journal["revision"].is_monotonic_increasing
    assert journal["revision"].max() == ten.revision


def test_the_journal_cannot_be_rewritten(ten):
    """Neither an update nor a deletion of what was done gets through, whoever tries."""
    ten.label(1, "a")
    ten.snapshot()
    ten.close()
    connection = sqlite3.connect(ten.path / "project.db")
    for table in ("operation", "change", "dataset_version"):
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET rowid = 1" if table != "change" else "UPDATE change SET after = 9",
        ):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement)
    connection.close()


def test_authors_are_names(ten):
    """An author is a text; the default is the login name."""
    for wrong in ("", "  ", 5, "x" * 201, "a\ud800"):
        with pytest.raises(PiximiError, match="author"):
            ten.label(1, "a", by=wrong)
    ten.label(1, "a")
    import getpass

    assert ten.journal["author"].iloc[-1] == getpass.getuser()


def test_a_login_name_that_is_no_text_stops_no_label(ten, monkeypatch):
    """Bytes that are no UTF-8 reach Python as halves of surrogate pairs, which a database refuses."""
    monkeypatch.setattr("getpass.getuser", lambda: "J\udcfcrgen")
    ten.label(1, "a")
    assert ten.journal["author"].iloc[-1] == "J?rgen"


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, -(2**70)])
def test_a_category_of_an_id_that_cannot_be(ten, number):
    with pytest.raises(CategoryError, match="no category with the id"):
        ten.apply("label", ids=1, argument={"category_id": number})


def test_unknown_actions_are_refused(ten):
    """A browser cannot ask for what is not on the list."""
    for action in ("drop", "__init__", "make_category", None, ["label"]):
        with pytest.raises(PiximiError, match="no action"):
            ten.apply(action, ids=1)


def test_columns_follow_every_kind_of_change(ten):
    """The fast columns equal the table after each operation, from the same object and from another one."""
    with Dataset(ten.path) as other:
        steps = [
            lambda: ten.label([1, 2, 3], "a"),
            lambda: ten.remove_images(2),
            lambda: ten.add_images(np.zeros((2, 4, 6), np.uint8), labels=["b", None]),
            lambda: ten.split(),
            lambda: ten.store_predictions("e", ["a", "new"], [1, 3], np.array([[0.7, 0.3], [0.2, 0.8]])),
            lambda: ten.store_predictions("e", ["a", "new"], [11, 12], np.array([[0.6, 0.4], [0.1, 0.9]])),
            lambda: ten.remove_images([11, 12]),
            lambda: ten.undo(),
            lambda: ten.rename_category("a", "A"),
            lambda: ten.undo(),
            lambda: ten.remove_category("b"),
            lambda: ten.exclude([4, 5]),
            lambda: ten.clear_predictions(),
        ]
        for step in steps:
            step()
            for dataset in (ten, other):
                columns, frame = dataset.columns(), Dataset(ten.path, "r").images
                names = {0: None, **{category.id: category.name for category in dataset.categories}}
                assert columns.id.tolist() == frame.index.tolist()
                assert columns.names == frame["name"].tolist()
                for ids, column in ((columns.category_id, "category"), (columns.prediction_id, "prediction")):
                    told = [None if pd.isna(value) or value == "new" else value for value in frame[column]]
                    assert [names[number] for number in ids.tolist()] == told
                assert columns.excluded.tolist() == frame["excluded"].tolist()
                assert np.array_equal(columns.confidence, frame["confidence"], equal_nan=True)


@pytest.mark.parametrize("overtaken_at", [1, 2])
def test_the_table_shows_one_moment(ten, monkeypatch, overtaken_at):
    """What others change while it is made is in it wholly or not at all."""
    ten.label(9, "c")
    ten.set_note([5, 10], "look")
    ten.remove_images([5, 10], by="bob")
    with Dataset(ten.path) as other:
        columns, calls, moments = other.columns, [], [Dataset(ten.path, "r").images]

        def overtaking():
            found = columns()
            calls.append(found)
            if len(calls) == overtaken_at:
                ten.undo(by="bob")
                ten.remove_category("c")
                moments.append(Dataset(ten.path, "r").images)
            return found

        monkeypatch.setattr(other, "columns", overtaking)
        frame = other.images
        assert sum(frame.equals(moment) for moment in moments) == 1
        assert other.images.equals(moments[-1])


def test_columns_cannot_be_written(ten):
    """Arrays that are shared between callers refuse to be changed."""
    with pytest.raises(ValueError, match="read-only"):
        ten.columns().category_id[0] = 1


def test_changes_since(ten):
    """A view learns which images changed, whether categories did, and when to read everything."""
    start = ten.revision
    assert ten.changes_since(start).image_ids.tolist() == []
    ten.label([4, 2], "a")
    ten.exclude(7)
    changes = ten.changes_since(start)
    assert (changes.revision, changes.image_ids.tolist(), changes.categories) == (
        ten.revision,
        [2, 4, 7],
        False,
    )
    ten.add_images(np.zeros((2, 4, 6), np.uint8), labels=["a", None])
    assert ten.changes_since(changes.revision).image_ids.tolist() == [11, 12]
    ten.rename_category("a", "z")
    assert ten.changes_since(ten.revision - 1).categories
    ten.store_predictions("e", ["z"], [1], np.ones((1, 1)))
    assert ten.changes_since(ten.revision - 1).image_ids is None


def test_watch_tells_of_changes_by_others(ten):
    """A listener hears of a commit from another handle on the project."""
    import threading

    heard = threading.Event()
    subscription = ten.watch(heard.set)
    with Dataset(ten.path) as other:
        other.label(1, "a")
        assert heard.wait(5)
    subscription.close()
