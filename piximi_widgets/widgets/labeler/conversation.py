"""What the labeler's page asks, and what it is told.

Requests are ``{id, kind, …}`` with buffers, answers ``{id, …}`` or ``{id, error}``. Messages may be lost, doubled and
late, and a notebook open in two tabs has two pages: each request may be answered twice without harm, and every
page hears every answer.

===============  ===========================================  ==================================================
kind             request                                      answer
===============  ===========================================  ==================================================
``open``                                                      ``revision``, ``categories``, ``project``,
                                                              ``pictures``; columns
``changes``      ``since``                                    a delta, or ``reload``
``operation``    ``client``, ``sequence``, ``action``,        ``kind: operation``, ``revision``, ``message``,
                 ``argument``, ``images``; ids                ``skipped``; or ``error`` and whether it is ``final``
``thumbnails``   ``size``; ids                                ``kind: thumbnails``, several times: ``ids``,
                                                              ``names``, ``failures``; PNGs
``cancel``       the ``id`` of a question for thumbnails
``describe``     ``image``                                    ``description``
``selection``    ``client``; ids
``filter``       ``client``, ``filter``
``show``         all images again
===============  ===========================================  ==================================================

Unasked, pages hear ``{kind: delta, from, to, categories, pictures}`` with the columns of the images that changed, and
``{kind: reload}`` when they had better open again. Where ``pictures`` is another text than before, pictures look
different now: channels or contrast were changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ...dataset import Dataset
from ...errors import PiximiError
from ..outbox import Outbox
from .packing import pack_categories, pack_columns, rows_of, unpack_ids
from .thumbnails import ThumbnailPool
from .worker import Worker

LARGEST_THUMBNAIL = 384

# What a page may ask for, and its arguments in the dataset's words.
ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "label": lambda given: {"category": given.get("name")},
    "unlabel": lambda given: None,
    "exclude": lambda given: None,
    "include": lambda given: None,
    "undo": lambda given: None,
    "redo": lambda given: None,
    "add_category": lambda given: {"name": given.get("name"), "color": given.get("color")},
    "rename_category": lambda given: {"old": given.get("name"), "new": given.get("new")},
    "recolor_category": lambda given: {"name": given.get("name"), "color": given.get("color")},
    "remove_category": lambda given: {"name": given.get("name")},
}

# Errors that trying again does not mend; all others, such as a full disk, leave the edit waiting in the page.
FINAL = (PiximiError, ValueError, TypeError, KeyError)


class Listener(Protocol):
    """What the page changes on the Python side."""

    def page_selected(self, client: str, ids: np.ndarray) -> None: ...
    def page_filtered(self, client: str, named: dict[str, str | None]) -> None: ...
    def page_shows_all(self) -> None: ...


class Conversation:
    """Answers one labeler's pages, in threads of its own, through the labeler's outbox."""

    def __init__(self, project: Dataset, outbox: Outbox, listener: Listener) -> None:
        self._project = project
        self._outbox = outbox
        self._listener = listener
        self._worker = Worker("piximi-labeler")
        self._pool = ThumbnailPool(project.thumbnail, self._name, outbox.send)
        self._told: int | None = None
        self._subscription = project.watch(self._notice)

    def hear(self, content: Any, buffers: Sequence[Any]) -> None:
        """Take a message; nothing here waits for a disk."""
        if not isinstance(content, dict):
            return
        kind = content.get("kind")
        if kind == "cancel":
            self._pool.cancel(str(content.get("id")))
            return
        # The buffers belong to the message; the copy outlives it.
        copies = [bytes(buffer) for buffer in buffers]
        handler = getattr(self, f"_on_{kind}", None) if isinstance(kind, str) else None
        if handler is not None:
            self._worker.submit(lambda: self._answer(handler, content, copies))

    def close(self) -> None:
        """Answer nothing more, and let the threads end."""
        self._subscription.close()
        self._worker.close()
        self._pool.close()

    def _answer(self, handler: Callable[..., None], content: dict[str, Any], buffers: list[bytes]) -> None:
        try:
            handler(content, buffers)
        except Exception as error:
            # The page shows the sentence where the user looks; a traceback would go to a log that nobody reads.
            self._outbox.send({"id": content.get("id"), "error": _sentence(error)})

    def _on_open(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        columns = self._project.columns()
        if self._told is None:
            self._told = columns.revision
        answer = {
            "id": content["id"],
            "revision": columns.revision,
            "categories": pack_categories(self._project.category_table()),
            "project": self._project.name,
            "pictures": self._project.picture_version,
        }
        self._outbox.send(answer, pack_columns(columns))

    def _on_changes(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        delta, columns = self._delta(int(content["since"]))
        self._outbox.send({"id": content["id"], **delta}, columns)

    def _on_operation(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        client, sequence = str(content["client"]), int(content["sequence"])
        answer = {"id": content["id"], "kind": "operation", "client": client, "sequence": sequence}
        try:
            action = str(content["action"])
            if action not in ACTIONS:
                raise ValueError(
                    f"The page asked for {action!r}, which this version does not know. Reload the page."
                )
            result = self._project.apply(
                action,
                ids=unpack_ids(buffers[0]) if content.get("images") else None,
                argument=ACTIONS[action](dict(content.get("argument") or {})),
                source="labeler",
                client=(client, sequence),
                base=int(content["base"]) if content.get("base") is not None else None,
            )
        except Exception as error:
            # Known to the page by the operation's number, so that it can take back what it showed.
            self._outbox.send({**answer, "error": _sentence(error), "final": isinstance(error, FINAL)})
            return
        # The change goes first: the page then knows that the acknowledged edit is part of what it was told.
        self._tell_changes()
        outcome = {"revision": result.revision, "message": result.message}
        self._outbox.send(
            {**answer, **outcome, "changed": len(result.changed), "skipped": len(result.skipped)}
        )

    def _on_thumbnails(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        size = max(16, min(int(content["size"]), LARGEST_THUMBNAIL))
        self._pool.ask(str(content["id"]), unpack_ids(buffers[0]).tolist(), size)

    def _on_describe(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        image_id = int(content["image"])
        # Not the table of images: it needs pandas, and is made anew after each label.
        height, width, channels = map(int, self._project.shapes(image_id)[0])
        description = {"name": self._name(image_id), "height": height, "width": width, "channels": channels}
        self._outbox.send({"id": content["id"], "description": description})

    def _on_selection(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self._listener.page_selected(str(content["client"]), unpack_ids(buffers[0]))

    def _on_filter(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self._listener.page_filtered(str(content["client"]), dict(content["filter"]))

    def _on_show(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self._listener.page_shows_all()

    def _notice(self) -> None:
        self._worker.submit(self._tell_changes)

    def _tell_changes(self) -> None:
        """Tell the pages what is new since they were last told, if any has opened yet."""
        if self._told is None:
            return
        delta, columns = self._delta(self._told)
        if delta["to"] == self._told:
            return
        self._told = delta["to"]
        self._outbox.send({"kind": "reload" if delta.get("reload") else "delta", **delta}, columns)

    def _delta(self, since: int) -> tuple[dict[str, Any], list[bytes]]:
        changes = self._project.changes_since(since)
        columns = self._project.columns()
        if changes.image_ids is None:
            return {"reload": True, "to": changes.revision}, []
        rows = rows_of(columns, changes.image_ids)
        if len(rows) < len(changes.image_ids):
            # Images were removed. Added ones are part of the delta, and a page that does not know them opens again.
            return {"reload": True, "to": changes.revision}, []
        categories = pack_categories(self._project.category_table()) if changes.categories else None
        delta = {"from": since, "to": changes.revision, "categories": categories}
        return {**delta, "pictures": self._project.picture_version}, pack_columns(columns, rows)

    def _name(self, image_id: int) -> str:
        columns = self._project.columns()
        rows = rows_of(columns, np.array([image_id]))
        return columns.names[rows[0]] if len(rows) else ""


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, PiximiError) else f"{type(error).__name__}: {error}"
