"""The experiment log store: records, logs, artifacts, evaluations, telemetry and jobs in one SQLite file.

It may use `storage` and the errors; of images, datasets and TensorFlow it knows only names and uids.
The engine's worker writes into it, `project` hands its experiments to the user, and widgets watch it.
"""

from .artifacts import Artifact, Artifacts
from .evaluations import EvaluationArrays
from .experiment import Experiment
from .jobs import Fence, Job
from .log_types import LogType
from .logs import Log
from .record import AttachedDataset
from .status import JobState, Status
from .store import ExperimentStore
from .telemetry import Line, Telemetry, split_output
from .workers import WorkerRecord, this_host

__all__ = [
    "Artifact",
    "Artifacts",
    "AttachedDataset",
    "EvaluationArrays",
    "Experiment",
    "ExperimentStore",
    "Fence",
    "Job",
    "JobState",
    "Line",
    "Log",
    "LogType",
    "Status",
    "Telemetry",
    "WorkerRecord",
    "split_output",
    "this_host",
]
