"""The text of a query, read as Python reads it, whose parts are known by their place in the text."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right

from ...dataset.query import LONGEST
from ...errors import SelectionError

# Texts, names in backticks, and the signs that mean "and" and "or"; everything else letter by letter.
_PIECES = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]+`|[&|]|.""", re.DOTALL)


class Source:
    """A query and what it says.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    body : ast.expr
    whole : str
        The query without what surrounds it, such as a comment.
    names : dict of str to str
        The columns that stand for identifiers in `body`, where they were written in backticks.

    Raises
    ------
    SelectionError
        If it is no Python expression.
    """

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self.names: dict[str, str] = {}
        # Where each piece begins, as it was given and as Python gets it.
        self._given: list[int] = []
        self._read: list[int] = []
        readable = self._readable()
        # What a column offset counts is bytes.
        self._line = readable.encode("utf-8", "surrogatepass")
        try:
            if len(self._text) > LONGEST:
                raise SelectionError(f"The query has {len(self._text)} characters; use at most {LONGEST}.")
            self.body = ast.parse(readable, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if isinstance(error, SelectionError):
                raise
            reason = getattr(error, "msg", None) or str(error)
            raise SelectionError(f"The query {text!r:.200} is not understood: {reason}.") from None
        self.whole = self.text_of(self.body)

    def text_of(self, node: ast.expr) -> str:
        """What was written for a part of the query, without brackets around it."""
        end = node.end_col_offset if node.end_col_offset is not None else len(self._line)
        return self._text[self._given_at(node.col_offset) : self._given_at(end)]

    def column(self, node: ast.expr) -> str | None:
        """The column that a part of the query is, if it is one."""
        return self.names.get(node.id, node.id) if isinstance(node, ast.Name) else None

    def _readable(self) -> str:
        """Identifiers in place of names in backticks, and words in place of signs, all in one line."""
        pieces: list[str] = []
        length = 0
        start = 0
        for piece in _PIECES.findall(self._text):
            self._given.append(start)
            self._read.append(length)
            start += len(piece)
            if piece in "&|":
                piece = " and " if piece == "&" else " or "
            elif piece == "\n":
                piece = " "
            elif piece.startswith("`") and len(piece) > 1:
                alias = f"quoted_{len(self.names)}"
                while alias in self._text:
                    alias += "_"
                self.names[alias] = piece[1:-1]
                piece = alias
            pieces.append(piece)
            length += len(piece)
        self._given.append(start)
        self._read.append(length)
        return "".join(pieces)

    def _given_at(self, offset: int) -> int:
        read = len(self._line[:offset].decode("utf-8", "surrogatepass"))
        piece = bisect_right(self._read, read) - 1
        # Within a piece that is read as it was given, character counts as character.
        return self._given[piece] + (read - self._read[piece])
