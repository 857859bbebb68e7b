"""Label images, train a classifier on them, watch it learn and fix its errors, inside one notebook.

The public names are resolved when they are first used, so that importing the package is instant and
loads neither TensorFlow nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Project": "project",
    "Experiment": "project",
    "Dataset": "dataset",
    "DatasetVersion": "dataset",
    "ExperimentStore": "experiments",
    "LogType": "experiments",
    "KerasLogger": "experiments.keras_logging.keras_logger",
    "TrainingConfig": "engine.config",
    "register_architecture": "engine.architectures",
    "trust_architecture": "engine.architectures",
    "Evaluation": "engine.evaluation",
    "Classifier": "engine.classifier",
    "Studio": "widgets.studio",
    "ImportForm": "widgets.import_form",
    "Labeler": "widgets.labeler",
    "TrainingForm": "widgets.training_form",
    "TrainingMonitor": "widgets.training_monitor",
    "EvaluationView": "widgets.evaluation_view",
}
_MODULES = ("errors", "samples")

__all__ = ["__version__", *_HOMES, *_MODULES]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from . import errors, samples
    from .dataset import Dataset, DatasetVersion
    from .engine.architectures import register_architecture, trust_architecture
    from .engine.classifier import Classifier
    from .engine.config import TrainingConfig
    from .engine.evaluation import Evaluation
    from .experiments import ExperimentStore, LogType
    from .experiments.keras_logging.keras_logger import KerasLogger
    from .project import Experiment, Project
    from .widgets.evaluation_view import EvaluationView
    from .widgets.import_form import ImportForm
    from .widgets.labeler import Labeler
    from .widgets.studio import Studio
    from .widgets.training_form import TrainingForm
    from .widgets.training_monitor import TrainingMonitor


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
