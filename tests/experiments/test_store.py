"""The store: names, look-up, deletion, URLs, and what a file may be."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from piximi_widgets.errors import (
    ExperimentExistsError,
    ExperimentNotFoundError,
    NewerVersionError,
    PiximiError,
    ReadOnlyError,
    StoreError,
)
from piximi_widgets.experiments import Experiment, ExperimentStore, Status


def test_a_new_experiment_waits_and_knows_its_maker(store, query):
    experiment = store.create_experiment("  first ", description="why", tags=["plate7", "plate7", " b "])
    assert experiment.name == "first"
    assert experiment.status is Status.WAITING
    assert experiment.description == "why"
    assert experiment.tags == ("plate7", "b")
    assert experiment.creator
    assert (experiment.started, experiment.ended, experiment.error, experiment.exit_code) == (None,) * 4
    assert [log.name for log in experiment.logs] == ["parameters", "labelmap"]
    assert query("SELECT id, name, uid FROM experiment") == [(1, "first", experiment.uid)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, 7, None, "a\nb", "\ud800"])
def test_unusable_names_are_refused(store, name):
    with pytest.raises(StoreError):
        store.create_experiment(name)
    assert len(store) == 0


def test_sixty_characters_of_any_script_are_a_name(store):
    name = "中" * 60
    assert store.create_experiment(name).name == name
    assert store[name].name == name


def test_a_taken_name_is_refused(store, experiment):
    with pytest.raises(ExperimentExistsError, match="rename"):
        store.create_experiment("first")


def test_rename_counts_on(store):
    names = [store.create_experiment("run", if_exists="rename").name for _ in range(3)]
    assert names == ["run", "run 2", "run 3"]


def test_a_counted_name_stays_within_sixty_characters(store):
    store.create_experiment("x" * 60)
    assert store.create_experiment("x" * 60, if_exists="rename").name == "x" * 58 + " 2"


def test_reuse_returns_the_same_experiment_and_changes_nothing(store):
    first = store.create_experiment("run", parameters={"lr": 0.1})
    assert store.create_experiment("run", parameters={"lr": 0.1}, if_exists="reuse") == first
    assert store.create_experiment("run", description="other", if_exists="reuse") == first
    assert first.description == ""


def test_reuse_with_other_parameters_goes_to_a_name_of_its_own_and_finds_it_again(store):
    first = store.create_experiment("run", parameters={"lr": 0.1})
    second = store.create_experiment("run", parameters={"lr": 0.2}, if_exists="reuse")
    assert second.name == "run 2"
    assert store.create_experiment("run", parameters={"lr": 0.2}, if_exists="reuse") == second
    assert first.parameters == {"lr": 0.1}


def test_an_unknown_if_exists_is_refused(store):
    with pytest.raises(StoreError, match="if_exists"):
        store.create_experiment("run", if_exists="ignore")


def test_an_experiment_is_found_by_name_id_and_uid(store, experiment):
    assert store["first"] == store[1] == store[experiment.uid] == experiment
    assert "first" in store
    assert 1 in store
    assert "second" not in store
    for key in ("second", 2, True, 1.0, None):
        with pytest.raises(ExperimentNotFoundError):
            store[key]


def test_iteration_is_by_age(store):
    for name in "cab":
        store.create_experiment(name)
    assert [experiment.name for experiment in store] == ["c", "a", "b"]
    assert len(store) == 3


def test_a_deleted_experiment_is_hidden_and_can_come_back(store, experiment):
    experiment.log_metrics({"loss": 1.0})
    experiment.delete()
    assert len(store) == 0
    assert experiment.is_deleted
    with pytest.raises(ExperimentNotFoundError, match=r"store\[1\].restore"):
        store["first"]
    store[1].restore()
    assert store["first"].metric("loss")["value"].tolist() == [1.0]


def test_restore_does_not_take_a_name_that_was_given_away(store, experiment):
    experiment.delete()
    other = store.create_experiment("first")
    with pytest.raises(ExperimentExistsError):
        experiment.restore()
    other.rename("second")
    experiment.restore()
    assert [found.name for found in store] == ["first", "second"]


def test_rename_refuses_a_taken_name_and_allows_its_own(store, experiment):
    store.create_experiment("second")
    with pytest.raises(ExperimentExistsError):
        experiment.rename("second")
    experiment.rename(" first")
    assert experiment.name == "first"


def test_text_fields_are_kept(experiment):
    experiment.describe("a <b>description</b>")
    experiment.notes = "zwei\nZeilen"
    experiment.tags = ["x", "y"]
    assert (experiment.description, experiment.notes) == ("a <b>description</b>", "zwei\nZeilen")
    assert experiment.tags == ("x", "y")
    with pytest.raises(StoreError, match="one string"):
        experiment.tags = "xy"


def test_a_base_gives_parameters_label_map_and_artifacts(store, experiment):
    experiment.parameters = {"lr": 0.1}
    experiment.labelmap = ["cat", "dog"]
    experiment.artifacts.store("model", b"old")
    experiment.artifacts.store("model", b"new")
    child = store.create_experiment("child", base_experiment=experiment)
    assert child.base_experiment == experiment
    assert child.parameters == {"lr": 0.1}
    assert child.labelmap == {"0": "cat", "1": "dog"}
    assert child.artifacts["model"].path.read_bytes() == b"new"
    assert child.artifacts["model"].version == 1
    other = store.create_experiment("other", base_experiment=experiment, parameters={})
    assert other.parameters == {}


def test_a_base_of_another_store_is_refused(store, tmp_path):
    with ExperimentStore(tmp_path / "other.db") as other:
        stranger = other.create_experiment("stranger")
        with pytest.raises(StoreError, match="belongs to the store"):
            store.create_experiment("child", base_experiment=stranger)
    assert len(store) == 0


def test_search_shows_parameters_and_last_metrics(store):
    one = store.create_experiment("one", parameters={"lr": 0.1, "net": "small"}, tags=["plate7"])
    one.log_metrics({"loss": 0.5, "accuracy": float("nan")}, step=1, phase="val")
    one.log_metrics({"loss": float("inf")}, step=2, phase="val")
    one.start()
    one.finish()
    store.create_experiment("Two", parameters={"lr": 0.2})
    table = store.search()
    assert table.index.tolist() == [1, 2]
    assert table.loc[1, "param.net"] == "small"
    assert table["param.lr"].tolist() == [0.1, 0.2]
    assert table.loc[1, "metric.val/loss"] == float("inf")
    assert table["metric.val/accuracy"].isna().all()
    assert table.loc[1, "status"] == "SUCCESS"
    assert table.loc[1, "duration"] >= 0
    assert store.search("PLATE7").index.tolist() == [1]
    assert store.search("two").index.tolist() == [2]
    assert store.search("one two").empty
    assert store.search("metric.val/loss > 0.9").index.tolist() == [1]


def test_search_of_an_empty_store_has_its_columns(store):
    assert list(store.search().columns)[:2] == ["name", "status"]


def test_urls_name_the_same_file_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ExperimentStore("sqlite:///lab.db") as store:
        store.create_experiment("here")
        assert store.url == f"sqlite:///{(tmp_path / 'lab.db').as_posix()}"
        assert store.folder == tmp_path
        assert store.artifacts_url == (tmp_path / "artifacts").as_uri()
        monkeypatch.chdir("/")
        with ExperimentStore(store.url, store.artifacts_url) as again:
            assert [found.name for found in again] == ["here"]
            assert again.contents.folder == store.contents.folder


def test_artifacts_may_lie_elsewhere_and_have_blanks_in_their_path(tmp_path):
    with ExperimentStore(tmp_path / "lab.db", artifacts=tmp_path / "big disk") as store:
        artifact = store.create_experiment("x").artifacts.store("config", b"{}")
        assert (tmp_path / "big disk") in artifact.path.parents
        with ExperimentStore(store.url, store.artifacts_url) as again:
            assert again["x"].artifacts["config"].path == artifact.path


@pytest.mark.parametrize(
    "url", ["postgresql://host/db", "sqlite:///", ":memory:", "sqlite:///missing-folder/x.db"]
)
def test_urls_that_are_no_file_are_refused(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError):
        ExperimentStore(url)
    assert list(tmp_path.iterdir()) == []


def test_a_remote_folder_of_artifacts_is_refused(tmp_path):
    with pytest.raises(StoreError, match="folder"):
        ExperimentStore(tmp_path / "x.db", "s3://bucket/x")


def test_a_store_of_a_newer_version_is_refused_by_name(store, tmp_path):
    store.close()
    connection = sqlite3.connect(store.database.path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(NewerVersionError, match="newer"):
        ExperimentStore(store.url)


def test_another_database_is_left_alone(tmp_path):
    path = tmp_path / "stranger.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a"):
        ExperimentStore(path)
    assert path.read_bytes() == before


def test_a_read_only_store_can_be_read_and_refuses_every_change(store, experiment):
    experiment.log_metrics({"loss": 0.5})
    experiment.artifacts.store("config", b"{}")
    with ExperimentStore(store.url, read_only=True) as reader:
        found = reader["first"]
        assert found.metric("loss")["value"].tolist() == [0.5]
        assert reader.search().loc[1, "metric.loss"] == 0.5
        assert found.status is Status.WAITING
        assert "first" in found._repr_html_()
        for change in (
            lambda: reader.create_experiment("x"),
            lambda: found.log_metrics({"loss": 1}),
            lambda: found.log("t", {"a": 1}),
            lambda: found.artifacts.store("new", b"content"),
            lambda: found.rename("x"),
            lambda: found.telemetry.append("x"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
    assert sum(path.is_file() for path in (store.folder / "artifacts").glob("??/*")) == 1


def test_a_read_only_store_must_exist(tmp_path):
    with pytest.raises(StoreError):
        ExperimentStore(tmp_path / "missing.db", read_only=True)
    assert not (tmp_path / "missing.db").exists()


def test_a_closed_store_says_so(store, experiment):
    store.close()
    with pytest.raises(PiximiError, match="closed"):
        experiment.name  # noqa: B018


def test_watch_tells_of_another_stores_commits(store, experiment):
    seen = threading.Event()
    subscription = store.watch(seen.set)
    with ExperimentStore(store.url) as other:
        other["first"].log_metrics({"loss": 1.0})
        assert seen.wait(5)
    subscription.close()


def test_handles_can_be_of_a_class_of_ones_own(tmp_path):
    class Mine(Experiment):
        pass

    with ExperimentStore(Path(tmp_path) / "x.db", experiment_class=Mine) as store:
        assert isinstance(store.create_experiment("a"), Mine)
        assert isinstance(store["a"], Mine)
        assert all(isinstance(found, Mine) for found in store)


def test_a_training_of_ones_own_has_a_course(experiment):
    experiment.start()
    assert experiment.status is Status.RUNNING
    experiment.finish("FAILED", error="ValueError: no", exit_code=1)
    assert (experiment.status, experiment.error, experiment.exit_code) == (
        "FAILED",
        "ValueError: no",
        1,
    )
    assert experiment.started <= experiment.ended
    with pytest.raises(StoreError, match="ends as one of"):
        experiment.finish("RUNNING")


def test_datasets_are_kept_by_alias(experiment):
    class Version:
        uid, name, fingerprint = "u-1", "v1", "ab" * 32

    experiment.attach_dataset(Version, alias="train")
    experiment.attach_dataset(Version)
    experiment.attach_dataset(Version, alias="test")
    assert list(experiment.datasets) == ["train", "test"]
    assert experiment.datasets["train"] == ("u-1", "v1", "ab" * 32)
    experiment.detach_dataset("test")
    with pytest.raises(StoreError, match="'train'"):
        experiment.detach_dataset("validation")
    with pytest.raises(StoreError, match="fingerprint"):
        experiment.attach_dataset("v1")


@pytest.mark.parametrize("key", [2**70, -(2**70), "\ud800", "caf\udce9"])
def test_a_key_that_no_store_can_hold_is_not_found(store, key):
    assert key not in store
    with pytest.raises(ExperimentNotFoundError):
        store[key]


def test_the_same_store_by_a_link_is_the_same_store(store, experiment, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(store.folder, target_is_directory=True)
    experiment.artifacts.store("model", b"weights")
    version = experiment.publish("cells")
    with ExperimentStore(link / "experiments.db") as same:
        assert same["first"] == experiment
        assert hash(same["first"]) == hash(experiment)
        assert same.models["cells"].latest == version
        child = same.create_experiment("child", base_experiment=experiment, base_model=version)
        assert child.base_experiment == experiment
        experiment.artifacts["model"].delete()
        assert same.models["cells"].latest.files["model"].path.read_bytes() == b"weights"


@pytest.mark.parametrize("text", ["caf\udce9", 7])
def test_texts_that_cannot_be_stored_are_refused(store, experiment, text):
    experiment.artifacts.store("model", b"weights")
    experiment.publish("cells")
    for write in (
        lambda: setattr(experiment, "notes", text),
        lambda: experiment.describe(text),
        lambda: store.create_experiment("other", description=text),
        lambda: store.models["cells"].describe(text),
        lambda: experiment.publish("cells", description=text),
    ):
        with pytest.raises(StoreError, match="string|none"):
            write()
    assert len(store) == 1
    assert (experiment.notes, experiment.description, len(store.models["cells"])) == ("", "", 1)


def test_reuse_with_other_parameters_tells_what_has_changed(store):
    first = store.create_experiment("run", parameters={"rate": 0.1, "batch": 16, "old": True, "type": 1})
    assert store.create_experiment("run", parameters=first.parameters, if_exists="reuse") == first
    assert [log.name for log in first.logs] == ["parameters", "labelmap"]
    changed = {"rate": 0.2, "batch": 16, "new": [1], "type": 1.0}
    second = store.create_experiment("run", parameters=changed, if_exists="reuse")
    assert second.name == "run 2"
    assert second.get_log("parameters-changed").type == "TABLE"
    assert second.get_log("parameters-changed").data == {
        "rate": [0.1, 0.2],
        "new": [None, [1]],
        "type": [1, 1.0],
        "old": [True, None],
    }
    # its weights have seen nothing of what the first was trained on
    assert second.base_experiment is None
    assert (first.parent, second.parent, second.children) == (None, first, [])
    assert store.create_experiment("run", parameters=changed, if_exists="reuse") == second
    third = store.create_experiment("run", parameters={}, if_exists="reuse")
    assert (third.parent, first.children) == (first, [second, third])
    other = store.create_experiment("run", parameters=changed, if_exists="rename")
    assert (other.parent, first.children) == (None, [second, third])
    assert [log.name for log in other.logs] == ["parameters", "labelmap"]
