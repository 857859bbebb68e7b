"""How sure a classifier was, as active learning measures it (Settles, Active Learning Literature Survey, 2009, 3.1)."""

from __future__ import annotations

import numpy as np


def margin(probabilities: np.ndarray) -> np.ndarray:
    """The best probability minus the second best; small where the classifier hesitates between two classes.

    Parameters
    ----------
    probabilities : (N, K) ndarray
        With one class, the second best is 0.

    Returns
    -------
    (N,) ndarray of float64
    """
    values = probabilities.astype(np.float64)
    if values.shape[1] == 1:
        return values[:, 0]
    best = np.partition(values, -2, axis=1)
    return best[:, -1] - best[:, -2]


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """The entropy in nats: 0 where the classifier is sure, log K where all classes are as likely.

    Parameters
    ----------
    probabilities : (N, K) ndarray

    Returns
    -------
    (N,) ndarray of float64
    """
    values = probabilities.astype(np.float64)
    logarithms = np.log(values, out=np.zeros_like(values), where=values > 0)
    return 0.0 - (values * logarithms).sum(axis=1)
