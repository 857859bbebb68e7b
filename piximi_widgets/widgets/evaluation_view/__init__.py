"""Where a classifier is right and where it is wrong, and the images behind each number.

The view compares an experiment's stored predictions with the labels, follows the labels while they are mended, and shows the
images of a cell of the confusion matrix in a gallery in which they can be labeled.
"""

from .view import EvaluationView

__all__ = ["EvaluationView"]
