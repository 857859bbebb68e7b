"""The settings of an experiment: its name and texts, and taking it away, back, or for good."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ExperimentExistsError, StoreError
from .artifacts.garbage import remove_orphaned_points
from .artifacts.keeping import remove_unused
from .handle import Handle
from .registry import sql as sql_registry
from .sql import contents as sql_contents
from .sql import jobs as sql_jobs
from .sql import record as sql_record
from .status import JobState, Status
from .values import clean_experiment_name, clean_name, now


class Settings(Handle):
    """What may be changed of an experiment at any time; see :class:`Experiment`."""

    @property
    def description(self) -> str:
        return str(self._row()["description"])

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
            return tuple(sql_record.tags(connection, self.id))

    @tags.setter
    def tags(self, names: Iterable[str]) -> None:
        cleaned = clean_tags(names)
        with self.writing(durable=True) as connection:
            sql_record.replace_tags(connection, self.id, cleaned)

    @property
    def is_deleted(self) -> bool:
        return self._row()["deleted"] is not None

    def rename(self, name: str) -> None:
        """Give it another name of 1 to 60 characters.

        Raises
        ------
        ExperimentExistsError
            The name is taken.
        """
        name = clean_experiment_name(name)
        with self.writing(durable=True) as connection:
            if sql_record.experiment_id_by_name(connection, name) not in (None, self.id):
                raise ExperimentExistsError(
                    f"There is an experiment {name!r} already, and names are unique; choose another name."
                )
            sql_record.update_experiment(connection, self.id, name=name)

    def describe(self, text: str) -> None:
        """Replace the description."""
        self._update_text("description", text)

    def delete(self) -> None:
        """Hide it from the store; `restore` brings it back, `purge` removes it for good.

        Raises
        ------
        StoreError
            It waits or runs.
        """
        self.store.reconcile()
        with self.writing(durable=True) as connection:
            if sql_jobs.current_training(connection, self.id) is not None:
                name = str(self.row(connection)["name"])
                raise StoreError(f"Experiment {name!r} is being trained; stop it before you delete it.")
            record = self.row(connection)
            if record["status"] == Status.RUNNING:
                raise StoreError(
                    f"Experiment {record['name']!r} runs, as its start() says; finish() it before you delete it."
                )
            sql_record.update_experiment(connection, self.id, deleted=now())

    def restore(self) -> None:
        """Take back `delete`.

        Raises
        ------
        ExperimentExistsError
            Its name was given to another experiment meanwhile; `rename` one of them first.
        """
        with self.writing(durable=True) as connection:
            name = str(self.row(connection)["name"])
            if sql_record.experiment_id_by_name(connection, name) not in (None, self.id):
                raise ExperimentExistsError(
                    f"The name {name!r} was taken meanwhile; rename one of the two experiments, then restore."
                )
            sql_record.update_experiment(connection, self.id, deleted=None)

    def purge(self) -> None:
        """Remove a deleted experiment for good: its record, and files that nothing else uses.

        What it has published stays, with its files and with what was noted of this experiment then.

        Raises
        ------
        StoreError
            It was not deleted; it is being worked on; or other experiments go on from it: without it nobody would know
            which images their weights have seen, and such images could be scored. Nothing was removed.
        """
        self.store.reconcile()
        with self.writing(durable=True) as connection:
            record = self.row(connection)
            name = str(record["name"])
            if record["deleted"] is None:
                raise StoreError(f"Experiment {name!r} is not deleted; delete() it first, then purge it.")
            named = sql_registry.experiments_on_experiment(connection, self.id)
            if named:
                raise StoreError(
                    f"{', '.join(map(repr, named))} went on from {name!r}, which is kept to know the images that were "
                    f"trained on. Purge these first, or leave {name!r} deleted: it is hidden all the same."
                )
            if any(job["state"] == JobState.RUNNING for job in sql_jobs.jobs(connection, self.id)):
                raise StoreError(
                    f"A worker is at work for experiment {name!r}; wait for its end, then purge it."
                )
            contents = sql_contents.contents_of_experiment(connection, self.id)
            sql_contents.delete_experiment(connection, self.id)
            unused = sql_contents.release(connection, contents)
        remove_unused(self.store, unused)
        # in transactions of their own: there may be millions, and nobody can find them any more
        remove_orphaned_points(self.store)


def clean_tags(names: Iterable[str]) -> list[str]:
    """Stripped tags without repetitions."""
    if isinstance(names, str):
        raise StoreError(f"tags must be a sequence of words, not one string; write [{names!r}].")
    return list(dict.fromkeys(clean_name(name, "A tag", 60, StoreError) for name in names))
