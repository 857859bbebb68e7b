"""A project of 100,000 images: how long it makes a person wait, and how much of the kernel's memory it takes.

The images are files of their own, hard links to a smaller number of different ones: each path is looked up and opened by
itself, while the disk holds each picture once. They lie in the system's cache. The project is made by one process and
measured in a fresh one, whose memory before it opens the project already holds the package, pandas, and a small project.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.scan import write_pngs, write_tiffs

TITLE = (
    "100,000 images: opened in 1 s, thumbnails anywhere in 300 ms, 10,000 labels in 0.5 s, 250 MB of memory"
)

_IMAGES = 100_000
_PNGS = 2_000
_TIFF_IMAGES = 20_000
_TIFFS = 200
_PAGE = 60
_JUMPS = 20
_MANY = 10_000
_CLASSES = [f"class {letter}" for letter in "abcdefgh"]


def run(
    images: int = _IMAGES, pngs: int = _PNGS, tiff_images: int = _TIFF_IMAGES, tiffs: int = _TIFFS
) -> list[dict[str, Any]]:
    """Measure; fewer `images` and different files (`pngs`, `tiffs`) give a quick look."""
    with tempfile.TemporaryDirectory(prefix="large-project-") as name:
        place = Path(name)
        for kind, write, different, count in (
            ("png", write_pngs, pngs, images),
            ("tiff", lambda folder, number: write_tiffs(folder, number, side=256), tiffs, tiff_images),
        ):
            (place / f"{kind}-files").mkdir()
            write(place / f"{kind}-files", different)
            link_files(place / f"{kind}-files", place / f"{kind}s", count)
            _child("build", place, kind)
        return [
            *_child("measure", place, "png"),
            *_child("version", place, "png"),
            *_child("thumbnails", place, "tiff"),
            *_child("pandas", place, "png"),
            *_child("pillow", place, "png"),
        ]


def link_files(files: Path, folder: Path, count: int) -> None:
    """`count` names for the files, a thousand in each folder, as plates have them."""
    different = sorted(files.iterdir())
    for number in range(count):
        plate = folder / f"plate-{number // 1000:03d}"
        if number % 1000 == 0:
            plate.mkdir(parents=True)
        file = different[number % len(different)]
        os.link(file, plate / f"image-{number:06d}{file.suffix}")


def _child(task: str, place: Path, kind: str) -> list[dict[str, Any]]:
    """Run a task of this module in a process of its own; the rows that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.large_project", task, str(place), kind],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{task} {kind} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# -- in the child ----------------------------------------------------------------------------------------------


def build(place: Path, kind: str) -> list[dict[str, Any]]:
    """Make the project, with columns of metadata as plates have them; nothing is measured."""
    import piximi_widgets as pw

    with pw.Project(place / f"{kind}-project", mode="x") as project:
        paths = sorted(str(path) for path in (place / f"{kind}s").rglob(f"*{_suffix(kind)}"))
        numbers = range(len(paths))
        metadata = {
            "plate": [f"plate-{number // 1000:03d}" for number in numbers],
            "well": [f"{'ABCDEFGH'[number % 8]}{number // 8 % 12 + 1:02d}" for number in numbers],
            "site": [number % 9 + 1 for number in numbers],
        }
        for name in _CLASSES:
            project.add_category(name)
        report = project.add_images(paths, metadata=metadata, progress=False)
        assert len(report.added) == len(paths), report
    with pw.Project(place / f"{kind}-small", mode="x") as project:
        ids = project.add_images(paths[:20], progress=False).added
        project.add_category("a")
        project.label(ids, "a")
    return []


