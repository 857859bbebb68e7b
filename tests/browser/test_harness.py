"""The JupyterLab harness itself: what the journeys rely on must not be silently broken."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.browser.notebook_page import KernelError


def test_cells_run_and_the_kernel_answers_beside_them(lab):
    notebook = lab.notebook(["x = 20", "x += 1\nprint('x is', x)"])
    notebook.run_all()
    assert notebook.output(1).inner_text().strip() == "x is 21"
    notebook.run_cell(1)
    assert notebook.output(1).inner_text().strip() == "x is 22"
    assert notebook.execute("print(x)") == "22\n"
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.execute("1 / 0")
    assert notebook.execute("import os; print(os.getcwd())").strip() == str(lab.folder)
    assert notebook.console_errors == []
    assert notebook.requests_outside == []


def test_errors_on_the_console_and_requests_that_leave_are_seen(lab):
    notebook = lab.notebook(["1"])
    notebook.page.evaluate("""() => {
      console.error("a made-up complaint");
      setTimeout(() => { throw new Error("a made-up exception"); });
      fetch("http://localhost:9/elsewhere").catch(() => {});
    }""")
    notebook.page.wait_for_timeout(300)
    text = "\n".join(notebook.console_errors)
    assert "a made-up complaint" in text
    assert "a made-up exception" in text
    assert notebook.requests_outside == ["http://localhost:9/elsewhere"]


def is_gone(pid: int) -> bool:
    """Whether a process ends; one that has ended exists until the server has asked how."""
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not psutil.pid_exists(pid)


def test_the_kernel_can_be_interrupted_restarted_killed_and_shut_down(lab):
    notebook = lab.notebook(["import time\nstarted = True\ntime.sleep(600)", "print('never')"])
    notebook.run_all(wait=False)
    first = notebook.kernel_pid()
    notebook.page.wait_for_selector(".jp-Notebook-cell >> text=/\\[\\*\\]/")
    notebook.interrupt()
    notebook.wait_idle()
    assert notebook.execute("print(started)") == "True\n"
    notebook.restart_kernel()
    second = notebook.kernel_pid()
    assert second != first
    assert is_gone(first)
    with pytest.raises(KernelError, match="NameError"):
        notebook.execute("started")
    notebook.shutdown_kernel()
    assert is_gone(second)
    notebook.restart_kernel()
    third = notebook.kernel_pid()
    # Listened for, not looked at: the server may have started the next kernel before a look comes.
    notebook.page.evaluate(
        """() => {
          window.statuses = [];
          const context = window.jupyterapp.shell.currentWidget.sessionContext;
          context.statusChanged.connect((_, status) => window.statuses.push(status));
        }"""
    )
    os.kill(third, signal.SIGKILL)
    notebook.page.wait_for_function(
        """() => window.statuses.some(
          (status) => ["autorestarting", "restarting", "starting", "dead"].includes(status)
        )"""
    )
    assert is_gone(third)


def test_a_reload_keeps_the_kernel_and_a_live_widget(lab):
    notebook = lab.notebook(["import ipywidgets\nslider = ipywidgets.IntSlider(value=3)\nslider"])
    notebook.run_all()
    notebook.page.wait_for_selector(".widget-slider")
    pid = notebook.kernel_pid()
    notebook.reload()
    notebook.page.wait_for_selector(".widget-slider")
    assert notebook.kernel_pid() == pid
    notebook.execute("slider.value = 41")
    notebook.page.wait_for_selector(".widget-readout >> text=41")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_begins_in_the_light_theme_and_can_switch(lab, tmp_path, turn):
    # The second turn proves that the first one's dark theme is forgotten.
    notebook = lab.notebook(["1"], viewport=(700, 500))
    body = notebook.page.locator("body")
    assert body.get_attribute("data-jp-theme-light") == "true"
    notebook.theme("dark")
    assert body.get_attribute("data-jp-theme-light") == "false"
    assert notebook.screenshot(tmp_path / "dark.png").read_bytes().startswith(b"\x89PNG")
    assert notebook.page.viewport_size == {"width": 700, "height": 500}
