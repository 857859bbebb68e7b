"""What the monitor shows of an experiment, read from its store in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ...experiments import Experiment

# The store's names of the four curves, in the order in which they are drawn.
LOSS = ("train/loss", "val/loss")
ACCURACY = ("train/accuracy", "val/accuracy")
UNDER_WAY = frozenset({"WAITING", "RUNNING"})
MOST_POINTS = 1000


class Curve(NamedTuple):
    """A metric by epoch, thinned: (N,) int64 steps from 1 and (N,) float64 values, which may hold NaN."""

    steps: np.ndarray
    values: np.ndarray

    @property
    def finite(self) -> Curve:
        """The points that can be drawn."""
        good = np.isfinite(self.values)
        return Curve(self.steps[good], self.values[good])


EMPTY = Curve(np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(frozen=True)
class Reading:
    """The state of one experiment.

    Attributes
    ----------
    epoch, epochs : int
        The last finished epoch, and the number of them that was asked for (0 when it is not known).
    elapsed : float
        Seconds since the start (while waiting: since the experiment was made), until now or until its end.
    remaining : float or None
        Estimated seconds to the end; None before the first epoch is finished and when nothing is under way.
    curves : dict of str to Curve
    """

    name: str
    status: str
    epoch: int
    epochs: int
    elapsed: float
    remaining: float | None
    error: str
    exit_code: int | None
    curves: Mapping[str, Curve] = field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        """Whether there is something to stop."""
        return self.status in UNDER_WAY


def read(experiment: Experiment, now: datetime | None = None) -> Reading:
    """Read all that the monitor shows; `now` is the time against which a running training is measured."""
    now = now or datetime.now(UTC)
    status = str(experiment.status)
    curves = {}
    for name in (*LOSS, *ACCURACY):
        curves[name] = Curve(*experiment.curve(name, MOST_POINTS))
    epoch = max((int(curve.steps[-1]) for curve in curves.values() if len(curve.steps)), default=0)
    epochs = int(experiment.parameters.get("epochs", 0) or 0)
    begun = experiment.started or experiment.created
    end = now if status in UNDER_WAY else (experiment.ended or now)
    return Reading(
        name=experiment.name,
        status=status,
        epoch=epoch,
        epochs=epochs,
        elapsed=max(0.0, (end - begun).total_seconds()),
        remaining=_remaining(experiment, curves, epochs, now) if status == "RUNNING" else None,
        error=experiment.error or "",
        exit_code=experiment.exit_code,
        curves=curves,
    )


def _remaining(
    experiment: Experiment, curves: Mapping[str, Curve], epochs: int, now: datetime
) -> float | None:
    name = max(curves, key=lambda name: len(curves[name].steps))
    # The curve is thinned, and its last step is the number of the last epoch.
    done = int(curves[name].steps[-1]) if len(curves[name].steps) else 0
    if not 0 < done < epochs or experiment.started is None:
        return None
    times = [moment.to_pydatetime() for moment in experiment.metric(name)["time"]]
    if len(times) > 1:
        # The first epoch also pays for building the graph, so the pace is that of the others.
        pace = (times[-1] - times[0]).total_seconds() / (len(times) - 1)
    else:
        pace = (times[-1] - experiment.started).total_seconds()
    since = max(0.0, (now - times[-1]).total_seconds())
    return max(0.0, pace * (epochs - done) - since)


def decimate(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """Thin a curve to at most `most` points that show the same line: the ends, and each stretch's lowest and highest."""
    count = len(curve.steps)
    if count <= most:
        return curve
    edges = np.linspace(1, count - 1, (most - 2) // 2 + 1).astype(int)
    keep = {0, count - 1}
    for start, stop in pairwise(edges.tolist()):
        stretch = curve.values[start:stop]
        keep |= {start + int(np.argmin(stretch)), start + int(np.argmax(stretch))}
    chosen = np.array(sorted(keep))
    return Curve(curve.steps[chosen], curve.values[chosen])


def best(curve: Curve, *, largest: bool) -> tuple[int, float] | None:
    """Epoch and value of the best point of a curve, the earliest of equals; None for an empty one."""
    steps, values = curve.finite
    if not len(values):
        return None
    index = int(np.argmax(values) if largest else np.argmin(values))
    return int(steps[index]), float(values[index])


def duration(seconds: float) -> str:
    """Seconds in words for a person: ``8 s``, ``1:05 min``, ``2:03 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
