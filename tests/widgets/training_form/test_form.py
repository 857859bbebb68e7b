"""The form: one control for each setting, what is wrong beside it, and the buttons in their right states."""

from __future__ import annotations

import threading
import time

import pytest

from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.errors import ConfigurationError, NotTrainableError
from piximi_widgets.widgets.training_form import TrainingForm

from ..conftest import eventually


@pytest.fixture
def small(project, monkeypatch):
    """A project whose trainer is never started: what the form asks of it is written down."""
    monkeypatch.setattr(project, "warm", lambda: project.asked.append("warm"))
    project.asked = []

    def fit(config=None, *, name=None, wait=False):
        assert wait is False
        project.asked.append((config, name))
        experiment = project.experiments.create_experiment(
            name or f"run {len(project.asked)}", parameters=config.to_json()
        )
        experiment.start()
        return experiment

    monkeypatch.setattr(project, "fit", fit)
    return project


@pytest.fixture
def form(small, close_later):
    made = close_later(TrainingForm(small, TrainingConfig(batch_size=4)))
    made.refresher.flush()
    return made


def control(form, name):
    return form.fields[name].controls[0]


def drawn(form):
    assert form.refresher.flush()
    return form


def test_every_setting_has_a_control_with_its_label_and_tooltip(form):
    assert set(form.fields) == set(TrainingConfig.model_fields)
    for name, info in TrainingConfig.model_fields.items():
        assert control(form, name).description == info.json_schema_extra["label"]
        assert control(form, name).tooltip == info.description


def test_it_begins_with_the_defaults(small, close_later):
    form = close_later(TrainingForm(small))
    assert form.config == TrainingConfig()


def test_a_config_that_is_set_comes_back_unchanged(form):
    config = TrainingConfig(
        input_shape=(48, 40, 2),
        normalization="none",
        shuffle=False,
        training_fraction=0.6,
        optimizer="momentum",
        momentum=0.5,
        learning_rate=0.00012345,
        batch_size=7,
        epochs=3,
        seed=11,
    )
    form.config = config
    assert form.config == config
    form.reset()
    assert form.config == TrainingConfig()


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("batch_size", -1), ("learning_rate", "0"), ("learning_rate", "nan"), ("seed", -5)],
)
def test_an_invalid_value_is_explained_beside_its_field_and_nowhere_else(form, name, value):
    control(form, name).value = value
    drawn(form)
    label = TrainingConfig.model_fields[name].json_schema_extra["label"]
    assert form.fields[name].problem.startswith(f"{label} must be")
    assert [other for other in form.fields if form.fields[other].problem] == [name]
    assert form._fit.disabled
    with pytest.raises(ConfigurationError) as caught:
        _ = form.config
    assert list(caught.value.problems) == [name]


def test_what_is_no_number_is_explained_and_mended(form):
    control(form, "learning_rate").value = "fast"
    drawn(form)
    assert form.fields["learning_rate"].problem == "Learning rate must be a number, like 0.003; got 'fast'."
    control(form, "learning_rate").value = "1e-3"
    drawn(form)
    assert form.fields["learning_rate"].problem == ""
    assert not form._fit.disabled
    assert form.config.learning_rate == 0.001


def test_a_batch_larger_than_the_data_is_explained_beside_the_batch_size(form):
    control(form, "batch_size").value = 64
    drawn(form)
    assert "batch" in form.fields["batch_size"].problem.lower()
    assert form._fit.disabled


def test_an_input_that_is_too_small_is_explained_beside_the_shape(form):
    field = form.fields["input_shape"]
    field.mode.value = "custom"
    field.sides[0].value = field.sides[1].value = 4
    drawn(form)
    assert field.problem
    assert form._fit.disabled


def test_what_the_data_lack_is_said_above_the_button(small, form):
    small.unlabel(small.columns().id.tolist())
    assert eventually(lambda: "label" in form._problems.value)
    assert form._fit.disabled
    assert all(field.problem == "" for field in form.fields.values())


def test_the_line_of_the_data_follows_the_project(small, form):
    assert "18 labeled" in form._data.value
    ids = small.columns().id
    small.label([int(ids[-1])], "anaphase")
    assert eventually(lambda: "19 labeled" in form._data.value)


def test_piximis_settings_fill_the_form_and_say_what_differs(form):
    form._piximi.click()
    drawn(form)
    assert form.config == TrainingConfig.piximi()
    assert "settings of Piximi 1.1.4" in form._about.value
    assert "Piximi applies the softmax twice" in form._about.value
    control(form, "epochs").value = 11
    drawn(form)
    assert form._about.value == ""


def test_an_architecture_that_is_not_registered_here_is_kept_and_explained(form):
    """Settings of somebody else's experiment can be looked at, and the form says what is missing."""
    form.config = TrainingConfig.from_json(
        TrainingConfig(batch_size=4).to_json() | {"architecture": "theirs"}
    )
    drawn(form)
    assert control(form, "architecture").value == "theirs"
    assert form.config.architecture == "theirs"
    assert "pw.register_architecture('theirs', …)" in form.fields["architecture"].problem
    assert form._fit.disabled


def test_the_first_touch_warms_a_worker_once(small, form):
    assert small.asked == []
    control(form, "epochs").value = 5
    control(form, "epochs").value = 6
    assert eventually(lambda: small.asked == ["warm"])


