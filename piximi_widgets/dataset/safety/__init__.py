"""What keeps a week of labels: backups, the check of everything, and mending a damaged database.

The dataset gets it as the mixin ``checking.Checking``.
"""

from __future__ import annotations
