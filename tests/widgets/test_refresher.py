"""One thread draws, whoever asks; what goes wrong is handed on."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from piximi_widgets.widgets.refresher import Refresher, in_thread

from .conftest import eventually


@pytest.fixture
def make():
    made = []

    def build(draw, failed=lambda error: None, per_second=50.0):
        refresher = Refresher(draw, failed, name="test-refresher", per_second=per_second)
        made.append(refresher)
        return refresher

    yield build
    for refresher in made:
        refresher.close()


def test_requests_from_many_threads_are_drawn_on_one(make):
    drawn_on = set()
    refresher = make(lambda: drawn_on.add(threading.current_thread().name))
    threads = [threading.Thread(target=refresher.request) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refresher.flush()
    assert drawn_on == {"test-refresher"}


def test_a_burst_is_coalesced_and_its_last_request_is_drawn(make):
    seen, state = [], {"value": 0}
    refresher = make(lambda: seen.append(state["value"]), per_second=10)
    for value in range(1, 101):
        state["value"] = value
        refresher.request()
        time.sleep(0.002)
    assert refresher.flush()
    assert seen[-1] == 100
    assert len(seen) <= 6


def test_no_more_redraws_than_allowed(make):
    times = []
    refresher = make(lambda: times.append(time.monotonic()), per_second=20)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        refresher.request()
        time.sleep(0.005)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0.045


def test_actions_keep_their_order_and_are_followed_by_a_redraw(make):
    seen = []
    refresher = make(lambda: seen.append("draw"))
    for number in range(5):
        refresher.do(lambda number=number: seen.append(number))
    assert refresher.flush()
    assert [entry for entry in seen if entry != "draw"] == [0, 1, 2, 3, 4]
    assert seen[-1] == "draw"


def test_an_exception_is_handed_on_and_the_next_redraw_happens(make):
    errors, drawn = [], []

    def draw():
        drawn.append(1)
        if len(drawn) == 1:
            raise ValueError("first")

    refresher = make(draw, errors.append)
    refresher.request()
    refresher.flush()
    refresher.request()
    assert refresher.flush()
    assert [str(error) for error in errors] == ["first"]
    assert len(drawn) == 2


def test_what_nobody_sees_is_drawn_when_it_is_seen_again(make):
    drawn = []
    refresher = make(lambda: drawn.append(1))
    refresher.active = False
    refresher.request()
    time.sleep(0.1)
    assert drawn == []
    refresher.active = True
    assert eventually(lambda: drawn == [1])


def test_a_clock_ticks_without_requests_until_it_is_stopped(make):
    drawn = []
    refresher = make(lambda: drawn.append(1))
    refresher.every(0.03)
    refresher.request()
    assert eventually(lambda: len(drawn) >= 4)
    refresher.every(None)
    time.sleep(0.1)
    count = len(drawn)
    time.sleep(0.15)
    assert len(drawn) == count


def test_closing_ends_the_thread(make):
    refresher = make(lambda: None)
    refresher.request()
    refresher.flush()
    refresher.close()
    assert eventually(lambda: all(thread.name != "test-refresher" for thread in threading.enumerate()))
    refresher.request()
    assert all(thread.name != "test-refresher" for thread in threading.enumerate())


def test_the_exception_of_a_thread_is_handed_on():
    errors = []
    in_thread(lambda: 1 / 0, errors.append, name="test-thread").join()
    assert isinstance(errors[0], ZeroDivisionError)
