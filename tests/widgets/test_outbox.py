"""The one thread that writes to a widget."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any

from piximi_widgets.widgets.outbox import Outbox


class Page:
    """Stands for a widget; refuses what is called bad."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.done = threading.Event()

    def send(self, content: Any, buffers: Any = None) -> None:
        if content == "bad":
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "half a character")
        self.heard.append(content)

    def hold_sync(self) -> Any:
        return nullcontext()

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "trait":
            self.done.set()


def test_a_message_that_cannot_be_sent_takes_no_other_with_it() -> None:
    page = Page()
    outbox = Outbox(page)
    for content in ("one", "bad", "two"):
        outbox.send(content)  # type: ignore[arg-type]
    outbox.set(trait=7)
    assert page.done.wait(5)
    assert page.heard == ["one", "two"]
    outbox.close()
