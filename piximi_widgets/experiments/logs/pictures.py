"""Pictures for the dashboard: a file as it is, or pixels as PNG."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import LogError

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST_FILENAME = 100


def is_picture(value: Any) -> bool:
    """Whether a value can only be meant as a picture: a path object, a PIL image, or pixels."""
    if isinstance(value, np.ndarray):
        return value.ndim in (2, 3) and value.dtype == np.uint8
    return isinstance(value, os.PathLike) or _is_pil(value)


def picture_of(name: str, value: Any) -> tuple[Path | bytes, str]:
    """Return the content of a picture, a file or the bytes of a PNG, and what its file is called.

    Parameters
    ----------
    name : str
        Of the log.
    value : str, path, (H, W) or (H, W, C) ndarray of uint8, or PIL image
        With 1, 3 or 4 channels.

    Raises
    ------
    LogError
        No file of an image, or none of these.
    """
    what = f"The IMAGE {name!r}"
    if isinstance(value, str | os.PathLike):
        path = Path(value)
        _check_file(what, path)
        return path, path.name
    if isinstance(value, np.ndarray):
        return _png(what, _from_pixels(what, value)), _filename(name)
    if _is_pil(value):
        return _png(what, value), _filename(name)
    raise LogError(
        f"{what} must be the path of an image file, pixels of (height, width) or (height, width, channels), or a PIL "
        f"image, not a {type(value).__name__}."
    )


def _check_file(what: str, path: Path) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.verify()
    except UnidentifiedImageError:
        raise LogError(f"{what}: {path} is not an image file.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LogError(f"{what}: {path} cannot be read: {error}.") from error


def _from_pixels(what: str, pixels: np.ndarray) -> Image:
    from PIL import Image

    if pixels.dtype != np.uint8:
        raise LogError(
            f"{what} must be pixels from 0 to 255 as uint8, not {pixels.dtype}; scale them to what is to be seen first."
        )
    if (
        pixels.ndim not in (2, 3)
        or not pixels.size
        or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4))
    ):
        raise LogError(
            f"{what} must have the shape (height, width), or (height, width, channels) with 1, 3 or 4 channels, not "
            f"{pixels.shape}."
        )
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels))


def _png(what: str, image: Image) -> bytes:
    file = io.BytesIO()
    try:
        image.save(file, format="PNG")
    except (OSError, ValueError, SystemError) as error:
        raise LogError(f'{what} cannot be stored as PNG: {error}. Try image.convert("RGB").') from error
    return file.getvalue()


def _filename(name: str) -> str:
    last = re.sub(r"[^\w.-]+", "_", name.rpartition("/")[2]).strip("._")
    return f"{last[:_LONGEST_FILENAME] or 'image'}.png"


def _is_pil(value: Any) -> bool:
    # Pillow is imported by whoever made the image, and need not be by anybody else.
    return any(f"{kind.__module__}.{kind.__name__}" == "PIL.Image.Image" for kind in type(value).__mro__)
