"""The form in which a training is set up and started.

Its controls are made from the fields of ``engine.config.TrainingConfig``; what is wrong is said beside the field. It
uses a project (problems, fit, warm) and never loads TensorFlow.
"""

from .form import TrainingForm

__all__ = ["TrainingForm"]
