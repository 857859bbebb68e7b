"""Adding images to a project, some hundred with each commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ...errors import CategoryError, ProjectError, SelectionError
from ...storage import Database
from ..files.pixels import pixel_hash, stored_path, write_block
from ..labels.categories import checked_name, refuse_taken
from ..labels.edit import label_each
from ..outcome import counted
from ..records import AddReport
from ..schema import IMAGES_FOLDER
from ..sql import categories as category_sql
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from ..sql.images import NewImage
from .scanners import Scanner
from .scanning import Scan
from .source import Source

_PER_COMMIT = 500


class Flag(Protocol):
    """Anything that says whether to stop, for example a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether to stop."""


def add(
    database: Database,
    sources: Sequence[Source],
    failed: dict[str, str],
    *,
    scan: Scan,
    channel_names: Sequence[str] | None,
    author: str,
    origin: str,
    progress: Callable[[int, int], object],
    cancel: Flag | None = None,
) -> AddReport:
    """Add the sources to the project.

    Headers are read, files copied and blocks written outside of the transactions; what was committed
    stays when a later part fails or the call is stopped.

    Parameters
    ----------
    failed : dict of str to str
        Reasons that are known already; extended and put into the report.
    channel_names : sequence of str, optional
        What the channels of every image are called, whatever its file says.
    origin : str
        The operations' source in the journal.
    progress : callable
        Told after each commit how many sources are done, of how many.
    cancel : optional
        Looked at before each commit of files; arrays are added whole.

    Raises
    ------
    CategoryError
        If labels differ from each other, or from categories, by capitals only; nothing was added.
    """
    report = AddReport(failed=failed)
    valid = list(_valid(sources, failed))
    refuse_alike(database, {source.label for source in valid if source.label is not None})
    folder = Path(scan.folder)
    blocks = _write_blocks(folder, valid)
    done = len(sources) - len(valid)

    def remaining(part: Sequence[Source]) -> Sequence[Source]:
        if cancel is None or not cancel.is_set():
            return part
        report.canceled = True
        # Their pixels are written already, and the same call again could not tell which of them are there.
        return [source for source in part if source.pixels is not None]

    def chunks() -> Iterator[Sequence[Source]]:
        seen: set[str] = set()
        for start in range(0, len(valid), _PER_COMMIT):
            wanted = remaining(valid[start : start + _PER_COMMIT])
            if wanted:
                yield _new_sources(database, folder, wanted, seen, report)

    with Scanner(scan, len(valid)) as scanner:
        for chunk, results in scanner.results(chunks()):
            rows: list[tuple[Source, NewImage]] = []
            for source, result in zip(chunk, results, strict=True):
                row, guess = (_from_array(source, *blocks[id(source)]), None) if result is None else result
                described = row if isinstance(row, str) else _described(source, row, channel_names, scan)
                if isinstance(described, str):
                    report.failed[source.key] = described
                    continue
                rows.append((source, described))
                remarks = [remark for remark in (guess, source.remark) if remark]
                if remarks:
                    report.guessed[source.key] = " ".join(remarks)
            kept = set(map(id, remaining(chunk)))
            _commit(database, [row for row in rows if id(row[0]) in kept], report, author, origin)
            done = min(done + _PER_COMMIT, len(sources))
            progress(done, len(sources))
    return report


def _valid(sources: Sequence[Source], failed: dict[str, str]) -> Iterator[Source]:
    for source in sources:
        try:
            source.key.encode()
            "".join(source.files).encode()
            yield source if source.label is None else replace(source, label=checked_name(source.label))
        except CategoryError as error:
            failed[source.key] = str(error)
        except UnicodeEncodeError:
            failed[ascii(source.key)] = "the file's name is not valid Unicode; rename the file"


def refuse_alike(database: Database, labels: set[str]) -> None:
    """Refuse labels that would make categories which differ by capitals only.

    Raises
    ------
    CategoryError
    """
    first: dict[str, str] = {}
    for label in sorted(labels):
        if first.setdefault(label.casefold(), label) != label:
            raise CategoryError(
                f"The labels “{first[label.casefold()]}” and “{label}” differ by capitals only; write them alike."
            )
    with database.read() as connection:
        there = {row["name"] for row in category_sql.live(connection)}
        for label in sorted(labels - there):
            refuse_taken(connection, label)


def _new_sources(
    database: Database, folder: Path, sources: Sequence[Source], seen: set[str], report: AddReport
) -> list[Source]:
    """The sources that are arrays, or files which the project does not know yet."""
    places = [stored_path(folder, source.path) if source.path else None for source in sources]
    with database.read() as connection:
        seen |= image_sql.known_sources(connection, [place for place in places if place])
    fresh = []
    for source, place in zip(sources, places, strict=True):
        if place is None:
            fresh.append(source)
        elif place in seen:
            report.skipped.append(source.key)
        else:
            fresh.append(source)
            seen.add(place)
    return fresh


def _write_blocks(folder: Path, sources: Sequence[Source]) -> dict[int, tuple[str, int]]:
    """Write all arrays, one block for each shape and dtype; (block, index) by the source's identity."""
    groups: dict[tuple, list[Source]] = {}
    for source in sources:
        if source.pixels is not None:
            groups.setdefault((source.pixels.shape, source.pixels.dtype), []).append(source)
    places = {}
    for group in groups.values():
        images = (source.pixels for source in group if source.pixels is not None)
        try:
            block = write_block(folder, images, len(group))
        except OSError as error:
            raise ProjectError(
                f"The pixels could not be written into {folder / IMAGES_FOLDER} ({error.strerror or error}); nothing"
                " was added. Make room, or mend the folder's rights, and try again."
            ) from error
        places.update({id(source): (block, index) for index, source in enumerate(group)})
    return places


