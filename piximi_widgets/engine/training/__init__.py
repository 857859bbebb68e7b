"""The training loop, and what one step of it computes."""

from .loop import train, weights_digest
from .reports import BatchReport, EpochReport
from .stages import Stage
from .state import TrainingState

__all__ = ["BatchReport", "EpochReport", "Stage", "TrainingState", "train", "weights_digest"]
