"""Decoded images that are needed again soon, in a bounded part of the memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

_BYTES = 192 << 20


class DecodedImages:
    """Remembers the arrays that were asked for last; safe to use from several threads.

    The newest array is kept however large it is: the crops of a large field would decode it for each of them
    otherwise.

    Parameters
    ----------
    bytes : int
        How much the arrays may take together.
    """

    def __init__(self, bytes: int = _BYTES) -> None:
        self._limit = bytes
        self._bytes = 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._turns: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of this key, which cannot be written; decoded once, by whoever asks first."""
        with self._lock:
            array = self._find(key)
            if array is not None:
                return array
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                array = self._find(key)
            if array is not None:
                return array
            try:
                array = decode()
                array.flags.writeable = False
                with self._lock:
                    self._keep(key, array)
            finally:
                with self._lock:
                    self._turns.pop(key, None)
        return array

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._arrays.clear()
            self._bytes = 0

    def _find(self, key: Hashable) -> np.ndarray | None:
        array = self._arrays.get(key)
        if array is not None:
            self._arrays.move_to_end(key)
        return array

    def _keep(self, key: Hashable, array: np.ndarray) -> None:
        before = self._arrays.pop(key, None)
        self._bytes += array.nbytes - (before.nbytes if before is not None else 0)
        self._arrays[key] = array
        while self._bytes > self._limit and len(self._arrays) > 1:
            _, oldest = self._arrays.popitem(last=False)
            self._bytes -= oldest.nbytes
