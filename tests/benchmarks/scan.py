"""How fast `Project.add_images` takes folders of files, beside the libraries that it reads headers with.

Nothing is decoded on either side. Ours also lists the folder, writes every image into the project's database, and notices
files that are cut off; the peers read a header and the file's size and time, in a plain loop. The files were written a moment
before and lie in the system's cache. All take turns, and the best round of each counts.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TITLE = (
    "Scanning: at least 2000 small PNGs a second on 2 cores, with the database; no label waits over 100 ms"
)

_PNGS = 10_000
_TIFFS = 2_000
_ROUNDS = 3
_PER_COMMIT = 500


def run(pngs: int = _PNGS, tiffs: int = _TIFFS, rounds: int = _ROUNDS) -> list[dict[str, Any]]:
    """Measure; `pngs` of 64x64 and `tiffs` of 512x512 in 16 bits, best of `rounds`."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scan-") as name:
        place = Path(name)
        (place / "png").mkdir()
        (place / "tiff").mkdir()
        write_pngs(place / "png", pngs)
        write_tiffs(place / "tiff", tiffs, side=512)
        for kind, folder, count, peer_name, peer in (
            ("PNG", place / "png", pngs, "Pillow", _with_pillow),
            ("16-bit TIFF", place / "tiff", tiffs, "tifffile", _with_tifffile),
        ):
            paths = sorted(str(path) for path in folder.iterdir())
            takes = _by_turns(
                rounds,
                {
                    "ours": lambda number, folder=folder, count=count: _ours(place, folder, count, number),
                    "peer": lambda _, peer=peer, paths=paths: peer(paths),
                    "floor": lambda number, paths=paths: _inserted(place, paths, number),
                },
            )
            ours, theirs, floor = (count / takes[who] for who in ("ours", "peer", "floor"))
            note = "budget: at least 2000" if kind == "PNG" else ""
            rows += [
                {"label": f"add_images, {count:,} {kind}", "value": ours, "unit": "files/s", "note": note},
                {
                    "label": f"{peer_name} loop, {kind}",
                    "value": theirs,
                    "unit": "files/s",
                    "note": "header, size, time",
                },
                {
                    "label": f"against {peer_name}, {kind}",
                    "value": ours / theirs,
                    "unit": "times as fast",
                    "note": "",
                },
                {
                    "label": f"bare SQLite inserts, {kind}",
                    "value": floor,
                    "unit": "rows/s",
                    "note": f"{_PER_COMMIT} a commit, the database's share alone",
                },
            ]
        rows += _labels_meanwhile(place, place / "png")
    return rows


def write_pngs(folder: Path, count: int) -> None:
    """Write grey 64x64 PNGs with the noise of a camera."""
    generator = np.random.default_rng(0)
    light = np.linspace(60, 120, 64)[:, None]
    for number in range(count):
        pixels = np.clip(light + generator.normal(0, 12, (64, 64)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"cell-{number:06d}.png", compress_level=1)


def write_tiffs(folder: Path, count: int, side: int) -> None:
    """Write grey square TIFFs of 16 bits, of which each is as a camera would give it."""
    import tifffile

    generator = np.random.default_rng(0)
    light = 400 + 300 * np.sin(np.linspace(0, 12, side))
    noise = generator.normal(0, 40, (side, side))
    for number in range(count):
        # Another shift for each file: fresh noise for thousands of them would take longer than the measurement.
        pixels = light + np.roll(noise, number, axis=1)
        tifffile.imwrite(folder / f"field-{number:06d}.tif", pixels.astype(np.uint16))


def _by_turns(rounds: int, calls: dict[str, Callable[[int], float]]) -> dict[str, float]:
    """The shortest seconds of each call."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            times[name].append(call(number))
    return {name: min(found) for name, found in times.items()}


def _ours(place: Path, folder: Path, count: int, number: int) -> float:
    import piximi_widgets as pw

    with pw.Project(place / f"{folder.name}-{number}", mode="x") as project:
        start = time.perf_counter()
        report = project.add_images(folder, progress=False)
        seconds = time.perf_counter() - start
    assert len(report.added) == count, report
    return seconds


def _with_pillow(paths: list[str]) -> float:
    found = []
    start = time.perf_counter()
    for path in paths:
        status = os.stat(path)
        with Image.open(path) as image:
            found.append((image.size, image.mode, status.st_size, status.st_mtime_ns))
    return time.perf_counter() - start


def _with_tifffile(paths: list[str]) -> float:
    import tifffile

    found = []
    start = time.perf_counter()
    for path in paths:
        status = os.stat(path)
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            found.append((series.shape, series.dtype, status.st_size, status.st_mtime_ns))
    return time.perf_counter() - start


def _inserted(place: Path, paths: list[str], number: int) -> float:
    """Rows of the same width, committed as often and as durably, with the index that keeps a file from coming twice."""
    database = place / f"bare-{len(paths)}-{number}.db"
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE image (id INTEGER PRIMARY KEY, name TEXT, path TEXT UNIQUE, height INTEGER, width INTEGER,"
        " channels INTEGER, planes INTEGER, dtype TEXT, size INTEGER, mtime_ns INTEGER)"
    )
    rows = [(os.path.basename(path), path, 64, 64, 1, 1, "uint8", 4096, 1 << 60) for path in paths]
    start = time.perf_counter()
    for first in range(0, len(rows), _PER_COMMIT):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO image (name, path, height, width, channels, planes, dtype, size, mtime_ns)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows[first : first + _PER_COMMIT],
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


def _labels_meanwhile(place: Path, folder: Path) -> list[dict[str, Any]]:
    """How long single labels take in one thread while another adds the folder to the same project."""
    import piximi_widgets as pw

    durations: list[float] = []
    with pw.Project(place / "labeled", mode="x") as project:
        known = project.add_images(np.zeros((50, 8, 8), np.uint8), progress=False).added
        project.add_category("seen")
        project.add_category("again")
        adding = threading.Thread(target=lambda: project.add_images(folder, progress=False))
        adding.start()
        while adding.is_alive() or len(durations) < 20:
            number = len(durations)
            start = time.perf_counter()
            project.label(known[number % len(known)], "seen" if number // len(known) % 2 else "again")
            durations.append(time.perf_counter() - start)
            # As fast as a person who holds a key down.
            time.sleep(0.03)
        adding.join()
    durations.sort()
    count = len(durations)
    return [
        {
            "label": "a label meanwhile, median",
            "value": 1000 * statistics.median(durations),
            "unit": "ms",
            "note": f"{count} labels",
        },
        {
            "label": "a label meanwhile, slowest",
            "value": 1000 * durations[-1],
            "unit": "ms",
            "note": f"budget: 100; 95 % within {1000 * durations[int(0.95 * (count - 1))]:.1f} ms",
        },
    ]
