"""What a training prints: numbered lines in chapters, where a progress line replaces its own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ...errors import LogError
from ..sql import jobs as sql_jobs
from ..values import as_datetime, clean_name, now, shown
from .capturing import Capture
from .system_samples import Sampling, samples_frame

if TYPE_CHECKING:
    import pandas as pd

    from ..experiment import Experiment

CHAPTER_MARK = "--#--"
"""A printed line that starts so opens a chapter; Picsellia's convention."""

_ORDINARY, _PROGRESS, _OPEN = 0, 1, 2
_ENDINGS = re.compile(rb"\r\n|\n|\r")


class Line(NamedTuple):
    """One line of output; `chapter` is empty before the first chapter."""

    number: int
    time: datetime
    stream: str
    chapter: str
    text: str


def split_output(data: bytes, final: bool = False) -> tuple[list[str], int]:
    """Split raw output into lines for :meth:`Telemetry.append`.

    Parameters
    ----------
    data : bytes
        What a process wrote, from the end of the last call on.
    final : bool
        No more will come: an unfinished last line is a line too.

    Returns
    -------
    lines : list of str
        Without line feeds; a line that ended with a carriage return keeps it, and so is replaced by
        the next one.
    consumed : int
        How many bytes these lines are; the rest belongs to the next call.
    """
    lines = []
    start = 0
    for ending in _ENDINGS.finditer(data):
        text = data[start : ending.start()].decode("utf-8", "replace")
        if ending.group() == b"\r":
            text += "\r"
        lines.append(text)
        start = ending.end()
    if final and start < len(data):
        lines.append(data[start:].decode("utf-8", "replace"))
        start = len(data)
    return lines, start


def append_lines(
    connection: sqlite3.Connection, experiment_id: int, lines: Iterable[str], stream: str, time: int
) -> None:
    """Add lines in this transaction.

    A line that ends with a carriage return is replaced by the next one of its stream; one that starts
    with a carriage return replaces the progress line before it. An empty line after a progress line ends
    the progress.
    """
    last = sql_jobs.last_line(connection, experiment_id)
    number, last_stream, progress = (0, stream, _ORDINARY) if last is None else tuple(last)
    chapters = sql_jobs.chapters(connection, experiment_id)
    chapter = chapters[-1]["number"] if chapters else 0
    if last_stream != stream or chapter > number:
        progress = _ORDINARY
    rows: dict[int, tuple[int, int, str, str, int]] = {}
    closed: int | None = None
    for line in lines:
        visible = line.strip("\r").rpartition("\r")[2]
        if visible.startswith(CHAPTER_MARK):
            name = visible.removeprefix(CHAPTER_MARK).strip()
            if chapter > number:
                # one without a line would be lost: a chapter is told by its lines
                number += 1
                rows[number] = (number, time, stream, "", _ORDINARY)
            sql_jobs.put_chapter(connection, experiment_id, number + 1, name, time)
            chapter, progress, closed = number + 1, _ORDINARY, None
        elif not visible and (line or progress == _OPEN):
            if not line:
                progress, closed = _PROGRESS, number
        else:
            replaces = progress == _OPEN or (progress == _PROGRESS and line.startswith("\r"))
            if not replaces:
                number += 1
            if line.endswith("\r"):
                progress = _OPEN
            else:
                progress = _PROGRESS if line.startswith("\r") or replaces else _ORDINARY
            rows[number] = (number, time, stream, visible, progress)
            closed = None
    if closed in rows:
        rows[closed] = (*rows[closed][:4], _PROGRESS)
    elif closed is not None:
        sql_jobs.close_line(connection, experiment_id, closed)
    sql_jobs.put_lines(connection, experiment_id, rows.values())


class Telemetry:
    """What is known of an experiment while it runs: the lines that it printed, and what its machine did."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def lines(self, after: int | None = None) -> list[Line]:
        """Lines in their order.

        Parameters
        ----------
        after : int, optional
            Only lines with a larger number. Only the last line is ever replaced, so whoever follows asks
            for what comes after the last number but one.
        """
        with self._experiment.store.database.read() as connection:
            rows = sql_jobs.lines(connection, self._experiment.id, after or 0)
            chapters = [tuple(row) for row in sql_jobs.chapters(connection, self._experiment.id)]
        found = []
        position, chapter = 0, ""
        for number, time, stream, text in rows:
            while position < len(chapters) and chapters[position][0] <= number:
                chapter = chapters[position][1]
                position += 1
            moment = as_datetime(time)
            assert moment is not None
            found.append(Line(number, moment, stream, chapter, text))
        return found

    def append(self, lines: str | Iterable[str], *, stream: str = "output") -> None:
        """Add lines, committed when the call returns.

        Parameters
        ----------
        lines : str or iterable of str
            One line each; a line feed inside separates lines. A carriage return at the end lets the next
            line replace this one; one at the start replaces the progress line before. A line that starts
            with ``--#--`` opens a chapter of that name.
        stream : str
            Where they were written: ``"output"``, ``"stdout"`` or ``"stderr"``.
        """
        given = [lines] if isinstance(lines, str) else list(lines)
        for line in given:
            if not isinstance(line, str):
                raise LogError(f"A line of output must be a string, not {line!r}.")
        single = [shown(part) for line in given for part in line.removesuffix("\n").split("\n")]
        stream = clean_name(stream, "A stream")
        with self._experiment.writing() as connection:
            append_lines(connection, self._experiment.id, single, stream, now())

    def start_chapter(self, name: str) -> None:
        """Open a chapter: what follows belongs to it."""
        self.append(CHAPTER_MARK + clean_name(name, "A chapter's name"))

    def progress(self, text: str) -> None:
        """Show how far a work is, on one line: the next call replaces what this one wrote.

        Any other line ends it, as in a terminal: a later call then begins a new line.

        Raises
        ------
        LogError
            Not one line of text.
        """
        if not isinstance(text, str) or "\n" in text or "\r" in text or text.startswith(CHAPTER_MARK):
            raise LogError(f"Progress is one line of text, not {text!r}.")
        self.append("\r" + text)

    def capture(self) -> Capture:
        """While the ``with`` block runs, keep what Python prints, and still show it.

        What is written to ``sys.stdout`` and ``sys.stderr`` goes into the telemetry line by line, committed
        as it is printed; a printed ``--#-- name`` opens a chapter. Output that does not pass through Python,
        as that of C libraries, is not seen.
        """
        return Capture(self._experiment)

    def sampling(self) -> Sampling:
        """While the ``with`` block runs, keep what this machine does: see `system`.

        A thread takes a sample each second at first and each half minute in the end. What goes wrong there,
        also that psutil is not installed, leaves samples out and nothing else.
        """
        return Sampling(self._experiment)

    @property
    def system(self) -> pd.DataFrame:
        """What the machine did: DataFrame of float64, index time (UTC), a column for each name.

        ``cpu`` and ``process-cpu`` are percent of all cores, of the machine and of the training's process;
        ``memory`` (of the process), ``machine-memory`` (in use) and ``disk-free`` (at the store) are bytes;
        ``gpu0`` is percent of the time and ``gpu0-memory`` bytes of the first NVIDIA card, and so on.
        """
        return samples_frame(self._experiment)

    @property
    def exit_code(self) -> int | None:
        """Exit code of the training's process, negative for a signal; None until it has ended."""
        return self._experiment.exit_code

    def __len__(self) -> int:
        return len(self.lines())

    def __repr__(self) -> str:
        return f"<Telemetry of {self._experiment.name!r}: {len(self)} lines>"
