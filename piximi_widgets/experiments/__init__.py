"""The experiment log store: records, logs, artifacts, evaluations, telemetry and jobs in one SQLite file.

It may use `storage` and the errors; of images, datasets and TensorFlow it knows only names and uids.
The engine's worker writes into it, `project` hands its experiments to the user, and widgets watch it.
"""

from .artifacts.artifacts import Artifact, Artifacts
from .attached import AttachedDataset
from .experiment import Experiment
from .logs.log_types import LogType
from .logs.logs import Log
from .registry import Model, ModelContext, ModelFile, ModelVersion
from .results.evaluations import EvaluationArrays
from .status import JobState, Status
from .store import ExperimentStore
from .watching.following import Event, MetricPoint
from .watching.telemetry import Line, Telemetry, split_output
from .work.jobs import Fence, Job
from .work.workers import WorkerRecord, this_host

__all__ = [
    "Artifact",
    "Artifacts",
    "AttachedDataset",
    "EvaluationArrays",
    "Event",
    "Experiment",
    "ExperimentStore",
    "Fence",
    "Job",
    "JobState",
    "Line",
    "Log",
    "LogType",
    "MetricPoint",
    "Model",
    "ModelContext",
    "ModelFile",
    "ModelVersion",
    "Status",
    "Telemetry",
    "WorkerRecord",
    "split_output",
    "this_host",
]
