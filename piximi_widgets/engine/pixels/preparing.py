"""The partitions of a dataset version, ready to train on: read once, cached, in memory or in a memory map."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import PIL

from ...dataset.files.current_hashes import current_hashes
from ...dataset.schema import CACHE_FOLDER
from ...dataset.sql.images import locations
from ...errors import NotTrainableError
from ..config import TrainingConfig
from ..partitions import Partition
from ..preprocessing import (
    Framing,
    Place,
    Preprocessing,
    framing_of,
    mixed_depths,
    preprocessing_of,
    random_places,
    resolve_input_shape,
)
from .in_order import in_order
from .memory import available_memory
from .naming import row_digests
from .pixel_cache import Contents, PixelCache, Row, mapped, write_rows

if TYPE_CHECKING:
    from ...dataset import Dataset, DatasetVersion

PARTITIONS = ("training", "validation", "test")

RESIDENT_BYTES: int | None = None
"""Pixels of at most so many bytes are held in memory; None is a quarter of what is free."""

_TOGETHER = 16


@dataclass(frozen=True)
class _Sample:
    """One image, and the rows that it becomes; without names they are not cached."""

    id: int
    places: tuple[Place, ...]
    names: tuple[str, ...]


def prepare_partitions(
    config: TrainingConfig,
    dataset: Dataset,
    version: DatasetVersion,
    say: Callable[[str], None],
    check: Callable[[], None],
    preprocessing: Preprocessing | None = None,
) -> tuple[dict[str, Partition], Preprocessing]:
    """Read the images of a dataset version and bring them to the input of a network.

    Each image is decoded at most once, and not at all where the project's cache holds its pixels, prepared with the same
    settings. Whether the result comes from the cache, lies in memory or in a memory map changes none of its bits.

    Parameters
    ----------
    config : TrainingConfig
    dataset : Dataset
    version : DatasetVersion
    say : callable
        Takes one line for the person who reads the training's output.
    check : callable
        Called for each image, from several threads; what it raises ends the preparation.
    preprocessing : Preprocessing, optional
        That of an earlier training, which is used as it is: nothing is measured, and of `config` only the number of
        crops and the seed play a part.

    Returns
    -------
    partitions : dict of str to Partition
        ``"training"``, ``"validation"`` and ``"test"``. With `crops` each training image stands there as many times in
        a row.
    preprocessing : Preprocessing
        With the statistics of the training images, and of no others; or the one that was given.

    Raises
    ------
    NotTrainableError
        There are no images for training, or some of 8 bits and others of more, and the normalisation is the same for all.
    ImageReadError
        An image cannot be read, has other channels, or values that are not finite.
    """
    ids = {name: version.select(name) for name in PARTITIONS}
    say(
        f"{len(ids['training'])} images for training, {len(ids['validation'])} for validation, "
        f"{len(ids['test'])} for the test; {len(version.classes)} classes"
    )
    if not len(ids["training"]):
        raise NotTrainableError(
            [f"The dataset version {version.name!r} has no images for training. Split the project again."]
        )
    if preprocessing is None:
        _refuse_mixed_depths(config, dataset, ids)
        framing = framing_of(config, resolve_input_shape(config, dataset.shapes(ids["training"])))
    else:
        framing = preprocessing.framing
    say("Input of {}×{} pixels, {} channel(s)".format(*framing.input_shape))
    crops = config.crops if framing.crop == "match" else 1
    samples = _samples(config.seed, crops, dataset, version, ids, say)
    preparation = _Preparation(dataset, framing, samples, say, check)
    pixels, in_memory = preparation.run()
    labels = dict(zip(version.ids.tolist(), version.labels.tolist(), strict=True))
    rows: dict[str, slice] = {}
    start = 0
    for name in PARTITIONS:
        rows[name] = slice(start, start + len(ids[name]) * (crops if name == "training" else 1))
        start = rows[name].stop
    if preprocessing is None:
        preprocessing = preprocessing_of(config, pixels[rows["training"]])
    if in_memory:
        preprocessing.normalize(pixels)
    digests = row_digests(preparation.contents, preprocessing) if preparation.named else None
    partitions = {
        name: Partition(
            pixels[rows[name]],
            np.repeat(
                np.array([labels[id] for id in chosen.tolist()], dtype=np.int32),
                crops if name == "training" else 1,
            ),
            None if in_memory else preprocessing,
            None if digests is None else digests[rows[name]],
        )
        for name, chosen in ids.items()
    }
    return partitions, preprocessing


def _refuse_mixed_depths(config: TrainingConfig, dataset: Dataset, ids: dict[str, np.ndarray]) -> None:
    with dataset._database.read() as connection:
        images = locations(connection, np.concatenate(list(ids.values())).tolist())
    problem = mixed_depths(config.normalization, [image.dtype for image in images])
    if problem is not None:
        raise NotTrainableError([problem])


def _samples(
    seed: int,
    crops: int,
    dataset: Dataset,
    version: DatasetVersion,
    ids: dict[str, np.ndarray],
    say: Callable[[str], None],
) -> list[_Sample]:
    """All images in the order of the partitions, with their crops, and names made from their pixel hashes."""
    every = np.concatenate([ids[name] for name in PARTITIONS])
    hashes = current_hashes(dataset._database, dataset.path, np.sort(every)).of
    then = dict(zip(version.ids.tolist(), version.hashes.tolist(), strict=True))
    changed = [id for id, digest in hashes.items() if int.from_bytes(digest[:8], "big") != then[id]]
    if changed:
        say(
            f"{len(changed)} image(s) hold other pixels now than when the dataset version {version.name!r} was made: "
            f"{', '.join(map(str, changed[:5]))}{'…' if len(changed) > 5 else ''}"
        )
    samples = []
    for name in PARTITIONS:
        for id in ids[name].tolist():
            digest = hashes[id].hex() if id in hashes else ""
            places: list[Place] = [None]
            names = [digest]
            if crops > 1 and name == "training":
                places = random_places(seed, id, crops)
                # Named by all that the places follow from; more crops begin with the same ones.
                names = [f"{digest}:{seed}:{id}:{number}" for number in range(crops)]
            samples.append(_Sample(id, tuple(places), tuple(names) if digest else ()))
    return samples


class _Preparation:
    """Fills one array, or one file, with all images."""

    def __init__(
        self,
        dataset: Dataset,
        framing: Framing,
        samples: Sequence[_Sample],
        say: Callable[[str], None],
        check: Callable[[], None],
    ) -> None:
        self._dataset = dataset
        self._framing = framing
        self._samples = samples
        self._say = say
        self._check = check
        self._cache = PixelCache(dataset.path / CACHE_FOLDER / "pixels", read_only=dataset.read_only)
        self.named = all(sample.names for sample in samples)
        """Whether rows of equal names have equal pixels."""
        names = tuple(
            chain.from_iterable(sample.names or [f"#{sample.id}"] * len(sample.places) for sample in samples)
        )
        self.contents = Contents(_settings(framing), framing.input_shape, names)
        self._known: dict[str, Row] = {}
        self._decoded = 0

    def run(self) -> tuple[np.ndarray, bool]:
        """All rows as (N, h, w, C) float32, not normalised, and whether they are in memory."""
        most = available_memory() // 4 if RESIDENT_BYTES is None else RESIDENT_BYTES
        if self.contents.total_bytes > most:
            pixels = self._in_a_file()
            if pixels is not None:
                return pixels, False
        self._known = self._cache.rows(self.contents)
        pixels = np.empty((len(self.contents.names), *self.contents.shape), dtype=np.float32)
        for index, row in enumerate(self._rows()):
            pixels[index] = row
        self._say_where_from()
        if self._decoded and self.named and self._cache.has_room_for(self.contents):
            try:
                self._cache.write(self.contents, pixels)
            except OSError as error:
                self._say(f"The prepared pixels are not kept for the next training ({error}).")
        return pixels, True

    def _in_a_file(self) -> np.ndarray | None:
        """A memory map of all rows; None where no disk can hold them."""
        size = f"{self.contents.total_bytes / 1e9:.1f} GB"
        self._say(
            f"The images take {size} when they are prepared, more than memory has room for; they lie on disk."
        )
        pixels = self._cache.open(self.contents) if self.named else None
        if pixels is not None:
            self._say("All of them come from the cache.")
            return pixels
        self._known = self._cache.rows(self.contents)
        if self.named and self._cache.can_write(self.contents):
            try:
                pixels = self._cache.write(self.contents, self._rows())
            except OSError as error:
                self._say(f"The project's cache cannot hold them ({error}); a temporary file does.")
            else:
                self._say_where_from()
                return pixels
        try:
            # Without a name: it is gone with the last array that lies in it.
            with tempfile.TemporaryFile(prefix="piximi-") as file:
                write_rows(file, self._rows(), [])
                file.flush()
                return mapped(file, self.contents)
        except OSError as error:
            self._say(f"No disk has room for them ({error}); they are held in memory, which may not suffice.")
            return None

    def _say_where_from(self) -> None:
        cached = len(self._samples) - self._decoded
        if cached:
            self._say(f"{cached} of {len(self._samples)} images come from the cache, already prepared")

    def _rows(self) -> Iterator[np.ndarray]:
        """The rows of all images, in their order."""
        self._decoded = 0
        together = [
            self._samples[start : start + _TOGETHER] for start in range(0, len(self._samples), _TOGETHER)
        ]
        for rows, decoded in in_order(self._prepare, together):
            self._decoded += decoded
            yield from rows

    def _prepare(self, samples: Sequence[_Sample]) -> tuple[list[np.ndarray], int]:
        """The rows of some images, and how many of these had to be decoded."""
        decoded = 0
        rows: list[np.ndarray] = []
        for sample in samples:
            self._check()
            cached = [row.read() for name in sample.names if (row := self._known.get(name)) is not None]
            whole = [row for row in cached if row is not None]
            if len(whole) == len(sample.places):
                rows.extend(whole)
            else:
                decoded += 1
                rows.extend(self._framing.take(self._dataset.pixels(sample.id), sample.id, sample.places))
        return rows, decoded


def _settings(framing: Framing) -> dict[str, object]:
    """What decides on a row, beside the image and the place of its crop; normalisation comes later."""
    cropped = framing.crop == "match"
    return {
        "plane": framing.plane,
        "channels": None if framing.channels is None else list(framing.channels),
        "crop": framing.crop,
        "resize": None if cropped else framing.resize,
        "aspect": None if cropped else framing.aspect,
        "bit_depth": framing.bit_depth,
        # Another version may round otherwise.
        "pillow": None if cropped else PIL.__version__,
    }
