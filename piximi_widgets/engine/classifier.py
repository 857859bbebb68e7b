"""A trained network with what it needs to be used: its classes and its preprocessing."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import ArtifactError, ImageReadError
from ..imaging import read_pixels
from ..storage import write_atomically
from .architectures import summarize
from .config import TrainingConfig
from .preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras
    import pandas as pd

_BATCH = 32
_MEMBER = "piximi_widgets.json"
_FORMAT = 1
_MEMBER_LIMIT = 16 * 2**20
_UNPACKED_LIMIT = 4 * 2**30


class Classifier:
    """A network, the names of its classes, and how pixels are prepared for it.

    Parameters
    ----------
    model : keras.Model
        Takes (N, h, w, C) float32, gives (N, K) probabilities.
    classes : sequence of str
        K names, in the order of the outputs.
    preprocessing : Preprocessing
    config : TrainingConfig
        The settings of its training.
    """

    def __init__(
        self,
        model: keras.Model,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        config: TrainingConfig,
    ) -> None:
        self.keras_model = model
        self.classes = list(classes)
        self.preprocessing = preprocessing
        self.config = config
        self._forward: Any = None

    def predict(self, images: np.ndarray | str | Path | Iterable[np.ndarray | str | Path]) -> np.ndarray:
        """Return the probability of every class for every image.

        Parameters
        ----------
        images : (N, H, W) or (N, H, W, C) ndarray, list of arrays, path or list of paths
            Raw pixels, as they are in the project; an array in a list is (H, W), (H, W, C) or (Z, H, W, C).

        Returns
        -------
        (N, K) ndarray of float32
            An image's row does not depend on the other images of the call.

        Raises
        ------
        ImageReadError
            A file cannot be read, or an image has another number of channels than those of the training.
        """
        rows = []
        for batch in _batches(self._planes(images)):
            rows.append(self.predict_prepared(self.preprocessing.prepare(batch)))
        return np.concatenate(rows) if rows else np.empty((0, len(self.classes)), dtype=np.float32)

    def predict_prepared(self, pixels: np.ndarray) -> np.ndarray:
        """Return (N, K) float32 probabilities of (N, h, w, C) float32 pixels that went through `preprocessing`."""
        import tensorflow as tf

        if self._forward is None:
            self._forward = tf.function(self._probabilities, jit_compile=False, autograph=False)
        result = np.empty((len(pixels), len(self.classes)), dtype=np.float32)
        for start in range(0, len(pixels), _BATCH):
            part = pixels[start : start + _BATCH]
            # Always full batches: other batch sizes may take other paths through the kernels, with other rounding.
            full = np.zeros((_BATCH, *pixels.shape[1:]), dtype=np.float32)
            full[: len(part)] = part
            result[start : start + len(part)] = self._forward(tf.constant(full)).numpy()[: len(part)]
        return result

    def summary(self) -> pd.DataFrame:
        """Return one row a layer: kind, output shape, parameters, trainable."""
        import pandas as pd

        return pd.DataFrame(summarize(self.keras_model)).set_index("layer")

    def save(self, path: str | Path) -> Path:
        """Write a ``.keras`` file that also holds the classes, the preprocessing and the settings.

        Keras itself opens it too, as a plain model. The file appears whole or not at all.

        Raises
        ------
        ArtifactError
            `path` does not end in ``.keras``.
        """
        target = Path(path)
        if target.suffix != ".keras":
            raise ArtifactError(f"A classifier is saved as a .keras file; got {target.name!r}.")
        with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
            temporary = Path(folder) / "model.keras"
            self.keras_model.save(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_MEMBER, json.dumps(self._description(), indent=1))
            write_atomically(target, temporary.read_bytes())
        return target

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. No code in the file is run.

        Raises
        ------
        ArtifactError
            The file is missing, damaged, or no classifier of piximi_widgets.
        """
        source = Path(path)
        description = _read_description(source)
        import keras

        try:
            classes = [str(name) for name in description["classes"]]
            preprocessing = Preprocessing.from_json(description["preprocessing"])
            config = TrainingConfig.from_json(description["config"])
            with tempfile.TemporaryDirectory() as folder:
                # Keras goes by the suffix, which a file of the artifact store does not have.
                named = shutil.copyfile(source, Path(folder) / "model.keras")
                model = keras.saving.load_model(named, compile=False, safe_mode=True)
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ArtifactError(
                f"{source} is damaged and cannot be loaded ({error}). Take another copy."
            ) from error
        if tuple(model.input_shape[1:]) != preprocessing.input_shape or model.output_shape[-1] != len(
            classes
        ):
            raise ArtifactError(f"{source} is damaged: its network and its classes do not fit together.")
        return cls(model, classes, preprocessing, config)

    def __repr__(self) -> str:
        return (
            f"Classifier({self.config.architecture}, {self.preprocessing.input_words}, "
            f"{len(self.classes)} classes: {', '.join(self.classes[:5])}{'…' if len(self.classes) > 5 else ''})"
        )

    def _repr_html_(self) -> str:
        shown = ", ".join(escape(name[:40]) for name in self.classes[:50])
        rest = f" and {len(self.classes) - 50} more" if len(self.classes) > 50 else ""
        rows = "".join(
            f"<tr><td>{escape(row['layer'])}</td><td>{row['output shape']}</td><td>{row['parameters']:,}</td></tr>"
            for row in summarize(self.keras_model)[:60]
        )
        return (
            f"<div><p><b>Classifier</b> · {escape(self.config.architecture)} · input {self.preprocessing.input_words} · "
            f"{self.keras_model.count_params():,} parameters</p><p>{len(self.classes)} classes: {shown}{rest}</p>"
            f"<table><tr><th>layer</th><th>output</th><th>parameters</th></tr>{rows}</table></div>"
        )

    def _probabilities(self, batch: Any) -> Any:
        import tensorflow as tf

        *body, head = self.keras_model.layers
        for layer in body:
            batch = layer(batch, training=False)
        # One product an image. The rounding of a single large product depends on an image's place in the batch.
        logits = tf.squeeze(tf.linalg.matmul(batch[:, None, :], head.kernel.value), 1) + head.bias.value
        return tf.nn.softmax(logits)

    def _description(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "classes": self.classes,
            "preprocessing": self.preprocessing.to_json(),
            "config": self.config.to_json(),
        }

    def _planes(self, images: Any) -> Iterator[np.ndarray]:
        if isinstance(images, str | Path):
            images = [images]
        if isinstance(images, np.ndarray) and images.ndim not in (3, 4):
            raise ImageReadError(
                f"An array of images has the shape (N, height, width) or (N, height, width, channels); "
                f"got {images.shape}. Put a single image into a list."
            )
        for image in images:
            if isinstance(image, str | Path):
                yield read_pixels(Path(image))
                continue
            array = np.asarray(image)
            if array.ndim == 2:
                array = array[:, :, None]
            yield array[None] if array.ndim == 3 else array


def _batches(images: Iterator[np.ndarray]) -> Iterator[list[np.ndarray]]:
    batch = []
    for image in images:
        batch.append(image)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _read_description(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ArtifactError(f"There is no file {path}. Give the path of a saved classifier.")
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
            if _MEMBER not in sizes:
                raise ArtifactError(
                    f"{path} was not saved by piximi_widgets: it does not name its classes. Train it here, or open it "
                    "with keras.saving.load_model."
                )
            if sizes[_MEMBER] > _MEMBER_LIMIT or sum(sizes.values()) > _UNPACKED_LIMIT:
                raise ArtifactError(f"{path} unpacks to more than a classifier can be; it was not opened.")
            description = json.loads(archive.read(_MEMBER))
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise ArtifactError(f"{path} is not a readable .keras file ({error}). Take another copy.") from error
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ArtifactError(f"{path} is damaged: its description cannot be read. Take another copy.")
    if description["format"] > _FORMAT:
        raise ArtifactError(
            f"{path} was written by a newer version of piximi_widgets. Update the package to open it."
        )
    return description
