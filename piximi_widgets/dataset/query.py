"""Queries over the columns of ``Dataset.images``.

A query may come from a notebook that somebody else wrote, and pandas evaluates queries in Python. So the
query is parsed here, everything is refused that is not on a short list, and only then is it given to pandas.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import SelectionError
from .fields.metadata import as_text

LONGEST = 20_000

_NODES = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.Invert,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)
_METHODS = {"isna": 0, "notna": 0, "isin": 1}
_TEXT_METHODS = {"contains": 1, "startswith": 1, "endswith": 1}
_PIECES = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`|[&|]|.""", re.DOTALL)


def select(
    frame: Any, query: str, further: Mapping[str, Callable[[], Any]] = MappingProxyType({})
) -> np.ndarray:
    """The ids of the rows of `frame` for which a query is true.

    Parameters
    ----------
    frame : DataFrame
        Its index, named ``id``, holds ids.
    query : str
        Columns compared and joined as ``DataFrame.query`` understands it, backticks around unusual names
        included. Of methods only ``isna()``, ``notna()``, ``isin([…])``, ``str.contains`` (with ``case=False``),
        ``str.startswith`` and ``str.endswith`` are known; they look for the text itself.
    further : mapping, optional
        By name what makes further columns, each a Series like those of `frame`; made only if the query names them.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    SelectionError
        If the query is not understood, names no column, or does not say yes or no for each image.
    """
    if not isinstance(query, str):
        raise SelectionError(f"A query is a text such as \"category == 'mitotic'\", not {query!r}.")
    if len(query) > LONGEST:
        raise SelectionError(f"The query has {len(query)} characters; use at most {LONGEST}.")
    names = {str(name): name for name in (*frame.columns, *further)}
    text, aliases = _without_backticks(query, names)
    try:
        tree = ast.parse(text, mode="eval")
        named = {aliases.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)}
        frame = frame.assign(**{name: make() for name, make in further.items() if name in named})
        checker = _Checked(query, frame, {**{name: name for name in names}, **aliases})
        safe = checker.visit(tree)
        wanted = {node.id for node in ast.walk(safe) if isinstance(node, ast.Name)} - {"id"}
        part = frame[[names[{**aliases, **checker.texts}.get(name, name)] for name in wanted]]
        part.columns = list(wanted)
        part = part.assign(**{name: _texts(part[name]) for name in checker.texts})
        mask = part.eval(ast.unparse(safe), engine="python", local_dict={}, global_dict={})
    except SelectionError:
        raise
    except SyntaxError as error:
        raise SelectionError(f"The query {query!r} is not understood: {error.msg}.") from None
    except Exception as error:
        # pandas and Python raise nearly anything about expressions that make no sense for their columns.
        raise SelectionError(f"The query {query!r} cannot be answered: {error}") from error
    if getattr(mask, "shape", None) != (len(frame),) or str(mask.dtype) not in ("bool", "boolean"):
        raise SelectionError(
            f"The query {query!r} does not say yes or no for each image; compare a column with something, as in"
            ' "confidence < 0.6".'
        )
    chosen = np.asarray(mask.fillna(False), dtype=bool)
    return frame.index.to_numpy(dtype=np.int64)[chosen]


