"""The query language of the experiment store: a recursive descent over tokens.

::

    query      = any
    any        = all {"or" all}
    all        = negation {"and" negation}
    negation   = "not" negation | "(" any ")" | comparison | text
    comparison = operand (sign operand {sign operand} | ["not"] word operand | "is" ["not"] ("missing" | "nan"))
    sign       = "==" | "!=" | "<" | "<=" | ">" | ">="
    word       = "in" | "contains" | "startswith" | "endswith"
    operand    = name | text | number | "True" | "False" | "None" | "[" operand {"," operand} "]"

``&``, ``|`` and ``~`` are ``and``, ``or`` and ``not``. Nothing of a query is ever given to Python.
"""

from __future__ import annotations

import re
from typing import Literal

from ...errors import StoreError
from . import syntax
from .operands import OperandReader
from .syntax import Comparison, Is, Join, Name, Node, Not, Operand, Phrase, Series
from .tokens import LONGEST, query_error

DEEPEST = 50
EVERYTHING = Join(True, ())

_QUOTED = re.compile(r"""(?<![^\s(\[,=<>!])(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)""", re.DOTALL)
_SEARCHES = "contains|startswith|endswith"
# what tells a comparison from plain words, where \x00 stands for a text in quotes
_COMPARES = re.compile(
    rf"[<>=]|\b(?:param|metric|dataset)\.|\b(?:{_SEARCHES}|in)\s*[(\[\x00]|\x00\s*(?:not\s+)?(?:{_SEARCHES}|in)\s"
    rf"|\b(?:{'|'.join((*syntax.FIELDS, 'tags', 'models'))})\s+(?:not\s+)?(?:{_SEARCHES})\b"
    r"|\bis\s+(?:not\s+)?(?:missing|nan)\b",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\b(?:and|or|not)\b|[()&|~]", re.IGNORECASE)
_WORD = re.compile(rf"{_QUOTED.pattern}|\S+", re.DOTALL)
_JOINS = {"and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or", "not": "not", "~": "not"}
_RELATIONS = ("in", "contains", "startswith", "endswith")
_OPERATORS = "==, !=, <, <=, >, >=, in, contains, startswith, endswith or is missing"


def parse(query: str | None) -> Node:
    """The parsed query; of plain words, all must occur.

    Raises
    ------
    StoreError
        Not a string, too long, nested too deeply, or not understood; the message points at the place.
    """
    if query is None:
        return EVERYTHING
    if not isinstance(query, str):
        raise StoreError(f"A query is a text such as \"status == 'SUCCESS'\", not {query!r}.")
    if len(query) > LONGEST:
        raise StoreError(f"The query has {len(query)} characters; use at most {LONGEST}.")
    outside = _QUOTED.sub("\x00", query.replace("\x00", " "))
    only_texts = "\x00" in outside and not _JOINT.sub(" ", outside).replace("\x00", " ").strip()
    if _COMPARES.search(outside) or (only_texts and _JOINT.search(outside)):
        return _Parser(query).parse()
    words = []
    for match in _WORD.finditer(query):
        quoted = _QUOTED.fullmatch(match.group())
        words.append(Phrase(match.group()[1:-1] if quoted else match.group()))
    return Join(True, tuple(words))


class _Parser(OperandReader):
    def __init__(self, query: str) -> None:
        super().__init__(query)
        self._depth = 0

    def parse(self) -> Node:
        node = self._any()
        if self.token.kind != "end":
            raise self.unexpected('"and", "or" or the end')
        return node

    def _any(self) -> Node:
        nodes = [self._all()]
        while self._joins("or"):
            nodes.append(self._all())
        return nodes[0] if len(nodes) == 1 else Join(False, tuple(nodes))

    def _all(self) -> Node:
        nodes = [self._negation()]
        while self._joins("and"):
            nodes.append(self._negation())
        return nodes[0] if len(nodes) == 1 else Join(True, tuple(nodes))

    def _negation(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise query_error(self.query, self.token.start, f"it is nested more than {DEEPEST} deep.")
        if self._joins("not"):
            node: Node = Not(self._negation())
        elif self.takes("("):
            node = self._any()
            if not self.takes(")"):
                raise self.unexpected('")", "and" or "or"')
        else:
            node = self._comparison()
        self._depth -= 1
        return node

    def _joins(self, meaning: str) -> bool:
        if self.token.kind in ("word", "sign") and _JOINS.get(self.token.value.lower()) == meaning:
            self.advance()
            return True
        return False

    def _comparison(self) -> Node:
        token = self.token
        left = self.operand()
        nodes: list[Node] = []
        while self.token.kind == "sign" and self.token.value in syntax.SIGNS:
            sign, place = self.token.value, self.token.start
            self.advance()
            right = self.operand()
            nodes.append(self._compared(left, sign, right, place))
            left = right
        if nodes:
            return nodes[0] if len(nodes) == 1 else Join(True, tuple(nodes))
        if self.token.kind == "sign" and self.token.value in ("=", "<>", "!"):
            raise query_error(self.query, self.token.start, 'write "==" for equal and "!=" for unequal.')
        place = self.token.start
        if self.takes_word("is"):
            return self._is(left)
        negated = self.takes_word("not")
        relation = self.token.value.lower() if self.token.kind == "word" else ""
        if relation in _RELATIONS:
            self.advance()
            found = self._related(left, relation, self.operand(), place)
            # what an experiment lacks is no match of "not in" either, which is why this is no Not
            return Comparison(found.left, f"not {found.operator}", found.right) if negated else found
        if not negated and token.kind == "text" and isinstance(left, syntax.Constant):
            return Phrase(str(left.value))
        raise self.unexpected(_OPERATORS)

    def _is(self, left: Operand) -> Node:
        negated = self.takes_word("not")
        word = self.token.value.lower() if self.token.kind == "word" else ""
        if word not in ("missing", "nan") or not isinstance(left, Name):
            raise self.unexpected('"missing" or "nan" after the name of something, "is" and perhaps "not"')
        self.advance()
        what: Literal["missing", "nan"] = "nan" if word == "nan" else "missing"
        return Is(left, what, negated)

    def _compared(self, left: Operand, sign: str, right: Operand, place: int) -> Node:
        for side in (left, right):
            if isinstance(side, Name) and side.scope == "list":
                raise query_error(
                    self.query, side.start, f"{side.name} is a list; write 'something' in {side.name}."
                )
            if isinstance(side, Series):
                raise query_error(
                    self.query, side.start, f'a list can only stand after "in", not at "{sign}".'
                )
        if not any(isinstance(side, Name) for side in (left, right)):
            raise query_error(self.query, place, "neither side names anything of an experiment.")
        return Comparison(self.beside(left, right), sign, self.beside(right, left))

    def _related(self, left: Operand, relation: str, right: Operand, place: int) -> Comparison:
        if relation == "contains":
            left, relation, right = right, "in", left
        for side in (left, right):
            if isinstance(side, Name) and side.name in syntax.TIME_FIELDS and side.scope == "field":
                raise query_error(self.query, side.start, "compare a time with ==, <, <=, > or >=.")
        if not any(isinstance(side, Name) for side in (left, right)):
            raise query_error(self.query, place, "neither side names anything of an experiment.")
        if isinstance(left, Series) or (isinstance(left, Name) and left.scope == "list"):
            raise query_error(self.query, left.start, "a list cannot be looked for in something.")
        if isinstance(right, Series) and relation != "in":
            raise query_error(self.query, right.start, f'expected one text after "{relation}".')
        if relation != "in" and isinstance(right, Name) and right.scope == "list":
            raise query_error(self.query, right.start, f'expected one text after "{relation}".')
        if isinstance(left, Name) and isinstance(right, Series):
            for value in right.values:
                self.check_status(value, left)
        return Comparison(left, relation, right)
