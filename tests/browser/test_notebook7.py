"""The labeler in Notebook 7, which is served beside JupyterLab where it is installed."""

from __future__ import annotations

import importlib.util
from urllib.parse import quote

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not importlib.util.find_spec("notebook"), reason="Notebook 7 is not installed"),
]

CELL = """
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.widgets.labeler import Labeler
project = Dataset("cells")
project.add_images(np.random.default_rng(0).integers(0, 255, (50, 16, 16)).astype(np.uint8), progress=False)
project.add_category("mitotic")
Labeler(project)
"""


def test_labels_are_given_and_no_key_reaches_the_notebook(lab):
    path = lab.folder / "classic.ipynb"
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)], metadata={"kernelspec": spec}), path
    )
    page = lab.context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{lab.server.url}/notebooks/{quote(path.relative_to(lab.server.root).as_posix())}")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").click()
    page.keyboard.press("Control+Enter")
    view = page.locator(".pxw-labeler")
    view.locator(".pxw-tile img[src]").first.wait_for(timeout=60_000)
    # Notebook itself misses settings of JupyterLab's while it starts.
    problems.clear()
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    view.locator(".pxw-tile").nth(1).click()
    for key in ("1", "b", "d", "d", "Escape", "m"):
        page.keyboard.press(key)
    expect(view.locator(".pxw-tile").nth(1).locator(".pxw-tag-name")).to_have_text("mitotic")
    expect(view.locator(".pxw-saving")).to_have_text("Saved", timeout=10_000)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert problems == []
