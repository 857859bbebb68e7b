"""Importing an archive into a store that is in use: whatever was exported, whoever else writes, whatever goes wrong."""

from __future__ import annotations

import errno
import math
import sqlite3
import struct
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import ExperimentExistsError, PiximiError, StoreError
from piximi_widgets.experiments import ExperimentStore, LogType
from piximi_widgets.experiments.archive import gathering, layout, metrics, opening, parsing

ROOT = Path(__file__).parents[3]


@pytest.fixture
def other(tmp_path):
    (tmp_path / "other").mkdir()
    with ExperimentStore(tmp_path / "other" / "lab.db") as store:
        yield store


def rows(store: ExperimentStore, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(store.database.path)) as connection:
        return connection.execute(statement).fetchall()


def points(store: ExperimentStore) -> int:
    return rows(store, "SELECT COUNT(*) FROM point")[0][0]


# -- whatever a store holds ------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_NAME = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda name: name.strip()
)
_NUMBER = st.one_of(st.floats(), st.integers(-(2**53), 2**53), st.just(math.nan))
_CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("notes"), _TEXT),
        st.tuples(st.just("describe"), _TEXT),
        st.tuples(st.just("print"), _TEXT, st.sampled_from(["stdout", "stderr", "a\0"])),
        st.tuples(st.just("metric"), _NAME, _NAME, _NUMBER, st.integers(-(2**63) + 1, 2**63 - 1)),
        st.tuples(st.just("value"), _NAME, st.one_of(_TEXT, _NUMBER)),
        st.tuples(st.just("parameter"), _NAME, st.one_of(_TEXT, _NUMBER, st.none(), st.lists(_TEXT))),
        st.tuples(st.just("dataset"), _NAME, _TEXT),
        st.tuples(st.just("evaluate"), _NAME, _TEXT, st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("artifact"), _NAME, st.binary(max_size=3)),
        st.tuples(st.just("job"), _TEXT),
    ),
    max_size=8,
)


def call(store: ExperimentStore, experiment, what: str, *given) -> None:
    match what:
        case "notes":
            experiment.notes = given[0]
        case "describe":
            experiment.describe(given[0])
        case "print":
            experiment.telemetry.append(given[0], stream=given[1])
        case "metric":
            experiment.log_metrics({given[0]: given[2]}, phase=given[1], step=given[3])
        case "value":
            experiment.log(given[0], given[1], type=LogType.VALUE)
        case "parameter":
            experiment.parameters = {**experiment.parameters, given[0]: given[1]}
        case "dataset":
            version = type("Version", (), {"uid": given[1], "name": given[1], "fingerprint": given[1]})()
            experiment.attach_dataset(version, alias=given[0])
        case "evaluate":
            experiment.add_evaluations(
                given[0], [given[2]], [given[1]], [[0.5, 0.5]], [given[1], given[1] + "x"]
            )
        case "artifact":
            experiment.artifacts.store(given[0], given[1])
        case "job":
            store.enqueue(experiment, "predict", {"text": given[0]}, given[0])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=_CALLS)
def test_whatever_a_store_holds_can_be_exported_and_imported(store, other, tmp_path, calls):
    experiment = store.create_experiment("any", if_exists="rename")
    for what, *arguments in calls:
        try:
            call(store, experiment, what, *arguments)
        except PiximiError:
            continue  # what the store does not take it does not hold
    path = experiment.export(tmp_path / "run.zip")
    imported = other.import_experiment(path)
    for job in other.jobs(imported):
        with other.database.write() as connection:
            connection.execute("UPDATE job SET state = 'WAITING' WHERE id = ?", (job.id,))
    assert imported.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
    assert other.check().ok
    imported.delete()
    imported.purge()


def test_the_longest_names_and_the_character_nul(store, experiment, other, tmp_path):
    experiment.log_metrics({"x" * 200: 1.0}, phase="p" * 200)
    experiment.telemetry.append("50%\0done")
    experiment.notes = "a\0b"
    imported = other.import_experiment(experiment.export(tmp_path / "run.zip"))
    assert list(imported.metrics) == ["p" * 200 + "/" + "x" * 200]
    assert (imported.telemetry.lines()[0].text, imported.notes) == ("50%\0done", "a\0b")


# -- metrics ---------------------------------------------------------------------------------------


