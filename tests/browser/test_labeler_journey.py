"""A person labels in a real JupyterLab: keys, a reload, a busy kernel, a second view."""

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
    at = random.integers(8, 24, (600, 2))
    project.add_images(np.stack([3000 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 40) for a, b in at]).astype(np.uint16))
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
    notebook.execute("first.filter = {'category': 'resting'}")
    expect(first.locator(".pxw-tile:visible")).to_have_count(1)
    assert notebook.console_errors == []


def test_labeling_goes_on_while_a_cell_runs(lab):
    notebook = lab.notebook([SETUP, "Labeler(project)", "import time; time.sleep(8)"])
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    notebook.run_cell(2, wait=False)
    start = time.monotonic()
    tile(view, 0).click()
    notebook.page.keyboard.press("1")
    expect(tile(view, 0).locator(".pxw-tag-name")).to_have_text("mitotic", timeout=1000)
    saved(view)
    assert time.monotonic() - start < 5
    notebook.wait_idle()


def test_a_lost_subshell_does_not_strand_the_page(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler")
    ready(view)
    # What JupyterLab does by itself now and then when a page is reloaded.
    identity = notebook.execute("print(labeler.model_id)").strip()
    lost = notebook.page.evaluate(
        """(id) => {
          const comm = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._comms.get(id);
          comm._subshellId = "deleted";
          return comm.subshellId;
        }""",
        identity,
    )
    assert lost == "deleted"
    tile(view, 0).click()
    notebook.page.keyboard.press("1")
    expect(view.locator(".pxw-saving")).to_have_text("Saved", timeout=20_000)
    until(lambda: label_of(notebook, 1) == "mitotic")


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


def until(condition) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")
