"""What an experiment takes over from its bases: each rule with a case worked out by hand."""

from __future__ import annotations

import pytest

from piximi_widgets.errors import ExperimentNotFoundError, StoreError
from piximi_widgets.experiments import ExperimentStore


class Version:
    """A dataset version, as much of it as the store asks for."""

    def __init__(self, uid: str) -> None:
        self.uid, self.name, self.fingerprint = uid, f"name of {uid}", f"fingerprint of {uid}"


@pytest.fixture
def base(store):
    """Parameters, label map and two artifacts, one of them in two versions."""
    base = store.create_experiment("base", parameters={"lr": 0.1, "net": "small"}, tags=["mine"])
    base.labelmap = ["cat", "dog"]
    base.artifacts.store("model-latest", b"old", filename="model.keras")
    base.artifacts.store("model-latest", b"new", filename="model.keras")
    base.artifacts.store("config", b"{}", filename="config.json")
    return base


@pytest.fixture
def version(store):
    """Another experiment's model: other parameters, labels and files."""
    maker = store.create_experiment("maker", parameters={"lr": 0.5, "depth": 3})
    maker.labelmap = ["red", "blue"]
    maker.artifacts.store("model-latest", b"published", filename="model.keras")
    maker.artifacts.store("notes", b"text", filename="notes.txt")
    return maker.publish("colors")


def contents(experiment) -> dict[str, bytes]:
    return {name: artifact.path.read_bytes() for name, artifact in experiment.artifacts.items()}


BASE_FILES = {"model-latest": b"new", "config": b"{}"}
MODEL_FILES = {"model-latest": b"published", "notes": b"text"}


class TestSetBaseExperiment:
    def test_an_empty_experiment_takes_everything(self, experiment, base, query):
        experiment.set_base_experiment(base)
        assert experiment.base_experiment == base
        assert experiment.parameters == {"lr": 0.1, "net": "small"}
        assert experiment.labelmap == {"0": "cat", "1": "dog"}
        assert contents(experiment) == BASE_FILES
        assert {artifact.version for artifact in experiment.artifacts.values()} == {1}
        assert experiment.tags == ()
        assert query("SELECT base_experiment_id FROM experiment WHERE name = 'first'") == [(base.id,)]

    def test_parameters_are_copied_only_if_there_are_none(self, experiment, base):
        experiment.parameters = {"mine": 1}
        experiment.set_base_experiment(base)
        assert experiment.parameters == {"mine": 1}
        assert experiment.labelmap == {"0": "cat", "1": "dog"}
        assert contents(experiment) == BASE_FILES

    def test_the_label_map_is_copied_only_if_there_is_none(self, experiment, base):
        experiment.labelmap = ["mine"]
        experiment.set_base_experiment(base)
        assert experiment.labelmap == {"0": "mine"}
        assert experiment.parameters == {"lr": 0.1, "net": "small"}

    def test_artifacts_are_copied_only_if_there_are_none_at_all(self, experiment, base):
        experiment.artifacts.store("mine", b"mine")
        experiment.set_base_experiment(base)
        assert contents(experiment) == {"mine": b"mine"}

    def test_the_base_model_is_taken_only_if_there_is_none(self, store, experiment, base, version):
        base.set_base_model(version, parameters=False, files=False)
        experiment.set_base_experiment(base)
        assert experiment.base_model == version
        own = store.create_experiment("own")
        own.artifacts.store("model", b"own")
        mine = own.publish("own")
        second = store.create_experiment("second", base_model=mine)
        second.set_base_experiment(base)
        assert second.base_model == mine

    def test_a_base_without_a_model_takes_none_away(self, experiment, base, version):
        experiment.set_base_model(version)
        experiment.set_base_experiment(base)
        assert experiment.base_model == version

    def test_a_later_base_replaces_an_earlier_one(self, store, experiment, base):
        experiment.set_base_experiment(base)
        other = store.create_experiment("other", parameters={"x": 1})
        experiment.set_base_experiment(other)
        assert experiment.base_experiment == other
        assert experiment.parameters == {"lr": 0.1, "net": "small"}

    def test_the_base_keeps_what_it_has_and_later_changes_are_its_own(self, experiment, base):
        experiment.set_base_experiment(base)
        experiment.artifacts["model-latest"].delete()
        base.parameters = {}
        assert contents(base) == BASE_FILES
        assert experiment.parameters == {"lr": 0.1, "net": "small"}

    def test_no_experiment_is_a_base_of_itself(self, store, experiment, base):
        with pytest.raises(StoreError, match="itself"):
            experiment.set_base_experiment(experiment)
        child = store.create_experiment("child", base_experiment=experiment)
        grandchild = store.create_experiment("grandchild", base_experiment=child)
        for descendant in (child, grandchild):
            with pytest.raises(StoreError, match="itself"):
                experiment.set_base_experiment(descendant)
        assert experiment.base_experiment is None

    def test_a_circle_by_way_of_a_model_is_refused(self, store, experiment, version):
        maker = version.context.experiment
        experiment.set_base_model(version)
        with pytest.raises(StoreError, match="itself"):
            maker.set_base_experiment(experiment)

    def test_strangers_are_refused(self, store, experiment, tmp_path):
        with ExperimentStore(tmp_path / "other.db") as other:
            stranger = other.create_experiment("stranger", parameters={"x": 1})
            with pytest.raises(StoreError, match="belongs to the store"):
                experiment.set_base_experiment(stranger)
        with pytest.raises(StoreError, match="Expected an experiment"):
            experiment.set_base_experiment("base")
        assert (experiment.base_experiment, experiment.parameters) == (None, {})

    def test_a_purged_one_is_refused(self, experiment, base):
        base.delete()
        base.purge()
        with pytest.raises((StoreError, ExperimentNotFoundError), match="purged"):
            experiment.set_base_experiment(base)


