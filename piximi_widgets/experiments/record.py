"""The record of an experiment but for its logs and files: header, course, parameters, datasets."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ExperimentExistsError, ExperimentNotFoundError, StoreError
from . import sql, sql_jobs
from .jobs import Fence, cancel
from .metrics import fold_all
from .status import Status
from .values import as_datetime, clean_experiment_name, clean_name, encode_parameters, now

if TYPE_CHECKING:
    from .experiment import Experiment
    from .store import ExperimentStore

_ENDED = (Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.TERMINATED, Status.INTERRUPTED)


class AttachedDataset(NamedTuple):
    """What an experiment knows of a dataset version."""

    uid: str
    name: str
    fingerprint: str


class Record:
    """What every handle on an experiment has; see :class:`Experiment`."""

    fence: Fence | None = None
    """In the hands of a worker: checked within each write, so that a lost attempt cannot write."""

    def __init__(self, store: ExperimentStore, id: int) -> None:
        self.store = store
        self.id = id

    # -- the header --------------------------------------------------------------------------------

    @property
    def uid(self) -> str:
        return str(self._row()["uid"])

    @property
    def name(self) -> str:
        return str(self._row()["name"])

    @property
    def description(self) -> str:
        return str(self._row()["description"])

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

    @property
    def is_deleted(self) -> bool:
        return self._row()["deleted"] is not None

    @property
    def base_experiment(self) -> Experiment | None:
        """The experiment that this one was made from."""
        base = self._row()["base_experiment_id"]
        return None if base is None else self.store.experiment(base)

    def rename(self, name: str) -> None:
        """Give it another name of 1 to 60 characters.

        Raises
        ------
        ExperimentExistsError
            The name is taken.
        """
        name = clean_experiment_name(name)
        with self.writing(durable=True) as connection:
            if sql.experiment_id_by_name(connection, name) not in (None, self.id):
                raise ExperimentExistsError(f"There is an experiment {name!r} already; choose another name.")
            sql.update_experiment(connection, self.id, name=name)

    def describe(self, text: str) -> None:
        """Replace the description."""
        self._update_text("description", text)

    @property
    def notes(self) -> str:
        """Free text, kept beside the description; assign to change it."""
        return str(self._row()["notes"])

    @notes.setter
    def notes(self, text: str) -> None:
        self._update_text("notes", text)

    @property
    def tags(self) -> tuple[str, ...]:
        """Short words to find it by; assign a sequence to change them."""
        with self.store.database.read() as connection:
            return tuple(sql.tags(connection, self.id))

    @tags.setter
    def tags(self, names: Iterable[str]) -> None:
        cleaned = clean_tags(names)
        with self.writing(durable=True) as connection:
            sql.replace_tags(connection, self.id, cleaned)

    def delete(self) -> None:
        """Hide it from the store; `restore` brings it back.

        Raises
        ------
        StoreError
            It waits or runs.
        """
        self.store.reconcile()
        with self.writing(durable=True) as connection:
            if sql_jobs.current_training(connection, self.id) is not None:
                raise StoreError(f"Experiment {self.name!r} is being trained; stop it before you delete it.")
            sql.update_experiment(connection, self.id, deleted=now())

    def restore(self) -> None:
        """Take back `delete`.

        Raises
        ------
        ExperimentExistsError
            Its name was given to another experiment meanwhile; `rename` one of them first.
        """
        with self.writing(durable=True) as connection:
            name = self.name
            if sql.experiment_id_by_name(connection, name) not in (None, self.id):
                raise ExperimentExistsError(
                    f"The name {name!r} was taken meanwhile; rename one of the two experiments, then restore."
                )
            sql.update_experiment(connection, self.id, deleted=None)

    # -- its course, when it is not done by a job --------------------------------------------------

    def start(self) -> None:
        """Say that a training of your own runs now."""
        with self.writing(durable=True) as connection:
            self._refuse_job(connection)
            sql.update_experiment(
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
        with self.writing(durable=True) as connection:
            self._refuse_job(connection)
            sql.update_experiment(
                connection, self.id, status=Status(status), ended=now(), exit_code=exit_code, error=error
            )
            fold_all(connection, self.id)

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
            rows = sql.parameters(connection, self.id)
        return {name: json.loads(value) for name, _, value in rows}

    @parameters.setter
    def parameters(self, parameters: Mapping[str, Any]) -> None:
        rows = encode_parameters(parameters)
        with self.writing(durable=True) as connection:
            sql.replace_parameters(connection, self.id, rows)

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
        with self.writing(durable=True) as connection:
            sql.attach_dataset(connection, self.id, alias, uid, name, fingerprint, now())

    def detach_dataset(self, alias: str) -> None:
        """Forget the dataset version of that alias."""
        with self.writing(durable=True) as connection:
            if not sql.detach_dataset(connection, self.id, alias):
                known = ", ".join(map(repr, self.datasets)) or "none"
                raise StoreError(f"No dataset is attached as {alias!r}; there are: {known}.")

    @property
    def datasets(self) -> dict[str, AttachedDataset]:
        """Attached dataset versions by alias."""
        with self.store.database.read() as connection:
            rows = sql.attached_datasets(connection, self.id)
        return {alias: AttachedDataset(*values) for alias, *values in rows}

    # -- underneath --------------------------------------------------------------------------------

    @contextmanager
    def writing(self, *, durable: bool | None = None) -> Iterator[sqlite3.Connection]:
        """A write transaction, refused with StaleAttemptError when this process lost the attempt."""
        with self.store.database.write(durable=durable) as connection:
            self.check_fence(connection)
            yield connection

    def check_fence(self, connection: sqlite3.Connection) -> None:
        """Raise StaleAttemptError in a transaction of a process that lost the attempt."""
        fence = self.fence or self.store.fences.get(self.id)
        if fence is not None:
            fence.check(connection)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.store.url, self.id) == (other.store.url, other.id)

    def __hash__(self) -> int:
        return hash((self.store.url, self.id))

    def __repr__(self) -> str:
        row = self._row()
        return f"<Experiment {row['id']} {row['name']!r}: {row['status']}>"

    def _row(self) -> sqlite3.Row:
        with self.store.database.read() as connection:
            row = sql.experiment(connection, self.id)
        if row is None:
            raise ExperimentNotFoundError(
                f"There is no experiment with the id {self.id} in {self.store.url}."
            )
        return row

    def _update_text(self, field: str, text: str) -> None:
        if not isinstance(text, str):
            raise StoreError(f"The {field} must be a string, not {text!r}.")
        with self.writing(durable=True) as connection:
            sql.update_experiment(connection, self.id, **{field: text})

    def _refuse_job(self, connection: sqlite3.Connection) -> None:
        if sql_jobs.current_training(connection, self.id) is not None:
            raise StoreError(
                f"Experiment {self.name!r} is being trained by a worker, which keeps its status."
            )


def clean_tags(names: Iterable[str]) -> list[str]:
    """Stripped tags without repetitions."""
    if isinstance(names, str):
        raise StoreError(f"tags must be a sequence of words, not one string; write [{names!r}].")
    return list(dict.fromkeys(clean_name(name, "A tag", 60, StoreError) for name in names))
