"""A training in the user's own process leaves TensorFlow as it was."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine import runtime
from piximi_widgets.engine.jobs import tasks

pytestmark = pytest.mark.training


class TestDeterminism:
    @pytest.fixture(autouse=True)
    def _as_it_was(self):
        from piximi_widgets.engine.runtime import start_tensorflow

        start_tensorflow()
        yield
        start_tensorflow()

    def test_afterwards_a_fit_of_ones_own_needs_no_seed(self, project, config, monkeypatch):
        import keras
        import tensorflow as tf

        switch = runtime._switch()
        switch.disable_op_determinism()
        seen = []
        prepare = tasks.prepare_partitions

        def noticing(*arguments, **options):
            seen.append(switch.is_op_determinism_enabled())
            return prepare(*arguments, **options)

        monkeypatch.setattr(tasks, "prepare_partitions", noticing)
        project.fit(config, run="inline")
        assert seen == [True]
        assert not switch.is_op_determinism_enabled()
        # Trainings set it; a kernel in which another library was used has none.
        tf.random.set_seed(None)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((8, 4)), np.ones(8), epochs=1, verbose=0)

    def test_where_it_was_on_it_stays_on(self, project, config):
        project.fit(config, run="inline")
        assert runtime._switch().is_op_determinism_enabled()

    def test_of_two_at_a_time_the_last_one_puts_it_back(self):
        switch = runtime._switch()
        switch.disable_op_determinism()
        first, second = runtime.determinism_put_back(), runtime.determinism_put_back()
        first.__enter__()
        runtime.start_tensorflow()
        second.__enter__()
        first.__exit__(None, None, None)
        assert switch.is_op_determinism_enabled(), "the second one is at work"
        second.__exit__(None, None, None)
        assert not switch.is_op_determinism_enabled()
