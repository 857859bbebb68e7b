"""What a training job is asked to do, as it lies in the job's payload. Loads no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from ...errors import ArtifactError
from ...experiments import ModelVersion

if TYPE_CHECKING:
    from ...experiments import Experiment

BASE_MODEL = "base-model"
"""The artifact with the classifier from whose weights a training with a base begins."""

ARCHITECTURE = "architecture"
"""The artifact with the source of a registered architecture, as JSON."""


@dataclass(frozen=True)
class Extension:
    """More epochs for a trained classifier.

    Attributes
    ----------
    epochs : int
    from_epoch, from_step : int
        The last epoch and the last batch that are in the record when it begins; it counts on from there.
    model : str
        SHA-256 of the stored classifier from whose weights it begins.
    """

    epochs: int
    from_epoch: int
    from_step: int
    model: str


@dataclass(frozen=True)
class TrainingRequest:
    """The payload of a training job. A resumed attempt has that of the attempt before.

    Attributes
    ----------
    dataset : str
        Uid of the dataset version to learn from.
    device : {"auto", "cpu", "gpu"}
    base_dataset : str, optional
        Uid of the dataset version of the classifier in the artifact ``"base-model"``, where there is one.
    extensions : tuple of Extension
        Only the last one is to be done; those before it are done already.
    git_commit : str, optional
        Of the folder in which the training was asked for.
    replay_of : str, optional
        Uid of the experiment that this one repeats.
    """

    dataset: str
    device: str = "auto"
    base_dataset: str | None = None
    extensions: tuple[Extension, ...] = ()
    git_commit: str | None = None
    replay_of: str | None = None

    @property
    def part(self) -> int:
        """0 for the training itself, n for its n-th extension."""
        return len(self.extensions)

    def extended(self, extension: Extension) -> Self:
        """Return the request for one extension more."""
        return replace(self, extensions=(*self.extensions, extension))

    def to_json(self) -> dict[str, Any]:
        """Return a payload; what is as by default is left out."""
        values = asdict(self) | {"extensions": [asdict(extension) for extension in self.extensions]}
        return {name: value for name, value in values.items() if name in ("dataset", "device") or value}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """Read a payload."""
        values = dict(payload)
        values["extensions"] = tuple(Extension(**extension) for extension in values.get("extensions") or ())
        return cls(**values)


def store_architecture(experiment: Experiment, record: Mapping[str, str]) -> None:
    """Keep the source of a registered architecture with an experiment, before its training."""
    content = json.dumps(dict(record), indent=1).encode()
    experiment.artifacts.store(ARCHITECTURE, content, filename="architecture.json")


def read_architecture(experiment: Experiment | ModelVersion) -> dict[str, Any] | None:
    """Return what `store_architecture` has kept; None where the architecture is one of this package.

    Raises
    ------
    ArtifactError
        The file is missing or damaged.
    """
    files = experiment.files if isinstance(experiment, ModelVersion) else experiment.artifacts
    artifact = files.get(ARCHITECTURE)
    if artifact is None:
        return None
    try:
        record = json.loads(artifact.path.read_bytes())
    except ValueError as error:
        raise ArtifactError(f"{artifact.path} is damaged ({error}). Restore the file from a copy.") from error
    if not isinstance(record, dict):
        raise ArtifactError(f"{artifact.path} is damaged: it holds no record. Restore the file from a copy.")
    return record
