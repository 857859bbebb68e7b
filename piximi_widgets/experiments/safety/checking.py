"""Looking at every part of a store for what is lost or damaged."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ...errors import StoreError
from ...storage.backups import warnings_of
from ...storage.copies import defects
from ...storage.findings import look, some
from ..artifacts.folders import folder_digest
from ..artifacts.garbage import collect_garbage
from ..sql import contents as sql_contents
from . import sql
from .backups import advice, backups
from .findings import Finding, StoreCheck

if TYPE_CHECKING:
    from ..store import ExperimentStore


def check(store: ExperimentStore, *, deep: bool) -> StoreCheck:
    """See ``ExperimentStore.check``."""
    inspection = _Inspection(store, deep)
    with store.database.read() as connection:
        inspection.run(connection)
    inspection.orphans()
    inspection.backups(store.rolling.failure)
    return StoreCheck(", ".join(inspection.checked), inspection.problems, inspection.warnings)


class _Inspection:
    def __init__(self, store: ExperimentStore, deep: bool) -> None:
        self._store = store
        self._deep = deep
        self.checked: list[str] = []
        self.problems: list[Finding] = []
        self.warnings: list[Finding] = []

    def run(self, connection: sqlite3.Connection) -> None:
        found = defects(connection)
        if found:
            more = " …" if len(found) > 1 else ""
            self._problem("database", [], f"The database is damaged ({found[0]}{more}). {self._advice()}")
        steps: tuple[Callable[[sqlite3.Connection], None], ...] = (
            self._references,
            self._record,
            self._metrics,
            self._evaluations,
            self._files,
        )
        for sentence in look(connection, steps, bool(found)):
            self._problem("database", [], sentence)

    def _references(self, connection: sqlite3.Connection) -> None:
        count = sql.count_all_experiments(connection)
        self.checked.append(f"{count:,} experiment{'' if count == 1 else 's'}")
        for (table, parent), number in sql.dangling(connection).items():
            self._problem(
                "database",
                [],
                f"{number:,} rows of the table {table} refer to rows of {parent} that are not there. {self._advice()}",
            )
        if sql_contents.orphaned_phase(connection) is not None:
            self.warnings.append(
                Finding(
                    "metric",
                    [],
                    "Points of experiments that are gone take up room: collect_garbage() removes them.",
                )
            )

    def _record(self, connection: sqlite3.Connection) -> None:
        broken = []
        for experiment_id, what, text in sql.texts(connection):
            try:
                json.loads(text)
            except (ValueError, TypeError, RecursionError):
                broken.append((experiment_id, what))
        self._of_experiments("record", broken, "Parts of the record cannot be read: {}. Log them anew.")

    def _metrics(self, connection: sqlite3.Connection) -> None:
        self._of_experiments(
            "metric", sql.odd_values(connection), "Metrics have values that cannot be: {}. Log them anew."
        )
        self._of_experiments(
            "metric",
            sql.wrong_statistics(connection),
            "Metrics do not have as many points as were counted: {}. Points were lost; compare with a backup.",
        )

    def _evaluations(self, connection: sqlite3.Connection) -> None:
        odd = []
        for experiment_id, partition, classes, lowest, highest, shortest, longest in sql.evaluations(
            connection
        ):
            try:
                count = len(json.loads(classes))
            except (ValueError, TypeError):
                continue
            if lowest < -1 or highest >= count or (shortest, longest) != (4 * count, 4 * count):
                odd.append((experiment_id, partition))
        self._of_experiments("evaluation", odd, "Evaluations do not fit their classes: {}. Evaluate again.")

    def _files(self, connection: sqlite3.Connection) -> None:
        wrong: dict[str, list[tuple[int | None, str]]] = {"missing": [], "other": []}
        looked: dict[str, str | None] = {}
        total = 0
        for sha256, size, experiment_id, what in sql.contents(connection):
            if sha256 not in looked:
                looked[sha256], read = self._state(sha256, size)
                total += read
            state = looked[sha256]
            if state is not None:
                wrong[state].append((experiment_id, f"{what} ({sha256[:12]}…)"))
        read_too = f", {total / 1e6:,.1f} MB of them read" if self._deep else ""
        self.checked.append(f"{len(looked):,} stored file{'' if len(looked) == 1 else 's'}{read_too}")
        place = self._store.contents.folder
        again = "Put them back from a copy of the folder, or store them again."
        self._of_experiments("file", wrong["missing"], f"Files are missing in {place}: {{}}. {again}")
        self._of_experiments("file", wrong["other"], f"Files in {place} are damaged: {{}}. {again}")
        lists = [
            (experiment_id, what)
            for digest, experiment_id, what in sql.folders(connection)
            if folder_digest(sql_contents.folder_rows(connection, digest)) != digest
        ]
        self._of_experiments("file", lists, "Folders whose list of files is not whole: {}. Store them again.")

    def _state(self, sha256: str, size: int | None) -> tuple[str | None, int]:
        """What is wrong with a stored file, if anything, and how many bytes of it were read."""
        path = self._store.contents.path(sha256)
        try:
            status = path.stat()
            if size is not None and status.st_size != size:
                return "other", 0
            if not self._deep:
                return None, 0
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return "missing", 0
        except OSError:
            return "other", 0
        return (None if digest == sha256 else "other"), status.st_size

    def orphans(self) -> None:
        """Look for stored files to which nothing refers."""
        try:
            found = collect_garbage(self._store, dry_run=True)
        except StoreError as error:
            self.warnings.append(
                Finding("file", [], f"Files that nothing needs were not looked for: {error}")
            )
            return
        if found.files:
            self.warnings.append(
                Finding(
                    "file",
                    [],
                    f"{len(found.files):,} files with {found.size / 1e6:,.1f} MB in {self._store.contents.folder} belong"
                    " to nothing: collect_garbage() removes them.",
                )
            )

    def backups(self, failure: str | None) -> None:
        """Look at the copies of the database; `failure` says why the last one could not be made unasked."""
        found = backups(self._store.database.path)
        self.checked.append(f"{len(found)} backup{'' if len(found) == 1 else 's'}")
        self.warnings += [Finding("backup", [], told) for told in warnings_of(found, failure)]

    def _advice(self) -> str:
        return advice(self._store.database.path)

    def _of_experiments(self, kind: str, found: Iterable[tuple[int | None, str]], sentence: str) -> None:
        """Add one problem about things that each belong to an experiment, or to none."""
        listed = sorted(set(found), key=lambda entry: (entry[0] or 0, entry[1]))
        if listed:
            shown = some(what if owner is None else f"{what} of experiment {owner}" for owner, what in listed)
            owners = sorted({owner for owner, _ in listed if owner is not None})
            self._problem(kind, owners, sentence.format(shown))

    def _problem(self, kind: str, experiments: list[int], sentence: str) -> None:
        self.problems.append(Finding(kind, experiments, sentence))
