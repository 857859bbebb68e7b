"""The networks, by name. Building one loads Keras; asking for its limits does not.

`names`, `minimum_size`, `build` and `summarize` are for everybody who trains; `registry` holds what users bring, `Logits`
is what a loss is computed from, and `frozen` parts a network from a base that does not change. The room uses nothing
of the engine but its errors and files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from .base_weights import base_weights_file
from .catalogue import MINIMUM_SIZE
from .logits import Logits
from .registry import register_architecture, registered, registered_names, trust_architecture
from .summaries import summarize, summary_csv

if TYPE_CHECKING:
    import keras

    from ..config import TrainingConfig

__all__ = [
    "Logits",
    "base_weights_file",
    "build",
    "minimum_size",
    "names",
    "register_architecture",
    "summarize",
    "summary_csv",
    "trust_architecture",
]


def names() -> tuple[str, ...]:
    """The architectures that this process can build: the package's, then those that were registered."""
    return (*MINIMUM_SIZE, *registered_names())


def minimum_size(architecture: str) -> int:
    """Return the smallest height and width that `architecture` can take; 1 for a registered one, which says it itself.

    Raises
    ------
    ConfigurationError
        There is no architecture of this name; the message lists those that there are.
    """
    return MINIMUM_SIZE.get(_known(architecture), 1)


def build(
    architecture: str,
    input_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    *,
    config: TrainingConfig | None = None,
    weights: Path | None = None,
    precision: str = "float32",
) -> keras.Model:
    """Build an untrained network.

    Parameters
    ----------
    architecture : str
        One of `names`.
    input_shape : (height, width, channels)
    classes : int
        Number of classes K; the network's output is (N, K) probabilities.
    seed : int
        Drives the initial weights; each layer draws from a stream of its own.
    config : TrainingConfig, optional
        Says where a pretrained base gets its weights, when `weights` is not given.
    weights : Path, optional
        The file of a pretrained base, as `base_weights_file` found it before. Without it and without `config` the base
        is random.
    precision : {"float32", "mixed"}
        mixed: layers compute in float16 on a GPU and in bfloat16 on a processor; weights stay float32. mobilenet is
        always float32.

    Raises
    ------
    ConfigurationError
        There is no such architecture, the images are too small for it, its base's weights cannot be had, or a
        registered function does not give a network that can be trained.
    """
    smallest = minimum_size(architecture)
    if min(input_shape[:2]) < smallest:
        raise ConfigurationError(
            {
                "input_shape": f"{architecture} needs images of at least {smallest}×{smallest}; got "
                f"{input_shape[0]}×{input_shape[1]}. Choose a larger input shape or another architecture."
            }
        )
    # MobileNet's base is folded and converted, which is made for float32; its one trained layer gains nothing.
    with _computing_in("float32" if architecture == "mobilenet" else precision):
        return _built(architecture, input_shape, classes, seed, config, weights)


def _built(
    architecture: str,
    input_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    config: TrainingConfig | None,
    weights: Path | None,
) -> keras.Model:
    if architecture == "simple-cnn":
        from .simple_cnn import simple_cnn

        return simple_cnn(input_shape, classes, seed)
    if architecture == "small-resnet":
        from .small_resnet import small_resnet

        return small_resnet(input_shape, classes, seed)
    if architecture == "mobilenet":
        from .mobilenet import mobilenet

        if weights is None and config is not None:
            weights = base_weights_file(config)
        return mobilenet(input_shape, classes, seed, weights)
    from .building import build_registered

    return build_registered(registered(architecture), input_shape, classes, seed)


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Within the block, layers are made that compute in this precision."""
    if precision == "float32":
        yield
        return
    import keras
    import tensorflow as tf

    former = keras.config.dtype_policy()
    # float16 is what GPUs are quick in; bfloat16, with float32's range, is what processors have.
    halves = "float16" if tf.config.list_physical_devices("GPU") else "bfloat16"
    keras.config.set_dtype_policy(f"mixed_{halves}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


def _known(architecture: str) -> str:
    if architecture not in names():
        raise ConfigurationError(
            {
                "architecture": f"There is no architecture {architecture!r}; choose one of {', '.join(names())}. An own "
                "one comes from pw.register_architecture(name, build)."
            }
        )
    return architecture
