"""Nothing that was acknowledged is lost: several writers, threads, and processes killed at work."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset

LABELER = Path(__file__).with_name("killed_labeler.py")
ROOT = Path(__file__).parents[2]


def prepare(dataset: Dataset) -> None:
    """Forty images and the categories a and b."""
    dataset.add_images(np.zeros((40, 5, 8), np.uint8))
    for name in "ab":
        dataset.add_category(name)


def start(path: Path, seed: int) -> subprocess.Popen:
    """Start a labeler and wait until it works."""
    process = subprocess.Popen(
        [sys.executable, str(LABELER), str(path), str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def check_against(dataset: Dataset, acknowledged: list[str]) -> None:
    """The journal holds every acknowledged label, and the labels equal the journal replayed."""
    journal = dataset.journal
    labeled = journal[journal["action"] == "label"]
    current: dict[int, str | None] = dict.fromkeys(range(1, 41))
    changed: dict[int, list[tuple[int, str]]] = {}
    latest: dict[int, int] = {}
    for row in labeled.itertuples():
        assert current[row.id] == row.before
        current[row.id] = row.after
        latest[row.id] = row.revision
        changed.setdefault(row.revision, []).append((row.id, row.after))
    found = dataset.images["category"]
    assert {i: c if isinstance(c, str) else None for i, c in found.items()} == current
    for line in acknowledged:
        revision, name, ids, different = line.split()
        if json.loads(different):
            assert changed[int(revision)] == [(image_id, name) for image_id in json.loads(different)]
        for image_id in json.loads(ids):
            # Whether it changed or was so already: unless somebody labeled it later, it is so now.
            assert latest[image_id] > int(revision) or current[image_id] == name


def killed_at_work(tmp_path: Path, kills: int, longest: float) -> None:
    random = np.random.default_rng(0)
    with Dataset(tmp_path / "cells") as dataset:
        prepare(dataset)
    acknowledged: list[str] = []
    for seed in range(kills):
        process = start(tmp_path / "cells", seed)
        time.sleep(random.uniform(0.02, longest))
        process.kill()
        output, _ = process.communicate(timeout=30)
        # The last line may have been cut by the kill; then its label counts as not acknowledged.
        acknowledged += [line for line in output.split("\n")[:-1] if line]
    assert len(acknowledged) > kills
    with Dataset(tmp_path / "cells") as dataset:
        check_against(dataset, acknowledged)
        dataset.label(1, "a")
        dataset.undo()


def test_a_killed_process_loses_nothing(tmp_path):
    """SIGKILL in the middle of labeling, twice: all that was acknowledged is there, and nothing is half done."""
    killed_at_work(tmp_path, kills=2, longest=0.3)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_hundred_kills_lose_nothing(tmp_path):
    """As above, a hundred times over."""
    killed_at_work(tmp_path, kills=100, longest=1.0)


def test_two_processes_label_at_once(tmp_path):
    """Two processes and this one label the same images; every operation of each is in the journal."""
    with Dataset(tmp_path / "cells") as dataset:
        prepare(dataset)
        processes = [start(dataset.path, seed) for seed in (1, 2)]
        mine = []
        for number in range(20):
            ids = [number + 1, 40 - number]
            result = dataset.label(ids, "a")
            mine.append(f"{result.revision} a {ids} {result.changed.tolist()}".replace(", ", ","))
            time.sleep(0.01)
        acknowledged = list(mine)
        for process in processes:
            process.kill()
            acknowledged += [line for line in process.communicate(timeout=30)[0].split("\n")[:-1] if line]
        assert len(acknowledged) > 25
        check_against(dataset, acknowledged)


def test_threads_share_one_dataset(dataset):
    """Eight threads label, read columns, tables and pixels of one object at once."""
    prepare(dataset)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(15):
                dataset.label([number * 5 + 1 + step % 5], "ab"[step % 2], by=f"author {number}")
                columns = dataset.columns()
                assert len(columns.id) == len(columns.category_id) == 40
                dataset.thumbnail(number + 1)
                if step % 5 == 0:
                    assert len(dataset.images) == 40
                dataset.counts()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    journal = dataset.journal
    assert (journal["action"] == "label").sum() == 8 * 15
    assert dataset.columns().category_id.tolist() == [1, 2, 1, 2, 1] * 8
