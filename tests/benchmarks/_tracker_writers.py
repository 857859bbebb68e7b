"""One tracker at a time, in a process of its own: ``python _tracker_writers.py TRACKER TASK FOLDER``.

Runs under the interpreter in which the tracker is installed, so it imports nothing else of the tests. Tasks: ``write`` many
calls and print their times, ``stay`` after a few calls until somebody kills the process, ``count`` what can be read back,
``list`` 1,000 runs.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METRICS = 10
CALLS = 2000
KILLED_CALLS, PAUSE = 400, 0.005
RUNS = 1000
_VALUES = {f"metric-{index}": 0.1 * index for index in range(METRICS)}


class Ours:
    """Each call is a transaction of `ExperimentStore`."""

    def __init__(self, folder: Path) -> None:
        from piximi_widgets import ExperimentStore

        self._store = ExperimentStore(folder / "ours.db")
        self._run = self._store.create_experiment("run")

    def log(self, step: int) -> None:
        self._run.log_metrics(_VALUES, step=step)

    def finish(self) -> None:
        self._store.close()

    @staticmethod
    def count(folder: Path) -> int:
        return _rows(folder / "ours.db", "point")


class BareSQLite:
    """The same rows in the same table with the same settings, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE point (phase_id INTEGER NOT NULL, step INTEGER NOT NULL, series_id INTEGER NOT NULL,"
            " time INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL,"
            " PRIMARY KEY (phase_id, step, series_id)) WITHOUT ROWID"
        )

    def log(self, step: int) -> None:
        now = time.time_ns() // 1_000_000
        rows = [(1, step, index, now, value, 0) for index, value in enumerate(_VALUES.values())]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO point VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def finish(self) -> None:
        self._connection.close()

    @staticmethod
    def count(folder: Path) -> int:
        return _rows(folder / "bare.db", "point")


class MLflow:
    """`log_batch` of the client, synchronous, into MLflow's SQLite store."""

    def __init__(self, folder: Path) -> None:
        import logging

        import mlflow

        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._mlflow = mlflow
        self._client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
        experiment = self._client.create_experiment("run", artifact_location=(folder / "mlflow").as_uri())
        self._run = self._client.create_run(experiment).info.run_id

    def log(self, step: int) -> None:
        now = time.time_ns() // 1_000_000
        metrics = [self._mlflow.entities.Metric(name, value, now, step) for name, value in _VALUES.items()]
        self._client.log_batch(self._run, metrics=metrics, synchronous=True)

    def finish(self) -> None:
        pass

    @staticmethod
    def count(folder: Path) -> int:
        return _rows(folder / "mlflow.db", "metrics")


class Trackio:
    """A queue in memory that a thread writes to SQLite."""

    def __init__(self, folder: Path) -> None:
        os.environ["TRACKIO_DIR"] = str(folder)
        import trackio

        self._trackio = trackio
        trackio.init(project="run", name="run", auto_log_gpu=False)

    def log(self, step: int) -> None:
        self._trackio.log(_VALUES, step=step)

    def finish(self) -> None:
        self._trackio.finish()

    @staticmethod
    def count(folder: Path) -> int:
        with contextlib.closing(sqlite3.connect(folder / "run.db")) as connection:
            rows = connection.execute("SELECT metrics FROM metrics").fetchall()
        return sum(len(json.loads(row[0])) for row in rows)


