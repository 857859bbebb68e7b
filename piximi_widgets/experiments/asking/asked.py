"""What a store and an experiment can be asked; both inherit it from here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

    from ..experiment import Experiment
    from ..store import ExperimentStore
    from .comparison import Comparison


class AskedStore:
    """The part of an :class:`ExperimentStore` that answers questions about all experiments."""

    def search(
        self,
        query: str | None = None,
        *,
        metrics: Literal["last", "best", "all"] = "best",
        deleted: bool = False,
    ) -> pd.DataFrame:
        """A table of experiments, oldest first; what a writer has not summed up yet is summed up first.

        Parameters
        ----------
        query : str, optional
            Plain words, all of which must occur in name, description, notes, tags, status or creator, in any
            case; a text in quotes is looked for as it stands. Or comparisons, joined with ``and``, ``or``,
            ``not`` and parentheses::

                metric."val/accuracy" > 0.9 and param.architecture == "mobilenet" and "plate7" in tags

            ``==  !=  <  <=  >  >=  in  not in  contains  startswith  endswith  is missing  is nan`` compare

            - ``metric.…``: the last value of a metric, or with ``.best``, ``.min``, ``.max`` or ``.count``
              behind it another one; ``param.…``: a parameter. Odd names stand in quotes: ``metric."my loss".min``;
            - ``name  description  notes  status  creator  uid  error  base_experiment  base_model``: texts,
              of which the two last are the names of what the experiment is based on;
            - ``created  started  ended``: ``created >= '2026-03-31'`` (a day or a time, in UTC) or ``> '7d'``
              (less than 7 days ago; also ``h``, ``min``, ``w``); ``duration`` in seconds, ``exit_code``, ``id``;
            - ``tags  models  dataset.alias  dataset.name  dataset.fingerprint  dataset.uid``: lists, as in
              ``'train' in dataset.alias``; `models` are those that were published from the experiment.

            An experiment without such a metric or parameter is no match, whatever the comparison, and NaN is
            none either. Values of different types are unequal and have no order.
        metrics : {"best", "last", "all"}
            Which columns there are of each metric: ``metric.…`` with its last value; with ``"best"`` also
            ``metric.….best``, its smallest value if a word of its name is loss, error, mse or the like, else
            its largest; with ``"all"`` also ``.min``, ``.max`` and ``.count``. Extremes are of finite values.
        deleted : bool
            With deleted experiments, and a column `deleted` that says when they were.

        Returns
        -------
        DataFrame
            Index id: name, status, description, tags, creator, created, started, ended, duration
            (seconds), uid, then ``param.…`` and ``metric.…``.

        Raises
        ------
        StoreError
            The query is not understood, or names a parameter or metric that no experiment has; the message
            points at the place.
        """
        from .search import search

        return search(self._asked, query, metrics=metrics, deleted=deleted)

    def compare(self, experiments: Iterable[Experiment | str | int]) -> Comparison:
        """Put 2 to 20 experiments side by side.

        Parameters
        ----------
        experiments : iterable
            Experiments of this store, or their names, ids or uids.

        Returns
        -------
        Comparison
            With `parameters` (those that differ), `metrics` (last and best), `curves(name)`, `datasets` and
            `evaluation(partition)`.

        Raises
        ------
        StoreError
            An experiment of another store, or one that is named twice.
        ExperimentNotFoundError
        """
        from .comparison import compare

        return compare(self._asked, experiments)

    def to_csv(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write all experiments that are not deleted as CSV files.

        Parameters
        ----------
        folder : path
            Made when it is missing; other files in it are left alone.
        overwrite : bool
            Replace files of an earlier export.

        Returns
        -------
        list of Path
            ``experiments.csv``, ``parameters.csv``, ``datasets.csv``, ``metrics.csv`` (metric, step, time,
            value), ``logs.csv``, ``evaluations.csv``, ``telemetry.csv``, ``system.csv``, ``artifacts.csv``,
            ``artifact_files.csv`` and ``models.csv``, each with the columns experiment_id and experiment.

        Raises
        ------
        StoreError
            A file is there already, or the folder cannot be written; then none of the files is there.

        Notes
        -----
        UTF-8, times in ISO 8601 and UTC, NaN and infinities as ``NaN``, ``Infinity`` and ``-Infinity``; lists
        and dicts are JSON. Texts are written as they are: a spreadsheet takes one that begins with ``=`` for
        a formula, so import files of somebody else's experiments as text.
        """
        from .csv_export import write_csv

        return write_csv(self._asked, folder, None, overwrite=overwrite)

    def to_json(self, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> str | None:
        """Write all experiments that are not deleted as one JSON document, without the contents of files.

        Parameters
        ----------
        path : path, optional
            The file; by default the document is returned.
        overwrite : bool
            Replace a file that is there.

        Returns
        -------
        str or None

        Raises
        ------
        StoreError
            The file is there already, or cannot be written; then it is as it was.

        Notes
        -----
        Strict JSON: for NaN and infinities stand the texts "NaN", "Infinity" and "-Infinity". A parameter's
        type tells such a text from a number. Times are ISO 8601 in UTC, but for those of a metric's points,
        which are milliseconds since 1970.
        """
        from .json_export import write_json

        return write_json(self._asked, path, None, overwrite=overwrite)

    def _repr_html_(self) -> str:
        from ..summary import store_html

        return store_html(self._asked)

    @property
    def _asked(self) -> ExperimentStore:
        return cast("ExperimentStore", self)


class AskedExperiment:
    """The part of an :class:`Experiment` that writes it out."""

    store: ExperimentStore
    id: int

    def to_csv(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write this experiment as CSV files, one a kind of record; see :meth:`ExperimentStore.to_csv`."""
        from .csv_export import write_csv

        return write_csv(self.store, folder, [self.id], overwrite=overwrite)

    def to_json(self, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> str | None:
        """Write this experiment as a JSON document, or return it; see :meth:`ExperimentStore.to_json`."""
        from .json_export import write_json

        return write_json(self.store, path, [self.id], overwrite=overwrite)
