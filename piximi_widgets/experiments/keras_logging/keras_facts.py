"""What Keras knows of a training before it begins: settings, the network, and the packages."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy")


def settings_of(model: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a training that Keras knows of."""
    optimizer = getattr(model, "optimizer", None)
    loss = getattr(model, "loss", None)
    settings = {
        "epochs": params.get("epochs"),
        "steps": params.get("steps"),
        "model": model.name,
        "optimizer": None if optimizer is None else str(optimizer.name),
        "learning_rate": learning_rate_of(model),
        "loss": loss if loss is None or isinstance(loss, str) else getattr(loss, "name", type(loss).__name__),
    }
    return {name: value for name, value in settings.items() if value is not None}


def learning_rate_of(model: Any) -> float | None:
    import keras

    try:
        return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    except (AttributeError, TypeError, ValueError):
        # no optimizer, or one of the person's own without a rate
        return None


def summary_of(model: Any) -> dict[str, Any]:
    """TABLE of the layers: kind, output shape without the batch, parameters, whether it learns."""
    rows, data = [], []
    for layer in model.layers:
        try:
            shape = "×".join(str(size) for size in layer.output.shape[1:])
        except (AttributeError, ValueError, RuntimeError):
            # a layer that was not called yet, or has several outputs
            shape = ""
        parameters = int(layer.count_params()) if layer.built else 0
        rows.append(layer.name)
        data.append([type(layer).__name__, shape, parameters, bool(layer.trainable_weights)])
    return {"columns": ["kind", "output", "parameters", "trainable"], "rows": rows, "data": data}


def environment_of_keras() -> dict[str, Any]:
    import platform

    import keras

    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "backend": keras.backend.backend(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
