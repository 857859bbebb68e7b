"""Operations as a browser sends them: numbered, sent again when an answer was lost, and late."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from piximi_widgets.errors import CategoryError, SelectionError

ROOT = Path(__file__).parents[2]


def labels(dataset) -> str:
    """The categories of all images in one word, a dot for unlabeled."""
    return "".join("." if pd.isna(value) else value for value in dataset.images["category"])


def same(first, second) -> bool:
    """Whether two results say the same."""
    return (
        (first.revision, first.action, first.message) == (second.revision, second.action, second.message)
        and first.changed.tolist() == second.changed.tolist()
        and first.skipped.tolist() == second.skipped.tolist()
    )


def test_an_operation_sent_again_changes_nothing(ten):
    """The stored result comes back, even when others have been at work in between."""
    sent = {"ids": [1, 2], "argument": {"category": "a"}, "client": ("tab-1", 1), "source": "labeler"}
    first = ten.apply("label", **sent)
    ten.label([1], "b", by="bob")
    revision = ten.revision
    again = ten.apply("label", **sent)
    assert same(first, again)
    assert ten.revision == revision
    assert labels(ten)[:2] == "ba"
    assert ten.journal["source"].tolist().count("labeler") == 2


@pytest.mark.parametrize("action", ["undo", "redo", "unlabel", "label"])
def test_an_operation_that_did_nothing_is_remembered_too(ten, action):
    """An undo of nothing, sent again after there was something to undo, still does nothing."""
    ten.reorder_categories(["b", "a", "c"], by="someone")
    sent = {"ids": [3], "argument": "a", "client": ("tab-1", 7), "by": "ann"}
    if action == "label":
        ten.label(3, "a", by="bob")
    first = ten.apply(action, **sent)
    assert first.changed.size == 0
    ten.label(3, "c", by="ann")
    assert same(first, ten.apply(action, **sent))
    assert labels(ten)[2] == "c"
    # It does not stand in the way of undo either.
    assert ten.undo(by="ann").changed.tolist() == [3]


def test_numbers_belong_to_their_client(ten):
    """Two tabs may both have an operation number 1."""
    ten.apply("label", ids=[1], argument="a", client=("tab-1", 1))
    ten.apply("label", ids=[2], argument="b", client=("tab-2", 1))
    assert labels(ten)[:2] == "ab"


def test_images_that_are_gone_are_skipped_for_a_client(ten):
    """An edit that was made before somebody removed an image is not lost for the others."""
    ten.remove_images(2)
    result = ten.apply("label", ids=[1, 2, 3, 999], argument="a", client=("tab-1", 1))
    assert result.changed.tolist() == [1, 3]
    assert result.skipped.tolist() == [2, 999]
    assert same(result, ten.apply("label", ids=[1, 2, 3, 999], argument="a", client=("tab-1", 1)))


def test_a_refused_operation_leaves_nothing_behind(ten):
    """A refusal is not stored: the same number may be sent anew, corrected."""
    revision = ten.revision
    with pytest.raises(CategoryError):
        ten.apply("label", ids=[1], argument="none such", client=("tab-1", 1))
    with pytest.raises(SelectionError):
        ten.apply("label", ids=["1; DROP TABLE image"], argument="a", client=("tab-1", 1))
    assert ten.revision == revision
    assert ten.apply("label", ids=[1], argument="a", client=("tab-1", 1)).changed.tolist() == [1]


def test_a_whole_session_sent_twice_equals_one_sent_once(ten):
    """Every operation delivered two times, as after a lost acknowledgement: the same end."""
    random = np.random.default_rng(4)
    model = dict.fromkeys(range(1, 11), ".")
    for number in range(60):
        ids = random.choice(10, size=3, replace=False) + 1
        name = "abc"[random.integers(3)]
        for _ in range(2):
            ten.apply("label", ids=ids, argument=name, client=("tab", number))
        model.update(dict.fromkeys(ids.tolist(), name))
    assert labels(ten) == "".join(model[i] for i in range(1, 11))
    assert len(ten.journal["revision"].unique()) <= 60 + 4


def test_another_kernel_sees_a_label_and_may_undo_only_its_own(ten):
    """A process of its own labels and undoes; this one is told of both, and its columns follow."""
    news = threading.Event()
    subscription = ten.watch(news.set)
    program = (
        "import sys\n"
        "from piximi_widgets.dataset import Dataset\n"
        "with Dataset(sys.argv[1]) as dataset:\n"
        "    for step in (lambda: dataset.label([2, 3], 'b', by='bob'), lambda: dataset.undo(by='bob')):\n"
        "        sys.stdin.readline()\n"
        "        print(step().revision, flush=True)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(ten.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    ten.label([1, 2], "a", by="ann")
    try:
        for expected in ([1, 2, 2], [1, 1, 0]):
            news.clear()
            other.stdin.write("\n")
            other.stdin.flush()
            revision = int(other.stdout.readline())
            assert news.wait(5)
            assert ten.columns().revision == revision
            assert ten.columns([1, 2, 3]).category_id.tolist() == expected
    finally:
        subscription.close()
        other.communicate(timeout=30)
    assert ten.undo(by="bob").changed.size == 0
    assert ten.undo(by="ann").changed.tolist() == [1, 2]
