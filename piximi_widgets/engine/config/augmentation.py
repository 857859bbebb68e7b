"""Random views of the training images, drawn anew for every epoch.

``augmentation`` names a preset. Its settings can be given one by one too: what is given wins over the preset, and a
combination that no preset has is called ``"custom"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from .fields import Group, setting

_GROUP = "Augmentation"

_NOTHING: dict[str, Any] = {
    "horizontal_flip": False,
    "vertical_flip": False,
    "quarter_turns": False,
    "rotation": 0.0,
    "zoom": 0.0,
    "shift": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "noise": 0.0,
    "cutout": 0.0,
}
#: Settings by the name of the preset.
PRESETS: dict[str, dict[str, Any]] = {
    "none": _NOTHING,
    "gentle": _NOTHING | {"shift": 0.1},
    "microscopy": _NOTHING
    | {
        "horizontal_flip": True,
        "vertical_flip": True,
        "quarter_turns": True,
        "shift": 0.1,
        "brightness": 0.1,
        "contrast": 0.1,
    },
    "natural": _NOTHING
    | {
        "horizontal_flip": True,
        "rotation": 10.0,
        "zoom": 0.1,
        "shift": 0.1,
        "brightness": 0.2,
        "contrast": 0.2,
    },
}
#: The settings that a preset decides on.
DETAILS = tuple(_NOTHING)
_DEFAULT = PRESETS["gentle"]


def usual_augmentation(architecture: object) -> str:
    """The preset that an architecture has where none is chosen."""
    # Mobilenet's frozen base is computed once for images that stay as they are, and else in every epoch.
    return "none" if architecture == "mobilenet" else "gentle"


def _detail(name: str, **description: Any) -> Any:
    return setting(_DEFAULT[name], group=_GROUP, advanced=True, **description)


class AugmentationSettings(Group):
    """What happens to each training image before an epoch sees it."""

    augmentation: Literal["none", "gentle", "microscopy", "natural", "custom"] = setting(
        "gentle",
        group=_GROUP,
        title="Augmentation",
        expects="'none', 'gentle', 'microscopy', 'natural' or 'custom'",
        description="How training images are varied, so that the network learns what does not matter. gentle shifts them "
        "a little, which is right for letters and digits too; microscopy also flips and turns them, since cells have no "
        "upper side, and varies their brightness; natural is for photographs; none leaves them as they are. With mobilenet "
        "the default is none: what its base makes of an image is then computed once, and not in every epoch.",
    )
    horizontal_flip: bool = _detail(
        "horizontal_flip",
        title="Flip horizontally",
        expects="True or False",
        description="Mirror half of the images left to right.",
    )
    vertical_flip: bool = _detail(
        "vertical_flip",
        title="Flip vertically",
        expects="True or False",
        description="Mirror half of the images top to bottom.",
    )
    quarter_turns: bool = _detail(
        "quarter_turns",
        title="Quarter turns",
        expects="True or False",
        description="Turn each image by 0, 90, 180 or 270 degrees; an input that is not square by 0 or 180.",
    )
    rotation: float = _detail(
        "rotation",
        title="Rotation (degrees)",
        expects="a number from 0 to 180",
        description="Turn each image by up to this many degrees to either side.",
        ge=0.0,
        le=180.0,
    )
    zoom: float = _detail(
        "zoom",
        title="Zoom",
        expects="a number from 0 to 0.5, usually 0.1",
        description="Enlarge or shrink each image by up to this share.",
        ge=0.0,
        le=0.5,
    )
    shift: float = _detail(
        "shift",
        title="Random shift",
        expects="a number from 0 to 0.5, usually 0.1",
        description="Move each image by up to this share of its height and width, so that the network learns that position "
        "does not matter; 0 leaves the images where they are.",
        ge=0.0,
        le=0.5,
    )
    brightness: float = _detail(
        "brightness",
        title="Brightness",
        expects="a number from 0 to 2, usually 0.1",
        description="Make each channel brighter or darker by up to this many standard deviations of the training images.",
        ge=0.0,
        le=2.0,
    )
    contrast: float = _detail(
        "contrast",
        title="Contrast",
        expects="a number from 0 to 0.9, usually 0.1",
        description="Stretch or flatten each channel around its mean by up to this share.",
        ge=0.0,
        le=0.9,
    )
    noise: float = _detail(
        "noise",
        title="Noise",
        expects="a number from 0 to 2, usually 0.1",
        description="Add normal noise of this many standard deviations of the training images to every pixel.",
        ge=0.0,
        le=2.0,
    )
    cutout: float = _detail(
        "cutout",
        title="Cutout",
        expects="a number from 0 to 0.5, usually 0.25",
        description="Blank a square of this share of the height and width at a random place, so that the network does not "
        "rely on one detail.",
        ge=0.0,
        le=0.5,
    )

    @model_validator(mode="before")
    @classmethod
    def _apply_the_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        name = values.get("augmentation", usual_augmentation(values.get("architecture")))
        preset = PRESETS.get(name) if isinstance(name, str) else None
        return {**preset, **values} if preset is not None else values

    @model_validator(mode="after")
    def _name_the_preset(self) -> AugmentationSettings:
        details = {name: getattr(self, name) for name in DETAILS}
        found = next((name for name, preset in PRESETS.items() if preset == details), "custom")
        # Frozen for everybody else: the name follows from the details.
        self.__dict__["augmentation"] = found
        return self