def _without_backticks(query: str, names: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Put identifiers in place of quoted names; ``&`` and ``|`` become words, as pandas reads them."""
    aliases: dict[str, str] = {}
    pieces = []
    for piece in _PIECES.findall(query.strip()):
        if piece in "&|":
            piece = " and " if piece == "&" else " or "
        elif piece == "\n":
            piece = " "
        elif piece.startswith("`") and len(piece) > 1:
            name = piece[1:-1]
            if name not in names:
                raise SelectionError(_no_column(query, name, names))
            alias = f"quoted_{len(aliases)}"
            while alias in names:
                alias += "_"
            aliases[alias] = name
            piece = f" {alias} "
        pieces.append(piece)
    return "".join(pieces).strip(), aliases


def _no_column(query: str, name: str, names: Any) -> str:
    return f"The query {query!r} names {name!r}, which is no column; there are {', '.join(names)}."


class _Checked(ast.NodeTransformer):
    """Refuses what is not known to be harmless, and makes text methods literal."""

    def __init__(self, query: str, frame: Any, columns: dict[str, str]) -> None:
        self._query = query
        self._frame = frame
        self._columns = columns
        # Identifiers for columns of which the query means the values as texts, as the labeler's filters do.
        self.texts: dict[str, str] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _NODES):
            raise SelectionError(
                f"The query {self._query!r} holds something that a query may not do ({type(node).__name__}); use"
                " columns, values, comparisons, and, or, not, in, isna(), notna(), isin([…]), str.contains(…)."
            )
        return super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._columns and node.id != "id":
            raise SelectionError(_no_column(self._query, node.id, [*self._columns, "id"]))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value is not None and not isinstance(node.value, (str, int, float)):
            raise SelectionError(f"The query {self._query!r} holds a {type(node.value).__name__} value.")
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        # Text or a list times a number fills the memory; only numbers are calculated with.
        for part in ast.walk(node):
            text = isinstance(part, ast.Constant) and isinstance(part.value, str)
            column = isinstance(part, ast.Name) and not self._is_number(part)
            if text or column or isinstance(part, (ast.List, ast.Tuple)):
                raise SelectionError(
                    f"The query {self._query!r} calculates with something that is no number."
                )
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if any(_is_text(side) for side in (node.left, *node.comparators)):
            node.left, *node.comparators = (self._as_text(side) for side in (node.left, *node.comparators))
        return self.generic_visit(node)

    def _as_text(self, side: ast.expr) -> ast.expr:
        """A column of bools, or of numbers and texts, as texts; everything else as it is."""
        column = self._columns.get(side.id) if isinstance(side, ast.Name) else None
        if column is None or self._frame[column].dtype.kind not in "bO":
            return side
        alias = f"text_{len(self.texts)}"
        while alias in self._columns:
            alias += "_"
        self.texts[alias] = self._columns[alias] = column
        return ast.copy_location(ast.Name(alias, ast.Load()), side)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        method = node.func
        if not isinstance(method, ast.Attribute):
            return self.generic_visit(node)
        owner, known = method.value, _METHODS
        if isinstance(owner, ast.Attribute) and owner.attr == "str":
            owner, known = owner.value, _TEXT_METHODS
        if not isinstance(owner, ast.Name) or known.get(method.attr) != len(node.args):
            return self.generic_visit(node)
        if not all(_is_case(method.attr, keyword) for keyword in node.keywords):
            return self.generic_visit(node)
        self.visit(owner)
        if known is _TEXT_METHODS or any(_is_text(argument) for argument in node.args):
            if isinstance(method.value, ast.Attribute):
                method.value.value = self._as_text(owner)
            else:
                method.value = self._as_text(owner)
        node.args = [self.visit(argument) for argument in node.args]
        if known is _TEXT_METHODS:
            literal = [*node.keywords, ast.keyword("na", ast.Constant(False))]
            if method.attr == "contains":
                literal.append(ast.keyword("regex", ast.Constant(False)))
            node.keywords = literal
        return node

    def _is_number(self, node: ast.Name) -> bool:
        if node.id == "id":
            return True
        column = self._columns.get(node.id)
        if column is None:
            self.visit_Name(node)
        return str(self._frame[column].dtype).startswith(
            ("int", "uint", "float", "Int", "UInt", "Float", "bool")
        )


def _texts(column: Any) -> Any:
    """A column's values as texts, with gaps where it has some."""
    import pandas as pd

    return column.map(as_text, na_action="ignore").astype("str" if pd.__version__ >= "3" else "string")


def _is_text(node: ast.expr) -> bool:
    """Whether a part of a query is a text, or a list with one in it."""
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)


def _is_case(method: str, keyword: ast.keyword) -> bool:
    """Whether this is ``str.contains``'s ``case=``, the one keyword that a query may use."""
    value = keyword.value
    return (
        method == "contains"
        and keyword.arg == "case"
        and isinstance(value, ast.Constant)
        and isinstance(value.value, bool)
    )
