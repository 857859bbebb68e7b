"""A notebook that is open in JupyterLab, as the browser tests hold it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request

from tests.browser.server import JupyterServer

# What JupyterLab 4.6 itself writes as an error with nothing of ours on the page. Opening, reloading, interrupting and
# restarting write none.
JUPYTER_NOISE = (
    # After a kernel died and was started again by the server.
    r"Could not restore the debugger state: Canceled future for debug_request",
)

READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  // sessionContext.ready also holds for a kernel that is still starting.
  await panel.sessionContext.session?.kernel?.info;
}"""

RUN = """([command, index]) => {
  const app = window.jupyterapp;
  if (index !== null) app.shell.currentWidget.content.activeCellIndex = index;
  const run = {};
  const runs = (window.testRuns ??= new Set());
  runs.add(run);
  app.commands.execute(command).finally(() => runs.delete(run));
}"""

IDLE = """() => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
  return !window.testRuns?.size && kernel?.status === "idle" && kernel.connectionStatus === "connected";
}"""

EXECUTE = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  for (let attempt = 0; ; attempt++) {
    const future = kernel.requestExecute({ code, store_history: false });
    let text = "";
    future.onIOPub = (message) => {
      if (message.header.msg_type === "stream") text += message.content.text;
    };
    const { status, traceback } = (await future.done).content;
    if (status === "ok") return { text, error: null };
    // After an error in a cell the kernel aborts, unread, what arrives in the next moment.
    if (status !== "aborted" || attempt === 20) return { text, error: (traceback ?? [status]).join("\\n") };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}"""


class KernelError(AssertionError):
    """Code that a test ran in the kernel raised; the message is the kernel's traceback."""


class NotebookPage:
    """One notebook in JupyterLab's single-document mode.

    Attributes
    ----------
    page : playwright.sync_api.Page
        The browser's page, for everything that has no method here.
    path : Path
        The notebook's file.
    console_errors : list[str]
        Errors on the browser's console and uncaught exceptions since the page opened, less `JUPYTER_NOISE`. A saved widget
        whose kernel is gone makes ipywidgets write "widget model not found"; a test that provokes this clears the list.
    requests_outside : list[str]
        Addresses that the page asked for and that are not this server's.
    """

    def __init__(self, server: JupyterServer, page: Page, path: Path, timeout: float) -> None:
        self.page = page
        self.path = path
        self.console_errors: list[str] = []
        self.requests_outside: list[str] = []
        self._server = server
        self._timeout = timeout
        page.set_default_timeout(1000 * timeout)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error.stack or error}"))
        page.on("request", self._asked)
        page.on("websocket", lambda socket: self._sent(socket.url))
        page.on("dialog", _leave)
        name = quote(path.relative_to(server.root).as_posix())
        # A workspace of its own: a shared one would restore what an earlier test had open.
        page.goto(f"{server.url}/doc/workspaces/{quote(path.parent.name)}/tree/{name}")
        self._wait_until_ready()

    # What the page did ------------------------------------------------------------------------------------

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} {message.location.get('url', '')}".strip())

    def _note(self, text: str) -> None:
        if not any(re.search(pattern, text, re.DOTALL) for pattern in JUPYTER_NOISE):
            self.console_errors.append(text)

    def _asked(self, request: Request) -> None:
        self._sent(request.url)

    def _sent(self, url: str) -> None:
        parts, own = urlsplit(url), urlsplit(self._server.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != own.netloc:
            self.requests_outside.append(url)

    # Cells ------------------------------------------------------------------------------------------------

    def run_all(self, *, wait: bool = True, timeout: float | None = None) -> None:
        """Run every cell; return when the kernel is idle again, or at once with ``wait=False``."""
        self.page.evaluate(RUN, ["notebook:run-all-cells", None])
        if wait:
            self.wait_idle(timeout)

    def run_cell(self, index: int, *, wait: bool = True, timeout: float | None = None) -> None:
        """Run the cell with this index (counted from 0, markdown cells included)."""
        self.page.evaluate(RUN, ["notebook:run-cell", index])
        if wait:
            self.wait_idle(timeout)

    def wait_idle(self, timeout: float | None = None) -> None:
        """Wait until no cell runs and the kernel is idle (seconds; default the page's own timeout)."""
        self.page.wait_for_function(IDLE, timeout=1000 * (timeout or self._timeout))

    def cell(self, index: int) -> Locator:
        """Return the cell with this index, scrolled into view so that JupyterLab renders it."""
        self.page.evaluate(
            """(index) => {
              const notebook = window.jupyterapp.shell.currentWidget.content;
              return notebook.scrollToItem(index, "smart");
            }""",
            index,
        )
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """Return the output area of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """Execute a command of JupyterLab and wait for it, for example ``notebook:move-cursor-down``."""
        return self.page.evaluate(
            "async ([name, args]) => { await window.jupyterapp.commands.execute(name, args ?? {}); }",
            [name, arguments],
        )

    # The kernel -------------------------------------------------------------------------------------------

    def execute(self, code: str) -> str:
        """Run code in the kernel, outside of any cell, and return what it printed.

        It waits its turn behind a running cell. Raises `KernelError` with the traceback when the code raises.
        """
        answer = self.page.evaluate(EXECUTE, code)
        if answer["error"] is not None:
            raise KernelError(re.sub(r"\x1b\[[0-9;]*m", "", answer["error"]))
        return str(answer["text"])

    def kernel_pid(self) -> int:
        """Return the process id of the kernel, also when it is busy."""
        kernel_id = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
        )
        return self._server.kernel_process(kernel_id).pid

    def interrupt(self) -> None:
        """Interrupt the kernel, as the stop button does."""
        self._session("session.kernel.interrupt()")

    def restart_kernel(self) -> None:
        """Restart the kernel without the question, or start one after a shutdown; wait until it answers."""
        if self.page.evaluate("() => !!window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"):
            self._session("restartKernel()")
        else:
            self._session('changeKernel({ name: "python3" })')
        self._wait_until_ready()
        self.wait_idle()

    def shutdown_kernel(self) -> None:
        """Shut the kernel down; `restart_kernel` starts a new one."""
        self._session("shutdown()")

    def _session(self, call: str) -> None:
        # Runs whose promise the dead kernel leaves open are no longer waited for.
        self.page.evaluate(
            f"async () => {{ await window.jupyterapp.shell.currentWidget.sessionContext.{call}; window.testRuns = new Set(); }}"
        )

    # The page ---------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Save the notebook with its outputs."""
        self.command("docmanager:save")

    def reload(self, *, save: bool = True) -> None:
        """Reload the page; the kernel lives on. With ``save`` the outputs are saved first and come back."""
        if save:
            self.save()
        self.page.reload()
        self._wait_until_ready()

    def theme(self, name: str) -> None:
        """Switch JupyterLab to the "light" or the "dark" theme and wait until the page shows it."""
        light = {"light": "true", "dark": "false"}[name]
        self.command("apputils:change-theme", {"theme": f"JupyterLab {name.capitalize()}"})
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def screenshot(self, path: Path | str) -> Path:
        """Write a PNG picture of the page, and return where it is."""
        self.page.screenshot(path=path)
        return Path(path)

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context")
        self.page.evaluate(READY)


def _leave(dialog: Dialog) -> None:
    """Answer the browser's own questions: leave the page when asked, refuse anything else."""
    if dialog.type == "beforeunload":
        dialog.accept()
    else:
        dialog.dismiss()
