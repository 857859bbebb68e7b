"""Architectures that users bring: a function's source under a name, tried, recorded and repeated like ours.

`register_architecture` never calls the function: a kernel has no TensorFlow. The worker builds the network from the
recorded source with `build_registered`, and refuses source that this user has neither registered nor trusted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import trust as trusted
from .catalogue import MINIMUM_SIZE
from .source import check_source, problem, source_of

if TYPE_CHECKING:
    import keras

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 64
_registered: dict[str, Registered] = {}


@dataclass(frozen=True)
class Registered:
    """One architecture of a user.

    Attributes
    ----------
    name : str
    source : str
        One function of ``(input_shape, classes)``.
    digest : str
        SHA-256 (hex) of `source`.
    """

    name: str
    source: str
    digest: str

    def to_record(self) -> dict[str, str]:
        """Return what an experiment keeps of it, as JSON values."""
        return {"name": self.name, "source": self.source, "sha256": self.digest}


def register_architecture(name: str, build: Callable[..., keras.Model]) -> Registered:
    """Make a network of your own available to trainings.

    The function's source is kept, shown and recorded with every experiment that uses it, and it runs in the worker, which
    tries the network before a training starts.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and hyphens, like ``"two-layers"``; not one of ours. Registering a name again replaces
        its function.
    build : function
        ``build(input_shape, classes)`` with ``input_shape`` (height, width, channels) returns a Keras model, Sequential or
        functional and of Keras' own layers, from such images to (N, classes) probabilities. It imports what it uses
        inside itself, and uses no name from outside.

    Returns
    -------
    Registered

    Raises
    ------
    ConfigurationError
        The name cannot be used, or the function does not stand on its own; the message says which names it uses.

    Examples
    --------
    >>> def build(input_shape, classes):
    ...     import keras
    ...     from keras import layers
    ...
    ...     return keras.Sequential(
    ...         [keras.Input(input_shape), layers.Flatten(), layers.Dense(classes, activation="softmax")]
    ...     )
    >>> pw.register_architecture("linear", build)  # doctest: +SKIP
    """
    _check_name(name)
    found = _make(name, source_of(build))
    trusted.trust(found.digest)
    _registered[name] = found
    return found


def adopt(found: Registered) -> None:
    """Make a recorded architecture one of this process, without trusting it: for a worker that does its job."""
    _registered[found.name] = found


def registered(name: str) -> Registered:
    """Return the registered architecture of this name.

    Raises
    ------
    ConfigurationError
        There is none in this process.
    """
    try:
        return _registered[name]
    except KeyError:
        raise problem(
            f"No architecture {name!r} is registered; there are: {', '.join(registered_names()) or 'none'}. "
            "Register it with pw.register_architecture(name, build)."
        ) from None


def registered_names() -> tuple[str, ...]:
    """The names that were registered in this process, in that order."""
    return tuple(_registered)


def from_record(record: Mapping[str, Any]) -> Registered:
    """Read what `Registered.to_record` wrote; nothing of it is run, and nothing is trusted.

    Raises
    ------
    ConfigurationError
        The record is incomplete, its source does not have its SHA-256, or is not one function on its own.
    """
    name, source, digest = (record.get(key) for key in ("name", "source", "sha256"))
    if not isinstance(name, str) or not isinstance(source, str) or not isinstance(digest, str):
        raise problem(
            "This record of an architecture is incomplete; expected the texts name, source and sha256."
        )
    _check_name(name)
    check_source(source)
    found = _make(name, source)
    if found.digest != digest:
        raise problem(
            f"The source of architecture {name!r} was changed after it was recorded: its SHA-256 is {found.digest}, not "
            f"{digest:.80}. Take it from the original experiment."
        )
    return found


def trust_architecture(what: Any) -> None:
    """Let the source of somebody else's architecture run on your account.

    Read the source first: it can do whatever you can. It is trusted by its SHA-256, so that a changed one is refused again.

    Parameters
    ----------
    what : str, Registered or Experiment
        The SHA-256 that the refusal named, or the experiment with the architecture.

    Raises
    ------
    ConfigurationError
        The experiment has no architecture of its own, or the SHA-256 is none.
    """
    if isinstance(what, str):
        trusted.trust(what)
        return
    if not isinstance(what, Registered):
        record = getattr(what, "architecture_record", None)
        if not isinstance(record, Mapping):
            raise problem(
                f"{type(what).__name__} {str(what)!r:.60} holds no architecture of its own. Give an experiment that was trained "
                "with a registered architecture, or the SHA-256 of the source."
            )
        what = from_record(record)
    trusted.trust(what.digest)


def check_trust(found: Registered) -> None:
    """Refuse source that may not run here.

    Raises
    ------
    ConfigurationError
        It was neither registered by this user nor trusted; the message says how to do that.
    """
    if not trusted.is_trusted(found.digest):
        raise problem(
            f"The architecture {found.name!r} was registered by somebody else, and its source was not run. Read it; if you "
            f"trust it, call pw.trust_architecture({found.digest!r}) and start again."
        )


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise problem(
            f"An architecture's name has lower-case letters, digits and single hyphens, at most {_LONGEST_NAME}, and begins "
            f"with a letter, like 'two-layers'; got {name!r:.80}."
        )
    if name in MINIMUM_SIZE:
        raise problem(f"{name!r} is an architecture of this package; choose another name for yours.")


def _make(name: str, source: str) -> Registered:
    return Registered(name, source, hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest())
