"""Atomic files, and locks that die with their holder."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from piximi_widgets.storage import FileLock, write_atomically

HOLDER = """
import sys, time
from piximi_widgets.storage import FileLock
lock = FileLock(sys.argv[1])
print(lock.acquire(), flush=True)
time.sleep(60)
"""


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    def broken(file):
        file.write(b"half")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        write_atomically(path, broken)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_one_holds_a_lock(tmp_path):
    first, second = FileLock(tmp_path / "l"), FileLock(tmp_path / "l")
    assert not FileLock.is_held(tmp_path / "l")
    assert first.acquire()
    assert not second.acquire()
    assert FileLock.is_held(tmp_path / "l")
    first.release()
    assert second.acquire()
    second.release()
    assert not FileLock.is_held(tmp_path / "l")


def test_a_lock_dies_with_its_process(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "l")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    assert FileLock.is_held(tmp_path / "l")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not FileLock.is_held(tmp_path / "l")
