"""Artifacts: kept by content, versioned by name, checked when they leave."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from piximi_widgets.errors import ArtifactError
from piximi_widgets.experiments.artifacts import keeping


def files(store):
    return sorted(path for path in store.contents.folder.glob("??/*") if path.is_file())


def test_a_file_is_kept_under_its_content(store, experiment, tmp_path, query):
    source = tmp_path / "weights.keras"
    source.write_bytes(b"abc" * 1000)
    artifact = experiment.artifacts.store("model-latest", source)
    sha256 = hashlib.sha256(b"abc" * 1000).hexdigest()
    assert (artifact.filename, artifact.size, artifact.version) == ("weights.keras", 3000, 1)
    assert files(store) == [store.folder / "artifacts" / sha256[:2] / sha256]
    assert query("SELECT name, filename, sha256, size FROM artifact") == [
        ("model-latest", "weights.keras", sha256, 3000)
    ]
    source.unlink()
    assert experiment.artifacts["model-latest"].path.read_bytes() == b"abc" * 1000


def test_equal_files_are_kept_once(store, experiment):
    experiment.artifacts.store("a", b"same")
    other = store.create_experiment("second")
    other.artifacts.store("b", b"same")
    assert len(files(store)) == 1
    experiment.artifacts["a"].delete()
    assert other.artifacts["b"].path.read_bytes() == b"same"
    other.artifacts["b"].delete()
    assert files(store) == []


def test_earlier_versions_stay(experiment, tmp_path):
    for content in (b"one", b"two", b"one"):
        experiment.artifacts.store("model", content, filename=f"{content.decode()}.bin")
    newest = experiment.artifacts["model"]
    assert (newest.version, newest.filename) == (3, "one.bin")
    assert [version.version for version in newest.versions] == [1, 2, 3]
    assert newest.versions[1].download(tmp_path / "deep" / "folder").read_bytes() == b"two"
    assert list(experiment.artifacts) == ["model"]


def test_delete_removes_all_versions(store, experiment):
    experiment.artifacts.store("model", b"one")
    experiment.artifacts.store("model", b"two")
    experiment.artifacts.store("other", b"two")
    experiment.artifacts["model"].delete()
    assert list(experiment.artifacts) == ["other"]
    assert len(files(store)) == 1
    with pytest.raises(ArtifactError, match="'other'"):
        experiment.artifacts["model"]
    assert experiment.artifacts.store("model", b"three").version == 3


def test_one_version_can_be_deleted_alone(store, experiment, query):
    for content in (b"one", b"two", b"three"):
        experiment.artifacts.store("model", content)
    first, second, third = experiment.artifacts["model"].versions
    second.delete_version()
    assert query("SELECT version FROM artifact ORDER BY version") == [(1,), (3,)]
    assert {path.name for path in files(store)} == {
        hashlib.sha256(b"one").hexdigest(),
        hashlib.sha256(b"three").hexdigest(),
    }
    third.delete_version()
    assert experiment.artifacts["model"] == first
    with pytest.raises(ArtifactError, match="no longer there"):
        second.delete_version()
    first.delete_version()
    assert "model" not in experiment.artifacts
    assert files(store) == []


def test_a_deleted_versions_content_stays_where_another_version_has_it(experiment):
    first = experiment.artifacts.store("model", b"same")
    second = experiment.artifacts.store("model", b"same")
    second.delete_version()
    assert first.path.read_bytes() == b"same"


def test_all_newest_artifacts_are_downloaded_at_once(experiment, tmp_path):
    experiment.artifacts.store("model", b"old", filename="m.keras")
    experiment.artifacts.store("model", b"new", filename="m.keras")
    experiment.artifacts.store("config", b"{}", filename="config.json")
    folder = tmp_path / "source"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x").write_bytes(b"x")
    experiment.artifacts.store("plots", folder)
    out = tmp_path / "out"
    assert experiment.artifacts.download(out) == {
        "model": out / "m.keras",
        "config": out / "config.json",
        "plots": out / "source",
    }
    found = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert found == {"m.keras": b"new", "config.json": b"{}", "source/a/x": b"x"}
    (out / "config.json").unlink()
    with pytest.raises(ArtifactError, match="m.keras is there already"):
        experiment.artifacts.download(out)
    assert not (out / "config.json").exists()
    experiment.artifacts.download(out, overwrite=True)
    assert (out / "config.json").read_bytes() == b"{}"


def test_artifacts_that_share_a_file_name_get_folders_of_their_own(experiment, tmp_path):
    names = {"base-model": b"1", "../up": b"2", "a/b": b"3", "a:b": b"4", "model.keras": b"5"}
    for name, content in names.items():
        experiment.artifacts.store(name, content, filename="model.keras")
    experiment.artifacts.store("other", b"6", filename="MODEL.KERAS")
    out = tmp_path / "jail" / "out"
    where = experiment.artifacts.download(out)
    assert {name: path.read_bytes() for name, path in where.items()} == names | {"other": b"6"}
    assert len(set(where.values())) == 6
    assert all(path.resolve().is_relative_to(out) for path in where.values())
    assert [path.name for path in (tmp_path / "jail").iterdir()] == ["out"]
    assert where["base-model"] == out / "base-model" / "model.keras"


def test_nothing_to_download_is_no_error(experiment, tmp_path):
    assert experiment.artifacts.download(tmp_path / "out") == {}


def test_an_unknown_name_is_answered_with_the_nearest(experiment):
    experiment.artifacts.store("model-latest", b"")
    with pytest.raises(ArtifactError, match=r"did you mean 'model-latest'\?"):
        experiment.artifacts["model_latest"]
    with pytest.raises(ArtifactError) as caught:
        experiment.artifacts["zzz"]
    assert "did you mean" not in str(caught.value)


def test_a_failed_commit_of_a_deletion_leaves_the_artifact_and_its_file(store, experiment, monkeypatch):
    artifact = experiment.artifacts.store("model", b"content")
    refuse = store.database._refuse_if_gone

    def full_disk():
        raise OSError("disk full")

    monkeypatch.setattr(store.database, "_refuse_if_gone", full_disk)
    with pytest.raises(OSError, match="disk full"):
        artifact.delete()
    monkeypatch.setattr(store.database, "_refuse_if_gone", refuse)
    assert experiment.artifacts["model"].path.read_bytes() == b"content"


def test_it_behaves_like_a_mapping(experiment):
    experiment.artifacts.store("b", b"1")
    experiment.artifacts.store("a", b"2")
    assert list(experiment.artifacts) == ["b", "a"]
    assert len(experiment.artifacts) == 2
    assert "a" in experiment.artifacts
    assert "c" not in experiment.artifacts
    assert experiment.artifacts.get("c") is None
    assert {name: artifact.size for name, artifact in experiment.artifacts.items()} == {"b": 1, "a": 1}


def test_a_download_does_not_overwrite_unasked(experiment, tmp_path):
    artifact = experiment.artifacts.store("config", b"{}", filename="config.json")
    target = tmp_path / "config.json"
    target.write_bytes(b"mine")
    with pytest.raises(ArtifactError, match="overwrite"):
        artifact.download(tmp_path)
    assert target.read_bytes() == b"mine"
    assert artifact.download(tmp_path, overwrite=True).read_bytes() == b"{}"


def test_a_missing_file_is_named(experiment, tmp_path):
    artifact = experiment.artifacts.store("config", b"{}")
    artifact.path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        artifact.path  # noqa: B018
    with pytest.raises(ArtifactError, match="missing"):
        artifact.download(tmp_path)
    assert "config" in experiment.artifacts
    experiment.artifacts.store("config", b"{}")
    assert artifact.path.read_bytes() == b"{}"


def test_a_damaged_file_does_not_leave_the_store(experiment, tmp_path):
    artifact = experiment.artifacts.store("config", b"good")
    artifact.path.write_bytes(b"evil")
    with pytest.raises(ArtifactError, match="damaged"):
        artifact.download(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    artifact.path.write_bytes(b"cut")
    experiment.artifacts.store("config", b"good")
    assert artifact.path.read_bytes() == b"good"


@pytest.mark.parametrize("filename", ["../x", "a/b", "a\\b", "..", ".", "", "a\0"])
def test_a_file_name_cannot_leave_its_folder(store, experiment, filename):
    with pytest.raises(ArtifactError, match="file name"):
        experiment.artifacts.store("x", b"", filename=filename)
    assert list(experiment.artifacts) == []


def test_what_cannot_be_read_is_refused(experiment, tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        experiment.artifacts.store("x", tmp_path / "missing")
    with pytest.raises(ArtifactError, match="empty"):
        experiment.artifacts.store(" ", b"")
    assert list(experiment.artifacts) == []


def test_a_file_that_vanishes_before_it_is_referred_to_is_kept_again(store, experiment, monkeypatch):
    kept = store.contents.keep
    vanished = []

    def keep(source):
        result = kept(source)
        if not vanished:
            vanished.append(result)
            shutil.rmtree(store.contents.folder)
        return result

    monkeypatch.setattr(store.contents, "keep", keep)
    assert experiment.artifacts.store("x", b"content").path.read_bytes() == b"content"
    assert vanished


def test_a_file_that_always_vanishes_is_an_error(store, experiment, monkeypatch):
    monkeypatch.setattr(keeping, "_TRIES", 2)
    monkeypatch.setattr(store.contents, "keep", lambda source: ("ab" * 32, 1))
    with pytest.raises(ArtifactError, match="again and again"):
        experiment.artifacts.store("x", b"content")
    assert list(experiment.artifacts) == []


def test_the_number_of_a_deleted_version_is_not_given_again(store, experiment):
    experiment.artifacts.store("model", b"one")
    old = experiment.artifacts.store("model", b"two")
    old.delete_version()
    new = experiment.artifacts.store("model", b"three")
    assert new.version == 3
    with pytest.raises(ArtifactError, match="no longer"):
        old.delete_version()
    assert [version.version for version in new.versions] == [1, 3]
    assert new.path.read_bytes() == b"three"


@pytest.mark.parametrize("name", ["caf\udce9", "a\ud800.txt"])
def test_a_file_name_without_utf8_is_refused(store, experiment, tmp_path, name, query):
    with pytest.raises(ArtifactError, match="filename="):
        experiment.artifacts.store("model", b"1", filename=name)
    if name == "caf\udce9":
        (tmp_path / name).write_bytes(b"1")
        with pytest.raises(ArtifactError, match="filename="):
            experiment.artifacts.store("model", tmp_path / name)
        assert experiment.artifacts.store("model", tmp_path / name, filename="cafe").filename == "cafe"
    else:
        assert query("SELECT count(*) FROM artifact") == [(0,)]
