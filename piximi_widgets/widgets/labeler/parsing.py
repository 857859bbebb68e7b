"""Finding the conditions of a filter in the text of a query."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import SelectionError
from .clauses import FLAGS, Clause, is_number
from .source import Source

_BOUNDS: dict[type[ast.cmpop], str] = {ast.GtE: "min", ast.LtE: "max"}
_FLIPPED = {"min": "max", "max": "min"}


def from_query(text: str, kinds: Mapping[str, str] | None = None) -> list[Clause]:
    """The clauses that a query is made of; those that the page has no form for keep their text.

    Parameters
    ----------
    text : str
        As for ``project.select``; whether its columns exist is not asked. The empty text has no clauses.
    kinds : dict of str to "text" or "number", optional
        The fields that the page knows; conditions on others keep their text. By default every name is taken.
    """
    if not text.strip():
        return []
    try:
        source = Source(text)
    except SelectionError:
        return [{"query": text.strip()}]
    clauses: list[Clause] = []
    for node in _conjuncts(source.body):
        clause = _clause(source, node)
        if clause is None or not _fits(clause, kinds):
            clause = {"query": source.text_of(node)}
        if not _joined(clauses, clause):
            clauses.append(clause)
    return clauses


def _conjuncts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _conjuncts(value)
    else:
        yield node


def _fits(clause: Clause, kinds: Mapping[str, str] | None) -> bool:
    if kinds is None:
        return True
    if "is" in clause:
        # Metadata of an older project may have the name.
        return clause["field"] not in kinds
    return kinds.get(clause["field"]) == ("number" if "min" in clause or "max" in clause else "text")


def _joined(clauses: list[Clause], clause: Clause) -> bool:
    """Make one clause of the two bounds of a field."""
    (mine, other) = ("min", "max") if "min" in clause else ("max", "min")
    if mine not in clause or other in clause:
        return False
    for earlier in clauses:
        if earlier.get("field") == clause["field"] and other in earlier and mine not in earlier:
            earlier[mine] = clause[mine]
            return True
    return False


def _clause(source: Source, node: ast.expr) -> Clause | None:
    if isinstance(node, ast.Compare):
        return _comparison(source, node)
    if isinstance(node, ast.Call):
        return _call(source, node)
    if isinstance(node, ast.BoolOp):
        return _value_or_none(source, node)
    is_ = True
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
        node, is_ = node.operand, False
    flag = source.column(node)
    return {"field": flag, "is": is_} if flag in FLAGS else None


def _comparison(source: Source, node: ast.Compare) -> Clause | None:
    if len(node.ops) == 2:
        return _between(source, node)
    left, operator, right = node.left, node.ops[0], node.comparators[0]
    flipped = isinstance(right, ast.Name)
    field, value = source.column(right if flipped else left), left if flipped else right
    if field is None:
        return None
    if isinstance(operator, ast.In):
        values = _texts(value)
        return None if values is None or flipped else {"field": field, "values": values}
    number = _number(value)
    if isinstance(operator, ast.Eq):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return {"field": field, "values": [value.value]}
        return None if number is None else {"field": field, "min": number, "max": number}
    bound = _BOUNDS.get(type(operator))
    if bound is None or number is None:
        return None
    return {"field": field, _FLIPPED[bound] if flipped else bound: number}


def _between(source: Source, node: ast.Compare) -> Clause | None:
    """``low <= field <= high``, from either side."""
    field = source.column(node.comparators[0])
    ends = [_number(node.left), _number(node.comparators[1])]
    if all(isinstance(operator, ast.GtE) for operator in node.ops):
        ends.reverse()
    elif not all(isinstance(operator, ast.LtE) for operator in node.ops):
        return None
    low, high = ends
    return None if field is None or low is None or high is None else {"field": field, "min": low, "max": high}


def _call(source: Source, node: ast.Call) -> Clause | None:
    method = node.func
    if not isinstance(method, ast.Attribute):
        return None
    field = source.column(method.value)
    if field is not None and not node.keywords:
        if method.attr == "isna" and not node.args:
            return {"field": field, "values": [None]}
        if method.attr == "isin" and len(node.args) == 1:
            values = _texts(node.args[0])
            return None if values is None else {"field": field, "values": values}
    if isinstance(method.value, ast.Attribute) and method.value.attr == "str" and method.attr == "contains":
        return _contains(source.column(method.value.value), node)
    return None


def _contains(field: str | None, node: ast.Call) -> Clause | None:
    if field is None or len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
        return None
    text = node.args[0].value
    if not isinstance(text, str):
        return None
    said = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
    # The page looks for a text whatever its capitals: without case=False that is the same where it has none.
    same = said == {"case": False} or (said in ({}, {"case": True}) and text.lower() == text.upper())
    return {"field": field, "contains": text} if same else None


def _value_or_none(source: Source, node: ast.BoolOp) -> Clause | None:
    """``field in […] or field.isna()``."""
    if not isinstance(node.op, ast.Or) or len(node.values) != 2:
        return None
    parts = [_clause(source, value) for value in node.values]
    first, second = parts
    if first is None or second is None or first.get("field") != second.get("field"):
        return None
    if first.get("values") == [None]:
        first, second = second, first
    if second.get("values") != [None] or None in first.get("values", [None]):
        return None
    return {"field": first["field"], "values": [*first["values"], None]}


def _texts(node: ast.expr) -> list[str | None] | None:
    if not isinstance(node, (ast.List, ast.Tuple)):
        return None
    values: list[Any] = [getattr(item, "value", None) for item in node.elts]
    return list(dict.fromkeys(values)) if all(isinstance(value, str) for value in values) else None


def _number(node: ast.expr) -> int | float | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        node = node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    return sign * value if is_number(value) and isinstance(value, (int, float)) else None
