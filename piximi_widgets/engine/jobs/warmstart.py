"""Beginning with the weights of a trained classifier, also when classes came, went, or moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...dataset.versions.comparing import same_classes
from ...errors import NotTrainableError
from .lineage import has_version
from .requests import BASE_MODEL, TrainingRequest

if TYPE_CHECKING:
    import keras

    from ...dataset import Dataset, DatasetVersion
    from ...experiments import Experiment
    from ..classifier import Classifier


_UNLIKE_BASE = (
    "The base's network and the one of these settings have different layers, so that weights cannot be taken over. Train with "
    "the base's settings (base.config), or without a base."
)
_UNLIKE_TRAINED = (
    "The network that was trained and stored has other layers than the one that its settings make here and now, so that its "
    "training cannot go on: the code of the network has changed. Go back to the version of the record, or fit anew."
)


def load_base(experiment: Experiment) -> Classifier:
    """Load the classifier whose weights the experiment begins with."""
    from ..classifier import Classifier

    return Classifier.load(experiment.artifacts[BASE_MODEL].path)


def kept_classes(
    request: TrainingRequest, base: Classifier, dataset: Dataset, version: DatasetVersion
) -> np.ndarray:
    """Return (K,) int64: for each class of `version` the base's class that it is, -1 for a new one.

    Classes are told apart by their categories' ids: a renamed one stays what it was. Those of a base that was trained in
    another project are told apart by their names.
    """
    assert request.base_dataset is not None
    if not has_version(dataset, request.base_dataset):
        place = {name: index for index, name in enumerate(base.classes)}
        return np.array([place.get(name, -1) for name in version.classes], dtype=np.int64)
    # Asked the other way round it would say which of the new classes each old one became.
    return np.asarray(same_classes(version, dataset.version(request.base_dataset)), dtype=np.int64)


def transfer(model: keras.Model, base: keras.Model, kept: np.ndarray, unlike: str = _UNLIKE_BASE) -> None:
    """Give `model` the weights of `base`, and of its last layer those of the classes that it still has.

    A class that is new keeps the initial weights of `model`.

    Parameters
    ----------
    model, base : keras.Model
        Of one architecture and input shape; the number of classes may differ.
    kept : (K,) array of int
        For each class of `model` the class of `base`, or -1.
    unlike : str
        What the error says.

    Raises
    ------
    NotTrainableError
        The networks are not alike; `model` is as it was.
    """
    mine, theirs = model.weights, base.weights
    head = _head(model)
    other = len(mine) != len(theirs) or any(
        not _fits(new.shape, old.shape, is_head=id(new) in head)
        for new, old in zip(mine, theirs, strict=False)
    )
    if other:
        raise NotTrainableError([unlike])
    values = []
    for new, old in zip(mine, theirs, strict=True):
        value = old.numpy()
        if id(new) in head:
            value = new.numpy()
            value[..., kept >= 0] = old.numpy()[..., kept[kept >= 0]]
        values.append(value)
    for new, value in zip(mine, values, strict=True):
        new.assign(value)


def copy_weights(model: keras.Model, trained: keras.Model) -> None:
    """Give `model` the weights of `trained`, a network of the same architecture, input shape and classes."""
    transfer(model, trained, np.arange(int(model.output_shape[-1])), _UNLIKE_TRAINED)


def _head(model: keras.Model) -> set[int]:
    """The weights with one column a class: those of the last layer that has any."""
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    return {id(variable) for variable in last.weights}


def _fits(new: tuple[int, ...], old: tuple[int, ...], *, is_head: bool) -> bool:
    return tuple(new[:-1]) == tuple(old[:-1]) if is_head else tuple(new) == tuple(old)