def test_fit_starts_one_training_with_the_settings_and_the_name(small, form):
    control(form, "epochs").value = 5
    form._name.value = " mine "
    started = []
    form.observe(lambda change: started.append(change["new"].name), "experiment")
    form._fit.click()
    assert eventually(lambda: started == ["mine"])
    assert (TrainingConfig(batch_size=4, epochs=5), "mine") in small.asked
    drawn(form)
    assert form._fit.disabled
    assert not form._stop.disabled


def test_a_second_click_while_starting_is_ignored(small, form, monkeypatch):
    release, calls = threading.Event(), []
    real = small.fit

    def slow(*arguments, **options):
        calls.append(1)
        release.wait(5)
        return real(*arguments, **options)

    monkeypatch.setattr(small, "fit", slow)
    form._fit.click()
    form._fit.click()
    form.fit()
    assert eventually(lambda: "Starting…" in form._state.value)
    assert form._fit.disabled
    release.set()
    assert eventually(lambda: form.experiment is not None)
    form.fit()
    drawn(form)
    assert calls == [1]


def test_stop_asks_the_training_and_fit_returns_when_it_has_ended(small, form, monkeypatch):
    form.fit()
    assert eventually(lambda: form.experiment is not None)
    asked = []
    monkeypatch.setattr(form.experiment, "stop", lambda: asked.append(1))
    drawn(form)
    form._stop.click()
    drawn(form)
    assert asked == [1]
    assert form._stop.disabled
    assert "Stopping…" in form._state.value
    form.experiment.finish("CANCELED")
    assert eventually(lambda: not form._fit.disabled)
    assert form._stop.disabled


def test_a_training_that_another_view_started_can_be_stopped(small, form, close_later):
    form.fit()
    assert eventually(lambda: form.experiment is not None)
    later = close_later(TrainingForm(small))
    assert eventually(lambda: later.experiment is not None)
    assert later.experiment.uid == form.experiment.uid
    drawn(later)
    assert not later._stop.disabled
    assert later._fit.disabled


def test_a_refused_fit_says_why_and_can_be_tried_again(small, form, monkeypatch):
    def refuse(*arguments, **options):
        raise NotTrainableError(["Label a <second> category."])

    monkeypatch.setattr(small, "fit", refuse)
    form.fit()
    assert eventually(lambda: "Label a &lt;second&gt; category." in form._problems.value)
    control(form, "epochs").value = 7
    drawn(form)
    assert form._problems.value == ""
    assert not form._fit.disabled


def test_any_other_failure_shows_in_the_form(small, form, monkeypatch):
    monkeypatch.setattr(small, "fit", lambda *a, **o: 1 / 0)
    form.fit()
    assert eventually(lambda: "ZeroDivisionError" in form._fit_failure.value)
    assert eventually(lambda: not form._fit.disabled)


def test_a_project_opened_read_only_says_so(project, close_later):
    from piximi_widgets.project import Project

    assert len(list(project.experiments)) == 0, "the store is made by the first look at it"
    with Project(project.path, mode="r") as reader:
        form = close_later(TrainingForm(reader))
        drawn(form)
        assert "opened read-only" in form._problems.value
        assert form._fit.disabled
        form.close()


def test_a_change_never_waits_for_the_checks(form, small, monkeypatch):
    entered, release = threading.Event(), threading.Event()

    def slow(config):
        entered.set()
        release.wait(5)
        return []

    monkeypatch.setattr(small, "problems", slow)
    form.refresher.request()
    assert entered.wait(5)
    started = time.perf_counter()
    control(form, "epochs").value = 9
    form.fit()
    assert time.perf_counter() - started < 0.05
    release.set()


def test_the_saved_notebook_shows_the_settings(form):
    html = form._repr_mimebundle_()["text/html"]
    assert "Small ResNet" in html
    assert "18 labeled" in html
    assert len(html) < 5_000


def test_the_saved_notebook_names_what_differs_and_leaves_the_rest_out(form):
    form.config = TrainingConfig(rotation=15, warmup_epochs=2, crops=9)
    html = form._repr_mimebundle_()["text/html"]
    assert "Rotation (degrees)" in html
    assert "Warm-up epochs" in html
    assert "Custom" in html
    assert "Weight decay" not in html
    assert "Number of crops" not in html, "without cropping it plays no part"
    form.config = TrainingConfig(augmentation="microscopy")
    html = form._repr_mimebundle_()["text/html"]
    assert "Microscopy" in html
    assert "Flip" not in html


def test_duplicates_in_two_partitions_are_said_once_the_training_has_begun(small, form):
    """The same pixels in training and validation: the scores are too good, and the form says so."""
    fit = small.fit

    def fit_with_version(config=None, **options):
        experiment = fit(config, **options)
        small.assign_partitions()
        experiment.attach_dataset(small.snapshot(), alias="train")
        return experiment

    small.fit = fit_with_version
    form.fit()
    form._work[-1].join(10)
    drawn(form)
    assert form._leakage.value == ""
    pixels = small.pixels(1)[0, :, :, 0]
    twins = small.add_images([pixels, pixels], labels=["metaphase", "metaphase"]).added
    small.set_partition(twins[0], "training")
    small.set_partition(twins[1], "validation")
    form.experiment.finish("SUCCESS")
    eventually(lambda: not drawn(form)._fit.disabled)
    form.fit()
    form._work[-1].join(10)
    drawn(form)
    assert "have an exact duplicate in another partition" in form._leakage.value
