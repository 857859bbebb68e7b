"""Features on disk: found again, never wrong, bounded, and safe for several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.engine.features import cache as module
from piximi_widgets.engine.features.cache import FeatureCache


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes, views and features of eight numbers each."""
    generator = np.random.default_rng(seed)
    digests = generator.integers(0, 256, (count, 15), dtype=np.uint8)
    return digests, generator.integers(0, 8, count), generator.normal(size=(count, 8)).astype(np.float32)


def loaded(cache: FeatureCache, digests: np.ndarray, views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    into = np.full((len(digests), 8), np.nan, np.float32)
    return cache.load(digests, views, into), into


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_what_was_stored_is_found_in_any_order_and_nothing_else_is(tmp_path):
    cache, (digests, views, features) = FeatureCache(tmp_path / "base"), rows(20)
    cache.store(digests[:15], views[:15], features[:15])
    order = np.random.default_rng(1).permutation(20)
    found, values = loaded(cache, digests[order], views[order])
    assert found.tolist() == (order < 15).tolist()
    np.testing.assert_array_equal(values[found], features[order[found]])


def test_another_view_of_an_image_is_another_entry(tmp_path):
    cache, (digests, _, features) = FeatureCache(tmp_path / "base"), rows(2)
    cache.store(digests[:1], np.array([3]), features[:1])
    cache.store(digests[:1], np.array([4]), features[1:])
    found, values = loaded(cache, digests[[0, 0, 0]], np.array([4, 3, 0]))
    assert found.tolist() == [True, True, False]
    np.testing.assert_array_equal(values[:2], features[::-1])


def test_an_image_that_is_asked_for_twice_is_found_twice(tmp_path):
    cache, (digests, views, features) = FeatureCache(tmp_path / "base"), rows(1)
    cache.store(digests, views, features)
    found, values = loaded(cache, digests[[0, 0]], views[[0, 0]])
    assert found.all()
    np.testing.assert_array_equal(values, features[[0, 0]])


def test_a_byte_that_changed_never_gives_wrong_features(tmp_path):
    cache, (digests, views, features) = FeatureCache(tmp_path / "base"), rows(10)
    cache.store(digests, views, features)
    file = only_file(tmp_path / "base")
    data = file.read_bytes()
    for place in range(0, len(data), 7):
        file.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
        found, values = loaded(cache, digests, views)
        assert not found.all()
        np.testing.assert_array_equal(values[found], features[found])


@pytest.mark.parametrize("length", [0, 1, 17, 30, 200, -1])
def test_a_file_that_was_cut_off_counts_as_not_there(tmp_path, length):
    cache, (digests, views, features) = FeatureCache(tmp_path / "base"), rows(10)
    cache.store(digests, views, features)
    file = only_file(tmp_path / "base")
    file.write_bytes(file.read_bytes()[:length])
    assert not loaded(cache, digests, views)[0].any()


def test_many_small_files_become_one_with_all_that_they_held(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_SMALL", 4)
    cache, (digests, views, features) = FeatureCache(tmp_path / "base"), rows(12)
    for row in range(12):
        cache.store(digests[row : row + 1], views[row : row + 1], features[row : row + 1])
    assert len(list((tmp_path / "base").iterdir())) <= 4
    found, values = loaded(cache, digests, views)
    assert found.all()
    np.testing.assert_array_equal(values, features)


def test_beyond_the_limit_the_files_that_nobody_read_for_longest_go(tmp_path):
    import os

    digests, views, features = rows(30)
    one, other = (FeatureCache(tmp_path / name, limit=1600) for name in ("one", "other"))
    one.store(digests[:10], views[:10], features[:10])
    os.utime(only_file(tmp_path / "one"), (1, 1))
    other.store(digests[10:20], views[10:20], features[10:20])
    os.utime(only_file(tmp_path / "other"), (2, 2))
    # Reading counts as use.
    loaded(one, digests[:1], views[:1])
    one.store(digests[20:], views[20:], features[20:])
    assert loaded(one, digests, views)[0].tolist() == [True] * 10 + [False] * 10 + [True] * 10
    assert not loaded(other, digests, views)[0].any()


_WRITER = """
import sys
from pathlib import Path
from piximi_widgets.engine.features import cache
from tests.engine.features.test_cache import loaded, rows
cache._MOST_SMALL = 3
kept, (digests, views, features) = cache.FeatureCache(Path(sys.argv[1])), rows(30, seed=int(sys.argv[2]))
for row in range(30):
    part = slice(row, row + 1)
    kept.store(digests[part], views[part], features[part])
    found, values = loaded(kept, digests, views)
    assert (values[found] == features[found]).all()
"""


def test_processes_that_store_read_and_merge_at_once_never_see_anything_wrong(tmp_path):
    folder = tmp_path / "base"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), str(seed)]) for seed in (1, 2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    for seed in (1, 2):
        digests, views, features = rows(30, seed)
        found, values = loaded(FeatureCache(folder), digests, views)
        np.testing.assert_array_equal(values[found], features[found])
        assert found.all()
