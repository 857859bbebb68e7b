"""Fitting, waiting, scoring and predicting, as a user calls them."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

import piximi_widgets as pw
from piximi_widgets.errors import ConfigurationError, EvaluationError, NotTrainableError, TrainingFailed
from tests.project.conftest import stripes

pytestmark = pytest.mark.training


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


class TestFit:
    def test_the_loop_gives_a_classifier_that_knows_the_classes(self, project, config, trained):
        assert trained.status == "SUCCESS"
        assert list(trained.history.index) == [1, 2, 3, 4]
        assert list(trained.history.columns) == ["loss", "accuracy", "val_loss", "val_accuracy"]
        assert trained.config == config
        fresh, labels = stripes(20, seed=9)
        classifier = trained.classifier
        predicted = [classifier.classes[k] for k in classifier.predict(fresh).argmax(axis=1)]
        assert np.mean([a == b for a, b in zip(predicted, labels, strict=True)]) >= 0.9

    def test_new_labels_join_and_no_image_moves(self, project, config, trained):
        before = project.images["partition"]
        project.label(project.select("category.isna()")[:4], "vertical")
        project.fit(config.model_copy(update={"epochs": 1}), run="inline")
        after = project.images["partition"]
        had_one = before != "unassigned"
        assert (before[had_one] == after[had_one]).all()
        assert sorted(after[~had_one].value_counts().to_dict().items()) == [
            ("training", 3),
            ("unassigned", 6),
            ("validation", 1),
        ]

    def test_a_dataset_version_is_trained_on_as_it_was(self, project, config):
        project.split(seed=1)
        version = project.snapshot("monday")
        project.label(version.select("training")[:5], "horizontal")
        experiment = project.fit(config.model_copy(update={"epochs": 1}), dataset="monday", run="inline")
        assert experiment.datasets["train"].fingerprint == version.fingerprint
        assert experiment.evaluate().dataset_name == "monday"

    @pytest.mark.parametrize(("if_exists", "name"), [("rename", "first 2"), ("reuse", "first")])
    def test_a_taken_name(self, project, config, trained, if_exists, name):
        again = project.fit(config, run="inline", name="first", if_exists=if_exists)
        assert again.name == name
        assert (again.id == trained.id) is (if_exists == "reuse")

    def test_a_taken_name_can_be_an_error(self, project, config, trained):
        with pytest.raises(pw.errors.ExperimentExistsError, match="first"):
            project.fit(config, run="inline", name="first", if_exists="raise")

    def test_a_base_lends_no_classifier_to_what_was_not_trained(self, project, config, trained):
        """Else an experiment that failed would predict and score with its base's network."""

        class Never:
            def submit(self, function, /, *arguments):
                pass

        waiting = project.fit(config, base="first", run=Never())
        assert waiting.base_experiment.name == "first"
        with pytest.raises(pw.errors.ArtifactError):
            project.predict(waiting)
        assert "model-latest" in trained.artifacts

    @pytest.mark.parametrize("options", [{"run": "Worker"}, {"run": 7}, {"device": "cuda:0"}])
    def test_an_unknown_way_to_run_is_refused_before_anything_is_made(self, project, config, options):
        with pytest.raises(ConfigurationError, match="must be"):
            project.fit(config, **options)
        assert len(project.experiments) == 0
        assert project.versions == []

    def test_an_executor_that_refuses_leaves_no_waiting_job(self, project, config):
        class Closed:
            def submit(self, function, /, *arguments):
                raise RuntimeError("cannot schedule new futures after shutdown")

        with pytest.raises(RuntimeError, match="shutdown"):
            project.fit(config, run=Closed())
        (experiment,) = project.experiments
        assert experiment.status == "CANCELED"

    def test_a_device_that_is_not_there_is_said(self, project, config):
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            pytest.skip("this machine has a GPU")
        with pytest.raises(TrainingFailed, match="finds no GPU"):
            project.fit(config, device="gpu", run="inline")
        assert project.fit(config, device="cpu", run="inline").status == "SUCCESS"

    def test_an_executor_may_run_it(self, project, config):
        """`run` takes any object with submit, and hands it something that can be pickled."""
        import pickle

        class Executor:
            def submit(self, function, /, *arguments):
                function, arguments = pickle.loads(pickle.dumps((function, arguments)))
                return function(*arguments)

        experiment = project.fit(config.model_copy(update={"epochs": 1}), run=Executor())
        assert experiment.status == "SUCCESS"

    def test_the_store_gives_the_same_experiment(self, project, trained):
        found = project.experiments["first"]
        assert isinstance(found, pw.Experiment)
        assert found.evaluate().accuracy == trained.evaluate().accuracy
        assert [experiment.name for experiment in project.experiments] == ["first"]


