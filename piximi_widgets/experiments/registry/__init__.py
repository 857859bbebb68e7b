"""The model registry: what experiments have published, in numbered versions that outlive them.

It may use the experiment store around it. Experiments publish into it and begin with what it holds; `project` gives
its versions a classifier.
"""

from .models import Model, Models
from .versions import FRAMEWORKS, ModelContext, ModelFile, ModelVersion

__all__ = ["FRAMEWORKS", "Model", "ModelContext", "ModelFile", "ModelVersion", "Models"]