def measure(place: Path, kind: str) -> list[dict[str, Any]]:
    """All that a person waits for, in the order in which a session does it."""
    before = _warm(place, kind)
    opened, project = _timed(lambda: _open(place, kind))
    size = f"{len(project):,} images"
    ids = project.columns().id
    first, _ = _timed(lambda: _page(project, ids[:_PAGE]))
    rows = [
        _row(f"open, {size}", opened, "s", "budget: 1; to the columns that the gallery needs"),
        _row(f"first {_PAGE} thumbnails, PNG", opened + first, "s", "budget: 1; with opening"),
        *_jumps(project, ids, "PNG"),
        _row("memory of a gallery", _megabytes() - before, "MB", "budget: 250; opened and looked at"),
    ]
    key = [_timed(lambda number=number: _label_one(project, ids, number))[0] for number in range(30)]
    rows.append(
        _row(
            "one label, to the new columns", _middle(key), "ms", f"budget: 50; slowest {1000 * max(key):.0f}"
        )
    )
    many = ids[1000 : 1000 + _MANY]
    labeled, _ = _timed(lambda: project.label(many, _CLASSES[1]))
    seen, _ = _timed(project.columns)
    rows.append(_row(f"{len(many):,} labels in one command", labeled, "s", "budget: 0.5"))
    rows.append(_row("the columns after that", 1000 * seen, "ms", ""))
    undone, _ = _timed(project.undo)
    rows.append(_row("undo of that", undone, "s", ""))
    table, _ = _timed(lambda: project.images)
    project.label(ids[0], _CLASSES[2])
    again, _ = _timed(lambda: project.images)
    rows.append(_row("images as a DataFrame", table, "s", f"{1000 * again:.0f} ms after another label"))
    selected, _ = _timed(lambda: project.select("plate == 'plate-001' and category.isna()"))
    rows.append(_row("select by plate and category", 1000 * selected, "ms", ""))
    for number, name in enumerate(_CLASSES):
        project.label(ids[number :: len(_CLASSES)], name)
    split, _ = _timed(lambda: project.split(seed=0))
    rows.append(_row(f"split, {size} labeled", split, "s", ""))
    snapshot, _ = _timed(project.snapshot)
    rows.append(_row("first dataset version", snapshot, "s", "reads every image's pixels for their hashes"))
    project.label(ids[0], _CLASSES[3])
    snapshot, _ = _timed(project.snapshot)
    rows.append(_row("next dataset version", snapshot, "s", "no file changed"))
    rows.append(
        _row("memory of the whole session", _megabytes() - before, "MB", "budget: 250; with the DataFrame")
    )
    project.close()
    return rows


def thumbnails(place: Path, kind: str) -> list[dict[str, Any]]:
    """The gallery alone."""
    before = _warm(place, kind)
    opened, project = _timed(lambda: _open(place, kind))
    ids = project.columns().id
    first, _ = _timed(lambda: _page(project, ids[:_PAGE]))
    what = f"{len(ids):,} 16-bit TIFFs of 256x256"
    return [
        _row(
            f"first {_PAGE} thumbnails, {what}",
            opened + first,
            "s",
            "budget: 1; with opening and the contrast",
        ),
        *_jumps(project, ids, "TIFF"),
        _row("memory of a gallery, TIFF", _megabytes() - before, "MB", "budget: 250"),
    ]


def version(place: Path, kind: str) -> list[dict[str, Any]]:
    """What a dataset version takes on disk where no two images are equal and their labels are in no order."""
    import piximi_widgets as pw

    count = sum(1 for _ in (place / f"{kind}s").rglob(f"*{_suffix(kind)}"))
    generator = np.random.default_rng(0)
    with pw.Project(place / "version", mode="x") as project:
        pixels = generator.integers(0, 256, (count, 8, 8), dtype=np.uint8)
        labels = generator.choice(_CLASSES, count).tolist()
        project.add_images(pixels, labels=labels, progress=False)
        project.split(seed=0)
        uid = project.snapshot().uid
    held = _bytes(place / "version", uid)
    return [_row(f"a version of {count:,} on disk", held / 1e6, "MB", "budget: 2; all images differ")]


def pandas(place: Path, kind: str) -> list[dict[str, Any]]:
    """The same by hand: a table in a CSV file, written whole after each change so that nothing is lost."""
    import pandas as pd

    file = place / "labels.csv"
    count = sum(1 for _ in (place / f"{kind}s").rglob(f"*{_suffix(kind)}"))
    pd.DataFrame(
        {
            "path": [f"plate-{number // 1000:03d}/image-{number:06d}.png" for number in range(count)],
            "plate": [f"plate-{number // 1000:03d}" for number in range(count)],
            "site": [number % 9 + 1 for number in range(count)],
            "category": None,
        }
    ).to_csv(file, index=False)
    opened, frame = _timed(lambda: pd.read_csv(file, dtype={"category": object}))

    def write(rows: slice) -> None:
        frame.loc[frame.index[rows], "category"] = _CLASSES[0]
        with file.open("w") as stream:
            frame.to_csv(stream, index=False)
            stream.flush()
            os.fsync(stream.fileno())

    one, _ = _timed(lambda: write(slice(0, 1)))
    many, _ = _timed(lambda: write(slice(1000, 1000 + _MANY)))
    return [
        _row("peer: pandas reads the table from CSV", opened, "s", ""),
        _row("peer: pandas, one label and the CSV file", 1000 * one, "ms", ""),
        _row(f"peer: pandas, {_MANY:,} labels and the CSV file", many, "s", ""),
    ]


