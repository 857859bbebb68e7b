"""Orders: what is one, and how images stand in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import SelectionError
from piximi_widgets.widgets.labeler.ordering import checked_order, ordered

from .conftest import COUNT, first_ids, predict

ROOT = Path(__file__).parents[3]
NAMES = ["name", "confidence", "brightness", " odd ", "-minus"]


@pytest.mark.parametrize(
    ("order", "checked"),
    [
        (None, ""),
        ("", ""),
        ("  ", ""),
        (" name ", "name"),
        ("-confidence", "-confidence"),
        (" odd ", " odd "),
        ("--minus", "--minus"),
        ("random:0", "random:0"),
        ("random: 007", "random:7"),
        ("random:4294967295", "random:4294967295"),
    ],
)
def test_an_order_is_a_field_or_random(order: Any, checked: str) -> None:
    assert checked_order(order, NAMES) == checked


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("confidense", "did you mean 'confidence'"),
        ("-brightnes", "did you mean 'brightness'"),
        ("q", "there are name, confidence"),
        ("random", 'as in "random:7"'),
        ("random:", "whole number"),
        ("random:x", "whole number"),
        ("random:-1", "whole number"),
        ("random:1.5", "whole number"),
        ("random:4294967296", "4294967295"),
        ("random:" + "9" * 5000, "whole number"),
        ("random:²", "whole number"),
        (7, "is a text"),
        (["name"], "is a text"),
    ],
)
def test_what_is_no_order_is_refused_in_words(order: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        checked_order(order, NAMES)


def rows_of(project: Dataset, order: str) -> list[int]:
    return ordered(project, project.columns(), np.arange(COUNT), order).tolist()


def test_what_has_no_value_comes_last_either_way(project: Dataset) -> None:
    ids = first_ids(project, 4)
    project.label(ids[2], "resting")
    project.label(ids[1], "<mitotic>")
    rest = [0, *range(3, COUNT)]
    assert rows_of(project, "category") == [1, 2, *rest]
    assert rows_of(project, "-category") == [2, 1, *rest]
    predict(project, ids[:1], best=0.6)
    project.store_predictions("first", ["<mitotic>", "resting"], ids[3:], np.array([[0.9, 0.1]], np.float32))
    without = [1, 2, *range(4, COUNT)]
    assert rows_of(project, "confidence") == [0, 3, *without]
    assert rows_of(project, "-confidence") == [3, 0, *without]
    assert rows_of(project, "prediction") == [3, 0, *without]
    assert rows_of(project, "margin") == [0, 3, *without]


def test_texts_are_in_their_natural_order_and_ties_as_they_were(project: Dataset) -> None:
    plates = [number % 12 for number in range(COUNT)]
    assert rows_of(project, "plate") == sorted(range(COUNT), key=lambda row: plates[row])
    assert rows_of(project, "-plate") == sorted(range(COUNT), key=lambda row: -plates[row])
    project.set_partition(first_ids(project, 2), "test")
    assert rows_of(project, "-partition")[:2] == [0, 1]
    assert rows_of(project, "height") == list(range(COUNT))


def test_a_seed_gives_one_order_and_another_seed_another(project: Dataset) -> None:
    first = rows_of(project, "random:1")
    assert sorted(first) == list(range(COUNT))
    assert first == rows_of(project, "random:1") != rows_of(project, "random:2")
    some = ordered(project, project.columns(), np.arange(10), "random:1").tolist()
    assert some == [row for row in first if row < 10]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_the_page_shuffles_alike(project: Dataset, seed: int) -> None:
    module = ROOT / "piximi_widgets" / "widgets" / "labeler" / "js" / "state" / "order.js"
    ids = [*range(1, 40), 2**33 + 5]
    script = (
        f"import {{ shuffled }} from {json.dumps(module.as_uri())};"
        f"const ids = Float64Array.from({json.dumps(ids)});"
        f"console.log(JSON.stringify([...shuffled(Uint32Array.from(ids.keys()), ids, {seed})]));"
    )
    command = ["node", "--input-type=module", "-e", script]
    page = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)

    class Some:
        id = np.array(ids)

    here = ordered(project, Some(), np.arange(len(ids)), f"random:{seed}")  # type: ignore[arg-type]
    assert here.tolist() == page
