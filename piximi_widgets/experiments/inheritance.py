"""What an experiment goes on from, what it takes over from there, and what it publishes itself."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from ..errors import StoreError
from .handle import Handle
from .registry import publishing
from .registry import sql as sql_registry
from .registry.versions import ModelVersion
from .sql import record as sql_record
from .sql import results as sql_results
from .values import LABELMAP, encode_parameters, now

if TYPE_CHECKING:
    from .experiment import Experiment


class Inheritance(Handle):
    """The bases of an experiment and what was made from it; see :class:`Experiment`."""

    @property
    def base_experiment(self) -> Experiment | None:
        """The experiment that this one was made from."""
        base = self._row()["base_experiment_id"]
        return None if base is None else self.store.experiment(base)

    @property
    def base_model(self) -> ModelVersion | None:
        """The published model version that this experiment was made from, itself or by way of its base experiment."""
        with self.store.database.read() as connection:
            row = sql_registry.version(connection, self._row()["base_model_version_id"] or 0)
        return None if row is None else self.store.version_class(self.store, row)

    @property
    def published(self) -> list[ModelVersion]:
        """The model versions that were made from this experiment, oldest first."""
        with self.store.database.read() as connection:
            rows = sql_registry.versions_of_experiment(connection, self.id)
        return [self.store.version_class(self.store, row) for row in rows]

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Uids of the datasets attached as "train", here and to everything that this experiment goes on from."""
        with self.store.database.read() as connection:
            return tuple(sql_registry.datasets_trained_on(connection, self.id))

    @property
    def parent(self) -> Experiment | None:
        """The experiment of which ``create_experiment(if_exists="reuse")`` made this one with changed parameters.

        No base: nothing was taken over from it. None also once it was purged.
        """
        parent = self._row()["parent_id"]
        return None if parent is None else self.store.experiment(parent)

    @property
    def children(self) -> list[Experiment]:
        """The experiments whose `parent` this one is, oldest first; deleted ones are left out."""
        with self.store.database.read() as connection:
            found = sql_record.child_ids(connection, self.id)
        return [self.store.experiment(id) for id in found]

    def set_base_experiment(self, base: Experiment) -> None:
        """Go on from another experiment, and take over from it what this one has not.

        The parameters are copied if this one has none, the label map if it is empty, the newest artifacts (all of
        them) if it has none; its base model becomes that of this one, too, if this one has none.

        Parameters
        ----------
        base : Experiment
            Of the same store; not this one, nor one that goes on from it.

        Raises
        ------
        StoreError
            Not such an experiment; nothing was changed.
        """
        self.store.check_member(base)
        with self.writing(durable=True) as connection:
            inherit_experiment(connection, self.id, base, parameters=True)

    def set_base_model(
        self, version: ModelVersion, parameters: bool | None = None, files: bool | None = None
    ) -> None:
        """Go on from a published model version; the label map is copied if this experiment's is empty.

        Parameters
        ----------
        version : ModelVersion
            Of the same store, and not made from this experiment.
        parameters : bool, optional
            True replaces the parameters by those of the version, False leaves them; by default they are copied if there
            are none.
        files : bool, optional
            True copies all files of the version, each as a new version of the artifact of that name; other artifacts
            stay. False copies none; by default they are copied if there are no artifacts.

        Raises
        ------
        StoreError
            Not such a version; nothing was changed.
        """
        for name, value in (("parameters", parameters), ("files", files)):
            if value is not None and not isinstance(value, bool):
                raise StoreError(f"{name} must be True, False or None, not {value!r}.")
        self.store.check_version(version)
        with self.writing(durable=True) as connection:
            inherit_model(connection, self.id, version, parameters=parameters, files=files)

    def publish(
        self, model_name: str, *, description: str = "", framework: str | None = None
    ) -> ModelVersion:
        """Make a version of a model from this experiment as it is now: the next one, or the first of a new model.

        It holds the label map, the newest artifacts but for checkpoints (names that begin with ``"checkpoint"``), and as
        its context the attached datasets and the parameters. It does not change, and stays when this experiment is
        deleted and purged.

        Parameters
        ----------
        model_name : str
            1 to 60 characters.
        description : str
            Of this version.
        framework : {"TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED"}, optional
            By default what the files' names tell: ``.keras``, ``.h5`` or a saved model's folder is TENSORFLOW, ``.pt`` or
            ``.pth`` PYTORCH, ``.onnx`` ONNX, the artifact ``"model-latest"`` first.

        Raises
        ------
        StoreError
            There is nothing to publish, the experiment is deleted, or the name or the framework is none.
        ArtifactError
            A file of an artifact is missing.
        """
        return publishing.publish(self, model_name, description, framework)


