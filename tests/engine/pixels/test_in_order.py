"""Results of several threads come in order, few of them wait, and an error ends it."""

from __future__ import annotations

import random
import threading
import time

import pytest

from piximi_widgets.engine.pixels import in_order as module
from piximi_widgets.engine.pixels.in_order import in_order


def test_results_come_in_the_order_of_their_items():
    delays = [random.Random(number).random() / 100 for number in range(40)]

    def work(number: int) -> int:
        time.sleep(delays[number])
        return number * number

    assert list(in_order(work, range(40))) == [number * number for number in range(40)]


def test_few_results_wait_for_whoever_takes_them(monkeypatch):
    monkeypatch.setattr(module, "_MOST_THREADS", 2)
    done = []
    results = in_order(lambda number: done.append(number) or number, range(100))
    for taken in range(20):
        assert next(results) == taken
        time.sleep(0.01)
        assert len(done) <= taken + 4
    results.close()


def test_the_first_error_is_raised_and_the_threads_end():
    begun = []

    def work(number: int) -> int:
        begun.append(number)
        if number in (5, 6):
            raise ValueError(f"item {number}")
        return number

    with pytest.raises(ValueError, match="item 5"):
        list(in_order(work, range(10_000)))
    assert len(begun) < 30
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("piximi-prepare")]
