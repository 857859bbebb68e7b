"""Full disks, read-only folders, locks, and databases that are damaged or gone: said clearly, and nothing
made worse."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.safety.backups import restore
from piximi_widgets.errors import NewerVersionError, NotAProjectError, ProjectError, ReadOnlyError
from piximi_widgets.storage import database as database_module
from piximi_widgets.storage import opening as opening_module

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
AS_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def everything_in(folder: Path) -> dict[str, bytes]:
    """Names and contents of the files below a folder, without the empty ones that SQLite needs for
    reading."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-lock"))
        if not (path.name.endswith("-wal") and not path.stat().st_size)
    }


@pytest.fixture
def project(ten: Dataset) -> Path:
    """A closed project of ten images, four of them labeled a, with a backup of it."""
    ten.label([1, 2, 3, 4], "a")
    ten.backup()
    ten.close()
    return ten.path


def labels(path: Path) -> dict[int, int]:
    """Category by image, read by SQLite alone."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, category_id FROM image"))


def child(program: str, *arguments: object) -> str:
    """What a Python process of its own prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- no room ---------------------------------------------------------------------------------------

FILL = """
import resource, sys
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import PiximiError

limit = int(sys.argv[2])
with Dataset(sys.argv[1]) as dataset:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    done = 0
    try:
        for number in range(100_000):
            dataset.label(range(1, 301), "ab"[number % 2])
            done = dataset.revision
    except PiximiError as error:
        print(error)
    print(done)
    # What was saved is there, and can be read by the very object that could not write.
    print(dataset.revision == done, set(dataset.columns().category_id.tolist()) == {1 + (number - 1) % 2})
"""


def fill(path: Path, limit: int) -> None:
    """Label until nothing more can be written, and look at what is there."""
    with Dataset(path) as dataset:
        dataset.add_images(np.zeros((300, 2, 2), np.uint8))
        dataset.add_category("a")
        dataset.add_category("b")
        first = dataset.revision
    sentence, done, same = child(FILL, path, limit).splitlines()
    assert re.search("disk (is|may be) full.* what was saved before is safe", sentence)
    assert int(done) > first + 5
    assert same == "True True"


@POSIX
def test_a_file_that_may_not_grow(tmp_path):
    """A limit on the size of files stands for a quota: the call that did not fit is an error, those before
    it stay."""
    fill(tmp_path / "cells", 1_000_000)
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.check().ok
        dataset.label([1], "a")


@POSIX
@AS_ROOT
def test_a_disk_that_is_full(tmp_path):
    """A small disk of its own, filled to the last byte by labeling, and usable again once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        fill(disk / "cells", 0)
        shutil.copytree(disk / "cells", tmp_path / "copy")
        # Nothing can be added either, and what is said names the reason.
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        with Dataset(disk / "cells") as dataset:
            assert dataset.check(pixels=True).ok
            dataset.label([1], "a")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    with Dataset(tmp_path / "copy") as dataset:
        assert dataset.check(pixels=True).ok


# -- no rights -------------------------------------------------------------------------------------

FROZEN = """
import os, sys
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import PiximiError

if os.geteuid() == 0:
    # Python's own modules may be out of reach later.
    with Dataset(sys.argv[2], "r") as dataset:
        dataset.pixels(3), dataset.check()
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for mode in ("a", "r+"):
    try:
        Dataset(sys.argv[1], mode)
        print("opened")
    except PiximiError as error:
        print(error)
