"""Who is trained on and who is scored: partitions, groups, images fixed by hand, and leakage.

The dataset gets it as the mixin ``partitioning.Partitioning``.
"""

from __future__ import annotations
