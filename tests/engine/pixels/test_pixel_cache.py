"""Rows come back as they were written or not at all, and the cache stays within its bounds."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from piximi_widgets.engine.pixels import pixel_cache
from piximi_widgets.engine.pixels.pixel_cache import Contents, PixelCache, row_checksum

SHAPE = (5, 7, 3)
SETTINGS = {"plane": 0, "crop": "none"}


def contents(*names: str, **settings: object) -> Contents:
    return Contents({**SETTINGS, **settings}, SHAPE, names)


def pixels_of(*names: str) -> np.ndarray:
    """For each name its own random row."""
    return np.stack([np.random.default_rng(list(name.encode())).random(SHAPE, np.float32) for name in names])


@pytest.fixture
def cache(tmp_path: Path) -> PixelCache:
    return PixelCache(tmp_path / "cache" / "pixels")


def fill(cache: PixelCache, *names: str, **settings: object) -> Path:
    """Write an entry and return its file of rows."""
    entry = contents(*names, **settings)
    cache.write(entry, pixels_of(*names))
    return cache._folder / f"{entry.key}.f32"


def known(cache: PixelCache, *names: str, **settings: object) -> set[str]:
    rows = cache.rows(contents(*names, **settings))
    for name, row in rows.items():
        pixels = row.read()
        if pixels is not None:
            np.testing.assert_array_equal(pixels, pixels_of(name)[0])
    return {name for name, row in rows.items() if row.read() is not None}


def test_rows_come_back_bit_for_bit(cache):
    fill(cache, "a", "b", "c")
    opened = cache.open(contents("a", "b", "c"))
    assert opened is not None
    np.testing.assert_array_equal(opened, pixels_of("a", "b", "c"))
    assert not opened.flags.writeable
    assert known(cache, "c", "x", "a") == {"c", "a"}


def test_other_settings_sizes_and_orders_are_other_entries(cache):
    fill(cache, "a", "b")
    assert cache.open(contents("b", "a")) is None
    assert known(cache, "a", plane="max") == set()
    assert cache.rows(Contents(SETTINGS, (7, 5, 3), ("a",))) == {}
    assert known(cache, "b", "a") == {"a", "b"}


def test_rows_come_from_several_entries(cache):
    fill(cache, "a", "b")
    fill(cache, "b", "c")
    assert known(cache, "a", "b", "c", "d") == {"a", "b", "c"}


def test_an_entry_that_holds_all_of_another_takes_its_place(cache):
    old = fill(cache, "a", "b")
    other = fill(cache, "a", plane="max")
    fill(cache, "c", "b", "a")
    assert not old.exists()
    assert not old.with_suffix(".json").exists()
    assert other.exists()


def test_a_flipped_bit_costs_one_row(cache):
    path = fill(cache, "a", "b", "c")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    assert cache.open(contents("a", "b", "c")) is None
    assert known(cache, "a", "b", "c") == {"a", "c"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-4]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.with_suffix(".json").write_text("{"),
        lambda path: path.with_suffix(".json").write_text("[1, 2]"),
        lambda path: path.with_suffix(".json").write_bytes(b"\xff\x00"),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.with_suffix(".json").write_text(
            path.with_suffix(".json").read_text().replace('"a"', '"z"')
        ),
    ],
)
def test_a_damaged_entry_is_not_there_and_can_be_written_again(cache, damage):
    path = fill(cache, "a", "b")
    entry = contents("a", "b")
    damage(path)
    assert cache.open(entry) is None
    assert known(cache, "a", "b") == set()
    fill(cache, "a", "b")
    assert known(cache, "a", "b") == {"a", "b"}


def test_rows_of_another_file_are_noticed(cache):
    """A file of the right size whose content is somebody else's."""
    path = fill(cache, "a", "b")
    path.write_bytes(pixels_of("c", "d").tobytes())
    assert cache.open(contents("a", "b")) is None
    assert known(cache, "a", "b") == set()


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_every_bit_counts_in_a_checksum(size):
    row = np.random.default_rng(size).random((1, size, 1), np.float32)
    right = row_checksum(row)
    for bit in range(32 * size):
        flipped = row.copy()
        flipped.reshape(-1).view(np.uint32)[bit // 32] ^= np.uint32(1 << (bit % 32))
        assert row_checksum(flipped) != right


def test_the_entries_that_were_not_used_for_longest_go_first(cache, monkeypatch):
    first, second, third = (fill(cache, name) for name in "abc")
    now = time.time()
    for age, path in ((30, second), (20, third), (10, first)):
        os.utime(path.with_suffix(".json"), (now - age, now - age))
    # Looking a row up counts as a use.
    assert known(cache, "b") == {"b"}
    monkeypatch.setattr(pixel_cache, "MOST_BYTES", 3 * contents("a").row_bytes)
    fourth = fill(cache, "d")
    assert [path.exists() for path in (first, second, third, fourth)] == [True, True, False, True]


def test_a_tenth_of_the_disk_is_the_most(cache, monkeypatch):
    row = contents("a").row_bytes
    monkeypatch.setattr(pixel_cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=25 * row))
    assert cache.has_room_for(contents("a", "b"))
    assert not cache.has_room_for(contents("a", "b", "c"))
    assert cache.can_write(contents("a", "b", "c"))
    assert not cache.can_write(contents(*map(str, range(26))))


def test_what_a_crash_left_goes_after_an_hour(cache):
    fill(cache, "a")
    orphan, part, young = (cache._folder / name for name in ("old.f32", ".old.f32.xy.part", "young.f32"))
    for path in (orphan, part, young):
        path.write_bytes(b"abcd")
    for path in (orphan, part):
        os.utime(path, (time.time() - 4000, time.time() - 4000))
    fill(cache, "b")
    assert [path.exists() for path in (orphan, part, young)] == [False, False, True]


def test_a_read_only_cache_is_used_and_left_as_it_is(cache):
    path = fill(cache, "a")
    before = path.with_suffix(".json").stat().st_mtime_ns
    reading = PixelCache(cache._folder, read_only=True)
    assert known(reading, "a") == {"a"}
    assert path.with_suffix(".json").stat().st_mtime_ns == before
    assert not reading.has_room_for(contents("b"))
    assert not reading.can_write(contents("b"))


def test_an_error_while_rows_are_made_leaves_nothing(cache):
    def rows():
        yield pixels_of("a")[0]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        cache.write(contents("a", "b"), rows())
    assert list(cache._folder.iterdir()) == []


def test_a_mapped_entry_may_be_deleted(cache):
    path = fill(cache, "a", "b")
    opened = cache.open(contents("a", "b"))
    path.unlink()
    np.testing.assert_array_equal(opened, pixels_of("a", "b"))