def fill(experiment, count: int) -> None:
    """Several series of several phases, with numbers that are none, and steps that some of them lack."""
    generator = np.random.default_rng(0)
    for name, step in (("train/a", 1), ("train/b", 3), ("val/a", 7), ("alone", 2)):
        values = generator.normal(size=count // step)
        values[generator.integers(len(values), size=len(values) // 50)] = math.nan
        values[[1, 2, -1]] = math.inf, -math.inf, math.nan
        steps = np.arange(len(values)) * step - 5
        experiment.log(name, {"steps": steps.tolist(), "values": values.tolist()}, type=LogType.LINE)
    experiment.log_metrics({"few": 1.5})
    experiment.log_metrics({"few": math.nan})


@pytest.mark.parametrize("count", [1000, 30_000])
def test_statistics_and_curves_are_those_that_the_store_makes_itself(
    store, experiment, other, tmp_path, count
):
    fill(experiment, count)
    experiment.finish()
    imported = other.import_experiment(experiment.export(tmp_path / "run.zip"))
    own = "SELECT series.name, series_stat.* FROM series_stat JOIN series ON series.id = series_id ORDER BY 1"
    assert [(row[0], *row[2:]) for row in rows(store, own)] == [
        (row[0], *row[2:]) for row in rows(other, own)
    ]
    folded = "SELECT name, folded FROM phase ORDER BY name"
    assert rows(store, folded) == rows(other, folded)
    for name in experiment.metrics:
        for mine, theirs in zip(experiment.metrics_array(name), imported.metrics_array(name), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        (steps, mine), (others, theirs) = experiment.curve(name, 100), imported.curve(name, 100)
        assert len(others) <= 100
        assert (steps[0], steps[-1]) == (others[0], others[-1])
        for extreme in (np.nanmin, np.nanmax):
            np.testing.assert_array_equal(extreme(mine), extreme(theirs))
    assert other.check(deep=True).ok
    # It goes on like any other.
    imported.log_metrics({"a": 2.0}, phase="train")
    assert other.check().ok


def test_others_can_write_while_many_points_arrive(store, experiment, other, tmp_path, monkeypatch):
    """No transaction of the import holds more than some points."""
    fill(experiment, 30_000)
    path = experiment.export(tmp_path / "run.zip")
    monkeypatch.setattr(metrics, "_POINTS_AT_ONCE", 1000)
    before = []
    put = metrics.sql_metrics.put_points

    def noted(connection, points_to_put):
        assert len(points_to_put) <= 1000
        before.append(points(other))  # as another connection sees them
        put(connection, points_to_put)

    monkeypatch.setattr(metrics.sql_metrics, "put_points", noted)
    imported = other.import_experiment(path)
    assert before == list(range(0, points(other), 1000))
    assert len(imported.metrics_array("train/a")[0]) == 30_000


def test_points_that_somebody_took_for_garbage_are_written_again(
    store, experiment, other, tmp_path, monkeypatch
):
    fill(experiment, 3000)
    path = experiment.export(tmp_path / "run.zip")
    monkeypatch.setattr(metrics, "_POINTS_AT_ONCE", 1000)
    stage = metrics.MetricRows.stage

    def interrupted(self, into):
        stage(self, into)
        assert points(other)
        other.collect_garbage()
        assert not points(other)

    monkeypatch.setattr(metrics.MetricRows, "stage", interrupted)
    imported = other.import_experiment(path)
    assert imported.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
    assert other.check().ok


def test_ids_that_were_set_aside_are_given_to_nobody_else(store, experiment, other, tmp_path, monkeypatch):
    fill(experiment, 3000)
    path = experiment.export(tmp_path / "run.zip")
    monkeypatch.setattr(metrics, "_POINTS_AT_ONCE", 1000)
    stage = metrics.MetricRows.stage
    live = other.create_experiment("live")

    def meanwhile(self, into):
        stage(self, into)
        live.log_metrics({"a": 1.0, "b": 2.0}, phase="train")

    monkeypatch.setattr(metrics.MetricRows, "stage", meanwhile)
    imported = other.import_experiment(path)
    assert live.metrics_array("train/b")[1].tolist() == [2.0]
    assert imported.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_an_import_that_fails_after_its_points_takes_them_back(
    store, experiment, other, tmp_path, monkeypatch
):
    fill(experiment, 3000)
    path = experiment.export(tmp_path / "run.zip")
    monkeypatch.setattr(metrics, "_POINTS_AT_ONCE", 1000)
    other.create_experiment("live").log_metrics({"a": 1.0})

    def fail(self, connection, experiment_id):
        assert points(other) > 1000
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(metrics.MetricRows, "insert", fail)
        with pytest.raises(KeyboardInterrupt):
            other.import_experiment(path)
    assert points(other) == 1
    other.import_experiment(path)
    assert other.check().ok


KILLED = """
import os, sys
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.archive import metrics
metrics._POINTS_AT_ONCE = 1000
metrics.MetricRows.insert = lambda *_: os.kill(os.getpid(), 9)
ExperimentStore(sys.argv[1]).import_experiment(sys.argv[2])
"""


def test_what_a_killed_import_leaves_of_points_counts_nowhere_and_is_garbage(
    store, experiment, other, tmp_path
):
    fill(experiment, 3000)
    path = experiment.export(tmp_path / "run.zip")
    subprocess.run([sys.executable, "-c", KILLED, other.url, str(path)], cwd=ROOT)
    left = points(other)
    assert left > 1000
    live = other.create_experiment("live")
    live.log_metrics({"a": 1.0, "b": 1.0})
    assert [len(live.metrics_array(name)[0]) for name in live.metrics] == [1, 1]
    report = other.check()
    assert report.ok
    assert "collect_garbage" in repr(report)
    other.collect_garbage()
    assert points(other) == 2
    assert other.import_experiment(path).uid == experiment.uid


# -- files -----------------------------------------------------------------------------------------


def test_a_full_disk_is_not_the_fault_of_the_archive(store, experiment, other, tmp_path, monkeypatch):
    experiment.artifacts.store("model", b"z" * 1000)
    path = experiment.export(tmp_path / "run.zip")

    def full(self, sha256, file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(opening.Archive, "copy", full)
        with pytest.raises(StoreError, match=r"was not imported.*No space left") as caught:
            other.import_experiment(path)
    assert "no sound archive" not in str(caught.value)
    assert not [file for file in other.contents.folder.rglob("*") if file.is_file()]
    assert len(other) == 0


class Full:
    def write(self, chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_only_reading_is_blamed_on_the_archive(store, experiment, tmp_path):
    version = experiment.artifacts.store("model", b"z" * 1000)
    path = experiment.export(tmp_path / "run.zip")
    with opening.open_archive(path) as archive, pytest.raises(OSError, match="No space left"):
        archive.copy(version.sha256, Full())


def test_a_damaged_file_is_mended_by_the_archive(store, experiment, other, tmp_path):
    """It has the size that it should have, and another content."""
    experiment.artifacts.store("model", b"z" * 1000)
    mine = other.create_experiment("mine").artifacts.store("model", b"z" * 1000)
    mine.path.write_bytes(b"y" * 1000)
    imported = other.import_experiment(experiment.export(tmp_path / "run.zip"))
    assert imported.artifacts["model"].path.read_bytes() == b"z" * 1000
    assert other.check(deep=True).ok


# -- who else is there -----------------------------------------------------------------------------


def test_a_queued_training_is_canceled_elsewhere(store, experiment, other, tmp_path):
    store.enqueue(experiment, "train", {"dataset": "u"}, "here")
    waits = store.create_experiment("not begun")
    imported = other.import_experiment(experiment.export(tmp_path / "run.zip"))
    assert (imported.status, [job.state for job in other.jobs(imported)]) == ("CANCELED", ["CANCELED"])
    assert "waiting to be trained" in imported.error
    # One that nobody has asked for can still be begun.
    assert other.import_experiment(waits.export(tmp_path / "run.zip")).status == "WAITING"


def test_threads_that_import_the_same_get_one_experiment(store, experiment, other, tmp_path):
    experiment.log("table", {"a": 1})
    experiment.artifacts.store("model", b"1")
    path = experiment.export(tmp_path / "run.zip")
    found: list[object] = []
    together = threading.Barrier(8)

    def work():
        together.wait()
        try:
            found.append(other.import_experiment(path, if_exists="reuse").id)
        except PiximiError as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (only,) = other
    assert found == [only.id] * 8
    assert only.artifacts["model"].path.read_bytes() == b"1"


def test_one_that_was_deleted_is_not_handed_out(store, experiment, other, tmp_path):
    path = experiment.export(tmp_path / "run.zip")
    imported = other.import_experiment(path)
    imported.delete()
    with pytest.raises(ExperimentExistsError, match=rf"was deleted.*store\[{imported.id}\]\.restore"):
        other.import_experiment(path, if_exists="reuse")
    imported.restore()
    assert other.import_experiment(path, if_exists="reuse") == imported


# -- long lists ------------------------------------------------------------------------------------


def with_decoy(path: Path, count: int) -> None:
    """A zip64 archive of many members, whose locator points at a record that tells of one."""
    large = struct.Struct("<4sQ2H2L4Q")
    listed = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)
        + b"%07d" % number
        for number in range(count)
    )
    decoy = large.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 100, 0)
    real = large.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), len(decoy))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(decoy + listed + real + locator + end)


def test_a_decoy_does_not_hide_a_long_list_of_members(other, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "LARGEST_DIRECTORY", 10_000)
    with_decoy(tmp_path / "many.zip", 500)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(StoreError, match="two lists of members"):
        other.import_experiment(tmp_path / "many.zip")


def test_points_may_come_in_any_order_but_not_twice():
    right = np.zeros(1000, layout.POINT)
    right["series"], right["step"] = np.repeat(np.arange(10), 100), np.tile(np.arange(100) - 50, 10)
    right["time"] = 1_700_000_000_000
    shuffled = np.random.default_rng(0).permutation(right)
    assert np.array_equal(parsing._points(gathering.as_npy(shuffled), 10), right)
    with pytest.raises(StoreError, match="two of one step"):
        parsing._points(gathering.as_npy(np.concatenate([right[5:6], shuffled])), 10)
