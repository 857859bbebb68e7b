"""A JupyterLab server of its own for the browser tests: free port, temporary home, none of the user's settings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

# User settings of this server. News, update checks and notifications would cover the page and leave the machine.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # A save in the background would race with the reloads of the tests; they save by themselves.
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


class JupyterServer:
    """A running ``jupyter lab``.

    Parameters
    ----------
    home : Path
        An empty folder; becomes the server's home, holds its settings, its log and the notebooks.

    Attributes
    ----------
    url : str
        ``http://127.0.0.1:<port>``, without a slash at the end.
    token : str
        What the server asks of who talks to it; kernels run any code, so other users of this machine must not reach them.
    root : Path
        The folder that the server shows.
    """

    def __init__(self, home: Path) -> None:
        self.root = home / "root"
        self.root.mkdir(parents=True)
        self.settings = home / "settings"
        self.log = home / "server.log"
        self.token = secrets.token_hex(16)
        self.reset_settings()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = self._start(home, port)
        self._wait_until_up()

    def _start(self, home: Path, port: int) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTER_TOKEN": self.token,
        }
        command = [
            *(sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--expose-app-in-browser"),
            *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
        ]
        with self.log.open("wb") as log:
            return subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log)

    def _wait_until_up(self, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.request("GET", "/api/status")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start; its log:\n{self.log.read_text()[-4000:]}")

    def reset_settings(self) -> None:
        """Write the settings that every test starts with; what a test changed (the theme, for one) is forgotten."""
        for name in ("@jupyterlab/apputils-extension/themes", *SETTINGS):
            path = self.settings / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            if name in SETTINGS:
                path.write_text(json.dumps(SETTINGS[name]))
            else:
                path.unlink(missing_ok=True)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Call the server's REST API and return the decoded answer (None when it is empty)."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def kernel_process(self, kernel_id: str) -> psutil.Process:
        """Return the process of a kernel, found by its connection file, so that a busy kernel is found too."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if any(kernel_id in argument for argument in process.cmdline()):
                    return process
            except psutil.Error:
                continue
        raise LookupError(f"no process of this server runs kernel {kernel_id}")

    def close_sessions(self) -> None:
        """Shut every kernel down, so that the next test has the machine to itself."""
        for session in self.request("GET", "/api/sessions"):
            try:
                self.request("DELETE", f"/api/sessions/{session['id']}")
            except urllib.error.HTTPError as error:
                if error.code not in (404, 410):
                    raise

    def stop(self) -> None:
        """End the server and its kernels."""
        try:
            members = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            members = []
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for member in members:
            # Only the kernels: a training worker has a session of its own and outlives its kernel on purpose.
            if any("ipykernel" in argument for argument in _command_line(member)):
                member.kill()


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
