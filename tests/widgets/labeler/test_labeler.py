"""The labeler as a notebook's cell sees it: its traits, and what the page changes in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import PiximiError, SelectionError
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler.packing import pack_ids, unpack_ids

from .conftest import AUTHOR, COUNT, PageOf, first_ids, until


def test_the_page_and_python_share_the_selection(project: Dataset, labeler: Labeler, page: PageOf) -> None:
    ids = first_ids(project, 3)
    changes: list[tuple[int, ...]] = []
    labeler.observe(lambda change: changes.append(change["new"]), "selection")
    page.post("selection", [pack_ids(np.array([*ids, 999]))], client="page-1")
    until(lambda: labeler._selection.get("by") == "page-1")
    assert labeler.selection == tuple(ids)
    assert changes == [tuple(ids)]
    mask = np.zeros(COUNT, dtype=bool)
    mask[5] = True
    labeler.selection = mask
    until(lambda: labeler._selection.get("by") == "")
    assert (
        unpack_ids(labeler._selection["ids"]).tolist() == list(labeler.selection) == [project.columns().id[5]]
    )
    with pytest.raises(SelectionError):
        labeler.selection = [999]
    labeler.selection = None
    assert labeler.selection == ()


def test_a_filter_is_a_query_and_the_page_has_its_conditions(labeler: Labeler) -> None:
    labeler.filter = "category in ['resting'] and height >= 3 and (unsure or excluded)"
    until(lambda: labeler._filter.get("by") == "")
    assert labeler._filter["clauses"] == [
        {"field": "category", "values": ["resting"]},
        {"field": "height", "min": 3},
        {"query": "unsure or excluded"},
    ]
    labeler.filter = None
    assert labeler.filter == ""
    until(lambda: labeler._filter["clauses"] == [])


def test_columns_that_the_page_does_not_know_stay_text(labeler: Labeler) -> None:
    labeler.filter = "note == 'odd' and plate == 'P3'"
    until(lambda: bool(labeler._filter))
    assert labeler._filter["clauses"] == [{"query": "note == 'odd'"}, {"field": "plate", "values": ["P3"]}]


def test_what_the_page_filters_by_is_a_query_here(project: Dataset, labeler: Labeler, page: PageOf) -> None:
    changes: list[str] = []
    labeler.observe(lambda change: changes.append(change["new"]), "filter")
    clauses = [
        {"field": "category", "values": [None, "<mitotic>"]},
        {"field": "unsure", "is": False},
        {"query": "height > 3 or width > 3"},
    ]
    page.post("filter", client="page-1", clauses=clauses)
    until(lambda: labeler._filter.get("by") == "page-1")
    query = "(category == '<mitotic>' or category.isna()) and not unsure and (height > 3 or width > 3)"
    assert labeler.filter == query
    assert changes == [query]
    assert labeler._filter["clauses"] == [{"field": "category", "values": ["<mitotic>", None]}, *clauses[1:]]
    assert project.select(labeler.filter).tolist() == project.columns().id.tolist()


def test_a_filter_follows_a_new_name(project: Dataset, labeler: Labeler, page: PageOf) -> None:
    labeler.filter = "category == 'resting'"
    page.operate(1, "rename_category", name="resting", new="at rest")
    page.post("filter", client="page-1", clauses=[{"field": "category", "values": ["at rest"]}])
    until(lambda: labeler.filter == "category == 'at rest'")
    assert project.select(labeler.filter).tolist() == []


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        ({"category": "resting"}, "is a query such as"),
        (["unsure"], "is a query such as"),
        (3, "is a query such as"),
        ("colour == 'red'", "'colour', which is no column"),
        ("category ==", "not understood"),
        ("height", "yes or no"),
        ("name.str.len() > 3", "may not do"),
    ],
)
def test_what_is_no_filter_is_refused_and_the_old_one_stays(
    labeler: Labeler, filter: Any, words: str
) -> None:
    labeler.filter = "unsure"
    with pytest.raises(SelectionError, match=words):
        labeler.filter = filter
    assert labeler.filter == "unsure"


def test_an_observer_may_change_the_filter_while_a_page_is_heard(labeler: Labeler, page: PageOf) -> None:
    """What it sets is Python's: it is checked, and every page follows it."""
    refused: list[str] = []

    def narrow(change: dict[str, Any]) -> None:
        labeler.filter = "height > 3"
        try:
            labeler.filter = "nonsense ("
        except SelectionError as error:
            refused.append(str(error))

    labeler.observe(narrow, "selection")
    page.post("selection", [pack_ids(np.array([1]))], client="a page")
    until(lambda: bool(refused) and labeler._filter.get("clauses") == [{"query": "height > 3"}])
    assert labeler._filter["by"] == ""
    assert labeler.filter == "height > 3"


