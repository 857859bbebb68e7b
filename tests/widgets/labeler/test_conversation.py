"""What a page asks about labels, and what it is told of changes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler.packing import pack_ids

from .conftest import AUTHOR, COUNT, PageOf, columns_of, first_ids, predict, until

EXCLUDED, UNSURE = 1, 2
HAND, ACCEPTED, IMPORTED, MINE = 1, 2, 3, 8


def test_a_page_opens_with_everything(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 5)
    project.label(ids[:2], "<mitotic>", by="Bob")
    project.exclude(ids[2])
    project.mark_unsure(ids[2:4])
    project.set_partition(ids[4], "test")
    predict(project, ids[3:])
    project.refuse_predictions(ids[3])
    project.set_category_key("resting", "R")
    content, buffers = page.ask("open")
    columns = columns_of(buffers)
    assert content["revision"] == project.revision
    assert content["predictions"] == "first"
    assert content["read_only"] is False
    assert content["project"] == "cells"
    assert {"name": "name", "kind": "text"} in content["fields"]
    assert {"name": "height", "kind": "number"} in content["fields"]
    assert {"name": "plate", "kind": "text"} in content["fields"]
    mitotic, resting = content["categories"]
    assert (mitotic["name"], mitotic["color"], mitotic["key"]) == ("<mitotic>", "#0072b2", "")
    assert (resting["name"], resting["key"]) == ("resting", "r")
    nothing = [0] * (COUNT - 5)
    assert columns["id"] == project.columns().id.tolist()
    assert columns["category"] == [mitotic["id"]] * 2 + [0] * 3 + nothing
    assert columns["partition"] == [0, 0, 0, 0, 3, *nothing]
    assert columns["flags"] == [0, 0, EXCLUDED + UNSURE, UNSURE, 0, *nothing]
    assert columns["origin"] == [HAND, HAND, 0, 0, 0, *nothing]
    assert columns["prediction"] == [0, 0, 0, resting["id"], resting["id"], *nothing]
    assert columns["refused"] == [0, 0, 0, resting["id"], 0, *nothing]
    assert columns["confidence"] == [0, 0, 0, 0.75, 0.75, *nothing]
    assert columns["fixed"] == [0, 0, 0, 0, 1, *nothing]


def test_origins_tell_whose_labels_they_are(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 4)
    predict(project, ids)
    page.ask("open")
    page.operate(1, "label", ids[:1], name="resting")
    page.operate(2, "accept_predictions", ids[1:2], experiment="first")
    project.label(ids[2], "resting", by="Bob")
    project.accept_predictions(ids[3], by="Bob")
    assert columns_of(page.ask("open")[1])["origin"][:4] == [HAND + MINE, ACCEPTED + MINE, HAND, ACCEPTED]
    page.operate(3, "label", ids[2:3], name="resting", confirm=True)
    assert columns_of(page.ask("open")[1])["origin"][:4] == [
        HAND + MINE,
        ACCEPTED + MINE,
        HAND + MINE,
        ACCEPTED,
    ]


def test_labels_that_came_with_the_images_are_imported(tmp_path: Path) -> None:
    with Dataset(tmp_path / "labeled", mode="x") as project:
        project.add_images(np.zeros((2, 4, 4), np.uint8), labels=["a", None], by=AUTHOR)
        labeler = Labeler(project, by=AUTHOR)
        assert columns_of(PageOf(labeler).ask("open")[1])["origin"] == [IMPORTED + MINE, 0]
        labeler.close()


def test_a_read_only_project_says_so_and_refuses_edits(project: Dataset, tmp_path: Path) -> None:
    with Dataset(tmp_path / "cells", mode="r") as copy:
        labeler = Labeler(copy, by=AUTHOR)
        page = PageOf(labeler)
        assert page.ask("open")[0]["read_only"] is True
        answer = page.operate(1, "label", first_ids(copy, 1), name="resting")
        assert answer["final"]
        assert "read-only" in answer["error"]
        assert "read-only" in page.refusal("set_display", channel=0, color="#ff0000")
        assert page.ask("display")[0]["display"]["read_only"] is True
        labeler.close()


def test_an_operation_is_applied_once_however_often_it_is_sent(project: Dataset, page: PageOf) -> None:
    page.ask("open")
    ids = first_ids(project, 4)
    first = page.operate(1, "label", ids, name="resting")
    revision = project.revision
    again = page.operate(1, "label", ids, name="resting")
    assert first["revision"] == again["revision"] == revision == project.revision
    assert (first["changed"], first["sequence"], first["client"]) == (4, 1, "page")
    assert project.table(["category"], ids)["category"].tolist() == ["resting"] * 4
    last = project.journal.iloc[-1]
    assert (last["source"], last["author"]) == ("labeler", AUTHOR)


def test_the_change_is_told_before_the_edit_is_acknowledged(project: Dataset, page: PageOf) -> None:
    page.ask("open")
    answer = page.operate(1, "label", first_ids(project, 2), name="resting")
    told = [content for content, _ in page.heard]
    delta = next(content for content in told if content.get("kind") == "delta")
    assert told.index(delta) < told.index(answer)
    assert delta["to"] >= answer["revision"]
    assert delta["categories"] is None
    columns = columns_of(page.wait(lambda said: said is delta)[1])
    assert columns["id"] == first_ids(project, 2)
    assert columns["origin"] == [HAND + MINE] * 2


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


def test_flags_keys_and_the_order_of_categories_are_edited(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 2)
    page.operate(1, "mark_unsure", ids)
    assert project.columns().unsure[:3].tolist() == [True, True, False]
    page.operate(2, "mark_sure", ids[:1])
    assert project.columns().unsure[:2].tolist() == [False, True]
    page.operate(3, "set_category_key", name="resting", key="x")
    page.operate(4, "reorder_categories", names=["resting", "<mitotic>"])
    assert [(each.name, each.key) for each in project.categories] == [("resting", "x"), ("<mitotic>", "")]
    page.operate(5, "set_category_key", name="resting", key="")
    assert project.categories[0].key == ""


def test_categories_are_merged_and_their_images_moved(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 3)
    page.operate(1, "label", ids[:1], name="<mitotic>")
    answer = page.operate(2, "remove_category", name="<mitotic>", move_to="resting")
    assert answer["changed"] == 1
    page.operate(3, "add_category", name="a", color="#123456")
    page.operate(4, "label", ids[1:], name="a")
    page.operate(5, "merge_categories", names=["a"], into="resting")
    assert [each.name for each in project.categories] == ["resting"]
    assert project.table(["category"], ids)["category"].tolist() == ["resting"] * 3


def test_predictions_are_accepted_over_labels_refused_and_taken_back(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 3)
    project.label(ids[0], "<mitotic>")
    predict(project, ids)
    answer = page.operate(1, "accept_predictions", ids[:2], experiment="first")
    assert answer["changed"] == 2
    assert project.table(["category"], ids[:2])["category"].tolist() == ["resting"] * 2
    page.operate(2, "undo")
    assert project.table(["category"], ids[0])["category"].tolist() == ["<mitotic>"]
    assert page.operate(3, "refuse_predictions", ids[2:], experiment="first")["changed"] == 1
    assert project.columns().refused[:3].astype(bool).tolist() == [False, False, True]


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


@pytest.mark.parametrize(
    "content",
    [
        {"client": "page", "sequence": 1, "action": ["label"]},
        {"client": "page", "sequence": -1, "action": "label"},
        {"client": 3, "sequence": 1, "action": "label"},
        {"client": "page", "sequence": 1, "action": "label", "argument": "resting"},
        {"client": "page", "sequence": 1, "action": "label", "images": True, "argument": {"name": "resting"}},
        {
            "client": "page",
            "sequence": 1,
            "action": "label",
            "images": False,
            "argument": {"name": "resting"},
        },
        {"client": "page", "sequence": 1, "action": "undo", "base": "newest"},
        {"client": "page", "sequence": 1, "action": "merge_categories", "argument": {"names": 3, "into": []}},
    ],
)
def test_edits_that_make_no_sense_change_nothing(
    project: Dataset, page: PageOf, content: dict[str, Any]
) -> None:
    revision = project.revision
    answer, _ = page.ask("operation", **content)
    assert answer["final"]
    assert (answer["kind"], answer["client"], answer["sequence"]) == (
        "operation",
        content["client"],
        content["sequence"],
    )
    assert project.revision == revision


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


def test_columns_of_equal_values_and_ids_without_a_gap_travel_short(project: Dataset, page: PageOf) -> None:
    count = len(project)
    _, buffers = page.ask("open")
    assert [len(buffer) for buffer in buffers] == [16, 4, 1, 1, 1, 4, 4, 4, 1]
    assert columns_of(buffers)["id"] == project.columns().id.tolist()
    project.remove_images(first_ids(project, 3)[1:2])
    project.label(first_ids(project, 1), "resting")
    _, buffers = page.ask("open")
    assert [len(buffer) for buffer in buffers[:2]] == [8 * (count - 1), 4 * (count - 1)]
    columns = columns_of(buffers)
    assert columns["id"] == project.columns().id.tolist()
    assert columns["category"] == project.columns().category_id.tolist()


def test_refusals_and_confirmations_are_changes_of_images(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 2)
    predict(project, ids)
    project.label(ids, "resting", by="Bob")
    since = page.ask("open")[0]["revision"]
    page.operate(1, "refuse_predictions", ids[:1], experiment=None)
    page.operate(2, "label", ids[1:], name="resting", confirm=True)
    content, buffers = page.ask("changes", since=since)
    columns = columns_of(buffers)
    assert columns["id"] == ids
    assert [bool(refused) for refused in columns["refused"]] == [True, False]
    assert columns["origin"] == [HAND, HAND + MINE]
    assert content["predictions"] == "first"


def test_when_much_is_new_the_page_is_told_to_open_again(project: Dataset, page: PageOf) -> None:
    since = page.ask("open")[0]["revision"]
    predict(project, first_ids(project, 2), "second")
    page.wait(lambda said: said.get("kind") == "reload")
    assert page.ask("open")[0]["predictions"] == "second"
    project.remove_images(first_ids(project, 1))
    assert page.ask("changes", since=since)[0]["reload"]
    assert len(columns_of(page.ask("open")[1])["id"]) == COUNT - 1


def test_a_change_of_the_contrast_is_told_without_images(project: Dataset, page: PageOf) -> None:
    opened = page.ask("open")[0]
    project.set_channel(0, window=(0, 100))
    content, buffers = page.wait(lambda said: said.get("kind") == "delta")
    assert content["pictures"] != opened["pictures"]
    assert columns_of(buffers)["id"] == []


def test_thumbnails_come_with_names_and_reasons(project: Dataset, page: PageOf) -> None:
    ids = [*first_ids(project, COUNT), 10_000]
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
    assert sorted(pictures) == ids[:-1]
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
    until(lambda: len(made) == 2)
    page.labeler._handle_custom_msg({"id": question, "kind": "cancel"}, [])
    gate.set()
    time.sleep(0.1)
    assert len(made) == 2
    assert not [said for said, _ in page.heard if said.get("kind") == "thumbnails"]


def test_an_image_is_described(project: Dataset, page: PageOf) -> None:
    description = page.ask("describe", image=first_ids(project, 2)[1])[0]["description"]
    assert description == {
        "name": project.columns().names[1],
        "height": 20,
        "width": 16,
        "channels": 1,
        "planes": 1,
        "pixel_size": None,
    }


def test_nonsense_from_a_page_is_answered_or_ignored(project: Dataset, page: PageOf) -> None:
    for message in (
        None,
        [],
        {"kind": "__class__"},
        {"kind": 3},
        {"kind": ["open"]},
        {"kind": "unheard"},
        {"kind": "cancel"},
    ):
        page.labeler._handle_custom_msg(message, [])
    for ids in (
        b"\0" * 9,
        np.array([np.nan]).tobytes(),
        np.array([1.5]).tobytes(),
        np.array([1e300]).tobytes(),
    ):
        assert "whole numbers" in page.refusal("thumbnails", [ids], size=96)
    assert "named no images" in page.refusal("thumbnails", size=96)
    assert "size" in page.refusal("thumbnails", [pack_ids(np.array([1]))], size="large")
    assert "10000" in page.refusal("describe", image=10_000)
    assert "image" in page.refusal("describe", image=[1])
    assert "since" in page.refusal("changes")
    assert "client" in page.refusal("selection", [pack_ids(np.array([1]))])
    assert "list" in page.refusal("filter", client="page", clauses={"category": "resting"})
    assert "sorted by" in page.refusal("order", client="page", order="colour")
    assert page.ask("open")[0]["revision"] == project.revision


def test_threads_end_with_the_work_and_with_the_widget(project: Dataset) -> None:
    before = set(threading.enumerate())
    labeler = Labeler(project)
    page = PageOf(labeler)
    page.ask("open")
    page.ask("pixels", image=first_ids(project, 1)[0], plane=0, channels=[0], region=[0, 0, 9, 9], step=1)
    page.ask("query", query="unsure")
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
    for name in ("columns", "pixels", "select"):
        monkeypatch.setattr(type(project), name, lambda self, *given: time.sleep(0.5))
    start = time.perf_counter()
    page.post("open")
    page.post("pixels", image=1, plane=0, channels=[0], region=[0, 0, 9, 9], step=1)
    page.post("query", query="unsure")
    assert time.perf_counter() - start < 0.3
    time.sleep(0.6)


@pytest.mark.parametrize("kind", ["pixels", "query"])
def test_a_slow_answer_delays_no_label(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    gate = threading.Event()
    read = type(project).pixels
    monkeypatch.setattr(type(project), "pixels", lambda self, id: (gate.wait(20), read(self, id))[1])
    monkeypatch.setattr(type(project), "select", lambda self, query: (gate.wait(20), self.columns().id)[1])
    image = first_ids(project, 1)[0]
    slow = {"image": image, "plane": 0, "channels": [0], "region": [0, 0, 9, 9], "step": 1, "query": "unsure"}
    question = page.post(kind, **slow)
    assert page.operate(1, "label", [image], name="resting")["changed"] == 1
    assert not [said for said, _ in page.heard if said.get("id") == question]
    gate.set()
    assert "error" not in page.answer(question)[0]
