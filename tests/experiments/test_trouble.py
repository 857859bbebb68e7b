"""Full disks, lost files, damaged databases and interrupts: said clearly, and nothing made worse."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from piximi_widgets.errors import (
    ArtifactError,
    NewerVersionError,
    ReadOnlyError,
    StaleAttemptError,
    StoreError,
)
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.safety import sql as safety_sql

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
AS_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def child(program: str, *arguments: object) -> list[str]:
    """The lines that a Python process of its own prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# -- no room ---------------------------------------------------------------------------------------

FILL = """
import os, resource, sys
from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.safety import sql as safety_sql

limit = int(sys.argv[2])
with ExperimentStore(sys.argv[1]) as store:
    mine = store["first"]
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    steps = kept = 0
    try:
        while True:
            mine.log_metrics({f"m{n}": steps + 1.0 for n in range(50)}, step=steps + 1)
            steps += 1
            if steps % 10 == 0:
                mine.artifacts.store("file", os.urandom(20_000))
                kept += 1
    except StoreError as error:
        print(str(error).replace(chr(10), " "))
    print(steps, kept)
    # What was saved can be read by the very object that could not write.
    print(len(mine.metrics_array("m49")[0]) in (steps, steps + 1), len(mine.artifacts["file"].versions) == kept)
"""


def fill(store: ExperimentStore, limit: int) -> tuple[int, int]:
    sentence, counts, same = child(FILL, store.url, limit)
    assert "disk" in sentence
    assert "full" in sentence
    assert same == "True True"
    steps, kept = map(int, counts.split())
    assert steps > 20
    return steps, kept


def went_on(store: ExperimentStore, steps: int, kept: int) -> None:
    """There is room again: everything is there, whole, and work goes on."""
    experiment = store["first"]
    assert experiment.metrics_array("m0")[1].tolist()[:steps] == [float(n + 1) for n in range(steps)]
    report = store.check(deep=True)
    assert report.ok, report
    experiment.log_metrics({"m0": 1.0})
    assert experiment.artifacts.store("file", b"after").version == kept + 1


@POSIX
def test_a_file_that_may_not_grow(store, experiment):
    """A limit on the size of files stands for a quota."""
    steps, kept = fill(store, 1_000_000)
    went_on(store, steps, kept)


@POSIX
@AS_ROOT
def test_a_disk_that_is_full(tmp_path, empty):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        shutil.copy(empty, disk / "experiments.db")
        with ExperimentStore(disk / "experiments.db") as store:
            store.create_experiment("first")
            steps, kept = fill(store, 0)
            with pytest.raises(StoreError, match="disk"):
                store["first"].artifacts.store("file", os.urandom(5_000_000))
            with pytest.raises(StoreError, match=r"could not be written|disk"):
                store["first"].export(disk / "run.zip")
            assert not (disk / "run.zip").exists()
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            went_on(store, steps, kept)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# -- no rights -------------------------------------------------------------------------------------


