"""Stores as released schemas have written them open, and keep all that was in them."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore, JobState, Status
from piximi_widgets.experiments.sql import schema as schema_module
from piximi_widgets.experiments.sql.schema import APPLICATION_ID, MIGRATIONS
from piximi_widgets.storage import Database
from piximi_widgets.storage import opening as opening_module
from piximi_widgets.storage.sqlite import statements

ROOT = Path(__file__).parents[2]
_UID = "00000000-0000-4000-8000-00000000000{}"
_SHA = hashlib.sha256(b"weights").hexdigest()
_T = 1_760_000_000_000

# A row and more in every table of the first schema.
ROWS: dict[str, list[tuple]] = {
    "experiment": [
        (1, _UID.format(1), "first", "d", "n", "SUCCESS", "ann", None, _T, _T + 1, _T + 2, 0, None, None),
        (2, _UID.format(2), "second", "", "", "FAILED", "bob", 1, _T, _T, _T, 1, "no luck", None),
        (3, _UID.format(3), "gone", "", "", "WAITING", "ann", None, _T, None, None, None, None, _T + 9),
    ],
    "parameter": [(1, "lr", 0, "float", "0.1"), (1, "nan", 1, "float", "NaN")],
    "tag": [(1, "plate7", 0)],
    "attached_dataset": [(1, 1, "train", _UID.format(7), "v1", "f" * 64, _T)],
    "log": [
        (1, 1, "labelmap", "LABELMAP", '{"0":"a","1":"b"}', None, _T, _T),
        (2, 1, "table", "TABLE", '{"a":1}', None, _T, _T),
        (3, 2, "labelmap", "LABELMAP", "{}", None, _T, _T),
        (4, 3, "labelmap", "LABELMAP", "{}", None, _T, _T),
    ],
    "phase": [(1, 1, "train", 2), (2, 2, "", -(2**63))],
    "series": [(1, 1, 1, "train/loss", _T), (2, 2, 2, "loss", _T)],
    "point": [
        (1, 1, 1, _T, 0.5, 0),
        (1, 2, 1, _T, None, 1),
        (1, 3, 1, _T, 0.25, 0),
        (2, 1, 2, _T, None, 2),
    ],
    "series_stat": [(1, 2, 2, None, 1, 0.5, 1, 0.5, 1)],
    "artifact": [(1, 1, "model", 1, "m.bin", _SHA, 7, _T), (2, 1, "model", 2, "m.bin", _SHA, 7, _T)],
    "evaluation": [(1, 1, "validation", '["a", "b"]', _T, _T)],
    "evaluation_row": [(1, 5, 1, np.array([0.25, 0.75], "<f4").tobytes())],
    "telemetry_line": [(1, 1, _T, "output", "hello", 0)],
    "telemetry_chapter": [(1, 1, "start", _T)],
    "worker": [("w", "elsewhere", 12, "workers/w.lock", "workers/w.log", "here", _T, _T, _T)],
    "job": [
        (1, 1, "train", 1, '{"dataset":"u"}', "here", "DONE", "w", 0, 3, _T, _T, _T, 0, None),
        (2, 2, "train", 1, "{}", "here", "FAILED", None, 0, 0, _T, _T, _T, 1, "no luck"),
    ],
}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A store as the first schema left it, made by SQLite alone, and closed."""
    path = tmp_path / "experiments.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in statements(schema_module._FIRST):
            connection.execute(statement)
        for table, rows in ROWS.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=1")
        connection.commit()
        named = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {name for name in named if not name.startswith("sqlite_")} == set(ROWS)
    (tmp_path / "artifacts" / _SHA[:2]).mkdir(parents=True)
    (tmp_path / "artifacts" / _SHA[:2] / _SHA).write_bytes(b"weights")
    return path


