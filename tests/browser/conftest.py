"""Fixtures of the browser tests: one JupyterLab and one Chromium, a fresh page and folder a test.

``PIXIMI_HEADED=1`` shows the browser; ``PIXIMI_CHROMIUM`` names its program. A failing test leaves a picture of each of its
pages in ``build/browser``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.bare_page import open_page
from tests.browser.notebook_page import NotebookPage
from tests.browser.server import JupyterServer
from tests.workers import end_workers

__all__ = ["open_page"]

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "build" / "browser"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Lab:
    """What a browser test holds: it opens notebooks in a folder of its own."""

    def __init__(self, server: JupyterServer, context: BrowserContext, folder: Path) -> None:
        self.server = server
        self.context = context
        self.folder = folder
        self.pages: list[NotebookPage] = []

    def notebook(
        self,
        cells: list[str],
        *,
        name: str = "notebook",
        viewport: tuple[int, int] | None = None,
        timeout: float = 30.0,
    ) -> NotebookPage:
        """Write a notebook with these code cells into `folder` and open it; nothing runs yet.

        Parameters
        ----------
        cells : list[str]
            The source of each code cell. The kernel's working directory is `folder`.
        name : str
            The file's name without its suffix. A second notebook of the same test needs another one.
        viewport : (int, int), optional
            Width and height of the page in pixels, 1280 x 900 by default.
        timeout : float
            Seconds that waiting for anything on this page may take.
        """
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            # Without a kernelspec JupyterLab asks for a kernel in a dialog that nobody answers.
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = self.folder / f"{name}.ipynb"
        nbformat.write(document, path)
        return self._open(path, viewport, timeout)

    def open(
        self, source: Path, *, viewport: tuple[int, int] | None = None, timeout: float = 30.0
    ) -> NotebookPage:
        """Copy an existing notebook into `folder` and open the copy."""
        path = Path(shutil.copy(source, self.folder))
        return self._open(path, viewport, timeout)

    def reopen(
        self, notebook: NotebookPage, *, viewport: tuple[int, int] | None = None, timeout: float = 30.0
    ) -> NotebookPage:
        """Open a notebook's file in a second page, as a second browser tab does; they share the kernel."""
        return self._open(notebook.path, viewport, timeout)

    def _open(self, path: Path, viewport: tuple[int, int] | None, timeout: float) -> NotebookPage:
        page = self.context.new_page()
        if viewport is not None:
            page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
        notebook = NotebookPage(self.server, page, path, timeout)
        self.pages.append(notebook)
        return notebook


# The package's scope rather than the session's: while playwright lives, its event loop counts as running in the main
# thread, and asyncio.run refuses to work in every test after these.
@pytest.fixture(scope="package")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """The JupyterLab server of these tests."""
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of these tests."""
    program = find_chromium()
    headless = not os.environ.get("PIXIMI_HEADED")
    with sync_playwright() as playwright:
        if program is None and not Path(playwright.chromium.executable_path).exists():
            pytest.fail(
                "No Chromium was found for the browser tests. `make test` installs it where it can; otherwise install"
                " Chromium or Chrome, or name the program in PIXIMI_CHROMIUM.",
                pytrace=False,
            )
        browser = playwright.chromium.launch(executable_path=program, headless=headless, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab(jupyter_server: JupyterServer, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A JupyterLab with fresh settings, an empty folder and a fresh browser profile; see `Lab`."""
    jupyter_server.reset_settings()
    # The kernels read modules and data relative to this folder, and its name is unique, so it names the workspace too.
    label = re.sub(r"\W+", "-", request.node.name).strip("-")
    folder = jupyter_server.root / f"{label}-{len(list(jupyter_server.root.iterdir()))}"
    folder.mkdir()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    # Answered with the login cookie.
    context.request.get(f"{jupyter_server.url}/api/status?token={jupyter_server.token}")
    lab = Lab(jupyter_server, context, folder)
    yield lab
    if request.node.stash.get(FAILED, False):
        PICTURES.mkdir(parents=True, exist_ok=True)
        for number, notebook in enumerate(lab.pages):
            notebook.screenshot(PICTURES / f"{label}-{number}.png")
    context.close()
    jupyter_server.close_sessions()
    for path in folder.rglob("experiments.db"):
        end_workers(path)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that the test itself failed, for the picture that `lab` takes."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `browser`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str | None:
    """Return the browser's program, or None for the one that playwright may have brought."""
    named = os.environ.get("PIXIMI_CHROMIUM")
    if named:
        return named
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    return found or (MAC_CHROME if Path(MAC_CHROME).exists() else None)
