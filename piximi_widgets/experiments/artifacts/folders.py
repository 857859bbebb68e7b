"""Folders as artifacts: what may lie in one, the hash of all of it, and how it is built again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ArtifactError
from ..values import is_text

if TYPE_CHECKING:
    from .contents import Contents

_RESERVED = frozenset("/\\\0")


class FolderEntry(NamedTuple):
    """One file of a folder, or one of its folders that is empty.

    Attributes
    ----------
    path : str
        Below the folder, with slashes. That of an empty folder ends in a slash.
    sha256 : str
        Of nothing, for an empty folder.
    size : int
        Bytes.
    """

    path: str
    sha256: str
    size: int


def folder_digest(entries: Iterable[tuple[str, str, int]]) -> str:
    """SHA-256 (hex) under which a folder is kept.

    It is that of the UTF-8 bytes of a JSON list without blanks, ``[["a/b.txt","<sha256>",3],…]``, ordered by
    path as code points, with nothing escaped that JSON does not ask for.
    """
    listed = sorted([path, sha256, size] for path, sha256, size in entries)
    return hashlib.sha256(json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def check_filename(filename: str) -> str:
    """Return `filename`, or raise ArtifactError where it would leave its folder."""
    if not is_text(filename):
        raise ArtifactError(f"{filename!r} is no file name that can be stored; give filename= in UTF-8.")
    if not filename or filename in {".", ".."} or set(filename) & _RESERVED:
        raise ArtifactError(f"{filename!r} is no file name; give filename= without a folder.")
    return filename


def files_below(folder: Path, forbidden: Path) -> dict[str, Path | None]:
    """Find everything in a folder of any depth.

    A symbolic link is kept as the file that it points to, when that is in the folder too.

    Parameters
    ----------
    folder : Path
    forbidden : Path
        The store's own folder of files, which may not be a part of it.

    Returns
    -------
    dict of str to Path
        The file by its path below the folder; None for an empty folder, whose path ends in a slash.

    Raises
    ------
    ArtifactError
        A file that is none (a device, a pipe, a socket), a link out of the folder, to a folder or to nothing, a
        name that is none elsewhere, nothing at all, or a folder that cannot be read.
    """
    root = folder.resolve()
    if forbidden.resolve().is_relative_to(root):
        raise ArtifactError(
            f"{folder} holds the store's own files in {forbidden}; store the folders in it one by one."
        )
    found: dict[str, Path | None] = {}
    waiting = [(root, "")]
    while waiting:
        place, above = waiting.pop()
        try:
            with os.scandir(place) as scanned:
                entries = list(scanned)
        except OSError as error:
            raise ArtifactError(f"{place} cannot be read: {error.strerror or error}.") from error
        if not entries and above:
            found[above] = None
        for entry in entries:
            path = above + _checked(entry.name, place)
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), f"{path}/"))
            else:
                found[path] = _regular(Path(entry.path), root)
    if not any(found.values()):
        raise ArtifactError(f"{folder} is a folder without a file; there is nothing to store.")
    return dict(sorted(found.items()))


def refuse_special(path: Path) -> None:
    """Raise ArtifactError for what is there and neither a file nor a folder: reading a pipe would never end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ArtifactError(f"{path} is neither a file nor a folder but {_kind(mode)}; it cannot be stored.")


def build_folder(
    entries: Iterable[FolderEntry], contents: Contents, target: Path, *, overwrite: bool
) -> None:
    """Build a folder from its stored files, each checked against its hash; `target` is whole or as it was.

    Raises
    ------
    ArtifactError
        A stored file is missing or damaged, a path would lead out of the folder, or `target` cannot be replaced.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ArtifactError(f"{target} is not a folder and is not replaced by one; give another folder.")
    # not mkdtemp, which makes folders for their owner alone
    building = target.parent / f".{target.name[:40]}.{uuid.uuid4().hex[:12]}.part"
    building.mkdir()
    try:
        copies = []
        for entry in entries:
            place = building.joinpath(*_parts(entry.path))
            if entry.path.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                copies.append((entry.sha256, place))
        contents.copy_many(copies)
        _put_in_place(building, target, overwrite=overwrite)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArtifactError(
            f"Two files of the folder have one name on this disk: {error.filename}. Nothing was written."
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _put_in_place(building: Path, target: Path, *, overwrite: bool) -> None:
    if not target.exists():
        building.rename(target)
        return
    if not overwrite:
        raise ArtifactError(f"{target} is there already; give another folder, or overwrite=True.")
    # The folder before goes only when the new one has its place.
    aside = target.parent / f".{target.name[:40]}.{uuid.uuid4().hex[:12]}.old"
    aside.mkdir()
    target.rename(aside / target.name)
    try:
        building.rename(target)
    except BaseException:
        (aside / target.name).rename(target)
        aside.rmdir()
        raise
    shutil.rmtree(aside)


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path that may have come with a stranger's store."""
    parts = tuple(path.removesuffix("/").split("/"))
    for part in parts:
        drive = PureWindowsPath(part).drive if os.name == "nt" else ""
        if part in {"", ".", ".."} or set(part) & _RESERVED or drive:
            raise ArtifactError(
                f"{path!r} leads out of its folder or is no path; this artifact is not built."
            )
    return parts


def _checked(name: str, place: Path) -> str:
    if "\\" in name:
        raise ArtifactError(
            f"{place / name} has a backslash in its name, which is a folder elsewhere; rename it."
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"{place} holds a file whose name is not UTF-8: {name!r}; rename it.") from None
    return name


def _regular(path: Path, root: Path) -> Path:
    """The file at `path`, or the one in the folder `root` to which it links."""
    if path.is_symlink():
        try:
            linked = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise ArtifactError(f"{path} is a link to nothing; remove it, or put the file there.") from None
        if not linked.is_relative_to(root):
            raise ArtifactError(
                f"{path} is a link to {linked}, outside the folder; put the file itself there."
            )
        if linked.is_dir():
            raise ArtifactError(
                f"{path} is a link to a folder; put the folder itself there, or remove the link."
            )
        path = linked
    refuse_special(path)
    return path


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "a special file")
