"""A published model version of a project: the registry's record, and its classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.config import TrainingConfig
from ..engine.jobs.requests import read_architecture
from ..errors import ArtifactError
from ..experiments import ExperimentStore
from ..experiments import ModelVersion as StoredModelVersion

if TYPE_CHECKING:
    from ..engine.classifier import Classifier
    from .project import Project

_CLASSIFIER = "model-latest"


class ModelVersion(StoredModelVersion):
    """One version of a published model, which does not change.

    Made by ``experiment.publish``, or found in ``project.experiments.models``. `Project.fit` takes it as ``base``.
    """

    def __init__(self, store: ExperimentStore, row: Any, *, project: Project) -> None:
        super().__init__(store, row)
        self.project = project

    @property
    def classifier(self) -> Classifier:
        """The published classifier. Loads TensorFlow into this process.

        Raises
        ------
        ArtifactError
            The version has no file ``"model-latest"``, or it is missing or damaged.
        """
        from ..engine.classifier import Classifier

        files = self.files
        if _CLASSIFIER not in files:
            raise ArtifactError(
                f"{self.name!r} has no file {_CLASSIFIER!r}, from which a classifier is made; there are: "
                f"{', '.join(map(repr, files))}. download() gives them all."
            )
        return Classifier.load(files[_CLASSIFIER].path)

    @property
    def config(self) -> TrainingConfig:
        """The settings with which it was trained."""
        return TrainingConfig.from_json(dict(self.context.parameters))

    @property
    def architecture_record(self) -> dict[str, Any] | None:
        """Name, source and SHA-256 of its architecture if that was registered; None if it is one of this package.

        Read the source before you let it run with `pw.trust_architecture`.
        """
        return read_architecture(self)


def of_project(version: StoredModelVersion, store: ExperimentStore) -> ModelVersion:
    """Return the version as the project's own store gives it.

    Raises
    ------
    StoreError
        It is of another store, or was deleted.
    """
    store.check_version(version)
    found = store.models[version.model.name][version.number]
    assert isinstance(found, ModelVersion)
    return found
