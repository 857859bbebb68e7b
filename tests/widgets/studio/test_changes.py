"""How far the labels have moved since a training."""

from __future__ import annotations

from piximi_widgets.widgets.studio.changes import LabelChanges, label_changes

from ..conftest import CLASSES


def test_nothing_has_changed_at_first(project, trained):
    changes = label_changes(project, project.version(trained.datasets["train"].uid))
    assert not changes
    assert changes.words == ""


def test_each_kind_of_change_is_counted(project, trained):
    version = project.version(trained.datasets["train"].uid)
    ids = project.columns().id.tolist()
    project.label([ids[0]], CLASSES[1])
    project.label(ids[18:20], CLASSES[0])
    project.unlabel([ids[2]])
    project.exclude([ids[3]])
    assert label_changes(project, version) == LabelChanges(relabeled=1, added=2, removed=2)


def test_a_renamed_category_is_no_change(project, trained):
    project.rename_category(CLASSES[0], "something else")
    assert not label_changes(project, project.version(trained.datasets["train"].uid))


def test_a_change_that_was_undone_is_none(project, trained):
    project.label([int(project.columns().id[0])], CLASSES[1])
    project.undo()
    assert not label_changes(project, project.version(trained.datasets["train"].uid))


def test_the_words():
    assert LabelChanges(2, 40, 0).words == "2 labels changed and 40 images labeled since this training"
    assert LabelChanges(1, 0, 1).words == "1 label changed and 1 image taken out since this training"
