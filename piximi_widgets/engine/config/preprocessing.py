"""What a network sees of an image."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from .fields import Channel, Channels, Group, Plane, Side, setting
from .numbers import listed_numbers, whole_number

_GROUP = "Preprocessing"


class PreprocessingSettings(Group):
    """Size, channels, plane, crop and scale of the pixels."""

    input_shape: Literal["auto"] | tuple[Side, Side, Channels | Literal["auto"]] = setting(
        "auto",
        group=_GROUP,
        title="Input shape",
        expects="'auto', or height, width (1 to 2048) and channels (1 to 64, or 'auto'), like (32, 32, 1)",
        description="Height, width and channels to which every image is brought; auto takes them from the training images.",
    )
    channels: Literal["all"] | Annotated[tuple[Channel, ...], Field(min_length=1, max_length=64)] = setting(
        "all",
        group=_GROUP,
        title="Channels",
        expects="'all', or the numbers of channels from 0, each once, like (0, 2)",
        description="The channels that the network sees, counted from 0 and in this order; which channels are shown "
        "plays no part.",
    )
    plane: Literal["middle", "max"] | Plane = setting(
        0,
        group=_GROUP,
        title="Plane",
        expects="a whole number from 0, 'middle' or 'max'",
        description="What is taken of a stack: the plane of this number, counted from 0 (of a shorter stack the last); "
        "the middle plane; or max, the brightest value of all planes. Which plane is shown plays no part.",
    )
    crop: Literal["none", "match"] = setting(
        "none",
        group=_GROUP,
        title="Crop",
        expects="'none' or 'match'",
        description="none resizes the whole image to the input shape; match cuts a piece of the input's size out of it "
        "(smaller images get a border of zeros): the middle one, or several at random places.",
        advanced=True,
    )
    crops: int = setting(
        1,
        group=_GROUP,
        title="Number of crops",
        expects="a whole number from 1 to 64",
        description="With crop match: how many pieces of each training image an epoch sees. One is taken from the middle, "
        "several from random places; other images are always cut in the middle.",
        advanced=True,
        only_with={"crop": ("match",)},
        ge=1,
        le=64,
    )
    resize: Literal["bilinear", "bicubic", "nearest"] = setting(
        "bilinear",
        group=_GROUP,
        title="Resize method",
        expects="'bilinear', 'bicubic' or 'nearest'",
        description="How pixels are computed when an image is resized; bilinear and bicubic average fine structure where "
        "they shrink, nearest takes single pixels as they are.",
        advanced=True,
        only_with={"crop": ("none",)},
    )
    aspect: Literal["stretch", "keep"] = setting(
        "stretch",
        group=_GROUP,
        title="Aspect ratio",
        expects="'stretch' or 'keep'",
        description="stretch fills the input shape; keep leaves the proportions of the image and fills the rest with "
        "its border's values.",
        advanced=True,
        only_with={"crop": ("none",)},
    )
    normalization: Literal["training-statistics", "bit-depth", "percentile", "none"] = setting(
        "training-statistics",
        group=_GROUP,
        title="Normalization",
        label="Rescale pixel intensities",
        expects="'training-statistics', 'bit-depth', 'percentile' or 'none'",
        description="training-statistics shifts and scales each channel to mean 0 and deviation 1, measured on the "
        "training images only; percentile brings their 1st to 99th percentile to 0 to 1; bit-depth divides by the largest "
        "value of the data type, 255 or 65535; none passes the pixel values as they are.",
    )
    shuffle: bool = setting(
        True,
        group=_GROUP,
        title="Shuffle",
        label="Shuffle every epoch",
        expects="True or False",
        description="Visit the training images in a new order in every epoch.",
    )

    @field_validator("channels", "plane", mode="before")
    @classmethod
    def _take_any_whole_number(cls, value: Any, info: Any) -> Any:
        return whole_number(value) if info.field_name == "plane" else listed_numbers(value)

    @field_validator("channels", mode="after")
    @classmethod
    def _refuse_a_channel_twice(cls, value: Any) -> Any:
        if len(set(value)) != len(value) and value != "all":
            raise ValueError("a channel is named twice")
        return value
