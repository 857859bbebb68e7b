"""Reading a memory map from one end to the other without keeping it in memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np

_BYTES_BETWEEN = 32 << 20


def release(pixels: np.ndarray) -> None:
    """Let go of what was read of a memory map; nothing happens to other arrays.

    The pages stay in the system's cache of files, from where they come back at once, but no longer count as this
    process's own: in a container with a limit they are the first to go when memory is short.
    """
    mapped = getattr(pixels, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def each(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of an array or a memory map, of which little is in memory at any time."""
    between = max(1, _BYTES_BETWEEN // max(1, pixels[:1].nbytes))
    for index in range(len(pixels)):
        yield pixels[index]
        if (index + 1) % between == 0:
            release(pixels)
    release(pixels)