class TestSetBaseModel:
    def test_an_empty_experiment_takes_everything(self, experiment, version, query):
        experiment.set_base_model(version)
        assert experiment.base_model == version
        assert experiment.base_experiment is None
        assert experiment.parameters == {"lr": 0.5, "depth": 3}
        assert experiment.labelmap == {"0": "red", "1": "blue"}
        assert contents(experiment) == MODEL_FILES
        assert query("SELECT base_model_version_id FROM experiment WHERE name = 'first'") == [(version.id,)]

    def test_the_label_map_is_copied_only_if_there_is_none(self, experiment, version):
        experiment.labelmap = ["mine"]
        experiment.set_base_model(version, parameters=True, files=True)
        assert experiment.labelmap == {"0": "mine"}

    @pytest.mark.parametrize(
        ("choice", "without", "with_own"),
        [
            (None, {"lr": 0.5, "depth": 3}, {"mine": 1}),
            (True, {"lr": 0.5, "depth": 3}, {"lr": 0.5, "depth": 3}),
            (False, {}, {"mine": 1}),
        ],
    )
    def test_parameters(self, store, version, choice, without, with_own):
        empty = store.create_experiment("empty")
        empty.set_base_model(version, parameters=choice)
        assert empty.parameters == without
        full = store.create_experiment("full", parameters={"mine": 1})
        full.set_base_model(version, parameters=choice)
        assert full.parameters == with_own

    @pytest.mark.parametrize(
        ("choice", "without", "with_own"),
        [
            (None, MODEL_FILES, {"model-latest": b"mine", "mine": b"mine"}),
            (True, MODEL_FILES, MODEL_FILES | {"mine": b"mine"}),
            (False, {}, {"model-latest": b"mine", "mine": b"mine"}),
        ],
    )
    def test_files(self, store, version, choice, without, with_own):
        empty = store.create_experiment("empty")
        empty.set_base_model(version, files=choice)
        assert contents(empty) == without
        full = store.create_experiment("full")
        full.artifacts.store("model-latest", b"mine")
        full.artifacts.store("mine", b"mine")
        full.set_base_model(version, files=choice)
        assert contents(full) == with_own

    def test_a_file_that_is_replaced_stays_as_an_earlier_version(self, experiment, version):
        experiment.artifacts.store("model-latest", b"mine")
        experiment.set_base_model(version, files=True)
        versions = experiment.artifacts["model-latest"].versions
        assert [one.path.read_bytes() for one in versions] == [b"mine", b"published"]

    def test_what_an_experiment_has_published_is_no_base_of_it(self, store, version):
        maker = version.context.experiment
        with pytest.raises(StoreError, match="itself"):
            maker.set_base_model(version)
        child = store.create_experiment("child", base_experiment=maker)
        of_child = child.publish("child")
        with pytest.raises(StoreError, match="itself"):
            maker.set_base_model(of_child)
        assert maker.base_model is None

    def test_strangers_are_refused_and_nothing_is_changed(self, store, experiment, version, tmp_path):
        with ExperimentStore(tmp_path / "other.db", artifacts=tmp_path / "others") as other:
            maker = other.create_experiment("maker")
            maker.artifacts.store("model", b"x")
            with pytest.raises(StoreError, match="belongs to the store"):
                experiment.set_base_model(maker.publish("x"))
        for wrong in ("colors", store.models["colors"], None):
            with pytest.raises(StoreError, match="Expected a model version"):
                experiment.set_base_model(wrong)
        for wrong in ({"parameters": 1}, {"files": "all"}):
            with pytest.raises(StoreError, match="True, False or None"):
                experiment.set_base_model(version, **wrong)
        version.delete()
        with pytest.raises(StoreError, match="was deleted"):
            experiment.set_base_model(version)
        assert (experiment.base_model, experiment.parameters, contents(experiment)) == (None, {}, {})


