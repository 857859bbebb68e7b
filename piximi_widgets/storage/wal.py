"""Whether the write-ahead log beside a database still holds everything that was committed to it.

SQLite takes a log up to the first frame that is not whole and drops the rest without a word, since a power
cut leaves such an end. A log that is damaged in its middle loses acknowledged commits that way; therefore it
is looked at before SQLite opens it. Its format: https://www.sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

import numpy as np

_HEADER = 32
_FRAME_HEADER = 24
# The last bit of the magic number says in which byte order the checksums read the file.
_LITTLE, _BIG = 0x377F0682, 0x377F0683
_ATTEMPTS = 5


def damage_of(log: Path) -> str | None:
    """What of a log's commits SQLite could no longer read, in words that follow "its log"; None for nothing.

    An end that was cut off, as by a power cut in the middle of a commit, is no damage: what it held was never
    acknowledged.
    """
    content = _read(log)
    if len(content) <= _HEADER + _FRAME_HEADER:
        return None
    magic, _, page_size, _, *salts = struct.unpack(">6I", content[:24])
    order = "<u4" if magic == _LITTLE else ">u4"
    words = np.frombuffer(content, order, 6)
    if magic not in (_LITTLE, _BIG) or page_size < 512 or page_size & (page_size - 1):
        return "cannot be read from its first byte on"
    stored = np.array(struct.unpack(">2I", content[24:_HEADER]), dtype=np.uint32)
    if not np.array_equal(_checksums(np.zeros((1, 2), np.uint32), words[None])[0], stored):
        return "cannot be read from its first byte on"
    frame = _FRAME_HEADER + page_size
    count = (len(content) - _HEADER) // frame
    if not count:
        return None
    frames = np.frombuffer(content, np.uint8, count * frame, _HEADER).reshape(count, frame)
    heads = np.ascontiguousarray(frames[:, :_FRAME_HEADER]).view(">u4").astype(np.uint32)
    words = np.frombuffer(content, order, count * frame // 4, _HEADER).reshape(count, frame // 4)
    # Frames of an earlier round, which the log has not overwritten yet, have other salts.
    salted = (heads[:, 2:4] == np.array(salts, np.uint32)).all(1)
    before = np.concatenate([stored[None], heads[:-1, 4:6]])
    computed = _checksums(before, words[:, :2], words[:, _FRAME_HEADER // 4 :])
    linked = (computed == heads[:, 4:6]).all(1)
    # A frame that only its salts make a stranger is one of this round, since nothing else follows from the last.
    commits = np.flatnonzero((salted | linked) & (heads[:, 1] > 0))
    if not len(commits):
        return None
    used = int(commits[-1]) + 1
    heads, words, salted, computed = heads[:used], words[:used], salted[:used], computed[:used]
    whole = salted & linked[:used]
    if whole.all():
        return None
    first_broken = int(np.argmin(whole))
    # Where only the checksum itself is wrong, the frame after it follows from the right one.
    following = slice(first_broken + 1, first_broken + 2)
    before = computed[first_broken : first_broken + 1][: len(heads[following])]
    again = _checksums(before, words[following, :2], words[following, _FRAME_HEADER // 4 :])
    whole[following] |= salted[following] & (again == heads[following, 4:6]).all(1)
    # The commit that the broken frame belongs to may be one that a power cut ended; those after it were made
    # once it was on disk.
    lost = [index for index in commits.tolist() if index >= first_broken]
    if not any(whole[index] for index in lost[1:]):
        return None
    return f"is damaged in its middle: {len(lost)} of its {len(commits)} commits can no longer be read"


def _read(log: Path) -> bytes:
    """The file's content at one moment, although others may start it anew meanwhile."""
    content = b""
    for _ in range(_ATTEMPTS):
        try:
            with log.open("rb") as file:
                content = file.read()
                file.seek(0)
                if file.read(_HEADER) == content[:_HEADER]:
                    return content
        except OSError:
            return b""
    return b""


def _checksums(before: np.ndarray, *words: np.ndarray) -> np.ndarray:
    """SQLite's running checksum over rows of 32-bit words, which may come in several pieces.

    For each pair of words x, y: ``s1 += x + s2; s2 += y + s1``, a linear map, so that a whole row is one
    product.

    Parameters
    ----------
    before : (N, 2) ndarray of uint32
        The sums before each row.
    *words : (N, …) ndarray
    """
    start, weights = _weights(sum(piece.shape[1] for piece in words))
    sums = before @ start.T
    done = 0
    for piece in words:
        sums += np.dot(piece.astype(np.uint32, copy=False), weights[done : done + piece.shape[1]])
        done += piece.shape[1]
    return sums


@lru_cache(maxsize=8)
def _weights(count: int) -> tuple[np.ndarray, np.ndarray]:
    """What the sums before a row, and each of its words, contribute to the sums after it, modulo 2**32."""
    step = np.array([[1, 1], [1, 2]], dtype=np.uint32)
    power = np.eye(2, dtype=np.uint32)
    weights = np.empty((count, 2), dtype=np.uint32)
    for pair in range(count // 2 - 1, -1, -1):
        weights[2 * pair] = power[:, 0] + power[:, 1]
        weights[2 * pair + 1] = power[:, 1]
        power = power @ step
    return power, weights
