"""The database file that many threads and processes write."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import pytest

from piximi_widgets.errors import NewerVersionError, ProjectError, ReadOnlyError
from piximi_widgets.storage import Database
from piximi_widgets.storage import blocks as blocks_module
from piximi_widgets.storage import opening as opening_module
from piximi_widgets.storage.sqlite import has_wal_reset_bug

SCHEMA = ["CREATE TABLE item (id INTEGER PRIMARY KEY, value TEXT NOT NULL);"]


def make(path: Path, **options: object) -> Database:
    return Database(path, application_id=0x50585401, migrations=SCHEMA, what="project", **options)  # type: ignore[arg-type]


def insert(database: Database, value: str) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO item (value) VALUES (?)", (value,))


def values(path: Path) -> list[str]:
    """What a plain SQLite reader sees."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT value FROM item ORDER BY id")]
    finally:
        connection.close()


def test_a_commit_is_visible_to_another_reader(tmp_path):
    database = make(tmp_path / "a.db")
    insert(database, "one")
    assert values(tmp_path / "a.db") == ["one"]


def test_an_exception_rolls_the_whole_block_back(tmp_path):
    database = make(tmp_path / "a.db")

    def fail() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO item (value) VALUES ('lost')")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    insert(database, "kept")
    assert values(tmp_path / "a.db") == ["kept"]


def test_a_write_inside_a_read_is_refused_and_a_read_inside_a_write_sees_it(tmp_path):
    database = make(tmp_path / "a.db")
    with database.read(), pytest.raises(RuntimeError), database.write():
        pass
    with database.write() as connection:
        connection.execute("INSERT INTO item (value) VALUES ('x')")
        with database.read() as inner:
            assert inner.execute("SELECT COUNT(*) FROM item").fetchone()[0] == 1


def test_a_read_is_one_moment(tmp_path):
    """Commits of others do not show inside a read transaction."""
    database = make(tmp_path / "a.db")
    with database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM item").fetchone()[0] == 0
        thread = threading.Thread(target=insert, args=(database, "later"))
        thread.start()
        thread.join()
        assert connection.execute("SELECT COUNT(*) FROM item").fetchone()[0] == 0
    with database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM item").fetchone()[0] == 1