def pillow(place: Path, kind: str) -> list[dict[str, Any]]:
    """The least that a page of thumbnails costs: each file decoded and encoded again, in one thread."""
    from PIL import Image

    paths = sorted((place / f"{kind}s").rglob(f"*{_suffix(kind)}"))[:_PAGE]

    def draw() -> int:
        held = 0
        for path in paths:
            with Image.open(path) as image:
                stream = io.BytesIO()
                image.save(stream, "PNG")
                held += stream.tell()
        return held

    draw()
    return [
        _row(f"peer: Pillow decodes and encodes {_PAGE} PNGs", 1000 * _timed(draw)[0], "ms", "one thread")
    ]


def _suffix(kind: str) -> str:
    return ".png" if kind == "png" else ".tif"


def _warm(place: Path, kind: str) -> float:
    """Load all that any project needs; the process's memory after that, in MB."""
    import pandas as _  # noqa: F401

    import piximi_widgets as pw

    with pw.Project(place / f"{kind}-small") as project:
        _page(project, project.columns().id)
        assert len(project.images)
        project.snapshot()
    return _megabytes()


def _open(place: Path, kind: str) -> Any:
    import piximi_widgets as pw

    project = pw.Project(place / f"{kind}-project")
    project.columns()
    return project


def _page(project: Any, ids: Sequence[int]) -> None:
    """One page of the gallery: all its thumbnails, by the pool that answers the browser."""
    from piximi_widgets.widgets.labeler.thumbnails import ThumbnailPool

    done = threading.Event()
    came: list[bytes] = []

    def send(content: dict[str, Any], pictures: Sequence[bytes]) -> None:
        assert not content["failures"], content["failures"]
        came.extend(pictures)
        if len(came) == len(ids):
            done.set()

    pool = ThumbnailPool(project.thumbnail, str, send)
    pool.ask("page", [int(image_id) for image_id in ids], 96)
    assert done.wait(60), f"{len(came)} of {len(ids)} thumbnails came"
    pool.close()


def _jumps(project: Any, ids: np.ndarray, kind: str) -> list[dict[str, Any]]:
    """Pages at random places that nobody has looked at yet."""
    starts = np.random.default_rng(0).integers(0, max(1, len(ids) - _PAGE), _JUMPS)
    times = sorted(
        _timed(lambda start=start: _page(project, ids[start : start + _PAGE]))[0] for start in starts
    )
    note = f"budget: 300; 95 % within {1000 * times[int(0.95 * (len(times) - 1))]:.0f}, {_JUMPS} places"
    return [_row(f"{_PAGE} thumbnails anywhere, {kind}", _middle(times), "ms", note)]


def _label_one(project: Any, ids: np.ndarray, number: int) -> None:
    project.label(ids[number], _CLASSES[number % 2])
    project.columns()


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _middle(seconds: Sequence[float]) -> float:
    """The median, in ms."""
    return 1000 * float(statistics.median(seconds))


def _megabytes() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 1e6


def _bytes(project: Path, uid: str) -> int:
    """What a dataset version takes in the database."""
    connection = sqlite3.connect(project / "project.db")
    try:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(dataset_version)")]
        lengths = " + ".join(f"LENGTH(CAST({name} AS BLOB))" for name in columns)
        return connection.execute(f"SELECT {lengths} FROM dataset_version WHERE uid = ?", (uid,)).fetchone()[
            0
        ]
    finally:
        connection.close()


def _row(label: str, value: float, unit: str, note: str) -> dict[str, Any]:
    return {"label": label, "value": float(value), "unit": unit, "note": note}


_TASKS = {task.__name__: task for task in (build, measure, version, thumbnails, pandas, pillow)}

if __name__ == "__main__":
    print(json.dumps(_TASKS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])))
