"""Undo and redo, by one author and by several, against tables worked by hand and a simple model."""

from __future__ import annotations

import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset


def labels(dataset: Dataset) -> str:
    """The categories of all images in one word, a dot for unlabeled."""
    return "".join("." if pd.isna(value) else value for value in dataset.images["category"])


def test_undo_and_redo_of_one_author(ten):
    """Worked by hand: states after each step."""
    table = [
        (lambda: ten.label([1, 2], "a"), "aa........"),
        (lambda: ten.label([2, 3], "b"), "abb......."),
        (lambda: ten.undo(), "aa........"),
        (lambda: ten.undo(), ".........."),
        (lambda: ten.redo(), "aa........"),
        (lambda: ten.redo(), "abb......."),
        (lambda: ten.redo(), "abb......."),
        (lambda: ten.undo(), "aa........"),
        (lambda: ten.label(4, "c"), "aa.c......"),
        (lambda: ten.redo(), "aa.c......"),
        (lambda: ten.undo(), "aa........"),
        (lambda: ten.undo(), ".........."),
    ]
    for number, (step, expected) in enumerate(table):
        step()
        assert labels(ten) == expected, number


def test_undo_takes_back_every_action(ten):
    """Each kind of edit is undone to exactly what was before, and done again."""
    ten.label([1, 2, 3], "a")
    ten.label([4, 5], "b")
    ten.store_predictions("e", ["a", "c"], [1, 5, 6, 7], np.tile([0.25, 0.75], (4, 1)))

    def state() -> tuple:
        frame = ten.images[["category", "partition", "excluded", "unsure", "note"]]
        refused = ten.columns().refused.tolist()
        return frame.to_csv(), refused, [(c.name, c.color, c.key) for c in ten.categories]

    steps = [
        lambda: ten.unlabel([1, 4]),
        lambda: ten.exclude([1, 2]),
        lambda: ten.include([1]),
        lambda: ten.mark_unsure([3, 4]),
        lambda: ten.mark_sure([4]),
        lambda: ten.set_note([1, 2], "out of focus"),
        lambda: ten.set_note([2], ""),
        lambda: ten.refuse_predictions([5]),
        lambda: ten.accept_predictions([1, 5, 6], relabel=True),
        lambda: ten.set_category_key("a", "x"),
        lambda: ten.set_category_key("c", "x"),
        lambda: ten.remove_images([2, 9]),
        lambda: ten.add_category("new", "#123456"),
        lambda: ten.rename_category("a", "A"),
        lambda: ten.recolor_category("b", "red"),
        lambda: ten.reorder_categories([c.name for c in reversed(ten.categories)]),
        lambda: ten.remove_category("b"),
        lambda: ten.remove_category("A", move_to="c"),
        lambda: ten.merge_categories(["c"], into="new"),
        lambda: ten.split(training=0.5),
        lambda: ten.load_labels(
            pd.DataFrame({"id": [1, 7], "category": ["new", "made"]}), add_categories=True
        ),
    ]
    states = [state()]
    for step in steps:
        step()
        states.append(state())
        assert states[-1] != states[-2]
    for expected in states[-2::-1]:
        ten.undo()
        assert state() == expected
    for expected in states[1:]:
        ten.redo()
        assert state() == expected


def test_undo_is_the_authors_own(ten):
    """Each author takes back what they did; what another has changed since is skipped and reported."""
    ten.label([1, 2, 3], "a", by="ann")
    ten.label([3, 4], "b", by="bob")
    result = ten.undo(by="ann")
    assert result.changed.tolist() == [1, 2]
    assert result.skipped.tolist() == [3]
    assert "changed by somebody else" in result.message
    assert labels(ten) == "..bb......"
    assert ten.undo(by="ann").message == "There is nothing to undo."
    ten.undo(by="bob")
    assert labels(ten) == "..a......."
    assert ten.redo(by="ann").changed.tolist() == [1, 2]
    assert labels(ten) == "aaa......."


def test_undo_of_nothing_is_no_operation(ten, tmp_path):
    """An empty history says so and leaves no trace."""
    with Dataset(tmp_path / "fresh") as fresh:
        assert fresh.undo().message == "There is nothing to undo."
        assert fresh.redo().message == "There is nothing to redo."
        assert fresh.revision == 0


def test_undo_passes_over_what_is_no_edit(ten):
    """Adding images, predictions, versions and a training's partitions are not what Ctrl+Z means."""
    ten.label([1, 2], "a")
    ten.add_images(np.zeros((2, 4, 6), np.uint8), labels=["b", "c"])
    ten.assign_partitions()
    ten.store_predictions("e", ["a"], [3], np.ones((1, 1)))
    ten.snapshot()
    result = ten.undo()
    assert result.changed.tolist() == [1, 2]
    assert labels(ten) == "..........bc"


