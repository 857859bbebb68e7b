"""Nothing in the labeler's states that axe-core's rules find fault with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.bare_page import Open, tile

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci."),
]

# One line a finding: the rule, the element, and what would mend it.
SCAN = """async () => (await axe.run(".pxw-labeler")).violations.flatMap(({id, nodes}) =>
    nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))"""


def faults(page: Page) -> list[str]:
    # A picture that fades in has other colours for a moment.
    page.wait_for_timeout(300)
    page.add_script_tag(path=AXE)
    found: list[str] = page.evaluate(SCAN)
    return found


def category(page: Page, name: str = "metaphase") -> Any:
    return page.get_by_role("option", name=name).and_(page.locator(".pxw-category"))


def choose(page: Page, item: str) -> None:
    category(page).click(button="right")
    page.get_by_role("menuitem", name=item).click()


def several(page: Page) -> None:
    tile(page, 2).click()
    tile(page, 9).click(modifiers=["Shift"])


def key(name: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        tile(page, 2).click()
        page.keyboard.press(name)

    return press


def python(expression: str) -> Callable[[Page], None]:
    """What Python, or the kernel, does."""

    def evaluate(page: Page) -> None:
        page.evaluate(expression)

    return evaluate


def button(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def typed(*strokes: str) -> Callable[[Page], None]:
    def write(page: Page) -> None:
        for stroke in strokes:
            page.keyboard.press(stroke)

    return write


def chosen(item: str) -> Callable[[Page], None]:
    return lambda page: choose(page, item)


REFUSED = "kernel.refuse = 'This project is open for reading only.'"
SOME = "{field: 'category', values: ['metaphase', null]}, {field: 'confidence', min: 0.6}"
STATES: dict[str, list[Callable[[Page], None]]] = {
    "as it opens": [],
    "a selection": [several],
    "a label on its way": [python("kernel.delay = 5000"), key("1")],
    "an excluded and an unsure image": [several, typed("Delete"), key("?")],
    "a filter": [python(f"kernel.set('_filter', {{by: '', clauses: [{SOME}]}})")],
    "no image": [python("kernel.set('_filter', {by: '', clauses: [{field: 'confidence', min: 2}]})")],
    "the menu of the images": [lambda page: tile(page, 2).click(button="right")],
    "the menu of a category": [lambda page: category(page).click(button="right")],
    "the palette": [lambda page: category(page).locator(".pxw-swatch").click()],
    "counts by partition": [button("By partition")],
    "a new category": [button("Add category")],
    "a name that is taken": [chosen("Rename…"), typed(*"anaphase", "Enter")],
    "a key": [chosen("Change key…"), typed("1")],
    "a merge": [chosen("Merge into…")],
    "a deletion": [chosen("Delete…")],
    "the filter's popover": [button("Filter")],
    "the order's menu": [button("Sort")],
    "the predictions' menu": [button("Predictions")],
    "the shortcuts": [key("h")],
    "the viewer": [key("v")],
    "an error": [python(REFUSED), key("1")],
    "no connection": [python("kernel.down = true"), key("1")],
}


def bring_about(page: Page, state: str) -> None:
    for act in STATES[state]:
        act(page)


@pytest.mark.parametrize("state", STATES)
def test_no_state_has_a_fault(open_page: Open, state: str) -> None:
    page = open_page(predictions=True, count=40)
    bring_about(page, state)
    assert faults(page) == []


@pytest.mark.parametrize(
    "state", ["as it opens", "the palette", "a deletion", "the filter's popover", "the viewer"]
)
@pytest.mark.parametrize(
    "setting", [{"size": (480, 720)}, {"dark": True}], ids=lambda setting: next(iter(setting))
)
def test_no_state_has_a_fault_narrow_or_dark(open_page: Open, state: str, setting: dict[str, Any]) -> None:
    page = open_page(predictions=True, count=40, **setting)
    bring_about(page, state)
    assert faults(page) == []


def test_an_empty_project_has_no_fault(open_page: Open) -> None:
    assert faults(open_page(count=0, categories=0)) == []


def test_the_scan_finds_a_fault(open_page: Open) -> None:
    page = open_page(count=20)
    page.evaluate("document.querySelector('.pxw-add').replaceChildren()")
    assert any(fault.startswith("button-name") for fault in faults(page))
