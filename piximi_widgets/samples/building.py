"""Making a sample's project so that it is there completely, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import ProjectError
from ..project import Project


def open_or_build(path: str | Path, fill: Callable[[Project], None]) -> Project:
    """Open the project at `path`, or make one there and let `fill` put the images into it.

    Raises
    ------
    ProjectError
        `path` is a file, or a folder that holds something else.
    """
    folder = Path(path).expanduser()
    if (folder / "project.db").exists():
        return Project(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ProjectError(f"{folder} holds something else. Choose an empty folder or a new name.")
    # Made under another name first: a project that was interrupted while it was filled would look complete.
    making = folder.with_name(f".{folder.name}.{os.getpid()}.making")
    shutil.rmtree(making, ignore_errors=True)
    try:
        with Project(making, mode="x") as project:
            fill(project)
        if folder.exists():
            folder.rmdir()
        making.rename(folder)
        print(f"Created the project {folder}")
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Project(folder)


def some_of_each(truth: np.ndarray, count: int, seed: int) -> list[str | None]:
    """The truth of `count` images of each class, chosen at random, and None for all others."""
    labels: list[str | None] = [None] * len(truth)
    generator = np.random.default_rng(seed)
    for label in np.unique(truth):
        for row in generator.choice(np.flatnonzero(truth == label), count, replace=False):
            labels[row] = str(label)
    return labels
