"""How much memory may be used is what the machine and the container leave."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from piximi_widgets.engine.pixels import memory

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path, monkeypatch) -> Path:
    """A machine with 8 GiB free and an empty folder of its control group."""
    (tmp_path / "meminfo").write_text(
        f"MemTotal: {16 * GIB // 1024} kB\nMemFree: 1 kB\nMemAvailable: {8 * GIB // 1024} kB\n"
    )
    (tmp_path / "group" / "memory").mkdir(parents=True)
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path / "group")
    return tmp_path / "group"


def test_it_is_near_what_psutil_finds(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.available_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_without_a_limit_the_machine_decides(machine):
    assert memory.available_memory() == 8 * GIB
    (machine / "memory.max").write_text("max\n")
    (machine / "memory.current").write_text("5")
    (machine / "memory.stat").write_text("anon 4\ninactive_file 1\n")
    assert memory.available_memory() == 8 * GIB


def test_a_containers_limit_counts_and_cached_files_do_not(machine):
    (machine / "memory.max").write_text(f"{2 * GIB}\n")
    (machine / "memory.current").write_text(f"{GIB}\n")
    (machine / "memory.stat").write_text(f"anon 4\ninactive_file {GIB // 2}\n")
    assert memory.available_memory() == 3 * GIB // 2


def test_a_limit_of_the_first_kind_counts_too(machine):
    (machine / "memory" / "memory.limit_in_bytes").write_text(f"{GIB}\n")
    (machine / "memory" / "memory.usage_in_bytes").write_text(f"{2 * GIB}\n")
    (machine / "memory" / "memory.stat").write_text("cache 9\ntotal_inactive_file 0\n")
    assert memory.available_memory() == 0


def test_elsewhere_half_of_the_machine_is_assumed(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "nothing")
    assert memory.available_memory() == pytest.approx(psutil.virtual_memory().total / 2, rel=0.01)
