"""The images that crops may be cut from, found by id, path, name or metadata."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import SelectionError
from .pixels import absolute_path
from .sql.crops import Parent
from .wells import identity_value


class Parents:
    """The images of a project that crops may be cut from, found by id, path or name.

    Parameters
    ----------
    folder : Path
        The project's.
    images : sequence of Parent
    crops : set of int
        Ids of images that are crops themselves.
    """

    def __init__(self, folder: Path, images: Sequence[Parent], crops: Iterable[int] = ()) -> None:
        self._images = list(images)
        self._crops = set(crops)
        self._by_id = {image.id: image for image in images}
        self._by_place: dict[str, list[Parent]] = {}
        self._by_name: dict[str, list[Parent]] = {}
        self._by_stem: dict[str, list[Parent]] = {}
        for image in images:
            paths = [str(absolute_path(folder, place)) for place in image.places]
            names = {image.name, *map(os.path.basename, paths)}
            for path in dict.fromkeys(paths):
                self._by_place.setdefault(path, []).append(image)
            for name in names:
                self._by_name.setdefault(name, []).append(image)
            for stem in {os.path.splitext(name)[0] for name in names}:
                self._by_stem.setdefault(stem, []).append(image)

    def found(self, which: Any, base: str = "") -> Parent | str:
        """The image of an id, a path or a name; or the reason why there is none."""
        if hasattr(which, "item"):
            which = which.item()
        if isinstance(which, float) and which.is_integer():
            which = int(which)
        if isinstance(which, bool) or not isinstance(which, (int, str, os.PathLike)):
            return f"{which!r} is no id, path or name of an image"
        if isinstance(which, int):
            if which in self._crops:
                return f"image {which} is a crop itself; take the crop from its parent"
            return self._by_id.get(which, f"the project has no image with the id {which}")
        text = os.fspath(which)
        name = os.path.expanduser(text)
        for table, key in (
            (self._by_place, os.path.normpath(os.path.join(base, name))),
            (self._by_place, os.path.abspath(name)),
            (self._by_name, text),
            (self._by_stem, text),
            # Tables made on another machine, or on Windows, have paths that lead nowhere here.
            (self._by_name, "" if _exists(name, base) else re.split(r"[\\/]", text)[-1]),
        ):
            images = table.get(key, [])
            if len(images) > 1:
                return f"{len(images)} images are called {text!r}; name the image by its id"
            if images:
                return images[0]
        return f"the project has no image called {text!r}"

    def one(self, which: Any) -> Parent:
        """As `found`; raises `SelectionError` where there is none."""
        image = self.found(which)
        if isinstance(image, str):
            raise SelectionError(f"parent={which!r}: {image}.")
        return image

    def only(self) -> Parent | None:
        """The image of a project that has a single one."""
        return self._images[0] if len(self._images) == 1 else None

    def by_metadata(self, names: Iterable[str]) -> Callable[[Mapping[str, Any]], Parent | str] | None:
        """A function that finds an image by metadata, as far as images have columns of such names."""
        known = {name for image in self._images for name in image.metadata}
        shared = [name for name in dict.fromkeys(names) if name in known]
        if not shared:
            return None
        table: dict[tuple[Any, ...], list[Parent]] = {}
        for image in self._images:
            key = tuple(identity_value(name, image.metadata.get(name)) for name in shared)
            table.setdefault(key, []).append(image)

        def find(values: Mapping[str, Any]) -> Parent | str:
            key = tuple(identity_value(name, values[name]) for name in shared)
            told = ", ".join(f"{name} {value}" for name, value in zip(shared, key, strict=True))
            images = table.get(key, [])
            if len(images) != 1:
                return f"{len(images) or 'no'} images have {told}"
            return images[0]

        return find


def _exists(name: str, base: str) -> bool:
    return os.path.exists(name) or os.path.exists(os.path.join(base, name))
