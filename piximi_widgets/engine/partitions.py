"""The images of one partition, ready for a network: in memory, or in a memory map when there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pixels.mapping import release

if TYPE_CHECKING:
    from .preprocessing import Preprocessing

PIXEL_DIGEST = 15
"""Bytes by which an image is told from all others: 120 bits of a SHA-256."""


@dataclass(frozen=True)
class Partition:
    """Pixels and classes.

    Attributes
    ----------
    pixels : (N, h, w, C) ndarray of float32
        Ready for the network; with `preprocessing` resized but not normalised, possibly a memory map.
    labels : (N,) ndarray of int32
        Indices of classes.
    preprocessing : Preprocessing, optional
        Normalises what `take` reads.
    digests : (N, 15) ndarray of uint8, optional
        What each image is called in a cache: equal only for images that `take` returns with equal bits. They come with
        pixels that were prepared from images whose hashes are known, and save a hash of all that was prepared.
    """

    pixels: np.ndarray
    labels: np.ndarray
    preprocessing: Preprocessing | None = None
    digests: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def resident(self) -> bool:
        """Whether all pixels are in memory and ready."""
        return self.preprocessing is None

    def select(self, rows: np.ndarray) -> Partition:
        """Some images, ready and in memory."""
        digests = None if self.digests is None else self.digests[rows]
        return Partition(self.take(rows), self.labels[rows], digests=digests)

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """(n, h, w, C) float32 of some rows, ready for the network."""
        if self.preprocessing is None:
            return self.pixels[rows]
        taken = np.array(self.pixels[rows], dtype=np.float32)
        release(self.pixels)
        return self.preprocessing.normalize(taken)
