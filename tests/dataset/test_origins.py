"""Where labels come from, against tables worked by hand and a replay that keeps every step."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.records import ORIGINS


def origins(dataset: Dataset) -> list[tuple[str | None, str | None]]:
    """(origin, author) of each image."""
    found = dataset.label_origins()
    assert np.array_equal(found.id, dataset.columns().id)
    assert found.revision == dataset.revision
    authors = [*found.authors, None]
    return [
        (ORIGINS[code], authors[author])
        for code, author in zip(found.origin.tolist(), found.author.tolist(), strict=True)
    ]


def test_each_way_to_get_a_label(ten):
    """By hand, from a prediction, with the images, from a table; and whose doing it was."""
    ten.label([1, 2], "a", by="ann")
    ten.store_predictions("e", ["a", "b"], [3, 4], np.array([[0.9, 0.1], [0.2, 0.8]]))
    ten.accept_predictions([3, 4], by="bob")
    ten.load_labels(pd.DataFrame({"id": [5], "category": ["c"]}), by="cid")
    ten.add_images(np.zeros((2, 4, 6), np.uint8), labels=["b", None], by="dan")
    none = (None, None)
    assert origins(ten) == [
        *[("hand", "ann")] * 2,
        *[("accepted", "bob")] * 2,
        ("imported", "cid"),
        *[none] * 5,
        ("imported", "dan"),
        none,
    ]
    ten.unlabel([1, 3])
    ten.label([4, 11], "c", by="eve")
    found = origins(ten)
    assert [found[i] for i in (0, 2, 3, 10)] == [none, none, ("hand", "eve"), ("hand", "eve")]


def test_crops_come_with_imported_labels(ten):
    """Labels of a table of objects are imported, too."""
    objects = pd.DataFrame({"image_id": [1, 2], "x": [3, 3], "y": [2, 2]})
    ten.add_crops(objects, size=2, labels=["a", None], by="ann")
    assert origins(ten)[10:] == [("imported", "ann"), (None, None)]


def test_the_same_label_again_is_nobodys_news_unless_confirmed(ten):
    """To label as it is labeled changes nothing; with confirm the label becomes the author's own, and undo gives it back."""
    ten.load_labels(pd.DataFrame({"id": [1, 2], "category": ["a", "b"]}), by="ann")
    ten.label([1, 2], "a", by="bob")
    assert origins(ten)[:2] == [("imported", "ann"), ("hand", "bob")]
    result = ten.label([1, 2], "a", by="cid", confirm=True)
    assert result.changed.tolist() == [1, 2]
    assert origins(ten)[:2] == [("hand", "cid")] * 2
    ten.undo(by="cid")
    assert origins(ten)[:2] == [("imported", "ann"), ("hand", "bob")]
    ten.redo(by="cid")
    assert origins(ten)[:2] == [("hand", "cid")] * 2
    assert ten.check().ok


def test_moving_labels_leaves_their_origin(ten):
    """Merging and removing categories is about categories, not about who looked at the images."""
    ten.label([1], "a", by="ann")
    ten.load_labels(pd.DataFrame({"id": [2], "category": ["b"]}), by="bob")
    given = ten.label_origins().time
    ten.merge_categories(["a"], into="b", by="cid")
    ten.remove_category("b", move_to="c", by="cid")
    assert origins(ten)[:2] == [("hand", "ann"), ("imported", "bob")]
    assert np.array_equal(ten.label_origins().time, given, equal_nan=True)
    ten.undo(by="cid")
    ten.undo(by="cid")
    assert origins(ten)[:2] == [("hand", "ann"), ("imported", "bob")]
    ten.remove_category("a", by="cid")
    assert origins(ten)[:2] == [(None, None), ("imported", "bob")]
    ten.undo(by="cid")
    assert origins(ten)[:2] == [("hand", "ann"), ("imported", "bob")]


def test_undo_gives_back_whose_label_it_was(ten):
    """Also through a chain of undos and redos, and when others were at work in between."""
    ten.load_labels(pd.DataFrame({"id": [1], "category": ["a"]}), by="ann")
    table = [
        (lambda: ten.label(1, "b", by="bob"), ("hand", "bob")),
        (lambda: ten.undo(by="bob"), ("imported", "ann")),
        (lambda: ten.redo(by="bob"), ("hand", "bob")),
        (lambda: ten.label(1, "c", by="cid"), ("hand", "cid")),
        (lambda: ten.label(1, "b", by="dan"), ("hand", "dan")),
        # The label is the one that bob had given, whoever gave it since: so his undo takes it back.
        (lambda: ten.undo(by="bob"), ("imported", "ann")),
        (lambda: ten.redo(by="bob"), ("hand", "dan")),
        (lambda: ten.undo(by="cid"), ("hand", "dan")),
    ]
    for number, (step, expected) in enumerate(table):
        step()
        assert origins(ten)[0] == expected, number


