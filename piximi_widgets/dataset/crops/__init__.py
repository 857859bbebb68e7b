"""Cells as images: reading tables of objects and label masks, and cutting windows out of parents.

The dataset gets it as the mixin ``cropping.Cropping``.
"""

from __future__ import annotations
