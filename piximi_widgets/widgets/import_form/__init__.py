"""A form that adds images to a project: from where, labeled how, joined by which pattern, with a bar and Cancel."""

from __future__ import annotations

from .form import ImportForm

__all__ = ["ImportForm"]