class TensorBoard:
    """TensorBoard's own writer of event files."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder / "events"))

    def log(self, step: int) -> None:
        for name, value in _VALUES.items():
            self._writer.add_scalar(name, value, step)
        # Without it nothing is on disk before two minutes have passed or a buffer is full.
        self._writer.flush()

    def finish(self) -> None:
        self._writer.close()

    @staticmethod
    def count(folder: Path) -> int:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(folder / "events"), size_guidance={"tensors": 0})
        events.Reload()
        return sum(len(events.Tensors(name)) for name in events.Tags()["tensors"])


class WandB:
    """W&B in its offline mode: a process of its own writes a log file."""

    def __init__(self, folder: Path) -> None:
        import wandb

        settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off", silent=True)
        self._run = wandb.init(project="run", dir=str(folder), mode="offline", settings=settings)

    def log(self, step: int) -> None:
        self._run.log(_VALUES, step=step)

    def finish(self) -> None:
        self._run.finish()

    @staticmethod
    def count(folder: Path) -> int:
        from wandb.proto import wandb_internal_pb2

        found = 0
        for path in glob.glob(f"{folder}/wandb/offline-run-*/*.wandb"):
            for data in _log_records(Path(path).read_bytes()):
                record = wandb_internal_pb2.Record()
                record.ParseFromString(data)
                if record.WhichOneof("record_type") == "history":
                    names = [item.key or item.nested_key[0] for item in record.history.item]
                    found += sum(name.startswith("metric-") for name in names)
        return found


WRITERS: dict[str, Any] = {
    "piximi_widgets": Ours,
    "bare SQLite": BareSQLite,
    "MLflow on SQLite": MLflow,
    "trackio": Trackio,
    "TensorBoard": TensorBoard,
    "W&B offline": WandB,
}


def write(name: str, folder: Path) -> dict[str, float]:
    """Log all calls; times in seconds, and the bytes on disk in the end."""
    writer = WRITERS[name](folder)
    times = []
    begin = time.perf_counter()
    for step in range(1, CALLS + 1):
        start = time.perf_counter()
        writer.log(step)
        times.append(time.perf_counter() - start)
    writer.finish()
    whole = time.perf_counter() - begin
    times.sort()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return {"whole": whole, "p50": times[CALLS // 2], "p99": times[CALLS * 99 // 100], "bytes": size}


def stay(name: str, folder: Path) -> None:
    """Log, say so, and do nothing until the end comes from outside."""
    writer = WRITERS[name](folder)
    for step in range(1, KILLED_CALLS + 1):
        writer.log(step)
        time.sleep(PAUSE)
    print("logged", flush=True)
    time.sleep(600)


def list_runs(name: str, folder: Path) -> dict[str, float]:
    """Make 1,000 runs with ten parameters and metrics each; seconds to open them as a table, and to ask for a part of them."""
    accuracy = [index / RUNS for index in range(RUNS)]
    if name == "piximi_widgets":
        from piximi_widgets import ExperimentStore

        path = folder / "ours.db"
        with ExperimentStore(path) as store:
            for index in range(RUNS):
                run = store.create_experiment(f"run {index}", parameters={**_VALUES, "batch": index % 4})
                run.log_metrics(_VALUES | {"val/accuracy": accuracy[index]}, step=1)
            store.search()

        def table(query: str | None) -> int:
            with ExperimentStore(path) as store:
                return len(store.search(query))

        asked = "metric.val/accuracy > 0.9 and param.batch == 3"
    else:
        import logging

        import mlflow

        for noisy in ("alembic", "mlflow"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        client = mlflow.MlflowClient()
        experiment = client.create_experiment("runs", artifact_location=(folder / "mlflow").as_uri())
        for index in range(RUNS):
            run_id = client.create_run(experiment).info.run_id
            parameters = {**_VALUES, "batch": index % 4}
            now = time.time_ns() // 1_000_000
            client.log_batch(
                run_id,
                metrics=[
                    mlflow.entities.Metric(key, value, now, 1)
                    for key, value in (_VALUES | {"accuracy": accuracy[index]}).items()
                ],
                params=[mlflow.entities.Param(key, str(value)) for key, value in parameters.items()],
                synchronous=True,
            )

        def table(query: str | None) -> int:
            return len(mlflow.search_runs([experiment], query or ""))

        asked = "metrics.accuracy > 0.9 and params.batch = '3'"
    table(None)
    start = time.perf_counter()
    everything = table(None)
    opened = time.perf_counter() - start
    start = time.perf_counter()
    some = table(asked)
    filtered = time.perf_counter() - start
    expected = sum(value > 0.9 and index % 4 == 3 for index, value in enumerate(accuracy))
    if (everything, some) != (RUNS, expected):
        raise SystemExit(f"{name} shows {everything} and {some} runs, not {RUNS} and {expected}")
    return {"open": opened, "filter": filtered}


def _rows(path: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def _log_records(data: bytes) -> Iterator[bytes]:
    """Whole records of a LevelDB log, which is what a ``.wandb`` file is after seven bytes of its own.

    Blocks of 32 KiB; a fragment is a checksum (4 bytes), a length (2), a type (1: whole, 2: first, 3: middle, 4: last) and its
    content. See https://github.com/google/leveldb/blob/main/doc/log_format.md.
    """
    block, position, parts = 1 << 15, 7, b""
    while position + 7 <= len(data):
        if block - position % block < 7:
            position += block - position % block
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        if kind == 0 or position + 7 + length > len(data):
            return
        content = data[position + 7 : position + 7 + length]
        position += 7 + length
        parts = content if kind in (1, 2) else parts + content
        if kind in (1, 4):
            yield parts


def main() -> None:
    name, task, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    tasks = {
        "write": write,
        "stay": stay,
        "count": lambda name, folder: WRITERS[name].count(folder),
        "list": list_runs,
    }
    print(json.dumps(tasks[task](name, folder)), flush=True)


if __name__ == "__main__":
    main()
