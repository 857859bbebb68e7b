"""What all tests share: a quiet TensorFlow, patient property tests, and no worker that outlives the session."""

from __future__ import annotations

import gc
import os
import sys
import uuid
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings

# Set here, before any test module is imported, because worker processes and kernels inherit the environment.
SESSION = uuid.uuid4().hex
os.environ["PIXIMI_TEST_SESSION"] = SESSION
os.environ.setdefault("PIXIMI_WORKER_IDLE", "60")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

# A shared machine makes a single example slow now and then; pytest-timeout guards the test as a whole.
settings.register_profile("piximi", deadline=None)
settings.load_profile("piximi")


@pytest.fixture(autouse=True)
def _libraries_are_no_garbage() -> None:
    """Leave TensorFlow's million objects out of garbage collections once it is there: they take a third of a training."""
    if "tensorflow" in sys.modules and not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_worker_outlives_the_session() -> Iterator[None]:
    """End the workers that the tests started: they survive their kernel on purpose, and a test's folder is soon gone."""
    yield
    workers = [process for process in psutil.process_iter() if _is_worker_of_this_session(process)]
    for worker in workers:
        worker.kill()
    psutil.wait_procs(workers, timeout=10)


def _is_worker_of_this_session(process: psutil.Process) -> bool:
    try:
        return (
            "piximi_widgets.engine.worker" in process.cmdline()
            and process.environ().get("PIXIMI_TEST_SESSION") == SESSION
        )
    except (psutil.Error, OSError):
        return False
