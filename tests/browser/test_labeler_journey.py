"""A person labels 5,000 images in a real JupyterLab: keys, a reload, a busy kernel, other views and tabs."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
project = Dataset("cells")
if not len(project):
    random = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    at = random.integers(8, 24, (2, 5000, 1, 1))
    spots = 3000 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 40)
    project.add_images(spots.astype(np.uint16), progress=False)
    project.add_category("mitotic")
    project.add_category("resting")
"""


def label_of(notebook, image: int) -> str:
    return notebook.execute(f"print(project.table(['category'], [{image}]).iloc[0, 0])").strip()


def tile(view: Locator, index: int) -> Locator:
    return view.locator(".pxw-tile").nth(index)


def saved(view: Locator) -> None:
    expect(view.locator(".pxw-saving")).to_have_text("Saved", timeout=10_000)


def ready(view: Locator) -> None:
    view.locator(".pxw-tile img[src]").first.wait_for(timeout=20_000)


def test_label_by_mouse_and_keyboard_undo_and_reload(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    cells = notebook.page.locator(".jp-Notebook-cell").count()
    tile(view, 0).click()
    tile(view, 3).click(modifiers=["Shift"])
    notebook.page.keyboard.press("1")
    saved(view)
    assert label_of(notebook, 4) == "mitotic"
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("2")
    notebook.page.keyboard.press("u")
    notebook.page.keyboard.press("2")
    saved(view)
    assert label_of(notebook, 5) == "resting"
    for key in ["a", "b", "d", "d", "x", "m", "Escape", "Enter", "Shift+Enter"]:
        notebook.page.keyboard.press(key)
    assert notebook.page.locator(".jp-Notebook-cell").count() == cells
    assert view.is_visible()
    tile(view, 4).click()
    notebook.page.keyboard.press("Control+z")
    notebook.page.keyboard.press("Control+z")
    notebook.page.keyboard.press("Control+z")
    saved(view)
    assert label_of(notebook, 5) == "nan"
    until(lambda: notebook.execute("print(labeler.selection)").strip() == "(5,)")

    notebook.reload()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    expect(tile(view, 3).locator(".pxw-tag-name")).to_have_text("mitotic")
    expect(view.locator(".pxw-selected-count")).to_have_text("1 selected")
    tile(view, 6).click()
    notebook.page.keyboard.press("2")
    saved(view)
    assert label_of(notebook, 7) == "resting"
    assert notebook.console_errors == []
    assert notebook.requests_outside == []


def test_views_notebooks_and_python_stay_in_step(lab):
    notebook = lab.notebook([SETUP, "first = Labeler(project)\nfirst", "second = Labeler(project)\nsecond"])
    notebook.run_all()
    first, second = (notebook.output(index).locator(".pxw-labeler") for index in (1, 2))
    ready(first)
    tile(first, 1).click()
    notebook.page.keyboard.press("1")
    ready(second)
    expect(tile(second, 1).locator(".pxw-tag-name")).to_have_text("mitotic")
    notebook.execute("project.label(3, 'resting')")
    expect(tile(first, 2).locator(".pxw-tag-name")).to_have_text("resting")
    notebook.execute("first.show([3, 2], title='Look at these')")
    expect(first.locator(".pxw-chip")).to_contain_text("Look at these · 2 images")
    notebook.execute("first.filter = \"category == 'resting'\"")
    expect(first.locator(".pxw-tile:visible")).to_have_count(1)
    assert notebook.console_errors == []


def test_labeling_goes_on_while_a_cell_runs(lab):
    # The cell speaks to the page itself, which must not draw the page's messages behind it.
    notebook = lab.notebook(
        [SETUP, "Labeler(project)", "import time; project.label(9, 'resting'); time.sleep(12)"]
    )
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    notebook.run_cell(2, wait=False)
    expect(tile(view, 8).locator(".pxw-tag-name")).to_have_text("resting")
    start = time.monotonic()
    for index in range(3):
        tile(view, index).click()
        notebook.page.keyboard.press("1")
        expect(tile(view, index).locator(".pxw-tag-name")).to_have_text("mitotic", timeout=1000)
        saved(view)
    assert time.monotonic() - start < 6
    notebook.wait_idle()


@pytest.mark.parametrize("counted", [True, False], ids=["still counted", "no longer counted"])
def test_a_lost_subshell_does_not_strand_the_page(lab, counted):
    """JupyterLab counts the widgets that use a subshell; around a reload it can count too few, and delete it."""
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    identity = notebook.execute("print(labeler.model_id)").strip()
    lost = notebook.page.evaluate(
        """([id, counted]) => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          const comm = kernel._comms.get(id);
          const counts = comm.constructor._commTargetSubShellsId;
          if (!(kernel.id in counts)) throw new Error("JupyterLab counts otherwise now");
          if (!counted) delete counts[kernel.id];
          comm._subshellId = "deleted";
          return comm.subshellId;
        }""",
        [identity, counted],
    )
    assert lost == "deleted"
    for index, category in enumerate(["mitotic", "resting", "mitotic"]):
        tile(view, index).click()
        notebook.page.keyboard.press("1" if category == "mitotic" else "2")
        expect(view.locator(".pxw-saving")).to_have_text("Saved", timeout=20_000)
        until(lambda index=index, category=category: label_of(notebook, index + 1) == category)


def test_edits_that_waited_while_the_kernel_was_away_are_offered_and_saved(lab):
    notebook = lab.notebook([SETUP, "Labeler(project)", "Labeler(project)"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    old = notebook.output(1).locator(".pxw-labeler")
    ready(old)
    notebook.shutdown_kernel()
    tile(old, 0).click()
    notebook.page.keyboard.press("1")
    tile(old, 1).click()
    notebook.page.keyboard.press("2")
    expect(old.locator(".pxw-saving")).to_have_text("Offline · 2 edits waiting", timeout=15_000)
    notebook.restart_kernel()
    notebook.run_cell(0)
    notebook.run_cell(2)
    new = notebook.output(2).locator(".pxw-labeler")
    ready(new)
    expect(new.locator(".pxw-notice")).to_contain_text("2 edits from before", timeout=15_000)
    new.get_by_role("button", name="Save").click()
    saved(new)
    assert [label_of(notebook, image) for image in (1, 2)] == ["mitotic", "resting"]


def test_a_dark_notebook_has_a_dark_labeler(lab, tmp_path):
    notebook = lab.notebook([SETUP, "Labeler(project)"])
    notebook.theme("dark")
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    tile(view, 1).click()
    notebook.page.keyboard.press("1")
    ink, paper = view.evaluate(
        "root => ['color', 'backgroundColor'].map((name) => getComputedStyle(root)[name].match(/\\d+/g)"
        ".slice(0, 3).reduce((sum, value) => sum + Number(value), 0))"
    )
    assert ink > 600
    assert paper < 200
    notebook.screenshot(tmp_path / "dark.png")
    assert notebook.console_errors == []


def test_marquee_range_bulk_label_undo_and_filter(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    view.scroll_into_view_if_needed()
    mouse, keyboard = notebook.page.mouse, notebook.page.keyboard
    first, last = tile(view, 1).bounding_box(), tile(view, 2).bounding_box()
    mouse.move(first["x"] + 30, first["y"] + 30)
    mouse.down()
    mouse.move(last["x"] + 30, last["y"] + 40, steps=6)
    mouse.up()
    expect(view.locator(".pxw-selected-count")).to_have_text("2 selected")
    keyboard.press("2")
    saved(view)
    assert [label_of(notebook, image) for image in (1, 2, 3, 4)] == ["nan", "resting", "resting", "nan"]
    # From the first image to the last, by keyboard and mouse.
    tile(view, 0).click()
    keyboard.press("Shift+End")
    expect(view.locator(".pxw-selected-count")).to_have_text("5,000 selected")
    expect(
        view.locator(".pxw-tile[aria-label^='image_4999'], .pxw-tile[title*='4999']").first
    ).to_be_visible()
    keyboard.press("1")
    saved(view)
    counted = "print((project.columns().category_id == project.categories[0].id).sum())"
    assert notebook.execute(counted).strip() == "5000"
    keyboard.press("Control+z")
    saved(view)
    assert notebook.execute(counted).strip() == "0"
    assert label_of(notebook, 2) == "resting"
    keyboard.press("Control+Shift+z")
    saved(view)
    assert notebook.execute(counted).strip() == "5000"
    keyboard.press("Control+z")
    saved(view)
    notebook.execute("labeler.filter = \"category == 'resting' and name.str.contains('1')\"")
    expect(view.locator(".pxw-tile:visible")).to_have_count(int(notebook.execute(SHOWN).strip()))
    view.get_by_role("button", name="Clear all").click()
    until(lambda: notebook.execute("print(repr(labeler.filter))").strip() == "''")
    assert notebook.console_errors == []


SHOWN = "print(len(project.select(labeler.filter)))"


def test_scroll_position_filter_order_and_zoom_come_back_after_a_reload(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    notebook.execute("labeler.filter = 'height >= 32'\nlabeler.order = '-name'")
    slider = view.get_by_role("slider", name="Size of the images")
    slider.focus()
    slider.press("End")
    columns = view.locator(".pxw-grid").get_attribute("aria-colcount")
    assert columns == "1"
    for _ in range(8):
        slider.press("ArrowLeft")
    columns = view.locator(".pxw-grid").get_attribute("aria-colcount")
    view.locator(".pxw-grid").evaluate("grid => { grid.scrollTop = grid.scrollHeight / 2; }")
    top = (
        "grid => [...grid.querySelectorAll('.pxw-tile')].filter((each) => each.checkVisibility()"
        " && each.getBoundingClientRect().top >= grid.getBoundingClientRect().top - 5)"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top || a.getBoundingClientRect().left"
        " - b.getBoundingClientRect().left)[0].title"
    )
    notebook.page.wait_for_timeout(1500)
    before = view.locator(".pxw-grid").evaluate(top)
    notebook.reload()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    expect(view.locator(".pxw-grid")).to_have_attribute("aria-colcount", columns)
    expect(view.locator(".pxw-chip")).to_contain_text("32")
    until(lambda: view.locator(".pxw-grid").evaluate(top) == before)
    assert notebook.console_errors == []


def test_two_tabs_and_two_views_of_a_project_stay_in_step(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler", "labeler"])
    notebook.run_all()
    first, second = (notebook.output(index).locator(".pxw-labeler") for index in (1, 2))
    ready(first)
    notebook.save()
    tab = lab.reopen(notebook)
    other = tab.output(1).locator(".pxw-labeler")
    ready(other)
    tile(other, 4).click()
    tab.page.keyboard.press("1")
    saved(other)
    for view in (first, second):
        view.scroll_into_view_if_needed()
        expect(tile(view, 4).locator(".pxw-tag-name")).to_have_text("mitotic")
        expect(view.locator(".pxw-selected-count")).to_have_text("1 selected")
    first.scroll_into_view_if_needed()
    tile(first, 4).click()
    notebook.page.keyboard.press("Control+z")
    expect(tile(other, 4).locator(".pxw-tag-name")).to_have_text("")
    assert notebook.console_errors == [] == tab.console_errors


def test_a_hidden_tab_has_caught_up_when_it_is_seen_again(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    notebook.page.evaluate("window.jupyterapp.shell.currentWidget.hide()")
    expect(view).to_be_hidden()
    notebook.execute("project.label(list(range(1, 301)), 'mitotic')\nproject.add_category('debris')")
    notebook.execute("labeler.filter = \"category == 'mitotic'\"")
    notebook.page.wait_for_timeout(800)
    notebook.page.evaluate("window.jupyterapp.shell.currentWidget.show()")
    ready(view)
    expect(view.locator(".pxw-progress-text")).to_have_text("300 of 5,000 labeled")
    expect(view.locator(".pxw-category-name", has_text="debris")).to_be_visible()
    expect(tile(view, 3).locator(".pxw-tag-name")).to_have_text("mitotic")
    tile(view, 3).click()
    notebook.page.keyboard.press("u")
    saved(view)
    assert label_of(notebook, 4) == "nan"
    assert notebook.console_errors == []


def test_after_a_training_the_least_certain_come_first_and_are_accepted_or_refused(lab):
    predicted = """
ids = project.columns().id
sure = 0.5 + (ids * 37 % 1000) / 2001
project.store_predictions("training", ["mitotic", "resting"], ids, np.stack([sure, 1 - sure], axis=1))
"""
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    expect(view.get_by_role("button", name="Least certain first")).to_be_hidden()
    notebook.execute(predicted)
    view.get_by_role("button", name="Least certain first").click()
    expect(tile(view, 0).locator(".pxw-tag-sure")).to_have_attribute("data-text", "50%")
    until(
        lambda: notebook.execute("print(labeler.filter, labeler.order)").strip() == "category.isna() -entropy"
    )
    tile(view, 1).click()
    until(lambda: len(notebook.execute("print(*labeler.selection)").split()) == 1)
    chosen = int(notebook.execute("print(*labeler.selection)"))
    doubtful = notebook.execute("print(*ids[np.argsort(sure, kind='stable')][:10])").split()
    assert str(chosen) in doubtful
    notebook.page.keyboard.press("Enter")
    saved(view)
    assert label_of(notebook, chosen) == "mitotic"
    assert notebook.execute(f"print(project.table(['origin'], [{chosen}]).iloc[0, 0])").strip() == "accepted"
    notebook.page.keyboard.press("Control+z")
    saved(view)
    tile(view, 0).click()
    notebook.page.keyboard.press("Backspace")
    saved(view)
    assert notebook.execute("print((project.columns().refused > 0).sum())").strip() == "1"
    notebook.page.keyboard.press("Control+z")
    saved(view)
    assert notebook.execute("print((project.columns().refused > 0).sum())").strip() == "0"
    view.get_by_role("button", name="Predictions", exact=True).click()
    view.get_by_role("menuitem", name="Accept all above a threshold").click()
    wanted = int(notebook.execute("print((np.float32(sure) >= np.float32(0.9)).sum())"))
    view.get_by_role("button", name=f"Label {wanted:,} images as predicted").click()
    saved(view)
    assert notebook.execute("print((project.columns().category_id > 0).sum())").strip() == str(wanted)
    assert notebook.console_errors == []


def test_the_viewer_shows_what_python_draws_and_shares_its_contrast(lab):
    notebook = lab.notebook([VIEWED, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    tile(view, 1).dblclick()
    canvas = view.locator("canvas.pxw-viewer-canvas")
    for change in (
        "",
        "project.set_channel(1, window=(100, 9000), gamma=0.7, color='#ff8800')",
        "project.set_plane('max')",
    ):
        notebook.execute(change)
        expected = notebook.execute(PICTURE).split()
        # The middle of each pixel of the enlarged picture, against the array that Python makes of the same pixels.
        until(lambda: notebook.page.evaluate(SAMPLED, [8, 12]) == expected)  # noqa: B023
    canvas.click(position={"x": 40, "y": 40})
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("1")
    saved(view)
    assert label_of(notebook, 3) == "mitotic"
    notebook.page.keyboard.press("Escape")
    expect(canvas).to_be_hidden()
    assert notebook.console_errors == []


VIEWED = """
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.imaging.display import to_rgb
from piximi_widgets.widgets.labeler import Labeler
project = Dataset("stacks")
random = np.random.default_rng(0)
project.add_images(random.integers(0, 12000, (6, 3, 8, 12, 2)).astype(np.uint16), progress=False)
project.add_category("mitotic")
"""

PICTURE = """
rgb = to_rgb(project.pixels(2), project.display, project.picture_window(2))
print(*(",".join(map(str, pixel)) for pixel in rgb.reshape(-1, 3).tolist()))
"""

SAMPLED = """([height, width]) => {
  const canvas = document.querySelector("canvas.pxw-viewer-canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const at = (x, y) => [...pixels.data.slice(4 * (y * canvas.width + x), 4 * (y * canvas.width + x) + 4)];
  let [left, right, top, bottom] = [Infinity, 0, Infinity, 0];
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      if (!pixels.data[4 * (y * canvas.width + x) + 3]) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), Math.max(bottom, y + 1)];
    }
  }
  const found = [];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = Math.floor(left + ((column + 0.5) * (right - left)) / width);
      const y = Math.floor(top + ((row + 0.5) * (bottom - top)) / height);
      found.push(at(x, y).slice(0, 3).join(","));
    }
  }
  return found;
}"""


def until(condition) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")
