"""The look: nothing from outside the machine, no class without the prefix, no name unescaped."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from piximi_widgets.errors import CategoryError
from piximi_widgets.experiments import Status
from piximi_widgets.widgets import theme

SHEET = files("piximi_widgets.widgets").joinpath("theme.css").read_text(encoding="utf-8")
FOREIGN = (
    "widget-",
    "jupyter-",
    "lm-",
    "noUi-",
    "bqplot",
    "heatmapcell",
    "vscode-dark",
    "axis",
    "axislabel",
    "classic",
    "gg",
)


def test_every_class_of_our_own_begins_with_the_prefix():
    selectors = re.sub(r"\{[^{}]*\}|/\*.*?\*/|url\([^)]*\)", " ", SHEET, flags=re.DOTALL)
    names = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
    own = {
        name
        for name in names
        if not name.startswith(FOREIGN) and name not in ("mod-active", "dot", "slider-container")
    }
    assert own
    assert {name for name in own if not name.startswith("pxw-") and name != "pxw"} == set()


def test_the_sheet_loads_nothing():
    assert "@import" not in SHEET
    assert re.findall(r"url\((?!\"data:)", SHEET) == []


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_a_word_and_an_icon_beside_its_colour(status):
    badge = theme.badge(status)
    assert "<svg" in badge
    assert theme.look(status).word in badge
    assert len({theme.look(other).word for other in Status}) == len(Status)


def test_an_error_of_ours_is_shown_in_its_own_words():
    shown = theme.explain(CategoryError("There is no category <b>."))
    assert "There is no category &lt;b&gt;." in shown
    assert "Traceback" not in shown


def test_any_other_error_comes_with_its_traceback():
    try:
        {}["missing"]
    except KeyError as error:
        shown = theme.explain(error)
    assert "KeyError" in shown
    assert "Traceback" in shown


def test_a_static_picture_that_cannot_be_made_says_so():
    bundle = theme.with_static({"text/plain": "x"}, lambda: 1 / 0)
    assert "ZeroDivisionError" in bundle["text/html"]