def test_a_read_only_store_refuses_every_change(store, experiment, tmp_path):
    experiment.log_metrics({"a": 1.0})
    experiment.artifacts.store("file", b"1")
    path = experiment.export(tmp_path / "run.zip")
    store.close()
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with ExperimentStore(tmp_path / "experiments.db", read_only=True) as reader:
        mine = reader["first"]
        for change in (
            lambda: reader.create_experiment("second"),
            lambda: mine.log("b", 1.0),
            lambda: mine.log_metrics({"a": 2.0}),
            lambda: mine.artifacts.store("file", b"2"),
            lambda: mine.artifacts["file"].delete(),
            lambda: mine.rename("other"),
            mine.delete,
            lambda: mine.telemetry.append("x"),
            lambda: mine.add_evaluations("v", [1], [0], [[1.0]], ["a"]),
            lambda: reader.import_experiment(path, "rename"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        assert mine.metrics_array("a")[1].tolist() == [1.0]
        assert reader.check(deep=True).ok
        assert reader.backup(tmp_path / "copy.db").exists()
        assert mine.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
    after = {file: file.read_bytes() for file in before}
    assert after == before


# -- lost and damaged files ------------------------------------------------------------------------


def test_an_artifact_whose_file_somebody_deleted(store, experiment, tmp_path):
    lost = experiment.artifacts.store("model", b"weights")
    experiment.artifacts.store("other", b"kept")
    lost.path.unlink()
    for use in (lambda: lost.path, lambda: lost.download(tmp_path / "out")):
        with pytest.raises(ArtifactError, match=r"missing.*Restore"):
            use()
    report = store.check()
    assert not report.ok
    (finding,) = report.problems
    assert (finding.kind, finding.experiments) == ("file", [experiment.id])
    assert "artifact model" in finding.sentence
    assert experiment.artifacts.store("model", b"weights").path.read_bytes() == b"weights"
    assert store.check(deep=True).ok


def test_check_tells_what_is_wrong_and_where(store, experiment, tmp_path):
    """Each kind of damage, done behind the store's back, is found; nothing else is."""
    file = experiment.artifacts.store("model", b"weights").path
    experiment.log_metrics({"a": 1.0})
    experiment.finish()
    experiment.log("t", {"a": 1})
    experiment.add_evaluations("v", [1], [0], [[1.0, 0.0]], ["a", "b"])
    assert store.check(deep=True).ok
    for statement, kind, word in (
        ("UPDATE log SET data = '{' WHERE name = 't'", "record", "log t"),
        ("UPDATE point SET flag = 7", "metric", "cannot be: a of"),
        ("DELETE FROM point", "metric", "lost"),
        ("UPDATE evaluation_row SET truth = 5", "evaluation", "v of"),
        ("UPDATE artifact SET size = 3", "file", "damaged: artifact model"),
    ):
        whole = store.backup(tmp_path / "whole.db")
        with store.database.write() as connection:
            connection.execute(statement)
        report = store.check()
        assert [finding.kind for finding in report.problems] == [kind], report
        assert word in repr(report)
        assert report.problems[0].experiments == [experiment.id]
        with closing(sqlite3.connect(whole)) as source, store.database.write() as connection:
            for table in ("log", "point", "evaluation_row", "artifact"):
                connection.execute(f"DELETE FROM {table}")
                rows = source.execute(f"SELECT * FROM {table}").fetchall()
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    file.write_bytes(b"WEIGHTS")
    assert store.check().ok
    assert "damaged: artifact model" in repr(store.check(deep=True))


def test_files_that_nothing_needs_are_told(store, experiment):
    path = experiment.artifacts.store("model", b"weights").path
    stray = path.parent.parent / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"stray")
    assert not store.check().warnings
    os.utime(stray, (time.time() - 7200,) * 2)
    report = store.check()
    assert report.ok
    assert "collect_garbage" in report.warnings[0].sentence


def test_a_database_that_is_deleted_while_it_is_open(store, experiment, tmp_path):
    experiment.log_metrics({"a": 1.0})
    for ending in ("", "-wal", "-shm"):
        Path(f"{store.database.path}{ending}").unlink(missing_ok=True)
    with pytest.raises(StoreError, match=r"was deleted.*backup\(\)"):
        experiment.log_metrics({"a": 2.0})
    saved = store.backup(tmp_path / "saved.db")
    with ExperimentStore(saved, read_only=True) as copy:
        assert copy["first"].metrics_array("a")[1].tolist() == [1.0]


def test_a_missing_database_is_not_taken_for_a_new_one(store, experiment, capsys):
    experiment.log_metrics({"a": 1.0})
    path = store.database.path
    saved = store.backup()
    store.close()
    path.unlink()
    with pytest.raises(StoreError, match=rf"is missing, although.*{saved.name}.*restore"):
        ExperimentStore(path)
    with pytest.raises(StoreError, match="is missing"):
        ExperimentStore(path, read_only=True)
    assert not path.exists()
    assert ExperimentStore.restore(path) == saved
    with ExperimentStore(path) as again:
        assert again["first"].metrics_array("a")[1].tolist() == [1.0]
    with pytest.raises(StoreError, match="no experiment store"):
        ExperimentStore.restore(path.parent / "other.db")


def fill_pages(store: ExperimentStore) -> None:
    for number in range(40):
        experiment = store.create_experiment(f"e{number}", description="x" * 3000)
        experiment.log_metrics({f"m{n}": 1.0 for n in range(30)})


@pytest.mark.parametrize("cut", ["whole pages", "half a page", "everything"])
def test_a_database_that_was_cut_off(store, cut, capsys):
    """Refused with what can be done; what can be read is saved, and the old file kept."""
    fill_pages(store)
    path = store.database.path
    store.close()
    content = path.read_bytes()
    length = {
        "whole pages": len(content) // 12288 * 8192,
        "half a page": len(content) - 100,
        "everything": 50,
    }[cut]
    path.write_bytes(content[:length])

    def use():
        with ExperimentStore(path) as opened:
            opened.search()

    with pytest.raises(StoreError, match=r"(damaged|not a).*ExperimentStore\.restore"):
        use()
    assert path.read_bytes() == content[:length]
    if cut == "everything":
        with pytest.raises(StoreError, match="nothing of the file can be read"):
            ExperimentStore.restore(path)
        return
    kept = ExperimentStore.restore(path)
    assert kept.read_bytes() == content[:length]
    with ExperimentStore(path) as again:
        assert 1 <= len(again) <= 40
        again.create_experiment("after")
    assert is_sound(path)


def test_the_better_of_backup_and_rest_is_restored(store, capsys):
    """An old backup with less in it than the damaged file still has does not win."""
    store.create_experiment("early")
    store.backup()
    fill_pages(store)
    path = store.database.path
    store.close()
    with pytest.raises(StoreError, match=r"is intact.*by-hand"):
        ExperimentStore.restore(path)
    os.truncate(path, path.stat().st_size - 100)
    ExperimentStore.restore(path)
    assert "what could still be read" in capsys.readouterr().out
    with ExperimentStore(path) as again:
        assert len(again) > 30


def test_a_page_that_was_overwritten_is_found_after_an_unclean_end(store, tmp_path):
    """Whoever opens a store that nobody closed looks through it first."""
    fill_pages(store)
    store.close()
    path = tmp_path / "killed.db"
    shutil.copy(tmp_path / "experiments.db", path)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import os, sys; from piximi_widgets.experiments import ExperimentStore;"
                "store = ExperimentStore(sys.argv[1]); store['e1'].log_metrics({'a': 1.0}); os.kill(os.getpid(), 9)"
            ),
            str(path),
        ],
        cwd=ROOT,
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("killed.db-wal").stat().st_size
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tag'").fetchone()[0]
    start = (page - 1) * 4096
    content[start : start + 4096] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*had not been closed.*ExperimentStore\.restore"):
        ExperimentStore(path)
    assert path.read_bytes() == content


