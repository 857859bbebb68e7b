"""The images that crops may be cut from, found by id, path, name or metadata."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SelectionError
from ..adding.alignment import is_missing
from ..files.pixels import absolute_path
from ..files.search import agreement
from ..plates.wells import identity_value
from ..sql.crops import Parent

_PLACES = ("plate", "well", "row", "column", "site", "time")


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
        self._paths: dict[int, list[str]] = {}
        for image in images:
            paths = [str(absolute_path(folder, place)) for place in image.places]
            self._paths[image.id] = paths
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
            images = self._nearest(table.get(key, []), text)
            if len(images) > 1:
                return f"{len(images)} images are called {text!r}; name the image by its id"
            if images:
                return images[0]
        return f"the project has no image called {text!r}"

    def namesakes(self, texts: Iterable[str], base: str = "") -> dict[str, str]:
        """Of paths of one name in several folders that lead to one image those that are not its own, and why.

        On another machine one of them may have been the image; the others are files that were never added.
        """
        groups: dict[tuple[int, str], list[str]] = {}
        for text in dict.fromkeys(texts):
            parts = re.split(r"[\\/]", text)
            image = self.found(text, base)
            if len(parts) > 1 and isinstance(image, Parent):
                groups.setdefault((image.id, parts[-1]), []).append(text)
        refused: dict[str, str] = {}
        for (image_id, name), same in groups.items():
            levels = [self._agreement(self._by_id[image_id], text) for text in same]
            for text, level in zip(same, levels, strict=True):
                is_nearest = level == max(levels) > 1 and levels.count(level) == 1
                if len(same) > 1 and not is_nearest and not self._is_exact(text, base):
                    refused[text] = (
                        f"the table has {name} in {len(same)} folders, and the project has only image {image_id} of"
                        " this name; add the others too, or name the image by its id"
                    )
        return refused

    def contradiction(self, image: Parent, values: Mapping[str, Any]) -> str | None:
        """Why metadata of a table cannot be those of an image that was found by its name."""
        for name, value in values.items():
            own = image.metadata.get(name)
            if name not in _PLACES or is_missing(value) or own is None:
                continue
            if str(identity_value(name, value)).casefold() != str(identity_value(name, own)).casefold():
                return f"its file is called as image {image.id}, but that is of {name} {own}, and the table says {value}"
        return None

    def _nearest(self, images: list[Parent], text: str) -> list[Parent]:
        """Of several images of one name the one whose folders agree most with a path, if any do."""
        levels = [self._agreement(image, text) for image in images] if len(images) > 1 else []
        if levels and max(levels) > 1 and levels.count(max(levels)) == 1:
            return [images[levels.index(max(levels))]]
        return images

    def _agreement(self, image: Parent, text: str) -> int:
        path = text.replace("\\", "/")
        return max((agreement(path, own) for own in self._paths[image.id]), default=0)

    def _is_exact(self, text: str, base: str) -> bool:
        name = os.path.expanduser(text)
        places = (os.path.normpath(os.path.join(base, name)), os.path.abspath(name))
        return any(place in self._by_place for place in places)

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
