"""The widget in which a person labels images."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ...dataset import Dataset
from ...dataset.foundation import author_name
from ...dataset.query import LONGEST
from ...dataset.selection import existing
from ...errors import SelectionError
from ..outbox import Outbox
from ..routing import heard_while_cells_run
from .clauses import checked, to_query
from .conversation import Conversation
from .fallback import fallback_html
from .finding import kinds_of
from .ordering import checked_order
from .packing import pack_ids, rows_of
from .parsing import from_query

_STATIC = Path(__file__).parent / "static"


class Labeler(anywidget.AnyWidget):
    """A grid of a project's images to label by mouse and keyboard, with a viewer for single ones.

    Every edit is applied in the page at once and stored in the project before the page says so; the project's own
    methods, other labelers and other notebooks change what is shown here too. ``h`` in the page lists all keys.

    Parameters
    ----------
    project : Project or Dataset
        What to label. The labeler may be made again at any time; all truth is in the project.
    ids : int, sequence of int, or mask, optional
        Show these images only; see `show`.
    by : str, optional
        The author of the edits made in the page, by default the user's login name. Undo there takes back this
        author's edits, and the page's blind mode shows no labels but this author's.

    Attributes
    ----------
    selection : tuple of int
        Ids of the selected images; observable, and may be set. Images that the page does not show, because of
        `filter` or `show`, cannot be selected there.
    filter : str
        A query that says which images are shown, as for ``project.select``; ``""``, or None, for all. Observable, and
        may be set: the page shows its conditions one by one, those that it has no form for as text, and what a
        person chooses there is written here.
    order : str
        ``""`` as they were added, or the field to sort by: ``"name"``, ``"-confidence"`` for the highest first,
        ``"brightness"``, any column of the metadata; or ``"random:7"``, where 7 stands for any whole number. What has
        no value comes last. Observable, and may be set.

    Raises
    ------
    SelectionError
        When `filter` is no query over the project's columns, or `order` no field, or `selection` names an image
        that there is not; what was set before stays.

    Examples
    --------
    >>> labeler = Labeler(project, by="Ada")  # doctest: +SKIP
    >>> labeler.filter = "category.isna() and confidence < 0.6"  # doctest: +SKIP
    >>> labeler.order = "margin"  # doctest: +SKIP
    >>> labeler.observe(lambda change: ..., "selection")  # doctest: +SKIP
    """

    _esm = _STATIC / "labeler.js"
    _css = _STATIC / "labeler.css"

    # No `Any`, whose None passes by the validators.
    selection = traitlets.TraitType(())
    filter = traitlets.TraitType("")
    order = traitlets.TraitType("")

    project_uid = traitlets.Unicode("").tag(sync=True)
    _conversation: Conversation | None = None

    # The widget's own id, by which a page finds the connection of its model.
    _own_id = traitlets.Unicode("").tag(sync=True)
    _author = traitlets.Unicode("").tag(sync=True)
    # What the pages follow; `by` names the page that caused it, which knows it already.
    _selection = traitlets.Dict().tag(sync=True)
    _filter = traitlets.Dict().tag(sync=True)
    _order = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(self, project: Dataset, ids: Any = None, by: str | None = None) -> None:
        if not isinstance(project, Dataset):
            raise TypeError(
                f"A Labeler shows a Project, not {type(project).__name__}; open one with Project(folder)."
            )
        # Traits may be validated while the base class starts, which needs the project.
        self._project = project
        self._cause = _Cause()
        author = author_name(by)
        self._shown_ids = None if ids is None else existing(ids, project.columns().id)
        super().__init__(project_uid=project.uid, _author=author, _shown=_shown_state(self._shown_ids, ""))
        heard_while_cells_run(self)
        self._own_id = self.model_id or ""
        self._outbox = Outbox(self)
        self._conversation = Conversation(project, self._outbox, self, author)
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
        """Show some images only, in the order of `ids` unless `order` says another one.

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

    # -- what a page changes -----------------------------------------------------------------------

    def page_selected(self, client: str, ids: np.ndarray) -> None:
        """Take over a page's selection."""
        columns = self._project.columns()
        self._caused_by(client, "selection", tuple(columns.id[rows_of(columns, ids)].tolist()))

    def page_filtered(self, client: str, clauses: Any) -> None:
        """Take over a page's filter."""
        understood = checked(clauses)
        query = to_query(understood)
        if len(query) > LONGEST:
            raise SelectionError(
                "The filter names too many values. Choose fewer, or filter by a part of the text."
            )
        self._cause.clauses = understood
        self._caused_by(client, "filter", query)

    def page_ordered(self, client: str, order: str) -> None:
        """Take over a page's order."""
        self._caused_by(client, "order", order)

    def page_shows_all(self) -> None:
        """Take over that a page shows all images again."""
        self.show(None)

    def _caused_by(self, client: str, name: str, value: Any) -> None:
        self._cause.client, self._cause.trait = client, name
        try:
            self.set_trait(name, value)
        finally:
            self._cause.client = self._cause.trait = ""

    def _take_cause(self, trait: str) -> str:
        """The page that a change of this trait comes from. What observers change because of it is nobody's page."""
        client = self._cause.of(trait)
        self._cause.client = self._cause.trait = ""
        return client

    # -- the traits --------------------------------------------------------------------------------

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> tuple[int, ...]:
        if proposal["value"] is None:
            return ()
        return tuple(existing(proposal["value"], self._project.columns().id).tolist())

    @traitlets.observe("selection")
    def _follow_selection(self, change: Any) -> None:
        packed = pack_ids(np.array(change["new"], dtype=np.int64))
        self._outbox.set(_selection={"by": self._take_cause("selection"), "ids": packed})

    @traitlets.validate("filter")
    def _check_filter(self, proposal: Any) -> str:
        query = proposal["value"]
        if query is None:
            return ""
        if not isinstance(query, str):
            raise SelectionError(
                f'A filter is a query such as "category == \'mitotic\'" or "confidence < 0.6", and "" shows all'
                f" images; got {query!r:.80}."
            )
        # What a page sends it has found out itself, or asked for.
        if query.strip() and not self._cause.of("filter"):
            self._project.select(query)
        return query.strip()

    @traitlets.observe("filter")
    def _follow_filter(self, change: Any) -> None:
        client = self._take_cause("filter")
        clauses = self._cause.clauses if client else from_query(change["new"], kinds_of(self._project))
        self._outbox.set(_filter={"by": client, "clauses": clauses})

    @traitlets.validate("order")
    def _check_order(self, proposal: Any) -> str:
        return checked_order(proposal["value"], kinds_of(self._project))

    @traitlets.observe("order")
    def _follow_order(self, change: Any) -> None:
        self._outbox.set(_order={"by": self._take_cause("order"), "order": change["new"]})

    # -- below -------------------------------------------------------------------------------------

    def _hear(self, widget: Any, content: Any, buffers: Any) -> None:
        if self._conversation is not None:
            self._conversation.hear(content, buffers or [])

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        html = fallback_html(
            self._project, self._shown_ids, self._shown.get("title", ""), self.filter, self.order
        )
        return {**data, "text/html": html}, metadata


class _Cause(threading.local):
    """Which page a change of this thread comes from; ``""`` for none."""

    client = ""
    trait = ""
    clauses: list[dict[str, Any]] = []  # noqa: RUF012

    def of(self, trait: str) -> str:
        """The page that is changing this trait, ``""`` where it is not one."""
        return self.client if self.trait == trait else ""


def _shown_state(ids: np.ndarray | None, title: str) -> dict[str, Any]:
    return {"ids": None if ids is None else pack_ids(ids), "title": title}
