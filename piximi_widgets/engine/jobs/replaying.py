"""Comparing two trainings that should have come to the same weights. Loads no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArtifactError
from .recording import read_digests, read_table

if TYPE_CHECKING:
    from ...experiments import Experiment

#: Parts of the environment's record that do not change what is computed.
_OF_NO_CONSEQUENCE = frozenset({"git commit"})
_UNDER_WAY = frozenset({"WAITING", "RUNNING"})
_GONE = "one of the two was purged, so that there is nothing to compare"


class Replay:
    """A training that was repeated, beside the original. All is read anew when it is asked for.

    What `extend` has added to the original is not repeated: an extension begins where a person has ended the training
    before it, which may have been in the middle of an epoch. `epochs` says which epochs the comparison is about.

    Parameters
    ----------
    original, experiment : Experiment
        What was repeated, and the repetition.

    Attributes
    ----------
    original, experiment : Experiment
    """

    def __init__(self, original: Experiment, experiment: Experiment) -> None:
        self.original = original
        self.experiment = experiment
        # Of one that is purged later nothing else is known.
        self._name = original.name

    @property
    def epochs(self) -> tuple[int, int]:
        """The last epoch of the original that is compared, and the last one that it has, with its extensions."""
        then = read_digests(self.original)
        return max(self._digests()[0], default=0), max(then, default=0)

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        """What differs in versions, processor, threads and device: then and now."""
        return environment_differences(
            read_table(self.original, "environment"), read_table(self.experiment, "environment")
        )

    @property
    def diverged_at(self) -> int | None:
        """The first epoch after which the weights differ, 0 being before the first; None as long as none is known.

        An epoch that only one of the two has counts as well, unless one of them has not come to its end.
        """
        then, now = self._digests()
        both_ended = str(self.original.status) == "SUCCESS" and not self._under_way
        whole = both_ended and not read_table(self.original, "extensions")
        last = (max if whole else min)(max(then, default=-1), max(now, default=-1))
        return next((epoch for epoch in range(last + 1) if then.get(epoch) != now.get(epoch)), None)

    @property
    def same(self) -> bool | None:
        """Whether all weights are equal, bit for bit, after every epoch; None while that is not known yet."""
        if self.diverged_at is not None:
            return False
        if self._under_way:
            return None
        return str(self.experiment.status) == "SUCCESS" and bool(self._digests()[0])

    @property
    def accuracies(self) -> dict[str, tuple[float, float]]:
        """Accuracies after the last epoch that both have: by partition, then and now."""
        found = {}
        for name in ("train/accuracy", "val/accuracy"):
            then, now = (run.metrics_array(name)[1] for run in (self.original, self.experiment))
            if last := min(len(then), len(now)):
                found[name.partition("/")[0]] = float(then[last - 1]), float(now[last - 1])
        return found

    @property
    def reasons(self) -> list[str]:
        """Why the weights differ, as far as the records tell: a sentence each, the likeliest first."""
        at = self.diverged_at
        if at is None:
            return []
        found = [*self._changed_record(), *self._changed_pixels()]
        found += [f"{name} was {then} and is {now}" for name, (then, now) in self.differences.items()]
        if at == 0 and not found:
            found.append(
                "the initial weights differ: the code of the network or a file with weights was changed"
            )
        step = self._first_other_batch()
        if at > 0 and step is not None:
            found.append(f"the first batch with another loss is number {step}")
        if not found:
            found.append("the records hold no difference that explains it")
        return found

    def __repr__(self) -> str:
        return f"Replay of {self._name!r}: {self._verdict() if self._both_are_there else _GONE}"

    def _repr_html_(self) -> str:
        if not self._both_are_there:
            return f"<p><b>Replay of {escape(self._name)}</b>: {_GONE}</p>"
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{then:.2%}</td><td>{now:.2%}</td></tr>"
            for name, (then, now) in self.accuracies.items()
        )
        items = "".join(f"<li>{escape(reason)}</li>" for reason in self.reasons)
        return (
            f"<div><p><b>Replay of {escape(self._name)}</b>: {escape(self._verdict())}</p>"
            f"{f'<ul>{items}</ul>' if items else ''}"
            f"<table><tr><th>accuracy</th><th>then</th><th>now</th></tr>{rows}</table></div>"
        )

    def _digests(self) -> tuple[dict[int, str], dict[int, str]]:
        """Of the original, without its extensions, and of the repetition."""
        then, now = read_digests(self.original), read_digests(self.experiment)
        extensions = read_table(self.original, "extensions").get("data", ())
        until = extensions[0][0] if extensions else max(then, default=0)
        return {epoch: digest for epoch, digest in then.items() if epoch <= until}, now

    @property
    def _both_are_there(self) -> bool:
        return all(run.id in run.store for run in (self.original, self.experiment))

    @property
    def _under_way(self) -> bool:
        return str(self.experiment.status) in _UNDER_WAY

    def _verdict(self) -> str:
        repeated, all_of_them = self.epochs
        if repeated == all_of_them:
            return self._comparison()
        return (
            f"{self._comparison()} (epochs 1 to {repeated} of {all_of_them}; what extend() has added after epoch {repeated} "
            "is not repeated)"
        )

    def _comparison(self) -> str:
        at, status = self.diverged_at, self.experiment.status
        if at == 0:
            return f"other weights from the beginning on. {_sentence(self.reasons)}"
        if at is not None:
            now = read_digests(self.experiment).get(at)
            where = f"other weights after epoch {at}" if now else f"it ended before epoch {at} ({status})"
            compared = "; ".join(
                f"{name} accuracy {then:.1%} then, {now:.1%} now"
                for name, (then, now) in self.accuracies.items()
            )
            return f"{where}. {_sentence(self.reasons)}{f' {compared}.' if compared else ''}"
        epochs = max(read_digests(self.experiment), default=0)
        if self._under_way:
            return f"under way, the same weights after each of {epochs} epochs so far"
        if not self.same:
            return f"it ended as {status} after {epochs} epochs, until then with the same weights"
        return f"the same weights after each of {epochs} epochs, bit for bit"

    def _changed_record(self) -> list[str]:
        then, now = _setup(self.original), _setup(self.experiment)
        settings = environment_differences(_texts(then.get("config")), _texts(now.get("config")))
        found = [f"the setting {name} was {old} and is {new}" for name, (old, new) in settings.items()]
        old, new = (setup.get("dataset", {}).get("fingerprint") for setup in (then, now))
        if old != new:
            found.append("the dataset version has other images, labels or partitions")
        old, new = (setup.get("base", {}).get("model sha256") for setup in (then, now))
        if old != new:
            found.append("the base's weights are others")
        return found

    def _changed_pixels(self) -> list[str]:
        then, now = (read_table(run, "resolved") for run in (self.original, self.experiment))
        changed = environment_differences(_texts(then), _texts(now))
        return [f"the images' {name} was {old} and is {new}" for name, (old, new) in changed.items()]

    def _first_other_batch(self) -> int | None:
        (steps, then), (_, now) = (
            run.metrics_array("batch/loss") for run in (self.original, self.experiment)
        )
        length = min(len(then), len(now))
        other = np.flatnonzero(then[:length] != now[:length])
        return int(steps[other[0]]) if len(other) else None


def environment_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return what two records have both and not alike, except what plays no part in the result."""
    return {
        name: (str(then[name]), str(now[name]))
        for name in then
        if name in now and then[name] != now[name] and name not in _OF_NO_CONSEQUENCE
    }


def _setup(experiment: Experiment) -> dict[str, Any]:
    """The newest record of how a training was set up; empty where there is none that can be read."""
    artifact = experiment.artifacts.get("config")
    try:
        return {} if artifact is None else dict(json.loads(artifact.path.read_text(encoding="utf-8")))
    except (ArtifactError, OSError, ValueError):
        return {}


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (values or {}).items()}


def _sentence(reasons: list[str]) -> str:
    text = "; ".join(reasons)
    return f"{text[:1].upper()}{text[1:]}."
