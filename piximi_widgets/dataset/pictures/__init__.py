"""How images look: display settings, the project's one contrast, thumbnails and the copies they are drawn from.

The dataset gets it as the mixin ``displaying.Displaying``.
"""

from __future__ import annotations
