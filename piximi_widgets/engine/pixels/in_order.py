"""Work on several threads whose results come in order, and never many of them ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST_THREADS = 4


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``map(work, items)`` on as many threads as there are cores, at most four.

    Decoding and resizing let go of the interpreter's lock. Twice as many results as threads wait for whoever takes
    them, so that memory stays bounded. The first error in the order of the items is raised, and nothing begins after it.
    """
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="piximi-prepare")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
