"""What a check of a database has found, and how a check goes on where the database is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_SHOWN = 5


class Found:
    """One thing that a check has found; what it is about is told by its subclasses."""

    kind: str
    sentence: str

    def __repr__(self) -> str:
        return f"{self.kind}: {self.sentence}"


F = TypeVar("F", bound=Found)


@dataclass(frozen=True)
class Report(Generic[F]):
    """What a check has looked at, and what it has found.

    Attributes
    ----------
    checked : str
        What was looked at.
    problems : list of Finding
        What is lost or damaged.
    warnings : list of Finding
        What is good to know, and harms nothing yet.
    """

    checked: str
    problems: list[F] = field(default_factory=list)
    warnings: list[F] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def __repr__(self) -> str:
        number = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        lines = [f"Checked {self.checked}: {'all is well' if self.ok else number}."]
        lines += [f"  {finding!r}" for finding in self.problems]
        lines += [f"  (to know) {finding!r}" for finding in self.warnings]
        return "\n".join(lines)


def look(
    connection: sqlite3.Connection, steps: Iterable[Callable[[sqlite3.Connection], None]], damaged: bool
) -> Iterator[str]:
    """Do the steps of a check; yields a sentence for each that a damaged database does not let end."""
    for step in steps:
        try:
            step(connection)
        except sqlite3.DatabaseError as error:
            if not damaged:
                raise
            what = getattr(step, "__name__", "rest").strip("_")
            yield f"The {what} could not be checked to the end ({error})."


def some(values: Iterable[object]) -> str:
    """The first of some values, and how many more there are."""
    listed: Sequence[object] = list(values)
    more = f" and {len(listed) - _SHOWN:,} more" if len(listed) > _SHOWN else ""
    return ", ".join(map(str, listed[:_SHOWN])) + more
