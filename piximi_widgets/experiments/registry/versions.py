"""A version of a published model: what a training has led to, kept apart from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ...errors import ExperimentNotFoundError, StoreError
from ..artifacts.keeping import remove_unused
from ..artifacts.stored import Stored, download_all
from ..attached import AttachedDataset
from ..values import as_datetime
from . import html, sql

if TYPE_CHECKING:
    import os

    from ..experiment import Experiment
    from ..store import ExperimentStore
    from .models import Model

FRAMEWORKS = ("TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED")
"""What a model may be made with."""


@dataclass(frozen=True)
class ModelFile(Stored):
    """A file or folder of a model version.

    Attributes
    ----------
    name : str
        That of the artifact which was published, for example ``"model-latest"``.
    kind : {"file", "folder"}
    filename : str
        What a download is called.
    sha256 : str
        Of the file; of a folder, that of its list of files.
    size : int
        Bytes.
    """

    name: str
    kind: Literal["file", "folder"]
    filename: str
    sha256: str
    size: int
    _store: ExperimentStore = field(repr=False, compare=False)

    @property
    def store(self) -> ExperimentStore:
        """Where it is kept."""
        return self._store


@dataclass(frozen=True)
class ModelContext:
    """Where a model version comes from, as things were when it was published.

    Attributes
    ----------
    experiment_uid : str
    experiment_name : str
    datasets : dict of str to AttachedDataset
        By alias: uid, name and fingerprint.
    parameters : dict
    """

    experiment_uid: str
    experiment_name: str
    datasets: dict[str, AttachedDataset]
    parameters: dict[str, Any]
    _store: ExperimentStore = field(repr=False, compare=False)

    @property
    def experiment(self) -> Experiment | None:
        """The experiment; None when it was purged, or lies in another store."""
        try:
            return self._store[self.experiment_uid]
        except ExperimentNotFoundError:
            return None


class ModelVersion:
    """One version of a published model, which does not change.

    Attributes
    ----------
    id : int
        Local to the store and never reused; see `uid` for a name that holds everywhere.
    uid : str
    number : int
        Counted from 1 within its model, and never given again.
    description : str
    framework : {"TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED"}
    labels : dict of str to str
        Class names by index, ``{"0": "cat", "1": "dog"}``.
    creator : str
        Login name of who published it.
    created : datetime
    trained_on : tuple of str
        Uids of the dataset versions that its weights have learned from, those of its bases among them.
    """

    def __init__(self, store: ExperimentStore, row: sqlite3.Row) -> None:
        created = as_datetime(row["created"])
        assert created is not None
        self.store = store
        self.id = int(row["id"])
        self.uid = str(row["uid"])
        self.number = int(row["number"])
        self.description = str(row["description"])
        self.framework = str(row["framework"])
        self.labels: dict[str, str] = json.loads(row["labels"])
        self.creator = str(row["creator"])
        self.created: datetime = created
        self.trained_on: tuple[str, ...] = tuple(json.loads(row["trained_on"]))
        self._model_id = int(row["model_id"])
        self._row = row

    @cached_property
    def context(self) -> ModelContext:
        """Experiment, datasets and parameters, as they were when it was published."""
        row = self._row
        datasets = json.loads(row["datasets"])
        return ModelContext(
            str(row["experiment_uid"]),
            str(row["experiment_name"]),
            {alias: AttachedDataset(*values) for alias, values in datasets.items()},
            json.loads(row["parameters"]),
            self.store,
        )

    @property
    def model(self) -> Model:
        """The model that it is a version of."""
        from .models import Model

        return Model(self.store, self._model_id)

    @property
    def name(self) -> str:
        """The model's name and the number: ``"cells 2"``."""
        return f"{self.model.name} {self.number}"

    @property
    def files(self) -> Mapping[str, ModelFile]:
        """Its files and folders by the names that they had as artifacts, each with `path` and `download`."""
        with self.store.database.read() as connection:
            if sql.version(connection, self.id) is None:
                raise self._gone()
            rows = sql.files(connection, self.id)
        return MappingProxyType({row["name"]: _file(row, self.store) for row in rows})

    def download(self, folder: str | os.PathLike[str] = ".", *, overwrite: bool = False) -> dict[str, Path]:
        """Copy all files into `folder`, checked against their hashes.

        Each gets its file name. Those that share one each go into a folder of their own name below `folder`.

        Parameters
        ----------
        folder : path
            Made when it is missing.
        overwrite : bool
            Replace files and folders of these names.

        Returns
        -------
        dict of str to Path
            Where each file is now, by its name.

        Raises
        ------
        ArtifactError
            A stored file is missing or damaged, or a file is in the way; those before it were copied.
        """
        return download_all(dict(self.files), Path(folder), overwrite=overwrite)

    def delete(self) -> None:
        """Delete this version, and files that nothing else uses. Its number is never given again.

        Raises
        ------
        StoreError
            Experiments go on from it: without it nobody would know which images their weights have seen, and such
            images could be scored. Nothing was deleted.
        """
        with self.store.database.write(durable=True) as connection:
            named = sql.experiments_on_version(connection, self.id)
            if named:
                raise StoreError(
                    f"{', '.join(map(repr, named))} went on from {self.name!r}, which is kept to know the images that "
                    "were trained on. Purge these experiments first, or give them another base model."
                )
            unused = sql.delete_version(connection, self.id)
            if unused is None:
                raise self._gone()
        remove_unused(self.store, unused)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ModelVersion)
            and self.uid == other.uid
            and self.store.place == other.store.place
        )

    def __hash__(self) -> int:
        return hash((self.store.place, self.uid))

    def __repr__(self) -> str:
        return f"<ModelVersion {self.name!r}: {self.framework}, {len(self.labels)} labels, {len(self.files)} files>"

    def _repr_html_(self) -> str:
        return html.version_html(self)

    def _gone(self) -> StoreError:
        return StoreError(
            f"Version {self.number} of this model was deleted; store.models shows what there is."
        )


def _file(row: sqlite3.Row, store: ExperimentStore) -> ModelFile:
    return ModelFile(row["name"], row["kind"], row["filename"], row["sha256"], row["size"], store)
