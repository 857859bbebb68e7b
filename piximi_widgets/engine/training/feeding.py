"""How the pixels of the batches get to the device: all at once, or some batches ahead of their use."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..partitions import Partition

_BLOCK_BYTES = 2**26


class Feed:
    """The pixels of a training.

    Pixels in memory become one tensor on the device. Of others, and of those that the device has no room for, each call
    gets those of its batches, read by a thread while the call before computes; two such blocks are in memory at a time.
    A context manager; leaving it ends the thread.

    Parameters
    ----------
    training : Partition

    Attributes
    ----------
    most : int
        The most batches that `fetch` returns at once.
    """

    def __init__(self, training: Partition) -> None:
        import tensorflow as tf

        self._tf = tf
        self._training = training
        self._order = np.empty((0, 0), dtype=np.int64)
        self._all: Any = None
        self._ahead: tuple[int, int, Future[np.ndarray]] | None = None
        self._reader: ThreadPoolExecutor | None = None
        self.most = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)

    def begin(self, order: np.ndarray, pixels: np.ndarray | None = None) -> None:
        """Begin an epoch.

        Parameters
        ----------
        order : (batches, size) ndarray of int64
            Which images each batch holds.
        pixels : (N, ...) ndarray of float32, optional
            Replaces the training images in this epoch.
        """
        self._order = order
        self._ahead = None
        if pixels is not None:
            self._all = self._tf.constant(pixels)
        elif self._all is None and self._reader is None:
            self._all = self._resident()
            if self._all is None:
                self._reader = ThreadPoolExecutor(1, thread_name_prefix="pixels")
        self.most = len(order)
        if self._all is None:
            size = order.shape[1] * self._training.pixels[0].size * 4
            self.most = max(1, min(len(order), _BLOCK_BYTES // size))

    def fetch(self, start: int, stop: int) -> tuple[Any, np.ndarray, int]:
        """Return pixels for the batches from `start`.

        Returns
        -------
        pixels : (M, ...) tensor of float32
        rows : (n, size) ndarray of int32
            Where in `pixels` the images of each batch are.
        stop : int
            The batch behind the last one; other than asked if these pixels had been announced so.
        """
        if self._all is not None:
            return self._all, self._order[start:stop].astype(np.int32), stop
        if self._ahead is not None and self._ahead[0] == start:
            _, stop, future = self._ahead
            block = future.result()
        else:
            block = self._read(start, stop)
        self._ahead = None
        rows = np.arange(len(block), dtype=np.int32).reshape(stop - start, -1)
        return self._tf.constant(block), rows, stop

    def announce(self, start: int, stop: int) -> None:
        """Begin to read the pixels of batches that `fetch` will be asked for next."""
        if self._reader is not None and self._all is None and start < stop:
            self._ahead = start, stop, self._reader.submit(self._read, start, stop)

    def _read(self, start: int, stop: int) -> np.ndarray:
        return self._training.take(self._order[start:stop].ravel())

    def _resident(self) -> Any:
        if not self._training.resident:
            return None
        try:
            return self._tf.constant(self._training.pixels)
        except self._tf.errors.ResourceExhaustedError:
            # A GPU with less memory than the machine: what does not fit there is sent call by call.
            return None
