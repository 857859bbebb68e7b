"""Where an evaluation comes from: a project's images and labels, or the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...project import elsewhere
from ...project.recorded import recorded_evaluation
from .tables import measured_on, measured_on_record

if TYPE_CHECKING:
    from ...engine.evaluation import Evaluation

#: As they are called, and their names.
PARTITIONS = [("Validation", "validation"), ("Test", "test")]


class ProjectSource:
    """An experiment that was trained on images of a project that is at hand."""

    follows_labels = True
    partitions = PARTITIONS

    def __init__(self, experiment: Any) -> None:
        self.project = experiment.project
        self._experiment = experiment
        self._then: dict[str, Evaluation] = {}

    def revision(self, *, current: bool) -> int | None:
        """What changes when the labels do that are the truth."""
        return int(self.project.revision) if current else None

    def evaluate(self, partition: str, *, current: bool) -> Evaluation:
        evaluation: Evaluation = self._experiment.evaluate(partition, dataset="current" if current else None)
        return evaluation

    def measured(self, evaluation: Evaluation, *, current: bool) -> str:
        """What the numbers were measured on, in words."""
        changed = self._changed(evaluation) if current else 0
        version = self._experiment.datasets["train"].name
        return measured_on(evaluation, version, current=current, changed=changed)

    def _changed(self, now: Evaluation) -> int:
        """How many images of the partition are labeled otherwise than in the version of the training."""
        if now.partition not in self._then:
            self._then[now.partition] = self._experiment.evaluate(now.partition)
        then = self._then[now.partition]
        before = dict(zip(then.ids.tolist(), then.truth.tolist(), strict=True))
        after = dict(zip(now.ids.tolist(), now.truth.tolist(), strict=True))
        return sum(before.get(image) != after.get(image) for image in before.keys() | after.keys())


class ImportedSource(ProjectSource):
    """An experiment that came from another project: its predictions and labels are here, its images are not."""

    follows_labels = False

    def __init__(self, experiment: Any) -> None:
        super().__init__(experiment)
        self.project = None

    def revision(self, *, current: bool) -> None:
        return None

    def evaluate(self, partition: str, *, current: bool) -> Evaluation:
        return super().evaluate(partition, current=False)

    def measured(self, evaluation: Evaluation, *, current: bool) -> str:
        return super().measured(evaluation, current=False)


class RecordSource:
    """An experiment of a person's own training: what its ``add_evaluations`` stored."""

    follows_labels = False
    project = None

    def __init__(self, experiment: Any) -> None:
        self._experiment = experiment

    @property
    def partitions(self) -> list[tuple[str, str]]:
        """Those that have evaluations; the usual ones until there are any."""
        found = [(name.capitalize(), name) for name in self._experiment.evaluated_partitions]
        return found or PARTITIONS

    def revision(self, *, current: bool) -> tuple[Any, ...]:
        """What changes when evaluations are stored."""
        return tuple(self._experiment.evaluated_partitions.items())

    def evaluate(self, partition: str, *, current: bool) -> Evaluation:
        return recorded_evaluation(self._experiment, partition)

    def measured(self, evaluation: Evaluation, *, current: bool) -> str:
        return measured_on_record(evaluation)


Source = ProjectSource | RecordSource


def source_of(experiment: Any) -> Source:
    """Where the evaluation of `experiment` comes from."""
    if getattr(experiment, "project", None) is None or "train" not in experiment.datasets:
        return RecordSource(experiment)
    return ProjectSource(experiment) if elsewhere.kept(experiment) is None else ImportedSource(experiment)
