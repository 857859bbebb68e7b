"""Experiments side by side."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import LogError, StoreError
from ..results.evaluations import read_evaluations
from .agreement import EvaluationDifference, evaluation_difference
from .facts import Facts, bring_up_to_date, facts_in, identity, metric_value

if TYPE_CHECKING:
    import pandas as pd

    from ..experiment import Experiment
    from ..store import ExperimentStore

_MOST = 20


class Comparison:
    """Two or more experiments of a store; what is shown is read when it is made, curves when asked for.

    Attributes
    ----------
    experiments : tuple of Experiment
    labels : tuple of str
        Their names, which are the columns of all tables; of those with the same name, with the id behind it.
    """

    def __init__(self, experiments: tuple[Experiment, ...], facts: tuple[Facts, ...]) -> None:
        self.experiments = experiments
        self._facts = facts
        names = [facts.header["name"] for facts in facts]
        numbered = {name for name in names if names.count(name) > 1}
        self.labels = tuple(
            f"{name} ({each.header['id']})" if name in numbered else name
            for name, each in zip(names, facts, strict=True)
        )

    @cached_property
    def all_parameters(self) -> pd.DataFrame:
        """DataFrame of all parameters: a row each, a column an experiment; NaN where it has none of the name."""
        import pandas as pd

        names = dict.fromkeys(name for facts in self._facts for name in facts.parameters)
        columns = {
            label: pd.Series(
                [facts.parameters.get(name, float("nan")) for name in names], index=list(names), dtype=object
            )
            for label, facts in zip(self.labels, self._facts, strict=True)
        }
        return pd.DataFrame(columns, index=pd.Index(list(names), name="parameter", dtype=object))

    @property
    def parameters(self) -> pd.DataFrame:
        """Those of :attr:`all_parameters` in which the experiments differ.

        A whole number and a float of the same value are equal; True and 1 are not, nor are None and no value.
        """
        return self.all_parameters.loc[
            [
                name
                for name in self.all_parameters.index
                if len({_identity(facts.parameters, name) for facts in self._facts}) > 1
            ]
        ]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """DataFrame of metrics: ``["last"]`` and ``["best"]`` each hold a column an experiment.

        Best is the smallest finite value if a word of the name is loss, error, mse or the like, else the largest.
        """
        import pandas as pd

        names = list(dict.fromkeys(name for facts in self._facts for name in facts.metrics))
        columns = {
            (part, label): [
                metric_value(name, facts.metrics[name], part) if name in facts.metrics else None
                for name in names
            ]
            for part in ("last", "best")
            for label, facts in zip(self.labels, self._facts, strict=True)
        }
        return pd.DataFrame(
            columns,
            index=pd.Index(names, name="metric", dtype=object),
            columns=pd.MultiIndex.from_tuples(columns),
            dtype="float64",
        )

    def curves(self, name: str) -> pd.DataFrame:
        """DataFrame of one metric: index step, a column an experiment, NaN where one has no point.

        Raises
        ------
        LogError
            None of the experiments has the metric.
        """
        import pandas as pd

        known = list(dict.fromkeys(known for facts in self._facts for known in facts.metrics))
        arrays = [experiment.metrics_array(name) for experiment in self.experiments]
        if name not in known and not any(len(steps) for steps, _ in arrays):
            close = get_close_matches(str(name), known, 3) or known[:12]
            raise LogError(
                f"None of these experiments has the metric {name!r}; there are, for example:"
                f" {', '.join(map(repr, close)) or 'none yet'}."
            )
        columns = [
            pd.Series(values, index=pd.Index(steps, name="step"), name=label)
            for label, (steps, values) in zip(self.labels, arrays, strict=True)
        ]
        return pd.concat(columns, axis=1, keys=self.labels).sort_index().rename_axis(index="step")

    @cached_property
    def datasets(self) -> pd.DataFrame:
        """DataFrame by alias: ``["name"]`` and ``["fingerprint"]`` of the dataset version each experiment used."""
        import pandas as pd

        attached = [_datasets(facts) for facts in self._facts]
        aliases = list(dict.fromkeys(alias for found in attached for alias in found))
        columns = {
            (what, label): [found[alias][index] if alias in found else None for alias in aliases]
            for index, what in enumerate(("name", "fingerprint"))
            for label, found in zip(self.labels, attached, strict=True)
        }
        return pd.DataFrame(
            columns,
            index=pd.Index(aliases, name="alias", dtype=object),
            columns=pd.MultiIndex.from_tuples(columns),
            dtype=object,
        )

    def evaluation(self, partition: str = "validation") -> EvaluationDifference:
        """How the evaluations of a partition differ on the images that all experiments evaluated.

        Images are told by their ids, as their project numbers them. Experiments of which one was imported from
        another project are therefore refused, unless they have a dataset version in common.

        Raises
        ------
        LogError
            One of the experiments has no evaluations of the partition.
        StoreError
            The classes differ, no image is in all of the evaluations, or they are of images of different projects.
        """
        self._refuse_other_images()
        found = [read_evaluations(experiment, partition)[0] for experiment in self.experiments]
        return evaluation_difference(self.labels, found)

    def _refuse_other_images(self) -> None:
        """Raise StoreError where the same id may name different images."""
        first, *others = (
            (label, each._images_of(), set(facts.lists["dataset.uid"]))
            for label, each, facts in zip(self.labels, self.experiments, self._facts, strict=True)
        )
        for other in others:
            if first[1] != other[1] and not first[2] & other[2]:
                raise StoreError(
                    f"The evaluations of {first[0]!r} and {other[0]!r} are of images of different projects, or nothing"
                    " tells that they are not: one of the two was imported. Image by image they cannot be compared;"
                    " .metrics and .parameters can."
                )

    def __len__(self) -> int:
        return len(self.experiments)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(map(repr, self.labels))}>"

    def _repr_html_(self) -> str:
        from .comparison_html import comparison_html

        return comparison_html(self)


def compare(store: ExperimentStore, experiments: Iterable[Experiment | str | int]) -> Comparison:
    """Experiments side by side. See ``ExperimentStore.compare``."""
    from ..experiment import Experiment

    if isinstance(experiments, str | bytes) or not isinstance(experiments, Iterable):
        raise StoreError(f"Give a list of experiments, names, ids or uids to compare, not {experiments!r}.")
    chosen: list[Experiment] = []
    for each in experiments:
        if isinstance(each, Experiment):
            store.check_member(each)
        found = each if isinstance(each, Experiment) else store[each]
        if found in chosen:
            raise StoreError(f"{found!r} is named twice; compare different experiments.")
        chosen.append(found)
    if not 2 <= len(chosen) <= _MOST:
        raise StoreError(f"2 to {_MOST} experiments can be compared, not {len(chosen)}.")
    late = bring_up_to_date(store)
    with store.database.read() as connection:
        facts = facts_in(connection, late, deleted=True, ids=[each.id for each in chosen])
    by_id = {each.header["id"]: each for each in facts}
    missing = [each.id for each in chosen if each.id not in by_id]
    if missing:
        raise StoreError(f"There is no experiment with the id {missing[0]} in {store.url} any more.")
    return Comparison(tuple(chosen), tuple(by_id[each.id] for each in chosen))


def _datasets(facts: Facts) -> dict[str, tuple[str, str]]:
    lists = facts.lists
    pairs = zip(lists["dataset.name"], lists["dataset.fingerprint"], strict=True)
    return dict(zip(lists["dataset.alias"], pairs, strict=True))


def _identity(parameters: dict[str, Any], name: str) -> Any:
    """Equal for equal values, and hashable."""
    return identity(parameters[name]) if name in parameters else "missing"
