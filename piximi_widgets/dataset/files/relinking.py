"""Finding the files of images again after they were moved."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ProjectError
from ...storage import Database
from ..outcome import counted
from ..sql import files as sql
from ..sql import journal as journal_sql
from ..sql.files import FileRow, Move
from .image_files import file_status, full_path
from .lost_images import Lost, lost_images
from .pixels import copy_file, stored_path
from .search import Found, Search, agreement

_PER_COMMIT = 500
_PAUSE = 0.02


@dataclass(frozen=True)
class RelinkReport:
    """What became of the images whose files were missing.

    Attributes
    ----------
    found : dict of int to str
        By id the path of a file with the very pixels of the image.
    unverified : dict of int to str
        By id the path of the one file of the image's name, size, shape and dtype, where its pixels were never
        read before, so that nothing more is known of them.
    missing : dict of int to str
        By id the reason why no file was found.
    """

    found: dict[int, str] = field(default_factory=dict)
    unverified: dict[int, str] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        lines = [
            f"{len(self.found)} found, {len(self.unverified)} by name and size, {len(self.missing)} missing"
        ]
        lines += [f"  image {image_id}: {reason}" for image_id, reason in list(self.missing.items())[:10]]
        if len(self.missing) > 10:
            lines.append(f"  … and {len(self.missing) - 10} more in .missing")
        return "\n".join(lines)


def relink(database: Database, folder: Path, search_in: Path, author: str) -> RelinkReport:
    """Look for the files of images that are not where they were, and note where they are.

    Raises
    ------
    ProjectError
        If `search_in` is no folder.
    """
    if not search_in.is_dir():
        raise ProjectError(f"{search_in} is no folder. Name the folder in which the images are now.")
    report = RelinkReport()
    with database.read() as connection:
        files = sql.all_files(connection)
    lost = lost_images(database, folder, files)
    if not lost:
        return report
    held = _held(folder, files, lost)
    chosen = _choose(folder, lost, held, search_in, report)
    _refuse_blocked(folder, lost, chosen, report)
    moves = {image_id: _moves(folder, lost[image_id], paths, report) for image_id, paths in chosen.items()}
    _write(database, lost, {image_id: some for image_id, some in moves.items() if some}, report, author)
    return report


# -- which file is whose ---------------------------------------------------------------------------


def _held(folder: Path, files: Sequence[FileRow], lost: Mapping[int, Lost]) -> dict[str, int]:
    """The files that images refer to which are not lost, and those images."""
    return {
        full_path(folder, file.path): file.image_id
        for file in files
        if file.position == 0 and not file.removed and file.image_id not in lost
    }


def _choose(
    folder: Path, lost: Mapping[int, Lost], held: Mapping[str, int], search_in: Path, report: RelinkReport
) -> dict[int, list[str]]:
    """The new paths of all files of each image for which some fit."""
    found = Found(search_in)
    search = Search(folder, found)
    paths = {
        image_id: [full_path(folder, file.path) for file in image.files] for image_id, image in lost.items()
    }
    # A copy inside of the project has a name that says nothing; the file that it was made from has.
    names = {
        image_id: full_path(folder, image.row.origin) if image.row.origin else paths[image_id][0]
        for image_id, image in lost.items()
    }
    single = [image for image in lost.values() if len(image.files) == 1]
    search.read_ahead(
        [(one.location, names[one.location.id]) for one in single if one.location.pixel_hash is not None]
    )
    taken = set(held)
    chosen: dict[int, list[str]] = {}

    def strength(image: Lost) -> int:
        name = names[image.location.id]
        level = next(found.by_name(name, image.location.size), None)
        return agreement(name, level[0]) if level else 0

    # Of two images with the same pixels the one whose folders are still called the same chooses first.
    for image in sorted(lost.values(), key=lambda image: (-strength(image), image.location.id)):
        image_id = image.location.id
        forbidden = set() if image.is_free else taken
        if len(image.files) > 1:
            result = search.joined(image.location, paths[image_id], image.positions)
            if not isinstance(result, str) and result[0] in forbidden:
                result = _taken(result[0], held)
        else:
            result = _one_file(search, image, names[image_id], forbidden, held)
        if isinstance(result, str):
            there = f"{paths[image_id][0]} holds other pixels now; " if image.is_there else ""
            report.missing[image_id] = there + result
            continue
        chosen[image_id] = result
        if not image.is_free:
            taken.add(result[0])
        verified = image.location.pixel_hash is not None
        (report.found if verified else report.unverified)[image_id] = result[0]
    return chosen


def _one_file(
    search: Search, image: Lost, name: str, taken: set[str], held: Mapping[str, int]
) -> list[str] | str:
    location = image.location
    if location.pixel_hash is not None:
        path = next(search.candidates(location, name, taken), None)
        if path is not None:
            return [path]
        path = next(search.candidates(location, name, set()), None) if taken else None
        return "no file holds its pixels" if path is None else _taken(path, held)
    fitting = search.unverified(location, name, taken)
    if isinstance(fitting, str):
        return [fitting]
    if not fitting:
        return "no file has its name and size, and its pixels were never read, so that nothing else tells it"
    if len({_digest(path) for path in fitting}) == 1:
        return fitting[:1]
    return (
        f"{len(fitting)} different files have its name and size ({fitting[0]}, {fitting[1]}); keep only the"
        " right one in the folder"
    )


def _taken(path: str, held: Mapping[str, int]) -> str:
    if path in held:
        return (
            f"its file is {path}, which is image {held[path]} already. To keep this image and its label, take"
            f" that one out with remove_images({held[path]}) and relink again"
        )
    return f"its file is {path}, which another missing image with the same pixels has got"


def _digest(path: str) -> str:
    if os.path.isdir(path):
        return path
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_blocked(
    folder: Path, lost: Mapping[int, Lost], chosen: dict[int, list[str]], report: RelinkReport
) -> None:
    """Leave out images whose new path is that of a lost image which stays where it is."""
    owner = {
        full_path(folder, image.row.path): image_id for image_id, image in lost.items() if not image.is_free
    }
    while True:
        blocked = {
            image_id: owner[paths[0]]
            for image_id, paths in chosen.items()
            if not lost[image_id].is_free
            and owner.get(paths[0], image_id) != image_id
            and owner[paths[0]] not in chosen
        }
        if not blocked:
            return
        for image_id, other in blocked.items():
            path = chosen.pop(image_id)[0]
            report.found.pop(image_id, None)
            report.unverified.pop(image_id, None)
            report.missing[image_id] = (
                f"its file is {path}, where image {other} is noted, whose own file was not found. Find that"
                f" file, or take image {other} out with remove_images, and relink again"
            )


# -- writing ---------------------------------------------------------------------------------------


def _moves(folder: Path, image: Lost, paths: Sequence[str], report: RelinkReport) -> list[Move]:
    """What is to be noted for one image; a file that the project had copied is copied again."""
    moves = []
    try:
        for file, path in zip(image.files, paths, strict=True):
            if file.position not in image.positions:
                continue
            stored = stored_path(folder, path) if file.origin is None else copy_file(folder, path)
            status = file_status(full_path(folder, stored))
            moves.append(Move(file.image_id, file.position, file.path, stored, file.origin, *status))
    except OSError as error:
        _miss(
            report, image.location.id, f"its file {path} cannot be read or copied ({error.strerror or error})"
        )
        return []
    return moves


def _miss(report: RelinkReport, image_id: int, reason: str) -> None:
    report.found.pop(image_id, None)
    report.unverified.pop(image_id, None)
    report.missing[image_id] = reason


def _write(
    database: Database,
    lost: Mapping[int, Lost],
    moves: Mapping[int, list[Move]],
    report: RelinkReport,
    author: str,
) -> None:
    for ids in _batches(lost, moves):
        # A thread that waits to label gets its turn; without a pause this one would mostly be faster.
        time.sleep(_PAUSE)
        with database.write() as connection:
            # Another process may have added a file under its new path since.
            targets = {
                _own_target(moves[image_id]): image_id for image_id in ids if not lost[image_id].is_free
            }
            targets.pop(None, None)
            there = sql.holders(connection, [path for path in targets if path])
            late = {targets[path]: holder for path, holder in there.items() if holder not in ids}
            written = [move for image_id in ids if image_id not in late for move in moves[image_id]]
            if written:
                operation_id = journal_sql.next_id(connection)
                sql.move(connection, written)
                count = len(ids) - len(late)
                journal_sql.append(
                    connection,
                    operation_id,
                    author=author,
                    source="api",
                    action="relink",
                    detail={
                        "images": count,
                        "files": len(written),
                        "message": f"{counted(count)} found again in other places.",
                    },
                )
        for image_id, holder in late.items():
            _miss(report, image_id, f"its file is image {holder} already")


def _own_target(moves: Sequence[Move]) -> str | None:
    """The path by which an image will be known, if that changes."""
    return moves[0].path if moves[0].position == 0 else None


def _batches(lost: Mapping[int, Lost], moves: Mapping[int, list[Move]]) -> Iterator[Collection[int]]:
    """Some hundred images each; those that take each other's places together, however many they are."""
    owner = {lost[image_id].row.path: image_id for image_id in moves if not lost[image_id].is_free}
    group = {image_id: [image_id] for image_id in moves}
    for image_id, some in moves.items():
        other = owner.get(_own_target(some) or "")
        if other is not None and group[other] is not group[image_id]:
            group[image_id].extend(group[other])
            for member in group[other]:
                group[member] = group[image_id]
    batch: list[int] = []
    for members in {id(members): members for members in group.values()}.values():
        if batch and len(batch) + len(members) > _PER_COMMIT:
            yield batch
            batch = []
        batch.extend(members)
    if batch:
        yield batch
