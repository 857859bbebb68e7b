"""Categories and labels: what each action does, undo and redo, and label files.

The dataset gets it as the mixin ``labeling.Labeling``.
"""

from __future__ import annotations