@pytest.mark.parametrize(
    "clause", [{"field": "name", "contains": "\ud83d"}, {"field": "category", "values": ["\ud83d"]}]
)
def test_half_a_character_is_no_filter(labeler: Labeler, page: PageOf, clause: dict[str, Any]) -> None:
    """No message could carry it, and no page could open the labeler any more."""
    assert "does not understand" in page.refusal("filter", client="a page", clauses=[clause])
    assert labeler.filter == ""


def test_a_filter_may_be_set_before_there_are_images(tmp_path: Path) -> None:
    with Dataset(tmp_path / "empty", mode="x") as project:
        labeler = Labeler(project)
        for query in ("category == 'a' and not unsure", "confidence < 0.5", "name.str.contains('1')"):
            labeler.filter = query
            assert labeler.filter == query
        labeler.order = "-name"
        with pytest.raises(SelectionError):
            labeler.filter = "colour == 'red'"
        assert "0 of 0 labeled" in labeler._repr_mimebundle_()[0]["text/html"]  # type: ignore[index]
        labeler.close()


def test_the_page_and_python_share_the_order(labeler: Labeler, page: PageOf) -> None:
    changes: list[str] = []
    labeler.observe(lambda change: changes.append(change["new"]), "order")
    labeler.order = "-confidence"
    until(lambda: labeler._order == {"by": "", "order": "-confidence"})
    page.post("order", client="page-1", order="random:7")
    until(lambda: labeler._order == {"by": "page-1", "order": "random:7"})
    assert labeler.order == "random:7"
    labeler.order = None
    assert changes == ["-confidence", "random:7", ""]
    for field in ("category", "partition", "prediction", "plate", "brightness", "margin", "added"):
        labeler.order = field
    with pytest.raises(SelectionError, match="did you mean 'plate'"):
        labeler.order = "plates"
    assert labeler.order == "added"


def test_edits_in_the_page_are_the_authors(project: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    named, unnamed = Labeler(project, by=" Ada "), Labeler(project)
    assert (named._author, unnamed._author) == ("Ada", "login")
    for number, labeler in enumerate((named, unnamed)):
        PageOf(labeler).operate(
            1, "label", [first_ids(project, 2)[number]], client=f"page-{number}", name="resting"
        )
    assert project.journal["author"].tolist()[-2:] == ["Ada", "login"]
    named.close()
    unnamed.close()
    for wrong in ("", "  ", 3, "x" * 300):
        with pytest.raises(PiximiError, match="author"):
            Labeler(project, by=wrong)  # type: ignore[arg-type]


def test_undo_in_the_page_takes_back_its_authors_edits(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 2)
    page.operate(1, "label", ids[:1], name="resting")
    project.label(ids[1], "resting", by="Bob")
    page.operate(2, "undo")
    assert project.table(["category"], ids)["category"].isna().tolist() == [True, False]
    assert project.journal.iloc[-1]["author"] == AUTHOR


def test_some_images_are_shown_in_their_order_until_the_page_shows_all(
    project: Dataset, page: PageOf
) -> None:
    labeler = page.labeler
    ids = first_ids(project, 3)[::-1]
    labeler.show(ids, title="Mistaken")
    until(lambda: labeler._shown["title"] == "Mistaken")
    assert unpack_ids(labeler._shown["ids"]).tolist() == ids
    assert labeler.shown == tuple(ids)
    page.post("show")
    until(lambda: labeler._shown["ids"] is None)
    assert labeler.shown is None
    with pytest.raises(SelectionError):
        labeler.show([12345])


def test_a_labeler_may_be_made_for_some_images(project: Dataset) -> None:
    labeler = Labeler(project, ids=first_ids(project, 2))
    assert unpack_ids(labeler._shown["ids"]).tolist() == first_ids(project, 2)
    labeler.close()
    with pytest.raises(TypeError, match="shows a Project, not str"):
        Labeler("cells")  # type: ignore[arg-type]