class TestCreateExperiment:
    def test_explicit_parameters_win_even_when_there_are_none(self, store, base, version):
        for number, parameters in enumerate(({"mine": 1}, {})):
            made = store.create_experiment(
                f"made {number}", parameters=parameters, base_experiment=base, base_model=version
            )
            assert made.parameters == parameters

    def test_then_the_base_experiment(self, store, base, version):
        made = store.create_experiment("made", base_experiment=base, base_model=version)
        assert (made.base_experiment, made.base_model) == (base, version)
        assert made.parameters == {"lr": 0.1, "net": "small"}
        assert made.labelmap == {"0": "cat", "1": "dog"}
        assert contents(made) == BASE_FILES

    def test_then_the_base_model_for_what_that_one_has_not(self, store, experiment, version):
        made = store.create_experiment("made", base_experiment=experiment, base_model=version)
        assert (made.base_experiment, made.base_model) == (experiment, version)
        assert made.parameters == {"lr": 0.5, "depth": 3}
        assert made.labelmap == {"0": "red", "1": "blue"}
        assert contents(made) == MODEL_FILES

    def test_a_base_model_alone(self, store, version):
        made = store.create_experiment("made", base_model=version)
        assert made.base_experiment is None
        assert made.parameters == {"lr": 0.5, "depth": 3}
        assert contents(made) == MODEL_FILES

    def test_the_base_experiments_model_is_the_new_ones_unless_one_is_given(self, store, base, version):
        base.set_base_model(version, parameters=False, files=False)
        assert store.create_experiment("made", base_experiment=base).base_model == version
        mine = base.publish("mine")
        assert store.create_experiment("other", base_experiment=base, base_model=mine).base_model == mine

    def test_a_refused_base_makes_nothing(self, store, version):
        count = len(store)
        version.delete()
        with pytest.raises(StoreError, match="was deleted"):
            store.create_experiment("made", base_model=version)
        with pytest.raises(StoreError, match="Expected a model version"):
            store.create_experiment("made", base_model="colors")
        assert len(store) == count
        assert "made" not in store


def test_trained_on_names_the_datasets_of_everything_before(store, base, version):
    """base -> child -> grandchild, which also goes on from a model whose maker has a base of its own."""
    maker = version.context.experiment
    ancestor = store.create_experiment("ancestor")
    ancestor.attach_dataset(Version("d-ancestor"), alias="train")
    maker.set_base_experiment(ancestor)
    maker.attach_dataset(Version("d-maker"), alias="train")
    maker.attach_dataset(Version("d-test"), alias="test")
    second = maker.publish("colors")
    assert second.trained_on == ("d-ancestor", "d-maker")
    assert version.trained_on == ()

    base.attach_dataset(Version("d-base"), alias="train")
    child = store.create_experiment("child", base_experiment=base)
    child.attach_dataset(Version("d-child"), alias="train")
    grandchild = store.create_experiment("grandchild", base_experiment=child, base_model=second)
    assert child.trained_on == ("d-base", "d-child")
    assert set(grandchild.trained_on) == {"d-base", "d-child", "d-ancestor", "d-maker"}

    for name in ("maker", "ancestor"):
        store[name].delete()
        store.deleted[0].purge()
    assert set(grandchild.trained_on) == {"d-base", "d-child", "d-ancestor", "d-maker"}


def test_a_parent_is_no_base_and_may_be_purged(store):
    """What was made with other parameters has taken nothing over, so it keeps nobody from going."""
    parent = store.create_experiment("run", parameters={"rate": 0.1})
    parent.artifacts.store("model", b"weights")
    parent.labelmap = ["a"]
    one, two = (
        store.create_experiment("run", parameters={"rate": rate}, if_exists="reuse") for rate in (0.2, 0.3)
    )
    assert (one.parent, one.base_experiment, list(one.artifacts), one.labelmap) == (parent, None, [], {})
    assert parent.children == [one, two]
    one.delete()
    assert (parent.children, one.parent) == ([two], parent)
    one.restore()
    parent.delete()
    assert two.parent == parent
    parent.purge()
    assert (one.parent, two.parent) == (None, None)
    assert two.get_log("parameters-changed").data == {"rate": [0.1, 0.3]}
