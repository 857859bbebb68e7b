"""Reading the operands of a query: names, texts, numbers, moments and lists."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches

from ...errors import StoreError
from ..status import Status
from ..values import now
from .syntax import FIELDS, LIST_FIELDS, PARTS, TIME_FIELDS, Constant, Moment, Name, Operand, Series
from .tokens import Token, query_error, tokens

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_INFINITY = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|min|h|d|w)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CONSTANTS = {"true": True, "false": False, "none": None, "null": None}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "contains", "startswith", "endswith"})
_MOST_IN_A_LIST = 1000


class OperandReader:
    """The tokens of a query, read one after the other."""

    def __init__(self, query: str) -> None:
        self.query = query
        self._tokens = tokens(query)
        self._position = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    def advance(self) -> None:
        self._position += 1

    def takes(self, sign: str) -> bool:
        """Whether the sign stands here; it is stepped over."""
        found = self.token.kind == "sign" and self.token.value == sign
        self._position += found
        return found

    def takes_word(self, word: str) -> bool:
        """Whether the word stands here, in any case; it is stepped over."""
        found = self.token.kind == "word" and self.token.value.lower() == word
        self._position += found
        return found

    def unexpected(self, expected: str) -> StoreError:
        found = f'"{self.token.value[:40]}"' if self.token.kind != "end" else "the end"
        return query_error(self.query, self.token.start, f"expected {expected}, got {found}.")

    def operand(self) -> Operand:
        token = self.token
        if token.kind == "text":
            self.advance()
            return Constant(token.value, token.start)
        if token.kind == "sign" and token.value in "([":
            return self._series()
        if token.kind != "word" or token.value.lower() in _KEYWORDS:
            raise self.unexpected("a name, a number or a text in quotes")
        self.advance()
        word = token.value
        if _WHOLE.fullmatch(word) and len(word) <= 300:
            return Constant(int(word), token.start)
        if _NUMBER.fullmatch(word):
            return Constant(float(word), token.start)
        if infinite := _INFINITY.fullmatch(word):
            return Constant(float(f"{infinite[1]}inf"), token.start)
        if word.lower() in _CONSTANTS:
            return Constant(_CONSTANTS[word.lower()], token.start)
        if _AGE.fullmatch(word):
            return Constant(word, token.start)
        return self._name(token)

    def _series(self) -> Series:
        start = self.token.start
        closing = ")" if self.token.value == "(" else "]"
        self.advance()
        values: list[Constant] = []
        while not self.takes(closing):
            if values and not self.takes(","):
                raise self.unexpected(f'"," or "{closing}"')
            if values and self.takes(closing):
                break
            place = self.token.start
            if self.token.kind == "sign":
                raise self.unexpected("a number or a text in quotes")
            value = self.operand()
            if not isinstance(value, Constant):
                raise query_error(self.query, place, "a list may hold numbers and texts in quotes only.")
            values.append(value)
            if len(values) > _MOST_IN_A_LIST:
                raise query_error(self.query, place, f"the list has more than {_MOST_IN_A_LIST} entries.")
        return Series(tuple(values), start)

    def _name(self, token: Token) -> Name:
        word = token.value
        scope, dot, rest = word.partition(".")
        if scope in ("param", "metric") and dot:
            if rest:
                return Name("param" if scope == "param" else "metric", rest, None, token.start)
            return self._quoted_name(token, scope)
        if word in FIELDS:
            return Name("field", word, None, token.start)
        if word in LIST_FIELDS:
            return Name("list", word, None, token.start)
        close = get_close_matches(word, (*FIELDS, *LIST_FIELDS), 3)
        hint = (
            f"did you mean {' or '.join(close)}?"
            if close
            else f"there are {', '.join((*FIELDS, *LIST_FIELDS))}."
        )
        raise query_error(
            self.query,
            token.start,
            f"{word[:60]!r} is no name; a parameter is param.…, a metric metric.…, a text stands in quotes; {hint}",
        )

    def _quoted_name(self, token: Token, scope: str) -> Name:
        quoted = self.token
        if quoted.kind != "text" or quoted.start != token.stop:
            raise query_error(
                self.query, token.stop, f'expected a name after "{scope}."; odd ones stand in quotes.'
            )
        self.advance()
        if scope == "param":
            return Name("param", quoted.value, None, token.start)
        after = self.token
        if after.kind == "word" and after.start == quoted.stop:
            for part in PARTS:
                if after.value == f".{part}":
                    self.advance()
                    return Name("metric", quoted.value, part, token.start)
            raise self.unexpected(f"one of {', '.join(f'.{part}' for part in PARTS)}")
        return Name("metric", quoted.value, "last", token.start)

    def beside(self, side: Operand, other: Operand) -> Operand:
        """What `side` is in a comparison with `other`: beside a time a moment, beside a status one of these."""
        if isinstance(other, Name) and other.scope == "field" and isinstance(side, Constant):
            if other.name in TIME_FIELDS:
                return self._moment(side)
            self.check_status(side, other)
        return side

    def check_status(self, constant: Constant, name: Name) -> None:
        """Refuse a text beside `status` that is no status."""
        if name.scope == "field" and name.name == "status" and str(constant.value).upper() not in set(Status):
            raise query_error(
                self.query, constant.start, f"{constant.value!r} is no status; there are {', '.join(Status)}."
            )

    def _moment(self, constant: Constant) -> Moment:
        text = constant.value.strip() if isinstance(constant.value, str) else ""
        try:
            if age := _AGE.fullmatch(text):
                first = now() - round(float(age[1]) * _SECONDS[age[2]] * 1000)
                return Moment(first, first, constant.start)
            if _DAY.fullmatch(text):
                day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
                first = _milliseconds(day)
                return Moment(first, first + 86_400_000 - 1, constant.start)
            moment = datetime.fromisoformat(text)
            first = _milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            return Moment(first, first, constant.start)
        except (ValueError, OverflowError):
            raise query_error(
                self.query,
                constant.start,
                "expected a time: '2026-03-31', '2026-03-31 14:00' (UTC), or how long ago, as '7d' or '12h'.",
            ) from None


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
