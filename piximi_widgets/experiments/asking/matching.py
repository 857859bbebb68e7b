"""Whether an experiment is what a parsed query asks for.

Of a comparison with something that an experiment lacks, and of one with NaN, nothing matches: `!=` and `not in`
neither. Values of different types are unequal, and neither is less than the other.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from .facts import Facts, identity, metric_value
from .syntax import (
    PARTS,
    TIME_FIELDS,
    Comparison,
    Constant,
    Is,
    Join,
    Moment,
    Name,
    Node,
    Not,
    Operand,
    Phrase,
    Series,
)
from .tokens import query_error

_MISSING = object()
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def bind(node: Node, query: str, known: Mapping[str, Sequence[str]]) -> tuple[Node, dict[str, set[str]]]:
    """Settle which metric each name means, and refuse parameters and metrics that no experiment has.

    Parameters
    ----------
    node : Node
    query : str
        Its text, for the message.
    known : mapping
        All names, under "param" and "metric"; without any at all, every name is let pass.

    Returns
    -------
    node : Node
    names : dict of str to set of str
        Those that the query needs, by scope.

    Raises
    ------
    StoreError
        With the names that come closest.
    """
    needed: dict[str, set[str]] = {scope: set() for scope in known}
    is_empty = not any(known.values())

    def settle(side: Operand) -> Operand:
        if not isinstance(side, Name) or side.scope not in known:
            return side
        names = known[side.scope]
        stem, _, ending = side.name.rpartition(".")
        found = replace(side, part=side.part or "last")
        if side.name not in names:
            parts = [
                part for part in PARTS if part == ending and side.scope == "metric" and side.part is None
            ]
            if parts and (stem in names or is_empty):
                found = replace(side, name=stem, part=parts[0])
            elif not is_empty:
                raise query_error(query, side.start, _unknown(side.scope, side.name, names))
        needed[side.scope].add(found.name)
        return found

    def visit(node: Node) -> Node:
        if isinstance(node, Comparison):
            return replace(node, left=settle(node.left), right=settle(node.right))
        if isinstance(node, Is):
            name = settle(node.name)
            assert isinstance(name, Name)
            return replace(node, name=name)
        if isinstance(node, Not):
            return Not(visit(node.node))
        if isinstance(node, Join):
            return Join(node.all, tuple(visit(each) for each in node.nodes))
        return node

    return visit(node), needed


def matches(node: Node, facts: Facts) -> bool:
    """Whether a bound query is true of an experiment."""
    if isinstance(node, Join):
        results = (matches(each, facts) for each in node.nodes)
        return all(results) if node.all else any(results)
    if isinstance(node, Not):
        return not matches(node.node, facts)
    if isinstance(node, Phrase):
        phrase = node.text.casefold()
        return any(phrase in text.casefold() for text in facts.texts)
    if isinstance(node, Is):
        value = _value(node.name, facts)
        if node.what == "missing":
            return (value is _MISSING or value == []) is not node.negated
        return value is not _MISSING and _is_nan(value) is not node.negated
    return _compare(node, facts)


def _compare(node: Comparison, facts: Facts) -> bool:
    left, right = _value(node.left, facts), _value(node.right, facts)
    if left is _MISSING or right is _MISSING or _is_nan(left) or _is_nan(right):
        return False
    if isinstance(left, str) and isinstance(right, str) and _is_status(node.left, node.right):
        left, right = left.upper(), right.upper()
    elif _is_status(node.left) and isinstance(right, list):
        right = [str(value).upper() for value in right]
    sign = node.operator
    if sign.startswith("not "):
        held = _holds(sign.removeprefix("not "), left, right)
        return held is False
    if isinstance(left, Moment) or isinstance(right, Moment):
        if isinstance(left, Moment) and isinstance(right, Moment):
            return _compare_moments(left, sign, right)
        return sign == "!="
    if sign in ("==", "!="):
        return _is_equal(left, right) is (sign == "==")
    if sign in _ORDERS:
        return _kind(left) is not None and _kind(left) == _kind(right) and bool(_ORDERS[sign](left, right))
    return _holds(sign, left, right) is True


def _holds(relation: str, left: Any, right: Any) -> bool | None:
    """None where the types do not fit."""
    if relation == "in" and isinstance(right, list | dict):
        return any(_is_equal(left, value) for value in right)
    if not isinstance(left, str) or not isinstance(right, str):
        return None
    if relation == "startswith":
        return left.startswith(right)
    return left.endswith(right) if relation == "endswith" else left in right


def _compare_moments(left: Moment, sign: str, right: Moment) -> bool:
    if sign in ("==", "!="):
        return (left.first <= right.last and right.first <= left.last) is (sign == "==")
    if sign in ("<", ">="):
        return (left.last < right.first) if sign == "<" else left.first >= right.first
    return (left.first > right.last) if sign == ">" else left.last <= right.last


def _value(side: Operand, facts: Facts) -> Any:
    if isinstance(side, Constant):
        return side.value
    if isinstance(side, Moment):
        return side
    if isinstance(side, Series):
        return [value.value for value in side.values]
    if side.scope == "param":
        return facts.parameters.get(side.name, _MISSING)
    if side.scope == "metric":
        statistics = facts.metrics.get(side.name)
        value: Any = None if statistics is None else metric_value(side.name, statistics, side.part or "last")
    elif side.scope == "list":
        return facts.lists.get(side.name, [])
    else:
        value = facts.duration if side.name == "duration" else facts.header[side.name]
        if value is not None and side.name in TIME_FIELDS:
            return Moment(value, value, side.start)
    return _MISSING if value is None else value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _kind(value: Any) -> str | None:
    """What can be put in an order, by its type; True is no number."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def _is_equal(left: Any, right: Any) -> bool:
    return identity(left) == identity(right)


def _is_status(*sides: Operand) -> bool:
    return any(isinstance(side, Name) and side.scope == "field" and side.name == "status" for side in sides)


def _unknown(scope: str, name: str, names: Sequence[str]) -> str:
    what = "parameter" if scope == "param" else "metric"
    close = get_close_matches(name, names, 3) or [known for known in names if name in known.split("/")][:3]
    if close:
        return f"no experiment has the {what} {name!r}; did you mean {' or '.join(map(repr, close))}?"
    shown = ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
    return f"no experiment has the {what} {name!r}; there are: {shown or 'none yet'}."
