"""A process that reads damaged files until its time is up; what goes wrong with one ends it.

Run as ``python fuzzed_reader.py FOLDER SECONDS SEED``. The file at hand lies in the folder while it is read, so
that whoever finds the process dead finds the file as well. The last line of the output is a JSON summary.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from piximi_widgets.errors import ImageReadError
from piximi_widgets.imaging import list_images, read_header, read_pixels
from tests.imaging.seeds import write_seeds

ADDRESS_SPACE = 3 * 2**30
SECONDS_PER_FILE = 10
INTEGERS = (
    *(b"\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"),
    *(b"\0\0\0\0", b"\0\0", b"\x80\0\0\0", b"\0\0\0\x80", b"\0\0\xff\xff", b"\xff\xff\0\0", b"\x01\0\0\0"),
)


def damaged(data: bytes, others: list[bytes], random: np.random.Generator) -> bytes:
    """Flip bits, cut, splice, repeat, or put extreme numbers where a header keeps its own."""
    out = bytearray(data)
    for _ in range(random.integers(1, 4)):
        if not out:
            break
        kind = random.integers(6)
        place = int(random.integers(len(out)))
        # Headers are where damage hurts, and they are short.
        if random.random() < 0.7:
            place = int(random.integers(min(len(out), 400)))
        if kind == 0:
            out[place] ^= 1 << int(random.integers(8))
        elif kind == 1:
            number = INTEGERS[random.integers(len(INTEGERS))]
            out[place : place + len(number)] = number
        elif kind == 2:
            del out[place:]
        elif kind == 3:
            other = others[random.integers(len(others))]
            start = int(random.integers(max(1, len(other))))
            part = other[start : start + int(random.integers(1, 64))]
            out[place : place + len(part)] = part
        elif kind == 4:
            out[place:place] = out[place : place + int(random.integers(1, 200))]
        else:
            out[place : place + 4] = random.bytes(4)
    return bytes(out)


def read(path: Path, told: dict) -> str:
    """Read one path by every door; what comes of it in a word."""
    signal.alarm(SECONDS_PER_FILE)
    try:
        header = None
        try:
            list_images(path)
            header = read_header(path, **told)
            pixels = read_pixels(path, **told)
        except ImageReadError as error:
            if not str(error).startswith(f"{path}: "):
                raise AssertionError(f"the message does not name the file: {error}") from error
            return "refused by its header" if header is None else "refused by its pixels"
        found = (*pixels.shape, pixels.dtype.name)
        said = (header.planes, header.height, header.width, header.channels, header.dtype)
        assert found == said, f"the header says {said}, the pixels are {found}"
        return "read"
    finally:
        signal.alarm(0)


def main(folder: Path, seconds: float, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    # It tells of unusual files by warnings of its own, and the user may want to hear them.
    warnings.filterwarnings("ignore", module="pydicom")
    random = np.random.default_rng(seed)
    seeds = write_seeds(folder / "seeds")
    contents = {path: path.read_bytes() for path in seeds if path.is_file()}
    for path in seeds:
        # Everything is loaded before memory is measured, and every seed is whole.
        assert read(path, {}) == "read", path
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.monotonic() + seconds
    results: Counter[str] = Counter()
    others = list(contents.values())
    while time.monotonic() < end:
        original = seeds[random.integers(len(seeds))]
        target = folder / f"damaged-{original.name}"
        if original.is_dir():
            shutil.copytree(original, target)
            inner = sorted(path for path in target.rglob("*") if path.is_file())
            path = inner[random.integers(len(inner))]
            path.write_bytes(damaged(path.read_bytes(), others, random))
        else:
            target.write_bytes(damaged(contents[original], others, random))
        told = [{}, {}, {"axes": "ZCYX", "channels": 2}, {"channels": 2}, {"axes": "CYX"}][random.integers(5)]
        results[read(target, told)] += 1
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"files": results.total(), "grown_mb": grown / 1024, **results}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
