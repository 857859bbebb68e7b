"""How much memory there is to use, also in a container with a limit of its own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_UNKNOWN = 2 << 30
_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that can be used without swapping; 2 GiB where nothing tells."""
    free = _of_machine()
    with suppress(OSError, ValueError, KeyError):
        free = min(free, _of_group())
    return max(0, free)


def _of_machine() -> int:
    with suppress(OSError, ValueError, KeyError):
        return _numbers(_MEMINFO)["MemAvailable:"] * 1024
    try:
        # Other systems than Linux have no file to ask; about half of what is built in is free.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN


def _of_group() -> int:
    """What a container's limit leaves; KeyError, ValueError or OSError where there is none."""
    if (_GROUP / "memory.max").exists():
        limit, used, cached = "memory.max", "memory.current", "inactive_file"
        folder = _GROUP
    else:
        limit, used, cached = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        folder = _GROUP / "memory"
    # What was read from files is given back when memory is short.
    reclaimable = _numbers(folder / "memory.stat")[cached]
    most, taken = (int((folder / name).read_text()) for name in (limit, used))
    return most - taken + reclaimable


def _numbers(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1}
