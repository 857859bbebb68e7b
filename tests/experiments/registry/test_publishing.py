"""Publishing: what a model version holds, and that it stays when everything around it goes or changes."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import textwrap

import pytest

from piximi_widgets.errors import ArtifactError, ReadOnlyError, StoreError
from piximi_widgets.experiments import ExperimentStore


class Version:
    uid, name, fingerprint = "u-1", "plates", "ab" * 32


@pytest.fixture
def trained(store):
    trained = store.create_experiment("run", parameters={"lr": 0.1, "nan": float("nan"), "net": "small"})
    trained.labelmap = ["cat", "dog"]
    trained.attach_dataset(Version, alias="train")
    trained.attach_dataset(Version, alias="test")
    trained.artifacts.store("model-latest", b"old", filename="model.keras")
    trained.artifacts.store("model-latest", b"new", filename="model.keras")
    trained.artifacts.store("config", b"{}", filename="config.json")
    trained.artifacts.store("checkpoint-data-latest", b"weights", filename="ckpt")
    return trained


def test_a_first_version_makes_the_model(store, trained, query):
    version = trained.publish("cells", description="the first")
    assert (version.number, version.framework, version.description) == (1, "TENSORFLOW", "the first")
    assert version.labels == {"0": "cat", "1": "dog"}
    assert version.creator == trained.creator
    assert version.created >= trained.created
    assert list(store.models) == ["cells"]
    assert store.models["cells"].latest == version
    assert query("SELECT name, last_number FROM model") == [("cells", 1)]
    assert query("SELECT number, framework, labels, experiment_id, uid FROM model_version") == [
        (1, "TENSORFLOW", '{"0":"cat","1":"dog"}', trained.id, version.uid)
    ]


def test_its_context_says_where_it_comes_from(trained):
    context = trained.publish("cells").context
    assert context.experiment == trained
    assert (context.experiment_uid, context.experiment_name) == (trained.uid, "run")
    assert context.datasets == {"train": ("u-1", "plates", "ab" * 32), "test": ("u-1", "plates", "ab" * 32)}
    assert context.datasets["train"].fingerprint == "ab" * 32
    assert list(context.parameters) == ["lr", "nan", "net"]
    assert context.parameters["lr"] == 0.1
    assert math.isnan(context.parameters["nan"])


def test_it_holds_the_newest_artifacts_but_for_checkpoints(trained, query, tmp_path):
    version = trained.publish("cells")
    assert query("SELECT name, kind, filename, sha256, size FROM model_file ORDER BY name") == [
        ("config", "file", "config.json", hashlib.sha256(b"{}").hexdigest(), 2),
        ("model-latest", "file", "model.keras", hashlib.sha256(b"new").hexdigest(), 3),
    ]
    assert list(version.files) == ["model-latest", "config"]
    assert version.files["model-latest"].path.read_bytes() == b"new"
    assert version.download(tmp_path) == {
        "model-latest": tmp_path / "model.keras",
        "config": tmp_path / "config.json",
    }
    assert (tmp_path / "model.keras").read_bytes() == b"new"


def test_folders_are_published_whole(store, experiment, tmp_path):
    folder = tmp_path / "saved"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "data").write_bytes(b"weights")
    experiment.artifacts.store("model", folder)
    version = experiment.publish("cells")
    assert version.framework == "TENSORFLOW"
    experiment.artifacts["model"].delete()
    copy = version.files["model"].download(tmp_path / "out")
    assert (copy / "variables" / "data").read_bytes() == b"weights"
    assert version.files["model"].files == {"saved_model.pb": 5, "variables/data": 7}


def test_later_changes_of_the_experiment_are_not_in_it(store, trained):
    version = trained.publish("cells")
    trained.parameters = {"lr": 9}
    trained.labelmap = ["other"]
    trained.rename("renamed")
    trained.detach_dataset("train")
    trained.artifacts.store("model-latest", b"newer")
    again = store.models["cells"][1]
    for one in (version, again):
        assert one.context.parameters["lr"] == 0.1
        assert one.labels == {"0": "cat", "1": "dog"}
        assert one.context.experiment_name == "run"
        assert "train" in one.context.datasets
        assert one.files["model-latest"].path.read_bytes() == b"new"


def test_it_survives_its_experiment(store, trained, query):
    uid = trained.uid
    trained.publish("cells")
    trained.delete()
    assert store.models["cells"].latest.context.experiment == trained
    trained.purge()
    version = store.models["cells"].latest
    assert query("SELECT count(*) FROM experiment") == [(0,)]
    assert query("SELECT experiment_id FROM model_version") == [(None,)]
    assert version.context.experiment is None
    assert (version.context.experiment_uid, version.context.experiment_name) == (uid, "run")
    assert version.context.parameters["net"] == "small"
    assert version.files["model-latest"].path.read_bytes() == b"new"
    child = store.create_experiment("child", base_model=version)
    assert child.artifacts["model-latest"].path.read_bytes() == b"new"
    assert {path.name for path in store.contents.folder.glob("??/*")} == {
        hashlib.sha256(content).hexdigest() for content in (b"new", b"{}")
    }


@pytest.mark.parametrize(
    ("files", "framework"),
    [
        ({"model-latest": "model.keras"}, "TENSORFLOW"),
        ({"weights": "model.H5"}, "TENSORFLOW"),
        ({"model": "net.onnx"}, "ONNX"),
        ({"model": "net.pt"}, "PYTORCH"),
        ({"model": "net.pth"}, "PYTORCH"),
        ({"notes": "notes.txt"}, "NOT_CONFIGURED"),
        ({"converted": "net.onnx", "model-latest": "model.keras"}, "TENSORFLOW"),
        ({"converted": "net.keras", "model-latest": "net.pt"}, "PYTORCH"),
    ],
)
def test_the_framework_is_told_by_the_files(experiment, files, framework):
    for name, filename in files.items():
        experiment.artifacts.store(name, b"x", filename=filename)
    assert experiment.publish("cells").framework == framework
    assert experiment.publish("cells", framework="NOT_CONFIGURED").framework == "NOT_CONFIGURED"


def test_published_lists_what_was_made_from_an_experiment(store, trained, experiment):
    first = trained.publish("cells")
    second = trained.publish("other")
    third = trained.publish("cells")
    experiment.artifacts.store("model", b"x")
    experiment.publish("cells")
    assert trained.published == [first, second, third]
    assert [version.number for version in trained.published] == [1, 1, 2]


def test_what_cannot_be_published_is_refused_and_leaves_nothing(store, experiment, trained, query):
    with pytest.raises(StoreError, match="no artifacts"):
        experiment.publish("cells")
    experiment.artifacts.store("checkpoint-index-latest", b"x")
    with pytest.raises(StoreError, match="no artifacts"):
        experiment.publish("cells")
    for name in ("", "x" * 61, 7, None, "a\nb"):
        with pytest.raises(StoreError, match="model's name"):
            trained.publish(name)
    with pytest.raises(StoreError, match="at most 60 characters.*61"):
        trained.publish("x" * 61)
    with pytest.raises(StoreError, match="framework must be one of TENSORFLOW"):
        trained.publish("cells", framework="KERAS")
    with pytest.raises(StoreError, match="description"):
        trained.publish("cells", description=None)
    trained.artifacts["config"].path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        trained.publish("cells")
    trained.artifacts.store("config", b"{}")
    trained.delete()
    with pytest.raises(StoreError, match="restore"):
        trained.publish("cells")
    assert query("SELECT (SELECT count(*) FROM model), (SELECT count(*) FROM model_file)") == [(0, 0)]


def test_a_folder_with_a_missing_file_is_not_published(store, experiment, tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "x").write_bytes(b"x")
    experiment.artifacts.store("model", tmp_path / "saved")
    store.contents.path(hashlib.sha256(b"x").hexdigest()).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        experiment.publish("cells")


def test_a_read_only_store_shows_models_and_takes_none(store, trained, tmp_path):
    trained.publish("cells")
    with ExperimentStore(store.url, read_only=True) as reader:
        version = reader.models["cells"].latest
        assert version.files["config"].download(tmp_path).read_bytes() == b"{}"
        for change in (
            lambda: reader["run"].publish("cells"),
            lambda: version.delete(),
            lambda: reader.models["cells"].rename("x"),
            lambda: reader.models["cells"].delete(),
        ):
            with pytest.raises(ReadOnlyError):
                change()


def test_processes_that_publish_at_once_get_different_numbers(store, trained):
    script = """
    import sys
    from piximi_widgets.experiments import ExperimentStore
    mine = ExperimentStore(sys.argv[1])["run"]
    print("ready", flush=True)
    sys.stdin.readline()
    print(*(mine.publish("cells").number for _ in range(20)))
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), store.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    numbers = [[int(word) for word in process.communicate(timeout=120)[0].split()] for process in processes]
    assert sorted(number for ours in numbers for number in ours) == list(range(1, 61))
    assert all(ours == sorted(ours) for ours in numbers)
    assert len(store.models) == 1
    assert [version.number for version in store.models["cells"].versions] == list(range(1, 61))
