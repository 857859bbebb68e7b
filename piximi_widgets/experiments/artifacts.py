"""Artifacts: files under a name, each with its versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ArtifactError
from . import sql_results
from .values import as_datetime, clean_name, now

if TYPE_CHECKING:
    import os
    import sqlite3

    from .experiment import Experiment

_TRIES = 5
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Artifact:
    """One version of a named file.

    Attributes
    ----------
    name : str
        What it is called in the experiment, for example ``"model-latest"``.
    version : int
        Counted from 1 for each name.
    filename : str
        What the file was called; a download is called so again.
    sha256 : str
    size : int
        Bytes.
    created : datetime
    """

    name: str
    version: int
    filename: str
    sha256: str
    size: int
    created: datetime
    _experiment: Experiment = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The stored file itself, to be read and not changed.

        Raises
        ------
        ArtifactError
            The file is missing.
        """
        return self._experiment.store.contents.existing(self.sha256)

    @property
    def versions(self) -> list[Artifact]:
        """All versions under this name, oldest first."""
        with self._experiment.store.database.read() as connection:
            rows = sql_results.artifact_versions(connection, self._experiment.id, self.name)
        return [_artifact(row, self._experiment) for row in rows]

    def download(self, folder: str | os.PathLike[str] = ".", *, overwrite: bool = False) -> Path:
        """Copy the file into `folder` under its file name, checked against its sha256.

        Parameters
        ----------
        folder : path
            Made when it is missing.
        overwrite : bool
            Replace a file of that name.

        Raises
        ------
        ArtifactError
            The stored file is missing or damaged, or a file of that name is there already.
        """
        target = Path(folder) / self.filename
        if target.exists() and not overwrite:
            raise ArtifactError(f"{target} is there already; give another folder, or overwrite=True.")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._experiment.store.contents.copy_to(self.sha256, target)
        return target

    def delete(self) -> None:
        """Delete the artifact of this name with all its versions, and files that nothing else uses."""
        with self._experiment.writing(durable=True) as connection:
            unused = sql_results.delete_artifact(connection, self._experiment.id, self.name)
            # inside the transaction: nobody can come to refer to these files meanwhile
            self._experiment.store.contents.remove(unused)


class Artifacts(Mapping[str, Artifact]):
    """The artifacts of an experiment by name; each entry is the newest version."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def store(
        self, name: str, source: str | os.PathLike[str] | bytes, *, filename: str | None = None
    ) -> Artifact:
        """Keep a copy of a file under `name`; earlier versions stay.

        Parameters
        ----------
        name : str
        source : path or bytes
            The file, or its content.
        filename : str, optional
            What a download is called; by default the name of the file, or `name` for bytes.

        Returns
        -------
        Artifact
            The new version, safe on disk.

        Raises
        ------
        ArtifactError
            No readable file, or a `filename` with a folder in it.
        """
        name = clean_name(name, "An artifact's name", error=ArtifactError)
        store = self._experiment.store
        store.check_writable()
        if isinstance(source, bytes):
            content: Path | bytes = source
            filename = name if filename is None else filename
        else:
            content = Path(source)
            if content.is_dir():
                raise ArtifactError(
                    f"{content} is a folder; store the files in it one by one, or an archive of it."
                )
            filename = content.name if filename is None else filename
        if not filename or filename in {".", ".."} or set(filename) & set("/\\\0"):
            raise ArtifactError(f"{filename!r} is no file name; give filename= without a folder.")

        def insert(connection: sqlite3.Connection, sha256: str, size: int) -> int:
            return sql_results.insert_artifact(
                connection, self._experiment.id, name, filename, sha256, size, now()
            )

        version = keep_content(self._experiment, content, insert)
        return next(found for found in self._versions(name) if found.version == version)

    def get(self, name: str, default: Any = None) -> Any:
        """The newest version under `name`, or `default`."""
        versions = self._versions(name)
        return versions[-1] if versions else default

    def __getitem__(self, name: str) -> Artifact:
        versions = self._versions(name)
        if not versions:
            known = ", ".join(map(repr, self)) or "none yet"
            raise ArtifactError(
                f"Experiment {self._experiment.name!r} has no artifact {name!r}; there are: {known}."
            )
        return versions[-1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._versions(name))

    def __iter__(self) -> Iterator[str]:
        with self._experiment.store.database.read() as connection:
            return iter(sql_results.artifact_names(connection, self._experiment.id))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"<Artifacts of {self._experiment.name!r}: {', '.join(self) or 'none'}>"

    def _versions(self, name: str) -> list[Artifact]:
        with self._experiment.store.database.read() as connection:
            rows = sql_results.artifact_versions(connection, self._experiment.id, name)
        return [_artifact(row, self._experiment) for row in rows]


def keep_content(
    experiment: Experiment,
    content: Path | bytes,
    refer: Callable[[sqlite3.Connection, str, int], _Result],
) -> _Result:
    """Keep a content and, in one durable transaction, what refers to it.

    Parameters
    ----------
    experiment : Experiment
    content : Path or bytes
    refer : callable
        Given the transaction, the sha256 and the size, writes the reference; its result is returned.
    """
    contents = experiment.store.contents
    for _ in range(_TRIES):
        sha256, size = contents.keep(content)
        with experiment.writing(durable=True) as connection:
            # an equal file that nothing referred to may have been removed until this transaction began
            if contents.path(sha256).is_file():
                return refer(connection, sha256, size)
    raise ArtifactError(f"The file {contents.path(sha256)} is removed again and again by another program.")


def _artifact(row: sqlite3.Row, experiment: Experiment) -> Artifact:
    created = as_datetime(row["created"])
    assert created is not None
    return Artifact(
        row["name"], row["version"], row["filename"], row["sha256"], row["size"], created, experiment
    )