def test_times_are_those_of_the_operations(ten):
    """In seconds since 1970, NaN for the unlabeled; the journal says the same."""
    before = time.time()
    ten.label([3], "a", by="ann")
    after = time.time()
    found = ten.label_origins().time
    assert before - 1e-5 <= found[2] <= after
    assert np.isnan(np.delete(found, 2)).all()
    told = ten.journal.query("field == 'category' and id == 3")["time"].iloc[-1]
    assert told.timestamp() == pytest.approx(found[2], abs=1e-5)


def test_removed_images_and_another_kernels_work(ten):
    """Rows follow the images that are there; what another handle does is seen, and an old project is read whole."""
    ten.label([1, 2, 3], "a", by="ann")
    assert origins(ten)[2] == ("hand", "ann")
    with Dataset(ten.path) as other:
        other.remove_images([1], by="bob")
        other.label([3], "b", by="bob")
        assert origins(ten)[:2] == [("hand", "ann"), ("hand", "bob")]
        assert origins(other) == origins(ten)
        other.undo(by="bob")
        other.undo(by="bob")
        assert origins(ten)[:3] == [("hand", "ann")] * 3
    with Dataset(ten.path, "r") as reader:
        assert origins(reader) == origins(ten)


def test_an_empty_project_has_no_origins(dataset):
    found = dataset.label_origins()
    assert (len(found.origin), len(found.time), found.authors) == (0, 0, [])


def test_the_arrays_cannot_be_written_and_are_kept(ten):
    """They are shared; as long as nothing happens they are the same ones."""
    ten.label(1, "a")
    found = ten.label_origins()
    assert ten.label_origins() is found
    with pytest.raises(ValueError, match="read-only"):
        found.origin[0] = 2


# -- against a replay ------------------------------------------------------------------------------

IMAGES = 5
NOTHING = (None, None, None)


@dataclass
class Replay:
    """Each image's (category, origin, author), and each author's operations as lists of (image, before, after)."""

    states: dict[int, tuple] = field(default_factory=lambda: dict.fromkeys(range(1, IMAGES + 1), NOTHING))
    live: set[str] = field(default_factory=lambda: set("abc"))
    done: dict[str, list] = field(default_factory=lambda: {"ann": [], "bob": []})
    undone: dict[str, list] = field(default_factory=lambda: {"ann": [], "bob": []})

    def give(
        self, author: str, new: dict[int, tuple], removed: str | None = None, same: bool = False
    ) -> None:
        changes = [
            (i, self.states[i], state) for i, state in new.items() if same or self.states[i][0] != state[0]
        ]
        if not changes and removed is None:
            return
        self.states.update({i: state for i, _, state in changes})
        self.live -= {removed}
        self.done[author].append((changes, removed and (removed, False)))
        self.undone[author].clear()

    def merge(self, author: str, name: str, into: str | None) -> None:
        moved = {
            i: (into, *state[1:]) if into else NOTHING for i, state in self.states.items() if state[0] == name
        }
        self.give(author, moved, removed=name)

    def _move(self, source: list, target: list) -> None:
        if not source:
            return
        changes, category = source.pop()
        kept = None
        if category and not category[1] and category[0] not in self.live:
            self.live.add(category[0])
            kept = (category[0], True)
        reverted = [
            (i, self.states[i], before)
            for i, before, after in changes
            if self.states[i][0] == after[0] and (before[0] is None or before[0] in self.live)
        ]
        self.states.update({i: before for i, _, before in reverted})
        if category and category[1] and category[0] in self.live:
            used = any(state[0] == category[0] for state in self.states.values())
            if not used:
                self.live.discard(category[0])
                kept = (category[0], False)
        target.append((reverted, kept))

    def undo(self, author: str) -> None:
        self._move(self.done[author], self.undone[author])

    def redo(self, author: str) -> None:
        self._move(self.undone[author], self.done[author])


PREDICTED = {1: "a", 2: "b", 3: "a"}
ACTIONS = [
    "label",
    "label",
    "confirm",
    "unlabel",
    "accept",
    "load",
    "merge",
    "undo",
    "undo",
    "redo",
    "exclude",
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(ACTIONS),
        st.lists(st.integers(1, IMAGES), min_size=1, max_size=3, unique=True),
        st.sampled_from("abc"),
        st.sampled_from(["a", "b", "c", None]),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(1, 25))
