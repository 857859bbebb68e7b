"""Checkpoints: all that the rest of a training depends on, in files beside the store.

A file is whole or not there, holds its own SHA-256, and appears only while the attempt that writes it is the current
one. The newest two of an experiment are kept, and none once its training has succeeded.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...storage import write_atomically

if TYPE_CHECKING:
    from ...experiments import Experiment

_MAGIC = b"piximi checkpoint 1\n"
_DIGEST_LENGTH = 64
_VALUES = "values.json"
_KEPT = 2
_SUFFIX = ".checkpoint"
_PAUSE_SECONDS = 0.25
_PAUSE_TO_COST = 20


@dataclass(frozen=True)
class Position:
    """Where in an experiment's training a checkpoint was made.

    Attributes
    ----------
    part : int
        0 for the training itself, n for its n-th extension.
    phase : int
        Which call of `train` of that part, from 0.
    epoch : int
        The epoch that had just ended, counted within the phase; 0 at its beginning.
    first_epoch, first_step : int
        Epochs and batches that the record had before the phase.
    last_step : int
        The last batch in the record, counted over all phases and parts.
    start : str
        SHA-256 of the weights with which the part began.
    """

    part: int
    phase: int
    epoch: int
    first_epoch: int
    first_step: int
    last_step: int
    start: str

    @property
    def epochs_done(self) -> int:
        """Epochs in the record, counted over all phases and parts."""
        return self.first_epoch + self.epoch


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint.

    Attributes
    ----------
    position : Position
    arrays : dict of str to ndarray
    values : dict of JSON values
        With `arrays`: the state of the training within its phase, or, at the beginning of one, the model's variables.
    """

    position: Position
    arrays: dict[str, np.ndarray]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of one experiment.

    Parameters
    ----------
    experiment : Experiment
        In the hands of a worker, so that its writes are fenced.
    clock : callable
        Seconds, for the time between two checkpoints.
    """

    def __init__(self, experiment: Experiment, clock: Callable[[], float] = time.perf_counter) -> None:
        self._experiment = experiment
        self._clock = clock
        self._written = -float("inf")
        self._cost = 0.0
        self.folder = experiment.store.folder / "checkpoints" / experiment.uid

    @property
    def is_due(self) -> bool:
        """Whether it is time for another one.

        Epochs that are shorter than a quarter of a second share one, and where writing is slow, it takes at most a
        twentieth of the time. What a training has done since its last checkpoint is done again, with the same result.
        """
        return self._clock() - self._written >= max(_PAUSE_SECONDS, _PAUSE_TO_COST * self._cost)

    def write(self, checkpoint: Checkpoint) -> Path:
        """Keep a checkpoint, and of those before it only the newest.

        Raises
        ------
        StaleAttemptError
            The job is in other hands; the files are as they were.
        """
        started = self._clock()
        self.folder.mkdir(parents=True, exist_ok=True)
        files = self._files()
        number = 1 + (int(files[-1].stem) if files else 0)
        target = self.folder / f"{number:08d}{_SUFFIX}"
        # Written under another name: it counts only once it has its own, which it gets while the attempt is ours.
        part = self.folder / f"{number:08d}.{os.getpid()}"
        write_atomically(part, encode(checkpoint))
        try:
            with self._experiment.writing():
                part.replace(target)
                for file in (*files[: 1 - _KEPT], *self._leftovers()):
                    file.unlink(missing_ok=True)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._written = self._clock()
        self._cost = self._written - started
        return target

    def newest(self, part: int) -> Checkpoint | None:
        """Read the newest checkpoint of a part that is whole; None without any."""
        for file in reversed(self._files()):
            try:
                found = decode(file.read_bytes())
            except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
                # Damaged, for example by a full or failing disk: the one before leads to the same end.
                continue
            if found.position.part == part:
                return found
        return None

    def clear(self) -> None:
        """Remove all of them.

        Raises
        ------
        StaleAttemptError
            The job is in other hands; the files are as they were.
        """
        if self.folder.is_dir():
            with self._experiment.writing():
                self.remove()

    def remove(self) -> None:
        """Remove all of them, those of an experiment that is no longer there."""
        if self.folder.is_dir():
            for file in (*self._files(), *self._leftovers()):
                file.unlink(missing_ok=True)
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []

    def _leftovers(self) -> list[Path]:
        return [file for file in self.folder.iterdir() if file.suffix != _SUFFIX]


def encode(checkpoint: Checkpoint) -> bytes:
    """Return the file of a checkpoint: a line that names the format, the SHA-256 of the rest, and a zip of .npy files."""
    header = {
        "position": asdict(checkpoint.position),
        "arrays": list(checkpoint.arrays),
        "values": checkpoint.values,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_VALUES, json.dumps(header))
        for index, array in enumerate(checkpoint.arrays.values()):
            with archive.open(f"{index}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    content = buffer.getvalue()
    return _MAGIC + hashlib.sha256(content).hexdigest().encode() + content


def decode(data: bytes) -> Checkpoint:
    """Read what `encode` made.

    Raises
    ------
    ValueError
        The file is damaged, or another version of this package wrote it.
    """
    start = len(_MAGIC) + _DIGEST_LENGTH
    content = data[start:]
    digest = hashlib.sha256(content).hexdigest().encode()
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : start] != digest:
        raise ValueError("This checkpoint is damaged, or another version of piximi_widgets wrote it.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        header: Mapping[str, Any] = json.loads(archive.read(_VALUES))
        arrays = {}
        for index, name in enumerate(header["arrays"]):
            with archive.open(f"{index}.npy") as member:
                arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return Checkpoint(Position(**header["position"]), arrays, header["values"])
