"""Experiment trackers side by side: how fast they log, how much they keep when they are killed, how they list many runs.

Each runs in a process of its own and writes into a folder of its own. A peer that is not installed is left out; to have all of
them, make an environment with ``mlflow trackio tensorboard wandb`` and name its Python in ``PIXIMI_PEERS_PYTHON``.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import _tracker_writers as writers

TITLE = f"Trackers: {writers.CALLS:,} calls of {writers.METRICS} scalars; lost at SIGKILL; {writers.RUNS:,} runs as a table"

_PACKAGES = {
    "MLflow on SQLite": "mlflow",
    "trackio": "trackio",
    "TensorBoard": "tensorboard",
    "W&B offline": "wandb",
}
_LISTED = ("piximi_widgets", "MLflow on SQLite")
_ROUNDS = 3
_SECONDS = 600


def run(rounds: int = _ROUNDS, names: Sequence[str] = tuple(writers.WRITERS)) -> list[dict[str, Any]]:
    """Measure, tracker by tracker in each round; the figures are medians of the rounds."""
    present = [name for name in names if _installed(name)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in present}
    lost: dict[str, list[int]] = {name: [] for name in present}
    for _ in range(rounds):
        for name in present:
            with tempfile.TemporaryDirectory(prefix="trackers-") as folder:
                found[name].append(_ask(name, "write", folder))
            lost[name].append(_lost_when_killed(name))
    rows: list[dict[str, Any]] = []
    scalars = writers.CALLS * writers.METRICS
    for name in names:
        if name not in present:
            rows.append({"label": name, "value": "-", "unit": "", "note": "not installed"})
            continue
        middle = {key: statistics.median(one[key] for one in found[name]) for key in found[name][0]}
        note = (
            f"p50 {middle['p50'] * 1e6:,.0f} µs, p99 {middle['p99'] * 1e6:,.0f} µs a call; {middle['bytes'] / scalars:.0f} bytes a "
            f"scalar; lost of {writers.KILLED_CALLS * writers.METRICS:,} at SIGKILL: {', '.join(f'{one:,}' for one in lost[name])}"
        )
        rows.append({"label": name, "value": scalars / middle["whole"], "unit": "scalars/s", "note": note})
    for name in _LISTED:
        if name in present:
            with tempfile.TemporaryDirectory(prefix="trackers-") as folder:
                seconds = _ask(name, "list", folder)
            note = f"{seconds['filter'] * 1e3:,.0f} ms filtered by a metric and a parameter"
            rows.append(
                {
                    "label": f"{name}, {writers.RUNS:,} runs opened",
                    "value": seconds["open"] * 1e3,
                    "unit": "ms",
                    "note": note,
                }
            )
    return rows


def _lost_when_killed(name: str) -> int:
    """Scalars of finished calls that cannot be read back after the process was killed."""
    with tempfile.TemporaryDirectory(prefix="trackers-") as folder:
        # In a session of its own, so that a helper process of the tracker dies with it.
        with subprocess.Popen(
            _command(name, "stay", folder), stdout=subprocess.PIPE, start_new_session=True, **_QUIET
        ) as process:
            assert process.stdout is not None
            while (line := process.stdout.readline()) and line.strip() != b"logged":
                pass
            os.killpg(process.pid, signal.SIGKILL)
        if not line:
            raise RuntimeError(f"{name} ended before it had logged everything")
        return writers.KILLED_CALLS * writers.METRICS - int(_ask(name, "count", folder))


def _ask(name: str, task: str, folder: str) -> Any:
    done = subprocess.run(
        _command(name, task, folder), stdout=subprocess.PIPE, check=True, timeout=_SECONDS, **_QUIET
    )
    return json.loads(done.stdout.splitlines()[-1])


def _command(name: str, task: str, folder: str) -> list[str]:
    return [_python(name), writers.__file__, name, task, folder]


def _python(name: str) -> str:
    return os.environ.get("PIXIMI_PEERS_PYTHON", sys.executable) if name in _PACKAGES else sys.executable


def _installed(name: str) -> bool:
    package = _PACKAGES.get(name)
    if package is None:
        return True
    # The whole of MLflow, not its thin client, has the SQLite store.
    needed = "mlflow.store.tracking.sqlalchemy_store" if package == "mlflow" else package
    return (
        subprocess.run([_python(name), "-c", f"import {needed}"], check=False, capture_output=True).returncode
        == 0
    )


#: No tracker talks to anybody, or on the screen.
_QUIET: dict[str, Any] = {
    "stderr": subprocess.DEVNULL,
    "env": os.environ
    | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    },
}
