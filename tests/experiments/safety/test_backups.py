"""Copies of a store, what may not be replaced by one, and which of them is put back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore, LogType
from piximi_widgets.storage import FileLock

ROOT = Path(__file__).parents[3]
KILLED = (
    "import os, sys; from piximi_widgets.experiments import ExperimentStore;"
    "store = ExperimentStore(sys.argv[1]); store.create_experiment('late'); os.kill(os.getpid(), 9)"
)


def names(path: Path) -> list[str]:
    with ExperimentStore(path) as store:
        assert store.check().ok
        return [experiment.name for experiment in store]


def test_a_copy_that_was_not_closed_is_not_replaced(store, experiment, tmp_path):
    """Its log would be taken into the new copy and damage it."""
    (tmp_path / "copies").mkdir()
    copy = store.backup(tmp_path / "copies" / "copy.db")
    subprocess.run([sys.executable, "-c", KILLED, str(copy)], cwd=ROOT)
    assert copy.with_name("copy.db-wal").stat().st_size
    with pytest.raises(StoreError, match=r"copy\.db-wal lies there.*another place"):
        store.backup(copy)
    assert names(copy) == ["first", "late"]
    # Now it is closed.
    assert store.backup(copy) == copy
    assert names(copy) == ["first"]


def test_a_store_that_is_open_is_not_replaced(store, experiment, tmp_path, empty):
    (tmp_path / "other").mkdir()
    with ExperimentStore(shutil.copy(empty, tmp_path / "other" / "lab.db")) as other:
        other.create_experiment("precious")
        with pytest.raises(StoreError, match="is open; choose another place"):
            store.backup(tmp_path / "other" / "lab.db")
        other.create_experiment("more")
    assert names(tmp_path / "other" / "lab.db") == ["precious", "more"]


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", "-lock", "-open-lock"])
def test_nothing_that_is_written_out_replaces_the_store(store, experiment, tmp_path, ending):
    own = tmp_path / f"experiments.db{ending}"
    for write in (
        lambda path: experiment.export(path),
        lambda path: store.to_json(path, overwrite=True),
        lambda path: store.backup(path),
    ):
        (tmp_path / "link").unlink(missing_ok=True)
        os.symlink(tmp_path, tmp_path / "link")
        for path in (own, tmp_path / "link" / own.name, tmp_path / "artifacts" / "x" / ".." / "y"):
            (tmp_path / "artifacts" / "x").mkdir(parents=True, exist_ok=True)
            with pytest.raises(StoreError, match="belongs to the store itself"):
                write(path)
    experiment.log_metrics({"a": 1.0})
    store.close()
    assert names(tmp_path / "experiments.db") == ["first"]


def test_tables_are_not_written_among_the_artifacts(store, experiment):
    experiment.artifacts.store("model", b"1")
    with pytest.raises(StoreError, match="belongs to the store itself"):
        store.to_csv(store.contents.folder, overwrite=True)


def test_no_other_database_is_replaced_by_what_is_none(store, experiment, tmp_path):
    (tmp_path / "project.db").write_bytes(b"precious")
    for write in (experiment.export, lambda path: store.to_json(path, overwrite=True)):
        with pytest.raises(StoreError, match=r"project\.db is a database"):
            write(tmp_path / "project.db")
    assert (tmp_path / "project.db").read_bytes() == b"precious"


def test_a_store_that_somebody_has_open_is_not_restored(store, experiment):
    """Not even looked at: to close the file here would drop the locks of whoever has it open in this process."""
    saved = store.backup()
    path = store.database.path
    for backup in (None, saved):
        with pytest.raises(StoreError, match="is open, here or in another program"):
            ExperimentStore.restore(path, backup)
    store.create_experiment("second")
    store.close()
    lock = FileLock(path.with_name(f"{path.name}-open-lock"))
    assert lock.acquire()
    with pytest.raises(StoreError, match="is open"):
        ExperimentStore.restore(path, saved)
    lock.release()
    assert ExperimentStore.restore(path, saved) == saved
    assert names(path) == ["first"]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = os.urandom(8192)
    path.write_bytes(content)


def test_the_newest_intact_backup_is_restored_and_not_the_largest(store, experiment, capsys):
    """The older one holds an experiment that was purged since, and many more rows."""
    experiment.log("curve", {"steps": list(range(5000)), "values": [0.1] * 5000}, type=LogType.LINE)
    store.backup()
    experiment.delete()
    experiment.purge()
    for number in range(5):
        store.create_experiment(f"new {number}")
    time.sleep(1.1)
    newer = store.backup()
    path = store.database.path
    store.close()
    damage(path)
    assert ExperimentStore.restore(path) == newer
    assert "passed over" not in capsys.readouterr().out
    assert names(path) == [f"new {number}" for number in range(5)]


def test_a_newer_backup_that_is_damaged_is_passed_over_and_named(store, experiment, capsys):
    older = store.backup()
    store.create_experiment("second")
    time.sleep(1.1)
    newer = store.backup()
    path = store.database.path
    store.close()
    damage(newer)
    path.unlink()
    assert ExperimentStore.restore(path) == older
    assert f"passed over: {newer.name} (damaged)" in capsys.readouterr().out
    assert names(path) == ["first"]
