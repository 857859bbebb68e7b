"""What there is to train with, in words."""

from __future__ import annotations

from piximi_widgets.widgets.training_form.dataset_line import DatasetCounts, count_images, line_html, sentence


def counts(**given):
    return DatasetCounts(
        **{
            "training": 0,
            "validation": 0,
            "test": 0,
            "unassigned": 0,
            "unlabeled": 0,
            "excluded": 0,
            "categories": 0,
            **given,
        }
    )


def test_the_sentence_of_the_quickstart():
    line = sentence(counts(training=225, validation=75, unlabeled=1497, categories=10))
    assert line == "225 training · 75 validation · 1497 unlabeled; 10 categories"


def test_images_that_have_no_partition_yet_will_be_split():
    assert (
        sentence(counts(unassigned=300, categories=2))
        == "300 labeled, split when you press Fit; 2 categories"
    )


def test_newly_labeled_images_stand_beside_the_partitions():
    line = sentence(counts(training=3, validation=1, unassigned=2, excluded=4, categories=1))
    assert line == "3 training · 1 validation · 2 labeled, split when you press Fit · 4 excluded; 1 category"


def test_an_empty_project():
    assert sentence(counts()) == "no images; 0 categories"
    assert "no images" in line_html(counts())


def test_images_are_counted_once_and_excluded_ones_apart(project):
    ids = project.columns().id
    project.split(training=0.5, seed=0)
    project.exclude([int(ids[0]), int(ids[-1])])
    counted = count_images(project)
    assert counted.excluded == 2
    assert counted.unlabeled == 5
    assert counted.labeled == 17
    assert counted.categories == 3
    assert counted.labeled + counted.unlabeled + counted.excluded == len(project)


def test_the_bar_shows_every_part_once():
    html = line_html(counts(training=3, validation=1, unlabeled=4, categories=2))
    assert html.count("<i style=") == 3
    assert "width:37.50%" in html
