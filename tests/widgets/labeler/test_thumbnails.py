"""The pool that makes thumbnails beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from piximi_widgets.widgets.labeler.thumbnails import ThumbnailPool

from .conftest import until


def test_names_that_cannot_be_read_cost_no_picture() -> None:
    """And the threads live on."""
    heard: list[dict[str, Any]] = []

    def name(image: int) -> str:
        raise OSError("database is locked")

    def send(content: dict[str, Any], pictures: Sequence[bytes]) -> None:
        heard.append(content)

    pool = ThumbnailPool(lambda image, size: b"png", name, send)
    for question in range(4):
        pool.ask(str(question), [1, 2, 3], 96)
    until(lambda: sum(len(each["ids"]) for each in heard) == 12)
    assert all(each["names"] == {} for each in heard)
    pool.close()


def test_a_page_that_has_moved_on_gets_no_more_pictures() -> None:
    made: list[int] = []
    go = threading.Event()

    def thumbnail(image: int, size: int) -> bytes:
        go.wait(5)
        made.append(image)
        return b"png"

    pool = ThumbnailPool(thumbnail, str, lambda content, pictures: None)
    pool.ask("first", list(range(50)), 96)
    pool.cancel("first")
    go.set()
    pool.ask("second", [99], 96)
    until(lambda: 99 in made)
    assert len(made) <= 3
    pool.close()