def schema_of(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("PRAGMA user_version").fetchone()[0]


def is_all_there(store: ExperimentStore) -> None:
    assert [experiment.name for experiment in store] == ["first", "second"]
    one, two = store
    assert (one.uid, one.status, one.creator, one.notes, one.exit_code) == (
        _UID.format(1),
        Status.SUCCESS,
        "ann",
        "n",
        0,
    )
    assert two.base_experiment == one
    assert (two.error, store[3].is_deleted) == ("no luck", True)
    assert one.parameters["lr"] == 0.1
    assert math.isnan(one.parameters["nan"])
    assert one.tags == ("plate7",)
    assert one.datasets["train"].name == "v1"
    assert one.labelmap == {"0": "a", "1": "b"}
    assert one.get_log("table").data == {"a": 1}
    steps, values = one.metrics_array("train/loss")
    assert steps.tolist() == [1, 2, 3]
    assert np.array_equal(values, [0.5, np.nan, 0.25], equal_nan=True)
    assert two.metrics_array("loss")[1].tolist() == [math.inf]
    assert [(version.version, version.kind) for version in one.artifacts["model"].versions] == [
        (1, "file"),
        (2, "file"),
    ]
    assert one.artifacts["model"].path.read_bytes() == b"weights"
    evaluation = one.evaluation_arrays("validation")
    assert (evaluation.ids.tolist(), evaluation.truth.tolist()) == ([5], [1])
    assert evaluation.probabilities.tolist() == [[0.25, 0.75]]
    assert [(line.chapter, line.text) for line in one.telemetry.lines()] == [("start", "hello")]
    assert [(job.state, job.log_offset) for job in store.jobs()] == [(JobState.DONE, 3), (JobState.FAILED, 0)]
    report = store.check(deep=True)
    assert report.ok, report
    assert set(store.search().index) == {1, 2}


def test_a_store_of_the_first_schema_is_brought_up_to_date(first):
    with ExperimentStore(first) as store:
        is_all_there(store)
        store["first"].log_metrics({"train/loss": 0.125})
        assert store.search()["metric.train/loss"].loc[1] == 0.125
        store["first"].artifacts.store("new", b"new")
    assert schema_of(first) == len(MIGRATIONS)
    copy = first.parent / "backups" / f"experiments-before-schema-{len(MIGRATIONS)}.db"
    assert schema_of(copy) == 1
    with closing(sqlite3.connect(copy)) as connection:
        for table, rows in ROWS.items():
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == rows, table
    # The copy is a backup like any other.
    assert ExperimentStore.restore(first, copy.name) == copy
    with ExperimentStore(first) as store:
        is_all_there(store)


def test_processes_that_update_at_once_lose_nothing(first):
    """Whoever comes second finds the new schema, and the copy is of the old one."""
    program = (
        "import sys; from piximi_widgets.experiments import ExperimentStore;"
        "store = ExperimentStore(sys.argv[1]); store['first'].log_metrics({'n': 1.0}); print(len(store))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["2\n"] * 3
    assert schema_of(first.parent / "backups" / f"experiments-before-schema-{len(MIGRATIONS)}.db") == 1
    with ExperimentStore(first) as store:
        is_all_there(store)
        assert store["first"].metrics_array("n")[0].tolist() == [1, 2, 3]


def test_a_migration_holds_the_file_alone(first, monkeypatch):
    """While it is at work nobody else can write, and in the end all of it is there or nothing."""
    seen = []
    real = opening_module.statements

    def watched(script):
        for statement in real(script):
            yield statement
            with closing(sqlite3.connect(first, timeout=0, isolation_level=None)) as stranger:
                try:
                    stranger.execute("BEGIN IMMEDIATE")
                    seen.append("open")
                except sqlite3.OperationalError as error:
                    seen.append(str(error))
                seen.append(stranger.execute("PRAGMA user_version").fetchone()[0])

    monkeypatch.setattr(opening_module, "statements", watched)
    ExperimentStore(first).close()
    assert set(seen) == {"database is locked", 1}


def test_an_old_store_can_be_read_without_being_changed(first):
    before = {path: path.read_bytes() for path in first.parent.rglob("*") if path.is_file()}
    with ExperimentStore(first, read_only=True) as store:
        is_all_there(store)
    after = {path: path.read_bytes() for path in first.parent.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if path in before} == before
    assert schema_of(first) == 1


def test_an_update_that_finds_the_disk_full_leaves_the_old_store(first, monkeypatch):
    real = Database._connect

    def connect(self: Database) -> sqlite3.Connection:
        connection = real(self)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
        return connection

    monkeypatch.setattr(Database, "_connect", connect)
    with pytest.raises(StoreError, match=r"disk is full.* what was saved before is safe"):
        ExperimentStore(first)
    monkeypatch.undo()
    assert schema_of(first) == 1
    with ExperimentStore(first) as store:
        is_all_there(store)


def test_a_released_script_is_never_edited():
    """The first schema is in stores of users: what it made is frozen, to the byte."""
    digest = hashlib.sha256(schema_module._FIRST.encode()).hexdigest()
    assert digest == json.loads((Path(__file__).parent / "golden" / "schema-1.json").read_text())["sha256"]
