"""Projects that need no network.

Each function opens a project, or makes it first; a second one gives the truth of all its images. They stand on
`piximi_widgets.project` alone; notebooks, tests and benchmarks use them.
"""

from .cells import cells, cells_truth
from .digits import digits, digits_truth

__all__ = ["cells", "cells_truth", "digits", "digits_truth"]
