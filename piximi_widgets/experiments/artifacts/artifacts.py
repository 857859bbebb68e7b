"""Artifacts: files and folders under a name, each with its versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...errors import ArtifactError
from ..sql import results as sql_results
from ..values import as_datetime, clean_name, now
from .folders import check_filename, files_below, refuse_special
from .keeping import keep_content as keep_content
from .keeping import keep_folder, remove_unused
from .stored import Stored, download_all, near

if TYPE_CHECKING:
    import os
    import sqlite3

    from ..experiment import Experiment
    from ..store import ExperimentStore


@dataclass(frozen=True)
class Artifact(Stored):
    """One version of a named file or folder.

    Attributes
    ----------
    name : str
        What it is called in the experiment, for example ``"model-latest"``.
    version : int
        Counted from 1 for each name; the number of a deleted one is not given again.
    filename : str
        What the file or folder was called; a download is called so again.
    sha256 : str
        Of the file; of a folder, that of its list of files.
    size : int
        Bytes.
    created : datetime
    kind : {"file", "folder"}
    """

    name: str
    version: int
    filename: str
    sha256: str
    size: int
    created: datetime
    _experiment: Experiment = field(repr=False, compare=False)
    kind: Literal["file", "folder"] = "file"

    @property
    def store(self) -> ExperimentStore:
        """Where it is kept."""
        return self._experiment.store

    @property
    def versions(self) -> list[Artifact]:
        """All versions under this name, oldest first."""
        with self.store.database.read() as connection:
            rows = sql_results.artifact_versions(connection, self._experiment.id, self.name)
        return [_artifact(row, self._experiment) for row in rows]

    def delete(self) -> None:
        """Delete the artifact of this name with all its versions, and files that nothing else uses."""
        with self._experiment.writing(durable=True) as connection:
            unused = sql_results.delete_artifact(connection, self._experiment.id, self.name)
        remove_unused(self.store, unused or ())

    def delete_version(self) -> None:
        """Delete this version alone, and files that nothing else uses; the other versions stay as they are.

        Raises
        ------
        ArtifactError
            It was deleted already.
        """
        with self._experiment.writing(durable=True) as connection:
            unused = sql_results.delete_artifact(connection, self._experiment.id, self.name, self.version)
            if unused is None:
                raise ArtifactError(
                    f"Version {self.version} of {self.name!r} is no longer there; `versions` shows what is."
                )
        remove_unused(self.store, unused)


class Artifacts(Mapping[str, Artifact]):
    """The artifacts of an experiment by name; each entry is the newest version."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def store(
        self, name: str, source: str | os.PathLike[str] | bytes, *, filename: str | None = None
    ) -> Artifact:
        """Keep a copy of a file or of a whole folder under `name`; earlier versions stay.

        Parameters
        ----------
        name : str
        source : path or bytes
            The file, the folder, or the content of a file. Folders of any depth are kept with all their files and
            empty folders; of dates and rights nothing is kept, and a symbolic link as the file that it points to,
            which must be in the folder.
        filename : str, optional
            What a download is called; by default the name of the file or folder, or `name` for bytes.

        Returns
        -------
        Artifact
            The new version, safe on disk.

        Raises
        ------
        ArtifactError
            Nothing that can be read, a folder without a file or with something in it that is none (a device, a pipe, a
            link that leads out), or a `filename` with a folder in it. Nothing was stored.
        """
        name = clean_name(name, "An artifact's name", error=ArtifactError)
        store = self._experiment.store
        store.check_writable()
        content: Path | bytes
        if isinstance(source, bytes):
            content, kind = source, "file"
            filename = name if filename is None else filename
        else:
            content = Path(source)
            refuse_special(content)
            kind = "folder" if content.is_dir() else "file"
            # that of "." and of "model/.." is the name of what they lead to
            filename = (
                (content.resolve() if kind == "folder" else content).name if filename is None else filename
            )
        check_filename(filename)

        def insert(connection: sqlite3.Connection, sha256: str, size: int) -> int:
            return sql_results.insert_artifact(
                connection, self._experiment.id, name, kind, filename, sha256, size, now()
            )

        if isinstance(content, Path) and kind == "folder":
            files = files_below(content, store.contents.folder)
            version = keep_folder(self._experiment, files, insert)
        else:
            version = keep_content(self._experiment, content, insert)
        return next(found for found in self._versions(name) if found.version == version)

    def download(self, folder: str | os.PathLike[str] = ".", *, overwrite: bool = False) -> dict[str, Path]:
        """Copy the newest version of every artifact into `folder`, checked against their hashes.

        Each gets its file name. Artifacts that share one each go into a folder of the artifact's own name below
        `folder`, in which characters that a folder's name cannot have are underscores.

        Parameters
        ----------
        folder : path
            Made when it is missing.
        overwrite : bool
            Replace files and folders of these names.

        Returns
        -------
        dict of str to Path
            Where each artifact is now, by its name.

        Raises
        ------
        ArtifactError
            A stored file is missing or damaged, or a file is in the way; those before it were copied.
        """
        return download_all(dict(self), Path(folder), overwrite=overwrite)

    def get(self, name: str, default: Any = None) -> Any:
        """The newest version under `name`, or `default`."""
        versions = self._versions(name)
        return versions[-1] if versions else default

    def __getitem__(self, name: str) -> Artifact:
        versions = self._versions(name)
        if not versions:
            raise ArtifactError(
                f"Experiment {self._experiment.name!r} has no artifact {name!r}{near(name, self)}; "
                f"there are: {', '.join(map(repr, self)) or 'none yet'}."
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


def _artifact(row: sqlite3.Row, experiment: Experiment) -> Artifact:
    created = as_datetime(row["created"])
    assert created is not None
    return Artifact(
        row["name"],
        row["version"],
        row["filename"],
        row["sha256"],
        row["size"],
        created,
        experiment,
        row["kind"],
    )
