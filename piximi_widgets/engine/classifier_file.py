"""The file of a classifier: a ``.keras`` archive with one member of ours, opened with suspicion.

Such files are sent around. What Keras would read is therefore looked through first, whatever its version checks by
itself: only known members of bounded size, only Keras' own layers and no functions of others, weights that are plain
arrays inside the file. A network that declares more weights than the file holds is refused before Keras makes room for
them. No code in the file is ever run, and nothing in it is unpickled.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtifactError
from ..storage import write_atomically

if TYPE_CHECKING:
    import keras

FORMAT = 1

_OURS = "piximi_widgets.json"
_NETWORK = "config.json"
_WEIGHTS = "model.weights.h5"
_METADATA = "metadata.json"
_TEXT_LIMIT = 16 * 2**20
_WEIGHTS_LIMIT = 4 * 2**30
# Weights hardly compress; a member that unpacks to far more than the file holds was made to fill the memory.
_UNPACKED_TO_PACKED = 4
_SMALL = 2**26
_OBJECTS_LIMIT = 20_000
# What a network may hold beside the weights in its file: states of random generators.
_SPARE_NUMBERS = 65_536
# Numbers of one feature map of one image: a gigabyte of float32, which nothing here can compute 32 times at once.
_FEATURES_LIMIT = 2**28
# Sizes of layers are at most the number of weights; whole numbers below this can also be something else.
_PLAIN_SIZE = 65_536
# Seeds, numbers of objects, shapes that have no weights of their own, values of pixels, and what a compiled network was
# trained by.
_DRAWN = {"seed", "shared_object_id", "build_config", "target_shape", "offset", "scale", "compile_config"}
# What runs code of the file, or opens another one.
_RUNS_CODE = {
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "__lambda__",
    "StringLookup",
    "IntegerLookup",
    "IndexLookup",
    "TextVectorization",
}


def network_fault(model: keras.Model) -> str | None:
    """Say why a classifier's file with this network could not be opened again, as in "it ..."; None where it can."""
    import keras

    described = keras.saving.serialize_keras_object(model)
    return _network_fault(described, _count_numbers(model)) or _features_fault(model)


def write_classifier(path: Path, model: keras.Model, description: dict[str, Any]) -> None:
    """Write a network and what belongs to it; the file appears whole or not at all.

    Raises
    ------
    ArtifactError
        `read_classifier` would refuse the file: the network has layers that are not Keras' own, or is out of all
        bounds. Nothing is written.
    """
    # Before Keras writes anything: its own serialisation of foreign parts can fail in many ways.
    fault = network_fault(model)
    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        temporary = Path(folder) / "model.keras"
        if fault is None:
            model.save(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_OURS, json.dumps({"format": FORMAT, **description}, indent=1))
            with zipfile.ZipFile(temporary) as archive:
                fault = _members_fault(archive, temporary.stat().st_size)
        if fault is not None:
            raise ArtifactError(
                f"{path.name} cannot be written, since it could not be opened again: it {fault}. Build the network of "
                "Keras' own layers, in sizes that a computer can hold."
            )
        write_atomically(path, temporary.read_bytes())


def read_classifier(path: Path) -> tuple[keras.Model, dict[str, Any]]:
    """Read what `write_classifier` wrote.

    Raises
    ------
    ArtifactError
        The file is missing, damaged, holds what a classifier does not, or was written by a newer version.
    """
    if not path.is_file():
        raise ArtifactError(f"There is no file {path}. Give the path of a saved classifier.")
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse(path, _members_fault(archive, path.stat().st_size))
            description = json.loads(archive.read(_OURS))
            _check_description(path, description)
            network, weights = archive.read(_NETWORK), archive.read(_WEIGHTS)
            numbers = _stored_numbers(path, weights)
            _refuse(path, _network_fault(json.loads(network), numbers))
            model = _load(path, archive.read(_METADATA), network, weights, numbers)
            _refuse(path, _features_fault(model))
            return model, description
    except ArtifactError:
        raise
    # Keras, HDF5 and zipfile raise nearly everything for a file that was damaged in the right place.
    except Exception as error:
        raise ArtifactError(
            f"{path} is damaged and cannot be loaded ({error}). Take another copy."
        ) from error


def _refuse(path: Path, fault: str | None) -> None:
    if fault is not None:
        raise ArtifactError(
            f"{path} {fault}. It was not opened: a classifier's file holds plain weights that fit its network, and never "
            "brings code that is run. Take another copy."
        )


def _members_fault(archive: zipfile.ZipFile, packed: int) -> str | None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if _OURS not in names:
        return (
            "was not saved by piximi_widgets: it does not name its classes (keras.saving.load_model may open it, or train "
            "a classifier here)"
        )
    if sorted(names) != sorted((_OURS, _NETWORK, _WEIGHTS, _METADATA)):
        return "does not hold the four parts of a classifier, each once"
    for member in members:
        limit = _WEIGHTS_LIMIT if member.filename == _WEIGHTS else _TEXT_LIMIT
        if member.file_size > min(limit, max(_SMALL, _UNPACKED_TO_PACKED * packed)):
            return "unpacks to more than a classifier can be"
    return None


