"""Where pixels lie: reading them, knowing them by their hash, finding files that moved, and packing.

The dataset gets it as the mixin ``filing.Filing``; all others read pixels through ``pixels.PixelReader``.
"""

from __future__ import annotations
