"""The labeler as a notebook's cell and a page see it: traits, requests and answers, with a real dataset."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import CategoryError, SelectionError
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler.packing import pack_ids, unpack_ids

COUNT = 30


class PageOf:
    """What a page does with a labeler: sends messages, and keeps what comes back."""

    def __init__(self, labeler: Labeler) -> None:
        self.labeler = labeler
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        self.asked = 0
        labeler.send = self.take  # type: ignore[method-assign]

    def take(self, content: dict[str, Any], buffers: Sequence[bytes] | None = None) -> None:
        self.heard.append((content, list(buffers or [])))

    def post(self, kind: str, buffers: Sequence[bytes] = (), **content: Any) -> str:
        self.asked += 1
        question = f"page:{self.asked}"
        # As ipywidgets gives them: views into a message's frames.
        views = [memoryview(buffer) for buffer in buffers]
        self.labeler._handle_custom_msg({"id": question, "kind": kind, **content}, views)
        return question

    def ask(
        self, kind: str, buffers: Sequence[bytes] = (), **content: Any
    ) -> tuple[dict[str, Any], list[bytes]]:
        question = self.post(kind, buffers, **content)
        return self.wait(lambda said: said.get("id") == question)

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], list[bytes]]:
        for _ in range(1000):
            for message in list(self.heard):
                if wanted(message[0]):
                    return message
            time.sleep(0.005)
        raise AssertionError(f"not heard; heard {[content for content, _ in self.heard]}")

    def operate(
        self, sequence: int, action: str, ids: Any = None, client: str = "page", **argument: Any
    ) -> Any:
        buffers = [] if ids is None else [pack_ids(np.array(ids))]
        given = {"client": client, "sequence": sequence, "action": action, "argument": argument, "base": 0}
        return self.ask("operation", buffers, images=ids is not None, **given)[0]


def columns_of(buffers: list[bytes]) -> dict[str, list[Any]]:
    kinds = {
        "id": "<f8",
        "category": "<i4",
        "partition": "u1",
        "excluded": "u1",
        "prediction": "<i4",
        "confidence": "<f4",
    }
    return {
        name: np.frombuffer(buffer, kind).tolist()
        for (name, kind), buffer in zip(kinds.items(), buffers, strict=True)
    }


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Dataset]:
    project = Dataset(tmp_path / "cells", mode="x")
    pixels = np.random.default_rng(0).integers(0, 4000, (COUNT, 20, 16)).astype(np.uint16)
    project.add_images(pixels)
    project.add_category("<mitotic>", "#0072b2")
    project.add_category("resting")
    yield project
    project.close()


@pytest.fixture
def labeler(project: Dataset) -> Iterator[Labeler]:
    labeler = Labeler(project)
    yield labeler
    labeler.close()


@pytest.fixture
def page(labeler: Labeler) -> PageOf:
    return PageOf(labeler)


def first_ids(project: Dataset, count: int) -> list[int]:
    return project.columns().id[:count].tolist()


def test_a_page_opens_with_everything(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 3)
    project.label(ids[:2], "<mitotic>")
    project.exclude(ids[2])
    content, buffers = page.ask("open")
    columns = columns_of(buffers)
    assert content["revision"] == project.revision
    assert [category["name"] for category in content["categories"]] == ["<mitotic>", "resting"]
    mitotic = content["categories"][0]["id"]
    assert columns["id"] == project.columns().id.tolist()
    assert columns["category"] == [mitotic, mitotic] + [0] * (COUNT - 2)
    assert columns["excluded"] == [0, 0, 1] + [0] * (COUNT - 3)
    assert all(np.isfinite(columns["confidence"]))


def test_an_operation_is_applied_once_however_often_it_is_sent(project: Dataset, page: PageOf) -> None:
    page.ask("open")
    ids = first_ids(project, 4)
    first = page.operate(1, "label", ids, name="resting")
    revision = project.revision
    again = page.operate(1, "label", ids, name="resting")
    assert first["revision"] == again["revision"] == revision == project.revision
    assert (first["changed"], first["sequence"], first["client"]) == (4, 1, "page")
    assert project.table(["category"], ids)["category"].tolist() == ["resting"] * 4
    assert project.journal.iloc[-1]["source"] == "labeler"


def test_the_change_is_told_before_the_edit_is_acknowledged(project: Dataset, page: PageOf) -> None:
    page.ask("open")
    answer = page.operate(1, "label", first_ids(project, 2), name="resting")
    told = [content for content, _ in page.heard]
    delta = next(content for content in told if content.get("kind") == "delta")
    assert told.index(delta) < told.index(answer)
    assert delta["to"] >= answer["revision"]
    assert delta["categories"] is None
    assert len(page.wait(lambda said: said is delta)[1][0]) == 2 * 8


def test_every_edit_of_the_page_does_what_it_says(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 2)
    page.operate(1, "add_category", name="new", color="#123456")
    page.operate(2, "rename_category", name="new", new="newer")
    page.operate(3, "recolor_category", name="newer", color="#654321")
    page.operate(4, "label", ids, name="newer")
    assert [(each.name, each.color) for each in project.categories][-1] == ("newer", "#654321")
    page.operate(5, "exclude", ids[:1])
    assert project.columns().excluded[0]
    page.operate(6, "include", ids[:1])
    page.operate(7, "unlabel", ids[:1])
    assert project.table(["category"], ids)["category"].isna().tolist() == [True, False]
    page.operate(8, "undo")
    page.operate(9, "undo")
    assert project.columns().excluded[0]
    page.operate(10, "redo")
    assert not project.columns().excluded[0]
    page.operate(11, "remove_category", name="newer")
    assert len(project.categories) == 2
    assert not project.columns().category_id.any()


def test_a_refusal_is_final_and_a_full_disk_is_not(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = page.operate(1, "label", first_ids(project, 1), name="unknown")
    assert refused["final"]
    assert "unknown" in refused["error"]
    unknown = page.operate(2, "remove_images", first_ids(project, 1))
    assert unknown["final"]
    assert len(project) == COUNT

    def full(*given: Any, **options: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(project), "apply", full)
        waiting = page.operate(3, "label", first_ids(project, 1), name="resting")
    assert not waiting["final"]
    assert "no space left" in waiting["error"]
    assert page.operate(3, "label", first_ids(project, 1), name="resting")["changed"] == 1


def test_changes_by_others_arrive_as_small_deltas(project: Dataset, page: PageOf, tmp_path: Path) -> None:
    page.ask("open")
    with Dataset(tmp_path / "cells") as other:
        other.label(first_ids(project, 1), "resting")
        other.add_category("third")
    revision = project.revision
    content, _ = page.wait(lambda said: said.get("kind") == "delta" and said["to"] == revision)
    deltas = [(said, buffers) for said, buffers in page.heard if said.get("kind") == "delta"]
    assert sum(len(buffers[0]) for _, buffers in deltas) == 8
    assert [each["name"] for each in content["categories"]][-1] == "third"
    again, buffers = page.ask("changes", since=deltas[0][0]["from"])
    assert again["to"] == revision
    assert columns_of(buffers)["id"] == first_ids(project, 1)


def test_when_images_go_the_page_is_told_to_open_again(project: Dataset, page: PageOf) -> None:
    since = page.ask("open")[0]["revision"]
    project.remove_images(first_ids(project, 1))
    page.wait(lambda said: said.get("kind") == "reload")
    assert page.ask("changes", since=since)[0]["reload"]
    assert len(columns_of(page.ask("open")[1])["id"]) == COUNT - 1


def test_thumbnails_come_with_names_and_reasons(project: Dataset, page: PageOf) -> None:
    ids = [*first_ids(project, 15), 10_000]
    question = page.post("thumbnails", [pack_ids(np.array(ids))], size=96)
    pictures: dict[int, bytes] = {}
    names: dict[int, str] = {}
    failures: dict[int, str] = {}
    for _ in range(400):
        answers = [(said, buffers) for said, buffers in page.heard if said.get("id") == question]
        for said, buffers in answers:
            pictures.update(zip(said["ids"], buffers, strict=True))
            names.update(said["names"])
            failures.update(said["failures"])
        if len(pictures) + len(failures) == len(ids):
            break
        time.sleep(0.01)
    assert sorted(pictures) == ids[:15]
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
    assert names[ids[0]] == project.columns().names[0]
    assert list(failures) == [10_000]
    assert "10000" in failures[10_000]
    assert len(answers) > 1


def test_cancelled_thumbnails_are_not_made(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, made = threading.Event(), []

    def slow(image_id: int, size: int) -> bytes:
        made.append(image_id)
        gate.wait(5)
        return b"png"

    monkeypatch.setattr(page.labeler._conversation._pool, "_thumbnail", slow)
    question = page.post("thumbnails", [pack_ids(np.array(first_ids(project, 10)))], size=96)
    while len(made) < 2:
        time.sleep(0.005)
    page.labeler._handle_custom_msg({"id": question, "kind": "cancel"}, [])
    gate.set()
    time.sleep(0.1)
    assert len(made) == 2
    assert not [said for said, _ in page.heard if said.get("kind") == "thumbnails"]


def test_an_image_is_described(project: Dataset, page: PageOf) -> None:
    description = page.ask("describe", image=first_ids(project, 2)[1])[0]["description"]
    assert (description["height"], description["width"], description["channels"]) == (20, 16, 1)
    assert description["name"] == project.columns().names[1]


def test_nonsense_from_a_page_is_answered_or_ignored(project: Dataset, page: PageOf) -> None:
    for message in (None, [], {"kind": "__class__"}, {"kind": 3}, {"kind": "unheard"}):
        page.labeler._handle_custom_msg(message, [])
    answer, _ = page.ask("thumbnails", [np.array([np.nan, 1.5]).tobytes()], size=96)
    assert "whole numbers" in answer["error"]
    assert page.ask("describe", image=10_000)[0]["error"]
    assert page.ask("open")[0]["revision"] == project.revision


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


def test_the_page_and_python_share_the_filter(labeler: Labeler, page: PageOf) -> None:
    page.post("filter", client="page-1", filter={"category": None, "partition": "training"})
    until(lambda: labeler.filter == {"category": None, "partition": "training"})
    labeler.filter = {"category": "resting"}
    until(lambda: labeler._filter == {"by": "", "filter": {"category": "resting"}})
    with pytest.raises(CategoryError, match="no category 'missing'"):
        labeler.filter = {"category": "missing"}
    with pytest.raises(SelectionError, match="not by 'colour'"):
        labeler.filter = {"colour": "red"}
    with pytest.raises(SelectionError, match="no partition"):
        labeler.filter = {"partition": "train"}
    assert labeler.filter == {"category": "resting"}


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


def test_a_saved_notebook_shows_a_contact_sheet(project: Dataset, labeler: Labeler) -> None:
    project.label(first_ids(project, 2), "<mitotic>")
    data, _ = labeler._repr_mimebundle_()  # type: ignore[misc]
    html = data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert f"2 of {COUNT} labeled" in html
    assert "&lt;mitotic&gt;" in html
    assert "<mitotic>" not in html
    assert html.count("data:image/png;base64,") == COUNT
    project.thumbnails = False
    assert "data:image" not in labeler._repr_mimebundle_()[0]["text/html"]  # type: ignore[index]


def test_the_contact_sheet_stays_small(tmp_path: Path) -> None:
    with Dataset(tmp_path / "noise", mode="x") as project:
        project.add_images(np.random.default_rng(0).integers(0, 255, (80, 100, 100, 3)).astype(np.uint8))
        labeler = Labeler(project)
        html = labeler._repr_mimebundle_()[0]["text/html"]  # type: ignore[index]
        labeler.close()
    assert len(html) <= 200_000
    assert re.search(r"The first \d+ of 80 images", html)


def test_threads_end_with_the_work_and_with_the_widget(project: Dataset) -> None:
    before = set(threading.enumerate())
    labeler = Labeler(project)
    page = PageOf(labeler)
    page.ask("open")
    page.operate(1, "label", first_ids(project, 1), name="resting")
    mine = [thread for thread in threading.enumerate() if thread not in before]
    assert mine
    labeler.close()
    until(lambda: not any(thread.is_alive() for thread in mine))
    heard = len(page.heard)
    project.label(first_ids(project, 1), "<mitotic>")
    time.sleep(0.3)
    assert len(page.heard) == heard


def test_handling_a_message_waits_for_nothing(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(project), "columns", lambda self, ids=None: time.sleep(0.5))
    start = time.perf_counter()
    page.post("open")
    assert time.perf_counter() - start < 0.05
    time.sleep(0.6)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it never came true")
