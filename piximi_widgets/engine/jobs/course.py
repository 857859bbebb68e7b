"""The course of a training: its phases one after the other, each checkpointed, each able to go on where it was ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ...errors import TrainingError
from ..architectures.frozen import split
from ..architectures.mobilenet import fine_tune
from ..config import TrainingConfig
from ..config.settings import plays_a_part
from ..features import FeatureExtractor, frozen_training
from ..partitions import Partition
from ..training import EpochReport, Stage, TrainingState, train, weights_digest
from ..training.state import assign
from .checkpoints import Checkpoint, Checkpoints, Position
from .recording import EpochLog
from .requests import TrainingRequest
from .surroundings import Stopped, Surroundings

if TYPE_CHECKING:
    import keras

    from ...experiments import Experiment

_Inputs: TypeAlias = "tuple[keras.Model, Partition, Partition, Callable[[int], np.ndarray | None] | None]"
_FINE_TUNING_RATE = 0.1


@dataclass(frozen=True)
class Phase:
    """What one call of `train` does.

    Attributes
    ----------
    config : TrainingConfig
        With the epochs and the seed of this phase.
    fine_tuned_blocks : int
        So many of the last blocks of a pretrained base are trained too, with a tenth of the learning rate.
    """

    config: TrainingConfig
    fine_tuned_blocks: int = 0

    @property
    def stages(self) -> list[Stage]:
        """As `train` takes them."""
        blocks = self.fine_tuned_blocks
        if not blocks:
            return [Stage(self.config.epochs)]
        return [Stage(self.config.epochs, _FINE_TUNING_RATE, lambda model: fine_tune(model, blocks))]


def phases_of(config: TrainingConfig, request: TrainingRequest) -> list[Phase]:
    """Return what is to be trained: all of `config`, or, where asked for, one extension of it."""
    phases = [Phase(config)]
    if config.fine_tuned_blocks and plays_a_part("fine_tuned_blocks", config):
        later = _later(config, config.fine_tuning_epochs, request.part, 1)
        phases.append(Phase(later, config.fine_tuned_blocks))
    if request.extensions:
        # It goes on in the way in which the training has ended.
        later = _later(config, request.extensions[-1].epochs, request.part, 0)
        return [replace(phases[-1], config=later)]
    return phases


def _later(config: TrainingConfig, epochs: int, part: int, phase: int) -> TrainingConfig:
    # With the seed of the first phase it would visit the images in the same orders again.
    seed = int(np.random.SeedSequence([config.seed, part, phase]).generate_state(1)[0] >> 1)
    warmup = min(config.warmup_epochs, epochs - 1)
    return config.model_copy(update={"epochs": epochs, "seed": seed, "warmup_epochs": warmup})


class Course:
    """All phases of one job, from the beginning or from the last checkpoint.

    Parameters
    ----------
    model : keras.Model
        With the weights with which this part of the experiment begins.
    experiment : Experiment
        Takes metrics and checkpoints.
    phases : sequence of Phase
    request : TrainingRequest
    partitions : dict of str to Partition
        ``"training"`` and ``"validation"``.
    around : Surroundings
    cache : Path, optional
        A folder for the features of a frozen base.
    """

    def __init__(
        self,
        model: keras.Model,
        experiment: Experiment,
        phases: Sequence[Phase],
        request: TrainingRequest,
        partitions: dict[str, Partition],
        around: Surroundings,
        cache: Path | None = None,
    ) -> None:
        self._model = model
        self._cache = cache
        self._phases = phases
        self._partitions = partitions
        self._around = around
        self._checkpoints = Checkpoints(experiment)
        self._found = self._checkpoints.newest(request.part)
        self._position = self._beginning(request)
        total = sum(phase.config.epochs for phase in phases)
        if request.extensions:
            total += request.extensions[-1].from_epoch
        done = self._position
        self._log = EpochLog(experiment, around, total, done.epochs_done, done.last_step)
        if not done.epochs_done:
            self._log.note_digest(0, done.start)

    def run(self) -> bool:
        """Train; returns False when it was stopped. Either way the model has the weights so far."""
        for index in range(self._position.phase, len(self._phases)):
            self._log.begin_phase(self._position.first_epoch, self._position.first_step)
            finished = self._train(self._phases[index])
            self._log.write_digests()
            if not finished:
                return False
            self._begin_next_phase()
        return True

    def take_checkpoint(self) -> None:
        """Give the model the weights of the checkpoint from which it would go on, without any training."""
        found, position = self._found, self._position
        # At the beginning of a phase the model has them already, and beyond it later ones.
        if found is None or found.position != position or not position.epoch:
            return
        parts = None if self._phases[position.phase].fine_tuned_blocks else split(self._model)
        trained = self._model if parts is None else parts[1]
        assign(trained.variables, TrainingState(position.epoch, found.arrays, found.values), "model")

    @property
    def epochs_done(self) -> int:
        """The last epoch that has ended, counted over all phases and parts."""
        return self._log.epochs_done

    @property
    def steps_done(self) -> int:
        """The last batch, counted alike."""
        return self._log.steps_done

    def clear_checkpoints(self) -> None:
        """Remove what is no longer needed, once the training is done."""
        self._checkpoints.clear()

    def _beginning(self, request: TrainingRequest) -> Position:
        start = weights_digest(self._model)
        if self._found is None:
            # Those of an earlier part lead nowhere any more.
            self._checkpoints.clear()
            epoch, step = 0, 0
            if request.extensions:
                epoch, step = request.extensions[-1].from_epoch, request.extensions[-1].from_step
            return Position(request.part, 0, 0, epoch, step, step, start)
        position = self._found.position
        if position.start != start:
            raise TrainingError(
                "The checkpoint is of a training that began with other weights: the seed, a file with weights or the "
                "network itself was changed since. Restore it, or fit anew."
            )
        self._around.say(f"Goes on after epoch {position.epochs_done}")
        if position.epoch == 0:
            self._set_variables(self._found.arrays)
        return position

    def _train(self, phase: Phase) -> bool:
        found, position = self._found, self._position
        resume_from = None
        if found is not None and found.position == position and position.epoch:
            resume_from = TrainingState(position.epoch, found.arrays, found.values)
        try:
            model, training, validation, epoch_pixels = self._inputs(phase)
        except Stopped:
            self.take_checkpoint()
            return False
        return train(
            model,
            phase.config,
            training,
            validation,
            on_batches=self._log.batches,
            on_epoch=self._end_epoch,
            stop=self._around.stopping,
            resume_from=resume_from,
            stages=phase.stages,
            epoch_pixels=epoch_pixels,
        )

    def _inputs(self, phase: Phase) -> _Inputs:
        """What a phase trains, and with what: only the head, with features, where the base stays as it is."""
        training, validation = self._partitions["training"], self._partitions["validation"]
        parts = None if phase.fine_tuned_blocks else split(self._model)
        if parts is None:
            return self._model, training, validation, None
        base, head = parts
        around = self._around
        extractor = FeatureExtractor(base, self._cache, say=around.say, check=around.check)
        features = frozen_training(self._model, phase.config, training, validation, extractor, say=around.say)
        learned, scored, epoch_pixels = features
        return head, learned, scored, None if epoch_pixels is None else _until_stopped(epoch_pixels)

    def _end_epoch(self, report: EpochReport) -> None:
        self._log.epoch(report)
        self._log.note_digest(self._log.epochs_done, weights_digest(self._model))
        if self._checkpoints.is_due:
            # First the digests of all epochs until here: a resumed run does not compute them again.
            self._log.write_digests()
            state = report.state()
            position = replace(self._position, epoch=report.epoch, last_step=self._log.steps_done)
            self._checkpoints.write(Checkpoint(position, state.arrays, state.values))

    def _begin_next_phase(self) -> None:
        epochs, steps = self._log.epochs_done, self._log.steps_done
        last = self._position
        self._position = Position(last.part, last.phase + 1, 0, epochs, steps, steps, last.start)
        variables = {str(index): variable.numpy() for index, variable in enumerate(self._model.variables)}
        self._checkpoints.write(Checkpoint(self._position, variables, {}))

    def _set_variables(self, arrays: dict[str, Any]) -> None:
        for index, variable in enumerate(self._model.variables):
            variable.assign(arrays[str(index)])


def _until_stopped(epoch_pixels: Callable[[int], np.ndarray]) -> Callable[[int], np.ndarray | None]:
    """Let a Stop while features are computed end the training as one between two batches does: its weights are kept."""

    def features(epoch: int) -> np.ndarray | None:
        try:
            return epoch_pixels(epoch)
        except Stopped:
            return None

    return features