def _from_array(source: Source, block: str, index: int) -> NewImage:
    pixels = source.pixels
    assert pixels is not None
    planes, height, width, channels = pixels.shape
    return NewImage(
        name=f"{Path(block).stem.replace('block', 'array')[:14]}-{index:05d}",
        height=height,
        width=width,
        channels=channels,
        planes=planes,
        dtype=pixels.dtype.name,
        block=block,
        block_index=index,
        pixel_hash=pixel_hash(pixels),
    )


def _described(
    source: Source, row: NewImage, channel_names: Sequence[str] | None, scan: Scan
) -> NewImage | str:
    """The row with what the source and the caller say about the image; or why that cannot be."""
    names = channel_names or source.channel_names
    if names and len(names) != row.channels:
        return (
            f"it has {row.channels} channel{'s' if row.channels != 1 else ''}, but {len(names)} names were given:"
            f" {', '.join(names)}"
        )
    if source.grid and scan.channels not in (None, row.channels):
        return f"its {1 + len(source.files)} files make {row.channels} channels, but channels={scan.channels} was given"
    return replace(
        row,
        name=source.name or row.name,
        metadata=json.dumps(source.metadata, ensure_ascii=False) if source.metadata else None,
        channel_names=json.dumps(list(names), ensure_ascii=False) if names else row.channel_names,
    )


def _commit(
    database: Database,
    rows: Sequence[tuple[Source, NewImage]],
    report: AddReport,
    author: str,
    origin: str,
) -> None:
    """Insert one chunk's rows and labels as one operation."""
    if not rows:
        return
    with database.write() as connection:
        operation_id = journal_sql.next_id(connection)
        ids = image_sql.insert(connection, [row for _, row in rows])
        added = [image_id for image_id in ids if image_id is not None]
        if added:
            labels = {
                image_id: source.label
                for image_id, (source, _) in zip(ids, rows, strict=True)
                if image_id is not None and source.label is not None
            }
            label_each(connection, operation_id, labels)
            detail = {"first": added[0], "last": added[-1], "message": f"{counted(len(added))} added."}
            journal_sql.append(
                connection, operation_id, author=author, source=origin, action="add_images", detail=detail
            )
    # Reported once committed: a failed commit must not leave ids behind that lead nowhere.
    report.added.extend(added)
    report.skipped.extend(
        source.key for image_id, (source, _) in zip(ids, rows, strict=True) if image_id is None
    )


def channel_options(channels: Any) -> tuple[int | None, list[str] | None]:
    """The number and the names that ``add_images(channels=…)`` gives.

    Raises
    ------
    SelectionError
        If it is neither a number from 1 on, nor different names.
    """
    if channels is None:
        return None, None
    if isinstance(channels, int) and not isinstance(channels, bool) and channels > 0:
        return channels, None
    if isinstance(channels, (list, tuple)) and channels:
        names = [name.strip() for name in channels if isinstance(name, str) and name.strip()]
        if len(names) == len(channels) == len(set(names)):
            return len(names), names
    raise SelectionError(
        f'channels is the number of channels or a list of their names, such as 3 or ["DAPI", "GFP"]; got {channels!r}.'
    )
