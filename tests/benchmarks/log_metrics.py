"""``log_metrics`` of ten values against a bare SQLite transaction of the same rows, and against MLflow.

All three commit inside the call and write to a database in a folder of its own. They take turns in short rounds, so
that a slow moment of the machine hits each of them; the figures are medians. The first seconds do not count: until a
folder has been as it is for three, a commit of ours looks at three files in it instead of at the folder.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.sql.metrics import PUT_POINT

TITLE = "log_metrics, 10 values a call, committed"

_VALUES = {f"metric-{index}": 0.1 * index for index in range(10)}
_ROUNDS = 10
_CALLS = 250
_CALLS_OF_MLFLOW = 4
_WARM_UP_SECONDS = 4.0


def run(rounds: int = _ROUNDS, warm_up: float = _WARM_UP_SECONDS) -> list[dict[str, object]]:
    """Measure; `rounds` and `warm_up` (seconds) can be lowered for a quick look."""
    with tempfile.TemporaryDirectory(prefix="log-metrics-") as name:
        folder = Path(name)
        for part in ("ours", "bare", "mlflow"):
            (folder / part).mkdir()
        store = ExperimentStore(folder / "ours" / "ours.db")
        writers: dict[str, tuple[Callable[[int], object], int]] = {
            "piximi_widgets": (_ours(store), _CALLS),
            "bare SQLite": (_bare(folder / "bare" / "bare.db"), _CALLS),
        }
        mlflow = _mlflow(folder / "mlflow")
        if mlflow is not None:
            writers["MLflow on SQLite"] = (mlflow, _CALLS_OF_MLFLOW)
        times: dict[str, list[float]] = {name: [] for name in writers}
        steps = dict.fromkeys(writers, 0)
        warm_at = time.monotonic() + warm_up
        while len(times["bare SQLite"]) < rounds * _CALLS:
            # the first round also makes series and tables
            warm = steps["bare SQLite"] > 0 and time.monotonic() > warm_at
            for name, (write, calls) in writers.items():
                for _ in range(calls):
                    steps[name] += 1
                    begin = time.perf_counter()
                    write(steps[name])
                    duration = time.perf_counter() - begin
                    if warm:
                        times[name].append(duration)
        store.close()
    return _rows(times)


def _rows(times: dict[str, list[float]]) -> list[dict[str, object]]:
    median = {name: statistics.median(values) * 1e6 for name, values in times.items()}
    rows: list[dict[str, object]] = [
        {
            "label": name,
            "value": median[name],
            "unit": "µs",
            "note": f"median of {len(times[name])}; p99 {_p99(times[name]) * 1e6:.0f} µs",
        }
        for name in times
    ]
    ours = median["piximi_widgets"]
    rows.append(
        {
            "label": "against bare SQLite",
            "value": ours / median["bare SQLite"],
            "unit": "times as long",
            "note": "budget: at most 2",
        }
    )
    if "MLflow on SQLite" in median:
        rows.append(
            {
                "label": "against MLflow",
                "value": median["MLflow on SQLite"] / ours,
                "unit": "times as fast",
                "note": "budget: at least 50",
            }
        )
    else:
        rows.append(
            {
                "label": "against MLflow",
                "value": float("nan"),
                "unit": "",
                "note": "not installed: mlflow-skinny",
            }
        )
    return rows


def _ours(store: ExperimentStore) -> Callable[[int], object]:
    experiment = store.create_experiment("benchmark")
    return lambda step: experiment.log_metrics(_VALUES, step=step)


def _bare(path: Path) -> Callable[[int], object]:
    """The same ten points in the same table with the same settings, and nothing else."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE point (phase_id INTEGER NOT NULL, step INTEGER NOT NULL, series_id INTEGER NOT NULL,"
        " time INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL,"
        " PRIMARY KEY (phase_id, step, series_id)) WITHOUT ROWID"
    )

    def write(step: int) -> None:
        now = time.time_ns() // 1_000_000
        rows = [(1, step, index, now, value, 0) for index, value in enumerate(_VALUES.values())]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(PUT_POINT, rows)
        connection.execute("COMMIT")

    return write


def _mlflow(folder: Path) -> Callable[[int], object] | None:
    """``log_metrics`` of MLflow into its SQLite store; None when it is not installed."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    try:
        import mlflow
        from mlflow.store.tracking import sqlalchemy_store as _  # noqa: F401  (needs sqlalchemy and alembic)
    except ImportError:
        return None
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.create_experiment("benchmark", artifact_location=(folder / "mlflow").as_uri())
    run_id = client.create_run(experiment).info.run_id

    def write(step: int) -> None:
        now = time.time_ns() // 1_000_000
        metrics = [mlflow.entities.Metric(name, value, now, step) for name, value in _VALUES.items()]
        client.log_batch(run_id, metrics=metrics, synchronous=True)

    return write


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]
