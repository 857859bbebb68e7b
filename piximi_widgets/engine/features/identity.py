"""What a base and an image are called in a cache: hashes of all that their features depend on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import runtime
from ..partitions import PIXEL_DIGEST

if TYPE_CHECKING:
    import keras

_MOST_THREADS = 8
# What changes neither the computation nor, once there are weights, the values.
_IRRELEVANT = ("seed", "trainable", "initializer", "regularizer", "constraint")


def base_digest(base: keras.Model) -> str:
    """Return the SHA-256 (hex) of a network's operations, settings, connections and weights, not of any name."""
    digest = hashlib.sha256(json.dumps(_structure(base), default=repr).encode())
    for values in base.get_weights():
        digest.update(f"{values.shape} {values.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def pixel_digests(images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return the hash of each image, (n, 15) uint8, from its size and its pixels as the base gets them.

    Parameters
    ----------
    images : n of (h, w, C) ndarray of float32
    """

    def one(image: np.ndarray) -> bytes:
        digest = hashlib.sha256(f"{image.shape} {image.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(image).data.cast("B"))
        return digest.digest()[:PIXEL_DIGEST]

    # hashlib lets other threads run meanwhile. With the processor's own instructions SHA-256 is the fastest hash of the
    # standard library.
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), "piximi-hash") as pool:
        return np.frombuffer(b"".join(pool.map(one, images)), np.uint8).reshape(-1, PIXEL_DIGEST)


def features_key(digest: str, backend: str) -> str:
    """Return what features on disk are filed under: a base's digest, what computes, and on which processor.

    The processor is part of it, since libraries choose their arithmetic by its instructions: from the cache come the very
    bits that would be computed.
    """
    environment = runtime.describe()
    parts = [backend, *(environment[name] for name in ("processor", "instruction set", "device"))]
    return f"{digest[:32]}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


def _structure(base: keras.Model) -> list[Any]:
    settings = base.get_config()
    names = {name: f"#{place}" for place, name in enumerate(dict.fromkeys(_names(settings)))}
    return [type(base).__name__, _without_names(settings, names)]


def _names(value: Any) -> Iterator[str]:
    """Yield all names of layers and operations in a configuration, in its order."""
    if isinstance(value, Mapping):
        if isinstance(value.get("name"), str):
            yield value["name"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _names(one)


def _without_names(value: Any, names: Mapping[str, str]) -> Any:
    # Keras numbers the layers of a process, so that the same network has other names each time that it is built. Their
    # places say the same of what is connected with what.
    if isinstance(value, Mapping):
        return {
            key: _without_names(one, names)
            for key, one in value.items()
            if not str(key).endswith(_IRRELEVANT)
        }
    if isinstance(value, list | tuple):
        return [_without_names(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value
