"""Fields to filter and sort by, and queries, as a page asks for them."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler.natural import coded, natural_key
from piximi_widgets.widgets.labeler.packing import unpack_ids

from .conftest import AUTHOR, COUNT, PageOf, first_ids, predict, until


def texts(buffers: list[bytes]) -> list[str | None]:
    values = json.loads(buffers[2])
    return [None if code < 0 else values[code] for code in np.frombuffer(buffers[1], "<i4")]


def numbers(buffers: list[bytes]) -> list[float]:
    return np.frombuffer(buffers[1], "<f8").tolist()


def test_texts_come_as_codes_that_sort(project: Dataset, page: PageOf) -> None:
    content, buffers = page.ask("field", name="plate")
    assert (content["name"], content["kind"]) == ("plate", "text")
    assert unpack_ids(buffers[0]).tolist() == project.columns().id.tolist()
    assert texts(buffers) == [f"P{number % 12}" for number in range(COUNT)]
    assert json.loads(buffers[2]) == [f"P{number}" for number in range(12)]


def test_numbers_come_as_they_are(project: Dataset, page: PageOf) -> None:
    content, buffers = page.ask("field", name="height")
    assert content["kind"] == "number"
    assert numbers(buffers) == [20] * COUNT
    assert all(
        time.time() - 60 < added <= time.time() + 1 for added in numbers(page.ask("field", name="added")[1])
    )


def test_what_has_no_value_is_told_apart(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 2)
    project.label(ids[0], "resting", by=AUTHOR)
    predict(project, ids[1:])
    assert texts(page.ask("field", name="labeled_by")[1]) == [AUTHOR] + [None] * (COUNT - 1)
    margin = numbers(page.ask("field", name="margin")[1])
    assert margin[1] == pytest.approx(0.5)
    assert np.isnan(margin).sum() == COUNT - 1


def test_every_field_that_is_offered_has_values(page: PageOf) -> None:
    for field in page.ask("open")[0]["fields"]:
        content, buffers = page.ask("field", name=field["name"])
        assert content["kind"] == field["kind"]
        assert len(texts(buffers) if field["kind"] == "text" else numbers(buffers)) == COUNT


@pytest.mark.parametrize("name", ["colour", "", None, 3, "__class__", "name'; DROP TABLE image"])
def test_fields_that_there_are_not_are_refused_in_words(page: PageOf, name: Any) -> None:
    assert page.refusal("field", name=name)
    assert "error" not in page.ask("field", name="name")[0]


def test_the_brightness_of_many_images_is_waited_for_in_sight(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piximi_widgets.widgets.labeler.finding._PROGRESS_INTERVAL", 0.0)
    question = page.post("field", name="brightness")
    _, buffers = page.answer(question)
    means = [project.pixels(image).mean() for image in first_ids(project, COUNT)]
    np.testing.assert_allclose(numbers(buffers), means, rtol=1e-6)
    told = [said for said, _ in page.heard if said.get("kind") == "progress"]
    assert told
    assert {said["question"] for said in told} == {question}
    assert all(0 <= said["done"] <= said["total"] == COUNT for said in told)


def test_a_field_that_nobody_waits_for_is_given_up(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    found = type(project).field_values

    def slow(self: Dataset, name: str, **options: Any) -> Any:
        gate.set()
        options["cancel"].wait(20)
        return found(self, name, **options)

    monkeypatch.setattr(type(project), "field_values", slow)
    question = page.post("field", name="brightness")
    gate.wait(20)
    page.labeler._handle_custom_msg({"kind": "cancel", "id": question}, [])
    assert page.answer(question)[0] == {"id": question, "error": "Cancelled."}


def test_measuring_delays_no_other_search(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    found = type(project).field_values

    def slow(self: Dataset, name: str, **options: Any) -> Any:
        if name == "brightness":
            options["progress"](3, COUNT)
            gate.wait(20)
        return found(self, name, **options)

    monkeypatch.setattr("piximi_widgets.widgets.labeler.finding._PROGRESS_INTERVAL", 0.0)
    monkeypatch.setattr(type(project), "field_values", slow)
    question = page.post("field", name="brightness", id="page:bright")
    assert numbers(page.ask("field", name="height")[1]) == [20] * COUNT
    page.post("field", name="brightness", id="page:bright")
    working = {"kind": "progress", "question": question, "done": 3, "total": COUNT}
    until(lambda: [said for said, _ in page.heard].count(working) == 2)
    gate.set()
    assert len(numbers(page.answer(question)[1])) == COUNT


def test_images_that_come_meanwhile_are_part_of_the_answer(
    project: Dataset, page: PageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = type(project).field_values
    added: list[int] = []

    def adding(self: Dataset, name: str, **options: Any) -> Any:
        values = found(self, name, **options)
        if not added:
            added.extend(self.add_images(np.zeros((1, 5, 5), np.uint8)).added)
        return values

    monkeypatch.setattr(type(project), "field_values", adding)
    _, buffers = page.ask("field", name="height")
    assert unpack_ids(buffers[0]).tolist() == project.columns().id.tolist()
    assert numbers(buffers) == [20] * COUNT + [5]


# -- queries ---------------------------------------------------------------------------------------


def test_a_query_names_images(project: Dataset, page: PageOf) -> None:
    ids = first_ids(project, 3)
    project.label(ids, "resting")
    _, buffers = page.ask("query", query="category == 'resting' and plate != 'P1'")
    assert unpack_ids(buffers[0]).tolist() == [ids[0], ids[2]]


@pytest.mark.parametrize(
    "query",
    [
        None,
        7,
        "",
        "category ==",
        "colour == 'red'",
        "__import__('os').system('true')",
        "@project.close()",
        "name.str.cat()",
        "height",
        "(" * 1500,
        "'a' * 10 ** 9",
        "a" * 5000,
        "name == '\0'\0",
    ],
)
def test_queries_that_make_no_sense_break_nothing(project: Dataset, page: PageOf, query: Any) -> None:
    assert page.refusal("query", query=query)
    assert unpack_ids(page.ask("query", query="not unsure")[1][0]).tolist() == project.columns().id.tolist()


# -- natural order ---------------------------------------------------------------------------------


def test_numbers_in_texts_count_and_capitals_do_not() -> None:
    names = ["img10", "IMG2", "img2", "img1", "img", "2", "10", "1b", "1A", "007", "7"]
    ordered = ["1A", "1b", "2", "007", "7", "10", "img", "img1", "IMG2", "img2", "img10"]
    assert coded(names)[1] == ordered


@given(st.lists(st.none() | st.text(max_size=6) | st.from_regex(r"[a-bA-B]{0,2}[0-9]{0,3}", fullmatch=True)))
def test_codes_stand_for_their_texts_and_sort_as_they_do(values: list[str | None]) -> None:
    codes, different = coded(values)
    assert [None if code < 0 else different[code] for code in codes] == values
    keys = [natural_key(text) for text in different]
    assert keys == sorted(keys)


def test_digits_without_end_are_no_trouble() -> None:
    assert natural_key("9" * 10_000) < natural_key("1" + "0" * 10_000)


def test_a_field_of_many_images_is_packed_quickly() -> None:
    start = time.perf_counter()
    codes, different = coded(f"image {number % 50_000}.tif" for number in range(100_000))
    assert time.perf_counter() - start < 3
    assert different[:3] == ["image 0.tif", "image 1.tif", "image 2.tif"]
    assert codes[50_002] == 2
