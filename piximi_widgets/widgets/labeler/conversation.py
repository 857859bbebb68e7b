"""What the labeler's page asks, and what it is told.

Requests are ``{id, kind, …}`` with buffers, answers ``{id, …}`` or ``{id, error}``. Messages may be lost, doubled and
late, and a notebook open in two tabs has two pages: each request may be answered twice without harm, and every
page hears every answer. Labels, pictures, searches and what reads all pixels have a thread each, so that none waits for
another; a page that asks again meanwhile hears ``{kind: progress, question, done, total}``.

===============  ===========================================  ==================================================
kind             request                                      answer
===============  ===========================================  ==================================================
``open``                                                      ``revision``, ``categories``, ``project``,
                                                              ``pictures``, ``predictions``, ``read_only``,
                                                              ``fields``; columns
``changes``      ``since``                                    a delta, or ``reload``
``operation``    ``client``, ``sequence``, ``action``,        ``kind: operation``, ``revision``, ``message``,
                 ``argument``, ``images``; ids                ``skipped``; or ``error`` and whether it is ``final``
``thumbnails``   ``size``; ids                                ``kind: thumbnails``, several times: ``ids``,
                                                              ``names``, ``failures``; PNGs
``cancel``       the ``id`` of a question for thumbnails,
                 pixels, a field or a query
``describe``     ``image``                                    ``description``
``selection``    ``client``; ids
``filter``       ``client``, ``clauses``
``order``        ``client``, ``order``
``show``         all images again
===============  ===========================================  ==================================================

`finding` and `viewing` list the others. Unasked, pages hear ``{kind: delta, from, to, categories, pictures,
predictions}`` with the columns of the images that changed, and ``{kind: reload}`` when they had better open again.
Where ``pictures`` is another text than before, pictures look different now: channels or contrast were changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ...dataset import Dataset
from ..outbox import Outbox
from .finding import SLOW_FIELDS, Finding
from .following import Following
from .operations import operate
from .packing import rows_of
from .questions import Answer, OpenQuestions, Question, sentence
from .thumbnails import ThumbnailPool
from .viewing import Viewing, listed
from .worker import Worker

LARGEST_THUMBNAIL = 1024

Handler = Callable[[Question], Answer | None]


class Listener(Protocol):
    """What the page changes on the Python side."""

    def page_selected(self, client: str, ids: np.ndarray) -> None: ...
    def page_filtered(self, client: str, clauses: Any) -> None: ...
    def page_ordered(self, client: str, order: str) -> None: ...
    def page_shows_all(self) -> None: ...


class Conversation:
    """Answers one labeler's pages, in threads of its own, through the labeler's outbox.

    Parameters
    ----------
    project : Dataset
    outbox : Outbox
    listener : Listener
    author : str
        Whose edits the pages' edits are.
    """

    def __init__(self, project: Dataset, outbox: Outbox, listener: Listener, author: str) -> None:
        self._project = project
        self._outbox = outbox
        self._listener = listener
        self._author = author
        self._following = Following(project, author)
        self._open_questions = OpenQuestions()
        self._pool = ThumbnailPool(project.thumbnail, self._name, outbox.send)
        self._viewing = Viewing(project, author)
        self._finding = Finding(project, self._tell_progress)
        self._labels = Worker("piximi-labeler")
        self._pictures = Worker("piximi-labeler-pictures")
        self._search = Worker("piximi-labeler-search")
        self._measuring = Worker("piximi-labeler-measuring")
        quick: dict[str, Handler] = {
            "open": self._following.open,
            "changes": self._following.changes,
            "operation": self._operation,
            "thumbnails": self._thumbnails,
            "describe": self._describe,
            "selection": self._selected,
            "filter": self._filtered,
            "order": self._ordered,
            "show": self._shows_all,
        }
        viewing, finding = self._viewing, self._finding
        pictures: dict[str, Handler] = {
            "image": viewing.image,
            "pixels": viewing.pixels,
            "display": viewing.display,
            "set_display": viewing.set_display,
        }
        search: dict[str, Handler] = {"field": finding.field, "query": finding.query}
        self._routes = {
            kind: (worker, handler, worker is not self._labels)
            for worker, handlers in (
                (self._labels, quick),
                (self._pictures, pictures),
                (self._search, search),
            )
            for kind, handler in handlers.items()
        }
        self._subscription = project.watch(lambda: self._labels.submit(self._tell_changes))

    def hear(self, content: Any, buffers: Sequence[Any]) -> None:
        """Take a message; nothing here waits for a disk."""
        if not isinstance(content, dict):
            return
        kind, id = content.get("kind"), str(content.get("id"))
        if kind == "cancel":
            self._pool.cancel(id)
            # And once more behind a question for thumbnails that has not begun.
            self._labels.submit(lambda: self._pool.cancel(id))
            self._open_questions.cancel(id)
        elif isinstance(kind, str) and kind in self._routes:
            worker, handler, takes_long = self._routes[kind]
            if kind == "field" and content.get("name") in SLOW_FIELDS:
                worker = self._measuring
            cancelled = self._open_questions.begin(id) if takes_long else threading.Event()
            if cancelled is None:
                # A page that hears nothing asks again, and in the end takes the kernel for dead.
                self._outbox.send(self._open_questions.progress(id))
                return
            # The buffers belong to the message; the copy outlives it.
            question = Question(id, content, [bytes(buffer) for buffer in buffers], cancelled)
            worker.submit(lambda: self._answer(handler, question, takes_long))

    def close(self) -> None:
        """Answer nothing more, and let the threads end."""
        self._subscription.close()
        self._open_questions.close()
        for worker in (self._labels, self._pictures, self._search, self._measuring):
            worker.close()
        self._pool.close()
        self._viewing.close()

    def _answer(self, handler: Handler, question: Question, takes_long: bool) -> None:
        answer: Answer | None
        try:
            answer = None if question.cancelled.is_set() else handler(question)
        except Exception as error:
            # The page shows the sentence where the user looks; a traceback would go to a log that nobody reads.
            answer = {"error": sentence(error)}, []
        if question.cancelled.is_set():
            answer = {"error": "Cancelled."}, []
        if takes_long:
            # Before the answer goes: from then on the same question is a new one.
            self._open_questions.end(question.id)
        if answer is not None:
            content, buffers = answer
            self._outbox.send({"id": question.id, **content}, buffers)

    # -- edits and tiles ---------------------------------------------------------------------------

    def _operation(self, question: Question) -> Answer:
        answer = operate(self._project, self._author, question)
        if "error" not in answer:
            # The change goes first: the page then knows that the acknowledged edit is part of what it was told.
            self._tell_changes()
        return answer, []

    def _thumbnails(self, question: Question) -> None:
        size = max(16, min(question.whole("size"), LARGEST_THUMBNAIL))
        self._pool.ask(question.id, question.ids().tolist(), size)

    def _describe(self, question: Question) -> Answer:
        described = self._project.describe(question.whole("image"))
        description = {
            "name": described.name,
            "height": described.height,
            "width": described.width,
            "channels": described.channels,
            "planes": described.planes,
            "pixel_size": listed(described.pixel_size),
        }
        return {"description": description}, []

    def _tell_progress(self, id: str, done: int, total: int) -> None:
        self._open_questions.note(id, done, total)
        self._outbox.send(self._open_questions.progress(id))

    def _tell_changes(self) -> None:
        """Tell the pages what is new, if any has opened yet."""
        news = self._following.news()
        if news is not None:
            self._outbox.send(*news)

    def _name(self, image_id: int) -> str:
        columns = self._project.columns()
        rows = rows_of(columns, np.array([image_id]))
        return columns.names[rows[0]] if len(rows) else ""

    # -- what the page shows -----------------------------------------------------------------------

    def _selected(self, question: Question) -> None:
        self._listener.page_selected(question.text("client"), question.ids())

    def _filtered(self, question: Question) -> None:
        self._listener.page_filtered(question.text("client"), question.content.get("clauses"))

    def _ordered(self, question: Question) -> None:
        self._listener.page_ordered(question.text("client"), question.text("order"))

    def _shows_all(self, question: Question) -> None:
        self._listener.page_shows_all()
