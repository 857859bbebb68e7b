"""The settings of a training, in the order in which the form shows them."""

from .augmentation import DETAILS as AUGMENTATION_DETAILS
from .augmentation import PRESETS as AUGMENTATION_PRESETS
from .augmentation import usual_augmentation
from .fields import GROUPS
from .settings import SCHEMA_VERSION, TrainingConfig, field_details, plays_a_part

__all__ = [
    "AUGMENTATION_DETAILS",
    "AUGMENTATION_PRESETS",
    "GROUPS",
    "SCHEMA_VERSION",
    "TrainingConfig",
    "field_details",
    "plays_a_part",
    "usual_augmentation",
]
