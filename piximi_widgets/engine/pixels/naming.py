"""What a prepared image is called in a cache of what was computed from it, known before anything is read."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from ..partitions import PIXEL_DIGEST
from ..preprocessing import Preprocessing
from .pixel_cache import Contents


def row_digests(contents: Contents, preprocessing: Preprocessing) -> np.ndarray:
    """Return a digest for each row, (N, 15) uint8, equal only for rows that come out of `preprocessing` alike.

    All that decides on a row's bits goes in: the hash of the image's pixels and the place of the crop, which are its
    name; the settings; and the normalisation. So nothing need be hashed that is larger than a name.

    Parameters
    ----------
    contents : Contents
        Rows as they are before the normalisation.
    preprocessing : Preprocessing
        What they are normalised with.
    """
    common = [contents.settings, list(contents.shape), list(preprocessing.mean), list(preprocessing.scale)]
    start = hashlib.sha256(f"prepared pixels {json.dumps(common, sort_keys=True)}\n".encode())

    def one(name: str) -> bytes:
        digest = start.copy()
        digest.update(name.encode())
        return digest.digest()[:PIXEL_DIGEST]

    return np.frombuffer(b"".join(map(one, contents.names)), np.uint8).reshape(-1, PIXEL_DIGEST)
