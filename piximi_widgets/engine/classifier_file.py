"""The file of a classifier: a ``.keras`` archive with one member of ours, opened with suspicion.

Such files are sent around. What Keras would read is therefore looked through first, whatever its version checks by
itself: only known members of bounded size, only Keras' own layers and no functions of others, weights that are plain
arrays inside the file. No code in the file is ever run, and nothing in it is unpickled.
"""

from __future__ import annotations

import io
import json
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
# Sizes of layers are at most the number of weights; whole numbers below this can also be something else.
_PLAIN_SIZE = 65_536
# Seeds, numbers of objects, and shapes that have no weights of their own.
_DRAWN = {"seed", "shared_object_id", "build_config", "target_shape"}
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


def write_classifier(path: Path, model: keras.Model, description: dict[str, Any]) -> None:
    """Write a network and what belongs to it; the file appears whole or not at all.

    Raises
    ------
    ArtifactError
        The network has layers that are not Keras' own, so that it could not be opened again.
    """
    import keras

    foreign = _foreign(keras.saving.serialize_keras_object(model))
    if foreign is not None:
        raise ArtifactError(
            f"{path.name} cannot be written: the network has {foreign}, which is not one of Keras' own parts and could "
            "only be opened again by running its source. Build the network from Keras' layers."
        )
    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        temporary = Path(folder) / "model.keras"
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(_OURS, json.dumps({"format": FORMAT, **description}, indent=1))
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
            _check_members(path, archive)
            description = json.loads(archive.read(_OURS))
            _check_description(path, description)
            network = archive.read(_NETWORK)
            _check_network(path, json.loads(network), archive.getinfo(_WEIGHTS).file_size)
            return _load(path, archive, network), description
    except ArtifactError:
        raise
    # Keras, HDF5 and zipfile raise nearly everything for a file that was damaged in the right place.
    except Exception as error:
        raise ArtifactError(
            f"{path} is damaged and cannot be loaded ({error}). Take another copy."
        ) from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if _OURS not in names:
        raise ArtifactError(
            f"{path} was not saved by piximi_widgets: it does not name its classes. Train it here, or open it with "
            "keras.saving.load_model."
        )
    if sorted(names) != sorted((_OURS, _NETWORK, _WEIGHTS, _METADATA)):
        raise ArtifactError(
            f"{path} does not hold the four parts of a classifier, each once; it was not opened. Take another copy."
        )
    packed = path.stat().st_size
    for member in members:
        limit = _WEIGHTS_LIMIT if member.filename == _WEIGHTS else _TEXT_LIMIT
        if member.file_size > min(limit, max(_SMALL, _UNPACKED_TO_PACKED * packed)):
            raise ArtifactError(f"{path} unpacks to more than a classifier can be; it was not opened.")


def _check_description(path: Path, description: Any) -> None:
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ArtifactError(f"{path} is damaged: its description cannot be read. Take another copy.")
    if description["format"] > FORMAT:
        raise ArtifactError(
            f"{path} was written by a newer version of piximi_widgets. Update the package to open it."
        )


def _check_network(path: Path, network: Any, weights: int) -> None:
    foreign = _foreign(network)
    if foreign is not None:
        raise ArtifactError(
            f"{path} has {foreign}, which is not one of Keras' own parts. It was not opened: that would take code from "
            "outside, and a classifier's file never brings code that is run."
        )
    if any(abs(number) > max(_PLAIN_SIZE, weights // 2) for number in _sizes(network)):
        raise ArtifactError(f"{path} is damaged: its layers are larger than its weights. Take another copy.")


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
    elif isinstance(value, list):
        for item in value:
            yield from _records(item)


def _sizes(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _DRAWN:
                yield from _sizes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _sizes(item)
    elif isinstance(value, int):
        yield value


def _load(path: Path, archive: zipfile.ZipFile, network: bytes) -> keras.Model:
    import keras

    with tempfile.TemporaryDirectory(prefix="piximi-") as folder:
        # A copy of what was checked, under the ending by which Keras goes and a file of the artifact store lacks.
        clean = Path(folder) / "model.keras"
        weights = archive.read(_WEIGHTS)
        _check_weights(path, weights)
        with zipfile.ZipFile(clean, "w") as copy:
            copy.writestr(_METADATA, archive.read(_METADATA))
            copy.writestr(_NETWORK, network)
            copy.writestr(_WEIGHTS, weights)
        return keras.saving.load_model(clean, compile=False, safe_mode=True)


def _check_weights(path: Path, weights: bytes) -> None:
    import h5py  # type: ignore[import-untyped]

    size, seen = 0, 0
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
    if size > max(_SMALL, _UNPACKED_TO_PACKED * len(weights)):
        raise ArtifactError(f"{path} unpacks to more than a classifier can be; it was not opened.")
