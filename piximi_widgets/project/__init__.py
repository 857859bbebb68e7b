"""What a user holds: the project and its experiments.

`Project` is a dataset with an experiment store and a trainer beside it; `Experiment` is the store's experiment
with all that needs the project's images. They join the rooms below and contain neither SQL nor TensorFlow; the
widgets and the samples stand on them.
"""

from .experiment import Experiment
from .project import Project

__all__ = ["Experiment", "Project"]
