"""Adding images to a project, some hundred with each commit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import CategoryError, ImageReadError
from ..imaging import read_header, read_pixels, to_planes
from ..storage import Database
from .categories import checked_name
from .editing import label_each
from .outcome import counted
from .pixels import copy_file, pixel_hash, stored_path, write_block
from .records import AddReport
from .sources import Source
from .sql import images as image_sql
from .sql import journal as journal_sql
from .sql.images import NewImage

_PER_COMMIT = 500
# Small files: more threads than cores only help where the files lie behind a network.
_READERS = 8


def add(
    database: Database,
    folder: Path,
    sources: Sequence[Source],
    failed: dict[str, str],
    *,
    copy: bool,
    verify: bool,
    author: str,
    origin: str,
) -> AddReport:
    """Add the sources to the project.

    Headers are read, files copied and blocks written outside of the transactions; what was committed
    stays when a later part fails.

    Parameters
    ----------
    failed : dict of str to str
        Reasons that are known already; extended and put into the report.
    origin : str
        The operations' source in the journal.
    """
    report = AddReport([], [], failed)
    seen: set[str] = set()
    valid = list(_valid(sources, failed))
    blocks = _write_blocks(folder, valid)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="piximi-import") as readers:
        for start in range(0, len(valid), _PER_COMMIT):
            fresh = _new_sources(database, folder, valid[start : start + _PER_COMMIT], seen, report)

            def read(source: Source) -> NewImage | str:
                return _from_file(folder, source, copy=copy, verify=verify)

            files = readers.map(read, [source for source in fresh if source.pixels is None])
            rows = [
                (source, next(files) if source.pixels is None else _from_array(source, *blocks[id(source)]))
                for source in fresh
            ]
            _commit(database, rows, report, author, origin)
    return report


def _valid(sources: Sequence[Source], failed: dict[str, str]) -> Iterator[Source]:
    for source in sources:
        try:
            source.key.encode()
            yield source if source.label is None else replace(source, label=checked_name(source.label))
        except CategoryError as error:
            failed[source.key] = str(error)
        except UnicodeEncodeError:
            failed[ascii(source.key)] = "the file's name is not valid Unicode; rename the file"


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
        images = (to_planes(source.pixels) for source in group if source.pixels is not None)
        block = write_block(folder, images, len(group))
        places.update({id(source): (block, index) for index, source in enumerate(group)})
    return places


def _from_array(source: Source, block: str, index: int) -> NewImage:
    assert source.pixels is not None
    pixels = to_planes(source.pixels)
    planes, height, width, channels = pixels.shape
    return NewImage(
        name=source.name or f"{Path(block).stem.replace('block', 'array')[:14]}-{index:05d}",
        height=height,
        width=width,
        channels=channels,
        planes=planes,
        dtype=pixels.dtype.name,
        block=block,
        block_index=index,
        pixel_hash=pixel_hash(pixels),
        metadata=_json(source.metadata),
    )


def _from_file(folder: Path, source: Source, *, copy: bool, verify: bool) -> NewImage | str:
    assert source.path is not None
    try:
        # Asked before the file is read: a file that changes meanwhile is noticed by its later time.
        status = os.stat(source.path)
        header = read_header(source.path)
        digest = pixel_hash(read_pixels(source.path)) if verify else None
        place = stored_path(folder, source.path)
        path = copy_file(folder, source.path) if copy else place
        if copy:
            status = os.stat(folder / path)
    except ImageReadError as error:
        return str(error).removeprefix(f"{source.path}: ")
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return NewImage(
        name=source.name or os.path.basename(source.path),
        height=header.height,
        width=header.width,
        channels=header.channels,
        planes=header.planes,
        dtype=header.dtype,
        path=path,
        origin=place if copy else None,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        pixel_hash=digest,
        metadata=_json(source.metadata),
    )


def _commit(
    database: Database,
    rows: Sequence[tuple[Source, NewImage | str]],
    report: AddReport,
    author: str,
    origin: str,
) -> None:
    """Insert one chunk's rows and labels as one operation."""
    ready = [(source, row) for source, row in rows if isinstance(row, NewImage)]
    report.failed.update({source.key: row for source, row in rows if isinstance(row, str)})
    if not ready:
        return
    with database.write() as connection:
        operation_id = journal_sql.next_id(connection)
        ids = image_sql.insert(connection, [row for _, row in ready])
        added = [image_id for image_id in ids if image_id is not None]
        if added:
            labels = {
                image_id: source.label
                for image_id, (source, _) in zip(ids, ready, strict=True)
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
        source.key for image_id, (source, _) in zip(ids, ready, strict=True) if image_id is None
    )


def _json(metadata: dict[str, Any] | None) -> str | None:
    return json.dumps(metadata, ensure_ascii=False) if metadata else None
