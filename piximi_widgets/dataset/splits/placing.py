"""Placing whole groups of images in parts of wanted sizes, purely and repeatably."""

from __future__ import annotations

import numpy as np

from ..records import TEST, TRAINING, VALIDATION

# Of few groups the best of several attempts fits much better; of many groups the last ones fill any gap.
_STEPS = 4_000
_MOST_ATTEMPTS = 30
_GAIN = 1e-12
_DIGITS = 12


def fractions_of(training: float, test: float) -> np.ndarray:
    """The wanted fractions of training, validation and test."""
    return np.array([training, max(0.0, 1.0 - training - test), test])


def place(counts: np.ndarray, room: np.ndarray, fractions: np.ndarray, seed: int) -> np.ndarray:
    """A partition for each group.

    What is made small is the sum of the squared distances from the wanted parts, each category's and that of all
    images as a share of its size, so that a rare category counts as much as a frequent one.

    Parameters
    ----------
    counts : (G, S) ndarray of int
        Images of each group in each category.
    room : (3, S) ndarray
        How many images training, validation and test still want of each category; negative where they have too
        many.
    fractions : (3,) ndarray
        A part whose fraction is 0 gets nothing.
    seed : int

    Returns
    -------
    (G,) ndarray of uint8
        Partition codes.
    """
    every = np.column_stack([counts, counts.sum(axis=1)]).astype(np.float64)
    open_ = np.column_stack([room, room.sum(axis=1)])
    weights = 1.0 / np.maximum(np.abs(open_).sum(axis=0), 1.0) ** 2
    barred = fractions <= 1e-9
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(every))
    sizes = every[shuffled, -1]
    best, least = np.zeros(len(every), dtype=np.int64), np.inf
    for attempt in range(max(1, min(_MOST_ATTEMPTS, _STEPS // len(every)))):
        # The first attempt is the plain one, the largest group first; the others differ from it a little.
        noise = generator.normal(0.0, 0.4, len(every)) if attempt else 0.0
        order = shuffled[np.argsort(-sizes * np.exp(noise), kind="stable")]
        parts, rest = _fill(every, open_, weights, barred, order)
        cost = float((weights * rest**2).sum())
        if cost < least - _GAIN:
            best, least = parts, cost
    return np.array([TRAINING, VALIDATION, TEST], dtype=np.uint8)[best]


def _fill(
    counts: np.ndarray, room: np.ndarray, weights: np.ndarray, barred: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place group by group where the distance shrinks most; the parts, and what they still want."""
    rest = room.astype(np.float64)
    parts = np.zeros(len(counts), dtype=np.int64)
    weighted = counts * weights
    for group in order.tolist():
        count = counts[group]
        # Rounded, so that equally good parts are equal on every machine, and the first of them is taken.
        change = ((count - 2.0 * rest) @ weighted[group]).round(_DIGITS)
        change[barred] = np.inf
        part = int(change.argmin())
        rest[part] -= count
        parts[group] = part
    return parts, rest
