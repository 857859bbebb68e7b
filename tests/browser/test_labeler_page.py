"""The labeler's page by keyboard and mouse, in a bare page with a kernel of a few lines."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.bare_page import PICTURES, Open, category_of, saved, selected, tile

pytestmark = pytest.mark.browser


def test_mouse_selects_like_a_file_browser(open_page: Open) -> None:
    page = open_page()
    assert selected(page) == "None selected"
    tile(page, 2).click()
    tile(page, 5).click(modifiers=["Shift"])
    assert selected(page) == "4 selected"
    tile(page, 3).click(modifiers=["Control"])
    tile(page, 9).click(modifiers=["Control"])
    assert selected(page) == "4 selected"
    expect(tile(page, 9)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Control+a")
    assert selected(page) == "400 selected"
    page.keyboard.press("Escape")
    assert selected(page) == "None selected"


def test_arrows_move_and_extend(open_page: Open) -> None:
    page = open_page()
    tile(page, 1).click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == "2 selected"
    page.keyboard.press("End")
    expect(tile(page, 400)).to_be_visible()
    expect(tile(page, 400)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+Home")
    assert selected(page) == "400 selected"
    page.keyboard.press("PageDown")
    page.wait_for_function(
        """() => { const active = document.querySelector(".pxw-grid").getAttribute("aria-activedescendant");
            const tile = document.getElementById(active);
            return tile?.getAttribute("aria-selected") === "true" && !tile.ariaLabel.startsWith("cell_0001."); }"""
    )


def test_a_digit_labels_at_once_and_the_kernel_hears_it_once(open_page: Open) -> None:
    page = open_page()
    page.evaluate("kernel.delay = 400")
    tile(page, 2).click()
    tile(page, 4).click(modifiers=["Shift"])
    # The best of a few: another process may have the processor for a while.
    spent = page.evaluate(
        """async () => {
            const times = [];
            for (const [key, name] of [["3", "metaphase"], ["2", "prophase"], ["3", "metaphase"], ["2", "prophase"], ["3", "metaphase"]]) {
                const start = performance.now();
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
                const shown = () => document.querySelector('.pxw-tile[aria-label^="cell_0003."] .pxw-tag-name').textContent;
                while (shown() !== name) await new Promise(requestAnimationFrame);
                times.push(performance.now() - start);
            }
            return Math.min(...times);
        }"""
    )
    assert spent < 50
    assert page.locator(".pxw-saving").inner_text() == "Saving…"
    saved(page)
    operations = page.evaluate("kernel.operations")
    assert [each["argument"]["name"] for each in operations] == ["metaphase", "prophase"] * 2 + ["metaphase"]
    assert operations[0] == {"action": "label", "argument": {"name": "metaphase"}, "ids": [2, 3, 4]}


def test_unlabel_exclude_undo_by_key(open_page: Open) -> None:
    page = open_page()
    tile(page, 1).click()
    before = category_of(page, 1)
    assert before
    page.keyboard.press("u")
    saved(page)
    assert category_of(page, 1) == 0
    page.keyboard.press("Delete")
    saved(page)
    expect(tile(page, 1)).to_have_attribute("title", "cell_0001.tif · unlabeled · training · excluded")
    page.keyboard.press("Delete")
    saved(page)
    assert page.evaluate("kernel.images[0].flags") == 0
    for _ in range(3):
        page.keyboard.press("Control+z")
    saved(page)
    assert category_of(page, 1) == before
    expect(tile(page, 1).locator(".pxw-tag-name")).to_have_text("interphase")


def test_labeling_without_a_selection_says_what_to_do(open_page: Open) -> None:
    page = open_page()
    page.locator(".pxw-grid").focus()
    page.keyboard.press("1")
    expect(page.locator(".pxw-message")).to_contain_text("Select images first")
    assert page.evaluate("kernel.operations.length") == 0


def test_a_hundred_thousand_images_exist_only_where_they_are_seen(open_page: Open) -> None:
    page = open_page(count=100_000)
    assert page.locator(".pxw-tile").count() < 200
    page.locator(".pxw-grid").focus()
    page.keyboard.press("End")
    expect(tile(page, 100_000)).to_be_visible()
    page.evaluate("document.querySelector('.pxw-grid').scrollTop = 700_000")
    page.wait_for_function(
        "[...document.querySelectorAll('.pxw-tile img')].filter((image) => image.src).length > 20"
    )
    assert page.locator(".pxw-tile").count() < 200
    page.keyboard.press("Control+a")
    assert selected(page) == "100,000 selected"
    spent = page.evaluate(
        """() => { const start = performance.now();
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "1", bubbles: true}));
            return performance.now() - start; }"""
    )
    assert spent < 500
    saved(page)
    assert page.evaluate("kernel.images.filter((image) => image.category === 1).length") == 100_000


def test_thumbnails_that_were_scrolled_past_are_cancelled(open_page: Open) -> None:
    page = open_page(count=5000)
    page.evaluate("() => { kernel.draw = async ({id, size}, ids) => kernel.asked.push({id, ids, size}); }")
    page.evaluate("document.querySelector('.pxw-grid').scrollTop = 9000")
    page.wait_for_function("kernel.asked.at(-1).ids[0] > 100")
    page.evaluate("document.querySelector('.pxw-grid').scrollTop = 40000")
    page.wait_for_function("kernel.cancelled.size > 0")
    assert page.evaluate("kernel.cancelled.has(kernel.asked.at(-1).id)") is False


def test_filters_are_chosen_from_menus_and_removed(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("menuitem", name="Category").click()
    page.get_by_role("checkbox", name="Unlabeled").check()
    expect(page.locator(".pxw-chip")).to_have_text("Unlabeled")
    page.wait_for_function('JSON.stringify(kernel.clauses) === \'[{"field":"category","values":[null]}]\'')
    page.keyboard.press("Escape")
    page.locator(".pxw-grid").focus()
    page.keyboard.press("Control+a")
    assert selected(page) == "240 selected"
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("menuitem", name="Partition").click()
    page.get_by_role("checkbox", name="Training").check()
    expect(page.locator(".pxw-placeholder")).to_contain_text("No image passes the filter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove the filters").click()
    assert selected(page) == "None selected"
    page.wait_for_function("kernel.clauses.length === 0")


def test_metadata_and_names_are_filtered_and_sorted_by(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("menuitem", name="well").click()
    page.locator(".pxw-value", has_text="A10").get_by_role("checkbox").check()
    # Of 400 images, number 9 modulo 12 whose number is not divisible by 5.
    expected = [number for number in range(1, 401) if number % 12 == 9 and number % 5]
    expect(page.locator(".pxw-shown")).to_contain_text(f"{len(expected)} of 400 shown")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sort: as added").click()
    page.get_by_role("menuitemradio", name="Name").click()
    page.wait_for_function("kernel.order === 'name'")
    expect(page.locator(".pxw-tile:visible").first).to_have_attribute(
        "aria-label", f"cell_{expected[0]:04d}.tif, unlabeled, unassigned"
    )
    page.get_by_role("button", name="Remove the filter: well: A10").click()
    expect(page.locator(".pxw-chip")).to_have_count(0)


def test_categories_are_added_renamed_recoloured_and_deleted(open_page: Open) -> None:
    page = open_page(categories=2)
    page.get_by_role("button", name="Add category").click()
    page.keyboard.type("interphase")
    page.keyboard.press("Enter")
    expect(page.locator(".pxw-problem")).to_have_text("There is already a category “interphase”.")
    page.keyboard.press("Control+a")
    page.keyboard.type("<b>odd</b>")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    saved(page)
    odd = page.get_by_role("option", name="<b>odd</b>")
    expect(odd).to_be_visible()
    tile(page, 2).click()
    odd.click()
    saved(page)
    assert category_of(page, 2) == 3
    odd.click(button="right")
    page.get_by_role("menuitem", name="Rename…").click()
    page.keyboard.type("even")
    page.keyboard.press("Enter")
    saved(page)
    even = page.get_by_role("option", name="even")
    even.locator(".pxw-swatch").click()
    page.locator(".pxw-color").evaluate(
        "input => { input.value = '#123456'; input.dispatchEvent(new Event('change')); }"
    )
    saved(page)
    assert page.evaluate("kernel.categories[2]") == {
        "id": 3,
        "name": "even",
        "color": "#123456",
        "key": "",
    }
    even.click(button="right")
    page.get_by_role("menuitem", name="Delete…").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("1 image becomes unlabeled")
    page.keyboard.press("Escape")
    assert page.evaluate("kernel.categories.length") == 3
    page.keyboard.press("Delete")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    saved(page)
    assert page.evaluate("kernel.categories.length") == 2
    assert category_of(page, 2) == 0


def test_the_menu_of_the_right_button_labels(open_page: Open) -> None:
    page = open_page()
    tile(page, 3).click(button="right")
    assert selected(page) == "1 selected"
    page.get_by_role("menuitem", name="telophase").click()
    saved(page)
    assert category_of(page, 3) == 5
    expect(page.locator(".pxw-menu")).to_have_count(0)


def test_a_refused_edit_is_taken_back_with_its_sentence(open_page: Open) -> None:
    page = open_page()
    page.evaluate("kernel.refuse = 'This project is open for reading only.'")
    tile(page, 2).click()
    page.keyboard.press("1")
    expect(page.get_by_role("alert").filter(has_text="reading only")).to_be_visible()
    expect(tile(page, 2).locator(".pxw-labeled")).to_have_count(0)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".pxw-notice")).to_be_hidden()


def test_edits_wait_while_the_kernel_is_away(open_page: Open) -> None:
    page = open_page()
    tile(page, 2).click()
    page.evaluate("kernel.down = true")
    for key in "123":
        page.keyboard.press(key)
    expect(page.locator(".pxw-saving")).to_have_text("Offline · 3 edits waiting")
    page.evaluate("kernel.down = false")
    saved(page)
    assert page.evaluate("kernel.operations.length") == 3


def test_edits_left_by_a_page_that_is_gone_are_offered(open_page: Open) -> None:
    page = open_page(project="same")
    page.evaluate("kernel.down = true")
    tile(page, 2).click()
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.wait_for_timeout(200)
    context = page.context
    page.close()
    next_page = open_page(context, project="same")
    expect(next_page.locator(".pxw-notice")).to_contain_text("2 edits from before")
    next_page.get_by_role("button", name="Save").click()
    saved(next_page)
    assert next_page.evaluate("kernel.operations.map((each) => each.argument.name)") == [
        "interphase",
        "prophase",
    ]
    expect(tile(next_page, 2).locator(".pxw-tag-name")).to_have_text("prophase")


def test_a_view_without_a_kernel_leaves_its_edits_to_one_that_has_one(open_page: Open) -> None:
    page = open_page(project="same", count=40)
    page.evaluate("kernel.down = true")
    tile(page, 2).click()
    page.keyboard.press("3")
    expect(page.locator(".pxw-saving")).to_contain_text("1 edit waiting", timeout=10_000)
    # As after a restart of the kernel: the old view is still there, a new one has been made.
    page.evaluate("(options) => kernel.again(options)", {"project": "same", "count": 40})
    old, new = page.locator(".pxw-labeler").nth(0), page.locator(".pxw-labeler").nth(1)
    expect(new.locator(".pxw-notice")).to_contain_text("1 edit from before")
    expect(old.locator(".pxw-notice")).to_contain_text("lost its kernel")
    expect(old.locator(".pxw-saving")).not_to_contain_text("waiting")
    new.get_by_role("button", name="Save").click()
    page.wait_for_function("kernel.images[1].category === 3")
    expect(new.locator(".pxw-saving")).to_have_text("Saved")


def test_the_focus_stays_when_a_button_goes(open_page: Open) -> None:
    page = open_page()
    page.evaluate("kernel.set('_shown', {title: 'x', ids: new DataView(Float64Array.of(9, 8).buffer)})")
    page.get_by_role("button", name="Show all").click()
    page.wait_for_timeout(150)
    assert page.evaluate("document.activeElement.className").startswith("pxw-grid")
    tile(page, 3).click()
    page.get_by_role("option", name="telophase").click()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Undo (Ctrl+Z)").click()
    page.keyboard.press("ArrowRight")
    saved(page)
    expect(tile(page, 5)).to_have_attribute("aria-selected", "true")


def test_no_key_reaches_the_notebook(open_page: Open) -> None:
    page = open_page()
    page.evaluate(
        "window.leaked = []; document.addEventListener('keydown', (event) => leaked.push(event.key))"
    )
    tile(page, 2).click()
    for key in [
        "1",
        "a",
        "b",
        "Escape",
        "Enter",
        "Shift+Enter",
        "Delete",
        "d",
        "ArrowDown",
        "Control+s",
        "?",
        "x",
        "Escape",
    ]:
        page.keyboard.press(key)
    page.get_by_role("button", name="Add category").click()
    page.keyboard.type("m1")
    assert page.evaluate("leaked") == []
    assert page.evaluate("document.activeElement.closest('[data-lm-suppress-shortcuts=\"true\"]') !== null")


def test_every_shortcut_is_shown_and_the_focus_comes_back(open_page: Open) -> None:
    page = open_page()
    tile(page, 2).click()
    page.keyboard.press("h")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Undo")
    page.keyboard.press("1")  # reaches nothing behind the overlay
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.className").startswith("pxw-grid")
    assert page.evaluate("kernel.operations.length") == 0


def test_python_selects_filters_and_shows(open_page: Open) -> None:
    page = open_page()
    page.evaluate("kernel.set('_selection', {by: '', ids: new DataView(Float64Array.of(3, 4).buffer)})")
    assert selected(page) == "2 selected"
    page.evaluate("kernel.set('_filter', {by: '', clauses: [{field: 'category', values: ['anaphase']}]})")
    expect(page.locator(".pxw-chip")).to_have_text("Category: anaphase")
    page.evaluate("kernel.set('_filter', {by: '', clauses: []})")
    page.evaluate(
        "kernel.set('_shown', {title: 'Mistaken', ids: new DataView(Float64Array.of(9, 8, 7).buffer)})"
    )
    expect(page.locator(".pxw-chip")).to_contain_text("Mistaken · 3 images")
    expect(page.locator(".pxw-tile:visible")).to_have_count(3)
    expect(page.locator(".pxw-tile:visible").first).to_have_attribute(
        "aria-label", "cell_0009.tif, unlabeled, unassigned"
    )
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".pxw-chip")).to_have_count(0)
    tile(page, 6).click()
    page.wait_for_function("kernel.selection?.join() === '6'")


def test_an_empty_project_says_how_to_add_images(open_page: Open) -> None:
    page = open_page(count=0, categories=0)
    expect(page.locator(".pxw-placeholder")).to_contain_text("project.add_images(")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [480, 1600])
def test_it_fits_and_follows_the_theme(open_page: Open, width: int, dark: bool) -> None:
    page = open_page(size=(width, 720), dark=dark, predictions=True)
    tile(page, 2).click()
    page.wait_for_timeout(200)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"labeler-{width}-{'dark' if dark else 'light'}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = page.evaluate(
        """() => { const root = document.querySelector(".pxw-labeler").getBoundingClientRect();
            return [...document.querySelectorAll(".pxw-labeler button, .pxw-category, .pxw-tile")]
                .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > root.right + 1)
                .map((each) => each.className); }"""
    )
    assert too_wide == []
    channels = page.evaluate(
        "getComputedStyle(document.querySelector('.pxw-labeler')).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (sum(channels[:3]) < 200) == dark


def test_views_come_and_go_without_a_trace(open_page: Open) -> None:
    page = open_page()
    page.evaluate("window.dispose.reverse().forEach((end) => end())")
    assert page.evaluate("document.getElementById('host').childElementCount") == 0
    assert page.evaluate("[...kernel.listeners.values()].flat().length") == 0


def test_two_hundred_views_leave_no_memory_behind(open_page: Open) -> None:
    page = open_page(predictions=True)
    client = page.context.new_cdp_session(page)
    render = """async (times) => {
        const { model, widget } = window.made;
        for (let time = 0; time < times; time++) {
            const host = document.createElement("div");
            document.body.append(host);
            const end = await widget.render({ model, el: host });
            await new Promise(requestAnimationFrame);
            host.querySelector(".pxw-grid").dispatchEvent(new KeyboardEvent("keydown", { key: "v", bubbles: true }));
            await new Promise(requestAnimationFrame);
            end();
            host.remove();
        }
    }"""

    def held() -> dict[str, int]:
        client.send("HeapProfiler.collectGarbage")
        counters = client.send("Memory.getDOMCounters")
        return {**counters, "heap": client.send("Runtime.getHeapUsage")["usedSize"]}

    tile(page, 1).click()
    page.evaluate(render, 20)
    before = held()
    page.evaluate(render, 200)
    after = held()
    # A view that stayed would keep some 600 elements and 60 listeners alive.
    assert after["nodes"] - before["nodes"] < 2_000, (before, after)
    assert after["jsEventListeners"] - before["jsEventListeners"] < 200, (before, after)
    assert after["heap"] - before["heap"] < 4_000_000, (before, after)
