"""The record of an experiment but for its logs and files: header, course, parameters, datasets."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import StoreError
from .attached import AttachedDataset
from .inheritance import Inheritance
from .metrics.writing import fold_all
from .settings import Settings
from .settings import clean_tags as clean_tags
from .sql import jobs as sql_jobs
from .sql import record as sql_record
from .sql import started as sql_started
from .status import Status
from .values import as_datetime, clean_name, clean_text, encode_parameters, now, shown
from .work.jobs import cancel
from .work.started import let_go, note_start, take_lock

_ENDED = (Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.TERMINATED, Status.INTERRUPTED)


class Record(Settings, Inheritance):
    """What every handle on an experiment has; see :class:`Experiment`."""

    # -- the header --------------------------------------------------------------------------------

    @property
    def creator(self) -> str:
        """Login name of who made it."""
        return str(self._row()["creator"])

    @property
    def status(self) -> Status:
        """Where it stands; a running one whose process has vanished becomes INTERRUPTED here."""
        status = Status(self._row()["status"])
        if status is Status.RUNNING:
            self.store.reconcile()
            status = Status(self._row()["status"])
        return status

    @property
    def created(self) -> datetime:
        created = as_datetime(self._row()["created"])
        assert created is not None
        return created

    @property
    def started(self) -> datetime | None:
        """When the last attempt began to run."""
        return as_datetime(self._row()["started"])

    @property
    def ended(self) -> datetime | None:
        return as_datetime(self._row()["ended"])

    @property
    def error(self) -> str | None:
        """Why it did not succeed: a traceback, or a sentence."""
        return self._row()["error"]

    @property
    def exit_code(self) -> int | None:
        """Exit code of its process; negative for a signal."""
        return self._row()["exit_code"]

    # -- its course, when it is not done by a job --------------------------------------------------

    def start(self) -> None:
        """Say that a training of your own runs now, in this process.

        When the process ends without `finish`, the experiment becomes INTERRUPTED.
        """
        self.store.check_writable()
        with self.store.database.read() as connection:
            self.row(connection)
            self._refuse_job(connection)
        lock = take_lock(self.store, self.id)
        with self.writing(durable=True) as connection:
            self._refuse_job(connection)
            note_start(connection, self.id, lock)
            sql_record.update_experiment(
                connection,
                self.id,
                status=Status.RUNNING,
                started=now(),
                ended=None,
                exit_code=None,
                error=None,
            )

    def finish(
        self, status: Status | str = Status.SUCCESS, *, error: str | None = None, exit_code: int | None = None
    ) -> None:
        """Say how a training of your own ended: SUCCESS, FAILED, CANCELED, TERMINATED or INTERRUPTED."""
        if status not in _ENDED:
            raise StoreError(f"A training ends as one of {', '.join(_ENDED)}, not as {status!r}.")
        error = None if error is None else shown(str(error))
        with self.writing(durable=True) as connection:
            self._refuse_job(connection)
            sql_record.update_experiment(
                connection, self.id, status=Status(status), ended=now(), exit_code=exit_code, error=error
            )
            sql_started.delete(connection, self.id)
            fold_all(connection, self.id)
        let_go(self.store, self.id)

    def request_stop(self) -> bool:
        """Ask the training to end; one that waits is CANCELED at once. False when there is none."""
        with self.store.database.write(durable=True) as connection:
            row = sql_jobs.current_training(connection, self.id)
            if row is not None:
                cancel(connection, row)
        return row is not None

    # -- parameters and datasets ------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """Settings by name, with their types; assign a mapping to replace them."""
        with self.store.database.read() as connection:
            rows = sql_record.parameters(connection, self.id)
        return {name: json.loads(value) for name, _, value in rows}

    @parameters.setter
    def parameters(self, parameters: Mapping[str, Any]) -> None:
        rows = encode_parameters(parameters)
        with self.writing(durable=True) as connection:
            sql_record.replace_parameters(connection, self.id, rows)

    def attach_dataset(self, version: Any, alias: str = "train") -> None:
        """Note that a dataset version was used; the same alias again replaces.

        Parameters
        ----------
        version : object
            Anything with `uid`, `name` and `fingerprint`; only these are kept.
        alias : str
            What it was used as.
        """
        alias = clean_name(alias, "An alias")
        try:
            uid, name, fingerprint = str(version.uid), str(version.name), str(version.fingerprint)
        except AttributeError:
            raise StoreError(
                f"A dataset version has a uid, a name and a fingerprint; a {type(version).__name__} has not."
            ) from None
        for what, text in (("uid", uid), ("name", name), ("fingerprint", fingerprint)):
            clean_text(text, f"The {what} of a dataset version")
        with self.writing(durable=True) as connection:
            sql_record.attach_dataset(connection, self.id, alias, uid, name, fingerprint, now())

    def detach_dataset(self, alias: str) -> None:
        """Forget the dataset version of that alias."""
        with self.writing(durable=True) as connection:
            if not sql_record.detach_dataset(connection, self.id, alias):
                known = ", ".join(map(repr, self.datasets)) or "none"
                raise StoreError(f"No dataset is attached as {alias!r}; there are: {known}.")

    @property
    def datasets(self) -> dict[str, AttachedDataset]:
        """Attached dataset versions by alias."""
        with self.store.database.read() as connection:
            rows = sql_record.attached_datasets(connection, self.id)
        return {alias: AttachedDataset(*values) for alias, *values in rows}

    def _refuse_job(self, connection: sqlite3.Connection) -> None:
        if sql_jobs.current_training(connection, self.id) is not None:
            raise StoreError(
                f"Experiment {self.row(connection)['name']!r} is being trained by a worker, which keeps its status."
            )
