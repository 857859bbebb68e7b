"""Folders that are images themselves: OME-Zarr pictures, plates of them, and Zarr arrays."""

from __future__ import annotations

import os
from pathlib import Path

from .formats import readable
from .zarr_nodes import is_zarr, zarr_node


def is_image_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a Zarr array, image or plate, into which a search for images does not go."""
    return is_zarr(Path(path))


def list_images(path: str | os.PathLike[str]) -> list[str]:
    """The paths of the images behind one path.

    Parameters
    ----------
    path : path-like
        A file, or a folder.

    Returns
    -------
    list of str
        For an OME-Zarr plate, a well, or a folder in which several images were put together, the folder of
        each field, well by well; for everything else the path itself.

    Raises
    ------
    ImageReadError
        If the metadata of a Zarr folder are damaged.
    """
    name = os.fspath(path)
    with readable(path) as place:
        folder = Path(place)
        if not is_zarr(folder):
            return [name]
        from .ome_zarr import field_paths

        node = zarr_node(folder)
        if node.array or node.ome.get("multiscales"):
            return [name]
        return [os.path.join(name, *field.split("/")) for field in field_paths(folder, node)] or [name]
