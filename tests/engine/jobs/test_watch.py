"""Watching for Stop, also while the store cannot be read."""

from __future__ import annotations

import time

import pytest

from piximi_widgets.engine.jobs.execution import Watch
from piximi_widgets.errors import StaleAttemptError, StoreError

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("tensorflow")]


class Job:
    """Each look gives, or raises, the next of its answers, and the last one from then on."""

    def __init__(self, *answers):
        self._answers = list(answers)

    @property
    def stop_requested(self):
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    "answers",
    [
        (False, True),
        (False, StoreError("database is locked"), StoreError("database is locked"), True),
        (False, StaleAttemptError("in other hands")),
    ],
)
def test_a_stop_is_noticed_whatever_came_before(answers):
    with Watch(Job(*answers)) as watch:
        assert not watch.stopping()
        deadline = time.monotonic() + 10
        while not watch.stopping():
            assert time.monotonic() < deadline, "it was never noticed"
            time.sleep(0.01)
