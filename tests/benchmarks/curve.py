"""A curve of a million points brought to a thousand: ours, and reading all of it with sqlite3 and thinning it in NumPy.

Both read the same file. The points were logged through the API as trainings log them: one series alone, and one
of ten that were logged together and so lie side by side. What the peer does is timed once a file, since it is slow.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from piximi_widgets.experiments import Experiment, ExperimentStore
from piximi_widgets.experiments.metrics.writing import fold_all

TITLE = "A curve of 1,000,000 points to a 1000-point plot"

_POINTS = 1_000_000
_SHOWN = 1000
_REPEATS = 20


def run(points: int = _POINTS) -> list[dict[str, object]]:
    """Measure; `points` can be lowered for a quick look."""
    generator = np.random.default_rng(0)
    values = np.cumsum(generator.normal(size=points))
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="curve-") as name:
        path = Path(name) / "store.db"
        with ExperimentStore(path) as store:
            alone = store.create_experiment("alone")
            alone.log("loss", values)
            together = store.create_experiment("together")
            _log_together(together, values[: points // 10], 10)
            for experiment, metric, what in (
                (alone, "loss", f"{points:,} points"),
                (together, "loss0", f"{points // 10:,} points, one of ten metrics"),
            ):
                ours = _median(lambda e=experiment, m=metric: e.curve(m, _SHOWN), _REPEATS)
                theirs = _median(lambda e=experiment, m=metric: _bare(path, e.id, m), 1)
                budget = "budget: under 50 ms" if experiment is alone else ""
                rows += [
                    {"label": what, "value": ours, "unit": "ms", "note": budget},
                    {"label": "  read whole with sqlite3, thinned in NumPy", "value": theirs, "unit": "ms"},
                ]
            shown, whole = alone.curve("loss", _SHOWN)[1], values
            same = (shown.min(), shown.max(), shown[0], shown[-1]) == (
                whole.min(),
                whole.max(),
                whole[0],
                whole[-1],
            )
            rows.append({"label": "ends and extremes are the same", "value": str(same)})
            for step in range(1, points, max(1, points // 50)):
                alone.log_metrics({"loss": 0.0}, step=step)
            corrected = _median(lambda: alone.curve("loss", _SHOWN), _REPEATS)
            rows.append({"label": "after 50 corrections, not folded yet", "value": corrected, "unit": "ms"})
        rows.append({"label": "blocks beside the points", "value": _share(path), "unit": "% of the file"})
    return rows


def _log_together(experiment: Experiment, values: np.ndarray, count: int) -> None:
    """Log the same values as several metrics of one phase, as calls of log_metrics would."""
    from piximi_widgets.experiments.metrics.writing import open_series, write_points

    store = experiment.store
    names = [f"loss{index}" for index in range(count)]
    for start in range(0, len(values), 2000):
        piece = [(float(value), 0) for value in values[start : start + 2000]]
        steps = range(start + 1, start + 1 + len(piece))
        with store.database.write() as connection:
            for key in open_series(connection, experiment.id, names, 0):
                write_points(connection, key, steps, piece, 0)
            fold_all(connection, experiment.id)


def _bare(path: Path, experiment_id: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All points of a metric by plain sqlite3, then the lowest and highest of 500 stretches."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT point.step, point.value FROM point JOIN series ON series.id = series_id"
            " AND series.phase_id = point.phase_id WHERE experiment_id = ? AND series.name = ?"
            " ORDER BY point.step",
            (experiment_id, name),
        ).fetchall()
    finally:
        connection.close()
    table = np.array(rows, float)
    stretches = np.array_split(np.arange(len(table)), _SHOWN // 2)
    values = table[:, 1]
    chosen = np.unique(
        [one[function(values[one])] for one in stretches for function in (np.argmin, np.argmax)]
    )
    return table[chosen, 0], values[chosen]


def _median(work: Callable[[], object], repeats: int) -> float:
    """Milliseconds; the first of several runs only fills the caches."""
    times = []
    for _ in range(repeats + (repeats > 1)):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times[repeats > 1 :])


def _share(path: Path) -> float:
    connection = sqlite3.connect(path)
    try:
        held = connection.execute("SELECT sum(length(points) + 24) FROM series_block").fetchone()[0]
    finally:
        connection.close()
    return 100 * held / path.stat().st_size
