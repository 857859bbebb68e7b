"""Pixels in, pixels out: reading image files, contrast, thumbnails.

This room uses NumPy, Pillow and tifffile and knows no database and no project; every image is a
``(planes, height, width, channels)`` array of its native dtype here.
The dataset room reads files and draws thumbnails with it, the engine reads pixels with it.
"""

from __future__ import annotations

from .display import Window, display_window, to_rgb
from .headers import ImageHeader, read_header
from .readers import IMAGE_SUFFIXES, read_pixels, to_planes
from .thumbnails import contact_sheet, thumbnail

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageHeader",
    "Window",
    "contact_sheet",
    "display_window",
    "read_header",
    "read_pixels",
    "thumbnail",
    "to_planes",
    "to_rgb",
]
