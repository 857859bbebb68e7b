"""Files kept under the hash of their content, so that equal files are kept once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ..errors import ArtifactError
from ..storage import write_atomically

_CHUNK = 1 << 20


class Contents:
    """A folder of files named by sha256, two letters of it as a subfolder.

    Parameters
    ----------
    folder : Path
        Made when the first file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the content lies, or would lie."""
        return self.folder / sha256[:2] / sha256

    def keep(self, source: Path | bytes) -> tuple[str, int]:
        """Copy a file, or write bytes, into the folder; returns (sha256, size in bytes).

        Raises
        ------
        ArtifactError
            The file cannot be read, or changed while it was being copied.
        """
        if isinstance(source, bytes):
            sha256, size = hashlib.sha256(source).hexdigest(), len(source)
        else:
            sha256, size = _read_hash(source)
        target = self.path(sha256)
        # a file of another size was damaged since; it is mended here
        if target.is_file() and target.stat().st_size == size:
            return sha256, size
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, bytes):
            write_atomically(target, source)
            return sha256, size

        def copy(file: BinaryIO) -> None:
            if _copy_and_hash(source, file) != sha256:
                raise ArtifactError(f"{source} changed while it was being stored; store it again.")

        write_atomically(target, copy)
        return sha256, size

    def copy_to(self, sha256: str, target: Path) -> None:
        """Copy a content to `target`, checked against its hash on the way.

        Raises
        ------
        ArtifactError
            The content is missing or damaged; `target` is left as it was.
        """
        source = self.existing(sha256)

        def copy(file: BinaryIO) -> None:
            if _copy_and_hash(source, file) != sha256:
                raise ArtifactError(
                    f"{source} is damaged: its content no longer has the recorded sha256. "
                    "Restore the file from a copy."
                )

        write_atomically(target, copy)

    def existing(self, sha256: str) -> Path:
        """The path of a content that is there.

        Raises
        ------
        ArtifactError
            The file was removed by somebody else.
        """
        path = self.path(sha256)
        if not path.is_file():
            raise ArtifactError(
                f"The file {path} is missing: it was removed or not copied along with the store. "
                "Restore it from a copy, or store the artifact again."
            )
        return path

    def remove(self, contents: Iterable[str]) -> None:
        """Remove contents that nothing refers to."""
        for sha256 in contents:
            self.path(sha256).unlink(missing_ok=True)


def _read_hash(source: Path) -> tuple[str, int]:
    try:
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return sha256, file.tell()
    except OSError as error:
        raise ArtifactError(f"{source} cannot be read: {error.strerror or error}.") from error


def _copy_and_hash(source: Path, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()
