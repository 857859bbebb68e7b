"""Image files for the tests of the imaging room."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def piximi_files() -> Path:
    """The folder of Piximi's own sample images, which are not part of the repository."""
    shared = Path(os.environ.get("PIXIMI_SHARED", Path(__file__).parents[3] / "shared"))
    folder = shared / "fixtures" / "piximi"
    if not folder.is_dir():
        pytest.skip(f"Piximi's sample images are not at {folder}; PIXIMI_SHARED names their place")
    return folder


@pytest.fixture
def wide_png(tmp_path: Path) -> Callable[[np.ndarray, int], Path]:
    """Writes 16-bit PNG files byte by byte, as the PNG specification says, with a row filter each."""

    def write(pixels: np.ndarray, color: int) -> Path:
        height, width = pixels.shape[:2]
        rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
        step = rows.shape[1] // width
        data = b""
        before = np.zeros_like(rows[0])
        for number, row in enumerate(rows):
            kind = number % 5
            data += bytes([kind]) + _filtered(kind, row, before, step)
            before = row
        path = tmp_path / f"wide-{color}.png"
        header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
                for name, body in chunks
            )
        )
        return path

    return write


def _filtered(kind: int, row: np.ndarray, before: np.ndarray, step: int) -> bytes:
    out = []
    for index, value in enumerate(row.tolist()):
        left = int(row[index - step]) if index >= step else 0
        up = int(before[index])
        corner = int(before[index - step]) if index >= step else 0
        distances = [(abs(up - corner), 0), (abs(left - corner), 1), (abs(left + up - 2 * corner), 2)]
        paeth = (left, up, corner)[min(distances)[1]]
        predicted = (0, left, up, (left + up) // 2, paeth)[kind]
        out.append((value - predicted) % 256)
    return bytes(out)
