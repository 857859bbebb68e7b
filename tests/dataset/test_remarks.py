"""What is said about an image beside its label, and what two people say at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import CategoryError, SelectionError


def test_unsure_and_notes_are_columns(ten):
    """Both are in the table, can be asked for, and are there when the project is opened again."""
    ten.mark_unsure([2, 5])
    ten.set_note([5, 7], "  dust on the lens\nsee plate 3 ")
    ten.mark_sure(2)
    with Dataset(ten.path, mode="r") as again:
        frame = again.images
        assert frame.index[frame["unsure"]].tolist() == [5]
        assert frame.loc[[5, 6, 7], "note"].tolist() == [
            "dust on the lens\nsee plate 3",
            "",
            "dust on the lens\nsee plate 3",
        ]
        assert again.columns().unsure.tolist() == [i == 5 for i in range(1, 11)]
        assert again.select("unsure and note.str.contains('dust')").tolist() == [5]
    journal = ten.journal
    assert journal[journal["field"] == "unsure"][["id", "before", "after"]].values.tolist() == [
        [2, False, True],
        [5, False, True],
        [2, True, False],
    ]


@pytest.mark.parametrize("note", [None, 5, "x" * 2001, "\ud800"])
def test_what_is_no_note(ten, note):
    """A text of up to 2000 characters; nothing is changed otherwise."""
    with pytest.raises(SelectionError, match="note|Unicode"):
        ten.set_note([1, 2], note)
    assert ten.images["note"].eq("").all()


def test_names_that_differ_by_capitals_only_are_refused(ten):
    """By hand, by renaming, and in labels of images that are added: nothing of them is added then."""
    ten.add_category("Mitotic")
    with pytest.raises(CategoryError, match="“Mitotic” already, and “mitotic” differs from it by capitals"):
        ten.add_category("mitotic")
    with pytest.raises(CategoryError, match="already"):
        ten.rename_category("a", "MITOTIC")
    ten.rename_category("Mitotic", "mitotic")
    before = len(ten)
    for labels in (["x", "X"], ["MITOTIC", None]):
        with pytest.raises(CategoryError, match="capitals"):
            ten.add_images(np.zeros((2, 3, 3), np.uint8), labels=labels)
    assert len(ten) == before
    assert [category.name for category in ten.categories] == ["a", "b", "c", "mitotic"]


def test_a_conflict_is_resolved_by_order_and_can_be_seen(ten):
    """Two pages show revision r; both label image 3, the later one counts, and the journal says so."""
    shown = ten.revision
    ten.apply("label", ids=[3, 4], argument="a", by="ann", client=("p1", 1), base=shown)
    first = ten.revision
    ten.apply("label", ids=[3], argument="b", by="bob", client=("p2", 1), base=shown)
    # The same page again, before it was told anything: its own edit is no conflict.
    ten.apply("label", ids=[3], argument="c", by="bob", client=("p2", 2), base=shown)
    # Somebody who has seen all of it and changes it on purpose.
    ten.label(3, "a", by="ann")
    rows = ten.journal
    rows = rows[(rows["id"] == 3) & (rows["field"] == "category")]
    assert rows["after"].tolist() == ["a", "b", "c", "a"]
    assert rows["conflict"].tolist() == [False, True, False, False]
    assert [None if pd.isna(value) else value for value in rows["replaces"]] == [
        None,
        first,
        first + 1,
        first + 2,
    ]
    assert ten.images.loc[3, "category"] == "a"


def test_a_base_that_does_not_exist_yet_is_no_excuse(ten):
    """A page that claims to have seen the future has seen the newest revision at most."""
    ten.label(1, "a", by="ann")
    ten.apply("label", ids=[1], argument="b", client=("p", 1), base=10**9)
    last = ten.journal.iloc[-1]
    assert last["base"] == last["revision"] - 1
    assert not last["conflict"]
