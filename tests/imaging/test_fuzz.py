"""Damaged files of every kind: no crash, no hang, no flood of memory, one kind of exception."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fuzz(folder: Path, seconds: float, seed: int) -> dict:
    """Let a process of its own read damaged files; what it has found."""
    command = [sys.executable, "-m", "tests.imaging.fuzzed_reader", str(folder), str(seconds), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", "MALLOC_ARENA_MAX": "2"}
    environment.pop("PIXIMI_WIDGETS_MAX_IMAGE_GB", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds + 120, check=False
    )
    left = [path.name for path in folder.glob("damaged-*")]
    assert done.returncode == 0, (
        f"seed {seed}, file {folder}/{left} (exit {done.returncode}):\n{done.stderr[-4000:]}"
    )
    assert "arning" not in done.stderr, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(summary: dict) -> None:
    assert summary["files"] > 50, summary
    # Every door was used: some damage does no harm, some is seen in the header, some only in the pixels.
    assert min(summary["read"], summary["refused by its header"], summary["refused by its pixels"]) > 0, (
        summary
    )
    # 256 MB may be claimed without a question, and are copied a few times on their way.
    assert summary["grown_mb"] < 1100, summary


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set as Linux does")
def test_damaged_files_are_refused_or_read(tmp_path):
    """A few seconds with a fixed seed."""
    check(fuzz(tmp_path, 8, seed=1))


@pytest.mark.soak
@pytest.mark.timeout(1000)
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set as Linux does")
def test_damaged_files_for_ten_minutes(tmp_path):
    """Ten minutes with a seed that differs from day to day, named where something is found."""
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
    check(fuzz(tmp_path, 600, seed))
