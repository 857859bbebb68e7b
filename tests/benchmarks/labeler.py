"""The labeler in JupyterLab and Chromium, from running its cell to labeling in bulk, beside a GridBox of ipywidgets.

The images are small PNG files that lie in the system's cache. A kernel and a page are fresh for each size. The GridBox shows the
same files as one Image each, without any way to label them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.benchmarks.large_project import link_files
from tests.benchmarks.scan import write_pngs
from tests.browser.conftest import FLAGS, Lab, find_chromium
from tests.browser.notebook_page import NotebookPage
from tests.browser.server import JupyterServer

TITLE = "Labeler in the browser: thumbnails in 1 s, any place in 300 ms, key to colour in 50 ms, 10,000 labels in 0.5 s"

SIZES = (1_000, 10_000, 100_000)
PEER_SIZES = (1_000, 10_000)
PEER_PATIENCE = 60.0  # seconds
DIFFERENT = 1_000
JUMPS = 20
KEYS = 20
MANY = 10_000

START = """
import piximi_widgets as pw
project = pw.Project({folder!r}, mode="r+")
"""

SHOW = "labeler = pw.Labeler(project)\nlabeler"

PEER = """
from pathlib import Path
from ipywidgets import GridBox, Image, Layout
files = sorted(Path({folder!r}).rglob("*.png"))
GridBox(
    [Image(value=file.read_bytes(), format="png", width=96, height=96) for file in files],
    layout=Layout(grid_template_columns="repeat(auto-fill, 104px)", height="540px", overflow="auto"),
)
"""

# Runs the second cell and waits until what it shows has so many pictures; the time in milliseconds.
PAINT = """async ([selector, count]) => {
  const app = window.jupyterapp;
  app.shell.currentWidget.content.activeCellIndex = 1;
  const start = performance.now();
  app.commands.execute("notebook:run-cell");
  const drawn = () => [...document.querySelectorAll(selector)].filter((image) => image.complete && image.naturalWidth).length;
  while (drawn() < count) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

# Jumps to a place and waits until every tile that is seen there has its picture.
FILL = """async (fraction) => {
  const grid = document.querySelector(".pxw-grid");
  const start = performance.now();
  grid.scrollTop = fraction * (grid.scrollHeight - grid.clientHeight);
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const box = grid.getBoundingClientRect();
  const filled = () => [...grid.querySelectorAll(".pxw-tile")]
    .filter((tile) => tile.checkVisibility() && tile.getBoundingClientRect().top < box.bottom && tile.getBoundingClientRect().bottom > box.top)
    .every((tile) => { const image = tile.querySelector("img"); return !image.hidden && image.complete && image.naturalWidth; });
  while (!filled()) await frame();
  return performance.now() - start;
}"""

# From the key to the first frame that shows the category on the focused tile.
KEY = """async ([key, name]) => {
  const grid = document.querySelector(".pxw-grid");
  const tile = () => document.getElementById(grid.getAttribute("aria-activedescendant"));
  const start = performance.now();
  grid.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  while (tile().querySelector(".pxw-tag-name")?.textContent !== name) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

# From the key to "Saved".
BULK = """async (key) => {
  const grid = document.querySelector(".pxw-grid");
  const start = performance.now();
  grid.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const saved = () => document.querySelector(".pxw-saving").textContent === "Saved";
  await new Promise(requestAnimationFrame);
  while (!saved()) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


def run(sizes: tuple[int, ...] = SIZES, peer_sizes: tuple[int, ...] = PEER_SIZES) -> list[dict[str, Any]]:
    """Measure the labeler at each of `sizes` and the GridBox at each of `peer_sizes`."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="labeler-") as name:
        home = Path(name)
        server = JupyterServer(home)
        try:
            (home / "files").mkdir()
            write_pngs(home / "files", DIFFERENT)
            for size in sorted({*sizes, *peer_sizes}):
                folder = server.root / f"images-{size}"
                link_files(home / "files", folder, size)
                if size in sizes:
                    _make_project(server.root / f"project-{size}", folder)
                    with _lab(server) as (lab, browser):
                        rows += _labeler(lab, browser, server.root / f"project-{size}", size)
                if size in peer_sizes:
                    with _lab(server) as (lab, browser):
                        rows += _grid_box(lab, browser, folder, size)
        finally:
            server.stop()
    return rows


def _make_project(path: Path, images: Path) -> None:
    import piximi_widgets as pw

    with pw.Project(path, mode="x") as project:
        project.add_images(images, progress=False)
        for name in ("interphase", "mitotic"):
            project.add_category(name)


@contextmanager
def _lab(server: JupyterServer) -> Iterator[tuple[Lab, Browser]]:
    """A browser of its own, so that its memory is that of one page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
        context.request.get(f"{server.url}/api/status?token={server.token}")
        folder = server.root / f"notebooks-{len(list(server.root.iterdir()))}"
        folder.mkdir()
        try:
            yield Lab(server, context, folder), browser
        finally:
            context.close()
            browser.close()
            server.close_sessions()


def _labeler(lab: Lab, browser: Browser, project: Path, size: int) -> list[dict[str, Any]]:
    notebook = lab.notebook(["import piximi_widgets as pw; pw.Project; pw.Labeler", SHOW], timeout=120)
    notebook.run_cell(0)
    before = _kernel_megabytes(lab, notebook)
    browser_before = _browser_megabytes(browser)
    notebook.execute(START.format(folder=str(project)))
    paint = notebook.page.evaluate(PAINT, [".pxw-tile img[src]", 40])
    fills = sorted(notebook.page.evaluate(FILL, ((jump * 7919) % 997) / 997) for jump in range(JUMPS))
    notebook.page.locator(".pxw-tile").first.click()
    names = {"1": "interphase", "2": "mitotic"}
    keys = sorted(
        notebook.page.evaluate(KEY, [key, names[key]]) for key in (str(turn % 2 + 1) for turn in range(KEYS))
    )
    many = min(MANY, size)
    notebook.page.locator(".pxw-saving:has-text('Saved')").wait_for()
    notebook.execute(f"labeler.selection = project.columns().id[:{many}].tolist()")
    notebook.page.locator(f".pxw-selected-count:has-text('{many:,} selected')").wait_for()
    bulk = notebook.page.evaluate(BULK, "1")
    labeled = int(notebook.execute("print((project.columns().category_id > 0).sum())"))
    assert labeled >= many, f"{labeled} of {many} labels arrived"
    label = f"{size:,} images"
    return [
        _row(f"{label}: first thumbnails", paint, "ms", "of the running cell; budget 1,000"),
        _row(f"{label}: any place filled", _middle(fills), "ms", f"slowest {fills[-1]:.0f}; budget 300"),
        _row(f"{label}: key to colour", _middle(keys), "ms", f"slowest {keys[-1]:.0f}; budget 50"),
        _row(f"{label}: {many:,} labels, key to saved", bulk, "ms", "budget 500" if size >= MANY else ""),
        _row(f"{label}: kernel", _kernel_megabytes(lab, notebook) - before, "MB", "more; budget 250"),
        _row(f"{label}: browser", _browser_megabytes(browser) - browser_before, "MB", "more"),
    ]


def _grid_box(lab: Lab, browser: Browser, images: Path, size: int) -> list[dict[str, Any]]:
    from playwright.sync_api import TimeoutError as NotInTime

    notebook = lab.notebook(
        ["from ipywidgets import GridBox", PEER.format(folder=str(images))], timeout=PEER_PATIENCE
    )
    notebook.run_cell(0)
    before = _kernel_megabytes(lab, notebook)
    browser_before = _browser_megabytes(browser)
    label = f"GridBox, {size:,} images"
    counted = "document.querySelectorAll('.widget-gridbox img').length"
    # Not waited for here: a page that is busy for minutes would not be left alone by it.
    notebook.page.evaluate(
        f"([selector, count]) => {{ ({PAINT})([selector, count]).then((time) => (window.painted = time)); }}",
        [".widget-gridbox img", 40],
    )
    try:
        notebook.page.wait_for_function("window.painted", timeout=1000 * PEER_PATIENCE)
        notebook.page.wait_for_function(f"{counted} === {size}", timeout=1000 * PEER_PATIENCE)
        first = _row(f"{label}: first images", notebook.page.evaluate("window.painted"), "ms", "cannot label")
    except NotInTime:
        shown = notebook.page.evaluate(counted)
        first = _row(f"{label}: first images", float("inf"), "ms", f"{shown:,} after {PEER_PATIENCE:.0f} s")
    return [
        first,
        _row(f"{label}: kernel", _kernel_megabytes(lab, notebook) - before, "MB", "more"),
        _row(f"{label}: browser", _browser_megabytes(browser) - browser_before, "MB", "more"),
    ]


def _kernel_megabytes(lab: Lab, notebook: NotebookPage) -> float:
    memory = psutil.Process(notebook.kernel_pid()).memory_info()
    return float(memory.rss) / 2**20


def _browser_megabytes(browser: Browser) -> float:
    """Proportional set size of all processes of the browser that this process has started."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


def _middle(values: list[float]) -> float:
    return values[len(values) // 2]


def _row(label: str, value: float, unit: str, note: str) -> dict[str, Any]:
    return {"label": label, "value": float(value), "unit": unit, "note": note}
