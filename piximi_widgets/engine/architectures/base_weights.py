"""Where mobilenet's weights come from: Keras' own address, a file, or nowhere."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...storage.files import write_atomically

if TYPE_CHECKING:
    import keras

    from ..config import TrainingConfig

FILE_NAME = "mobilenet_2_5_224_tf_no_top.h5"
ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/{FILE_NAME}"
_SUFFIXES = (".h5", ".keras")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_LARGEST = 16 * 2**20
_PATIENCE = 20.0


def base_weights_file(config: TrainingConfig, say: Callable[[str], None] = lambda _: None) -> Path | None:
    """Return the file with the weights from which the network of `config` starts, and fetch it if it is not there.

    ImageNet weights are fetched once and kept where Keras keeps them (``~/.keras/models``); Keras publishes no hash for
    them, so the SHA-256 of what came over the encrypted connection is written beside the file and checked at every later
    use. A file that Keras itself has fetched before is taken as it is.

    Parameters
    ----------
    config : TrainingConfig
    say : callable
        Told what is fetched, from where and to where, before it begins.

    Returns
    -------
    Path or None
        None for a network that starts from random weights.

    Raises
    ------
    ConfigurationError
        The named file is not there, the kept file was changed, or the download failed.
    """
    if config.architecture != "mobilenet" or config.base_weights == "none":
        return None
    if config.base_weights == "imagenet":
        return _imagenet(say)
    path = Path(config.base_weights).expanduser().absolute()
    if not path.is_file():
        raise _problem(
            f"There is no file {str(path)!r}. Give the path of {FILE_NAME} from {ADDRESS}, or 'imagenet' or 'none'."
        )
    if path.suffix not in _SUFFIXES:
        raise _problem(f"{path.name!r} is no Keras weights file; expected a name that ends in .h5 or .keras.")
    return path


def file_digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a weights file, as the record of a training keeps it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(model: keras.Model, file: Path) -> list[np.ndarray]:
    """Load a file into `model` and return the model's weights, in its order.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or holds something else than weights of this network.
    """
    # What a file does not hold Keras leaves as it was, sometimes with no more than a warning.
    model.set_weights([np.full(variable.shape, np.nan, np.float32) for variable in model.weights])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.load_weights(file)
        weights: list[np.ndarray] = model.get_weights()
    except MemoryError:
        raise
    except (
        Exception
    ) as error:  # h5py, zipfile and Keras raise nearly everything for a file that does not fit.
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise _problem(
            f"{str(file)!r} does not hold the weights of MobileNet v1 0.25 without its top ({first:.200}). Expected "
            f"Keras' file {FILE_NAME}, or a file that was saved from that network; or give 'none'."
        ) from error
    if not all(np.isfinite(values).all() for values in weights):
        raise _problem(
            f"{str(file)!r} does not hold all weights of MobileNet v1 0.25, or some that are no finite numbers. Fetch it "
            "again, or give 'none'."
        )
    return weights


def _imagenet(say: Callable[[str], None]) -> Path:
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    path, record = folder / FILE_NAME, folder / f"{FILE_NAME}.sha256"
    if not path.is_file():
        say(f"Fetching MobileNet's ImageNet weights, once (1 MB): {ADDRESS} to {folder}")
        content = _download()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(record, hashlib.sha256(content).hexdigest().encode("ascii"))
            write_atomically(path, content)
        except OSError as error:
            raise _problem(
                f"The ImageNet weights cannot be kept in {str(folder)!r} ({error}). Set the environment variable KERAS_HOME "
                f"to a folder that can be written, or give the path of {FILE_NAME}."
            ) from error
    elif record.is_file() and record.read_text(encoding="ascii").strip() != file_digest(path):
        raise _problem(
            f"{str(path)!r} is no longer the file that was fetched: its SHA-256 has changed. Delete it; it is then fetched "
            "again."
        )
    return path


def _download() -> bytes:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=_PATIENCE) as answer:
            content: bytes = answer.read(_LARGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _problem(
            f"The ImageNet weights could not be fetched ({error}). Without a network, fetch {ADDRESS} on another machine and "
            "give the file's path here; or give 'none' to begin from random weights; or choose small-resnet, which needs none."
        ) from error
    if not content.startswith(_HDF5) or len(content) > _LARGEST:
        raise _problem(
            f"{ADDRESS} answered with something else than a weights file, as a sign-in page of a network does. Sign in and "
            "try again, or give the path of the file."
        )
    return content


def _problem(sentence: str) -> ConfigurationError:
    return ConfigurationError({"base_weights": sentence})
