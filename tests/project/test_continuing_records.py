"""Going on from records that were made in another way: earlier, by somebody else, by halves, or with parts missing."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.errors import ConfigurationError, EvaluationError, TrainingError
from piximi_widgets.experiments.results.withdrawing import withdraw_results
from piximi_widgets.experiments.work.own_training import OwnTraining
from piximi_widgets.project import continuing, submitting

pytestmark = pytest.mark.training


@pytest.fixture
def trained(project, config):
    return project.fit(config, run="inline", name="first")


class Later:
    """An executor that does its work when it is told to."""

    def submit(self, function, /, *arguments):
        self.run = lambda: function(*arguments)


class TestExtend:
    def test_a_training_of_before_the_table_of_weights_goes_on_from_its_end(self, project, config, trained):
        withdraw_results(trained, (), ["weights"])
        trained.extend(1, run="inline")
        assert list(trained.history.index) == [1, 2, 3, 4, 5]
        assert trained.metrics_array("batch/loss")[0].tolist() == list(range(1, 5 * 4 + 1))
        other = project.fit(config, run="inline", name="with the table").extend(1, run="inline")
        assert trained.get_log("weights sha256").data == other.get_log("weights sha256").data

    def test_a_replaced_classifier_is_named_and_can_be_taken_away(self, trained, tmp_path):
        trained.classifier.save(tmp_path / "again.keras")
        trained.artifacts.store("model-latest", tmp_path / "again.keras")
        with pytest.raises(TrainingError, match=r"replaced.*delete_version") as caught:
            trained.extend(1, run="inline")
        assert "resume" not in str(caught.value)
        trained.artifacts["model-latest"].delete_version()
        assert len(trained.extend(1, run="inline").history) == 5


class TestTrainingsOfOnesOwn:
    @pytest.fixture
    def own(self, project):
        experiment = project.experiments.create_experiment("own", parameters={"optimizer": "SGD"})
        OwnTraining(experiment).end(ValueError("no luck"))
        assert experiment.status == "FAILED"
        return experiment

    @pytest.mark.parametrize("go_on", ["resume", "extend", "replay"])
    def test_they_cannot_be_gone_on_with_and_nothing_is_made(self, project, own, go_on):
        with pytest.raises(TrainingError, match="model.fit of your own"):
            getattr(own, go_on)(*([1] if go_on == "extend" else []))
        assert [experiment.name for experiment in project.experiments] == ["own"]

    @pytest.mark.parametrize("go_on", ["resume", "extend", "replay"])
    def test_nor_can_one_that_came_after_ours(self, project, trained, go_on):
        OwnTraining(trained).end()
        with pytest.raises(TrainingError, match="model.fit of your own"):
            getattr(trained, go_on)(*([1] if go_on == "extend" else []))
        assert len(project.experiments) == 1

    def test_their_parameters_are_no_settings(self, own):
        with pytest.raises(ConfigurationError, match="no settings of Project.fit"):
            own.config  # noqa: B018
        assert own.parameters == {"optimizer": "SGD"}

    def test_settings_of_ours_that_cannot_be_read_are_named(self, trained):
        trained.parameters = {**trained.parameters, "speed": 3}
        with pytest.raises(ConfigurationError, match="speed"):
            trained.config  # noqa: B018

    def test_what_was_recorded_of_them_is_scored(self, own):
        with pytest.raises(EvaluationError, match="no evaluations of 'validation'"):
            own.evaluate()
        own.add_evaluations(
            "validation", [7, 9, 11], [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["a", "b"]
        )
        assert own.evaluate().confusion_matrix.tolist() == [[1, 0], [1, 1]]
        with pytest.raises(EvaluationError, match="not trained by Project.fit"):
            own.evaluate(predict=True)


class TestHalfMade:
    """Ctrl+C between the making of an experiment and the asking for its training."""

    @pytest.fixture
    def interrupted(self, monkeypatch):
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("piximi_widgets.project.project.start", interrupted)
        monkeypatch.setattr(continuing, "start", interrupted)

    def test_fit_leaves_nothing(self, project, config, interrupted):
        with pytest.raises(KeyboardInterrupt):
            project.fit(config, name="x")
        assert len(project.experiments) == 0
        assert project.experiments.deleted == []

    def test_replay_leaves_nothing(self, project, trained, monkeypatch, interrupted):
        with pytest.raises(KeyboardInterrupt):
            trained.replay()
        assert [experiment.name for experiment in project.experiments] == ["first"]

    def test_an_experiment_that_was_there_before_stays(self, project, config, interrupted):
        before = project.experiments.create_experiment("mine", parameters=config.to_json())
        with pytest.raises(KeyboardInterrupt):
            project.fit(config, name="mine", if_exists="reuse")
        assert list(project.experiments) == [before]

    def test_one_whose_training_was_asked_for_stays(self, project, config, monkeypatch):
        """The worker that is started next does it."""

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(submitting.launcher, "ensure_worker", interrupted)
        with pytest.raises(KeyboardInterrupt):
            project.fit(config, name="asked")
        (experiment,) = project.experiments
        assert [job.state for job in project.experiments.jobs(experiment)] == ["WAITING"]

    def test_nobody_waits_for_a_training_that_was_never_asked_for(self, project):
        experiment = project.experiments.create_experiment("half")
        with pytest.raises(TrainingError, match="nothing to wait for"):
            experiment.wait(timeout=30)


class TestReplayWithoutItsOriginal:
    def test_it_is_trained_all_the_same(self, project, config, trained):
        weights = trained.get_log("weights sha256").data
        later = Later()
        replay = trained.replay(run=later, wait=False)
        trained.delete()
        trained.purge()
        assert "purged" in repr(replay)
        later.run()
        assert replay.experiment.status == "SUCCESS", replay.experiment.error
        assert replay.experiment.get_log("weights sha256").data == weights
        assert repr(replay).startswith("Replay of 'first'")
        assert "purged" in replay._repr_html_()

    def test_one_on_a_base_knows_what_the_base_has_seen(self, project, config, trained):
        later = Later()
        based = project.fit(base=trained, run="inline", name="based")
        before = based.evaluation_arrays("validation")
        replay = based.replay(run=later, wait=False)
        based.delete()
        based.purge()
        later.run()
        after = replay.experiment.evaluation_arrays("validation")
        assert np.array_equal(before.ids, after.ids)
        assert np.array_equal(before.probabilities, after.probabilities)
