"""A person adds images in the Studio of a real JupyterLab: files that belong together, a mistake, and Stop."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SETUP = """
import piximi_widgets as pw
project = pw.Project("cells")
studio = pw.Studio(project)
studio
"""


@pytest.fixture
def plate(lab):
    """A folder of two wells with a 16-bit file for each of two channels."""
    folder = lab.folder / "plate 1"
    folder.mkdir()
    random = np.random.default_rng(0)
    for well in ("A01", "A02"):
        for channel in (1, 2):
            picture = random.integers(200, 4000, (48, 64), dtype=np.uint16)
            tifffile.imwrite(folder / f"{well}_s1_w{channel}.tif", picture)
    return folder


def test_an_empty_project_begins_with_adding_images(lab, plate):
    """A wrong place is explained, then two channels a well become two images, which the grid shows."""
    notebook = lab.notebook([SETUP], viewport=(1200, 900))
    notebook.run_all()
    studio = notebook.output(0).locator(".pxw-studio")
    place = studio.get_by_role("textbox", name="Images")
    place.wait_for()
    place.fill("plate 2/*.tif")
    add = studio.get_by_role("button", name="Add", exact=True)
    add.click()
    expect(studio.get_by_text("1 could not be added")).to_be_visible()
    place.fill("plate 1")
    studio.get_by_label("Files", exact=True).select_option(
        label="Channels or planes in several files: find out how"
    )
    studio.get_by_label("Channel names").fill("DNA, actin")
    add.click()
    expect(studio.get_by_text("2 images added.")).to_be_visible()
    expect(studio.locator(".pxw-tile img[src]")).to_have_count(2)
    # The button at the top puts the form away, and brings it back with what it said.
    toggle = studio.get_by_role("button", name="Add images")
    toggle.click()
    expect(place).to_be_hidden()
    toggle.click()
    expect(studio.get_by_text("2 images added.")).to_be_visible()
    assert notebook.execute(
        "print(project.images['channels'].tolist(), project.images['well'].tolist())"
    ).strip() == ("[2, 2] ['A01', 'A02']")
    assert notebook.console_errors == []
    assert notebook.requests_outside == []
