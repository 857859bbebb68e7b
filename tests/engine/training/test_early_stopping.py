"""Early stopping ends after its patience and gives back the best epoch's weights."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.training.early_stopping import EarlyStopping


class Weights:
    """Stands for a network whose only weight is the epoch's number."""

    value = 0

    def get_weights(self):
        return [np.array(self.value)]

    def set_weights(self, weights):
        self.value = int(weights[0])


def watch(patience: int, losses: list[float]) -> tuple[EarlyStopping, Weights, int]:
    stopping, model = EarlyStopping(TrainingConfig(early_stopping=patience)), Weights()
    for epoch, loss in enumerate(losses, 1):
        model.value = epoch
        stopping.observe(loss, model)
        if stopping.over:
            break
    return stopping, model, model.value


@pytest.mark.parametrize(
    ("patience", "losses", "end", "best"),
    [
        (2, [3, 2, 2, 2, 1], 4, 2),
        (3, [3, 2, 2, 2, 1, 5], 6, 5),
        (1, [1, 2, 0], 2, 1),
        (2, [math.nan, math.nan, math.nan, 1], 3, 1),
        (0, [1, 2, 3], 3, 3),
    ],
)
def test_it_ends_after_its_patience_with_the_best_weights(patience, losses, end, best):
    stopping, model, last = watch(patience, losses)
    assert last == end
    stopping.restore(model)
    assert model.value == best


def test_a_position_taken_over_goes_on_alike():
    first, model, _ = watch(3, [3, 2, 2])
    second = EarlyStopping(TrainingConfig(early_stopping=3))
    second.go_to(json.loads(json.dumps(first.position())), first.weights)
    for value in (4, 5):
        assert not second.over
        model.value = value
        second.observe(2.5, model)
    assert second.over
    second.restore(model)
    assert model.value == 2
