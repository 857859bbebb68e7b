"""What a saved notebook shows where no widget runs."""

from __future__ import annotations

import base64
import io
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
from piximi_widgets.widgets.labeler import fallback as fallback_module
from piximi_widgets.widgets.labeler.fallback import fallback_html

from .conftest import COUNT, first_ids, predict


class Sheet(HTMLParser):
    """The cells of a contact sheet as a reader without styles has them: their pictures and their words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tiles: list[dict[str, Any]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "td":
            self.tiles.append({"pictures": [], "words": "", "title": given["title"]})
        if tag == "img":
            data = base64.b64decode((given["src"] or "").removeprefix("data:image/png;base64,"))
            picture = Image.open(io.BytesIO(data)).convert("RGBA")
            if "td" in self.open:
                self.tiles[-1]["pictures"].append(picture)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if "td" in self.open:
            self.tiles[-1]["words"] += f" {data}"


def sheet_of(labeler: Labeler) -> Sheet:
    return Sheet(labeler._repr_mimebundle_()[0]["text/html"])  # type: ignore[index]


def bar_of(tile: dict[str, Any]) -> list[tuple[int, ...] | None]:
    """The colours along the bar, None where it has a gap."""
    bar = tile["pictures"][-1]
    pixels = [bar.getpixel((x, 0)) for x in range(bar.width)]
    return [pixel[:3] if pixel[3] else None for pixel in pixels]


def test_the_sheet_stands_beside_the_widget(project: Dataset, labeler: Labeler) -> None:
    project.label(first_ids(project, 2), "<mitotic>")
    data, _ = labeler._repr_mimebundle_()  # type: ignore[misc]
    assert "application/vnd.jupyter.widget-view+json" in data
    html = data["text/html"]
    assert "&lt;mitotic&gt;" in html
    assert "<mitotic>" not in html
    sheet = Sheet(html)
    assert len(sheet.tiles) == COUNT
    assert f"2 of {COUNT} labeled" in sheet.words
    assert "<mitotic>\xa02" in sheet.words
    assert f"unlabeled\xa0{COUNT - 2}" in sheet.words


def test_labels_and_predictions_are_told_by_colour_form_and_words(project: Dataset, labeler: Labeler) -> None:
    ids = first_ids(project, 6)
    project.label(ids[0], "<mitotic>")
    predict(project, ids)
    project.refuse_predictions(ids[2])
    project.exclude(ids[3])
    project.mark_unsure(ids[4])
    labeled, predicted, refused, excluded, unsure = sheet_of(labeler).tiles[:5]
    blue = (0x00, 0x72, 0xB2)
    assert set(bar_of(labeled)) == {blue}
    assert labeled["words"].split() == ["<mitotic>"]
    resting = tuple(bytes.fromhex(project.categories[1].color[1:]))
    assert set(bar_of(predicted)) == {resting, None}
    assert predicted["words"].split() == ["resting", "75%"]
    assert "predicted: resting" in predicted["title"]
    assert "resting" not in refused["words"]
    assert "excluded" in excluded["words"]
    assert set(bar_of(excluded)) == {(0x8A, 0x8F, 0x98), None}
    assert unsure["words"].split()[-1] == "?"
    assert "A dashed line: predicted" in sheet_of(labeler).words


def test_without_styles_nothing_is_lost_but_the_looks(project: Dataset, labeler: Labeler) -> None:
    predict(project, first_ids(project, 6))
    html = labeler._repr_mimebundle_()[0]["text/html"]  # type: ignore[index]
    bare = re.sub(r'\s(style|class)="[^"]*"', "", html)
    assert "style=" not in bare
    sheet, plain = Sheet(html), Sheet(bare)
    assert plain.words == sheet.words
    assert [tile["words"] for tile in plain.tiles] == [tile["words"] for tile in sheet.tiles]
    sizes = re.findall(r'<img alt="[^"]*" width="(\d+)" height="(\d+)"', bare)
    assert len(sizes) == bare.count("<img") > COUNT
    assert max(int(side) for size in sizes for side in size) == 72


def test_the_sheet_follows_filter_order_and_chosen_images(project: Dataset, labeler: Labeler) -> None:
    ids = first_ids(project, 5)
    predict(project, ids[:2], best=0.6)
    predict(project, ids[2:], best=0.9)
    labeler.show(ids, title="Some <of> them")
    labeler.filter = "confidence >= 0.5"
    labeler.order = "-confidence"
    sheet = sheet_of(labeler)
    shares = [tile["words"].split()[-1] for tile in sheet.tiles]
    assert shares == ["90%"] * 3 + ["60%"] * 2
    assert "Some <of> them" in sheet.words
    assert "confidence >= 0.5" in sheet.words
    labeler.filter = "confidence > 1"
    assert sheet_of(labeler).tiles == []
    assert "0 of 0 labeled" in sheet_of(labeler).words


def test_a_filter_that_no_longer_holds_does_not_keep_a_notebook_from_being_saved(project: Dataset) -> None:
    sheet = Sheet(fallback_html(project, None, "", "gone == 'x'", "name"))
    assert len(sheet.tiles) == COUNT
    assert "'gone', which is no column" in sheet.words


def test_pictures_of_patients_stay_where_they_are(project: Dataset, labeler: Labeler) -> None:
    project.thumbnails = False
    sheet = sheet_of(labeler)
    assert sheet.tiles == []
    assert f"0 of {COUNT} labeled" in sheet.words


def test_an_image_that_cannot_be_read_has_its_place(
    project: Dataset, labeler: Labeler, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_ids(project, 1)[0]
    draw = type(project).thumbnail

    def broken(self: Dataset, id: int, size: int = 96) -> bytes:
        if id == first:
            raise OSError('the file "<gone>" is not there')
        return draw(self, id, size)

    monkeypatch.setattr(type(project), "thumbnail", broken)
    tiles = sheet_of(labeler).tiles
    assert "no picture" in tiles[0]["words"]
    assert len(tiles) == COUNT


def test_the_sheet_stays_small(tmp_path: Path) -> None:
    with Dataset(tmp_path / "noise", mode="x") as project:
        project.add_images(np.random.default_rng(0).integers(0, 255, (80, 100, 100, 3)).astype(np.uint8))
        for number in range(200):
            project.add_category(f"{'&' * 90} {number}")
        html = fallback_html(project, None, "")
    assert len(html.encode()) <= 200_000
    assert re.search(r"The first \d+ of 80 images", html)
    assert "160 more categories" in html


def test_nobody_waits_long_for_slow_files(project: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback_module, "SECONDS", 0.1)
    draw = type(project).thumbnail
    monkeypatch.setattr(
        type(project), "thumbnail", lambda self, id, size=96: (time.sleep(0.05), draw(self, id, size))[1]
    )
    sheet = Sheet(fallback_html(project, None, ""))
    assert 0 < len(sheet.tiles) < COUNT
    assert f"The first {len(sheet.tiles)} of {COUNT} images." in sheet.words
