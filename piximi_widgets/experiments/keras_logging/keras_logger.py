"""KerasLogger: a training of a person's own ``model.fit`` with the same record as one of ours."""

from __future__ import annotations

import atexit
import tempfile
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...errors import LogError, PiximiError, StoreError, TrainingError
from ..metrics.writing import (
    Names,
    Place,
    as_value,
    as_values,
    metric_name,
    open_series,
    places_of,
    write_values,
)
from ..record import Record
from ..values import now
from ..work.own_training import OwnTraining, is_own
from .fit_frames import RunningFit
from .keras_facts import environment_of_keras, learning_rate_of, settings_of, summary_of

if TYPE_CHECKING:
    from ..experiment import Experiment
    from ..watching.system_samples import Sampling

BATCHES = "batches"
"""Name of the metric that tells, by epoch, how many batches were trained on until its end."""

_LEARNING_RATE = ("learning_rate", "lr")
_VALIDATION = "val_"
# A commit for each of thousands of short batches would be a tenth of a small network's training: commits get a fiftieth
# of the time. What waits for the next one is lost at a kill: however slow the disk is, the batch that ends after so many
# seconds takes it along.
_SHARE_OF_COMMITS = 0.02
_MOST_SECONDS_WAITING = 0.2


class KerasLogger:
    """A Keras callback that logs a training as ours are logged.

    ::

        with pw.KerasLogger(experiment) as logger:
            model.fit(x, y, epochs=20, callbacks=[logger])

    By epoch, counted from 1, it logs ``train/…``, ``val/…``, ``learning-rate``, ``epoch-time`` (seconds) and
    ``batches``; by batch ``batch/…``, which as Keras gives them are means since the epoch began. Epochs are committed when
    they end, and so are batches, unless commits would take more than a fiftieth of the time: of batches that take less than
    about 5 ms, some are committed at once, by the first that ends 0.2 s after the last commit or earlier. A fit that goes on at ``initial_epoch`` overwrites what it
    does again. Settings that the experiment has no parameter for become
    parameters; the network, the environment, a line an epoch, and what the machine did are recorded too.

    The experiment is RUNNING during ``fit`` and can be stopped from a monitor (CANCELED). Keras does not tell callbacks
    that a fit failed, the ``with`` block does: FAILED, or CANCELED by Ctrl+C. Without the block the same is found out
    within some seconds. A process that dies leaves INTERRUPTED.

    Parameters
    ----------
    experiment : Experiment
        One that is not being trained.
    batches : bool
        Log batches too.
    save_model : bool
        Store the model, as it is when ``fit`` ends, as the artifact ``"model-latest"``.
    system : bool
        Sample the machine; see ``Telemetry.system``.

    Raises
    ------
    StoreError
        When ``fit`` begins: the experiment is being trained already.
    """

    # Where its backend can, Keras then calls on other threads and waits for no batch; any thread may write the store.
    async_safe = True

    model: Any
    params: Any

    def __new__(cls, *arguments: Any, **options: Any) -> KerasLogger:
        made: KerasLogger = object.__new__(_with_keras(cast(Any, cls)))
        return made

    def __init__(
        self, experiment: Experiment, *, batches: bool = True, save_model: bool = True, system: bool = True
    ) -> None:
        super().__init__()
        if not isinstance(experiment, Record):
            raise StoreError(f"A KerasLogger logs into an experiment, not into {experiment!r}.")
        experiment.store.check_writable()
        self.experiment = experiment
        self._batches, self._save_model, self._system = batches, save_model, system
        self._training: OwnTraining | None = None
        self._sampling: Sampling | None = None
        self._fit: RunningFit | None = None
        self._entered = False
        self._looks_without_fit = 0
        self._counting = threading.Lock()
        self._skipped: set[str] = set()
        self._waiting: list[tuple[int, int, dict[str, Any]]] = []
        self._next_write = 0.0
        self._epoch: int | None = None
        self._before = self._in_epoch = 0
        self._begun = 0.0

    def __enter__(self) -> KerasLogger:
        self._entered = True
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._entered = False
        self._end(error)

    # -- what Keras calls --------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        self._end(TrainingError("Another fit began before this one had ended."))
        self._fit = RunningFit()
        self._looks_without_fit = 0
        self._epoch = None
        settings = settings_of(self.model, self.params or {})
        trainings = [job for job in self.experiment.store.jobs(self.experiment) if job.kind == "train"]
        earlier = [job.payload.get("parameters", ()) for job in trainings if is_own(job.environment)]
        ours = {name for names in earlier for name in names}
        given = {name: value for name, value in self.experiment.parameters.items() if name not in ours}
        # After Project.fit the parameters are its settings, among which others would be read as faults.
        fitted = any(not is_own(job.environment) for job in trainings)
        added = [] if fitted else [name for name in settings if name not in given]
        training = OwnTraining(self.experiment, self._lost_error, {"parameters": added})
        self._training = training
        atexit.register(self._at_exit)
        experiment = training.experiment
        experiment.parameters = {**experiment.parameters, **{name: settings[name] for name in added}}
        experiment.log("model-summary", summary_of(self.model), type="TABLE")
        experiment.log("environment", environment_of_keras(), type="TABLE")
        experiment.telemetry.start_chapter("Train")
        if self._system:
            self._sampling = experiment.telemetry.sampling()
            self._sampling.__enter__()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._epoch is None or epoch != self._epoch + 1:
            self._before = self._batches_until(epoch)
        else:
            self._before += self._in_epoch
        self._epoch, self._in_epoch = epoch, 0
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        training = self._training
        if training is None:
            return
        numbers = self._numbers(logs, "batch/") if self._batches and logs else {}
        with self._counting:
            self._in_epoch = max(self._in_epoch, batch + 1)
            if numbers:
                self._waiting.append((self._before + batch + 1, now(), numbers))
        if time.monotonic() > self._next_write:
            self._write_batches(training.experiment)
        if training.stopping:
            self.model.stop_training = True

    def on_test_begin(self, logs: Any = None) -> None:
        # What waits would wait until the validation has ended.
        if self._training is not None:
            self._write_batches(self._training.experiment)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        training = self._training
        if training is None:
            return
        duration = time.perf_counter() - self._begun
        self._write_batches(training.experiment)
        found = dict(logs or {})
        rate = next((found.pop(name) for name in _LEARNING_RATE if name in found), None)
        validation = {
            name[len(_VALIDATION) :]: v for name, v in found.items() if name.startswith(_VALIDATION)
        }
        trained = {name: v for name, v in found.items() if not name.startswith(_VALIDATION)}
        values = {**self._numbers(trained, "train/"), **self._numbers(validation, "val/")}
        rate = learning_rate_of(self.model) if rate is None else rate
        if rate is not None:
            values |= self._numbers({"learning-rate": rate}, "")
        values |= {"epoch-time": duration, BATCHES: self._before + self._in_epoch}
        training.experiment.log_metrics(values, step=epoch + 1)
        shown = " · ".join(
            f"{name} {float(value):.3g}" for name, value in found.items() if name not in self._skipped
        )
        training.experiment.telemetry.append(f"Epoch {epoch + 1} of {self.params.get('epochs')} · {shown}")
        if training.stopping:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        if self._training is not None and self._training.is_open and self._save_model:
            self._store_model(self._training.experiment)
        self._end(None)

    # -- underneath --------------------------------------------------------------------------------

    def _numbers(self, logs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """What of Keras' values is a number; others are named once, and left out."""
        numbers = {}
        for name, value in logs.items():
            try:
                as_value(name, value)
            except LogError as error:
                if name not in self._skipped:
                    self._skipped.add(name)
                    warnings.warn(f"{name!r} is not logged: {error}", stacklevel=2)
            else:
                numbers[prefix + name] = value
        return numbers

    def _write_batches(self, experiment: Experiment) -> None:
        """Commit the batches that wait, each at its step and with its time."""
        with self._counting:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                return
            # Until this is written, other threads need not come.
            begun = time.monotonic()
            self._next_write = begun + _MOST_SECONDS_WAITING
        series = experiment.store.series
        opened: dict[Names, tuple[Place, ...]] = {}
        with experiment.writing() as connection:
            for step, moment, numbers in waiting:
                names: Names = (experiment.id, None, tuple(numbers))
                places = series.known(names) or opened.get(names)
                if places is None:
                    full = [metric_name(name, None) for name in numbers]
                    keys = open_series(connection, experiment.id, full, moment)
                    places = opened[names] = places_of(keys)
                write_values(connection, series, places, *as_values(numbers), step, moment)
        for names, places in opened.items():
            series.remember(names, places)
        ended = time.monotonic()
        self._next_write = ended + min((ended - begun) / _SHARE_OF_COMMITS, _MOST_SECONDS_WAITING)

    def _batches_until(self, epoch: int) -> int:
        """How many batches came before an epoch (counted from 0) that does not follow the one before it here."""
        if epoch == 0:
            return 0
        steps, values = self.experiment.metrics_array(BATCHES)
        recorded = values[steps == epoch]
        if len(recorded):
            return int(recorded[0])
        return epoch * int(self.params.get("steps") or 0)

    def _store_model(self, experiment: Experiment) -> None:
        with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
            path = Path(folder) / "model.keras"
            try:
                self.model.save(path)
            except Exception as error:
                # A model that Keras cannot save was still trained.
                words = f"The model was not stored, since Keras could not save it: {error}"
                experiment.telemetry.append(words, stream="stderr")
                warnings.warn(words, stacklevel=2)
            else:
                experiment.artifacts.store("model-latest", path)

    def _end(self, error: BaseException | None) -> None:
        training, self._training = self._training, None
        sampling, self._sampling = self._sampling, None
        if self._fit is not None:
            self._fit.forget()
            self._fit = None
        if sampling is not None:
            sampling.__exit__(None, None, None)
        if training is not None:
            atexit.unregister(self._at_exit)
            try:
                if training.is_open:
                    self._write_batches(training.experiment)
            finally:
                training.end(error)

    def _lost_error(self) -> BaseException | None:
        """Why a fit ended that told nobody; asked twice in a row, since ``on_train_end`` may be under way."""
        fit = self._fit
        if self._entered or fit is None or not fit.is_known or fit.is_running():
            self._looks_without_fit = 0
            return None
        self._looks_without_fit += 1
        if self._looks_without_fit < 2:
            return None
        training = self._training
        if training is not None:
            with suppress(PiximiError):
                self._write_batches(training.experiment)
        return fit.error() or TrainingError(
            "fit was left by an exception that somebody caught. Put it into "
            "`with KerasLogger(experiment) as logger:`, and the record says which one."
        )

    def _at_exit(self) -> None:
        fit = self._fit
        # Without a known error the process counts as vanished.
        if fit is not None and not fit.is_running() and fit.error() is not None:
            self._end(fit.error())


@cache
def _with_keras(kind: Any) -> Any:
    """The class as a subclass of Keras' own, which is loaded now."""
    import keras

    return type(
        kind.__name__,
        (kind, keras.callbacks.Callback),
        {"__module__": kind.__module__, "__doc__": kind.__doc__},
    )
