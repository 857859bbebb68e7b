"""Everything that the rest of a training depends on, at the end of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import TrainingError

if TYPE_CHECKING:
    import keras

# Separates the seeds of the layers from the other streams of the one seed.
_LAYERS = 200


@dataclass(frozen=True)
class TrainingState:
    """A training at the end of an epoch; with the same settings and data it continues as if never interrupted.

    Attributes
    ----------
    epoch : int
        The last epoch that was done.
    arrays : dict of str to ndarray
        ``model/…`` all variables of the network, with moving averages and the states of random generators;
        ``optimizer/…`` what the optimizer keeps; ``best/…`` the weights of the best epoch, with early stopping. The names
        are fit for ``np.savez``.
    values : dict of str to JSON values
        Position within the stages, of the schedule and of early stopping.
    """

    epoch: int
    arrays: dict[str, np.ndarray]
    values: dict[str, Any]


@dataclass
class Position:
    """Where a training is: epochs done in all, the stage, and epochs done in it."""

    epoch: int = 0
    stage: int = 0
    stage_epoch: int = 0


def seed_layers(model: keras.Model, seed: int) -> None:
    """Set the random generators of all layers, such as Dropout, to the beginning of streams that `seed` gives."""
    generators = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for index, state in enumerate(generators):
        number = np.random.SeedSequence([seed, _LAYERS, index]).generate_state(1)[0]
        # The generators of some backends take 31 bits.
        state.assign(np.array([number >> 1, 0], dtype=np.int64))


def named(kind: str, values: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays by the names ``kind/0000`` and so on."""
    return {f"{kind}/{index:04}": value for index, value in enumerate(values)}


def listed(state: TrainingState, kind: str) -> list[np.ndarray]:
    """Return the arrays that `named` has put into `state`."""
    return [state.arrays[name] for name in sorted(state.arrays) if name.startswith(f"{kind}/")]


def assign(variables: Sequence[Any], state: TrainingState, kind: str) -> None:
    """Give variables the values that they had.

    Raises
    ------
    TrainingError
        The state is that of another network or optimizer.
    """
    values = listed(state, kind)
    shapes = [tuple(variable.shape) for variable in variables]
    if [value.shape for value in values] != shapes:
        raise TrainingError(
            f"The checkpoint of epoch {state.epoch} holds {len(values)} arrays of the {kind}, where this training has "
            f"{len(shapes)}, or arrays of other shapes: it is that of another network, optimizer or number of classes. "
            "Resume with the settings and the dataset version of the experiment that wrote it."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
