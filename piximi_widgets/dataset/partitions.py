"""Who is trained on and who is scored: dividing images, purely and repeatably."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ConfigurationError
from .records import TEST, TRAINING, UNASSIGNED, VALIDATION


def check_fractions(training: Any, test: Any) -> None:
    """Refuse fractions that cannot be parts of one whole.

    Raises
    ------
    ConfigurationError
    """
    problems = {}
    for name, value, low in (("training", training, "more than 0"), ("test", test, "at least 0")):
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if (
            not number
            or not np.isfinite(value)
            or value > 1
            or value < 0
            or (value == 0 and name == "training")
        ):
            problems[name] = f"The fraction is {value!r}; it must be {low} and at most 1."
    if not problems and training + test > 1 + 1e-9:
        problems["test"] = (
            f"{training} for training and {test} for test are more than the whole; their sum must be at most 1."
        )
    if problems:
        raise ConfigurationError(problems)


def divide(strata: np.ndarray, current: np.ndarray, *, training: float, test: float, seed: int) -> np.ndarray:
    """Give every unassigned image a partition, counting those that have one already.

    In each stratum the parts come as close to the fractions as whole images allow, and so does their
    sum over all strata (largest remainders). A stratum of two or more images gets at least one for
    training and one for validation, one of a single image trains; images that are assigned never move, and
    may stand against this.

    Parameters
    ----------
    strata : (N,) ndarray of int
        The category of each image, or one value for all.
    current : (N,) ndarray of uint8
        Partition codes.
    training, test : float
        Fractions; validation gets the rest.
    seed : int
        Decides which images go where, together with their order.

    Returns
    -------
    (N,) ndarray of uint8
    """
    result = current.astype(np.uint8)
    generator = np.random.default_rng(seed)
    values, stratum_of, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    for_training = _apportion(sizes, training)
    for_training = np.where(sizes > 1, np.clip(for_training, 1, sizes - 1), sizes)
    for_test = np.minimum(_apportion(sizes, test), np.maximum(sizes - for_training - 1, 0))
    for stratum in range(len(values)):
        members = np.flatnonzero(stratum_of == stratum)
        have = np.bincount(current[members], minlength=4)
        free = generator.permutation(members[current[members] == UNASSIGNED])
        trained = int(np.clip(for_training[stratum] - have[TRAINING], 0, len(free)))
        tested = int(np.clip(for_test[stratum] - have[TEST], 0, len(free) - trained))
        if len(members) > 1 and len(free) > 0 and have[VALIDATION] == 0 and trained + tested == len(free):
            # Rounding left nothing to validate on: take it from test, or from training if that keeps one.
            if tested:
                tested -= 1
            elif have[TRAINING] + trained > 1:
                trained -= 1
        result[free[:trained]] = TRAINING
        result[free[trained : trained + tested]] = TEST
        result[free[trained + tested :]] = VALIDATION
    return result


def divide_groups(
    strata: np.ndarray, groups: np.ndarray, *, training: float, test: float, seed: int
) -> np.ndarray:
    """Divide so that all images of one group get the same partition.

    The largest groups are placed first, each where it best fills what the fractions leave open in its
    categories; groups of equal size come in an order drawn from the seed.

    Parameters
    ----------
    strata, groups : (N,) ndarray of int

    Returns
    -------
    (N,) ndarray of uint8
    """
    _, stratum_of = np.unique(strata, return_inverse=True)
    values, group_of = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(values), stratum_of.max(initial=-1) + 1), dtype=np.int64)
    np.add.at(counts, (group_of, stratum_of), 1)
    fractions = np.array([training, max(0.0, 1.0 - training - test), test])
    open_ = fractions[:, None] * counts.sum(axis=0)[None, :]
    shuffled = np.random.default_rng(seed).permutation(len(values))
    order = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    chosen = np.zeros(len(values), dtype=np.uint8)
    for group in order:
        # How much of the squared distance to the wanted counts is left after placing the group.
        gains = ((open_ - counts[group]) ** 2 - open_**2).sum(axis=1)
        gains[fractions == 0] = np.inf
        part = int(np.argmin(gains))
        open_[part] -= counts[group]
        chosen[group] = (TRAINING, VALIDATION, TEST)[part]
    if len(values) > 1 and not np.any(chosen == VALIDATION):
        # A small group is worth more as validation than as one more of many for training.
        chosen[order[-1]] = VALIDATION
    return chosen[group_of]


def _apportion(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """Whole numbers near ``sizes * fraction`` whose sum is the rounded fraction of the whole."""
    exact = sizes * fraction
    counts = np.floor(exact + 1e-9).astype(np.int64)
    missing = int(np.floor(sizes.sum() * fraction + 0.5)) - int(counts.sum())
    remainders = exact - counts
    largest = np.argsort(-remainders, kind="stable")
    counts[largest[: max(0, missing)]] += 1
    return np.minimum(counts, sizes)
