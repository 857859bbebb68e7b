"""Folders as artifacts: kept whole, file by file, and built again as they were, never outside their place."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from piximi_widgets.errors import ArtifactError, ReadOnlyError
from piximi_widgets.experiments import ExperimentStore

NOTHING = hashlib.sha256(b"").hexdigest()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that os.walk finds: content by path, None for a folder."""
    found: dict[str, bytes | None] = {}
    for place, folders, files in os.walk(folder):
        for name in folders:
            found[(Path(place) / name).relative_to(folder).as_posix()] = None
        for name in files:
            found[(Path(place) / name).relative_to(folder).as_posix()] = (Path(place) / name).read_bytes()
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four levels deep, with equal files, an empty file, an empty folder and a name of two scripts."""
    folder = tmp_path / "saved model"
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "top.txt").write_bytes(b"top")
    (folder / "a" / "same.txt").write_bytes(b"top")
    (folder / "a" / "b" / "c" / "deep ü中.bin").write_bytes(bytes(range(256)) * 10)
    (folder / "a" / "empty").write_bytes(b"")
    return folder


def stored(store) -> set[str]:
    return {path.name for path in store.contents.folder.glob("??/*") if path.is_file()}


def test_a_folder_of_any_depth_comes_back_whole(store, experiment, source, tmp_path):
    artifact = experiment.artifacts.store("model", source)
    assert (artifact.kind, artifact.filename, artifact.version) == ("folder", "saved model", 1)
    assert artifact.size == 3 + 3 + 2560
    assert artifact.files == {"top.txt": 3, "a/same.txt": 3, "a/b/c/deep ü中.bin": 2560, "a/empty": 0}
    before = tree(source)
    copy = artifact.download(tmp_path / "out" / "deeper")
    assert copy == tmp_path / "out" / "deeper" / "saved model"
    assert tree(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == ["saved model"]
    assert os.stat(copy).st_mode & 0o777 == os.stat(source).st_mode & 0o777


def test_a_hundred_levels_are_no_limit(experiment, tmp_path):
    deep = tmp_path / "deep"
    place = deep.joinpath(*["d"] * 100)
    place.mkdir(parents=True)
    (place / "end").write_bytes(b"x")
    copy = experiment.artifacts.store("deep", deep).download(tmp_path / "out")
    assert tree(copy) == tree(deep)


def test_its_list_lies_under_the_hash_that_is_documented(store, experiment, source, query):
    artifact = experiment.artifacts.store("model", source)
    deep = bytes(range(256)) * 10
    rows = [
        ["a/b/c/deep ü中.bin", sha(deep), 2560],
        ["a/empty", NOTHING, 0],
        ["a/same.txt", sha(b"top"), 3],
        ["assets/", NOTHING, 0],
        ["top.txt", sha(b"top"), 3],
    ]
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    assert artifact.sha256 == sha(text.encode())
    assert query("SELECT kind, sha256, size FROM artifact") == [("folder", artifact.sha256, 2566)]
    found = query(
        "SELECT path, sha256, size FROM folder_file WHERE folder = ? ORDER BY path", artifact.sha256
    )
    assert [list(row) for row in found] == rows
    assert stored(store) == {sha(deep), NOTHING, sha(b"top")}


def test_equal_folders_are_kept_once_and_go_with_the_last(store, experiment, source, query):
    first = experiment.artifacts.store("one", source)
    other = store.create_experiment("second")
    second = other.artifacts.store("two", source, filename="another name")
    assert first.sha256 == second.sha256
    assert query("SELECT count(*) FROM folder_file") == [(5,)]
    single = other.artifacts.store("file", b"top")
    first.delete()
    assert len(stored(store)) == 3
    second.delete()
    assert query("SELECT count(*) FROM folder_file") == [(0,)]
    assert stored(store) == {single.sha256}
    single.delete()
    assert stored(store) == set()


def test_folders_have_versions_too(experiment, source, tmp_path):
    experiment.artifacts.store("model", source)
    (source / "top.txt").write_bytes(b"changed")
    newest = experiment.artifacts.store("model", source)
    assert [version.version for version in newest.versions] == [1, 2]
    old = newest.versions[0].download(tmp_path / "old")
    new = newest.download(tmp_path / "new")
    assert (old / "top.txt").read_bytes() == b"top"
    assert (new / "top.txt").read_bytes() == b"changed"


def test_a_file_artifact_has_one_file(experiment):
    artifact = experiment.artifacts.store("config", b"{}", filename="config.json")
    assert (artifact.kind, artifact.files) == ("file", {"config.json": 2})


def test_a_folder_has_no_path_of_its_own(experiment, source):
    with pytest.raises(ArtifactError, match="download"):
        experiment.artifacts.store("model", source).path  # noqa: B018


def test_the_name_of_a_relative_folder_is_its_real_name(experiment, source, monkeypatch):
    monkeypatch.chdir(source)
    assert experiment.artifacts.store("model", ".").filename == "saved model"


def test_links_to_files_inside_are_kept_as_files(experiment, source, tmp_path):
    (source / "latest").symlink_to(Path("a") / "same.txt")
    copy = experiment.artifacts.store("model", source).download(tmp_path / "out")
    assert (copy / "latest").read_bytes() == b"top"
    assert not (copy / "latest").is_symlink()


def test_links_that_lead_elsewhere_are_refused(store, experiment, source, tmp_path, query):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    for target, reason in [
        (secret, "outside"),
        (Path("..") / "secret", "outside"),
        (source / "nowhere", "nothing"),
        (source / "link", "nothing"),
        (source / "a", "folder"),
        (source, "folder"),
    ]:
        link = source / "link"
        link.symlink_to(target)
        with pytest.raises(ArtifactError, match=reason):
            experiment.artifacts.store("model", source)
        link.unlink()
    assert query("SELECT count(*) FROM artifact") == [(0,)]
    assert stored(store) == set()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_file_is_refused_and_not_waited_for(experiment, source, tmp_path):
    pipe = source / "a" / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ArtifactError, match="pipe"):
        experiment.artifacts.store("model", source)
    with pytest.raises(ArtifactError, match="pipe"):
        experiment.artifacts.store("model", pipe)
    pipe.unlink()
    with pytest.raises(ArtifactError, match="device"):
        experiment.artifacts.store("model", "/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        # The address of a socket is short: its whole path would not fit.
        with contextlib.chdir(source):
            listener.bind("s")
        with pytest.raises(ArtifactError, match="socket"):
            experiment.artifacts.store("model", source)
    assert list(experiment.artifacts) == []


def test_names_that_are_none_elsewhere_are_refused(experiment, source):
    odd = source / "a\\b"
    odd.write_bytes(b"")
    with pytest.raises(ArtifactError, match="backslash"):
        experiment.artifacts.store("model", source)
    odd.unlink()
    (source / os.fsdecode(b"\xff")).write_bytes(b"")
    with pytest.raises(ArtifactError, match="UTF-8"):
        experiment.artifacts.store("model", source)


def test_a_folder_without_a_file_is_refused(experiment, tmp_path):
    (tmp_path / "hollow" / "inner").mkdir(parents=True)
    with pytest.raises(ArtifactError, match="without a file"):
        experiment.artifacts.store("model", tmp_path / "hollow")
    assert list(experiment.artifacts) == []


def test_the_folder_of_the_store_is_refused(store, experiment):
    experiment.artifacts.store("config", b"{}")
    for folder in (store.folder, store.contents.folder):
        with pytest.raises(ArtifactError, match="own files"):
            experiment.artifacts.store("model", folder)


def test_a_file_that_changes_while_it_is_stored_is_an_error(store, experiment, source, monkeypatch, query):
    keep = store.contents.keep_many

    def slow(files):
        results = keep(files)
        # as if another program removed a stored copy and wrote into the original
        store.contents.path(sha(b"top")).unlink(missing_ok=True)
        (source / "top.txt").write_bytes(b"other")
        return results

    monkeypatch.setattr(store.contents, "keep_many", slow)
    (source / "a" / "same.txt").unlink()
    with pytest.raises(ArtifactError, match="changed"):
        experiment.artifacts.store("model", source)
    assert query("SELECT (SELECT count(*) FROM artifact), (SELECT count(*) FROM folder_file)") == [(0, 0)]


def test_files_that_vanish_before_they_are_referred_to_are_kept_again(
    store, experiment, source, tmp_path, monkeypatch
):
    keep, calls = store.contents.keep_many, []

    def lossy(files):
        calls.append(files)
        results = keep(files)
        if len(calls) <= 12:
            for sha256, _ in results:
                store.contents.path(sha256).unlink(missing_ok=True)
        return results

    monkeypatch.setattr(store.contents, "keep_many", lossy)
    copy = experiment.artifacts.store("model", source).download(tmp_path / "out")
    assert tree(copy) == tree(source)
    assert len(calls) > 12


def test_a_missing_or_damaged_file_leaves_nothing_half_built(store, experiment, source, tmp_path):
    artifact = experiment.artifacts.store("model", source)
    out = tmp_path / "out"
    path = store.contents.path(sha(b"top"))
    path.write_bytes(b"pot")
    with pytest.raises(ArtifactError, match="damaged"):
        artifact.download(out)
    path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        artifact.download(out)
    assert list(out.iterdir()) == []
    experiment.artifacts.store("model", source)
    assert tree(artifact.download(out)) == tree(source)


def test_a_damaged_file_is_mended_by_storing_it_again(store, experiment, source, tmp_path):
    experiment.artifacts.store("model", source)
    store.contents.path(sha(b"top")).write_bytes(b"pot")
    artifact = experiment.artifacts.store("model", source)
    assert tree(artifact.download(tmp_path / "out")) == tree(source)


def test_a_list_that_was_changed_is_not_believed(store, experiment, source, tmp_path):
    artifact = experiment.artifacts.store("model", source)
    connection = sqlite3.connect(store.database.path)
    connection.execute("DELETE FROM folder_file WHERE path = 'top.txt'")
    connection.commit()
    connection.close()
    with pytest.raises(ArtifactError, match="list of files"):
        artifact.download(tmp_path / "out")
    with pytest.raises(ArtifactError, match="list of files"):
        artifact.files  # noqa: B018


@pytest.mark.parametrize(
    "path", ["../evil", "a/../../evil", "/evil", "a//b", "a/./b", "..", "a\\..\\evil", "", "x\0y"]
)
def test_a_strangers_path_cannot_leave_the_folder(store, experiment, source, tmp_path, path):
    experiment.artifacts.store("model", source)
    rows = [[path, sha(b"top"), 3]]
    digest = sha(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode())
    connection = sqlite3.connect(store.database.path)
    connection.execute("INSERT INTO folder_file VALUES (?, ?, ?, ?)", (digest, *rows[0]))
    connection.execute("UPDATE artifact SET sha256 = ?", (digest,))
    connection.commit()
    connection.close()
    out = tmp_path / "jail" / "out"
    with pytest.raises(ArtifactError, match="leads out"):
        experiment.artifacts["model"].download(out)
    assert tree(tmp_path / "jail") == {"out": None}
    assert not Path("/evil").exists()


def test_paths_that_exclude_each_other_are_refused(store, experiment, source, tmp_path):
    experiment.artifacts.store("model", source)
    rows = [["x", sha(b"top"), 3], ["x/y", sha(b"top"), 3]]
    digest = sha(json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode())
    connection = sqlite3.connect(store.database.path)
    for row in rows:
        connection.execute("INSERT INTO folder_file VALUES (?, ?, ?, ?)", (digest, *row))
    connection.execute("UPDATE artifact SET sha256 = ?", (digest,))
    connection.commit()
    connection.close()
    with pytest.raises(ArtifactError, match="one name"):
        experiment.artifacts["model"].download(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing(store, experiment, source, monkeypatch, query):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match="No space left"):
        experiment.artifacts.store("model", source)
    monkeypatch.undo()
    assert query("SELECT (SELECT count(*) FROM artifact), (SELECT count(*) FROM folder_file)") == [(0, 0)]
    assert stored(store) == set()


@pytest.mark.parametrize("filename", ["..", "../up", "/etc/x", "a\\b", ""])
def test_a_strangers_file_name_cannot_leave_the_folder(store, experiment, tmp_path, filename):
    experiment.artifacts.store("config", b"{}")
    connection = sqlite3.connect(store.database.path)
    connection.execute("UPDATE artifact SET filename = ?", (filename,))
    connection.commit()
    connection.close()
    with pytest.raises(ArtifactError, match="file name"):
        experiment.artifacts["config"].download(tmp_path / "jail")
    assert not (tmp_path / "jail").exists()


def test_a_folder_is_replaced_only_on_demand_and_whole(experiment, source, tmp_path):
    artifact = experiment.artifacts.store("model", source)
    copy = artifact.download(tmp_path / "out")
    (copy / "mine").write_bytes(b"mine")
    with pytest.raises(ArtifactError, match="overwrite"):
        artifact.download(tmp_path / "out")
    assert (copy / "mine").exists()
    artifact.download(tmp_path / "out", overwrite=True)
    assert tree(copy) == tree(source)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["saved model"]


def test_a_file_is_not_replaced_by_a_folder_nor_the_other_way_round(experiment, source, tmp_path):
    folder = experiment.artifacts.store("model", source)
    file = experiment.artifacts.store("file", b"x", filename="saved model")
    (tmp_path / "one" / "saved model").mkdir(parents=True)
    with pytest.raises(ArtifactError, match="is a folder"):
        file.download(tmp_path / "one", overwrite=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "saved model").write_bytes(b"mine")
    with pytest.raises(ArtifactError, match="not a folder"):
        folder.download(tmp_path / "two", overwrite=True)
    assert (tmp_path / "two" / "saved model").read_bytes() == b"mine"


def test_a_read_only_store_gives_folders_and_takes_none(store, experiment, source, tmp_path):
    experiment.artifacts.store("model", source)
    with ExperimentStore(store.url, read_only=True) as reader:
        artifacts = reader["first"].artifacts
        assert tree(artifacts["model"].download(tmp_path / "out")) == tree(source)
        with pytest.raises(ReadOnlyError):
            artifacts.store("more", source)
        with pytest.raises(ReadOnlyError):
            artifacts["model"].delete()


def test_a_child_inherits_folders(store, experiment, source, tmp_path):
    experiment.artifacts.store("model", source)
    child = store.create_experiment("child", base_experiment=experiment)
    experiment.artifacts["model"].delete()
    assert child.artifacts["model"].kind == "folder"
    assert tree(child.artifacts["model"].download(tmp_path / "out")) == tree(source)


def test_a_download_gets_the_usual_rights_and_leaves_those_of_other_threads_alone(
    experiment, tmp_path, monkeypatch
):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "x").write_bytes(b"x")
    artifact = experiment.artifacts.store("model", folder)
    (tmp_path / "usual").mkdir()

    def changed(mask):
        raise AssertionError("umask is one for all threads")

    monkeypatch.setattr(os, "umask", changed)
    for overwrite in (False, True):
        made = artifact.download(tmp_path / "out", overwrite=overwrite)
        assert made.stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model"]
