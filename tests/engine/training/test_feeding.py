"""Pixels reach the batches that they belong to, from memory or read ahead."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.preprocessing import Preprocessing
from piximi_widgets.engine.training.feeding import Feed

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]

PIXELS = np.arange(12, dtype=np.float32).reshape(12, 1, 1, 1)
ORDER = np.random.default_rng(0).permutation(12).reshape(6, 2)


def training(streamed: bool) -> Partition:
    preprocessing = Preprocessing((1, 1, 1), (0.0,), (1.0,)) if streamed else None
    return Partition(PIXELS, np.zeros(12, np.int32), preprocessing)


def seen(feed: Feed, start: int, stop: int) -> tuple[list[list[float]], int]:
    pixels, rows, stop = feed.fetch(start, stop)
    return pixels.numpy()[rows].reshape(rows.shape).tolist(), stop


@pytest.mark.parametrize("streamed", [False, True])
def test_batches_hold_the_images_of_the_order(streamed: bool):
    with Feed(training(streamed)) as feed:
        for order in (ORDER, ORDER[::-1]):
            feed.begin(order)
            assert seen(feed, 0, 2) == (order[:2].tolist(), 2)
            feed.announce(2, 5)
            images, stop = seen(feed, 2, 3)
            # What was announced comes at once, also where fewer batches are asked for now.
            assert stop == (5 if streamed else 3)
            assert images == order[2:stop].tolist()
            feed.announce(stop, 6)


def test_given_pixels_replace_those_of_the_training():
    with Feed(training(False)) as feed:
        feed.begin(ORDER, PIXELS + 100)
        assert seen(feed, 0, 6)[0] == (ORDER + 100).tolist()


def test_a_block_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("piximi_widgets.engine.training.feeding._BLOCK_BYTES", 3 * 2 * 4)
    with Feed(training(True)) as feed:
        feed.begin(ORDER)
        assert feed.most == 3


def test_its_thread_ends_with_it():
    with Feed(training(True)) as feed:
        feed.begin(ORDER)
        feed.announce(0, 3)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pixels")]