def test_a_newer_schema_is_refused_by_name(store):
    with store.database.write() as connection:
        connection.execute("PRAGMA user_version=99")
    store.close()
    content = store.database.path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(NewerVersionError, match=r"schema 99.*pip install -U"):
            ExperimentStore(store.database.path, read_only=read_only)
    assert store.database.path.read_bytes() == content


def test_backups_do_not_replace_what_is_none(store, experiment, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="not replaced"):
        store.backup(tmp_path / "thesis.txt")
    with pytest.raises(StoreError, match="belongs to the store itself"):
        store.backup(store.database.path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    assert store.backup(tmp_path) == store.backup(tmp_path)
    assert store.check().ok


def test_a_backup_beside_writers_is_of_one_moment(store, experiment, tmp_path):
    """Two metrics that are always logged together are there equally often in each copy."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            experiment.log_metrics({"a": 1.0, "b": 1.0})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            with ExperimentStore(store.backup(tmp_path / f"copy{number}.db"), read_only=True) as copy:
                assert is_sound(copy.database.path)
                if len(copy["first"].metrics):
                    a, b = (copy["first"].metrics_array(name)[0].tolist() for name in "ab")
                    assert a == b
    finally:
        stop.set()
        writer.join()


# -- an attempt that was lost ----------------------------------------------------------------------


def test_no_write_of_an_old_attempt_is_committed(store, experiment, hire, query, tmp_path):
    """Every kind of write is refused, and leaves no row and no reference."""
    store.enqueue(experiment, "train", {}, "here")
    worker, _ = hire()
    job = store.claim(worker, "here", 0)
    lost = job.experiment
    lost.log_metrics({"a": 1.0})
    job.finish("CANCELED")
    tables = ("point", "log", "artifact", "evaluation", "telemetry_line", "parameter", "tag")
    before = [query(f"SELECT * FROM {table}") for table in tables]
    for write in (
        lambda: lost.log_metrics({"a": 2.0}),
        lambda: lost.log_metrics({"new": 2.0}),
        lambda: lost.log("t", {"a": 1}),
        lambda: lost.log("curve", [1.0, 2.0]),
        lambda: lost.artifacts.store("model", b"late"),
        lambda: lost.add_evaluations("v", [1], [0], [[1.0]], ["a"]),
        lambda: lost.telemetry.append("late"),
        lambda: setattr(lost, "parameters", {"a": 1}),
        lambda: setattr(lost, "tags", ["late"]),
        lambda: job.append_output(["late"], 10),
        job.heartbeat,
    ):
        with pytest.raises(StaleAttemptError):
            write()
    assert [query(f"SELECT * FROM {table}") for table in tables] == before


# -- Ctrl+C ----------------------------------------------------------------------------------------


def assert_free(store: ExperimentStore, kept: BaseException | None) -> None:
    """Another process could write at once, while the traceback of the interrupt is kept."""
    assert not store.database._connection().in_transaction, kept
    with closing(sqlite3.connect(store.database.path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


def _logs_metrics(experiment):
    experiment.log_metrics({"a": 1.0, "b": 2.0})


def _logs(experiment):
    experiment.log("table", {"a": 1})


def _reads(experiment):
    assert experiment.notes == "all of it"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("use", [_logs_metrics, _logs, _reads])
def test_an_interrupt_at_any_point_of_a_call(store, experiment, use):
    """Each point at which Python looks for signals, once: where a Python call begins, and where one of C's returned."""
    experiment.notes = "all of it"
    _logs_metrics(experiment)
    _logs(experiment)
    kept = []
    for point in itertools.count():
        left = point

        def interrupt(frame, event, argument):
            nonlocal left
            if event in ("call", "c_return"):
                left -= 1
                if left == -1:
                    raise KeyboardInterrupt

        sys.setprofile(interrupt)
        try:
            use(experiment)
        except KeyboardInterrupt as raised:
            kept.append(raised)
        finally:
            sys.setprofile(None)
        if left >= 0:
            break
        assert_free(store, kept[-1])
    assert len(kept) > 20
    steps, values = experiment.metrics_array("a")
    assert steps.tolist() == list(range(1, len(steps) + 1))
    assert values.tolist() == [1.0] * len(steps)
    assert experiment.metrics_array("b")[0].tolist() == steps.tolist()
    assert store.check(deep=True).ok
    use(experiment)


@POSIX
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="needs the main thread")
def test_an_interrupt_anywhere_leaves_a_sound_store(store, experiment, tmp_path):
    """A hundred interrupts at random points: what a call had acknowledged is there, once, and the next call works.

    The last traceback is kept, as a notebook does: with it, every frame of it lives on.
    """
    generator = random.Random(5)
    kept: KeyboardInterrupt | None = None
    told: list[int] = []
    versions = 0
    interrupts = 0
    step = 0
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(100):
            try:
                # A timer's signal arrives wherever the program is by then, also inside SQLite and the file system.
                signal.signal(signal.SIGALRM, signal.default_int_handler)
                signal.setitimer(
                    signal.ITIMER_REAL, generator.uniform(0.0002, 0.006) * generator.choice((1, 1, 8))
                )
                # Not for ever: Python drops an interrupt that it raises within a finalizer.
                for _ in range(1000):
                    step += 1
                    experiment.log_metrics({f"m{n}": float(step) for n in range(5)}, step=step)
                    told.append(step)
                    experiment.log("table", {"step": step})
                    experiment.artifacts.store("file", f"{step}".encode())
                    versions += 1
            except KeyboardInterrupt as interrupt:
                interrupts += 1
                kept = interrupt
            # Nothing is left open, although this process does not go on by itself.
            assert_free(store, kept)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, handler)
    assert interrupts > 90
    for name in experiment.metrics:
        steps, values = experiment.metrics_array(name)
        assert set(told) <= set(steps.tolist())
        assert steps.tolist() == sorted(set(steps.tolist()))
        assert values.tolist() == steps.astype(float).tolist()
    stored = experiment.artifacts["file"].versions
    # An interrupt may come after a commit and before the call returns.
    assert versions <= len(stored) <= versions + interrupts
    assert [version.version for version in stored] == list(range(1, len(stored) + 1))
    assert is_sound(store.database.path)
    report = store.check(deep=True)
    assert report.ok, report
    # Another process finds nothing locked.
    assert child(
        "import sys; from piximi_widgets.experiments import ExperimentStore;"
        "store = ExperimentStore(sys.argv[1]); store['first'].log_metrics({'after': 1.0}); print('written')",
        store.url,
    ) == ["written"]


def test_points_are_counted_in_one_pass(store):
    """A check of many metrics in one phase does not go through the points again for each of them."""
    experiment = store.create_experiment("many")
    for step in range(300):
        experiment.log_metrics({f"m{number}": 1.0 for number in range(300)}, step=step, phase="train")
    experiment.finish()
    experiment.log_metrics({"late": 1.0}, phase="train")
    with store.database.write() as connection:
        connection.execute(
            "DELETE FROM point WHERE step = 7 AND series_id IN (SELECT id FROM series WHERE name IN"
            " ('train/m3', 'train/m299'))"
        )
    with store.database.read() as connection:
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection.set_progress_handler(count, 1000)
        found = safety_sql.wrong_statistics(connection)
        connection.set_progress_handler(None, 0)
    assert sorted(found) == [(experiment.id, "train/m299"), (experiment.id, "train/m3")]
    # Thousands of SQLite's instructions: some for each of 90,000 points, and not for 300 times as many.
    assert steps < 5_000
