"""The text of a query, cut into tokens that know where they stand."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ...errors import StoreError

LONGEST = 20_000
_SHOWN = 60

Kind = Literal["text", "word", "sign", "end"]

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | (?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)
      | (?P<sign>==|!=|<=|>=|<>|&&|\|\||[<>=!()\[\],&|~])
      | (?P<word>[^\s<>=!()\[\],&|~'"`]+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"""\\(['"\\])""")


class Token(NamedTuple):
    """A piece of a query: what it is, what it says, and from where to where it reaches."""

    kind: Kind
    value: str
    start: int
    stop: int


def query_error(query: str, start: int, message: str) -> StoreError:
    """A StoreError that shows the query with a caret under the character `start`."""
    first = max(0, min(start, len(query)) - _SHOWN)
    shown = re.sub(r"[\s\x00-\x1f]", " ", query[first : start + _SHOWN])
    before = "…" if first else ""
    after = "…" if start + _SHOWN < len(query) else ""
    caret = " " * (len(before) + start - first) + "^"
    return StoreError(f"The query is not understood: {message}\n    {before}{shown}{after}\n    {caret}")


def tokens(query: str) -> list[Token]:
    """The tokens of a query, an empty one at its end.

    Raises
    ------
    StoreError
        A quotation mark that is never closed.
    """
    found = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise query_error(query, position, f"the text that begins with {query[position]} has no end.")
        if match.lastgroup == "text":
            inside = match.group()[1:-1]
            value = inside if query[position] == "`" else _ESCAPE.sub(r"\1", inside)
            found.append(Token("text", value, position, match.end()))
        elif match.lastgroup == "word":
            found.append(Token("word", match.group(), position, match.end()))
        elif match.lastgroup == "sign":
            found.append(Token("sign", match.group(), position, match.end()))
        position = match.end()
    return [*found, Token("end", "", len(query), len(query))]
