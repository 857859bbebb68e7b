"""What the machine does while a training runs: processor, memory, disk and graphics card, on a thread of its own.

psutil tells of the machine and pynvml of NVIDIA's cards; what is not installed, or does not work here, is left out.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import StaleAttemptError
from ..sql import samples as sql_samples
from ..values import now

if TYPE_CHECKING:
    import pandas as pd

    from ..experiment import Experiment

logger = logging.getLogger(__name__)

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 30.0
_SECONDS_BEFORE_SLOWER = 60.0
_TROUBLES_BEFORE_GIVING_UP = 3
_JOIN_SECONDS = 5.0


def seconds_to_next(elapsed: float) -> float:
    """The pause after a sample that was taken `elapsed` seconds after the first.

    One second in the first minute, then doubled each time that the age has doubled, to half a minute at
    most: 60 samples in the first minute, about 390 in the first hour, 20,000 in a week.
    """
    pause, age = _FIRST_SECONDS, _SECONDS_BEFORE_SLOWER
    while elapsed >= age and pause < _LONGEST_SECONDS:
        pause, age = 2 * pause, 2 * age
    return min(pause, _LONGEST_SECONDS)


class Probe:
    """Reads the state of this machine and process.

    Parameters
    ----------
    folder : Path
        On the disk whose free space is told.
    """

    def __init__(self, folder: Path) -> None:
        import psutil

        self._psutil: Any = psutil
        self._folder = str(folder)
        self._process = psutil.Process()
        # The first answer of each is 0: they tell what was used since they were asked last.
        psutil.cpu_percent()
        self._process.cpu_percent()
        self._cores = psutil.cpu_count() or 1
        self._cards = _Cards()

    def read(self) -> dict[str, float]:
        """Values by name.

        ``cpu`` and ``process-cpu`` are percent of all cores, of the machine and of this process; ``memory``
        (of this process), ``machine-memory`` and ``disk-free`` bytes; ``gpu0`` percent of the time in which
        the first card was busy, and ``gpu0-memory`` bytes in use on it.
        """
        return {
            "cpu": self._psutil.cpu_percent(),
            "process-cpu": self._process.cpu_percent() / self._cores,
            "memory": float(self._process.memory_info().rss),
            "machine-memory": float(self._psutil.virtual_memory().used),
            "disk-free": float(self._psutil.disk_usage(self._folder).free),
            **self._cards.read(),
        }

    def close(self) -> None:
        """Let go of the cards."""
        self._cards.close()


class _Cards:
    """NVIDIA's cards, or none where pynvml is missing or finds no driver."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []
        try:
            # Imported by name, since it is an optional part.
            nvml = importlib.import_module("pynvml")
            nvml.nvmlInit()
        except Exception:
            return
        self._nvml = nvml
        with suppress(Exception):
            self._handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]

    def read(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for index, handle in enumerate(self._handles):
            # A card may know one and not the other: parts of a card (MIG) have no utilisation.
            with suppress(Exception):
                values[f"gpu{index}"] = float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
            with suppress(Exception):
                values[f"gpu{index}-memory"] = float(self._nvml.nvmlDeviceGetMemoryInfo(handle).used)
        return values

    def close(self) -> None:
        if self._nvml is not None:
            with suppress(Exception):
                self._nvml.nvmlShutdown()


class Sampling:
    """Samples this machine while the ``with`` block runs; nothing that goes wrong here disturbs the block.

    Parameters
    ----------
    experiment : Experiment
        Gets the samples; a worker's handle refuses them once the attempt is lost, which ends the sampling.
    probe : callable
        Makes what is read.
    """

    def __init__(self, experiment: Experiment, probe: Callable[[Path], Probe] = Probe) -> None:
        self._experiment = experiment
        self._make_probe = probe
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Sampling:
        if self._thread is not None:
            raise RuntimeError("This sampling was entered already; call sampling() again for another one.")
        self._experiment.store.check_writable()
        self._thread = threading.Thread(target=self._run, name="piximi-samples", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            # Not for ever: a disk that does not answer must not keep the training from ending.
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            probe = self._make_probe(self._experiment.store.folder)
        except Exception:
            logger.info("No system samples: the machine cannot be read", exc_info=True)
            return
        begun = time.monotonic()
        troubles = 0
        try:
            while not self._done.wait(seconds_to_next(time.monotonic() - begun)):
                try:
                    self._write(probe.read())
                    troubles = 0
                except StaleAttemptError:
                    return
                except Exception:
                    troubles += 1
                    if troubles == _TROUBLES_BEFORE_GIVING_UP:
                        logger.warning("System samples end here; the training goes on", exc_info=True)
                        return
        finally:
            probe.close()

    def _write(self, values: Mapping[str, float]) -> None:
        with self._experiment.writing() as connection:
            sql_samples.put_samples(connection, self._experiment.id, now(), values)


def samples_frame(experiment: Experiment) -> pd.DataFrame:
    """DataFrame of an experiment's samples. See ``Telemetry.system``."""
    import pandas as pd

    with experiment.store.database.read() as connection:
        rows = sql_samples.samples(connection, experiment.id)
    moments: dict[int, dict[str, float]] = {}
    for moment, name, value in rows:
        moments.setdefault(moment, {})[name] = value
    index = pd.DatetimeIndex(pd.to_datetime(list(moments), unit="ms", utc=True), name="time")
    names = sorted({name for values in moments.values() for name in values})
    return pd.DataFrame(list(moments.values()), index=index, columns=names, dtype="float64")
