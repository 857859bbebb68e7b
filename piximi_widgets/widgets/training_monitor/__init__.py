"""A training as it goes on, and as it went: curves, progress, time, status, the trainer's output.

The monitor follows an experiment in its store, whoever trains it and wherever, so that every view of the same experiment
shows the same. It uses experiments and nothing of the engine.
"""

from .monitor import TrainingMonitor

__all__ = ["TrainingMonitor"]
