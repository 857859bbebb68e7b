"""A page that talks with a labeler of a real project, over messages as ipywidgets gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler.packing import pack_ids

COUNT = 30
AUTHOR = "Ada"


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
        return str(content.get("id", question))

    def ask(
        self, kind: str, buffers: Sequence[bytes] = (), **content: Any
    ) -> tuple[dict[str, Any], list[bytes]]:
        question = self.post(kind, buffers, **content)
        return self.answer(question)

    def answer(self, question: str) -> tuple[dict[str, Any], list[bytes]]:
        return self.wait(lambda said: said.get("id") == question)

    def refusal(self, kind: str, buffers: Sequence[bytes] = (), **content: Any) -> str:
        """The sentence with which a question is refused, which is no exception's name."""
        answer, _ = self.ask(kind, buffers, **content)
        assert set(answer) == {"id", "error"}, answer
        assert "Error:" not in answer["error"], answer
        return str(answer["error"])

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], list[bytes]]:
        for _ in range(2000):
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
        "flags": "u1",
        "origin": "u1",
        "prediction": "<i4",
        "refused": "<i4",
        "confidence": "<f4",
        "fixed": "u1",
    }
    columns = {
        name: np.frombuffer(buffer, kind).tolist()
        for (name, kind), buffer in zip(kinds.items(), buffers, strict=True)
    }
    ids = columns["id"]
    if len(ids) == 2 and ids[1] < 0:
        columns["id"] = [ids[0] + step for step in range(-int(ids[1]))]
    count = len(columns["id"])
    return {name: values * count if len(values) == 1 else values for name, values in columns.items()}


def first_ids(project: Dataset, count: int) -> list[int]:
    return project.columns().id[:count].tolist()


def predict(project: Dataset, ids: list[int], experiment: str = "first", best: float = 0.75) -> None:
    """Let an experiment say of these images that they are resting."""
    rows = np.tile(np.array([1 - best, best], np.float32), (len(ids), 1))
    project.store_predictions(experiment, ["<mitotic>", "resting"], ids, rows)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it never came true")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Dataset]:
    """Thirty images of 20 x 16 in 16 bits, and the categories <mitotic> and resting."""
    project = Dataset(tmp_path / "cells", mode="x")
    pixels = np.random.default_rng(0).integers(0, 4000, (COUNT, 20, 16)).astype(np.uint16)
    project.add_images(pixels, metadata={"plate": [f"P{number % 12}" for number in range(COUNT)]})
    project.add_category("<mitotic>", "#0072b2")
    project.add_category("resting")
    yield project
    project.close()


@pytest.fixture
def labeler(project: Dataset) -> Iterator[Labeler]:
    labeler = Labeler(project, by=AUTHOR)
    yield labeler
    labeler.close()


@pytest.fixture
def page(labeler: Labeler) -> PageOf:
    return PageOf(labeler)
