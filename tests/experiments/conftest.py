"""An empty store in a folder of its own, a worker's lock, and a raw connection that no code of ours touches."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from piximi_widgets.experiments import Experiment, ExperimentStore, WorkerRecord
from piximi_widgets.storage import FileLock


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file without experiments; a copy is ten times faster than making the tables again."""
    path = tmp_path_factory.mktemp("empty") / "experiments.db"
    ExperimentStore(path).close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[ExperimentStore]:
    shutil.copy(empty, tmp_path / "experiments.db")
    with ExperimentStore(tmp_path / "experiments.db") as store:
        yield store


@pytest.fixture
def experiment(store: ExperimentStore) -> Experiment:
    return store.create_experiment("first")


@pytest.fixture
def query(store: ExperimentStore) -> Callable[..., list[tuple]]:
    """What plain sqlite3 reads from the file: the independent witness."""

    def read(statement: str, *values: Any) -> list[tuple]:
        connection = sqlite3.connect(store.database.path)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    return read


@pytest.fixture
def hire(store: ExperimentStore) -> Iterator[Callable[..., tuple[WorkerRecord, FileLock]]]:
    """Register workers of this process, each with a lock that is held."""
    locks = []

    def register(environment: str = "here", **fields: Any) -> tuple[WorkerRecord, FileLock]:
        uid = uuid.uuid4().hex
        (store.folder / "workers").mkdir(exist_ok=True)
        lock = FileLock(store.folder / "workers" / f"{uid}.lock")
        assert lock.acquire()
        locks.append(lock)
        worker = store.register_worker(
            uid, lock=f"workers/{uid}.lock", log=f"workers/{uid}.log", environment=environment, **fields
        )
        return worker, lock

    yield register
    for lock in locks:
        lock.release()
