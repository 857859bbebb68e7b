"""From what a person passes to ``add_images`` to rows of images: finding files, reading headers, joining tables.

Uses imaging, plates and files; the dataset's front calls ``importing``.
"""

from __future__ import annotations
