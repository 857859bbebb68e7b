"""Every situation in which training makes no sense gets a sentence before it starts."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.checks import Problem, check
from piximi_widgets.engine.config import TrainingConfig

GOOD = {"cat": 40, "dog": 30}


def shapes(count: int = 70, channels: int = 1) -> np.ndarray:
    return np.tile([32, 32, channels], (count, 1))


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_good_data_has_no_problem():
    assert check(TrainingConfig(), class_counts=GOOD, shapes=shapes(), image_count=90) == []


def test_a_category_without_images_is_no_problem():
    assert check(TrainingConfig(), class_counts=GOOD | {"bird": 0}, shapes=shapes()) == []


def test_an_empty_project():
    problem = only(check(TrainingConfig(), class_counts={}, image_count=0))
    assert "no images" in problem.message
    assert "add_images" in problem.message


def test_nothing_labeled():
    assert "label" in only(check(TrainingConfig(), class_counts={"cat": 0}, image_count=5)).message


def test_one_class_only():
    problem = only(check(TrainingConfig(), class_counts={"cat": 40, "dog": 0}, image_count=40))
    assert "'cat'" in problem.message
    assert "second category" in problem.message


def test_a_class_with_a_single_image():
    problem = only(check(TrainingConfig(), class_counts=GOOD | {"rare": 1}, shapes=shapes(71)))
    assert "'rare' has only one labeled image" in problem.message


def test_many_classes_with_a_single_image_make_one_short_sentence():
    counts = GOOD | {f"class {index}": 1 for index in range(30)}
    problem = only(check(TrainingConfig(), class_counts=counts, shapes=shapes(100)))
    assert "and 25 more have only one" in problem.message


def test_a_class_without_training_images():
    parts = {"cat": (30, 10, 0), "dog": (0, 30, 0)}
    problem = only(
        check(TrainingConfig(batch_size=8), class_counts=GOOD, partition_counts=parts, shapes=shapes())
    )
    assert "'dog' has no image in the training partition" in problem.message


def test_nothing_left_for_validation():
    parts = {"cat": (40, 0, 0), "dog": (30, 0, 0)}
    problem = only(check(TrainingConfig(), class_counts=GOOD, partition_counts=parts, shapes=shapes()))
    assert problem.field == "training_fraction"


@pytest.mark.parametrize("parts", [None, {"cat": (30, 10, 0), "dog": (22, 8, 0)}])
def test_a_batch_larger_than_the_training_data(parts):
    config = TrainingConfig(batch_size=64)
    problem = only(check(config, class_counts=GOOD, partition_counts=parts, shapes=shapes()))
    assert problem.field == "batch_size"
    assert "only 52 images" in problem.message
    assert (
        check(config.model_copy(update={"batch_size": 52}), class_counts=GOOD, partition_counts=parts) == []
    )


def test_an_input_too_small_for_the_network_names_the_minimum():
    config = TrainingConfig(input_shape=(32, 15, 1))
    problem = only(check(config, class_counts=GOOD, shapes=shapes()))
    assert problem.field == "input_shape"
    assert "16×16" in problem.message
    config = TrainingConfig(input_shape=(16, 16, 1))
    assert check(config, class_counts=GOOD, shapes=shapes()) == []


def test_mixed_channels_are_counted():
    mixed = np.concatenate([shapes(60, 1), shapes(10, 3)])
    problem = only(check(TrainingConfig(), class_counts=GOOD, shapes=mixed))
    assert "60 with 1, 10 with 3" in problem.message


def test_an_input_shape_with_other_channels_than_the_images():
    config = TrainingConfig(input_shape=(32, 32, 3))
    problem = only(check(config, class_counts=GOOD, shapes=shapes()))
    assert problem.field == "input_shape"
    assert "(32, 32, 1)" in problem.message


def test_a_channel_that_the_images_do_not_have():
    config = TrainingConfig(channels=(0, 4, 3))
    problem = only(check(config, class_counts=GOOD, shapes=shapes(channels=3)))
    assert problem.field == "channels"
    assert "no channel 3, 4" in problem.message
    assert "3 channels, 0 to 2" in problem.message
    problem = only(check(TrainingConfig(channels=1), class_counts=GOOD, shapes=shapes()))
    assert "one channel, 0" in problem.message
    assert check(TrainingConfig(channels=(2, 0)), class_counts=GOOD, shapes=shapes(channels=3)) == []


def test_a_channel_that_some_images_lack():
    """Images that differ may be trained on together as far as all of them have what was chosen."""
    mixed = np.concatenate([shapes(60, 2), shapes(10, 4)])
    problem = only(check(TrainingConfig(channels=(0, 2)), class_counts=GOOD, shapes=mixed))
    assert problem.field == "channels"
    assert "60 of 70 lack it (60 with 2, 10 with 4)" in problem.message
    assert check(TrainingConfig(channels=(1, 0)), class_counts=GOOD, shapes=mixed) == []


def test_an_input_shape_that_does_not_fit_the_chosen_channels():
    config = TrainingConfig(input_shape=(32, 32, 4), channels=(0, 2))
    problem = only(check(config, class_counts=GOOD, shapes=shapes(channels=4)))
    assert problem.field == "input_shape"
    assert "(32, 32, 2)" in problem.message
    fitting = config.model_copy(update={"input_shape": (32, 32, 2)})
    assert check(fitting, class_counts=GOOD, shapes=shapes(channels=4)) == []


def test_all_problems_are_found_at_once():
    config = TrainingConfig(input_shape=(8, 8, 1), batch_size=1000)
    problems = check(config, class_counts=GOOD | {"rare": 1}, shapes=shapes())
    assert {problem.field for problem in problems} == {None, "batch_size", "input_shape"}


# -- settings beside each other -------------------------------------------------------------------


def found(settings: dict | TrainingConfig, **data) -> list[Problem]:
    config = settings if isinstance(settings, TrainingConfig) else TrainingConfig(**settings)
    return check(config, **{"class_counts": GOOD, "shapes": shapes()} | data)


def test_an_architecture_that_is_not_registered_here():
    """Settings of another process' experiment; what the network needs cannot be asked, and is not."""
    recorded = TrainingConfig(input_shape=(4, 4, 1)).to_json() | {"architecture": "theirs"}
    problem = only(found(TrainingConfig.from_json(recorded)))
    assert problem.field == "architecture"
    assert "pw.register_architecture('theirs', …)" in problem.message
    assert "simple-cnn, small-resnet, mobilenet" in problem.message