def _check_description(path: Path, description: Any) -> None:
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ArtifactError(f"{path} is damaged: its description cannot be read. Take another copy.")
    if description["format"] > FORMAT:
        raise ArtifactError(
            f"{path} was written by a newer version of piximi_widgets. Update the package to open it."
        )


def _network_fault(network: Any, numbers: int) -> str | None:
    """What is wrong with a network's description beside so many weights; None where it may be given to Keras."""
    parts = 0
    for parts, _ in enumerate(_records(network), start=1):
        if parts > _OBJECTS_LIMIT:
            return "has more layers than a classifier can have"
    foreign = _foreign(network)
    if foreign is not None:
        return f"has {foreign}, which is not one of Keras' own parts"
    if any(abs(number) > max(_PLAIN_SIZE, numbers) for number in _sizes(network)):
        return "is damaged: it has a layer larger than its weights"
    return None


def _features_fault(model: keras.Model) -> str | None:
    """What is wrong with the sizes of what a network computes; None where an image fits."""
    largest = max((math.prod(shape) for shape in _feature_shapes(model)), default=0)
    if largest > _FEATURES_LIMIT:
        return f"computes {largest:,} numbers of one image at once, more than any classifier needs"
    return None


def _feature_shapes(model: keras.Model) -> Iterator[list[int]]:
    """Shapes, without the batch, of all that a network computes of one image."""
    import keras

    for part in getattr(model, "operations", None) or model.layers:
        if isinstance(part, keras.Model):
            yield from _feature_shapes(part)
        # A layer that is used more than once has no single output; its nodes hold one for each use.
        for node in part._inbound_nodes:
            for tensor in node.output_tensors:
                yield [size or 1 for size in tensor.shape[1:]]


def _count_numbers(model: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in model.weights)


def _foreign(network: Any) -> str | None:
    """Name the first part of a network's description that Keras does not bring itself; None where there is none."""
    for part in _records(network):
        module, kind = part.get("module"), part.get("class_name")
        registered = part.get("registered_name")
        if kind == "__keras_tensor__" and module is None:
            continue
        own = module is None or (isinstance(module, str) and module.split(".")[0] == "keras")
        named = registered is None or registered == kind
        if not own or not named or kind in _RUNS_CODE:
            name = part["config"].get("name") if isinstance(part.get("config"), dict) else None
            return f"the {kind} {name!r}" if name else f"a {kind}"
    return None


def _records(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _records(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _records(item)


def _sizes(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _DRAWN:
                yield from _sizes(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _sizes(item)
    elif isinstance(value, int):
        yield value


def _load(path: Path, metadata: bytes, network: bytes, weights: bytes, numbers: int) -> keras.Model:
    import keras
    import tensorflow as tf

    declared = 0

    def within(make: Any, **options: Any) -> Any:
        nonlocal declared
        initial = options["initial_value"]
        # Within a function's graph, the initial value is described and not computed: nothing is allocated.
        with tf.__internal__.FuncGraph("described").as_default():
            shape = (initial() if callable(initial) else initial).shape
        declared += math.prod(shape)
        if declared > numbers + _SPARE_NUMBERS:
            raise MemoryError("too many weights")
        return make(**options)

    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        # A copy of what was checked, under the ending by which Keras goes and a file of the artifact store lacks.
        clean = Path(folder) / "model.keras"
        with zipfile.ZipFile(clean, "w") as copy:
            copy.writestr(_METADATA, metadata)
            copy.writestr(_NETWORK, network)
            copy.writestr(_WEIGHTS, weights)
        try:
            with tf.variable_creator_scope(within):
                return keras.saving.load_model(clean, compile=False, safe_mode=True)
        finally:
            # Keras wraps errors in others of its own; the reason is this one.
            if declared > numbers + _SPARE_NUMBERS:
                _refuse(path, f"declares layers larger than its weights, which are {numbers:,} numbers")


def _stored_numbers(path: Path, weights: bytes) -> int:
    """Count the numbers in a file of weights, which must be plain arrays."""
    import h5py  # type: ignore[import-untyped]

    size, numbers, seen = 0, 0, 0
    with h5py.File(io.BytesIO(weights), "r") as file:
        groups = [file]
        while groups:
            group = groups.pop()
            for name in group:
                seen += 1
                # A group may hold itself.
                if seen > _OBJECTS_LIMIT:
                    raise ValueError("its weights are more than a network has")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError("its weights refer to something outside")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
                    raise ValueError("its weights are not in the file")
                else:
                    size += item.size * item.dtype.itemsize
                    numbers += item.size
    if size > max(_SMALL, _UNPACKED_TO_PACKED * len(weights)):
        _refuse(path, "unpacks to more than a classifier can be")
    return numbers
