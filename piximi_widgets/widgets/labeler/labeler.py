"""The widget in which a person labels images."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ...dataset import Dataset
from ...dataset.records import PARTITIONS
from ...dataset.selection import existing
from ...errors import CategoryError, SelectionError
from ..outbox import Outbox
from .conversation import Conversation
from .fallback import fallback_html
from .packing import pack_ids, rows_of

_STATIC = Path(__file__).parent / "static"


class Labeler(anywidget.AnyWidget):
    """A grid of a project's images to label by mouse and keyboard.

    Every edit is applied in the page at once and stored in the project before the page says so; the project's own
    methods, other labelers and other notebooks change what is shown here too. The ``?`` key lists all others.

    Parameters
    ----------
    project : Project or Dataset
        What to label. The labeler may be made again at any time; all truth is in the project.
    ids : int, sequence of int, or mask, optional
        Show these images only; see `show`.

    Attributes
    ----------
    selection : tuple of int
        Ids of the selected images; observable, and may be set. Images that the page does not show, because of
        `filter` or `show`, cannot be selected there.
    filter : dict
        Which images are shown: ``{"category": "mitotic"}``, ``{"category": None}`` for unlabeled,
        ``{"partition": "validation"}``, both, or ``{}`` for all; observable, and may be set.

    Examples
    --------
    >>> labeler = Labeler(project)  # doctest: +SKIP
    >>> labeler.filter = {"category": None}  # doctest: +SKIP
    >>> labeler.observe(lambda change: ..., "selection")  # doctest: +SKIP
    """

    _esm = _STATIC / "labeler.js"
    _css = _STATIC / "labeler.css"

    selection = traitlets.Any(())
    filter = traitlets.Any({})

    project_uid = traitlets.Unicode("").tag(sync=True)
    _conversation: Conversation | None = None

    # The widget's own id, by which a page finds the connection of its model.
    _own_id = traitlets.Unicode("").tag(sync=True)
    # What the pages follow; `by` names the page that caused it, which knows it already.
    _selection = traitlets.Dict().tag(sync=True)
    _filter = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, project: Dataset, ids: Any = None) -> None:
        if not isinstance(project, Dataset):
            raise TypeError(
                f"A Labeler shows a Project, not {type(project).__name__}; open one with Project(folder)."
            )
        # Traits may be validated while the base class starts, which needs the project.
        self._project = project
        self._cause = threading.local()
        self._shown_ids = None if ids is None else existing(ids, project.columns().id)
        super().__init__(project_uid=project.uid, _shown=_shown_state(self._shown_ids, ""))
        self._own_id = self.model_id or ""
        self._outbox = Outbox(self)
        self._conversation = Conversation(project, self._outbox, self)
        self.on_msg(self._hear)

    @property
    def project(self) -> Dataset:
        """The project that is labeled."""
        return self._project

    @property
    def shown(self) -> tuple[int, ...] | None:
        """Ids of the images that `show` has chosen; None for all."""
        return None if self._shown_ids is None else tuple(self._shown_ids.tolist())

    def show(self, ids: Any, title: str | None = None) -> None:
        """Show some images only, in the order of `ids`.

        Parameters
        ----------
        ids : int, sequence of int, mask, or None
            None shows all images again, as the page's "Show all" does.
        title : str, optional
            Stands above the images and says what they are.

        Raises
        ------
        SelectionError
            If an id is not in the project.
        """
        self._shown_ids = None if ids is None else existing(ids, self._project.columns().id)
        self._outbox.set(_shown=_shown_state(self._shown_ids, title or ""))

    def close(self) -> None:
        """End the widget, its subscription and its threads; the project stays open."""
        # ipywidgets also closes a widget whose construction has failed.
        if self._conversation is not None:
            self._conversation.close()
            self._outbox.close()
        super().close()

    def page_selected(self, client: str, ids: np.ndarray) -> None:
        """Take over a page's selection."""
        columns = self._project.columns()
        self._caused_by(client, selection=tuple(columns.id[rows_of(columns, ids)].tolist()))

    def page_filtered(self, client: str, named: dict[str, str | None]) -> None:
        """Take over a page's filter."""
        self._caused_by(client, filter=named)

    def page_shows_all(self) -> None:
        """Take over that a page shows all images again."""
        self.show(None)

    def _caused_by(self, client: str, **traits: Any) -> None:
        self._cause.client = client
        try:
            self.set_trait(*next(iter(traits.items())))
        finally:
            self._cause.client = ""

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> tuple[int, ...]:
        if proposal["value"] is None:
            return ()
        return tuple(existing(proposal["value"], self._project.columns().id).tolist())

    @traitlets.observe("selection")
    def _follow_selection(self, change: Any) -> None:
        packed = pack_ids(np.array(change["new"], dtype=np.int64))
        self._outbox.set(_selection={"by": getattr(self._cause, "client", ""), "ids": packed})

    @traitlets.validate("filter")
    def _check_filter(self, proposal: Any) -> dict[str, str | None]:
        value = dict(proposal["value"] or {})
        unknown = sorted(set(value) - {"category", "partition"})
        if unknown:
            raise SelectionError(
                f"A labeler filters by 'category' and 'partition', not by {', '.join(map(repr, unknown))}."
            )
        names = [category.name for category in self._project.category_table()]
        if value.get("category") is not None and value["category"] not in names:
            raise CategoryError(
                f"There is no category {value['category']!r}; there are {', '.join(names) or 'none yet'}."
            )
        if "partition" in value and value["partition"] not in PARTITIONS:
            raise SelectionError(
                f"There is no partition {value['partition']!r}; there are {', '.join(PARTITIONS)}."
            )
        return value

    @traitlets.observe("filter")
    def _follow_filter(self, change: Any) -> None:
        self._outbox.set(_filter={"by": getattr(self._cause, "client", ""), "filter": change["new"]})

    def _hear(self, widget: Any, content: Any, buffers: Any) -> None:
        if self._conversation is not None:
            self._conversation.hear(content, buffers or [])

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        html = fallback_html(self._project, self._shown_ids, self._shown.get("title", ""))
        return {**data, "text/html": html}, metadata


def _shown_state(ids: np.ndarray | None, title: str) -> dict[str, Any]:
    return {"ids": None if ids is None else pack_ids(ids), "title": title}
