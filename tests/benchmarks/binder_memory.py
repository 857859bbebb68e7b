"""The memory of the quickstart on Binder: server, kernel and worker together, as proportional set size (Linux).

What processes share (libraries, pages since a fork) counts once, divided among them, which is what a container's limit
sees. For the number on Binder itself run it with the Python of an environment made from ``binder/``.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

TITLE = "Binder: peak memory of the quickstart, under 1 GB"
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
MARK = "PIXIMI_BENCHMARK"
INTERVAL = 0.1  # seconds between two samples
AFTER = 3.0  # seconds that are still sampled after the last cell


class Sampler(threading.Thread):
    """Samples the memory of every process that carries the mark in its environment.

    Attributes
    ----------
    peak : dict of str to int
        Bytes of each role at the moment at which their sum was largest.
    alone : Counter
        The largest number of bytes of each role by itself.
    """

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.peak: dict[str, int] = {}
        self.alone: Counter[str] = Counter()
        self.samples = 0
        self._mark = mark
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(INTERVAL):
            now: Counter[str] = Counter()
            for process in psutil.process_iter():
                try:
                    if process.environ().get(MARK) == self._mark:
                        now[_role(process.cmdline())] += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.samples += 1
            self.alone |= now
            if now.total() > sum(self.peak.values()):
                self.peak = dict(now)

    def end(self) -> None:
        self._end.set()
        self.join()


def _role(command: list[str]) -> str:
    line = " ".join(command)
    if "piximi_widgets.engine.worker" in line:
        return "worker"
    if "ipykernel" in line:
        return "kernel"
    return "server" if "jupyter" in line else "other"


def run_notebook(server: Any, home: Path) -> float:
    """Run the quickstart's code cells in a kernel of the server, as a browser would ask for it; seconds it took."""
    import nbformat
    from jupyter_client.blocking import BlockingKernelClient

    kernel = server.request("POST", "/api/kernels", {"name": "python3"})["id"]
    client = BlockingKernelClient(connection_file=str(home / "runtime" / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    deadline = time.monotonic() + 120
    while True:
        try:
            client.wait_for_ready(timeout=60)
            break
        except RuntimeError:
            # A client without a manager takes a kernel that has no heartbeat yet for a dead one.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    started = time.monotonic()
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            reply = client.execute_interactive(cell.source, timeout=600, output_hook=lambda message: None)
            if reply["content"]["status"] != "ok":
                raise RuntimeError("\n".join(reply["content"]["traceback"]))
    took = time.monotonic() - started
    time.sleep(AFTER)
    client.stop_channels()
    return took


def run() -> list[dict[str, Any]]:
    """Start a server, run the quickstart on it, and sample meanwhile."""
    from tests.browser.server import JupyterServer

    if not psutil.LINUX:
        raise RuntimeError("the proportional set size is known on Linux only")
    mark = uuid.uuid4().hex
    os.environ[MARK] = mark
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            server = JupyterServer(Path(folder))
            # This process has the mark too, but got it after its start: what /proc shows is the environment at the start.
            sampler = Sampler(mark)
            sampler.start()
            try:
                seconds = run_notebook(server, Path(folder))
            finally:
                sampler.end()
                server.close_sessions()
                server.stop()
                _end_marked(mark)
    finally:
        del os.environ[MARK]
    rows = [
        {
            "label": "peak, all together",
            "value": sum(sampler.peak.values()) / 1e6,
            "unit": "MB",
            "note": f"budget: 1000; {sampler.samples} samples in {seconds:.0f} s",
        }
    ]
    for role, size in sorted(sampler.peak.items()):
        note = f"at that moment; {sampler.alone[role] / 1e6:,.0f} at most"
        rows.append({"label": f"  {role}", "value": size / 1e6, "unit": "MB", "note": note})
    return rows


def _end_marked(mark: str) -> None:
    """End the workers of the run; they outlive their kernel on purpose."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                process.kill()
        except psutil.Error:
            continue
