"""What stores and experiments know about archives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ...errors import StoreError
from ..own_files import refuse_database, refuse_own
from . import sql
from .gathering import add_datasets, gather, kept_datasets
from .layout import Dataset
from .opening import broken, open_archive
from .parsing import parse
from .placing import place
from .writing import write

if TYPE_CHECKING:
    from ..artifacts.contents import Contents
    from ..experiment import Experiment
    from ..store import ExperimentStore


class ArchivedExperiment:
    """The part of an :class:`Experiment` that writes it into one file."""

    store: ExperimentStore
    id: int
    parameters: Any
    tags: Any
    datasets: Any

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the whole experiment into one file, which `ExperimentStore.import_experiment` reads elsewhere.

        It holds the record, all versions of all artifacts, the pictures of its logs and, in a project, the tables of the
        dataset versions that it and its bases have learned from, without pixels. Its base is named, not included. The format is described in
        ``piximi_widgets.experiments.archive``; the same experiment gives the same bytes.

        Parameters
        ----------
        path : path-like
            A zip file; one that is there is replaced once the new one is whole.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ArtifactError
            A stored file is missing or damaged; nothing was written.
        StoreError
            The file cannot be written, it is a database or the store's own, or the experiment is too large for an
            archive.
        """
        target = Path(os.path.abspath(path))
        if not target.parent.is_dir() or target.is_dir():
            raise StoreError(
                f"{target} is a folder, or in a folder that does not exist; name a file, such as run.zip."
            )
        refuse_own(self.store, target)
        refuse_database(target)
        contents: Contents = self.store.contents
        with self.store.database.read() as connection:
            gathered = gather(connection, self.id, self.parameters, self.tags)
            datasets = self._datasets_for_archive()
        add_datasets(gathered, datasets)
        write(target, gathered, contents)
        return target

    def _datasets_for_archive(self) -> list[Dataset]:
        """The dataset versions that are known with their images; a project knows more of them."""
        return list(self._kept_datasets().values())

    def _kept_datasets(self) -> Mapping[str, Dataset]:
        """The dataset versions that came with this experiment in an archive, by uid."""
        with self.store.database.read() as connection:
            return {dataset.uid: dataset for dataset in kept_datasets(connection, self.id)}

    @property
    def _is_imported(self) -> bool:
        """Whether it came in an archive."""
        with self.store.database.read() as connection:
            return sql.origin(connection, self.id) is not None

    def _images_of(self) -> str | None:
        """What numbers the images that this experiment's evaluations name: the uid of a project, as far as it is known.

        Empty where they are this store's own; None where they are those of an unknown store.
        """
        if not self._is_imported:
            return ""
        mine = {attached.uid for attached in self.datasets.values()}
        found = {
            dataset.record.get("project_uid")
            for dataset in self._kept_datasets().values()
            if dataset.uid in mine
        }
        uid = found.pop() if len(found) == 1 else None
        return uid if isinstance(uid, str) else None


class ArchivedStore:
    """The part of an :class:`ExperimentStore` that reads what `Experiment.export` has written."""

    def import_experiment(
        self, path: str | os.PathLike[str], if_exists: Literal["raise", "reuse", "rename"] = "raise"
    ) -> Experiment:
        """Add an experiment that was exported from another store.

        Everything is checked before anything is written. A training that was running when it was exported is
        INTERRUPTED here, and one that was queued is CANCELED. Its base is found by uid when it is in this store, or comes into it later.

        Parameters
        ----------
        path : path-like
            What `Experiment.export` has written.
        if_exists : {"raise", "reuse", "rename"}
            What to do when this store has an experiment of the same uid or name: refuse; return the one of that uid, which
            must not be deleted, and give another name where only the name is taken; or import it under another name, and where the uid is taken
            with a uid of its own.

        Returns
        -------
        Experiment

        Raises
        ------
        ExperimentExistsError
            Uid or name is taken and `if_exists` is ``"raise"``, or the one to reuse was deleted.
        NewerVersionError
            A newer version of this package wrote the file.
        StoreError
            The file is damaged or holds what no archive may, or the disk is full. Nothing was imported.
        """
        store = cast("ExperimentStore", self)
        if if_exists not in ("raise", "reuse", "rename"):
            raise StoreError(f'if_exists must be "raise", "reuse" or "rename", not {if_exists!r}.')
        store.check_writable()
        with open_archive(Path(os.path.abspath(path))) as archive:
            with broken(archive.path):
                parsed = parse(archive)
            new = place(store, archive, parsed, if_exists)
        return store.experiment(new)
