"""The models of a store, by name and by number."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, SupportsIndex

from ...errors import StoreError
from ..artifacts.keeping import remove_unused
from ..artifacts.stored import near
from ..values import LONGEST_EXPERIMENT_NAME, as_datetime, clean_name, clean_text, is_text
from . import html, sql
from .versions import ModelVersion

if TYPE_CHECKING:
    from ..store import ExperimentStore


class Model:
    """A named line of model versions.

    Parameters
    ----------
    store : ExperimentStore
    id : int
        Local to the store and never reused.
    """

    def __init__(self, store: ExperimentStore, id: int) -> None:
        self.store = store
        self.id = id

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
    def created(self) -> datetime:
        created = as_datetime(self._row()["created"])
        assert created is not None
        return created

    @property
    def versions(self) -> list[ModelVersion]:
        """Its versions, oldest first; numbers of deleted ones are missing."""
        with self.store.database.read() as connection:
            self._checked(sql.model(connection, self.id))
            rows = sql.versions_of_model(connection, self.id)
        return [self.store.version_class(self.store, row) for row in rows]

    @property
    def latest(self) -> ModelVersion:
        """The version with the highest number.

        Raises
        ------
        StoreError
            All were deleted.
        """
        numbers = self._numbers()
        if not numbers:
            raise StoreError(
                f"All versions of the model {self.name!r} were deleted; experiment.publish makes another."
            )
        return self[numbers[-1]]

    def __getitem__(self, number: int) -> ModelVersion:
        """The version of that number.

        Raises
        ------
        StoreError
            There is none.
        """
        numbers = self._numbers()
        if isinstance(number, SupportsIndex) and not isinstance(number, bool):
            with self.store.database.read() as connection:
                # no other number would fit SQLite's, nor is one of a version
                known_number = operator.index(number) if operator.index(number) in numbers else 0
                row = sql.version_of_model(connection, self.id, known_number)
            if row is not None:
                return self.store.version_class(self.store, row)
        known = ", ".join(map(str, numbers)) or "none"
        raise StoreError(f"The model {self.name!r} has no version {number!r}; there are: {known}.")

    def __len__(self) -> int:
        return len(self._numbers())

    def __iter__(self) -> Iterator[ModelVersion]:
        return iter(self.versions)

    def rename(self, name: str) -> None:
        """Give it another name of 1 to 60 characters.

        Raises
        ------
        StoreError
            The name is taken, or is none.
        """
        name = clean_model_name(name)
        with self.store.database.write(durable=True) as connection:
            self._checked(sql.model(connection, self.id))
            if sql.model_id_by_name(connection, name) not in (None, self.id):
                raise StoreError(f"There is a model {name!r} already; choose another name.")
            sql.update_model(connection, self.id, "name", name)

    def describe(self, text: str) -> None:
        """Replace the description."""
        text = clean_text(text, "The description")
        with self.store.database.write(durable=True) as connection:
            self._checked(sql.model(connection, self.id))
            sql.update_model(connection, self.id, "description", text)

    def delete(self) -> None:
        """Delete the model with all its versions, and files that nothing else uses.

        Raises
        ------
        StoreError
            Experiments go on from one of its versions; nothing was deleted.
        """
        with self.store.database.write(durable=True) as connection:
            name = str(self._checked(sql.model(connection, self.id))["name"])
            named = sql.experiments_on_model(connection, self.id)
            if named:
                raise StoreError(
                    f"{', '.join(map(repr, named))} went on from the model {name!r}, which is kept to know the images "
                    "that were trained on. Purge these experiments first, or give them another base model."
                )
            unused = sql.delete_model(connection, self.id)
        remove_unused(self.store, unused)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and (self.store.place, self.id) == (other.store.place, other.id)

    def __hash__(self) -> int:
        return hash((self.store.place, self.id))

    def __repr__(self) -> str:
        numbers = ", ".join(map(str, self._numbers())) or "none"
        return f"<Model {self.name!r}: versions {numbers}>"

    def _repr_html_(self) -> str:
        return html.model_html(self)

    def _numbers(self) -> list[int]:
        with self.store.database.read() as connection:
            self._checked(sql.model(connection, self.id))
            return sql.version_numbers(connection, self.id)

    def _row(self) -> sqlite3.Row:
        with self.store.database.read() as connection:
            return self._checked(sql.model(connection, self.id))

    def _checked(self, row: sqlite3.Row | None) -> sqlite3.Row:
        if row is None:
            raise StoreError("This model was deleted; store.models shows what there is.")
        return row


class Models(Mapping[str, Model]):
    """The models of a store by name, oldest first."""

    def __init__(self, store: ExperimentStore) -> None:
        self._store = store

    def __getitem__(self, name: str) -> Model:
        """The model of that name.

        Raises
        ------
        StoreError
            There is none.
        """
        found: Model | None = self.get(name)
        if found is None:
            known = ", ".join(map(repr, self)) or "none; experiment.publish makes one"
            raise StoreError(f"There is no model {name!r}{near(name, self)}; there are: {known}.")
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The model of that name, or `default`."""
        with self._store.database.read() as connection:
            found = sql.model_id_by_name(connection, name.strip()) if is_text(name) else None
        return default if found is None else Model(self._store, found)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        with self._store.database.read() as connection:
            rows = sql.model_rows(connection)
        return iter([row["name"] for row in rows])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"<Models of {self._store.url}: {', '.join(self) or 'none'}>"

    def _repr_html_(self) -> str:
        return html.models_html(list(self.values()))


def clean_model_name(name: object) -> str:
    """A stripped model name of 1 to 60 characters, or a StoreError."""
    return clean_name(name, "A model's name", LONGEST_EXPERIMENT_NAME, StoreError)