def test_threads_write_at_once(tmp_path):
    database = make(tmp_path / "a.db")
    threads = [
        threading.Thread(target=lambda n=n: [insert(database, f"{n}-{i}") for i in range(25)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(values(tmp_path / "a.db")) == sorted(f"{n}-{i}" for n in range(8) for i in range(25))


PROGRAM = """
import sys
from piximi_widgets.storage import Database
database = Database(sys.argv[1], application_id=0x50585401, migrations=[sys.argv[2]], what="project")
for number in range(int(sys.argv[4])):
    with database.write() as connection:
        connection.execute("INSERT INTO item (value) VALUES (?)", (f"{sys.argv[3]}-{number}",))
    print(number, flush=True)
"""


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), SCHEMA[0], name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_create_and_write_one_file_at_once(tmp_path):
    processes = [start(tmp_path / "a.db", str(n), 20) for n in range(4)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(values(tmp_path / "a.db")) == 80


def test_a_killed_process_loses_nothing_that_it_had_committed(tmp_path):
    process = start(tmp_path / "a.db", "k", 1_000_000)
    assert process.stdout is not None
    for _ in range(50):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    acknowledged = 50 + len(process.stdout.read().splitlines())
    process.wait()
    found = values(tmp_path / "a.db")
    assert acknowledged <= len(found) <= acknowledged + 1
    insert(make(tmp_path / "a.db"), "after")
    assert values(tmp_path / "a.db")[-1] == "after"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_uses_a_connection_of_its_own(tmp_path):
    """Each thread and process has its connection; the parent's survives the child's end."""
    database = make(tmp_path / "a.db")
    insert(database, "parent")
    child = os.fork()
    if child == 0:
        insert(database, "child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    insert(database, "parent again")
    assert values(tmp_path / "a.db") == ["parent", "child", "parent again"]


def test_listeners_hear_of_commits_of_this_and_of_other_processes(tmp_path):
    database = make(tmp_path / "a.db")
    heard = threading.Event()
    subscription = database.watch(heard.set, interval=0.02)
    insert(database, "here")
    assert heard.wait(5)
    time.sleep(0.1)
    heard.clear()
    start(tmp_path / "a.db", "there", 1).communicate(timeout=60)
    assert heard.wait(5)
    subscription.close()
    time.sleep(0.1)
    heard.clear()
    insert(database, "unheard")
    assert not heard.wait(0.3)


def test_a_file_that_was_out_of_reach_is_watched_again(tmp_path, caplog):
    """A listener that came while it could not be opened does not wait for it, and hears once it is there again."""
    database = make(tmp_path / "a.db")
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    heard = threading.Event()
    before = time.monotonic()
    database.watch(heard.set, interval=0.02)
    assert time.monotonic() - before < 2
    assert "cannot be watched" in caplog.text
    (tmp_path / "b.db").rename(tmp_path / "a.db")
    assert heard.wait(5)
    heard.clear()
    insert(database, "there again")
    assert heard.wait(5)
    assert caplog.text.count("cannot be watched") == 1
    database.close()


def test_a_forgotten_listener_is_let_go(tmp_path):
    """A subscription does not keep the object alive whose method it calls."""
    import gc
    import weakref

    class Listener:
        def hear(self) -> None: ...

    database = make(tmp_path / "a.db")
    listener = Listener()
    database.watch(listener.hear)
    reference = weakref.ref(listener)
    del listener
    gc.collect()
    assert reference() is None


def test_the_write_ahead_log_stays_small(tmp_path):
    """The log is folded back into the file although no connection may do so by itself."""
    database = make(tmp_path / "a.db")
    for _ in range(120):
        insert(database, "x" * 200_000)
    assert (tmp_path / "a.db-wal").stat().st_size < 16 << 20
    assert len(values(tmp_path / "a.db")) == 120


def test_migrations_run_once_and_forward(tmp_path):
    insert(make(tmp_path / "a.db"), "old")
    newer = [
        *SCHEMA,
        "ALTER TABLE item ADD COLUMN extra INTEGER DEFAULT 5; CREATE INDEX by_extra ON item (extra);",
    ]
    database = Database(tmp_path / "a.db", application_id=0x50585401, migrations=newer, what="project")
    with database.read() as connection:
        assert tuple(connection.execute("SELECT value, extra FROM item").fetchone()) == ("old", 5)
    with pytest.raises(NewerVersionError, match="newer version"):
        make(tmp_path / "a.db")


def test_a_failing_migration_leaves_the_old_version(tmp_path):
    insert(make(tmp_path / "a.db"), "old")
    broken = [*SCHEMA, "CREATE TABLE other (id INTEGER); CREATE TABLE item (id INTEGER);"]
    with pytest.raises(sqlite3.OperationalError):
        Database(tmp_path / "a.db", application_id=0x50585401, migrations=broken, what="project")
    assert values(tmp_path / "a.db") == ["old"]
    insert(make(tmp_path / "a.db"), "still usable")


@pytest.mark.parametrize("content", [b"GIF89a not a database at all", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_foreign_file_is_left_as_it_is(tmp_path, content):
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(ProjectError, match=r"a\.db"):
        make(tmp_path / "a.db")
    assert (tmp_path / "a.db").read_bytes() == content


def test_another_programs_database_is_left_as_it_is(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(ProjectError, match="left as it is"):
        make(tmp_path / "a.db")
    assert (tmp_path / "a.db").read_bytes() == before


def test_read_only_reads_and_never_writes(tmp_path):
    writer = make(tmp_path / "a.db")
    insert(writer, "one")
    reader = make(tmp_path / "a.db", read_only=True)
    with reader.read() as connection:
        assert connection.execute("SELECT value FROM item").fetchone()[0] == "one"
    with pytest.raises(ReadOnlyError), reader.write():
        pass


def test_read_only_works_where_nothing_can_be_written(tmp_path):
    folder = tmp_path / "frozen"
    folder.mkdir()
    database = make(folder / "a.db")
    insert(database, "one")
    database.close()
    for leftover in folder.glob("a.db-*"):
        leftover.unlink()
    folder.chmod(0o555)
    try:
        with make(folder / "a.db", read_only=True).read() as connection:
            assert connection.execute("SELECT value FROM item").fetchone()[0] == "one"
    finally:
        folder.chmod(0o755)


def test_a_missing_file_is_said_plainly(tmp_path):
    with pytest.raises(ProjectError, match="There is no project"):
        make(tmp_path / "a.db", create=False)


def test_a_full_disk_is_said_plainly_and_loses_nothing(tmp_path):
    """SQLite's page limit stands in for a full disk: it raises the same error."""
    database = make(tmp_path / "a.db")
    insert(database, "kept")
    with database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with database.read() as connection:
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
    with pytest.raises(ProjectError, match="disk is full"):
        insert(database, "x" * 1_000_000)
    assert values(tmp_path / "a.db") == ["kept"]


def test_use_after_close_is_said_plainly(tmp_path):
    database = make(tmp_path / "a.db")
    database.close()
    with pytest.raises(ProjectError, match="was closed"):
        insert(database, "x")


@pytest.mark.parametrize("step", ["_lock", "_checkpoint", "_unlock"])
def test_an_interrupt_in_a_write_leaves_nothing_locked(tmp_path, monkeypatch, step):
    """Ctrl+C may come at any line; the next write of any thread goes on."""
    database = make(tmp_path / "a.db")
    insert(database, "before")
    original = getattr(Database, step)

    def interrupted(self, *arguments):
        original(self, *arguments)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(Database, step, interrupted)
    monkeypatch.setattr(database, "_guarded", True)
    with pytest.raises(KeyboardInterrupt):
        insert(database, "during")
    writer = threading.Thread(target=insert, args=(database, "after"))
    writer.start()
    writer.join(10)
    insert(database, "after")
    assert values(tmp_path / "a.db").count("after") == 2
    # Another process' view: nothing is held.
    start(tmp_path / "a.db", "other", 1).communicate(timeout=60)
    assert values(tmp_path / "a.db")[-1] == "other-0"


def at_each_point(
    operation: Callable[[], object], happens: Callable[[], object]
) -> Iterator[BaseException | None]:
    """Run an operation again and again, and let something happen at one point later each time.

    The points are those at which Python looks for signals: where a call of Python's begins, and where one of C's has
    returned. Gives what the operation raised, and is done with the first run that comes to its end before its point.
    """
    # A finalizer that runs in between would swallow what is raised there.
    gc.disable()
    try:
        yield from _at_each_point(operation, happens)
    finally:
        gc.enable()


def _at_each_point(
    operation: Callable[[], object], happens: Callable[[], object]
) -> Iterator[BaseException | None]:
    for point in itertools.count():
        left = point

        def profile(frame: object, event: str, argument: object) -> None:
            nonlocal left
            if event in ("call", "c_return"):
                left -= 1
                if left == -1:
                    happens()

        raised = None
        sys.setprofile(profile)
        try:
            operation()
        except BaseException as exception:
            raised = exception
        finally:
            sys.setprofile(None)
        if left >= 0:
            return
        yield raised


def interrupt() -> None:
    raise KeyboardInterrupt


def is_free(database: Database) -> bool:
    """Whether another process, and another thread of this one, could write and close at once."""
    taken = []

    def take() -> None:
        for lock in (database._writing, database._bookkeeping):
            taken.append(lock.acquire(blocking=False))
            if taken[-1]:
                lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    other = sqlite3.connect(database.path, timeout=0, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return taken == [True, True] and not database._running and not database._connection().in_transaction


def _inserts(database: Database) -> None:
    insert(database, "x")


def _inserts_durably(database: Database) -> None:
    with database.write(durable=True) as connection:
        connection.execute("INSERT INTO item (value) VALUES ('x')")


def _fails(database: Database) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO item (value) VALUES ('never')")
        raise ValueError


def _reads(database: Database) -> None:
    with database.read() as connection:
        connection.execute("SELECT * FROM item").fetchall()


def _reads_within(database: Database) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO item (value) VALUES ('x')")
        _reads(database)


def _is_refused(database: Database) -> None:
    with database.write(check=lambda connection: connection.execute("nonsense")):
        pass


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize(
    "operation", [_inserts, _inserts_durably, _fails, _reads, _reads_within, _is_refused]
)
def test_an_interrupt_at_any_point_leaves_nothing_open(tmp_path, monkeypatch, operation, guarded):
    """The traceback is kept, as a notebook does with the last one: with it, every frame of it lives on."""
    database = make(tmp_path / "a.db", synchronous="NORMAL")
    insert(database, "before")
    monkeypatch.setattr(database, "_guarded", guarded)
    kept = []
    for raised in at_each_point(lambda: operation(database), interrupt):
        kept.append(raised)
        assert isinstance(raised, KeyboardInterrupt)
        assert is_free(database), f"after point {len(kept)}"
        with database.read() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone()[0] == 1
    assert len(kept) > 10
    assert "never" not in values(tmp_path / "a.db")
    insert(database, "after")
    assert values(tmp_path / "a.db")[-1] == "after"
    database.close()


def test_a_read_at_any_point_of_a_write_does_no_harm(tmp_path):
    """A signal's handler or a finalizer may read, also where the write is about to end."""
    database = make(tmp_path / "a.db")
    insert(database, "before")
    runs = 0
    for raised in at_each_point(lambda: insert(database, "x"), lambda: _reads(database)):
        assert raised is None
        runs += 1
        assert values(tmp_path / "a.db").count("x") == runs
        assert is_free(database)
    assert runs > 10


def _by_hand(database: Database, inside: Callable[[], None]) -> None:
    block = database.write()
    assert hasattr(block, "__exit__")
    block.__enter__().execute("INSERT INTO item (value) VALUES ('x')")
    inside()
    block.__exit__(None, None, None)


def _by_a_stack(database: Database, inside: Callable[[], None]) -> None:
    with ExitStack() as stack:
        stack.enter_context(database.write()).execute("INSERT INTO item (value) VALUES ('x')")
        inside()


def _in_a_generator(database: Database, inside: Callable[[], None]) -> None:
    def generate() -> Iterator[None]:
        with database.write() as connection:
            connection.execute("INSERT INTO item (value) VALUES ('x')")
            yield

    for _ in generate():
        gc.collect()
        inside()


def _in_a_context_manager(database: Database, inside: Callable[[], None]) -> None:
    @contextmanager
    def writing() -> Iterator[None]:
        with database.write() as connection:
            connection.execute("INSERT INTO item (value) VALUES ('x')")
            yield

    with writing():
        gc.collect()
        inside()


def _in_a_coroutine(database: Database, inside: Callable[[], None]) -> None:
    async def write() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO item (value) VALUES ('x')")
            await asyncio.sleep(0.02)

    async def both() -> None:
        task = asyncio.create_task(write())
        await asyncio.sleep(0)
        inside()
        await task

    asyncio.run(both())


@pytest.mark.parametrize(
    "enter", [_by_hand, _by_a_stack, _in_a_generator, _in_a_context_manager, _in_a_coroutine]
)
def test_a_transaction_goes_on_however_it_was_entered(tmp_path, enter):
    """The block that is open need not be on the stack of who reads within it."""
    database = make(tmp_path / "a.db")
    seen = []

    def inside() -> None:
        with database.read() as connection:
            seen.append(connection.execute("SELECT COUNT(*) FROM item").fetchone()[0])
        with pytest.raises(RuntimeError), database.write():
            pass

    enter(database, inside)
    assert seen == [1]
    assert values(tmp_path / "a.db") == ["x"]
    assert is_free(database)


def test_what_two_interrupts_left_open_is_ended_by_the_next_transaction(tmp_path, monkeypatch):
    """The second one comes while what the first one left is being ended."""
    database = make(tmp_path / "a.db")
    real = blocks_module._end

    def interrupted(*arguments: object) -> None:
        monkeypatch.setattr(blocks_module, "_end", real)
        raise sqlite3.OperationalError("as good as an interrupt, which would be printed")

    monkeypatch.setattr(blocks_module, "_end", interrupted)

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "__exit__":
            raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        insert(database, "never")
    except KeyboardInterrupt as raised:
        kept = raised
    finally:
        sys.setprofile(None)
    assert database._connection().in_transaction
    insert(database, "after")
    assert values(tmp_path / "a.db") == ["after"]
    assert is_free(database)
    assert kept.__traceback__ is not None


def test_a_write_may_be_refused_by_a_check(tmp_path):
    """The check sees the transaction that it would refuse, and nothing is written."""
    database = make(tmp_path / "a.db")

    def check(connection: sqlite3.Connection) -> None:
        assert connection.in_transaction
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"), database.write(check=check) as connection:
        connection.execute("INSERT INTO item (value) VALUES ('never')")
    insert(database, "after")
    assert values(tmp_path / "a.db") == ["after"]


def test_connections_of_finished_threads_are_closed(tmp_path):
    """A worker that lives for days starts threads for each of its jobs."""
    database = make(tmp_path / "a.db")
    for number in range(30):
        thread = threading.Thread(target=insert, args=(database, str(number)))
        thread.start()
        thread.join()
    assert len(database._connections) <= 3


def test_closing_waits_for_the_transactions_of_other_threads(tmp_path):
    """A connection that is closed under a running statement would take the process down with it."""
    database = make(tmp_path / "a.db")
    inside, leave, closed = threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        with database.read() as connection:
            inside.set()
            leave.wait(10)
            connection.execute("SELECT COUNT(*) FROM item").fetchall()

    reader = threading.Thread(target=read)
    closer = threading.Thread(target=lambda: (database.close(), closed.set()))
    reader.start()
    assert inside.wait(10)
    closer.start()
    assert not closed.wait(0.2)
    leave.set()
    assert closed.wait(10)
    reader.join()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_which_sqlite_versions_have_the_wal_reset_bug(version, affected):
    """Fixed in 3.51.3, with backports in 3.50.7 and 3.44.6."""
    assert has_wal_reset_bug(version) is affected


def test_a_thread_that_waits_does_not_unlock_for_the_one_that_writes(tmp_path):
    """What fails before it has the lock leaves the lock of others alone."""
    database = Database(
        tmp_path / "a.db", application_id=7, migrations=("CREATE TABLE t (x);",), what="store"
    )
    other = Database(tmp_path / "a.db", application_id=7, migrations=("CREATE TABLE t (x);",), what="store")
    if not database._guarded:
        pytest.skip("this SQLite needs no lock file")
    with database.write():
        ended = []

        def fail():
            try:
                database._begin = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
                database.write().__enter__()
            except KeyboardInterrupt:
                ended.append(True)
            finally:
                del database._begin

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert ended == [True]
        assert not other._try_lock()
    database.close()
    other.close()


# -- the end that was not clean --------------------------------------------------------------------

KILLED = """
import os, sys
import piximi_widgets.storage.opening as opening
from piximi_widgets.storage import Database
if sys.argv[2] == "journal":
    opening.can_use_wal = lambda folder: False
database = Database(sys.argv[1], application_id=7, migrations=("CREATE TABLE t (x);",), what="store")
with database.write() as connection:
    connection.executemany("INSERT INTO t VALUES (?)", [(b"a" * 500,)] * 1000)
with database.write() as connection:
    connection.execute("PRAGMA cache_size=5")
    connection.execute("UPDATE t SET x = randomblob(400)")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills")
@pytest.mark.parametrize("mode", ["wal", "journal"])
def test_a_change_that_was_cut_off_is_taken_back(tmp_path, monkeypatch, mode):
    """Also without WAL, where only a writer can take it back."""
    subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "a.db"), mode], cwd=Path(__file__).parents[2]
    )
    if mode == "journal":
        assert (tmp_path / "a.db-journal").stat().st_size
        monkeypatch.setattr("piximi_widgets.storage.opening.can_use_wal", lambda folder: False)
    with closing_database(tmp_path / "a.db") as database, database.read() as connection:
        assert [
            tuple(row) for row in connection.execute("SELECT COUNT(*), SUM(x = ?) FROM t", (b"a" * 500,))
        ] == [(1000, 1000)]


@contextmanager
def closing_database(path):
    database = Database(path, application_id=7, migrations=("CREATE TABLE t (x);",), what="store")
    try:
        yield database
    finally:
        database.close()


def test_only_a_file_that_nobody_has_open_and_nobody_closed_is_looked_through(tmp_path, monkeypatch):
    looked = []
    real = opening_module.defects
    monkeypatch.setattr(
        opening_module,
        "defects",
        lambda connection, quick: looked.append(quick) or real(connection, quick=quick),
    )
    path = tmp_path / "a.db"
    with closing_database(path) as first:
        with first.write() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
        assert (tmp_path / "a.db-wal").stat().st_size
        # Somebody is at work.
        with closing_database(path):
            pass
    with closing_database(path):
        pass
    assert looked == []
    if os.name == "posix":
        subprocess.run([sys.executable, "-c", KILLED, str(path), "wal"], cwd=Path(__file__).parents[2])
        for _ in range(2):
            with closing_database(path):
                pass
        assert looked == [True]