def test_random_histories_equal_the_replay(steps, looks):
    """Two authors do everything that labels can come from; looked at after some steps, or read whole at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with redirect_stdout(StringIO()):
            opened = Dataset(f"{folder}/cells")
        with opened as dataset:
            dataset.add_images(np.zeros((IMAGES, 4, 6), np.uint8))
            for name in "abc":
                dataset.add_category(name, by="someone")
            classes = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
            dataset.store_predictions("e", ["a", "b"], list(PREDICTED), classes)
            replay = Replay()
            for number, (author, action, ids, name, other) in enumerate(steps):
                by_hand = dict.fromkeys(ids, (name, "hand", author))
                if action in ("label", "confirm", "load") and name not in replay.live:
                    continue
                if action in ("label", "confirm"):
                    dataset.label(ids, name, by=author, confirm=action == "confirm")
                    replay.give(author, by_hand, same=action == "confirm")
                elif action == "unlabel":
                    dataset.unlabel(ids, by=author)
                    replay.give(author, dict.fromkeys(ids, NOTHING))
                elif action == "load":
                    dataset.load_labels(pd.DataFrame({"id": ids, "category": name}), by=author)
                    replay.give(author, dict.fromkeys(ids, (name, "imported", author)))
                elif action == "accept":
                    wanted = {i: PREDICTED[i] for i in ids if i in PREDICTED}
                    if set(wanted.values()) <= replay.live:
                        dataset.accept_predictions(list(wanted), by=author, relabel=True)
                        replay.give(author, {i: (n, "accepted", author) for i, n in wanted.items()})
                elif action == "merge":
                    if name in replay.live and (other is None or (other in replay.live and other != name)):
                        dataset.remove_category(name, move_to=other, by=author)
                        replay.merge(author, name, other)
                elif action == "exclude":
                    dataset.exclude(ids, by="eve")
                else:
                    dataset.apply(action, by=author)
                    getattr(replay, action)(author)
                if not number % looks:
                    assert origins(dataset) == [state[1:] for state in replay.states.values()]
            expected = [state[1:] for state in replay.states.values()]
            assert origins(dataset) == expected
            labeled = dataset.images["category"].tolist()
            assert [None if n != n else n for n in labeled] == [s[0] for s in replay.states.values()]
            with Dataset(dataset.path, "r") as again:
                assert origins(again) == expected


# -- a hundred thousand ----------------------------------------------------------------------------


@pytest.mark.parametrize("operations", [10, 100_000])
def test_a_hundred_thousand_labels_are_read_at_once(tmp_path: Path, operations):
    """Given in few operations or one by one; what comes later takes a few milliseconds."""
    count = 100_000
    with Dataset(tmp_path / "cells") as dataset:
        dataset.add_images(np.zeros((1, 8, 8), np.uint8))
        dataset.add_category("a")
        start = dataset.revision + 1
    connection = sqlite3.connect(tmp_path / "cells" / "project.db")
    each = count // operations
    with connection:
        connection.executemany(
            "INSERT INTO image (name, height, width, channels, planes, dtype) VALUES (?, 8, 8, 1, 1, 'uint8')",
            ((f"image {n}",) for n in range(count - 1)),
        )
        connection.execute("UPDATE image SET category_id = 1")
        connection.executemany(
            "INSERT INTO change VALUES (?, 'image', ?, 'category_id', 0, 1)",
            ((start + n // each, n + 1) for n in range(count)),
        )
        connection.executemany(
            "INSERT INTO operation (id, time, author, source, action, reversible, detail)"
            " VALUES (?, ?, ?, 'labeler', ?, 1, ?)",
            (
                (start + n, 1.7e9 + n, ("ann", "bob")[n % 2], ("label", "load_labels")[n % 2], json.dumps({}))
                for n in range(operations)
            ),
        )
    connection.close()
    spent = []
    for _ in range(3):
        with Dataset(tmp_path / "cells") as dataset:
            dataset.columns()
            began = time.process_time()
            found = dataset.label_origins()
            spent.append(time.process_time() - began)
    numbers = np.arange(count) // each
    assert np.array_equal(found.origin, np.where(numbers % 2, 3, 1))
    assert np.array_equal(np.array(found.authors)[found.author], np.where(numbers % 2, "bob", "ann"))
    assert np.array_equal(found.time, 1.7e9 + numbers)
    assert min(spent) < 0.3
    with Dataset(tmp_path / "cells") as dataset:
        dataset.label_origins()
        spent = []
        for number in range(5):
            dataset.unlabel([number + 1])
            dataset.columns()
            began = time.process_time()
            found = dataset.label_origins()
            spent.append(time.process_time() - began)
            assert found.origin[number] == 0
        assert min(spent) < 0.05
