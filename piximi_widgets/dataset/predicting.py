"""What classifiers said about the images of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SelectionError
from . import predictions
from .records import OperationResult, PredictionArrays
from .selection import known
from .versions.versioning import Versioning

if TYPE_CHECKING:
    import pandas as pd


class Predicting(Versioning):
    """Predictions: stored by experiment, shown, and accepted as labels."""

    def store_predictions(
        self,
        experiment_uid: str,
        classes: Sequence[str],
        ids: Any,
        probabilities: np.ndarray,
        by: str | None = None,
    ) -> None:
        """Store what an experiment's classifier said about images; these become the newest predictions.

        Parameters
        ----------
        experiment_uid : str
        classes : sequence of str
            K names. A class belongs to the category that has its name now, also when that is renamed later.
        ids : (N,) sequence of int
        probabilities : (N, K) ndarray of float32

        Raises
        ------
        SelectionError
            If an id is unknown, or the shapes do not fit.
        """
        predictions.store(
            self._database, experiment_uid, list(classes), self._ids(ids), probabilities, self._author(by)
        )

    def predictions(self, experiment: Any = None) -> pd.DataFrame:
        """The predictions of an experiment, given itself or by its uid; by default the newest.

        Returns
        -------
        DataFrame
            Index ``id``; columns ``prediction``, ``confidence``, and the probability of each class.
        """
        with self._database.read() as connection:
            return predictions.frame(connection, self._experiment_uid(experiment))

    def prediction_arrays(self, experiment_uid: str) -> PredictionArrays | None:
        """The stored predictions of an experiment as arrays, without pandas; None where there are none."""
        with self._database.read() as connection:
            return predictions.arrays(connection, experiment_uid)

    def clear_predictions(self, experiment: Any = None, by: str | None = None) -> None:
        """Forget the predictions of an experiment, by default all."""
        predictions.clear(self._database, self._experiment_uid(experiment), self._author(by))

    @property
    def newest_predictions(self) -> str | None:
        """The uid of the experiment whose predictions were stored last, which `columns` shows; None without any."""
        with self._database.read() as connection:
            return predictions.newest(connection)

    def accept_predictions(
        self,
        ids: Any = None,
        experiment: Any = None,
        min_confidence: float = 0.0,
        by: str | None = None,
        *,
        relabel: bool = False,
    ) -> OperationResult:
        """Label images with what was predicted for them.

        A prediction that was refused for an image is not accepted. The result's message says which images have no
        prediction.

        Parameters
        ----------
        ids : optional
            By default all that are not excluded.
        experiment : Experiment or its uid, optional
            By default the newest predictions.
        min_confidence : float
            Leave images alone whose predicted class has a lower probability.
        by : str, optional
            The author, by default the user's login name.
        relabel : bool
            Whether images that have a label already get the predicted one; by default their labels stay.

        Raises
        ------
        SelectionError
            If an id is unknown, or the confidence is no number from 0 to 1.
        """
        columns = self.columns()
        wanted = columns.id[~columns.excluded] if ids is None else self._ids(ids)
        if not relabel:
            wanted = wanted[known(wanted, columns.id[columns.category_id == 0])]
        argument = {
            "experiment": self._experiment_uid(experiment),
            "min_confidence": min_confidence,
            "relabel": relabel,
        }
        return self.apply("accept_predictions", ids=wanted, argument=argument, by=by)

    def refuse_predictions(self, ids: Any, experiment: Any = None, by: str | None = None) -> OperationResult:
        """Note that what was predicted for images is wrong, so that it is not offered again.

        A later prediction of another category is offered again. Labels stay as they are, and `undo` takes it back.

        Parameters
        ----------
        ids : int, sequence of int, bool ndarray, or bool Series
        experiment : Experiment or its uid, optional
            By default the newest predictions.
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        SelectionError
            If an id is unknown.
        """
        argument = {"experiment": self._experiment_uid(experiment)}
        return self.apply("refuse_predictions", ids=ids, argument=argument, by=by)

    def _experiment_uid(self, experiment: Any) -> str | None:
        """The uid of an experiment that is given itself or by its uid."""
        uid = getattr(experiment, "uid", experiment)
        if uid is not None and not isinstance(uid, str):
            raise SelectionError(f"An experiment, or its uid, is expected; got {experiment!r}.")
        return uid
