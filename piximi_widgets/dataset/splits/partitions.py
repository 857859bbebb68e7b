"""Who is trained on and who is scored: dividing images, purely and repeatably."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ..records import TEST, TRAINING, UNASSIGNED, VALIDATION
from .placing import fractions_of, place

_CODES = (TRAINING, VALIDATION, TEST)


def check_settings(training: Any, test: Any, seed: Any) -> None:
    """Refuse fractions that cannot be parts of one whole, and what is no seed.

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
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        problems["seed"] = f"The seed is {seed!r}; it must be a whole number, 0 or more."
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
    strata: np.ndarray,
    groups: np.ndarray,
    current: np.ndarray | None = None,
    *,
    training: float,
    test: float,
    seed: int,
) -> np.ndarray:
    """Divide so that all images of one group get the same partition.

    A group with an assigned image follows it, or most of them where they stand in several parts. The other
    groups are placed so that each category's parts, and their sums, come as close to the fractions as whole
    groups allow: the largest first, each where it best fills what is open, in several orders drawn from the
    seed, of which the best is kept. Images that are a group of their own fill the gaps as `divide` does. As far
    as there are groups that may move, there is one for training, then one for validation, then one for test if
    a test part is wanted.

    Parameters
    ----------
    strata, groups : (N,) ndarray of int
    current : (N,) ndarray of uint8, optional
        Partition codes of images that are assigned already, which never move; 0 for all others.
    training, test : float
        Fractions; validation gets the rest.
    seed : int

    Returns
    -------
    (N,) ndarray of uint8
    """
    if not len(strata):
        return np.empty(0, dtype=np.uint8)
    assigned = np.zeros(len(strata), dtype=np.uint8) if current is None else current.astype(np.uint8)
    result = np.where(assigned == UNASSIGNED, follow(groups, assigned)[0], assigned).astype(np.uint8)
    free = result == UNASSIGNED
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    together = free & (sizes[group_of] > 1)
    if together.any():
        _, stratum_of, totals = np.unique(strata, return_inverse=True, return_counts=True)
        _, row_of = np.unique(group_of[together], return_inverse=True)
        counts = np.zeros((row_of.max() + 1, len(totals)), dtype=np.int32)
        np.add.at(counts, (row_of, stratum_of[together]), 1)
        have = np.zeros((len(_CODES), len(totals)))
        np.add.at(have, (result[~free] - 1, stratum_of[~free]), 1)
        # Groups of one image come later and fill what is left open, so that they do not count here.
        wanted = fractions_of(training, test)[:, None] * (have.sum(axis=0) + counts.sum(axis=0))
        result[together] = place(counts, wanted - have, fractions_of(training, test), seed)[row_of]
    result = divide(strata, result, training=training, test=test, seed=seed)
    if len(sizes) < len(strata):
        _leave_no_part_empty(result, group_of, free, strata, test=test)
    return result


def follow(
    groups: np.ndarray, parts: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Where the assigned images of each image's group stand.

    Parameters
    ----------
    groups : (N,) ndarray of int
    parts : (N,) ndarray of uint8
        Partition codes, 0 for images that do not count.
    weights : (N,) ndarray of int, optional
        How much an image counts.

    Returns
    -------
    parts : (N,) ndarray of uint8
        The part that holds most of the group, the first one of equals; 0 where no image of it is assigned.
    torn : (N,) ndarray of bool
        Whether the group stands in several parts.
    """
    _, group_of = np.unique(groups, return_inverse=True)
    table = np.zeros((group_of.max(initial=-1) + 1, 1 + len(_CODES)), dtype=np.int64)
    np.add.at(table, (group_of, parts), 1 if weights is None else weights)
    table[:, UNASSIGNED] = 0
    most = np.argmax(table, axis=1).astype(np.uint8)
    return most[group_of], ((table > 0).sum(axis=1) > 1)[group_of]


def _leave_no_part_empty(
    result: np.ndarray, group_of: np.ndarray, free: np.ndarray, strata: np.ndarray, *, test: float
) -> None:
    """Give an empty part a small group of a part that has several, changing `result`."""
    _, stratum_of = np.unique(strata, return_inverse=True)
    sizes = np.bincount(group_of)
    part_of = np.zeros(len(sizes), dtype=np.uint8)
    part_of[group_of] = result
    movable = np.zeros(len(sizes), dtype=bool)
    movable[group_of[free]] = True
    for code in (TRAINING, VALIDATION, TEST) if test > 0 else (TRAINING, VALIDATION):
        if np.any(result == code):
            continue
        standing = np.bincount(part_of, minlength=4)
        donors = np.flatnonzero(movable & (standing[part_of] > 1))
        if not len(donors):
            continue
        # A category should not lose the last image that it is trained on.
        trained = np.bincount(stratum_of[result == TRAINING], minlength=stratum_of.max() + 1)
        pairs, shares = np.unique(
            np.stack([group_of, stratum_of])[:, result == TRAINING], axis=1, return_counts=True
        )
        needed = np.isin(donors, pairs[0][shares == trained[pairs[1]]])
        chosen = donors[np.lexsort((sizes[donors], needed))[0]]
        part_of[chosen] = code
        result[group_of == chosen] = code


def _apportion(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """Whole numbers near ``sizes * fraction`` whose sum is the rounded fraction of the whole."""
    exact = sizes * fraction
    counts = np.floor(exact + 1e-9).astype(np.int64)
    missing = int(np.floor(sizes.sum() * fraction + 0.5)) - int(counts.sum())
    remainders = exact - counts
    largest = np.argsort(-remainders, kind="stable")
    counts[largest[: max(0, missing)]] += 1
    return np.minimum(counts, sizes)
