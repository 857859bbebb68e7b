"""What counts as a query, what as words, and how a mistake is shown."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments.asking.parser import EVERYTHING, parse
from piximi_widgets.experiments.asking.syntax import Join, Phrase


def _words(*words: str) -> Join:
    return Join(True, tuple(map(Phrase, words)))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("plate7 mobilenet", ["plate7", "mobilenet"]),
        ("  spaces\n\tbetween ", ["spaces", "between"]),
        ("in and not or is", ["in", "and", "not", "or", "is"]),
        ("don't can't", ["don't", "can't"]),
        ("f1-score 50% (new) a/b & c", ["f1-score", "50%", "(new)", "a/b", "&", "c"]),
        ("'plate 7'", ["plate 7"]),
        ('mobilenet "plate 7" x', ["mobilenet", "plate 7", "x"]),
        ("parameters metric", ["parameters", "metric"]),
        ("trained in march", ["trained", "in", "march"]),
    ],
)
def test_plain_words_are_no_comparison(query, words):
    assert parse(query) == _words(*words)


@pytest.mark.parametrize("query", [None, "", "  \n"])
def test_nothing_asks_for_everything(query):
    assert parse(query) == EVERYTHING


def test_texts_in_quotes_can_be_joined():
    assert parse("'a b' or \"c\"") == Join(False, (Phrase("a b"), Phrase("c")))


@pytest.mark.parametrize(
    ("query", "column", "message"),
    [
        ("metric.a >", 10, "expected a name, a number or a text in quotes, got the end"),
        ("metric.a > > 3", 11, 'expected .*, got ">"'),
        ("metric.a > 3 metric.b < 2", 13, 'expected "and", "or" or the end'),
        ("param.lr = 0.1", 9, 'write "=="'),
        ("(param.lr == 0.1", 16, r'expected "\)"'),
        ("param.lr == 0.1)", 15, "got .\\)."),
        ("param.net == 'open", 13, "has no end"),
        ("param. == 3", 6, "expected a name after"),
        ("metric.'a'.median > 3", 10, "one of .last, .best"),
        ("acuracy > 0.9", 0, "'acuracy' is no name"),
        ("nmae == 'x'", 0, "did you mean name"),
        ("param.net == mobilenet", 13, "a text stands in quotes"),
        ("1 < 2", 2, "neither side names"),
        ("'a' in 'abc' and param.x == 1", 4, "neither side names"),
        ("tags == 'x'", 0, "tags is a list"),
        ("param.x == [1]", 11, 'only stand after "in"'),
        ("param.x in [1, param.y]", 15, "may hold numbers and texts"),
        ("param.x in [1 2]", 14, 'expected "," or "]"'),
        ("param.x in [[1]]", 12, "expected a number or a text"),
        ("status == 'DONE'", 10, "'DONE' is no status"),
        ("status in ['SUCCESS', 'DONE']", 22, "'DONE' is no status"),
        ("created > 'soon'", 10, "expected a time"),
        ("created > 7", 10, "expected a time"),
        ("created > '2026-02-30'", 10, "expected a time"),
        ("created in ['2026-01-01']", 0, "compare a time"),
        ("param.x is 3", 11, '"missing" or "nan"'),
        ("tags in param.x", 0, "cannot be looked for"),
        ("name startswith ['a']", 16, "expected one text"),
        ("param.a and param.b == 1", 8, "expected ==, !="),
        ("name == 'a' and", 15, "expected a name"),
        ("__import__('os').system('x') == 0", 0, "is no name"),
        ("param.x.__class__.__mro__ > 3 + 4", 30, "got .\\+."),
    ],
)
def test_a_mistake_is_shown_with_a_caret(query, column, message):
    with pytest.raises(StoreError, match=message) as caught:
        parse(query)
    shown, caret = str(caught.value).splitlines()[-2:]
    assert shown == f"    {query}"
    assert caret == " " * (4 + column) + "^"


def test_a_long_query_is_shown_around_its_mistake():
    query = " or ".join(["param.a == 1"] * 500) + " or ? or " + " or ".join(["param.a == 1"] * 500)
    with pytest.raises(StoreError) as caught:
        parse(query)
    shown, caret = str(caught.value).splitlines()[-2:]
    assert len(shown) < 200
    assert shown[caret.index("^")] == "?"


@pytest.mark.parametrize(
    "query",
    [
        "(" * 5000 + "param.a == 1" + ")" * 5000,
        "not " * 4000 + "param.a == 1",
        "~" * 9000 + "(param.a == 1)",
        "param.a == 1 " + "or param.a == 1 " * 5000,
        "param.a in [" + "1," * 5000 + "]",
    ],
)
def test_depth_and_length_are_bounded(query):
    with pytest.raises(StoreError, match="more than|at most"):
        parse(query)


@pytest.mark.parametrize("query", [7, b"name == 'x'", ["a"]])
def test_a_query_is_a_text(query):
    with pytest.raises(StoreError, match="text"):
        parse(query)


_PIECES = st.one_of(
    st.sampled_from(
        ["param.", "metric.", "metric.a", "param.lr", "metric.'x'.max", "name", "status", "tags", "created"]
    ),
    st.sampled_from(
        ["(", ")", "[", "]", ",", "<", ">", "==", "!=", "<=", ">=", "=", "!", "&", "|", "~", ".", ".min"]
    ),
    st.sampled_from(["and", "or", "not", "in", "not in", "is", "contains", "startswith", "missing", "nan"]),
    st.sampled_from(
        ["'a'", '"b"', "`c`", "'7d'", "'SUCCESS'", "'2026-01-01'", "'", '"', "`", "\\", "\x00", "\ud800"]
    ),
    st.sampled_from(["None", "inf", "1", "-2.5e3", "7d", "1e999", "9" * 400, "9" * 5000, "9" * 300 + "d"]),
    st.text(max_size=5),
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(_PIECES, max_size=14), blank=st.sampled_from(["", " "]))
def test_no_text_does_anything_but_find_or_be_refused(pair, pieces, blank):
    store = pair[0].store
    try:
        table = store.search(blank.join(pieces))
    except StoreError:
        return
    assert set(table["name"]) <= {"one", "two"}
