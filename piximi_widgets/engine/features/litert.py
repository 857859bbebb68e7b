"""A base in LiteRT, TensorFlow's runtime for small devices: on a processor twice as fast as TensorFlow itself.

The network is converted by TensorFlow, in float32, which takes seconds, and kept on disk.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...storage import write_atomically
from .graph import constant_function

if TYPE_CHECKING:
    import keras

_MOST_INTERPRETERS = 8
_LOOK_SECONDS = 0.05
# What is further from the network than rounding explains computes something else.
_TOLERANCE = 1e-3
_SEAL = hashlib.sha256().digest_size


class NotConvertible(Exception):
    """This base has no correct form in LiteRT."""


def litert_version() -> str | None:
    """Return the version of ``ai_edge_litert``; None where it is missing or does not load."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401

        return version("ai-edge-litert")
    except (ImportError, OSError, PackageNotFoundError):
        return None


class LiteRTBase:
    """Several interpreters, each with one thread and one image at a time.

    Parameters
    ----------
    content : bytes
        As `convert` returns them.
    litert : str
        The version of ``ai_edge_litert``.
    """

    def __init__(self, content: bytes, litert: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.backend = f"litert-{litert}"
        self._interpreters = []
        for _ in range(min(_cores(), _MOST_INTERPRETERS)):
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
            self._interpreters.append(interpreter)

    def run(
        self, image: Callable[[int], np.ndarray], features: np.ndarray, check: Callable[[], None]
    ) -> None:
        """Fill `features`, as `CompiledBase` says."""
        # All threads draw from one iterator: whichever is free takes the next image.
        rows, stop = iter(range(len(features))), threading.Event()

        def work(interpreter: Any) -> None:
            source = interpreter.get_input_details()[0]["index"]
            result = interpreter.get_output_details()[0]["index"]
            for row in rows:
                if stop.is_set():
                    return
                interpreter.set_tensor(source, image(row)[None])
                interpreter.invoke()
                features[row] = interpreter.get_tensor(result)[0]

        with ThreadPoolExecutor(len(self._interpreters), "piximi-features") as pool:
            waiting = {pool.submit(work, interpreter) for interpreter in self._interpreters}
            try:
                while waiting:
                    done, waiting = wait(waiting, _LOOK_SECONDS)
                    for future in done:
                        future.result()
                    check()
            finally:
                stop.set()


def convert(base: keras.Model) -> bytes:
    """Return `base` as a LiteRT network in float32 for one image at a time."""
    import tensorflow as tf

    # As constants first: from a function with variables the converter takes none of Keras' values.
    function = constant_function(base, 1)
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())


def converted(
    base: keras.Model, digest: str, cache: Path | None, litert: str, say: Callable[[str], None]
) -> bytes:
    """Return what `convert` does, from the cache where it is there and whole.

    Raises
    ------
    NotConvertible
        The base has operations that LiteRT lacks, or comes out wrong.
    """
    if cache is None:
        return _made(base, litert, say)
    shape = "x".join(str(size) for size in base.input_shape[1:])
    path = cache / "bases" / f"{digest[:32]}-{shape}-litert-{litert}.tflite"
    content = _read(path)
    if content is None:
        content = _made(base, litert, say)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A reader of the format ignores what follows the network.
            write_atomically(path, content + hashlib.sha256(content).digest())
        except OSError as error:
            say(f"The converted network is not kept for the next training: {error}")
    return content


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content, seal = data[:-_SEAL], data[-_SEAL:]
    return content if hashlib.sha256(content).digest() == seal else None


def _made(base: keras.Model, litert: str, say: Callable[[str], None]) -> bytes:
    say("The base is brought into its fast form; this happens once for these weights and this input size.")
    try:
        content = convert(base)
        compiled = LiteRTBase(content, litert)
    except Exception as error:
        # The converter has no exception of its own for operations that LiteRT lacks.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise NotConvertible(lines[0][:200]) from error
    image = np.random.default_rng(0).uniform(-1, 1, base.input_shape[1:]).astype(np.float32)
    expected = np.asarray(base(image[None], training=False))
    found = np.empty_like(expected)
    compiled.run(lambda _: image, found, lambda: None)
    if not np.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE * float(np.abs(expected).max())):
        raise NotConvertible("its features would be different ones")
    return content


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
