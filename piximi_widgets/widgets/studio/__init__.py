"""The whole loop in one widget: label, train, evaluate, relabel, as tabs over one project.

The studio only joins the other widgets and keeps them in step; everything that they show is on disk.
"""

from .studio import Studio

__all__ = ["Studio"]
