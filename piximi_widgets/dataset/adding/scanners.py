"""Scanning many files at once: in threads, or in helper processes where there are enough of them.

Headers are parsed in Python, which uses one core of a process however many threads there are. The helper
processes are plain children that are spoken to through pipes: unlike those of `multiprocessing` they do not import
the user's script again, and a decoder that crashes takes a helper with it instead of the user's kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, Self

from ..sql.images import ImageFile, NewImage
from .scanning import Scan, scan_files
from .source import Source

# Below this a helper costs more (0.4 s to start) than it saves.
_WORTH_HELPERS = 1500
_MOST_HELPERS = 8
# Threads help where files lie behind a network, also for few files.
_THREADS = 4


class Scanner:
    """Scans chunks of sources ahead of the caller, in threads or in helper processes; a context manager."""

    def __init__(self, scan: Scan, count: int) -> None:
        self._scan = scan
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._helpers = (
            min(cores, _MOST_HELPERS) if count >= _WORTH_HELPERS and cores > 1 and sys.executable else 0
        )
        self._pool = ThreadPoolExecutor(self._helpers or _THREADS, thread_name_prefix="piximi-import")
        self._local = threading.local()
        self._children: list[_Helper] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in self._children:
            child.close()
        self._pool.shutdown(wait=True)

    def results(self, chunks: Iterable[Sequence[Source]]) -> Iterator[tuple[Sequence[Source], list[Any]]]:
        """For each chunk, in order, what `scan_files` says about its sources; None for arrays."""
        ahead = (self._helpers or 1) + 1
        waiting: deque[tuple[Sequence[Source], Callable[[], list[Any]]]] = deque()
        for chunk in chunks:
            waiting.append((chunk, self._begin([source for source in chunk if source.path is not None])))
            if len(waiting) >= ahead:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())

    def _begin(self, sources: Sequence[Source]) -> Callable[[], list[Any]]:
        if self._helpers:
            return self._pool.submit(self._in_helper, sources).result
        futures: list[Future[Any]] = [
            self._pool.submit(scan_files, self._scan, _paths(source), source.grid) for source in sources
        ]
        return lambda: [future.result() for future in futures]

    def _in_helper(self, sources: Sequence[Source]) -> list[Any]:
        results: list[Any] = []
        while len(results) < len(sources) and not self._closed:
            helper = getattr(self._local, "helper", None)
            if helper is None:
                helper = self._local.helper = _Helper(self._scan)
                self._children.append(helper)
            results += helper.ask([(_paths(source), source.grid) for source in sources[len(results) :]])
            if len(results) < len(sources) and not self._closed:
                # The helper died while it read the next one.
                self._local.helper = None
                results.append(
                    ("reading it crashes the decoder; the file is damaged in a dangerous way", None)
                )
        return results


def _paths(source: Source) -> list[str]:
    return [source.path or "", *source.files]


def _finished(chunk: Sequence[Source], result: Callable[[], list[Any]]) -> tuple[Sequence[Source], list[Any]]:
    found = iter(result())
    return chunk, [next(found) if source.path is not None else None for source in chunk]


class _Helper:
    """A child process that answers each line of questions with a line for each image."""

    def __init__(self, scan: Scan) -> None:
        # -P: a module in the working folder must not stand in for one of the library's.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, json.dumps([sys.path, asdict(scan)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
            # Ctrl+C is for the caller, who closes the helpers.
            start_new_session=True,
        )

    def ask(self, questions: Sequence[tuple[Sequence[str], Sequence[int] | None]]) -> list[Any]:
        """The answers, fewer than the questions if the process dies."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        answers: list[Any] = []
        try:
            stdin.write(json.dumps(questions) + "\n")
            stdin.flush()
            for _ in questions:
                line = stdout.readline()
                if not line.endswith("\n"):
                    break
                answers.append(_from_json(json.loads(line)))
        except (OSError, ValueError):
            # A broken or closed pipe: what was answered counts.
            return answers
        return answers

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    # Bytes that were never sent to a process that is gone.
                    continue


_CHILD = """
import json, sys
path, scan = json.loads(sys.argv[1])
sys.path[:] = path
from piximi_widgets.dataset.adding.scanners import answer
answer(scan)
"""


def answer(scan: dict[str, Any]) -> None:
    """Scan what is asked for on the standard input, until it ends; a helper's whole life."""
    settings = Scan(**scan)
    # What libraries print must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        for paths, grid in json.loads(line):
            answers.write(json.dumps(_to_json(scan_files(settings, paths, grid))) + "\n")
            answers.flush()


# Lists of values: a third of the time that dicts take, which counts for a hundred thousand files.
_ROW = attrgetter(*(field.name for field in fields(NewImage)))
_HASH, _FILES = ([field.name for field in fields(NewImage)].index(name) for name in ("pixel_hash", "files"))


def _to_json(result: tuple[NewImage | str, str | None]) -> Any:
    row, guess = result
    if isinstance(row, str):
        return [row, None]
    values = list(_ROW(row))
    values[_HASH] = row.pixel_hash.hex() if row.pixel_hash else None
    values[_FILES] = [[file.path, file.origin, file.size, file.mtime_ns] for file in row.files]
    return [values, guess]


def _from_json(value: Any) -> tuple[NewImage | str, str | None]:
    row, guess = value
    if isinstance(row, str):
        return row, None
    row[_HASH] = bytes.fromhex(row[_HASH]) if row[_HASH] else None
    row[_FILES] = tuple(ImageFile(*file) for file in row[_FILES])
    return NewImage(*row), guess
