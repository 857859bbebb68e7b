"""Categories and labels of a dataset, and their journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import PiximiError, SelectionError
from .. import frames
from ..outcome import Outcome, counted
from ..reading import Reading
from ..records import Category, LabelOrigins, LabelReport, OperationResult
from ..sql import categories as category_sql
from ..sql import crops as crop_sql
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from . import editing, label_files
from .categories import listed
from .edit import Edit, label_each

if TYPE_CHECKING:
    import pandas as pd


class Labeling(Reading):
    """What people say about images. Each method is one operation in the journal."""

    def apply(
        self,
        action: str,
        *,
        ids: Any = None,
        argument: Any = None,
        by: str | None = None,
        source: str = "api",
        client: tuple[str, int] | None = None,
        base: int | None = None,
    ) -> OperationResult:
        """Do one operation by the name of its action.

        Parameters
        ----------
        action : str
            ``label``, ``unlabel``, ``exclude``, ``include``, ``mark_unsure``, ``mark_sure``, ``set_note``,
            ``remove_images``, ``accept_predictions``, ``refuse_predictions``, ``add_category``, ``rename_category``,
            ``recolor_category``, ``set_category_key``, ``remove_category``, ``merge_categories``, ``reorder_categories``,
            ``undo`` or ``redo``.
        ids : optional
            The images that the first ten are about.
        argument : str or dict, optional
            The options of the method of the same name; a bare value is its first one. Categories may be
            named by id too: ``category_id`` for ``label``, ``id`` and ``move_to_id`` otherwise.
        by : str, optional
            The author, by default the user's login name. Undo and redo are the author's own.
        source : str
            Which tool it came from, for the journal.
        client : (str, int), optional
            A client's uid and the operation's number there. Sent again, an operation changes nothing and
            gives the first result. Images that are gone by then are skipped instead of refused.
        base : int, optional
            The revision that the author was looking at, by default the newest one. What somebody else changed
            after it and this operation changes again is a conflict: the later one counts, and `journal` shows it.

        Returns
        -------
        OperationResult

        Raises
        ------
        SelectionError
            If ids are missing, or unknown.
        CategoryError
            If a category is unknown, taken or unnamed.
        """
        try:
            act = editing.ACTIONS[action]
        except (KeyError, TypeError):
            raise PiximiError(
                f"There is no action {action!r}; there are {', '.join(editing.ACTIONS)}."
            ) from None
        if action not in editing.NEED_IDS:
            wanted: Any = []
        elif ids is None:
            raise SelectionError(f"Say which images to {action.partition('_')[0]}: ids are missing.")
        else:
            wanted = ids
        return self._commit(
            action, act, ids=wanted, argument=argument, by=by, source=source, client=client, base=base
        )

    def label(
        self, ids: Any, category: str, by: str | None = None, *, confirm: bool = False
    ) -> OperationResult:
        """Label images with an existing category.

        Parameters
        ----------
        ids : int, sequence of int, bool ndarray, or bool Series
        category : str
        by : str, optional
            The author, by default the user's login name.
        confirm : bool
            Note it for images that have this label already, too: an imported or predicted label becomes one that the
            author gave by hand.

        Raises
        ------
        SelectionError
            If an id is unknown.
        CategoryError
            If there is no such category; ``add_category`` makes it.
        """
        argument = {"category": category, "confirm": True} if confirm else category
        return self.apply("label", ids=ids, argument=argument, by=by)

    def unlabel(self, ids: Any, by: str | None = None) -> OperationResult:
        """Take images' labels away."""
        return self.apply("unlabel", ids=ids, by=by)

    def exclude(self, ids: Any, by: str | None = None) -> OperationResult:
        """Keep images out of trainings, evaluations and counts, without removing them."""
        return self.apply("exclude", ids=ids, by=by)

    def include(self, ids: Any, by: str | None = None) -> OperationResult:
        """Take back `exclude`."""
        return self.apply("include", ids=ids, by=by)

    def mark_unsure(self, ids: Any, by: str | None = None) -> OperationResult:
        """Flag images to look at again, in the column ``unsure``; their labels stay and are trained on."""
        return self.apply("mark_unsure", ids=ids, by=by)

    def mark_sure(self, ids: Any, by: str | None = None) -> OperationResult:
        """Take back `mark_unsure`."""
        return self.apply("mark_sure", ids=ids, by=by)

    def set_note(self, ids: Any, note: str, by: str | None = None) -> OperationResult:
        """Write a note on images, in the column ``note``; an empty one takes it away.

        Raises
        ------
        SelectionError
            If an id is unknown, or the note is longer than 2000 characters.
        """
        return self.apply("set_note", ids=ids, argument={"note": note}, by=by)

    def remove_images(self, ids: Any, by: str | None = None) -> OperationResult:
        """Take images out of the project; their files stay, and undo brings them back."""
        return self.apply("remove_images", ids=ids, by=by)

    def undo(self, by: str | None = None) -> OperationResult:
        """Take back the author's own last operation.

        Images that somebody else has changed since stay as they are and are in the result's ``skipped``.
        Adding images, predictions and dataset versions are not undone.
        """
        return self.apply("undo", by=by)

    def redo(self, by: str | None = None) -> OperationResult:
        """Take back the author's last undo, if the author has done nothing else since."""
        return self.apply("redo", by=by)

    def label_origins(self) -> LabelOrigins:
        """Who gave the images their present labels, when, and how, as arrays; fast, and without pandas."""
        return self._origins.current()

    @property
    def journal(self) -> pd.DataFrame:
        """Everything that was ever done, a row for each single change, the oldest first.

        Columns: revision, time (UTC), author, source, action, reverts, base (the revision that the author was
        looking at), target (``image`` or ``category``), id, field, before, after, replaces (the revision that gave
        the value before), conflict, and message (the operation in words). An operation without single changes, such as
        one of how images look, has one row. A conflict is a change of
        what somebody else had changed since that base: operations count in the order of their revisions.
        """
        with self._database.read() as connection:
            rows = journal_sql.all_rows(connection)
            names = category_sql.all_names(connection)
            messages = journal_sql.messages(connection)
        return frames.journal_frame(rows, names, messages)

    # -- categories --------------------------------------------------------------------------------

    @property
    def categories(self) -> list[Category]:
        """The categories in their order."""
        with self._database.read() as connection:
            return listed(category_sql.live(connection))

    def category_table(self) -> list[Category]:
        """The categories in their order, with their ids."""
        return self.categories

    def counts(self) -> dict[int, np.ndarray]:
        """For each category's id the number of images by partition; 0 stands for the unlabeled.

        Returns
        -------
        dict of int to (4,) ndarray of int64
            Unassigned, training, validation, test. Excluded images are not counted.
        """
        columns = self.columns()
        used = ~columns.excluded
        largest = int(columns.category_id.max(initial=0))
        keys = columns.category_id[used].astype(np.int64) * 4 + columns.partition[used]
        table = np.bincount(keys, minlength=4 * (largest + 1)).reshape(-1, 4)
        ids = [0, *(category.id for category in self.categories)]
        return {i: table[i] if i <= largest else np.zeros(4, dtype=np.int64) for i in ids}

    def add_category(self, name: str, color: str | None = None, by: str | None = None) -> OperationResult:
        """Add a category behind the others.

        Parameters
        ----------
        name : str
            1 to 100 characters, not taken yet; surrounding blanks are dropped.
        color : str, optional
            ``"#rrggbb"`` or a CSS name; by default the next of a palette made for color-blind people.

        Raises
        ------
        CategoryError
        """
        return self.apply("add_category", argument={"name": name, "color": color}, by=by)

    def rename_category(self, old: str, new: str, by: str | None = None) -> OperationResult:
        """Give a category another name; its images keep it."""
        return self.apply("rename_category", argument={"old": old, "new": new}, by=by)

    def recolor_category(self, name: str, color: str, by: str | None = None) -> OperationResult:
        """Give a category another color, ``"#rrggbb"`` or a CSS name."""
        return self.apply("recolor_category", argument={"name": name, "color": color}, by=by)

    def set_category_key(self, name: str, key: str, by: str | None = None) -> OperationResult:
        """Choose the key that labels with a category in the labeler.

        Parameters
        ----------
        name : str
        key : str
            One character, whose case does not matter; empty to let the labeler choose. Another category that has the
            key loses it. The labeler needs ``u h v ? + - = , .`` for itself.
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        CategoryError
            If there is no such category, or the key cannot be one.
        """
        return self.apply("set_category_key", argument={"name": name, "key": key}, by=by)

    def remove_category(
        self, name: str, move_to: str | None = None, by: str | None = None
    ) -> OperationResult:
        """Remove a category; its images become unlabeled, or get the label `move_to`."""
        return self.apply("remove_category", argument={"name": name, "move_to": move_to}, by=by)

    def merge_categories(self, names: Sequence[str], into: str, by: str | None = None) -> OperationResult:
        """Label all images of some categories `into`, an existing one, and remove the others."""
        return self.apply("merge_categories", argument={"names": _listed(names), "into": into}, by=by)

    def reorder_categories(self, names: Sequence[str], by: str | None = None) -> OperationResult:
        """Put the categories in the order of `names`, which holds each of them once."""
        return self.apply("reorder_categories", argument={"names": _listed(names)}, by=by)

    # -- label files -------------------------------------------------------------------------------

    def load_labels(
        self,
        path_or_dataframe: Any,
        *,
        add_categories: bool = False,
        skip_unknown: bool = False,
        by: str | None = None,
    ) -> LabelReport:
        """Take labels from a CSV file or a DataFrame, as one operation: all of them, or none.

        Parameters
        ----------
        path_or_dataframe : path-like or DataFrame
            With a column ``category`` and at least one of ``path``, ``id`` and ``name``, which are looked at in
            this order; a name may leave out a file's suffix. Paths are relative to the CSV file's folder. Rows
            without a category say nothing.
        add_categories : bool
            Make the categories that the project does not have.
        skip_unknown : bool
            Leave out rows that name no image; ``report.failed`` says why.
        by : str, optional
            The author, by default the user's login name.

        Returns
        -------
        LabelReport

        Raises
        ------
        SelectionError
            If the file cannot be read, columns are missing, rows name no image, or two rows label one image
            differently. The message lists the first few, and nothing was labeled.
        CategoryError
            If the project does not have a category, or its name cannot be used.
        """
        table, base = label_files.read_table(path_or_dataframe)
        with self._database.read() as connection:
            images = image_sql.paths(connection)
            further = crop_sql.further_files(connection)
        labels, unknown = label_files.matched(table, base, self.path, images, further)
        if not skip_unknown:
            label_files.refuse_unknown_images(unknown)

        def act(edit: Edit) -> Outcome:
            if not add_categories:
                label_files.refuse_unknown_categories(edit.connection, labels.values())
            changed, skipped = label_each(edit.connection, edit.operation_id, labels)
            return Outcome(f"{counted(len(changed))} labeled from a table.", changed, skipped)

        result = self._commit("load_labels", act, by=by)
        return LabelReport(result.changed, len(labels) - len(result.changed) - len(result.skipped), unknown)


def _listed(names: Any) -> Any:
    """Several names as a list; what is no collection of names is left as it is, to be refused by its action."""
    return list(names) if isinstance(names, Iterable) and not isinstance(names, str) else names