def test_images_are_not_labeled_with_a_category_that_is_gone(ten):
    """Undo of a removal of labels does not bring back a category that another author has removed."""
    ten.label([1, 2], "a", by="ann")
    ten.unlabel([1, 2], by="ann")
    ten.remove_category("a", by="bob")
    result = ten.undo(by="ann")
    assert result.skipped.tolist() == [1, 2]
    assert labels(ten) == ".........."


def test_a_category_in_use_is_not_undone_away(ten):
    """The undo of adding a category leaves it where others have labeled with it."""
    ten.add_category("d", by="ann")
    ten.label(1, "d", by="bob")
    result = ten.undo(by="ann")
    assert "stayed as it is" in result.message
    assert labels(ten)[0] == "d"


def test_a_name_that_was_taken_meanwhile_stays_taken(ten):
    """Undo never makes two categories of one name."""
    ten.label(1, "a", by="ann")
    ten.rename_category("a", "z", by="ann")
    ten.add_category("a", by="bob")
    ten.undo(by="ann")
    assert [c.name for c in ten.categories] == ["z", "b", "c", "a"]
    ten.remove_category("b", by="ann")
    ten.add_category("b", by="bob")
    ten.undo(by="ann")
    assert [c.name for c in ten.categories] == ["z", "c", "a", "b"]
    ten.remove_category("c", by="ann")
    ten.add_category("C", by="bob")
    ten.undo(by="ann")
    assert [c.name for c in ten.categories] == ["z", "a", "b", "C"]
    ten.rename_category("C", "d", by="ann")
    ten.rename_category("d", "D", by="ann")
    ten.undo(by="ann")
    assert [c.name for c in ten.categories] == ["z", "a", "b", "d"]


def test_removed_images_come_back_without_a_removed_category(ten):
    """An image removed with a label, whose category was removed too, comes back unlabeled."""
    ten.label(1, "a", by="ann")
    ten.remove_images(1, by="ann")
    ten.remove_category("a", by="bob")
    ten.undo(by="ann")
    assert labels(ten) == ".........."
    ten.undo(by="bob")
    assert labels(ten) == "a........."


# -- against a model -------------------------------------------------------------------------------


@dataclass
class Model:
    """What labels, undo and redo should do, as plainly as can be: lists of (image, before, after)."""

    labels: dict[int, str | None]
    done: dict[str, list] = field(default_factory=lambda: {"ann": [], "bob": []})
    undone: dict[str, list] = field(default_factory=lambda: {"ann": [], "bob": []})

    def label(self, author: str, ids: list[int], name: str | None) -> None:
        changes = [(i, self.labels[i], name) for i in ids if self.labels[i] != name]
        if changes:
            self.labels.update({i: after for i, _, after in changes})
            self.done[author].append(changes)
            self.undone[author].clear()

    def _move(self, source: list, target: list) -> None:
        if source:
            reverted = [(i, a, b) for i, b, a in source.pop() if self.labels[i] == a]
            self.labels.update({i: after for i, _, after in reverted})
            target.append(reverted)

    def undo(self, author: str) -> None:
        self._move(self.done[author], self.undone[author])

    def redo(self, author: str) -> None:
        self._move(self.undone[author], self.done[author])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["label", "label", "label", "undo", "undo", "redo", "exclude"]),
        st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=20,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_random_histories_equal_the_model(steps):
    """Two authors label, undo and redo at random: labels and journal agree with the model at each step."""
    with tempfile.TemporaryDirectory() as folder:
        with redirect_stdout(StringIO()):
            opened = Dataset(f"{folder}/cells")
        with opened as dataset:
            dataset.add_images(np.zeros((5, 4, 6), np.uint8))
            for name in "ab":
                dataset.add_category(name, by="someone")
            model = Model(dict.fromkeys(range(1, 6)))
            names = {0: None, 1: "a", 2: "b"}
            for author, action, ids, name in steps:
                if action == "label":
                    dataset.label(ids, name, by=author) if name else dataset.unlabel(ids, by=author)
                    model.label(author, ids, name)
                elif action == "exclude":
                    # Another field in between, by a third author, must not disturb the two.
                    dataset.exclude(ids, by="eve")
                else:
                    dataset.apply(action, by=author)
                    getattr(model, action)(author)
                columns = dataset.columns()
                found = dict(
                    zip(columns.id.tolist(), [names[c] for c in columns.category_id.tolist()], strict=True)
                )
                assert found == model.labels
            replayed: dict[int, str | None] = dict.fromkeys(range(1, 6))
            journal = dataset.journal
            for row in journal[journal["field"] == "category"].itertuples():
                assert replayed[row.id] == row.before
                replayed[row.id] = row.after
            assert replayed == model.labels


def test_many_undos_in_a_row(ten):
    """Twenty steps back and forth end where they began."""
    for number in range(20):
        ten.label(1 + number % 10, "abc"[number % 3])
    end = labels(ten)
    for _ in range(20):
        ten.undo()
    assert labels(ten) == "." * 10
    for _ in range(20):
        ten.redo()
    assert labels(ten) == end
