"""Dataset versions: taking them, what they hold, and how two of them differ.

The dataset gets it as the mixin ``versioning.Versioning``.
"""

from __future__ import annotations
