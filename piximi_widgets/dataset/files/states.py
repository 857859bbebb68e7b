"""Whether the files that a project refers to are still there and still the same."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..sql.files import FileRow
from .image_files import file_status, full_path

# Only a network makes one file take long, and then it is the waiting that many threads share.
_THREADS = 16
_PER_TASK = 1000

OK, TOUCHED, CHANGED, MISSING = "ok", "touched", "changed", "missing"


def file_states(folder: Path, files: Sequence[FileRow]) -> list[tuple[str, str]]:
    """State of each file and the reason in words, by size and time alone; no file is opened.

    ``"missing"``: it cannot be reached; ``"changed"``: its size is another one; ``"touched"``: only its time
    is, so that its pixels are probably the same.
    """
    pieces = [files[start : start + _PER_TASK] for start in range(0, len(files), _PER_TASK)]
    if len(pieces) < 2:
        return [_state(folder, file) for file in files]
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="piximi-files") as threads:
        return [
            state
            for states in threads.map(lambda piece: [_state(folder, file) for file in piece], pieces)
            for state in states
        ]


def _state(folder: Path, file: FileRow) -> tuple[str, str]:
    try:
        size, mtime_ns = file_status(full_path(folder, file.path))
    except FileNotFoundError:
        return MISSING, "there is no such file any more"
    except OSError as error:
        return MISSING, f"it cannot be reached ({error.strerror or error})"
    except ValueError:
        return MISSING, "its noted path is no path"
    if file.size is not None and size != file.size:
        return CHANGED, f"it has {size:,} bytes and had {file.size:,} when it was read last"
    if file.mtime_ns is not None and mtime_ns != file.mtime_ns:
        return TOUCHED, "it was written anew since it was read last, with as many bytes"
    return OK, ""
