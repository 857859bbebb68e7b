"""The store: all experiments of one SQLite file, and the work that is to be done for them."""

from __future__ import annotations

import operator
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, SupportsIndex

from ..errors import ExperimentExistsError, ExperimentNotFoundError, ReadOnlyError, StoreError
from ..storage import Database, Subscription
from .archive.archived import ArchivedStore
from .artifacts.contents import Contents
from .artifacts.stored import near
from .asking.asked import AskedStore
from .creator import current_user
from .experiment import Experiment
from .holdings import Holdings
from .inheritance import inherit_experiment, inherit_model
from .locations import SCHEME, artifacts_folder
from .locations import database_path as database_path
from .metrics.writing import Series
from .record import clean_tags
from .registry import ModelVersion
from .safety.backups import advice, refuse_lost, rolling_backups
from .safety.safe import SafeStore
from .sql import record as sql_record
from .sql.schema import APPLICATION_ID, MIGRATIONS
from .status import Status
from .values import (
    LABELMAP,
    changed_parameters,
    clean_experiment_name,
    clean_text,
    encode_parameters,
    is_text,
    now,
    numbered_name,
)
from .work.jobs import Fence
from .work.worklist import WorkList

_LARGEST_ID = 2**63 - 1


class ExperimentStore(AskedStore, ArchivedStore, SafeStore, Holdings, WorkList):
    """Experiments in an SQLite file, with a folder of artifacts beside it.

    Safe to use from any thread and any process at once.

    Parameters
    ----------
    url : str or path
        ``"sqlite:///lab.db"`` for a relative path, ``"sqlite:////data/lab.db"`` for an absolute one, or
        the path itself. The file is made when it is missing.
    artifacts : str or path, optional
        A folder, or its ``file://`` URL; by default ``artifacts`` beside the file.
    experiment_class : callable
        Makes a handle from a store and an id.
    version_class : callable
        Makes a model version from a store and its row.
    read_only : bool
        Change nothing; the file must exist.

    Raises
    ------
    StoreError
        The URL is of another kind, or the file is something else.
    NewerVersionError
        A newer version of this package wrote the file.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        artifacts: str | os.PathLike[str] | None = None,
        *,
        experiment_class: Callable[[ExperimentStore, int], Experiment] = Experiment,
        version_class: Callable[[ExperimentStore, sqlite3.Row], ModelVersion] = ModelVersion,
        read_only: bool = False,
    ) -> None:
        path = database_path(url)
        if not path.parent.is_dir():
            raise StoreError(f"The folder {path.parent} does not exist; make it, or choose another one.")
        refuse_lost(path)
        self.database = Database(
            path,
            application_id=APPLICATION_ID,
            migrations=MIGRATIONS,
            what="experiment store",
            synchronous="NORMAL",
            read_only=read_only,
            create=not read_only,
            error=StoreError,
            advice=advice,
        )
        self.url = SCHEME + path.as_posix()
        self.place = path.resolve()
        """The file itself, by whatever links `url` leads to it: two stores of one place are the same."""
        self.folder = path.parent
        self.contents = Contents(
            self.folder / "artifacts" if artifacts is None else artifacts_folder(artifacts), path
        )
        self.rolling = rolling_backups(self.database)
        """Makes copies unasked, once somebody has started it."""
        self.series = Series()
        self.fences: dict[int, Fence] = {}
        self._experiment_class = experiment_class
        self.version_class = version_class

    @property
    def artifacts_url(self) -> str:
        """``file://`` URL of the folder of artifacts."""
        return self.contents.folder.as_uri()

    @property
    def read_only(self) -> bool:
        return self.database.read_only

    # -- experiments -------------------------------------------------------------------------------

    def create_experiment(
        self,
        name: str,
        *,
        description: str = "",
        base_experiment: Experiment | None = None,
        base_model: ModelVersion | None = None,
        parameters: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        if_exists: Literal["raise", "reuse", "rename"] = "raise",
    ) -> Experiment:
        """Make an experiment, WAITING.

        Parameters
        ----------
        name : str
            1 to 60 characters, unique among the experiments that are not deleted.
        description : str
        base_experiment : Experiment, optional
            Of this store. Its label map and newest artifacts are inherited, and its parameters unless
            `parameters` are given; its base model, too, unless `base_model` is.
        base_model : ModelVersion, optional
            Of this store. What neither `parameters` nor the base experiment give is inherited from it: parameters, label
            map, files.
        parameters : mapping, optional
            Settings by name; JSON types.
        tags : iterable of str
        if_exists : {"raise", "reuse", "rename"}
            What to do when the name is taken: refuse; return that experiment, or the first of
            ``"name 2"``, ``"name 3"``, … with the same parameters; or take the first of these that is
            free. With ``"reuse"`` a new one gets a TABLE ``"parameters-changed"``, which tells how its parameters differ
            from those of the experiment `name`, its `parent`: ``{"batch-size": [16, 32]}``, None for what one has not.
            That is no base: its weights need not go on from there.

        Raises
        ------
        ExperimentExistsError
            The name is taken and `if_exists` is ``"raise"``.
        """
        if if_exists not in ("raise", "reuse", "rename"):
            raise StoreError(f'if_exists must be "raise", "reuse" or "rename", not {if_exists!r}.')
        name = clean_experiment_name(name)
        description = clean_text(description, "The description")
        cleaned_tags = clean_tags(tags)
        rows = None if parameters is None else encode_parameters(parameters)
        if base_experiment is not None:
            self.check_member(base_experiment)
        if base_model is not None:
            self.check_version(base_model)
        with self.database.write(durable=True) as connection:
            for number in range(1, 1_000_000):
                candidate = numbered_name(name, number)
                taken = sql_record.experiment_id_by_name(connection, candidate)
                if taken is None:
                    break
                if if_exists == "raise":
                    raise ExperimentExistsError(
                        f"There is an experiment {name!r} already. Choose another name, or give "
                        'if_exists="reuse" or "rename".'
                    )
                if if_exists == "reuse" and (
                    rows is None or rows == sql_record.parameters(connection, taken)
                ):
                    return self.experiment(taken)
            time = now()
            new = sql_record.insert_experiment(
                connection,
                str(uuid.uuid4()),
                candidate,
                description,
                Status.WAITING,
                current_user(),
                None,
                time,
            )
            sql_record.put_log(connection, new, LABELMAP, "LABELMAP", "{}", None, time)
            sql_record.replace_parameters(connection, new, rows or [])
            if base_experiment is not None:
                inherit_experiment(connection, new, base_experiment, parameters=rows is None)
            if base_model is not None:
                inherit_model(connection, new, base_model, parameters=None if rows is None else False)
            sql_record.replace_tags(connection, new, cleaned_tags)
            if if_exists == "reuse" and candidate != name:
                first = sql_record.experiment_id_by_name(connection, name)
                assert first is not None
                changed = changed_parameters(
                    sql_record.parameters(connection, first), sql_record.parameters(connection, new)
                )
                sql_record.put_log(connection, new, "parameters-changed", "TABLE", changed, None, time)
                sql_record.set_parent(connection, new, first)
        return self.experiment(new)

    def experiment(self, id: int) -> Experiment:
        """A handle on the experiment with that id, without a look into the store."""
        return self._experiment_class(self, id)

    def __getitem__(self, key: str | int) -> Experiment:
        """The experiment of that name, id or uid; an id or a uid also finds a deleted one.

        Raises
        ------
        ExperimentNotFoundError
        """
        with self.database.read() as connection:
            found = self._find(connection, key)
        if found is not None:
            return self.experiment(found)
        with self.database.read() as connection:
            deleted = (
                sql_record.deleted_id_by_name(connection, key)
                if isinstance(key, str) and is_text(key)
                else None
            )
        if deleted is not None:
            raise ExperimentNotFoundError(
                f"Experiment {key!r} was deleted; store[{deleted}].restore() brings it back."
            )
        with self.database.read() as connection:
            alike = near(key, [row["name"] for row in sql_record.experiments(connection)])
        raise ExperimentNotFoundError(
            f"There is no experiment with the name, id or uid {key!r} in {self.url}{alike}; list(store) shows all."
        )

    def __contains__(self, key: object) -> bool:
        with self.database.read() as connection:
            return self._find(connection, key) is not None

    def __len__(self) -> int:
        with self.database.read() as connection:
            return sql_record.count_experiments(connection)

    def __iter__(self) -> Iterator[Experiment]:
        """Experiments that are not deleted, oldest first."""
        with self.database.read() as connection:
            found = sql_record.experiment_ids(connection)
        return iter([self.experiment(id) for id in found])

    def watch(self, callback: Callable[[], None]) -> Subscription:
        """Call `callback` on the poller's thread after commits of any process, until closed."""
        return self.database.watch(callback)

    def close(self) -> None:
        """Close the file; handles of this store are of no use after that."""
        self.rolling.stop()
        self.database.close()

    def __enter__(self) -> ExperimentStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ExperimentStore {self.url}: {len(self)} experiments>"

    # -- underneath --------------------------------------------------------------------------------

    def check_writable(self) -> None:
        """Raise ReadOnlyError for a store that was opened read-only."""
        if self.read_only:
            raise ReadOnlyError(f"The store {self.url} was opened read-only; nothing was changed.")

    def check_member(self, experiment: Experiment) -> None:
        """Raise StoreError for an experiment of another store."""
        if not isinstance(experiment, Experiment):
            raise StoreError(f"Expected an experiment, not {experiment!r}; take it from the store by name.")
        if experiment.store.place != self.place:
            raise StoreError(
                f"{experiment!r} belongs to the store {experiment.store.url}, not to {self.url}."
            )

    def _find(self, connection: sqlite3.Connection, key: object) -> int | None:
        if isinstance(key, str):
            if not is_text(key):
                return None
            found = sql_record.experiment_id_by_name(connection, key.strip())
            return sql_record.experiment_id_by_uid(connection, key) if found is None else found
        if isinstance(key, bool) or not isinstance(key, SupportsIndex):
            return None
        id = operator.index(key)
        if abs(id) > _LARGEST_ID:
            return None
        return None if sql_record.experiment(connection, id) is None else id
