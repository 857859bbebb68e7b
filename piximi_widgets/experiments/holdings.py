"""What a store holds beside its experiments: models, what was deleted, and files that nothing needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import StoreError
from .artifacts.garbage import Garbage, collect_garbage
from .registry import Models, ModelVersion
from .sql import record as sql_record

if TYPE_CHECKING:
    from ..storage import Database
    from .experiment import Experiment
    from .store import ExperimentStore


class Holdings:
    """The part of an :class:`ExperimentStore` that is about neither an experiment nor work."""

    database: Database
    url: str
    place: Path
    version_class: Callable[[Any, Any], ModelVersion]

    @property
    def models(self) -> Models:
        """The published models by name: ``store.models["cells"].latest``."""
        return Models(cast("ExperimentStore", self))

    @property
    def deleted(self) -> list[Experiment]:
        """Experiments that were deleted, the last one first; `restore` and `purge` are for them."""
        with self.database.read() as connection:
            found = sql_record.deleted_ids(connection)
        return [cast("ExperimentStore", self).experiment(id) for id in found]

    def collect_garbage(self, *, dry_run: bool = False) -> Garbage:
        """Remove stored files to which nothing refers, and which are older than an hour.

        Such files are left by a process that was killed while it stored or deleted something; younger ones may be about
        to be referred to. Points of experiments that were purged go, too.

        Parameters
        ----------
        dry_run : bool
            Say what would be removed, and leave it.

        Returns
        -------
        Garbage
            The files and their bytes.

        Raises
        ------
        StoreError
            Another store lies beside the same folder of files and may need them; nothing was removed.
        """
        return collect_garbage(cast("ExperimentStore", self), dry_run=dry_run)

    def check_version(self, version: ModelVersion) -> None:
        """Raise StoreError for a model version of another store."""
        if not isinstance(version, ModelVersion):
            raise StoreError(
                f"Expected a model version, not {version!r}; take it from the registry, as in "
                'store.models["cells"].latest.'
            )
        if version.store.place != self.place:
            raise StoreError(f"{version!r} belongs to the store {version.store.url}, not to {self.url}.")
