"""What a parsed query is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["field", "list", "param", "metric"]
Part = Literal["last", "best", "min", "max", "count"]

TEXT_FIELDS = (
    "name",
    "description",
    "notes",
    "status",
    "creator",
    "uid",
    "error",
    "base_experiment",
    "base_model",
)
TIME_FIELDS = ("created", "started", "ended")
NUMBER_FIELDS = ("id", "duration", "exit_code")
LIST_FIELDS = ("tags", "models", "dataset.alias", "dataset.name", "dataset.fingerprint", "dataset.uid")
FIELDS = (*TEXT_FIELDS, *TIME_FIELDS, *NUMBER_FIELDS)
PARTS: tuple[Part, ...] = ("last", "best", "min", "max", "count")
SIGNS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Constant:
    """A number, text, bool or None that stands in the query."""

    value: str | float | bool | None
    start: int


@dataclass(frozen=True)
class Moment:
    """A stretch of time in milliseconds since 1970: a day, or a moment that begins and ends at once."""

    first: int
    last: int
    start: int


@dataclass(frozen=True)
class Series:
    """A list of constants."""

    values: tuple[Constant, ...]
    start: int


@dataclass(frozen=True)
class Name:
    """Something of an experiment; `part` says which of a metric's values, None that the name may say it."""

    scope: Scope
    name: str
    part: Part | None
    start: int


Operand = Constant | Moment | Series | Name


@dataclass(frozen=True)
class Comparison:
    """Two operands with a sign, or with ``in``, ``contains``, ``startswith``, ``endswith`` between them."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class Is:
    """Whether a name is missing, or not a number."""

    name: Name
    what: Literal["missing", "nan"]
    negated: bool


@dataclass(frozen=True)
class Phrase:
    """Text that stands somewhere in the record, in any case."""

    text: str


@dataclass(frozen=True)
class Not:
    node: Node


@dataclass(frozen=True)
class Join:
    """Parts of which all, or any, must be true."""

    all: bool
    nodes: tuple[Node, ...]


Node = Comparison | Is | Phrase | Not | Join
