"""A stored file or folder: what artifacts and the files of published models have in common."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import ArtifactError
from ..sql import contents as sql_contents
from .folders import FolderEntry, build_folder, check_filename, folder_digest

if TYPE_CHECKING:
    import os

    from ..store import ExperimentStore


class Stored:
    """A file or a folder that a store keeps under the hash of its content.

    Subclasses say which: `kind`, `filename`, `sha256`, `size`, `name`, and in which `store`.
    """

    name: str
    filename: str
    sha256: str
    size: int
    kind: Literal["file", "folder"]

    @property
    def store(self) -> ExperimentStore:
        """Where it is kept."""
        raise NotImplementedError

    @property
    def path(self) -> Path:
        """The stored file itself, to be read and not changed.

        Raises
        ------
        ArtifactError
            The file is missing, or this is a folder, whose files lie apart.
        """
        if self.kind == "folder":
            raise ArtifactError(
                f"{self.name!r} is a folder, which lies in the store file by file; download() builds it again."
            )
        return self.store.contents.existing(self.sha256)

    @property
    def files(self) -> dict[str, int]:
        """Bytes of each file by its path below the folder, with slashes; of a file, of that under its file name."""
        if self.kind == "file":
            return {self.filename: self.size}
        return {entry.path: entry.size for entry in self._entries() if not entry.path.endswith("/")}

    def download(self, folder: str | os.PathLike[str] = ".", *, overwrite: bool = False) -> Path:
        """Copy the file or folder into `folder` under its file name, checked against its hash.

        Parameters
        ----------
        folder : path
            Made when it is missing.
        overwrite : bool
            Replace a file, or a whole folder, of that name.

        Returns
        -------
        Path
            The copy.

        Raises
        ------
        ArtifactError
            A stored file is missing or damaged, or something of that name is there already; it stays as it was.
        """
        target = Path(folder) / check_filename(self.filename)
        if target.exists() and not overwrite:
            raise ArtifactError(f"{target} is there already; give another folder, or overwrite=True.")
        target.parent.mkdir(parents=True, exist_ok=True)
        contents = self.store.contents
        if self.kind == "folder":
            build_folder(self._entries(), contents, target, overwrite=overwrite)
        else:
            if target.is_dir():
                raise ArtifactError(
                    f"{target} is a folder and is not replaced by a file; give another folder."
                )
            contents.copy_to(self.sha256, target)
        return target

    def _entries(self) -> list[FolderEntry]:
        with self.store.database.read() as connection:
            entries = [FolderEntry(*row) for row in sql_contents.folder_rows(connection, self.sha256)]
        if folder_digest(entries) != self.sha256:
            raise ArtifactError(
                f"The list of files of the folder {self.name!r} is missing or damaged: it was deleted, or the store's "
                "file was changed by another program. Restore the store from a copy, or store the folder again."
            )
        return entries


def download_all(stored: Mapping[str, Stored], folder: Path, *, overwrite: bool) -> dict[str, Path]:
    """Download each under its file name; where several share one, into a folder of its own name each."""
    # also on a disk that takes capitals and small letters for the same
    shared = Counter(one.filename.casefold() for one in stored.values())
    homes = dict.fromkeys(stored, folder)
    taken = {filename for filename, times in shared.items() if times == 1}
    for name, one in stored.items():
        if shared[one.filename.casefold()] > 1:
            own = _unlike(re.sub(r'[\\/:*?"<>|\0-\x1f]|^\.+|[. ]+$', "_", name), taken)
            taken.add(own.casefold())
            homes[name] = folder / own
    if not overwrite:
        for name, one in stored.items():
            if (target := homes[name] / check_filename(one.filename)).exists():
                raise ArtifactError(f"{target} is there already; give another folder, or overwrite=True.")
    folder.mkdir(parents=True, exist_ok=True)
    return {name: one.download(homes[name], overwrite=overwrite) for name, one in stored.items()}


def near(name: object, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` where a known name is like `name`, otherwise nothing."""
    found = difflib.get_close_matches(str(name), list(known), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _unlike(name: str, taken: set[str]) -> str:
    number, unlike = 1, name
    while unlike.casefold() in taken:
        number += 1
        unlike = f"{name} {number}"
    return unlike
