"""The features of images under a frozen base: looked up, else computed and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ...errors import TrainingError
from ..augmentation import view_of
from ..partitions import PIXEL_DIGEST, Partition
from .cache import FeatureCache
from .compiled import CompiledBase, compile_base
from .identity import base_digest, features_key, pixel_digests

if TYPE_CHECKING:
    import keras

_CHUNK = 256
_STORED_AT_ONCE = 4096

_Computed: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Digests, views and features."""


class FeatureExtractor:
    """A frozen base that is asked for features.

    Parameters
    ----------
    base : keras.Model
        Pixels (N, h, w, C) to features (N, F). Its weights are read at the first use and must not change afterwards.
    cache : Path, optional
        A folder, made when it is missing, for the base's compiled form and for features; None keeps nothing.
    say : callable
        Takes a line for the person who waits.
    check : callable
        Called several times a second; what it raises ends the work. What was computed until then is kept.
    """

    def __init__(
        self,
        base: keras.Model,
        cache: Path | None,
        *,
        say: Callable[[str], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.width = int(base.output_shape[-1])
        """Numbers that an image has as features, F."""
        self._base = base
        self._folder = cache
        self._say = say
        self._check = check

    def features(
        self,
        pixels: np.ndarray | Partition,
        *,
        rows: np.ndarray | None = None,
        views: np.ndarray | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> np.ndarray:
        """Return the features of images, (n, F) float32.

        They come from the cache or are computed, which makes no difference to a single bit.

        Parameters
        ----------
        pixels : (N, h, w, C) ndarray of float32, or Partition
            Ready for the network. Of a partition that is not in memory only some images are read at a time, and those
            that have digests only when their features are not in the cache.
        rows : (n,) ndarray of int, optional
            Which images; all of them by default.
        views : (n,) ndarray of int, optional
            The flip and quarter turn, 0 to 7, under which each is seen; as they are by default.
        progress : callable
            Takes the number of images that are done.

        Raises
        ------
        TrainingError
            The images are not of the size that the base takes.
        """
        source = (
            pixels if isinstance(pixels, Partition) else Partition(pixels, np.zeros(len(pixels), np.int32))
        )
        self._refuse_other_sizes(source.pixels.shape[1:])
        rows = np.arange(len(source)) if rows is None else rows
        views = np.zeros(len(rows), np.int64) if views is None else views
        found = np.empty((len(rows), self.width), np.float32)
        missing = np.arange(len(rows))
        digests = None
        if self._cache is not None and source.digests is not None:
            digests = source.digests[rows]
            missing = np.flatnonzero(~self._cache.load(digests, views, found))
            progress(len(rows) - len(missing))
        new: list[_Computed] = []
        try:
            for start in range(0, len(missing), _CHUNK):
                self._check()
                part = missing[start : start + _CHUNK]
                known = None if digests is None else digests[part]
                computed, features = self._chunk(
                    _Images(source, rows[part], known is None), views[part], known
                )
                found[part] = features
                new.append(computed)
                if sum(len(digests) for digests, *_ in new) >= _STORED_AT_ONCE:
                    self._store(new)
                progress(len(rows) - len(missing) + start + len(part))
        finally:
            self._store(new)
        return found

    def compute(self, pixels: np.ndarray) -> np.ndarray:
        """Return the features, (N, F) float32, of images (N, h, w, C) float32 that will not be seen again."""
        self._refuse_other_sizes(pixels.shape[1:])
        features = np.empty((len(pixels), self.width), np.float32)
        self._compiled.run(lambda row: pixels[row], features, self._check)
        return features

    def _chunk(
        self, images: Sequence[np.ndarray], views: np.ndarray, known: np.ndarray | None
    ) -> tuple[_Computed, np.ndarray]:
        """Return what is new, with its digests and views, and the features of all; `known` ones are not in the cache."""
        features = np.empty((len(images), self.width), np.float32)
        missing = np.arange(len(images))
        digests = np.empty((len(images), PIXEL_DIGEST), np.uint8) if known is None else known
        if self._cache is not None and known is None:
            digests = pixel_digests(images)
            missing = np.flatnonzero(~self._cache.load(digests, views, features))
        computed = np.empty((len(missing), self.width), np.float32)

        def image(row: int) -> np.ndarray:
            return np.ascontiguousarray(view_of(images[missing[row]], int(views[missing[row]])))

        if len(missing):
            self._compiled.run(image, computed, self._check)
            features[missing] = computed
        return (digests[missing], views[missing], computed), features

    def _store(self, new: list[_Computed]) -> None:
        if self._cache is not None and new:
            digests, views, features = (np.concatenate(parts) for parts in zip(*new, strict=True))
            try:
                self._cache.store(digests, views, features)
            except OSError as error:
                self._say(f"The features are not kept for the next training: {error}")
        new.clear()

    @cached_property
    def _digest(self) -> str:
        return base_digest(self._base)

    @cached_property
    def _compiled(self) -> CompiledBase:
        return compile_base(self._base, self._folder, self._say, digest=self._digest)

    @cached_property
    def _cache(self) -> FeatureCache | None:
        if self._folder is None:
            return None
        return FeatureCache(self._folder / "features" / features_key(self._digest, self._compiled.backend))

    def _refuse_other_sizes(self, shape: tuple[int, ...]) -> None:
        expected = tuple(self._base.input_shape[1:])
        if shape != expected:
            got, needed = ("×".join(map(str, sizes)) for sizes in (shape, expected))
            raise TrainingError(
                f"The images are {got}, and the network's base takes {needed}. Prepare them with the preprocessing that "
                "belongs to the network."
            )


class _Images(Sequence[np.ndarray]):
    """Some images of a partition, each read when it is asked for: by the thread that computes its features.

    Parameters
    ----------
    source : Partition
    rows : (n,) ndarray of int
    together : bool
        Read those that are not in memory at once, since each is asked for twice.
    """

    def __init__(self, source: Partition, rows: np.ndarray, together: bool) -> None:
        self._source, self._rows = source, rows
        self._taken = source.take(rows) if together and not source.resident else None

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        if self._taken is not None:
            return self._taken[place]
        row = int(self._rows[place])
        return self._source.take(slice(row, row + 1))[0]
