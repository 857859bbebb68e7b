"""A frozen base in the form that computes fastest here: LiteRT, or TensorFlow with everything constant.

Both give an image the same features, bit for bit, whatever else is computed with it: LiteRT takes one image at a time,
TensorFlow batches of one size that are filled up.

Measured on two cores with MobileNet v1 0.25 at 224×224: the folded network as constants in TensorFlow 980 images a
second, in LiteRT 1800, where Keras' ``fit`` needs a frozen base for 195. A GPU is a matter of large batches, which only
TensorFlow brings there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .graph import CPU_BATCH, GPU_BATCH, GraphBase, on_gpu
from .identity import base_digest
from .litert import LiteRTBase, NotConvertible, converted, litert_version

if TYPE_CHECKING:
    import keras


class CompiledBase(Protocol):
    """A base that turns pixels into features and does nothing else."""

    @property
    def backend(self) -> str:
        """Name and version of what computes: features of two backends differ in their last digits."""

    def run(
        self, image: Callable[[int], np.ndarray], features: np.ndarray, check: Callable[[], None]
    ) -> None:
        """Fill `features` row by row.

        Parameters
        ----------
        image : callable
            Takes a row and returns its image, (h, w, C) float32; may be called from several threads.
        features : (n, F) ndarray of float32
        check : callable
            Called in this thread several times a second; what it raises ends the work.
        """


def compile_base(
    base: keras.Model,
    cache: Path | None,
    say: Callable[[str], None] = lambda _: None,
    *,
    digest: str | None = None,
) -> CompiledBase:
    """Bring a base into its fastest form.

    Parameters
    ----------
    base : keras.Model
        Pixels (N, h, w, C) to features (N, F); all sizes but N are known.
    cache : Path, optional
        A folder, made when it is missing: LiteRT's form is kept in ``bases/`` in it, so that only the first use of a base
        takes the seconds of the conversion.
    say : callable
        Takes a line for the person who waits.
    digest : str, optional
        What `base_digest` gives, where it is known already.
    """
    if on_gpu():
        return GraphBase(base, GPU_BATCH)
    litert = litert_version()
    if litert is not None:
        try:
            return LiteRTBase(converted(base, digest or base_digest(base), cache, litert, say), litert)
        except NotConvertible as error:
            say(f"LiteRT cannot compute this base ({error}); TensorFlow does, at half the speed.")
    return GraphBase(base, CPU_BATCH)
