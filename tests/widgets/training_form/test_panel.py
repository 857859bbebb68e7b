"""What follows from what in the form: presets, folds, settings that come and go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from piximi_widgets.engine.architectures import register_architecture, registry
from piximi_widgets.engine.config import AUGMENTATION_DETAILS, AUGMENTATION_PRESETS, GROUPS, TrainingConfig
from piximi_widgets.widgets.training_form.panel import SettingsPanel

from .settings_strategy import configs


@pytest.fixture
def panel():
    return drawn(SettingsPanel(TrainingConfig(), lambda: None, {}))


def drawn(panel):
    """What the form does after each change, until nothing follows any more."""
    for _ in range(2):
        panel.follow()
        panel.draw(panel.read()[1])
    return panel


def control(panel, name):
    return panel.fields[name].controls[0]


def visible(panel, name):
    return panel.fields[name].widget.layout.display != "none"


EVERYTHING = SettingsPanel(TrainingConfig(), lambda: None, {})


@settings(max_examples=150, deadline=None)
@given(config=configs())
def test_any_settings_come_back_unchanged(config):
    EVERYTHING.fill(config)
    assert EVERYTHING.read() == (config, {})
    drawn(EVERYTHING)
    assert EVERYTHING.read() == (config, {})


@pytest.mark.parametrize("name", ["weight_decay", "learning_rate", "momentum", "shift"])
def test_no_digit_of_a_number_is_lost(panel, name):
    config = TrainingConfig(**{name: 0.12345678901234567 if name != "weight_decay" else 1.2345678901e-7})
    panel.fill(config)
    assert panel.read()[0] == config


def test_there_is_a_card_for_each_group_with_its_settings(panel):
    assert tuple(panel.cards) == GROUPS
    placed = [field.name for card in panel.cards.values() for field in card.fields]
    assert sorted(placed) == sorted(TrainingConfig.model_fields)


# -- what is seen ---------------------------------------------------------------------------------


def test_settings_that_play_no_part_are_not_seen(panel):
    hidden = {name for name in panel.fields if not visible(panel, name)}
    assert hidden == {
        "base_weights",
        "fine_tuned_blocks",
        "fine_tuning_epochs",
        "crops",
        "momentum",
        "schedule_epochs",
        "schedule_factor",
    }


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("optimizer", "momentum", {"momentum"}),
        ("schedule", "step", {"schedule_epochs", "schedule_factor"}),
        ("schedule", "plateau", {"schedule_epochs", "schedule_factor"}),
        ("crop", "match", {"crops"}),
        ("architecture", "mobilenet", {"base_weights", "fine_tuned_blocks"}),
    ],
)
def test_a_choice_shows_the_settings_that_belong_to_it(panel, name, value, shown):
    control(panel, name).value = value
    drawn(panel)
    assert all(visible(panel, other) for other in shown)


def test_what_a_choice_has_made_important_is_not_folded_away(panel):
    folded = {field.name for card in panel.cards.values() for field in card.folded}
    assert {"momentum", "schedule_epochs", "base_weights", "fine_tuned_blocks"}.isdisjoint(folded)
    assert {
        "crop",
        "crops",
        "resize",
        "weight_decay",
        "label_smoothing",
        "precision",
        "class_weights",
        "rotation",
    } <= folded


def test_a_hidden_setting_that_is_wrong_is_seen(panel):
    control(panel, "optimizer").value = "momentum"
    control(panel, "momentum").value = "much"
    control(panel, "optimizer").value = "adam"
    drawn(panel)
    assert visible(panel, "momentum")
    assert panel.fields["momentum"].problem == "Momentum must be a number, like 0.9; got 'much'."
    control(panel, "momentum").value = "0.9"
    drawn(panel)
    assert not visible(panel, "momentum")


# -- folds ----------------------------------------------------------------------------------------


def opened(panel):
    return {group for group, card in panel.cards.items() if card.fold.opened}


def test_folds_are_closed_at_first_and_open_where_something_differs(panel):
    assert opened(panel) == set()
    panel.fill(TrainingConfig(weight_decay=0.01, crop="match", crops=3))
    drawn(panel)
    assert opened(panel) == {"Preprocessing", "Optimization"}
    assert panel.cards["Preprocessing"].fold.hint == "2 changed"
    panel.fill(TrainingConfig())
    drawn(panel)
    assert opened(panel) == set()
    assert panel.cards["Preprocessing"].fold.hint == ""


def test_a_fold_that_was_closed_by_hand_stays_closed(panel):
    panel.fill(TrainingConfig(weight_decay=0.01))
    drawn(panel).cards["Optimization"].fold.opened = False
    control(panel, "epochs").value = 7
    assert opened(drawn(panel)) == set()


def test_a_fold_with_a_problem_opens(panel):
    control(panel, "gradient_clipping").value = "-1"
    assert opened(drawn(panel)) == {"Optimization"}
    panel.cards["Optimization"].fold.opened = False
    assert opened(drawn(panel)) == {"Optimization"}


def test_settings_that_are_filled_in_during_a_draw_settle_the_folds_at_the_next(panel):
    """A draw asks the project for problems, which takes a moment; what it then knows is of the settings before."""
    panel.follow()
    panel.fill(TrainingConfig())
    panel.draw({"oversampling": "A problem of the settings before."})
    assert opened(panel) == {"Dataset"}
    assert opened(drawn(panel)) == set()


# -- augmentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", list(AUGMENTATION_PRESETS))
def test_a_preset_sets_its_details_and_leaves_the_fold_alone(panel, preset):
    control(panel, "augmentation").value = preset
    read = panel.read()[0]
    assert read == TrainingConfig(augmentation=preset), "also before anything was drawn"
    drawn(panel)
    assert panel.read()[0] == read
    details = {name: panel.fields[name].read() for name in AUGMENTATION_DETAILS}
    assert details == AUGMENTATION_PRESETS[preset]
    assert opened(panel) == set()


def test_a_changed_detail_makes_it_custom_and_back(panel):
    control(panel, "quarter_turns").value = True
    drawn(panel)
    assert control(panel, "augmentation").value == "custom"
    assert panel.read()[0].augmentation == "custom"
    assert opened(panel) == {"Augmentation"}
    control(panel, "quarter_turns").value = False
    drawn(panel)
    assert control(panel, "augmentation").value == "gentle"


def test_a_detail_that_is_changed_right_after_the_preset_wins(panel):
    control(panel, "augmentation").value = "natural"
    control(panel, "rotation").value = "45"
    drawn(panel)
    assert panel.read()[0] == TrainingConfig(augmentation="natural", rotation=45.0)
    assert control(panel, "augmentation").value == "custom"


def test_choosing_custom_opens_the_details_and_changes_none(panel):
    control(panel, "augmentation").value = "custom"
    drawn(panel)
    assert opened(panel) == {"Augmentation"}
    assert panel.read()[0] == TrainingConfig()
    assert control(panel, "augmentation").value == "custom"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"augmentation": "none"}, "Training images stay as they are."),
        ({"augmentation": "gentle"}, "At random: shifted by up to 10 %."),
        (
            {"augmentation": "microscopy"},
            (
                "At random: mirrored left to right and top to bottom, turned by quarters, shifted by up to 10 %, "
                "brighter or darker, more or less contrast."
            ),
        ),
        (
            {"augmentation": "none", "rotation": 7.5, "cutout": 0.25, "noise": 0.1, "zoom": 0.05},
            "At random: turned by up to 7.5°, zoomed by up to 5 %, with noise, a square of 25 % blanked.",
        ),
        (
            {"architecture": "mobilenet", "augmentation": "gentle"},
            (
                "At random: shifted by up to 10 %. With MobileNet every epoch then computes all images anew; None, or flips and "
                "quarter turns alone, are many times faster."
            ),
        ),
        (
            {"architecture": "mobilenet", "quarter_turns": True},
            "At random: turned by quarters.",
        ),
    ],
)
def test_what_becomes_of_the_images_is_said_below_the_preset(panel, settings, sentence):
    panel.fill(TrainingConfig(**settings))
    assert drawn(panel).fields["augmentation"].remark == sentence


# -- architectures and their weights --------------------------------------------------------------


def build(input_shape, classes):
    import keras

    return keras.Sequential(
        [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")]
    )


def test_an_architecture_that_is_registered_later_is_offered(panel, monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    control(panel, "architecture").value = "simple-cnn"
    register_architecture("flat", build)
    drawn(panel)
    assert control(panel, "architecture").value == "simple-cnn"
    control(panel, "architecture").value = "flat"
    drawn(panel)
    assert panel.read()[0] == TrainingConfig(architecture="flat")
    assert "register_architecture" in panel.fields["architecture"].remark


def test_architectures_have_their_names(panel):
    words = [word for word, _ in control(panel, "architecture").options]
    assert words[:3] == ["Simple CNN", "Small ResNet", "MobileNet"]


def test_mobilenet_comes_with_the_augmentation_that_is_fast_with_it_unless_another_was_chosen(panel):
    control(panel, "architecture").value = "mobilenet"
    assert panel.read()[0] == TrainingConfig(architecture="mobilenet"), "also before anything was drawn"
    drawn(panel)
    assert control(panel, "augmentation").value == "none"
    control(panel, "architecture").value = "simple-cnn"
    drawn(panel)
    assert panel.read()[0] == TrainingConfig(architecture="simple-cnn")
    control(panel, "augmentation").value = "microscopy"
    drawn(panel)
    control(panel, "architecture").value = "mobilenet"
    drawn(panel)
    assert panel.read()[0] == TrainingConfig(architecture="mobilenet", augmentation="microscopy")


def test_leaving_mobilenet_forgets_its_fine_tuning(panel):
    """Otherwise a setting that nobody sees would be refused."""
    panel.fill(TrainingConfig(architecture="mobilenet", fine_tuned_blocks=3))
    drawn(panel)
    control(panel, "architecture").value = "small-resnet"
    drawn(panel)
    assert panel.read()[0] == TrainingConfig()


def test_base_weights_from_a_file(panel):
    field = panel.fields["base_weights"]
    control(panel, "architecture").value = "mobilenet"
    assert [word for word, _ in field.choice.options] == [
        "ImageNet (downloaded once)",
        "None (random)",
        "A file …",
    ]
    drawn(panel)
    assert field.path.layout.display == "none"
    field.choice.value = "file"
    drawn(panel)
    assert field.path.layout.display != "none"
    assert field.problem.startswith("Base weights: give the path")
    field.path.value = ' "/data/some folder/mobilenet.h5" '
    drawn(panel)
    assert field.problem == ""
    assert panel.read()[0].base_weights == "/data/some folder/mobilenet.h5"
