"""The labeler's list of categories by mouse and keyboard, in a bare page with a kernel of a few lines."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.bare_page import Open, tile

pytestmark = pytest.mark.browser


def row(page: Page, name: str) -> Any:
    return page.locator(".pxw-category", has=page.locator(".pxw-category-name", has_text=name))


def order(page: Page) -> list[str]:
    return page.locator(".pxw-category-name").all_inner_texts()[:-1]


def sent(page: Page) -> list[tuple[str, dict[str, Any]]]:
    page.wait_for_timeout(100)
    return [(each["action"], each["argument"]) for each in page.evaluate("kernel.operations")]


def press_and_move(page: Page, name: str, target: str) -> None:
    """Hold a row's middle and move the pointer to the lower edge of another one."""
    start, end = row(page, name).bounding_box(), row(page, target).bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 60, start["y"] + 20)
    page.mouse.move(end["x"] + 60, end["y"] + end["height"] - 3)


def test_a_category_is_dragged_to_another_place(open_page: Open) -> None:
    page = open_page()
    tile(page, 2).click()
    press_and_move(page, "interphase", "metaphase")
    expect(page.locator(".pxw-drop-line")).to_be_visible()
    page.mouse.up()
    expect(page.locator(".pxw-drop-line")).to_be_hidden()
    moved = ["prophase", "metaphase", "interphase", "anaphase", "telophase"]
    assert order(page) == moved
    assert sent(page) == [("reorder_categories", {"names": moved})]
    expect(page.locator(".pxw-message")).to_have_text("interphase is now number 3 of 5, with the key 3.")
    assert page.evaluate("document.activeElement.className").startswith("pxw-grid")


def test_escape_ends_a_drag_and_nothing_is_labeled(open_page: Open) -> None:
    page = open_page()
    tile(page, 2).click()
    press_and_move(page, "interphase", "metaphase")
    page.keyboard.press("Escape")
    page.mouse.up()
    assert order(page)[0] == "interphase"
    assert sent(page) == []
    expect(page.locator(".pxw-selected-count")).to_have_text("1 selected")


def test_alt_and_arrows_move_a_category(open_page: Open) -> None:
    page = open_page()
    page.locator(".pxw-categories").focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    assert order(page)[:3] == ["prophase", "interphase", "metaphase"]


def test_a_colour_is_chosen_by_keys(open_page: Open) -> None:
    page = open_page()
    row(page, "interphase").locator(".pxw-swatch").click()
    expect(page.get_by_role("option", name="orange, used by prophase")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".pxw-message")).to_have_text("The colour of interphase is now brick red.")
    assert sent(page) == [("recolor_category", {"name": "interphase", "color": "#992200"})]


def test_another_key_is_given_after_its_consequence(open_page: Open) -> None:
    page = open_page()
    row(page, "telophase").click(button="right")
    page.get_by_role("menuitem", name="Change key…").click()
    page.keyboard.type("u")
    expect(page.get_by_text("U removes the label. Choose another key.")).to_be_visible()
    page.keyboard.type("1")
    expect(page.get_by_text("1 is the key of interphase, which gets 2.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(row(page, "telophase").locator(".pxw-key")).to_have_text("1")
    expect(row(page, "interphase").locator(".pxw-key")).to_have_text("2")
    assert sent(page) == [("set_category_key", {"name": "telophase", "key": "1"})]


def test_a_merge_states_its_consequence_first(open_page: Open) -> None:
    page = open_page()
    row(page, "interphase").click(button="right")
    page.get_by_role("menuitem", name="Merge into…").click()
    page.get_by_label("Merge into").select_option(label="anaphase")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text(
        "labeled interphase become anaphase; interphase is deleted. Undo brings it back."
    )
    assert sent(page) == []
    question.get_by_role("button", name="Merge").click()
    expect(row(page, "interphase")).to_have_count(0)
    assert sent(page) == [("merge_categories", {"names": ["interphase"], "into": "anaphase"})]


def test_the_images_of_a_deleted_category_can_get_another(open_page: Open) -> None:
    page = open_page()
    page.locator(".pxw-categories").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("alertdialog")).to_contain_text("in training")
    page.get_by_label("Their images become").select_option(label="telophase")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    assert sent(page) == [("remove_category", {"name": "interphase", "move_to": "telophase"})]
    assert page.evaluate("kernel.images.filter((image) => image.category === 1).length") == 0


def test_one_click_shows_only_a_category_and_all_again(open_page: Open) -> None:
    page = open_page()
    shown = page.locator(".pxw-message")
    row(page, "Unlabeled").click(modifiers=["Alt"])
    expect(shown).to_have_text("240 images shown.")
    row(page, "Unlabeled").locator(".pxw-only").click()
    expect(shown).to_have_text("400 images shown.")
    assert sent(page) == []


def test_counts_by_partition_and_what_is_too_few(open_page: Open) -> None:
    page = open_page(count=10, categories=2)
    expect(row(page, "interphase").locator(".pxw-partitions")).to_be_hidden()
    page.get_by_role("button", name="By partition").click()
    expect(page.get_by_role("option", name="interphase, 2 images, training 2, validation 0")).to_be_visible()
    tile(page, 1).click()
    row(page, "prophase").click()
    expect(page.get_by_role("option", name="interphase")).to_contain_text(
        "cannot be split between training and validation"
    )
    expect(page.get_by_role("option", name="prophase")).to_contain_text(
        "Only 3 images: too few to learn from"
    )
