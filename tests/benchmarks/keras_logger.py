"""The share of a plain Keras ``fit`` that ``KerasLogger`` and the samples of the machine take.

Counted is the processor time of the thread while it is in the logger, so that a busy machine does not blur it, against
that of the whole process. The network is as small as can be: the shares of a larger one are smaller.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.keras_logging.keras_logger import KerasLogger
from piximi_widgets.experiments.watching.system_samples import Probe

TITLE = "KerasLogger in a plain fit of a small network, batches of 32"

_STEPS = 500
_PROBES = 50


def run(steps: int = _STEPS) -> list[dict[str, object]]:
    """Measure; `steps` (batches) can be lowered for a quick look."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np

    x = np.random.default_rng(0).normal(size=(32 * steps, 32)).astype("float32")
    y = np.arange(len(x)) % 10
    model = keras.Sequential(
        [
            keras.Input((32,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    rows: list[dict[str, object]] = []
    with (
        tempfile.TemporaryDirectory(prefix="keras-logger-") as folder,
        ExperimentStore(Path(folder) / "s.db") as store,
    ):
        logger = KerasLogger(store.create_experiment("run"), save_model=False, system=False)
        spent = {name: _timed(logger, name) for name in ("on_train_batch_end", "on_epoch_end")}
        begin = time.process_time()
        model.fit(x, y, verbose=0, callbacks=[logger])
        whole = time.process_time() - begin
        rows.append(
            {"label": "a batch", "value": 1e6 * sum(spent["on_train_batch_end"]) / steps, "unit": "µs"}
        )
        rows.append({"label": "an epoch's end", "value": 1e3 * sum(spent["on_epoch_end"]), "unit": "ms"})
        share = 100 * sum(map(sum, spent.values())) / whole
        note = f"of {1e6 * whole / steps:.0f} µs a batch"
        rows.append({"label": "share of the fit, batches logged", "value": share, "unit": "%", "note": note})
        alone = 100 * sum(spent["on_epoch_end"]) / whole
        rows.append({"label": "share of the fit, epochs alone", "value": alone, "unit": "%"})
        probe = Probe(Path(folder))
        begin = time.thread_time()
        for _ in range(_PROBES):
            probe.read()
        sample = (time.thread_time() - begin) / _PROBES
        rows.append(
            {
                "label": "a sample of the machine",
                "value": 1e3 * sample,
                "unit": "ms",
                "note": "each 1 to 30 s",
            }
        )
    return rows


def _timed(logger: Any, name: str) -> list[float]:
    """Put a clock around a method of the logger; its readings, in seconds."""
    method: Callable[..., Any] = getattr(logger, name)
    times: list[float] = []

    def timed(*given: Any, **named: Any) -> None:
        begin = time.thread_time()
        method(*given, **named)
        times.append(time.thread_time() - begin)

    setattr(logger, name, timed)
    return times