class TestPartitions:
    """What `fit` does with new labels, and what it says of leaking ones."""

    class Never:
        def submit(self, function, /, *arguments):
            pass

    def test_new_labels_join_in_the_manner_of_the_last_split(self, project, config):
        project.split(training=0.5, test=0.3, seed=4, groups=[number // 5 for number in range(50)])
        before = project.images["partition"]
        project.label(project.select("category.isna()"), "vertical")
        planned = project.planned_partitions()
        project.fit(config, run=self.Never())
        after = project.images["partition"]
        assert np.array_equal(project.columns().partition, planned)
        assert (after[before != "unassigned"] == before[before != "unassigned"]).all()
        assert after.value_counts().to_dict() == {"training": 25, "test": 15, "validation": 10}
        assert after.groupby(np.arange(50) // 5).nunique().eq(1).all()

    def test_duplicates_in_two_parts_are_told_once_and_stop_nothing(self, project, config):
        project.add_images([project.pixels(id) for id in (1, 2, 3)], labels=["horizontal"] * 3)
        project.set_partition([1, 2, 3], "training")
        project.set_partition([51, 52], "validation")
        project.set_partition([53], "training")
        with pytest.warns(UserWarning, match="4 images of .*“v1” have an exact duplicate") as caught:
            experiment = project.fit(config, run=self.Never())
        assert experiment.status == "WAITING"
        assert len([one for one in caught if "exact duplicate" in str(one.message)]) == 1
        assert caught[0].filename == __file__
        project.set_partition([51, 52], "training")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            project.fit(config, run=self.Never())


class TestRefusals:
    """Each of a user's mistakes gets a sentence, before any training starts."""

    def refused(self, project, config=None) -> str:
        with pytest.raises(NotTrainableError) as caught:
            project.fit(config, run="inline")
        assert len(project.experiments) == 0
        return str(caught.value)

    def test_an_empty_project(self, tmp_path):
        assert "no images yet" in self.refused(pw.Project(tmp_path / "empty"))

    def test_nothing_labeled(self, project):
        project.unlabel(project.select("category.notna()"))
        assert "No image has a label" in self.refused(project)

    def test_one_class_only(self, project):
        project.unlabel(project.select("category == 'vertical'"))
        assert "Only the category 'horizontal'" in self.refused(project)

    def test_a_class_with_a_single_image(self, project):
        project.add_category("odd")
        project.label(project.select("category.isna()")[0], "odd")
        assert "'odd' has only one labeled image" in self.refused(project)

    def test_an_input_too_small_for_the_network(self, project):
        sentence = self.refused(project, pw.TrainingConfig(input_shape=(8, 8, 1), batch_size=4))
        assert "8×8" in sentence
        assert "at least" in sentence

    def test_a_batch_larger_than_the_data(self, project):
        assert "only 30 images for training" in self.refused(project, pw.TrainingConfig(batch_size=31))

    def test_a_version_whose_new_labels_have_no_partition(self, project):
        project.split(seed=1)
        project.add_category("late")
        project.label(project.select("category.isna()"), "late")
        with pytest.raises(NotTrainableError, match="'late' has no image in the training partition"):
            project.fit(dataset=project.snapshot(), run="inline")

    def test_a_learning_rate_of_nan(self):
        with pytest.raises(ConfigurationError, match="Learning rate must be"):
            pw.TrainingConfig(learning_rate=float("nan"))

    def test_what_problems_counts_is_what_fit_assigns(self, project, config):
        """The check foresees the partitions; a batch as large as the training data is the boundary."""
        assert project.problems(config.model_copy(update={"batch_size": 30})) == []
        assert [
            problem.field for problem in project.problems(config.model_copy(update={"batch_size": 31}))
        ] == ["batch_size"]
        project.fit(config.model_copy(update={"epochs": 1}), run="inline")
        assert (project.images["partition"] == "training").sum() == 30

    def test_it_foresees_new_labels_beside_old_partitions(self, project, config):
        """Images that have a partition stay where they are, so the new ones alone must make up the fraction."""
        project.split(training=0.5, seed=2)
        project.label(project.select("category.isna()"), "vertical")
        most = max(
            size
            for size in range(1, 50)
            if not project.problems(config.model_copy(update={"batch_size": size}))
        )
        project.fit(config.model_copy(update={"epochs": 1}), run="inline")
        assert (project.images["partition"] == "training").sum() == most


class TestEvaluate:
    def test_the_numbers_are_those_of_the_predictions(self, trained):
        """Against a count by hand over the predictions' table."""
        evaluation = trained.evaluate()
        table = evaluation.predictions
        assert len(table) == 10
        assert evaluation.accuracy == pytest.approx((table["truth"] == table["prediction"]).mean())
        for row, truth in enumerate(evaluation.classes):
            for column, prediction in enumerate(evaluation.classes):
                expected = ((table["truth"] == truth) & (table["prediction"] == prediction)).sum()
                assert evaluation.confusion_matrix[row, column] == expected

    def test_a_relabeled_image_moves_between_cells(self, project, trained):
        evaluation = trained.evaluate()
        image = int(evaluation.ids[0])
        other = "vertical" if evaluation.predictions.loc[image, "truth"] == "horizontal" else "horizontal"
        project.label(image, other)
        now = trained.evaluate(dataset="current")
        assert now.predictions.loc[image, "truth"] == other
        assert trained.evaluate().predictions.loc[image, "truth"] != other
        assert np.abs(now.confusion_matrix - evaluation.confusion_matrix).sum() == 2

    def test_images_that_were_trained_on_are_never_scored(self, project, trained):
        with pytest.raises(EvaluationError, match="trained on"):
            trained.evaluate("training")
        trained_on = project.select("partition == 'training'")
        project.split(training=0.3, seed=5)
        evaluation = trained.evaluate(dataset=project.snapshot())
        assert len(evaluation) > 0
        assert not np.isin(evaluation.ids, trained_on).any()
        assert not np.isin(trained.evaluate(dataset="current").ids, trained_on).any()

    def test_a_renamed_category_stays_the_same_class(self, project, trained):
        before = trained.evaluate().confusion_matrix
        project.rename_category("vertical", "upright")
        assert (trained.evaluate(dataset="current").confusion_matrix == before).all()
        assert (trained.evaluate(dataset=project.snapshot()).confusion_matrix == before).all()

    def test_a_new_category_of_an_old_name_is_another_class(self, project, trained):
        project.rename_category("vertical", "upright")
        project.add_category("vertical")
        image = int(trained.evaluate().ids[0])
        project.label(image, "vertical")
        evaluation = trained.evaluate(dataset="current")
        assert evaluation.unscored == 1
        assert image not in evaluation.ids

    def test_images_without_a_known_class_are_counted_not_scored(self, project, trained):
        image = int(trained.evaluate().ids[0])
        project.add_category("something new")
        project.label(image, "something new")
        evaluation = trained.evaluate(dataset="current")
        assert evaluation.unscored == 1
        assert image not in evaluation.ids


class TestPredict:
    def test_unlabeled_images_get_predictions(self, project, trained):
        project.predict(trained, run="inline")
        table = project.predictions(trained)
        assert sorted(table.index) == sorted(project.select("category.isna()"))
        expected = trained.classifier.predict([project.pixels(i) for i in table.index])
        assert np.allclose(table[trained.classifier.classes].to_numpy(), expected, atol=1e-6)
        accepted = project.accept_predictions(min_confidence=0.0)
        assert project.images["category"].notna().all(), accepted

    def test_without_a_classifier_it_says_so(self, project, config):
        experiment = project.experiments.create_experiment("bare")
        with pytest.raises(pw.errors.ArtifactError, match="model-latest"):
            project.predict(experiment, run="inline")


class TestWorker:
    """The process of its own."""

    def test_wait_returns_when_it_has_ended(self, project, config):
        experiment = project.fit(config, wait=True)
        assert experiment.status == "SUCCESS"
        assert len(experiment.history) == config.epochs

    def test_stop_ends_within_a_second_and_keeps_the_weights(self, project, config):
        experiment = project.fit(config.model_copy(update={"epochs": 10_000}))
        deadline = time.monotonic() + 60
        while len(experiment.history) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        experiment.stop()
        asked = time.monotonic()
        experiment.wait(timeout=10)
        assert experiment.status == "CANCELED"
        assert time.monotonic() - asked < 5, "a generous guard; the benchmark shows the second"
        assert experiment.classifier.classes == ["horizontal", "vertical"]

    def test_wait_gives_up_and_the_training_goes_on(self, project, config):
        experiment = project.fit(config.model_copy(update={"epochs": 10_000}))
        with pytest.raises(TimeoutError, match="goes on"):
            experiment.wait(timeout=0.2)
        assert experiment.status in {"WAITING", "RUNNING"}
        experiment.stop()
        experiment.wait(timeout=60)

    def test_a_failure_carries_the_workers_traceback(self, project, config, monkeypatch):
        """The pixels vanish between the check and the training."""
        for block in (project.path / "images").iterdir():
            block.unlink()
        with pytest.raises(TrainingFailed) as caught:
            project.fit(config, wait=True)
        assert "Traceback" in caught.value.traceback
        assert project.experiments["simple-cnn"].status == "FAILED"
        assert project.experiments["simple-cnn"].exit_code == 1
