"""The studio joins the widgets and keeps them in step."""

from __future__ import annotations

import pytest

from piximi_widgets.widgets.studio import Studio

from ..conftest import CLASSES, eventually, make_trained


@pytest.fixture
def quiet(project, monkeypatch):
    """The project, with a trainer that only writes down what it is asked."""
    monkeypatch.setattr(project, "warm", lambda: None)
    project.fits = []

    def fit(config=None, *, name=None, wait=False):
        project.fits.append(config)
        experiment = project.experiments.create_experiment(
            f"run {len(project.fits)}", parameters=config.to_json()
        )
        experiment.attach_dataset(project.snapshot(), "train")
        experiment.start()
        return experiment

    monkeypatch.setattr(project, "fit", fit)
    return project


@pytest.fixture
def studio(quiet, close_later):
    made = close_later(Studio(quiet))
    assert made.refresher.flush()
    return made


def turn(studio, index):
    """What the page sends when a tab is clicked."""
    studio.tabs.selected_index = index
    assert studio.refresher.flush()


def test_only_the_tab_that_is_seen_is_made(studio):
    assert studio.labeler is not None
    assert studio.form is studio.monitor is studio.evaluation is None
    turn(studio, 1)
    assert studio.form is not None
    assert studio.evaluation is None
    turn(studio, 2)
    assert studio.evaluation is not None


def test_only_the_tab_that_is_seen_works(studio):
    turn(studio, 1)
    assert studio.form.refresher.active
    turn(studio, 2)
    assert not studio.form.refresher.active
    assert not studio.monitor.refresher.active
    assert studio.evaluation.refresher.active
    assert studio._pages[1].children == ()


def test_fit_shows_its_training_and_its_end_is_marked(studio, quiet):
    turn(studio, 1)
    studio.form.fields["batch_size"].controls[0].value = 4
    studio.form.fit()
    assert eventually(lambda: studio.experiment is not None and studio.experiment.name == "run 1")
    assert eventually(lambda: studio.monitor.experiment is studio.experiment)
    assert eventually(lambda: studio.tabs.titles == ("Label", "Train …", "Evaluate"))
    studio.experiment.finish("SUCCESS")
    assert eventually(lambda: studio.tabs.titles == ("Label", "Train", "Evaluate •"))
    turn(studio, 2)
    assert eventually(lambda: studio.tabs.titles == ("Label", "Train", "Evaluate"))
    assert studio.evaluation.experiment is studio.experiment


def test_made_again_it_shows_the_last_experiment(quiet, close_later):
    make_trained(quiet, "first")
    studio = close_later(Studio(quiet))
    studio.refresher.flush()
    assert studio.experiment.name == "first"
    assert [label for label, _ in studio._picker.options] == ["first · finished"]
    turn(studio, 2)
    assert studio.evaluation.refresher.flush()
    assert studio.evaluation.evaluation.accuracy == pytest.approx(6 / 9)


def test_an_earlier_experiment_can_be_chosen(quiet, close_later):
    first = make_trained(quiet, "first")
    make_trained(quiet, "second")
    studio = close_later(Studio(quiet))
    turn(studio, 1)
    assert studio.experiment.name == "second"
    studio._picker.value = first.uid
    assert eventually(lambda: studio.experiment.name == "first")
    assert eventually(lambda: studio.monitor.experiment.name == "first")


def test_changed_labels_are_hinted_at_and_can_be_trained_with(quiet, close_later):
    make_trained(quiet, "first")
    studio = close_later(Studio(quiet))
    studio.refresher.flush()
    assert studio._hints.layout.display == "none"
    quiet.label([int(quiet.columns().id[0])], CLASSES[1])
    assert eventually(lambda: "1 label changed since this training" in studio._hint.value)
    assert studio._hints.layout.display is None
    turn(studio, 1)
    studio.form.fields["batch_size"].controls[0].value = 4
    studio._again.click()
    assert eventually(lambda: len(quiet.fits) == 1)
    assert studio.tabs.selected_index == 1
    assert eventually(lambda: studio._hints.layout.display == "none")


def test_show_turns_to_a_tab(studio):
    studio.show("evaluate")
    studio.refresher.flush()
    assert studio.tabs.selected_index == 2


def test_the_saved_notebook_shows_data_curves_and_matrix(quiet, close_later):
    experiment = make_trained(quiet, "first")
    experiment.log_metrics({"train/loss": 1.0, "val/accuracy": 0.5}, step=1)
    html = close_later(Studio(quiet))._repr_mimebundle_()["text/html"]
    assert "9 training · 9 validation · 6 unlabeled; 3 categories" in html
    assert "data:image/png" in html
    assert "66.7%" in html
    assert len(html) < 200_000
