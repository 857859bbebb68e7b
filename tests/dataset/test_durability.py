"""Nothing that was acknowledged is lost: several writers, threads, and processes killed at work."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from piximi_widgets.dataset import Dataset

LABELER = Path(__file__).with_name("killed_labeler.py")
ROOT = Path(__file__).parents[2]


def prepare(dataset: Dataset) -> None:
    """Forty images, the categories a and b, and what a classifier says."""
    dataset.add_images(np.zeros((40, 5, 8), np.uint8))
    for name in "ab":
        dataset.add_category(name)
    sure = np.linspace(0, 1, 40, dtype=np.float32)
    dataset.store_predictions("a classifier", ["a", "b"], range(1, 41), np.stack([sure, 1 - sure], axis=1))


def start(path: Path, seed: int, task: str = "mix") -> subprocess.Popen:
    """Start a labeler and wait until it works."""
    process = subprocess.Popen(
        [sys.executable, str(LABELER), str(path), str(seed), task],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen) -> list[dict[str, Any]]:
    """What a process had acknowledged when it was killed."""
    process.kill()
    output, _ = process.communicate(timeout=30)
    # The last line may have been cut by the kill; then its operation counts as not acknowledged.
    return [json.loads(line) for line in output.split("\n")[:-1] if line]


def found_in(path: Path, scratch: Path) -> tuple[list[tuple], dict[str, dict[int, Any]]]:
    """The journal's rows and the images' fields, read by SQLite alone from a copy of what lies on the
    disk."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name in ("project.db", "project.db-wal"):
        if (path / name).exists():
            shutil.copy(path / name, scratch)
    with closing(sqlite3.connect(scratch / "project.db")) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        journal = connection.execute(
            'SELECT operation_id, target_id, field, "before", "after" FROM change WHERE target = \'image\''
            " ORDER BY operation_id, target_id"
        ).fetchall()
        operations = connection.execute("SELECT id FROM operation ORDER BY id").fetchall()
        fields = [row[1] for row in connection.execute("PRAGMA table_info(image)")]
        rows = connection.execute(f"SELECT {', '.join(fields)} FROM image").fetchall()
    assert [row[0] for row in operations] == list(range(1, len(operations) + 1))
    state = {
        name: {row[0]: row[column] for row in rows} for column, name in enumerate(fields) if name != "id"
    }
    return journal, state


def check_against(journal: list[tuple], state: dict[str, dict[int, Any]], told: list[dict[str, Any]]) -> None:
    """The journal holds every acknowledged operation, and the images equal the journal replayed."""
    replayed: dict[tuple[str, int], Any] = {}
    changes: dict[int, set[tuple[int, str, Any]]] = {}
    for revision, image_id, field, before, after in journal:
        assert replayed.get((field, image_id), "" if field == "note" else 0) == before
        replayed[field, image_id] = after
        changes.setdefault(revision, set()).add((image_id, field, after))
    for (field, image_id), value in replayed.items():
        assert state[field][image_id] == value
    for field in ("category_id", "excluded", "unsure", "note", "removed", "refused"):
        for image_id, value in state[field].items():
            assert replayed.get((field, image_id), "" if field == "note" else 0) == value
    for line in told:
        done = changes.get(line["revision"], set())
        if line["expected"] is None:
            assert {image_id for image_id, _, _ in done} >= set(line["changed"])
        elif line["changed"]:
            assert done == {(image_id, *line["expected"]) for image_id in line["changed"]}


def killed_at_work(tmp_path: Path, kills: int, longest: float, at_once: Callable[[int], int]) -> None:
    random = np.random.default_rng(0)
    with Dataset(tmp_path / "cells") as dataset:
        prepare(dataset)
    told: list[dict[str, Any]] = []
    for seed in range(kills):
        processes = [start(tmp_path / "cells", seed + number) for number in range(at_once(seed))]
        for process in processes:
            time.sleep(random.uniform(0.02, longest))
            told += killed(process)
        # Looked at in a copy: the next process finds the log as the kill has left it.
        check_against(*found_in(tmp_path / "cells", tmp_path / "scratch"), told)
    assert len(told) > kills
    for action in ("undo", "accept_predictions", "refuse_predictions"):
        assert any(line["action"] == action and line["changed"] for line in told)
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.check(pixels=True).problems == []
        dataset.label(1, "a")
        dataset.undo()


