"""Ending what a test has started: a training outlives everything else."""

from __future__ import annotations

from pathlib import Path

import psutil

from piximi_widgets.experiments import ExperimentStore


def end_workers(database: Path) -> None:
    """Kill the living workers of a store, given by its ``experiments.db``."""
    with ExperimentStore(database) as store:
        workers = store.live_workers()
    for worker in workers:
        # Some end by themselves in this very moment.
        if psutil.pid_exists(worker.pid):
            psutil.Process(worker.pid).kill()
