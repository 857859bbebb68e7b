"""The conditions of a filter, as the page shows them and as the text of a query.

A filter is a list of clauses that all hold. As JSON a clause is one of

- ``{field, values: [text or null, …]}``: one of these, null where there is none,
- ``{field, min?, max?}``: a number, both ends included,
- ``{field, contains: text}``: that text in it, whatever the capitals,
- ``{field, is: true or false}``, for flags,
- ``{query: text}``: anything else that ``project.select`` understands.

`to_query` writes them as such a query; `parsing.from_query` finds them in one.
"""

from __future__ import annotations

import ast
import keyword
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

from ...errors import SelectionError
from .source import Source

Clause = dict[str, Any]

FLAGS = ("unsure", "excluded", "refused")
LARGEST = 2**53
"""Whole numbers up to this one are the same in Python and in the page."""

_MOST_CLAUSES = 100
_MOST_VALUES = 10_000


def checked(clauses: Any) -> list[Clause]:
    """Clauses that a page has sent, in the form in which `to_query` and `from_query` know them.

    Raises
    ------
    SelectionError
        If they are no clauses.
    """
    if not isinstance(clauses, list) or len(clauses) > _MOST_CLAUSES:
        raise SelectionError(f"A filter is a list of at most {_MOST_CLAUSES} clauses, not {clauses!r:.80}.")
    return [_checked(clause) for clause in clauses]


def to_query(clauses: Sequence[Clause]) -> str:
    """The clauses as a query for ``project.select``; no clauses are the empty text.

    Raises
    ------
    SelectionError
        If a field's name has a backtick, so that no query can name it.
    """
    if len(clauses) == 1 and "query" in clauses[0]:
        return str(clauses[0]["query"])
    return " and ".join(_written(clause) for clause in clauses)


def _checked(clause: Any) -> Clause:
    if isinstance(clause, dict) and not _is_broken(clause):
        given = set(clause)
        field = clause.get("field")
        if given == {"query"} and isinstance(clause["query"], str):
            return {"query": Source(clause["query"]).whole}
        if isinstance(field, str) and field:
            if given == {"field", "values"} and _are_values(clause["values"]):
                different = dict.fromkeys(clause["values"])
                texts = [value for value in different if value is not None]
                return {"field": field, "values": [*texts, None] if None in different else texts}
            if given == {"field", "contains"} and isinstance(clause["contains"], str):
                return {"field": field, "contains": clause["contains"]}
            if given == {"field", "is"} and field in FLAGS and isinstance(clause["is"], bool):
                return {"field": field, "is": clause["is"]}
            bounds = {name: clause[name] for name in ("min", "max") if clause.get(name) is not None}
            if bounds and given <= {"field", "min", "max"} and all(map(is_number, bounds.values())):
                return {"field": field, **bounds}
    raise SelectionError(f"This version does not understand the condition {clause!r:.200}. Reload the page.")


def _is_broken(clause: dict[str, Any]) -> bool:
    """Whether a text of it holds half a character, which no message can carry."""
    texts = [clause.get("field"), clause.get("contains"), clause.get("query")]
    values = clause.get("values")
    texts += values if isinstance(values, list) else []
    return any(
        "\ud800" <= character <= "\udfff" for text in texts if isinstance(text, str) for character in text
    )


def _are_values(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= _MOST_VALUES
        and all(value is None or isinstance(value, str) for value in values)
    )


def is_number(value: Any) -> bool:
    """Whether it is a number that the page and Python hold alike."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= LARGEST if isinstance(value, int) else math.isfinite(value)


def _written(clause: Clause) -> str:
    if "query" in clause:
        source = Source(clause["query"])
        # Only "or" and "… if …" hold less tightly than "and".
        loose = isinstance(source.body, (ast.IfExp, ast.Lambda, ast.NamedExpr)) or (
            isinstance(source.body, ast.BoolOp) and isinstance(source.body.op, ast.Or)
        )
        return f"({source.whole})" if loose else source.whole
    column = _column(clause["field"])
    if "values" in clause:
        return _one_of(column, clause["values"])
    if "contains" in clause:
        text = clause["contains"]
        # Where there are no capitals, there is nothing to say about them.
        case = "" if text.lower() == text.upper() else ", case=False"
        return f"{column}.str.contains({text!r}{case})"
    if "is" in clause:
        return column if clause["is"] else f"not {column}"
    low, high = clause.get("min"), clause.get("max")
    if low is None:
        return f"{column} <= {high!r}"
    if high is None:
        return f"{column} >= {low!r}"
    return f"{column} == {low!r}" if low == high else f"{low!r} <= {column} <= {high!r}"


def _one_of(column: str, values: Sequence[str | None]) -> str:
    texts = [value for value in values if value is not None]
    if None in values:
        missing = f"{column}.isna()"
        return f"({_one_of(column, texts)} or {missing})" if texts else missing
    return f"{column} == {texts[0]!r}" if len(texts) == 1 else f"{column} in {texts!r}"


def _column(name: str) -> str:
    """A column's name as queries write it."""
    # Python reads identifiers in their normal form, and would look for another column.
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    if plain and not keyword.iskeyword(name) and name != "id":
        return name
    if "`" in name:
        raise SelectionError(
            f"The column {name!r} cannot be filtered by: a query cannot name a column with a backtick."
        )
    return f"`{name}`"