def test_a_killed_process_loses_nothing(tmp_path):
    """SIGKILL in the middle of labeling, five times: all that was acknowledged is there, and nothing is half
    done."""
    killed_at_work(tmp_path, 5, 0.3, lambda seed: 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_nothing(tmp_path):
    """As above, two hundred times over, every fourth time with two processes at work."""
    killed_at_work(tmp_path, 200, 0.8, lambda seed: 2 if seed % 4 == 3 else 1)


def killed_at_import(tmp_path: Path, picture: Callable[..., Path], kills: int, files: int) -> None:
    random = np.random.default_rng(1)
    for number in range(files):
        picture(tmp_path / "pictures" / f"{number}.png")
    with Dataset(tmp_path / "cells") as dataset:
        prepare(dataset)
    told: list[dict[str, Any]] = []
    for seed in range(kills):
        process = start(tmp_path / "cells", seed, "import")
        time.sleep(random.uniform(0.02, 0.5))
        told += killed(process)
        journal, state = found_in(tmp_path / "cells", tmp_path / "scratch")
        check_against(journal, state, [])
        for line in told:
            assert all(
                state["category_id"][image_id] == (2 if line["files"] == [] else 1)
                for image_id in line["added"]
            )
    assert sum(len(line["added"]) for line in told) > kills
    with Dataset(tmp_path / "cells") as dataset:
        assert dataset.check(pixels=True).problems == []
        for line in told:
            if line["value"] is not None:
                assert {int(dataset.pixels(image_id).max()) for image_id in line["added"]} == {line["value"]}
        # A file that was told as added is there once, however often it was offered again.
        dataset.add_images(str(tmp_path / "pictures" / "*.png"))
        assert dataset.images["name"].str.endswith(".png").sum() == files


def test_a_killed_import_leaves_whole_images_only(tmp_path, picture):
    """SIGKILL while arrays and files are added: what was told is there with its pixels, the rest whole or
    not at all."""
    killed_at_import(tmp_path, picture, 3, 60)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sixty_killed_imports(tmp_path, picture):
    """As above, sixty times over."""
    killed_at_import(tmp_path, picture, 60, 1200)


def test_two_processes_label_at_once(tmp_path):
    """Two processes and this one label the same images; every operation of each is in the journal."""
    with Dataset(tmp_path / "cells") as dataset:
        prepare(dataset)
        processes = [start(dataset.path, seed) for seed in (1, 2)]
        told = []
        for number in range(20):
            result = dataset.label([number + 1, 40 - number], "a")
            told.append(
                {
                    "revision": result.revision,
                    "expected": ("category_id", 1),
                    "changed": result.changed.tolist(),
                }
            )
            time.sleep(0.01)
        for process in processes:
            told += killed(process)
    assert len(told) > 25
    check_against(*found_in(tmp_path / "cells", tmp_path / "scratch"), told)


def test_a_second_object_takes_nothing_from_the_first(tmp_path):
    """A process may open a project twice.

    SQLite's locks belong to the process, and closing any handle of the file drops them all; then another process
    that ends takes itself for the last one and deletes the log that is in use.
    """
    other = "import sys; from piximi_widgets.dataset import Dataset; Dataset(sys.argv[1]).close()"
    command = [sys.executable, "-c", other, str(tmp_path / "cells")]
    with Dataset(tmp_path / "cells") as first:
        prepare(first)
        for mode in ("a", "r", "r+"):
            with Dataset(tmp_path / "cells", mode):
                pass
        subprocess.run(command, check=True, cwd=ROOT, timeout=60)
        told = first.label(range(1, 41), "a")
        # As a kernel ends that is killed: without closing anything.
        _, state = found_in(first.path, tmp_path / "scratch")
        assert len(told.changed) == 40
        assert set(state["category_id"].values()) == {1}


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


def test_five_hundred_opens_leave_nothing_behind(ten):
    """No file, no thread and hardly any memory stays with a project that was closed."""
    ten.close()
    process = psutil.Process()

    def use(mode: str) -> None:
        with Dataset(ten.path, mode) as dataset:
            dataset.columns()
            dataset.pixels(1)
            if mode == "a":
                dataset.label(1, "ab"[dataset.revision % 2])
            other = threading.Thread(target=lambda: dataset.revision)
            other.start()
            other.join()

    for _ in range(50):
        use("a")
        use("r")
    before = process.num_fds(), threading.active_count(), process.memory_info().rss
    for _ in range(225):
        use("a")
        use("r")
    assert process.num_fds() <= before[0]
    assert threading.active_count() <= before[1]
    assert process.memory_info().rss - before[2] < 16 << 20


def test_opening_that_fails_leaves_nothing_behind(ten):
    """Nor does a project that cannot be opened keep its file."""
    ten.close()
    with closing(sqlite3.connect(ten.path / "project.db")) as connection:
        connection.execute("PRAGMA user_version = 999")
    process = psutil.Process()
    before = process.num_fds()
    problems = []
    for _ in range(20):
        try:
            Dataset(ten.path)
        except Exception as problem:
            # Kept with its traceback, as a notebook does.
            problems.append(problem)
    assert len(problems) == 20
    assert process.num_fds() <= before


def test_opening_is_quick(ten):
    """An existing small project is open within 30 ms, by the median of many, whatever is looked at on the
    way."""
    ten.close()
    times = []
    for _ in range(21):
        started = time.perf_counter()
        dataset = Dataset(ten.path)
        times.append(time.perf_counter() - started)
        dataset.close()
    assert sorted(times)[10] < 0.03
