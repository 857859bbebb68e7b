"""Of several processes that see work without a worker, one starts it: a lock that is held until the worker is known."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

from ..errors import PiximiError
from ..experiments import ExperimentStore
from ..storage import FileLock

_LOOK_SECONDS = 0.05


def take_start(store: ExperimentStore, environment: str) -> FileLock | None:
    """Take the right to start a worker of an environment; None where there is one, or another process is starting one.

    The one that is started will do all work of the environment. The right goes back by `release_when_known`, or with the end of this process.
    """
    name = hashlib.sha256(environment.encode()).hexdigest()[:16]
    lock = FileLock(store.folder / "workers" / f"starting-{name}.lock")
    lock.path.parent.mkdir(exist_ok=True)
    if not lock.acquire():
        return None
    if store.live_workers(environment):
        lock.release()
        return None
    return lock


def release_when_known(
    lock: FileLock, url: str, artifacts_url: str, process: subprocess.Popen[bytes], environment: str, uid: str
) -> None:
    """Give the right back as soon as the worker is registered, or has ended before; returns then.

    Parameters
    ----------
    lock : FileLock
        From `take_start`.
    url, artifacts_url : str
        Of the store.
    process : Popen
        The worker's.
    environment, uid : str
        The worker's.
    """
    try:
        if not Path(url.removeprefix("sqlite:///")).exists():
            return
        with ExperimentStore(url, artifacts_url) as store:
            while process.poll() is None and store.database.path.exists():
                if any(worker.uid == uid for worker in store.live_workers(environment)):
                    return
                time.sleep(_LOOK_SECONDS)
    except PiximiError:
        # A store that cannot be read now is none in which somebody else would find work.
        return
    finally:
        lock.release()