def inherit_experiment(
    connection: sqlite3.Connection, target: int, base: Experiment, *, parameters: bool
) -> None:
    """Make `base` the base of an experiment; `parameters`: copy them, if it has none."""
    if sql_record.experiment(connection, base.id) is None:
        raise StoreError(f"The experiment with the id {base.id} was purged; it cannot be a base.")
    if sql_registry.goes_on_from(connection, base.id, target):
        raise StoreError(
            f"{base.row(connection)['name']!r} is this experiment or goes on from it; an experiment cannot be a base of itself."
        )
    sql_registry.set_base(connection, target, "base_experiment_id", base.id)
    if parameters and not sql_record.parameters(connection, target):
        sql_record.replace_parameters(connection, target, sql_record.parameters(connection, base.id))
    labels = sql_record.log_data(connection, base.id, LABELMAP)
    if labels is not None:
        _inherit_labels(connection, target, labels["data"])
    if not sql_results.artifact_names(connection, target):
        _copy_files(connection, target, sql_results.newest_artifacts(connection, base.id))
    mine, theirs = (sql_record.experiment(connection, id) for id in (target, base.id))
    assert mine is not None
    assert theirs is not None
    if mine["base_model_version_id"] is None and theirs["base_model_version_id"] is not None:
        sql_registry.set_base(connection, target, "base_model_version_id", theirs["base_model_version_id"])


def inherit_model(
    connection: sqlite3.Connection,
    target: int,
    version: ModelVersion,
    *,
    parameters: bool | None = None,
    files: bool | None = None,
) -> None:
    """Make a model version the base of an experiment. See `Inheritance.set_base_model`."""
    row = sql_registry.version(connection, version.id)
    if row is None:
        raise StoreError(f"Version {version.number} of its model was deleted; it cannot be a base.")
    source = row["experiment_id"]
    if source is not None and sql_registry.goes_on_from(connection, source, target):
        raise StoreError(
            f"Version {version.number} of {row['model_name']!r} was made from this experiment, or from one that goes on "
            "from it; an experiment cannot be a base of itself."
        )
    sql_registry.set_base(connection, target, "base_model_version_id", version.id)
    if parameters or (parameters is None and not sql_record.parameters(connection, target)):
        sql_record.replace_parameters(connection, target, encode_parameters(json.loads(row["parameters"])))
    _inherit_labels(connection, target, row["labels"])
    if files or (files is None and not sql_results.artifact_names(connection, target)):
        _copy_files(connection, target, sql_registry.files(connection, version.id))


def _inherit_labels(connection: sqlite3.Connection, target: int, labels: str) -> None:
    mine = sql_record.log_data(connection, target, LABELMAP)
    if mine is None or not json.loads(mine["data"]):
        sql_record.put_log(connection, target, LABELMAP, "LABELMAP", labels, None, now())


def _copy_files(connection: sqlite3.Connection, target: int, rows: list[sqlite3.Row]) -> None:
    """Add artifacts to an experiment: rows only, the files are shared."""
    time = now()
    for row in rows:
        sql_results.insert_artifact(
            connection, target, row["name"], row["kind"], row["filename"], row["sha256"], row["size"], time
        )
