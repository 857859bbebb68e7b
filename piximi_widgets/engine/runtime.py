"""How TensorFlow is set up in a process that trains, and what of it the record keeps."""

from __future__ import annotations

import gc
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import TrainingError

#: Set before TensorFlow is imported. oneDNN is off by default on CPUs without AVX-512, where it still
#: makes convolutions 2 to 4 times faster.
SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1", "KERAS_BACKEND": "tensorflow"}

_OPTIONAL_FOR_KERAS = ("pandas", "sklearn", "scipy", "matplotlib", "tensorboard")
_counting = threading.Lock()
_blocks = 0
_before = False
_PACKAGES = ("piximi-widgets", "tensorflow", "keras", "numpy", "pillow")


def start_tensorflow(*, lean: bool = False) -> None:
    """Import TensorFlow for training: deterministic operations, one thread an operation, two operations at a time.

    A process that has imported TensorFlow before keeps its threads and oneDNN settings; `describe` tells.

    Parameters
    ----------
    lean : bool
        Keep Keras from importing libraries that training does not use, which saves 110 MB, and the garbage collector from
        looking through what was imported, which saves a third of a second or more a training; for processes that have no
        other purpose.
    """
    if "tensorflow" not in sys.modules:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        with _no_garbage_collection():
            if lean:
                _import_keras_alone()
            import tensorflow  # noqa: F401
        if lean:
            gc.freeze()
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    # Each by itself: where somebody has used TensorFlow in this process before, what it has started stays as it is.
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
    with suppress(RuntimeError):
        tf.config.threading.set_inter_op_parallelism_threads(2)
    for gpu in tf.config.list_physical_devices("GPU"):
        # Else TensorFlow takes nearly all memory of every GPU at its first operation, and a kernel or a second worker on
        # the same GPU finds none. What has grown goes back when the process ends, and not before: see `has_gpu`.
        with suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def determinism_put_back() -> Iterator[None]:
    """Within the block `start_tensorflow` may be called; after it, operations are deterministic only if they were before.

    With deterministic operations TensorFlow wants a seed of all that is random, and refuses for example a ``model.fit`` of
    a user's own in the same process. Of several blocks in several threads the last one puts it back.
    """
    global _blocks, _before
    with _counting:
        if not _blocks:
            _before = _is_deterministic()
        _blocks += 1
    try:
        yield
    finally:
        with _counting:
            _blocks -= 1
            if not _blocks and not _before and _is_deterministic():
                _switch().disable_op_determinism()


def _is_deterministic() -> bool:
    return "tensorflow" in sys.modules and bool(_switch().is_op_determinism_enabled())


def _switch() -> Any:
    # The public module can only switch it on.
    from tensorflow.python.framework import config

    return config


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    # An import makes hundreds of thousands of objects that stay, and looking for others among them takes most of a second.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _import_keras_alone() -> None:
    # Keras imports these where it finds them, for wrappers and plots. A None makes Python say that they are missing.
    hidden = [name for name in _OPTIONAL_FOR_KERAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]


def device(name: str) -> AbstractContextManager[Any]:
    """Return a context in which TensorFlow computes on the wanted device.

    Parameters
    ----------
    name : {"auto", "cpu", "gpu"}
        ``"auto"`` leaves the choice to TensorFlow, which takes a GPU where it finds one.

    Raises
    ------
    TrainingError
        A GPU is wanted and TensorFlow finds none.
    """
    import tensorflow as tf

    if name == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise TrainingError(
            "device='gpu' was asked for, but TensorFlow finds no GPU. Install the package with its gpu extra, or leave "
            "device='auto'."
        )
    return tf.device({"cpu": "/CPU:0", "gpu": "/GPU:0"}.get(name))


def has_gpu() -> bool:
    """Whether TensorFlow finds a GPU; what it computes then holds some of its memory until the process ends."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def describe_machine() -> dict[str, str]:
    """Return the part of `describe` that is known without TensorFlow: versions and processor."""
    record = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            record[package] = version(package)
        except PackageNotFoundError:
            # tensorflow-cpu and nightly builds have other names.
            found = getattr(sys.modules.get(package), "__version__", None)
            if found is not None:
                record[package] = str(found)
    return record | {"processor": _processor(), "instruction set": _instruction_set()}


def describe() -> dict[str, str]:
    """Return what a repetition must share to give the same weights: versions, processor, threads, device."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return describe_machine() | {
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "threads an operation": str(tf.config.threading.get_intra_op_parallelism_threads() or "all"),
        "operations at a time": str(tf.config.threading.get_inter_op_parallelism_threads() or "all"),
        "device": ", ".join(details) or "CPU",
    }


def _cpu_fields() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _processor() -> str:
    return _cpu_fields().get("model name") or platform.processor() or platform.machine()


def _instruction_set() -> str:
    flags = set(_cpu_fields().get("flags", "").split())
    widest = [name for name in ("avx512_vnni", "avx512f", "avx2", "avx", "sse4_2") if name in flags]
    return widest[0] if widest else platform.machine()
