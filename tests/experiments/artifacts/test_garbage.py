"""Files that nothing needs: found, spared while they are young, and never taken from somebody who refers to them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.errors import ReadOnlyError, StoreError
from piximi_widgets.experiments import ExperimentStore


def put(store, content: bytes, *, hours: float) -> Path:
    """A content that nothing refers to, of that age."""
    sha256, _ = store.contents.keep(content)
    path = store.contents.path(sha256)
    age(path, hours)
    return path


def age(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def referred(path: Path) -> set[str]:
    """Every content that the store's tables refer to, read by plain sqlite3."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT sha256 FROM artifact WHERE kind = 'file' UNION SELECT sha256 FROM folder_file"
            " UNION SELECT sha256 FROM log WHERE sha256 IS NOT NULL"
            " UNION SELECT sha256 FROM model_file WHERE kind = 'file'"
        ).fetchall()
        return {row[0] for row in rows}
    finally:
        connection.close()


def lying(store) -> set[str]:
    return {path.name for path in store.contents.folder.glob("??/*")}


def test_only_old_files_that_nothing_refers_to_go(store, experiment, tmp_path):
    image = tmp_path / "image.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(image)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_bytes(b"in a folder")
    experiment.artifacts.store("file", b"artifact")
    experiment.artifacts.store("folder", folder)
    experiment.log("image", image, type="IMAGE")
    published = store.create_experiment("published")
    published.artifacts.store("model", b"published")
    published.publish("cells")
    published.artifacts["model"].delete()
    needed = lying(store)
    assert len(needed) == 4
    for path in store.contents.folder.glob("??/*"):
        age(path, 48)
    old, young = put(store, b"old", hours=1.1), put(store, b"young", hours=0.9)
    part = old.parent / ".abc.xyz.part"
    part.write_bytes(b"half")
    age(part, 2)
    stranger = old.parent / "notes.txt"
    stranger.write_bytes(b"mine")
    age(stranger, 48)

    found = store.collect_garbage(dry_run=True)
    assert (set(found.files), found.size) == ({old, part}, 7)
    assert old.exists()
    assert store.collect_garbage() == found
    assert lying(store) == needed | {young.name, "notes.txt"}
    assert store.collect_garbage().files == ()
    assert referred(store.database.path) == needed


def test_nothing_stored_is_no_garbage(store):
    assert store.collect_garbage() == ((), 0)


def test_a_read_only_store_is_only_looked_at(store):
    old = put(store, b"old", hours=2)
    with ExperimentStore(store.url, read_only=True) as reader:
        assert reader.collect_garbage(dry_run=True).files == (old,)
        with pytest.raises(ReadOnlyError):
            reader.collect_garbage()
    assert old.exists()


@pytest.mark.parametrize("is_open", [False, True])
def test_files_of_a_store_beside_it_are_no_garbage(store, is_open):
    with ExperimentStore(store.folder / "neighbour.db") as other:
        theirs = other.create_experiment("theirs").artifacts.store("model", b"theirs").path
        if is_open:
            with pytest.raises(StoreError, match="neighbour.db"):
                store.collect_garbage()
    age(theirs, 48)
    before = sorted(store.folder.iterdir())
    with pytest.raises(StoreError, match="neighbour.db"):
        store.collect_garbage()
    assert theirs.exists()
    assert sorted(store.folder.iterdir()) == before


def test_other_databases_beside_it_are_no_hindrance(store):
    connection = sqlite3.connect(store.folder / "project.db")
    connection.execute("CREATE TABLE images (x)")
    connection.close()
    (store.folder / "notes.db").write_bytes(b"no database at all")
    old = put(store, b"old", hours=2)
    assert store.collect_garbage().files == (old,)


def run(store, script: str, *arguments: str) -> subprocess.Popen[str]:
    preamble = """
    import sys, time
    from pathlib import Path
    from piximi_widgets.experiments import ExperimentStore
    store = ExperimentStore(sys.argv[1])
    mine = store["first"]
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(preamble) + textwrap.dedent(script), store.url, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def test_two_processes_store_what_a_third_deletes(store, experiment, tmp_path):
    """Equal files and folders under three names: whoever has stored something finds it whole until it is deleted."""
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "one").write_bytes(b"content")
    (folder / "deep" / "two").write_bytes(b"other")
    script = """
    name, folder = sys.argv[2:]
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(25):
        kept = mine.artifacts.store(name, folder)
        file = mine.artifacts.store(name + " file", b"content")
        assert file.path.read_bytes() == b"content"
        assert kept.files == {"one": 7, "deep/two": 5}
        kept.download(Path(folder).parent / name / str(turn))
        if name == "third":
            kept.delete()
            file.delete()
        else:
            kept.delete_version()
    """
    processes = [run(store, script, name, str(folder)) for name in ("first", "second", "third")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    outputs = [process.communicate("go\n", timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert referred(store.database.path) == {hashlib.sha256(b"content").hexdigest()}
    assert lying(store) == referred(store.database.path)
    assert len(experiment.artifacts["first file"].versions) == 25


def killed_at_random(store, turns: int) -> None:
    """Kill processes that store and delete; after each, every reference has its file and every list is whole."""
    generator = np.random.default_rng(turns)
    script = """
    folder = Path(sys.argv[2])
    mine.artifacts.store("folder", folder)
    print("ready", flush=True)
    turn = 0
    while True:
        turn += 1
        (folder / "a" / "changing").write_bytes(f"{sys.argv[3]} {turn}".encode())
        mine.artifacts.store("folder", folder)
        mine.artifacts.store("file", f"{sys.argv[3]} {turn}".encode())
        if turn % 3 == 0:
            mine.artifacts["folder"].versions[0].delete_version()
            mine.artifacts["file"].delete()
    """
    source = store.folder.parent / "source"
    (source / "a").mkdir(parents=True)
    (source / "a" / "still").write_bytes(b"still")
    for turn in range(turns):
        process = run(store, script, str(source), str(turn))
        assert process.stdout.readline() == "ready\n"
        time.sleep(float(generator.uniform(0, 0.3)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        needed = referred(store.database.path)
        assert needed <= {name for name in lying(store) if not name.endswith(".part")}
        for sha256 in needed:
            content = (store.contents.folder / sha256[:2] / sha256).read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256
        connection = sqlite3.connect(store.database.path)
        for (digest,) in connection.execute("SELECT sha256 FROM artifact WHERE kind = 'folder'").fetchall():
            rows = connection.execute(
                "SELECT path, sha256, size FROM folder_file WHERE folder = ? ORDER BY path", (digest,)
            ).fetchall()
            text = json.dumps([list(row) for row in rows], separators=(",", ":"), ensure_ascii=False)
            assert hashlib.sha256(text.encode()).hexdigest() == digest
        connection.close()
    for path in store.contents.folder.glob("??/*"):
        age(path, 2)
    store.collect_garbage()
    assert lying(store) == referred(store.database.path)


@pytest.fixture
def apart(tmp_path, empty):
    """A store with room beside its folder."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "experiments.db").write_bytes(empty.read_bytes())
    with ExperimentStore(tmp_path / "lab" / "experiments.db") as store:
        store.create_experiment("first")
        yield store


def test_a_killed_process_leaves_no_reference_to_a_missing_file(apart):
    killed_at_random(apart, 5)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_hundred_killed_processes_leave_no_reference_to_a_missing_file(apart):
    killed_at_random(apart, 200)
