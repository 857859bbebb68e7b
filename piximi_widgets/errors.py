"""Every exception that piximi_widgets raises on purpose.

::

    PiximiError
    ├── ProjectError                 a project folder that cannot be used as asked
    │   ├── NotAProjectError         the folder holds something else; it was not touched
    │   ├── ReadOnlyError            a change was asked of something opened read-only
    │   └── NewerVersionError        written by a newer version of this package
    ├── ImageReadError               a file that is not a readable image
    ├── SelectionError               ids or a query that name no images
    ├── CategoryError                a category that is unknown, doubled or unnamed
    ├── DatasetVersionError          a dataset version that does not exist or does not fit
    ├── ConfigurationError           a setting outside its range; ``problems`` says which
    ├── TrainingError
    │   ├── NotTrainableError        the data and the settings do not fit; nothing was started
    │   ├── TrainingFailed           a training ended without a result; holds its traceback
    │   └── EvaluationError          nothing that may be scored
    └── StoreError
        ├── ExperimentExistsError    the name is taken
        ├── ExperimentNotFoundError  no experiment of that name, id or uid
        ├── LogError                 a value that does not have the shape of its log type
        ├── ArtifactError            an artifact that is missing or damaged
        └── StaleAttemptError        a write from an attempt that is no longer the current one

Each message says what was got, what was expected and what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class PiximiError(Exception):
    """Base of all exceptions of this package."""


class ProjectError(PiximiError):
    """A project folder that cannot be used as asked."""


class NotAProjectError(ProjectError):
    """The folder is not a project; it was left as it is."""


class ReadOnlyError(ProjectError):
    """A change was asked of something that was opened read-only."""


class NewerVersionError(ProjectError):
    """The file was written by a newer version of this package."""


class ImageReadError(PiximiError, ValueError):
    """A file that is not a readable image."""


class SelectionError(PiximiError, ValueError):
    """Ids, a mask or a query that do not name images of the project."""


class CategoryError(PiximiError, ValueError):
    """A category that is unknown, already there, or has no usable name."""


class DatasetVersionError(PiximiError, ValueError):
    """A dataset version that does not exist, or does not belong here."""


class ConfigurationError(PiximiError, ValueError):
    """One or more settings are outside their range.

    Attributes
    ----------
    problems : dict of str to str
        For each field a sentence that says what to do.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("\n".join(f"{field}: {sentence}" for field, sentence in self.problems.items()))


class TrainingError(PiximiError):
    """Base of what can go wrong around a training."""


class NotTrainableError(TrainingError, ValueError):
    """The data and the settings do not fit together; no training was started.

    Attributes
    ----------
    problems : list of str
        One sentence for each thing to mend.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class TrainingFailed(TrainingError):
    """A training ended without a result.

    Attributes
    ----------
    traceback : str
        The worker's traceback or the last lines that it wrote.
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        self.traceback = traceback
        super().__init__(f"{message}\n\n{traceback}" if traceback else message)


class EvaluationError(TrainingError, ValueError):
    """There is nothing that may be scored."""


class StoreError(PiximiError):
    """Base of what can go wrong with an experiment store."""


class ExperimentExistsError(StoreError, ValueError):
    """An experiment of that name is already in the store."""


class ExperimentNotFoundError(StoreError, KeyError):
    """No experiment of that name, id or uid is in the store."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class LogError(StoreError, ValueError):
    """A value does not have the shape that its log type asks for."""


class ArtifactError(StoreError):
    """An artifact that is missing, damaged or cannot be stored."""


class StaleAttemptError(StoreError):
    """A write from an attempt that is no longer the current one of its experiment."""