def test_mobilenet_needs_larger_inputs():
    config = {"architecture": "mobilenet", "base_weights": "none", "input_shape": (32, 28, 1)}
    problem = only(found(config))
    assert problem.field == "input_shape"
    assert "mobilenet needs at least 32×32" in problem.message
    assert found(config | {"input_shape": (32, 32, 1)}) == []


def test_a_weights_file_that_is_not_there(tmp_path):
    path = tmp_path / "mobilenet.h5"
    config = {"architecture": "mobilenet", "base_weights": str(path)}
    problem = only(found(config))
    assert problem.field == "base_weights"
    assert str(path) in problem.message
    path.touch()
    assert found(config) == []
    path.unlink()
    assert found(config | {"architecture": "simple-cnn"}) == [], "without mobilenet it plays no part"


def test_looking_for_weights_asks_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("the network was asked"))
    assert found({"architecture": "mobilenet"}) == []


def test_fine_tuning_without_blocks_to_tune():
    problem = only(found({"fine_tuned_blocks": 2}))
    assert problem.field == "fine_tuned_blocks"
    assert "Choose 0, or the architecture mobilenet" in problem.message
    assert found({"fine_tuned_blocks": 2, "architecture": "mobilenet"}) == []


def test_mobilenet_knows_one_precision():
    problem = only(found({"precision": "mixed", "architecture": "mobilenet", "base_weights": "none"}))
    assert problem.field == "precision"
    assert found({"precision": "mixed"}) == []


def test_crops_without_cropping_are_ignored():
    assert found({"crops": 8}) == []


def test_crops_make_more_images_to_fill_a_batch():
    """52 images for training: four crops of each fill a batch of 208."""
    assert found({"crop": "match", "crops": 4, "batch_size": 208}) == []
    problem = only(found({"crop": "match", "crops": 4, "batch_size": 209}))
    assert "only 52 images, 4 crops of each, for training. Choose 208 or less" in problem.message


def test_rare_categories_are_made_up_for_once():
    problem = only(found({"oversampling": True, "class_weights": "balanced"}))
    assert problem.field == "oversampling"
    assert "Choose one of the two" in problem.message
    assert found({"oversampling": True}) == []
    assert found({"class_weights": "balanced"}) == []


@pytest.mark.parametrize(
    ("warmup", "epochs", "advice"),
    [(5, 5, "Choose 4 or less, or"), (9, 5, "4 or less"), (1, 1, "Choose 0, or")],
)
def test_a_warm_up_that_never_ends(warmup, epochs, advice):
    problem = only(found({"warmup_epochs": warmup, "epochs": epochs}))
    assert problem.field == "warmup_epochs"
    assert advice in problem.message
    assert found({"warmup_epochs": epochs - 1, "epochs": epochs}) == []


def test_what_watches_the_validation_loss_needs_one():
    parts = {"cat": (40, 0, 0), "dog": (30, 0, 0)}
    config = {"early_stopping": 5, "schedule": "plateau"}
    fields = [problem.field for problem in found(config, partition_counts=parts)]
    assert fields == ["training_fraction", "early_stopping", "schedule"]
    assert found(config) == []