with Dataset(sys.argv[1], "r") as dataset:
    print(len(dataset), dataset.columns().category_id.tolist(), dataset.pixels(3).shape, dataset.check().ok)
    try:
        dataset.backup()
    except PiximiError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that every user of the machine can reach, which pytest's own folders are not."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def freeze(folder: Path) -> None:
    """Take everybody's right to write below a folder."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


@POSIX
@pytest.mark.parametrize("how", ["closed", "with its log", "cut off in a rollback journal"])
def test_a_folder_that_may_only_be_read(project, shared, how):
    """It opens with mode "r", the log that a killed process has left included; other modes say so."""
    folder = shared / "cells"
    if how == "closed":
        shutil.copytree(project, folder)
        expected = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    elif how == "with its log":
        with Dataset(project) as dataset:
            dataset.label([10], "b")
            shutil.copytree(project, folder)
        assert (folder / "project.db-wal").stat().st_size
        expected = [1, 1, 1, 1, 0, 0, 0, 0, 0, 2]
    else:
        with closing(sqlite3.connect(project / "project.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
            connection.execute("PRAGMA cache_size=1")
            connection.execute("BEGIN")
            connection.execute("UPDATE image SET category_id = 3, name = hex(zeroblob(9000))")
            # The half transaction is in the file now, and its undoing in the journal beside it.
            shutil.copytree(project, folder)
            connection.execute("ROLLBACK")
        assert (folder / "project.db-journal").stat().st_size
        expected = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    (folder / "project.db-shm").unlink(missing_ok=True)
    freeze(folder)
    before = everything_in(folder)
    first, second, read, refused = child(FROZEN, folder, project).splitlines()
    assert "read-only" in first
    assert "read-only" in second
    assert read == f"10 {expected} (1, 4, 6, 1) True"
    assert refused == ReadOnlyError.__name__
    assert everything_in(folder) == before


# -- somebody else ---------------------------------------------------------------------------------

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_another_process_that_does_not_let_go(project, monkeypatch, journal):
    """After a bounded time the call says who is in the way; nothing was changed, and later it works."""
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.4)
    if journal == "DELETE":
        monkeypatch.setattr(opening_module, "can_use_wal", lambda folder: False)
        with closing(sqlite3.connect(project / "project.db")) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    with Dataset(project) as dataset:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(project / "project.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            started = time.perf_counter()
            with pytest.raises(ProjectError, match=r"another process for 0\.4 seconds.*close the other"):
                dataset.label(1, "b")
            if journal == "DELETE":
                with pytest.raises(ProjectError, match="another process"):
                    Dataset(project)
            else:
                with Dataset(project) as second:
                    assert second.images.loc[1, "category"] == "a"
            assert time.perf_counter() - started < 5
        finally:
            holder.communicate("", timeout=30)
        assert dataset.images.loc[1, "category"] == "a"
        dataset.label(1, "b")
    assert labels(project / "project.db")[1] == 2


def test_a_newer_version_is_left_as_it_is(project):
    """A database of a newer version is refused by name in every mode, and not a byte of it is changed."""
    with closing(sqlite3.connect(project / "project.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = everything_in(project)
    for mode in ("a", "r", "r+"):
        with pytest.raises(NewerVersionError, match=r"schema 99, this one knows \d+.*pip install -U"):
            Dataset(project, mode)
    assert everything_in(project) == before


# -- damage ----------------------------------------------------------------------------------------


def is_told_and_mended(project: Path, error: type[Exception] = ProjectError) -> None:
    """Opening says what is wrong, names the backup and the call, changes nothing; and the call mends it."""
    before = everything_in(project)
    for mode in ("a", "r", "r+"):
        with pytest.raises(
            error, match=r"project-\d{8}T\d{6}Z-by-hand\.db of .* with \d+ operations"
        ) as raised:
            Dataset(project, mode)
        assert f"piximi_widgets.Project.restore({str(project)!r})" in str(raised.value)
    assert everything_in(project) == before
    restore(project)
    aside = next(project.glob("project-damaged-*.db"), None)
    if "project.db" in before:
        assert aside is not None
        assert aside.read_bytes() == before["project.db"]
    with Dataset(project) as dataset:
        assert dataset.check().ok
        assert dataset.images["category"].tolist()[:4] == ["a"] * 4


@pytest.mark.parametrize(
    "part", ["100 bytes less", "half a page", "a page less", "half", "one page", "50 bytes"]
)
def test_a_database_that_was_cut_off(project, part):
    """At whatever length, in the middle of a page too."""
    file = project / "project.db"
    size = file.stat().st_size
    length = {
        "100 bytes less": size - 100,
        "half a page": size - 2048,
        "a page less": size - 4096,
        "half": size // 2,
        "one page": 4096,
        "50 bytes": 50,
    }[part]
    os.truncate(file, length)
    is_told_and_mended(project)


def test_a_database_without_a_byte(project):
    """An empty file is no new project where there was one."""
    os.truncate(project / "project.db", 0)
    is_told_and_mended(project)


def test_an_empty_database_beside_pixels(project):
    """Nor where there is no backup, but pixels."""
    shutil.rmtree(project / "backups")
    os.truncate(project / "project.db", 0)
    before = everything_in(project)
    with pytest.raises(ProjectError, match=r"is empty, although there was a project.*There is no backup"):
        Dataset(project)
    assert everything_in(project) == before


def test_a_database_that_was_deleted(project):
    """A folder with backups is not taken for something else."""
    (project / "project.db").unlink()
    is_told_and_mended(project)


@pytest.mark.parametrize("start", [0, 16, 28, 100])
def test_a_header_of_garbage(project, start):
    """The first bytes overwritten, from several places on."""
    with (project / "project.db").open("rb+") as file:
        file.seek(start)
        file.write(b"\xa5" * 300)
    is_told_and_mended(project)


def test_garbage_in_the_middle(project, tmp_path):
    """Damage that opening does not meet is found by check(), and by the call that meets it."""
    with closing(sqlite3.connect(project / "project.db")) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'image'").fetchone()[0]
    with (project / "project.db").open("rb+") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\x5a" * 4096)
    with Dataset(project) as dataset:
        report = dataset.check()
        assert not report.ok
        assert "project.db is damaged" in repr(report)
        with pytest.raises(ProjectError, match=r"is damaged.*by-hand\.db.*restore\("):
            dataset.to_csv(tmp_path / "labels.csv")
    restore(project)
    with Dataset(project) as dataset:
        assert dataset.check(pixels=True).ok


def leave_log(project: Path, tmp_path: Path) -> Path:
    """A copy of the project as a killed process leaves it, with thirty commits in its log."""
    with Dataset(project) as dataset:
        for number in range(30):
            dataset.label([5, 6, 7], "abc"[number % 3])
        shutil.copytree(project, tmp_path / "killed")
    (tmp_path / "killed" / "project.db-shm").unlink()
    return tmp_path / "killed"


@pytest.mark.parametrize("place", ["header", "salt", "first frame", "middle", "many frames"])
def test_a_damaged_log_is_no_silent_loss(project, tmp_path, place):
    """SQLite would drop all commits after the damage without a word. Here it is said, and nothing is
    dropped."""
    killed = leave_log(project, tmp_path)
    log = killed / "project.db-wal"
    frames = (log.stat().st_size - 32) // 4120
    offset, length = {
        "header": (0, 4),
        "salt": (16, 8),
        "first frame": (32 + 24 + 50, 1),
        "middle": (32 + frames // 2 * 4120 + 700, 3),
        "many frames": (32 + frames // 3 * 4120, 4120 * 5),
    }[place]
    with log.open("rb+") as file:
        file.seek(offset)
        old = file.read(length)
        file.seek(offset)
        file.write(bytes(byte ^ 0xFF for byte in old))
    before = everything_in(killed)
    for mode in ("a", "r"):
        with pytest.raises(ProjectError, match=r"project\.db-wal.*left as it is.*by-hand\.db"):
            Dataset(killed, mode)
    assert everything_in(killed) == before
    restore(killed)
    with Dataset(killed) as dataset:
        assert dataset.check().ok
        assert dataset.images["category"].tolist()[:4] == ["a"] * 4
    assert next(killed.glob("project-damaged-*.db-wal")).read_bytes() == before["project.db-wal"]


@pytest.mark.parametrize("lost", [1, 24, 2000, 4120, 10_000])
def test_an_end_of_the_log_that_was_never_written(project, tmp_path, lost):
    """A log that ends in the middle of a commit is what a power cut leaves: the commits before it are
    there."""
    killed = leave_log(project, tmp_path)
    log = killed / "project.db-wal"
    os.truncate(log, log.stat().st_size - lost)
    with Dataset(killed) as dataset:
        assert dataset.check().ok
        journal = dataset.journal
        assert (journal["action"] == "label").sum() >= 4 + 3 * 25


def test_a_sound_log_is_taken_in(project, tmp_path):
    """As a killed process leaves it, and while others write it."""
    killed = leave_log(project, tmp_path)
    with Dataset(killed) as dataset:
        assert dataset.images["category"].tolist()[4:7] == ["c"] * 3
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                dataset.label([8, 9], "abc"[dataset.revision % 3])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(40):
                Dataset(killed).close()
        finally:
            stop.set()
            writer.join()
        assert dataset.check().ok


# -- gone while it was open ------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize("what", ["deleted", "replaced", "moved", "log deleted", "folder deleted"])
def test_a_database_that_goes_while_it_is_open(project, tmp_path, what):
    """A label that would be written into a file which nobody finds is refused, and all that was there can be
    saved."""
    with Dataset(project) as dataset:
        dataset.label(5, "b")
        if what == "deleted":
            for name in ("project.db", "project.db-wal", "project.db-shm"):
                (project / name).unlink()
        elif what == "replaced":
            shutil.copy(project / "project.db", tmp_path / "other.db")
            os.replace(tmp_path / "other.db", project / "project.db")
        elif what == "moved":
            project.rename(tmp_path / "elsewhere")
        elif what == "folder deleted":
            shutil.rmtree(project)
        else:
            (project / "project.db-wal").unlink()
        with pytest.raises(ProjectError, match=r"while it was open; nothing was changed.*backup\(\)"):
            dataset.label(6, "b")
        outcome: list[BaseException] = []

        def label() -> None:
            try:
                dataset.label(6, "b")
            except BaseException as problem:
                outcome.append(problem)

        thread = threading.Thread(target=label)
        thread.start()
        thread.join()
        assert isinstance(outcome[0], ProjectError)
        assert what in ("replaced", "log deleted") or not (project / "project.db").exists()
        if what != "moved":
            saved = dataset.backup()
            assert labels(saved)[5] == 2
            assert labels(saved)[6] == 0
    if what == "moved":
        with Dataset(tmp_path / "elsewhere") as moved:
            assert moved.images.loc[5, "category"] == "b"
            assert moved.check().ok


@pytest.mark.parametrize("name", ["a [1]", "50 %", "no #1", "plätze", "a?b=c&d", "..dots..", "細胞 100%41"])
def test_names_of_all_kinds(tmp_path, name):
    """What means something in an address is a plain character in a folder's name."""
    with Dataset(tmp_path / name / name) as dataset:
        dataset.add_images(np.zeros((2, 3, 3), np.uint8))
        dataset.add_category("a")
        dataset.label([1, 2], "a")
        copy = dataset.backup()
    assert labels(tmp_path / name / name / "project.db") == labels(copy) == {1: 1, 2: 1}
    with Dataset(tmp_path / name / name, "r") as dataset:
        assert dataset.check(pixels=True).ok
    os.truncate(tmp_path / name / name / "project.db", 5000)
    assert restore(tmp_path / name / name) == copy
    with Dataset(tmp_path / name / name) as dataset:
        assert dataset.check(pixels=True).ok


def test_something_else_is_still_no_project(tmp_path):
    """A file of another kind is not called a damaged project."""
    folder = tmp_path / "cells"
    folder.mkdir()
    (folder / "project.db").write_text("notes of a project manager\n" * 100)
    with pytest.raises(NotAProjectError, match="not a database"):
        Dataset(folder)
