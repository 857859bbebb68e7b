"""Building a registered architecture from its source, and finding out whether it can be trained."""

from __future__ import annotations

import linecache
import random
import traceback
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from ..classifier_file import network_fault
from .registry import Registered, check_trust
from .source import check_source, compiled, problem

if TYPE_CHECKING:
    import keras

_TRIED = 3

_FUNCTIONS = ("activation", "recurrent_activation")


def build_registered(
    found: Registered, input_shape: tuple[int, int, int], classes: int, seed: int
) -> keras.Model:
    """Run the source in a module of its own, and try the network that it makes.

    TensorFlow's global seed is set before, so that layers without a seed of their own start the same each time, and stays
    set; the states of Python's and NumPy's global generators are put back.

    Parameters
    ----------
    found : Registered
    input_shape : (height, width, channels)
    classes : int
    seed : int

    Returns
    -------
    keras.Model
        From (N, height, width, channels) to (N, classes) probabilities.

    Raises
    ------
    ConfigurationError
        The source is not trusted, it failed, or what it returned cannot be trained; each in a sentence.
    """
    import keras

    check_trust(found)
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    # Keras takes seeds from 0 to 2**32 - 1.
    keras.utils.set_random_seed(seed % 2**32)
    try:
        model = _run(found, input_shape, classes)
        _check(found.name, model, input_shape, classes)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
    return model


def _run(found: Registered, input_shape: tuple[int, int, int], classes: int) -> Any:
    filename = f"<architecture {found.name}>"
    # Tracebacks show the lines of what ran.
    linecache.cache[filename] = (len(found.source), None, found.source.splitlines(keepends=True), filename)
    module = types.ModuleType(f"piximi_architecture_{found.name.replace('-', '_')}")
    function = check_source(found.source)
    try:
        exec(compiled(found.source, filename), module.__dict__)
        return module.__dict__[function](tuple(input_shape), classes)
    except MemoryError:
        raise
    except Exception as error:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename
        ]
        where = f" in line {lines[-1]}" if lines else ""
        raise problem(
            f"The architecture {found.name!r} failed{where} for the input shape {_words(input_shape)} and {classes} classes: "
            f"{type(error).__name__}: {error!s:.500}"
        ) from error


def _check(name: str, model: Any, input_shape: tuple[int, int, int], classes: int) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise problem(f"The architecture {name!r} must return a keras.Model; got {type(model).__name__}.")
    if type(model) not in (keras.Model, keras.Sequential, keras.models.Model) and not _is_functional(model):
        raise problem(
            f"The architecture {name!r} returns a class of its own, {type(model).__name__}, which could not be loaded again. "
            "Return keras.Sequential([...]) or keras.Model(inputs, outputs)."
        )
    _check_layers(name, model)
    _check_shapes(name, model, input_shape, classes)
    _check_probabilities(name, model, input_shape, classes)
    if not model.trainable_variables:
        raise problem(f"The architecture {name!r} has nothing to train: none of its weights is trainable.")
    _check_file(name, model)


def _is_functional(model: Any) -> bool:
    return type(model).__module__.startswith("keras.") and bool(getattr(model, "inputs", None))


def _check_layers(name: str, model: Any) -> None:
    import keras

    for layer in model._flatten_layers(include_self=False, recursive=True):
        kind = type(layer)
        if isinstance(layer, keras.layers.Lambda) or not kind.__module__.startswith("keras."):
            raise problem(
                f"The architecture {name!r} has a layer {layer.name!r} of kind {kind.__name__}, whose code would be missing "
                "when the classifier is loaded again. Build it of Keras' own layers, without Lambda."
            )
        for role in _FUNCTIONS:
            function = getattr(layer, role, None)
            # Keras notes a function by its name only, and would load its own of that name.
            if function is not None and not getattr(function, "__module__", "keras.").startswith("keras."):
                raise problem(
                    f"The architecture {name!r} has a layer {layer.name!r} with a function of its own as {role}, which would "
                    "be missing when the classifier is loaded again. Choose one of Keras' own by name, like 'relu'."
                )


def _check_shapes(name: str, model: Any, input_shape: tuple[int, int, int], classes: int) -> None:
    try:
        inputs, outputs = [tuple(x.shape) for x in model.inputs], [tuple(x.shape) for x in model.outputs]
    except (AttributeError, TypeError, ValueError):
        inputs, outputs = [], []
    if not inputs or not outputs:
        raise problem(
            f"The architecture {name!r} does not say which input it takes. Begin it with keras.Input(input_shape)."
        )
    fits = (
        len(inputs) == 1
        and len(inputs[0]) == 4
        and all(size in (None, wanted) for size, wanted in zip(inputs[0][1:], input_shape, strict=True))
    )
    if not fits or inputs[0][0] is not None:
        raise problem(
            f"The architecture {name!r} takes {_several(inputs)}; expected one input of any number of images, "
            f"(None, {', '.join(map(str, input_shape))}). Begin it with keras.Input(input_shape)."
        )
    if len(outputs) != 1 or outputs[0] != (None, classes):
        raise problem(
            f"The architecture {name!r} returns {_several(outputs)}; expected (None, {classes}): one probability for each "
            "class. End it with layers.Dense(classes, activation='softmax')."
        )


def _check_probabilities(name: str, model: Any, input_shape: tuple[int, int, int], classes: int) -> None:
    pixels = np.random.default_rng(0).normal(size=(_TRIED, *input_shape)).astype(np.float32)
    for training in (False, True):
        try:
            found = np.asarray(model(pixels, training=training))
        except MemoryError:
            raise
        except Exception as error:
            raise problem(
                f"The architecture {name!r} cannot be used on {_TRIED} random images: {type(error).__name__}: {error!s:.500}"
            ) from error
        if not np.isfinite(found).all():
            raise problem(
                f"The architecture {name!r} gives values that are no finite numbers for random images. Look for divisions and "
                "logarithms in it."
            )
        sums = found.sum(axis=1)
        if found.min() < 0 or np.abs(sums - 1).max() > 1e-3:
            raise problem(
                f"The architecture {name!r} does not end in probabilities: for random images its {classes} values are "
                f"{found.min():.3g} to {found.max():.3g} and add up to {sums[0]:.3g}, not to 1. End it with softmax."
            )


def _check_file(name: str, model: Any) -> None:
    """Find out now what would keep the trained classifier from being stored, or opened again, after the last epoch."""
    try:
        fault = network_fault(model)
    except MemoryError:
        raise
    # Keras asks each part to describe itself, and one of a user's own may raise anything.
    except Exception as error:
        fault = f"cannot be described ({type(error).__name__}: {error!s:.500})"
    if fault is not None:
        raise problem(
            f"The architecture {name!r} could be trained, but its classifier could not be opened again: it {fault}. Choose "
            "Keras' own regularizers, initializers and constraints, like kernel_regularizer='l2', and sizes that a computer "
            "can hold."
        )


def _words(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _several(shapes: list[tuple[Any, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "nothing"
