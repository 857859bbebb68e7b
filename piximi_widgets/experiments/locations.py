"""Where a store lies: the URLs and paths by which its file and its folder of artifacts are given."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import StoreError

SCHEME = "sqlite:///"


def database_path(url: str | os.PathLike[str]) -> Path:
    """The file that a store's URL names.

    Raises
    ------
    StoreError
        It names none.
    """
    text = os.fspath(url)
    if text.startswith(SCHEME):
        text = text.removeprefix(SCHEME)
    elif "://" in text:
        raise StoreError(f'{text!r} is no store that can be opened; give "sqlite:///" and a path.')
    if not text or text == ":memory:":
        raise StoreError("A store needs a file, since other processes write into it; give its path.")
    return Path(os.path.abspath(text))


def artifacts_folder(artifacts: str | os.PathLike[str]) -> Path:
    """The folder that is given as a path or a ``file://`` URL, or a StoreError."""
    text = os.fspath(artifacts)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    elif "://" in text:
        raise StoreError(
            f"{text!r} is no folder of artifacts that can be used; give a path or a file:// URL."
        )
    return Path(os.path.abspath(text))
