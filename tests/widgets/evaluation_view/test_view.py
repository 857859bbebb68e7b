"""The evaluation follows the experiment and the labels, and shows the images of a cell."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.widgets.evaluation_view import EvaluationView

from ..conftest import CLASSES, eventually

MATRIX = [[2, 1, 0], [0, 2, 1], [1, 0, 2]]


@pytest.fixture
def view(trained, close_later):
    made = close_later(EvaluationView(trained))
    assert made.refresher.flush()
    return made


def clicked(view, truth, predicted):
    """What the page sends when a cell is clicked."""
    view.matrix.cells._handle_custom_msgs(
        view.matrix.cells, {"event": "element_click", "data": {"rowNum": truth, "columnNum": predicted}}
    )
    assert view.refresher.flush()
    return list(view.labeler.shown)


def test_nothing_yet(close_later):
    view = close_later(EvaluationView())
    view.refresher.flush()
    assert "Nothing to evaluate yet" in view._empty.value


def test_a_training_under_way_is_evaluated_when_it_ends(project, close_later):
    from ..conftest import make_trained

    experiment = make_trained(project)
    experiment.start()
    view = close_later(EvaluationView(experiment))
    view.refresher.flush()
    assert "Still training" in view._empty.value
    assert view.evaluation is None
    experiment.finish("SUCCESS")
    assert eventually(lambda: view.evaluation is not None)
    assert view._empty.value == ""


def test_the_matrix_equals_the_one_worked_by_hand(view):
    assert view.evaluation.confusion_matrix.tolist() == MATRIX
    assert view.matrix.counts.tolist() == MATRIX
    assert view.evaluation.accuracy == pytest.approx(6 / 9)
    rows, columns = np.nonzero(MATRIX)
    numbers = view.matrix.numbers
    assert numbers.y.tolist() == rows.tolist()
    assert numbers.x.tolist() == columns.tolist()
    assert [int(text) for text in numbers.text] == [
        MATRIX[row][column] for row, column in zip(rows, columns, strict=True)
    ]
    assert view.matrix.shares.text.tolist()[0] == "67 %"


def test_what_it_was_measured_on_stands_beside_it(view, trained):
    assert "Measured on 9 images of the validation partition" in view._measured.value
    assert "the same as in dataset version first" in view._measured.value


def test_a_click_shows_the_images_of_the_cell(view):
    evaluation = view.evaluation
    wanted = evaluation.ids[(evaluation.truth == 0) & (evaluation.predicted == 1)].tolist()
    assert clicked(view, 0, 1) == wanted
    assert len(wanted) == 1
    assert view.labeler in view._gallery.children
    title = f"truth {CLASSES[0]} → predicted {CLASSES[1]} (1 image)"
    assert eventually(lambda: view.labeler._shown["title"] == title)
    assert sorted(clicked(view, 2, 2)) == sorted(
        evaluation.ids[(evaluation.truth == 2) & (evaluation.predicted == 2)]
    )


def test_the_list_reaches_the_same_images_by_keyboard(view):
    labels = [label for label, _ in view._choice.options]
    assert labels[1] == "All errors (3 images)"
    assert f"truth {CLASSES[1]} → predicted {CLASSES[2]} (1 image)" in labels
    view._choice.value = 0
    view.refresher.flush()
    wrong = view.evaluation.truth != view.evaluation.predicted
    assert sorted(view.labeler.shown) == sorted(view.evaluation.ids[wrong].tolist())


def test_all_errors_come_with_the_surest_first(view):
    view.show_errors()
    assert view.refresher.flush()
    rows = view.evaluation.predictions
    sure = rows[rows["truth"] != rows["prediction"]]["confidence"].to_dict()
    shown = list(view.labeler.shown)
    assert len(shown) == 3
    assert set(shown) == set(sure)
    assert [sure[image] for image in shown] == sorted(sure.values(), reverse=True)


def test_a_mended_label_moves_the_numbers_at_once(view, project):
    (image,) = clicked(view, 0, 1)
    project.label([image], CLASSES[1])
    assert eventually(lambda: view.evaluation.accuracy == pytest.approx(7 / 9))
    assert view.matrix.counts.tolist() == [[2, 0, 0], [0, 3, 1], [1, 0, 2]]
    assert "1 differs from dataset version first" in view._measured.value
    assert "77.8 %" in view._tiles.value
    assert list(view.labeler.shown) == [image], "the images stay, so that the user sees what was mended"


def test_the_labels_of_the_training_can_be_looked_at_too(view, project):
    (image,) = clicked(view, 0, 1)
    project.label([image], CLASSES[1])
    assert eventually(lambda: view.evaluation.accuracy == pytest.approx(7 / 9))
    view._labels.value = "trained"
    assert eventually(lambda: view.evaluation.accuracy == pytest.approx(6 / 9))
    assert "with the labels of dataset version first" in view._measured.value


def test_a_partition_without_images_says_so(view):
    view._partition.value = "test"
    assert eventually(lambda: "Nothing to score" in view._empty.value)
    view._partition.value = "validation"
    assert eventually(lambda: view.evaluation is not None)


def test_the_tip_of_a_cell_has_the_full_names(view):
    assert (
        view.matrix.describe(0, 1)
        == "truth <b>anaphase</b> → predicted <b>metaphase</b><br>1 image, 33.3 % of 3"
    )


def test_an_exception_shows_in_the_view(view, trained, monkeypatch):
    monkeypatch.setattr(trained, "evaluate", lambda *a, **o: 1 / 0)
    view._labels.value = "trained"
    assert eventually(lambda: "ZeroDivisionError" in view._failure.value)


def test_the_saved_notebook_shows_the_matrix_as_a_table(view):
    html = view._repr_mimebundle_()["text/html"]
    assert "<table" in html
    assert "66.7%" in html
    assert len(html) < 200_000
