"""A project: images, labels, experiments and classifiers in one folder."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..dataset import Dataset, DatasetVersion
from ..dataset.splits.leakage import leakage_warning
from ..engine import launcher
from ..engine.checks import Problem
from ..engine.config import TrainingConfig
from ..engine.jobs.commits import commit_of
from ..engine.jobs.requests import TrainingRequest
from ..errors import ConfigurationError, NotTrainableError, TrainingFailed
from ..experiments import ExperimentStore
from ..experiments import ModelVersion as StoredModelVersion
from .basing import (
    adopt_architecture,
    forget_inherited,
    is_on,
    keep_architecture,
    settings_on,
    take_weights,
    with_found_weights,
)
from .checking import fractions_of, problems_now, problems_of
from .experiment import Experiment
from .predicting import follow_prediction
from .published import ModelVersion, of_project
from .submitting import Submitter, all_or_nothing, check_run, hand_over, start

_STORE_NAME = "experiments.db"
_DEVICES = ("auto", "cpu", "gpu")


class Project(Dataset):
    """Images, their labels, and the experiments that learn from them, in one folder.

    Parameters
    ----------
    path : str or Path
        The project's folder.
    mode : {"a", "r", "r+", "x"}
        ``"a"`` opens the project, or creates it and says so; ``"r"`` opens it read-only; ``"r+"`` demands that it
        exists; ``"x"`` that it does not.
    store : str or ExperimentStore, optional
        Where experiments are kept; the project's own ``experiments.db`` by default.

    Raises
    ------
    NotAProjectError
        The folder holds something else; it was not touched.
    NewerVersionError
        A newer version of this package wrote the project.

    Notes
    -----
    A project may be used from any thread, and from several processes at once. It is a context manager.
    """

    def __init__(self, path: str | Path, mode: str = "a", store: str | ExperimentStore | None = None) -> None:
        super().__init__(path, mode)
        self._given_store = store
        self._store: ExperimentStore | None = None
        self._opening = threading.Lock()
        if not self.read_only and store is None and not (self.path / _STORE_NAME).exists():
            # Made now, so that the folder is complete when it is opened read-only.
            self.experiments  # noqa: B018

    @property
    def experiments(self) -> ExperimentStore:
        """The experiment log store of this project; its experiments know the project.

        Of its own ``experiments.db`` a copy is made in the background when the last one is a day old.
        """
        with self._opening:
            if self._store is None:
                url, artifacts = f"sqlite:///{(self.path / _STORE_NAME).as_posix()}", None
                if isinstance(self._given_store, ExperimentStore):
                    url, artifacts = self._given_store.url, self._given_store.artifacts_url
                elif self._given_store is not None:
                    url = self._given_store
                self._store = ExperimentStore(
                    url,
                    artifacts,
                    experiment_class=partial(Experiment, project=self),
                    version_class=partial(ModelVersion, project=self),
                    read_only=self.read_only,
                )
                if not self.read_only and self._given_store is None:
                    self._store.rolling.start_if_due()
            return self._store

    def close(self) -> None:
        """Close the files of the project; a running training goes on."""
        with self._opening:
            if self._store is not None:
                self._store.close()
        super().close()

    # -- training ----------------------------------------------------------------------------------

    def problems(self, config: TrainingConfig | None = None) -> list[Problem]:
        """Say what would keep a training with `config` from starting; an empty list means nothing.

        The images that have a label but no partition yet are counted as `fit` would assign them; duplicates of
        images that were never read are only known by then.
        """
        return problems_now(self, config or TrainingConfig())

    def fit(
        self,
        config: TrainingConfig | None = None,
        *,
        name: str | None = None,
        dataset: DatasetVersion | str | None = None,
        base: Experiment | ModelVersion | str | None = None,
        if_exists: Literal["raise", "reuse", "rename"] = "rename",
        run: str | Submitter = "worker",
        device: str = "auto",
        wait: bool = False,
    ) -> Experiment:
        """Train a classifier on the labeled images.

        Parameters
        ----------
        config : TrainingConfig, optional
            The settings; by default those that do well on most data, or those of `base`.
        name : str, optional
            The experiment's name; the architecture's by default.
        dataset : DatasetVersion or its uid or name, optional
            What to learn from. By default the labels as they are now, unsure ones among them: labeled images
            without a partition get one in the manner of the last `split` (in a project that was never split
            by ``config.training_fraction``, stratified, with ``config.seed``), no image is moved, and a snapshot is
            made.
        base : Experiment or its name, or ModelVersion, optional
            The experiment, or published model, with whose weights this one begins. Architecture and preprocessing must be the same;
            ``input_shape="auto"`` takes the base's, and so does the normalisation: nothing is measured anew. Labels
            and categories may have changed: a renamed category keeps its weights, a new one begins without any, those
            of a removed one are dropped. Categories of a base that was imported from another project are told apart by
            their names, and images that it was trained on by their pixels; they are never scored. The base and the SHA-256
            of its weights are kept in the record.
        if_exists : {"rename", "raise", "reuse"}
            What a taken name does: a number is added; an error is raised; or the experiment of that name is returned
            when it has the same settings, and the same `dataset` where one is given, else a number is added.
        run : {"worker", "inline"} or object with ``submit``
            A process of its own, which outlives this one; this process, until it has ended; or somebody else's
            executor.
        device : {"auto", "cpu", "gpu"}
        wait : bool
            Return when the training has ended.

        Returns
        -------
        Experiment

        Raises
        ------
        NotTrainableError
            Data and settings do not fit, or the base has no classifier; each problem says what to do, and nothing was
            started.
        ConfigurationError
            The settings do not fit the base, or name a file with weights that is not there; or the base has an architecture
            of somebody else, which nobody has trusted yet.
        TrainingFailed
            With ``wait=True`` or ``run="inline"``: the training ended without a result.

        Warns
        -----
        UserWarning
            If exact duplicates stand in several partitions, so that the scores will be too good. The training goes
            on.
        """
        check_run(run)
        if device not in _DEVICES:
            raise ConfigurationError({"device": f"device must be one of {_DEVICES}; got {device!r}."})
        store = self.experiments
        if isinstance(base, str):
            base = self._known(store[base])
        if isinstance(base, StoredModelVersion):
            base = of_project(base, store)
        if base is None:
            config = with_found_weights(config or TrainingConfig())
        else:
            adopt_architecture(base)
            config = settings_on(base, config)
        name = name or config.architecture
        if if_exists == "reuse" and name in store:
            found = self._known(store[name])
            if found.parameters == config.to_json() and is_on(found, base) and store.jobs(found):
                if dataset is None or found.datasets["train"].uid == self._version_uid(dataset):
                    return found.wait() if wait else found
                if_exists = "rename"
        if dataset is None:
            problems = problems_now(self, config, measures=base is None)
        else:
            version = dataset if isinstance(dataset, DatasetVersion) else self.version(dataset)
            problems = problems_of(self, config, version, measures=base is None)
        if problems:
            raise NotTrainableError([problem.message for problem in problems])
        if dataset is None:
            self.assign_partitions(**fractions_of(self, config))
            version = self.snapshot()
        if warning := leakage_warning(version):
            warnings.warn(warning, stacklevel=2)
        made = if_exists != "reuse" or name not in store
        experiment = self._known(
            store.create_experiment(
                name,
                parameters=config.to_json(),
                base_experiment=None if isinstance(base, ModelVersion) else base,
                base_model=base if isinstance(base, ModelVersion) else None,
                if_exists=if_exists,
            )
        )
        if store.jobs(experiment):
            return experiment.wait() if wait else experiment
        with all_or_nothing(experiment, made=made):
            forget_inherited(experiment)
            experiment.attach_dataset(version, alias="train")
            keep_architecture(experiment, base)
            request = TrainingRequest(
                version.uid,
                device,
                base_dataset=None if base is None else take_weights(experiment, base),
                git_commit=commit_of(Path.cwd()),
            )
            start(self, experiment, request, run)
        return experiment.wait() if wait else experiment

    def _version_uid(self, dataset: DatasetVersion | str) -> str:
        return dataset.uid if isinstance(dataset, DatasetVersion) else self.version(dataset).uid

    def warm(self) -> None:
        """Start a worker that loads TensorFlow now, so that the next `fit` begins at once; does not wait."""
        launcher.warm(self.experiments, self.path)

    def _known(self, experiment: object) -> Experiment:
        assert isinstance(experiment, Experiment)
        return experiment

    # -- predictions -------------------------------------------------------------------------------

    def _experiment_uid(self, experiment: Any) -> str | None:
        """The uid of an experiment that is given itself, by its name, or by its uid."""
        if isinstance(experiment, str):
            return self.experiments[experiment].uid
        return super()._experiment_uid(experiment)

    def predict(
        self,
        experiment: Experiment | str,
        ids: Any = None,
        *,
        wait: bool = True,
        run: str = "worker",
        progress: bool | Callable[[int, int], object] = True,
    ) -> None:
        """Let the classifier of `experiment` predict images; the results are kept in the project.

        They are stored every second, and how far it is stands in the experiment's telemetry. Interrupting the call
        while it waits cancels the prediction; what was predicted until then stays.

        Parameters
        ----------
        experiment : Experiment or its name
        ids : ids, optional
            The images; those without a label by default.
        wait : bool
            Return when all predictions are there; the worker does the work either way.
        run : {"worker", "inline"}
        progress : bool or callable
            While it waits for a worker: True shows a bar when it takes longer than a second; a callable is told the
            numbers done and of all.

        Raises
        ------
        TrainingFailed
            The worker could not predict, or somebody canceled it; the message says why.
        """
        if run not in ("worker", "inline"):
            raise ConfigurationError({"run": f"run must be 'worker' or 'inline'; got {run!r}."})
        store = self.experiments
        chosen = experiment if isinstance(experiment, Experiment) else self._known(store[experiment])
        if ids is None:
            columns = self.columns()
            wanted = columns.id[(columns.category_id == 0) & ~columns.excluded]
        else:
            wanted = self._ids(ids)
        chosen.artifacts["model-latest"]  # says so when there is no classifier yet
        if not len(wanted):
            return
        payload = {"ids": wanted.tolist()}
        job = hand_over(self, lambda wanted: store.enqueue(chosen, "predict", payload, wanted), run)
        if wait:
            follow_prediction(chosen, job, len(wanted), progress)
            if job.state != "DONE":
                raise TrainingFailed(
                    f"The prediction ended as {job.state.lower()}: {job.error or 'no reason was given'}"
                )
