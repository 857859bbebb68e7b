"""Queries against an oracle that evaluates the same comparison in Python, over plain dicts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.asking.search import found_facts

PARAMETERS: list[dict[str, object]] = [
    {},
    {"lr": 0.1, "net": "mobilenet", "flag": True},
    {"lr": 0.01, "net": "small cnn", "flag": False, "layers": [8, 16]},
    {"lr": "auto", "net": None, "odd name (1)": 3},
    {"lr": math.nan, "net": "it's", "layers": ["conv", "dense"]},
    {"lr": 1, "net": "mobilenet", "odd name (1)": -2.5},
    {"lr": math.inf, "net": "Mobilenet", "layers": {"conv": 3}},
    {"lr": -1e-300, "net": "", "flag": None},
    {"lr": 10**30, "net": "ü\u2028x", "odd name (1)": 0},
]
TAGS = [[], ["plate7"], ["plate7", "x"], ["x"], [], ["Plate7"], ["plate77"], ["a b"], ["plate7"]]
METRICS: list[dict[str, list[float]]] = [
    {},
    {"val/accuracy": [0.5, 0.95, 0.9], "val/loss": [3.0, 1.0, 2.0]},
    {"val/accuracy": [0.95], "odd metric = 1": [1.0, 7.0]},
    {"val/accuracy": [math.nan], "val/loss": [math.nan, 2.0, math.inf]},
    {"val/loss": [-math.inf, 0.0]},
    {"val/accuracy": [0.0], "val/loss": [2.0, 2.0]},
    {"val/loss": [1e308], "odd metric = 1": [math.nan]},
    {"val/accuracy": [1.0, 0.1]},
    {"val/loss": [5.0, 4.0, 3.0, 2.0]},
]

Test = Callable[[int], bool]
Case = tuple[str, Test]


@pytest.fixture(scope="module")
def widely_used(tmp_path_factory: pytest.TempPathFactory) -> ExperimentStore:
    """Nine experiments with parameters of all types and odd names, for queries that only read."""
    store = ExperimentStore(tmp_path_factory.mktemp("asked") / "x.db")
    for number in range(9):
        store.create_experiment(
            f"run {number}",
            description="" if number % 2 else "with a notch filter",
            parameters=PARAMETERS[number],
            tags=TAGS[number],
        )
        for name, values in METRICS[number].items():
            store[f"run {number}"].log(name, {"steps": list(range(len(values))), "values": values})
    store["run 3"].start()
    store["run 3"].finish()
    store["run 4"].start()
    store["run 4"].finish("FAILED")
    return store


_NUMBERS = st.sampled_from([0, 1, 2, -2.5, 0.1, 0.01, 0.9, 0.95, 1e308, math.inf, -math.inf, 10**30, 3, 5])
_LOGGED = st.sampled_from(
    sorted({value for logged in METRICS for values in logged.values() for value in values if value == value})
)
_TEXTS = st.sampled_from(["mobilenet", "it's", "", "auto", 'a "b"', "ü\u2028x", "small", "\\", "conv"])
_STATUS = ["WAITING", "WAITING", "WAITING", "SUCCESS", "FAILED"] + ["WAITING"] * 4


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _written(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)


def _python(sign: str, left: Any, right: Any) -> bool:
    """What Python says, False where it raises; nothing compares with NaN."""
    if any(isinstance(side, float) and math.isnan(side) for side in (left, right)):
        return False
    if isinstance(left, bool) is not isinstance(right, bool):
        return sign == "!="  # of different types, which Python does not think of them
    try:
        return bool(eval(f"left {sign} right", {"left": left, "right": right}))
    except TypeError:
        return False


@st.composite
def _parameter_cases(draw: st.DrawFn) -> Case:
    name, written = draw(
        st.sampled_from(
            [
                ("lr", "param.lr"),
                ("net", "param.net"),
                ("flag", "param.flag"),
                ("layers", "param.layers"),
                ("odd name (1)", 'param."odd name (1)"'),
                ("odd name (1)", "param.`odd name (1)`"),
            ]
        )
    )
    sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    value = draw(st.one_of(_NUMBERS, _TEXTS, st.sampled_from([True, False, None])))

    def test(number: int) -> bool:
        return name in PARAMETERS[number] and _python(sign, PARAMETERS[number][name], value)

    return f"{written} {sign} {_written(value)}", test


@st.composite
def _turned_cases(draw: st.DrawFn) -> Case:
    low, high = draw(_NUMBERS), draw(_NUMBERS)
    first, second = (draw(st.sampled_from(["<", "<=", "!=", "=="])) for _ in range(2))

    def test(number: int) -> bool:
        value = PARAMETERS[number].get("lr", math.nan)
        return _python(first, low, value) and _python(second, value, high)

    return f"{low}{first}param.lr{second}{high}", test


@st.composite
def _metric_cases(draw: st.DrawFn) -> Case:
    name, written = draw(
        st.sampled_from(
            [
                ("val/accuracy", "metric.val/accuracy"),
                ("val/loss", "metric.val/loss"),
                ("val/loss", "metric.'val/loss'"),
                ("odd metric = 1", 'metric."odd metric = 1"'),
            ]
        )
    )
    ending = draw(st.sampled_from(["", ".last", ".min", ".max", ".best", ".count"]))
    if name.startswith("odd") or "'" in written:
        full = written + ending
    else:
        full = draw(st.sampled_from([written + ending, f'metric."{name}"{ending}']))
    sign = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    value = draw(st.one_of(_LOGGED, _LOGGED, _LOGGED, _NUMBERS, _TEXTS))

    def test(number: int) -> bool:
        values = METRICS[number].get(name)
        if values is None:
            return False
        finite = [value for value in values if math.isfinite(value)]
        smallest = ending == ".min" or (ending == ".best" and name == "val/loss")
        if ending in ("", ".last"):
            found: float = values[-1]
        elif ending == ".count":
            found = len(values)
        else:
            found = (min if smallest else max)(finite) if finite else math.nan
        return _python(sign, found, value)

    return f"{full} {sign} {_written(value)}", test


@st.composite
def _membership_cases(draw: st.DrawFn) -> Case:
    values = draw(st.lists(st.one_of(_NUMBERS, _TEXTS), max_size=4))
    negated = draw(st.booleans())
    relation = "not in" if negated else "in"
    name = draw(st.sampled_from(["lr", "net"]))
    opening, closing = draw(st.sampled_from(["[]", "()"]))

    def test(number: int) -> bool:
        value = PARAMETERS[number].get(name, math.nan)
        if isinstance(value, float) and math.isnan(value):
            return False
        return (value in values) is not negated

    listed = ", ".join(map(_written, values))
    return f"param.{name} {relation} {opening}{listed}{closing}", test


@st.composite
def _tag_cases(draw: st.DrawFn) -> Case:
    tag = draw(st.sampled_from(["plate7", "x", "a b", "none"]))
    negated = draw(st.booleans())
    relation = "not in" if negated else "in"
    if draw(st.booleans()):
        text = f"{_quoted(tag)} {relation} tags"
    else:
        text = f"tags {'not ' if negated else ''}contains {_quoted(tag)}"
    return text, lambda number: (tag in TAGS[number]) is not negated


@st.composite
def _text_cases(draw: st.DrawFn) -> Case:
    part = draw(st.sampled_from(["mob", "net", "", "'", "ü"]))
    relation, test = draw(
        st.sampled_from(
            [
                ("contains", lambda text: part in text),
                ("startswith", lambda text: text.startswith(part)),
                ("endswith", lambda text: text.endswith(part)),
            ]
        )
    )

    def is_so(number: int) -> bool:
        text = PARAMETERS[number].get("net")
        return isinstance(text, str) and test(text)

    return f"param.net {relation} {_quoted(part)}", is_so


@st.composite
def _other_cases(draw: st.DrawFn) -> Case:
    return draw(
        st.sampled_from(
            [
                ("status == 'failed'", lambda number: _STATUS[number] == "FAILED"),
                ("status in ['success', 'FAILED']", lambda number: _STATUS[number] != "WAITING"),
                ("name == 'run 3'", lambda number: number == 3),
                ("param.lr is missing", lambda number: "lr" not in PARAMETERS[number]),
                ("param.lr is not missing", lambda number: "lr" in PARAMETERS[number]),
                ("param.lr is nan", lambda number: number == 4),
                ("metric.val/accuracy is nan", lambda number: number == 3),
                ("tags is missing", lambda number: not TAGS[number]),
                ("'NOTCH filter'", lambda number: number % 2 == 0),
                ("duration is missing", lambda number: number not in (3, 4)),
                ("exit_code == 0", lambda number: False),
                (
                    "metric.val/loss > metric.val/accuracy",
                    lambda number: _python(
                        ">",
                        METRICS[number].get("val/loss", [math.nan])[-1],
                        METRICS[number].get("val/accuracy", [math.nan])[-1],
                    ),
                ),
            ]
        )
    )


def _joined(inner: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    def negate(case: Case, word: str) -> Case:
        return f"{word} ({case[0]})", lambda number: not case[1](number)

    def join(cases: list[Case], word: str) -> Case:
        text = f" {word} ".join(f"({text})" for text, _ in cases)
        every = all if word in ("and", "&") else any
        return text, lambda number: every(test(number) for _, test in cases)

    return st.one_of(
        st.builds(negate, inner, st.sampled_from(["not", "NOT", "~"])),
        st.builds(join, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["and", "or", "&", "|"])),
    )


_ONE = st.one_of(
    _parameter_cases(),
    _turned_cases(),
    _metric_cases(),
    _metric_cases(),
    _membership_cases(),
    _tag_cases(),
    _text_cases(),
    _other_cases(),
)
_CASES = st.one_of(_ONE, st.recursive(_ONE, _joined, max_leaves=8))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=_CASES)
def test_a_query_finds_what_python_finds(widely_used, case):
    text, test = case
    # a lone text in parentheses would be a word; a comparison beside it makes the whole a query
    query = f"({text}) and name startswith 'run'"
    found = [facts.header["name"] for facts in found_facts(widely_used, query)]
    assert found == [f"run {number}" for number in range(9) if test(number)], query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # "and" binds more tightly than "or", and "not" than both
        ("name == 'run 1' or name == 'run 2' and name == 'run 3'", [1]),
        ("(name == 'run 1' or name == 'run 2') and name == 'run 2'", [2]),
        ("not name == 'run 1' and param.lr == 0.1", []),
        ("not (name == 'run 1' and param.lr == 0.1) and param.lr <= 0.1 and param.lr > 0", [2]),
        ("'conv' in param.layers", [4, 6]),
        ("param.layers contains 8", [2]),
        ("param.net startswith 'mob'", [1, 5]),
        ("param.lr == 1", [5]),
        ("param.lr==+1", [5]),
        ("param.lr == 1" + 30 * "0", [8]),
        ("metric.val/accuracy.max > .9 and metric.val/accuracy < 0.2", [7]),
        ("id in (1, 2,)", [0, 1]),
        ("param.flag == true", [1]),
        ("param.flag == None", [7]),
        ("param.flag != True", [2, 7]),
        ("duration >= 0", [3, 4]),
        # neither what is missing, nor NaN, nor a number in which a text cannot be
        ("'z' not in param.lr", [3]),
        ("3 != param.lr", [1, 2, 3, 5, 6, 7, 8]),
        ("metric.val/loss.best == 1", [1]),
        ("metric.val/accuracy.best == 0.95", [1, 2]),
        ("metric.val/loss.max is missing", [0, 2, 7]),
        ("not metric.val/loss > -inf", [0, 2, 7]),
    ],
)
def test_examples(widely_used, query, expected):
    assert widely_used.search(query)["name"].tolist() == [f"run {number}" for number in expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created == '2020-03-31'", True),
        ("created != '2020-03-31'", False),
        ("created > '2020-03-31'", False),
        ("created < '2020-03-31'", False),
        ("created >= '2020-03-31'", True),
        ("created <= '2020-03-31'", True),
        ("created > '2020-03-30'", True),
        ("created != '2020-03-30'", True),
        ("created < '2020-03-31 12:01'", True),
        ("created == '2020-03-31T14:00+02:00'", True),
        ("created == '2020-03-31T14:00'", False),
        ("'2020-03-30' < created < '2020-04-01'", True),
        ("created < '1h'", True),
        ("created < 7d", True),
        ("created > '7d'", False),
        ("created > '99999w'", True),
        ("created <= created", True),
        ("created == name", False),
        ("created != name", True),
        ("started > '2000-01-01'", False),
        ("started < created", False),
        ("started is missing", True),
        ("created is nan", False),
    ],
)
def test_times_are_compared_as_days_moments_and_ages(store, experiment, query, expected):
    with store.database.write() as connection:
        noon = datetime(2020, 3, 31, 12, tzinfo=UTC)
        connection.execute("UPDATE experiment SET created = ?", (int(noon.timestamp() * 1000),))
    assert len(store.search(query)) == expected


def test_what_is_attached_and_what_it_is_based_on(store, pair):
    one, _ = pair
    store.create_experiment("child", base_experiment=one)
    assert store.search("'train' in dataset.alias and 'v1' in dataset.name")["name"].tolist() == ["one"]
    assert store.search(f"'{'f' * 64}' in dataset.fingerprint")["name"].tolist() == ["one"]
    assert store.search("base_experiment == 'one'")["name"].tolist() == ["child"]


def test_models_that_were_published(store, pair):
    one, _ = pair
    with store.database.write() as connection:
        connection.execute("INSERT INTO model (uid, name, created) VALUES ('m', 'mitosis', 0)")
        connection.execute(
            "INSERT INTO model_version (uid, model_id, number, framework, labels, creator, created, experiment_id,"
            " experiment_uid, experiment_name, datasets, parameters) VALUES"
            " ('v', 1, 1, 'TENSORFLOW', '{}', 'x', 0, ?, 'u', 'one', '[]', '{}')",
            (one.id,),
        )
        connection.execute("UPDATE experiment SET base_model_version_id = 1 WHERE name = 'two'")
    assert store.search("'mitosis' in models")["name"].tolist() == ["one"]
    assert store.search("base_model == 'mitosis'")["name"].tolist() == ["two"]


def test_a_metric_whose_name_ends_like_a_part_goes_before(store, experiment):
    experiment.log("loss", [5.0, 1.0])
    assert len(store.search("metric.loss.max == 5")) == 1
    experiment.log("loss.max", [7.0])
    assert len(store.search("metric.loss.max == 7")) == 1
    assert len(store.search('metric."loss".max == 5')) == 1


@pytest.mark.parametrize(
    ("query", "close"),
    [
        ("metric.val/acuracy > 0.9", "val/accuracy"),
        ("metric.accuracy > 0.9", "val/accuracy"),
        ("param.nets == 'x'", "net"),
    ],
)
def test_a_name_that_no_experiment_has_is_refused_with_those_that_come_closest(widely_used, query, close):
    with pytest.raises(StoreError, match=f"did you mean.*{close}"):
        widely_used.search(query)


def test_an_empty_store_lets_any_name_pass(store):
    assert store.search("metric.x.max > 1 and param.y == 'z' and 'a' in tags").empty
    with pytest.raises(StoreError, match="expected"):
        store.search("metric.x >")


def test_the_example_of_the_documentation_is_understood(store):
    example = re.search(r"::\n\n +(.+)\n", ExperimentStore.search.__doc__).group(1)
    right = store.create_experiment("right", parameters={"architecture": "mobilenet"}, tags=["plate7"])
    right.log_metrics({"accuracy": 0.95}, phase="val")
    wrong = store.create_experiment("wrong", parameters={"architecture": "simple"}, tags=["plate7"])
    wrong.log_metrics({"accuracy": 0.95}, phase="val")
    assert store.search(example)["name"].tolist() == ["right"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("param.flag == 1", ["number"]),
        ("param.flag == 1.0", ["number"]),
        ("param.flag == True", ["true"]),
        ("param.flag != 1", ["true", "false"]),
        ("param.flag in [1, 0]", ["number"]),
        ("param.flag not in [True]", ["number", "false"]),
        ("param.flag > 0", ["number"]),
        ("param.flag >= False", ["true", "false"]),
    ],
)
def test_true_is_not_one(store, query, expected):
    for name, value in (("number", 1), ("true", True), ("false", False)):
        store.create_experiment(name, parameters={"flag": value})
    assert store.search(query)["name"].tolist() == expected
