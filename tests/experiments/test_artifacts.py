"""Artifacts: kept by content, versioned by name, checked when they leave."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from piximi_widgets.errors import ArtifactError
from piximi_widgets.experiments import artifacts as artifacts_module


def files(store):
    return sorted(path for path in store.contents.folder.rglob("*") if path.is_file())


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
    assert experiment.artifacts.store("model", b"three").version == 1


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
    with pytest.raises(ArtifactError, match="folder"):
        experiment.artifacts.store("x", tmp_path)
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
    monkeypatch.setattr(artifacts_module, "_TRIES", 2)
    monkeypatch.setattr(store.contents, "keep", lambda source: ("ab" * 32, 1))
    with pytest.raises(ArtifactError, match="again and again"):
        experiment.artifacts.store("x", b"content")
    assert list(experiment.artifacts) == []
