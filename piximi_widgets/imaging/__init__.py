"""Pixels in, pixels out: reading image files, contrast, thumbnails.

This room uses NumPy, Pillow, tifffile, pydicom and zarr and knows no database and no project; every image is
a ``(planes, height, width, channels)`` array of its native dtype here.
The dataset room reads files and draws thumbnails with it, the engine reads pixels with it.
"""

from __future__ import annotations

from .display import ChannelDisplay, Display, Window, display_window, image_window, to_rgb
from .folders import is_image_folder, list_images
from .formats import FOREIGN_SUFFIXES
from .headers import ImageHeader, read_header
from .labeled import from_labeled, is_labeled
from .readers import IMAGE_SUFFIXES, read_pixels, to_planes
from .thumbnails import contact_sheet, reduce_image, thumbnail

__all__ = [
    "FOREIGN_SUFFIXES",
    "IMAGE_SUFFIXES",
    "ChannelDisplay",
    "Display",
    "ImageHeader",
    "Window",
    "contact_sheet",
    "display_window",
    "from_labeled",
    "image_window",
    "is_image_folder",
    "is_labeled",
    "list_images",
    "read_header",
    "read_pixels",
    "reduce_image",
    "thumbnail",
    "to_planes",
    "to_rgb",
]
