"""The settings of a training: flat, frozen, validated, in the order in which the form shows them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import ConfigurationError

SCHEMA_VERSION = 1
GROUPS = ("Architecture", "Preprocessing", "Dataset", "Optimization")

_Side = Annotated[int, Field(ge=1, le=2048)]
_Channels = Annotated[int, Field(ge=1, le=64)]
_Channel = Annotated[int, Field(strict=True, ge=0, le=1023)]
_Plane = Annotated[int, Field(strict=True, ge=0, le=65535)]


def _describe(group: str, label: str, expects: str) -> dict[str, Any]:
    return {"group": group, "label": label, "expects": expects}


class TrainingConfig(BaseModel):
    """All settings of one training.

    An instance never changes; ``config.model_copy(update={"epochs": 5})`` makes a new one and validates it. Each field's
    ``json_schema_extra`` holds ``group`` (one of `GROUPS`), ``label`` and ``expects`` (what a valid value is, as the
    end of a sentence).

    Raises
    ------
    ConfigurationError
        One or more values are outside their range; ``problems`` holds a sentence for each field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    architecture: Literal["simple-cnn"] = Field(
        "simple-cnn",
        title="Architecture",
        description="The network: simple-cnn has two convolutions and one dense layer, and trains in seconds.",
        json_schema_extra=_describe("Architecture", "Architecture", "'simple-cnn'"),
    )
    input_shape: Literal["auto"] | tuple[_Side, _Side, _Channels] = Field(
        "auto",
        title="Input shape",
        description="Height, width and channels to which every image is brought; auto takes them from the training images.",
        json_schema_extra=_describe(
            "Preprocessing",
            "Input shape",
            "'auto', or height, width (1 to 2048) and channels (1 to 64), like (32, 32, 1)",
        ),
    )
    channels: Literal["all"] | Annotated[tuple[_Channel, ...], Field(min_length=1, max_length=64)] = Field(
        "all",
        title="Channels",
        description="The channels that the network sees, counted from 0 and in this order; which channels are shown "
        "plays no part.",
        json_schema_extra=_describe(
            "Preprocessing", "Channels", "'all', or the numbers of channels from 0, each once, like (0, 2)"
        ),
    )
    plane: Literal["middle", "max"] | _Plane = Field(
        0,
        title="Plane",
        description="What is taken of a stack: the plane of this number, counted from 0 (of a shorter stack the last); "
        "the middle plane; or max, the brightest value of all planes. Which plane is shown plays no part.",
        json_schema_extra=_describe("Preprocessing", "Plane", "a whole number from 0, 'middle' or 'max'"),
    )
    normalization: Literal["training-statistics", "none"] = Field(
        "training-statistics",
        title="Normalization",
        description="training-statistics shifts and scales each channel to mean 0 and deviation 1, "
        "measured on the training images only; none passes the pixel values as they are.",
        json_schema_extra=_describe(
            "Preprocessing", "Rescale pixel intensities", "'training-statistics' or 'none'"
        ),
    )
    shuffle: bool = Field(
        True,
        title="Shuffle",
        description="Visit the training images in a new order in every epoch.",
        json_schema_extra=_describe("Preprocessing", "Shuffle every epoch", "True or False"),
    )
    shift: float = Field(
        0.1,
        ge=0.0,
        le=0.5,
        title="Random shift",
        description="In every epoch each training image is moved by up to this share of its height and width, so that "
        "the network learns that position does not matter; 0 leaves the images where they are.",
        json_schema_extra=_describe("Preprocessing", "Random shift", "a number from 0 to 0.5, usually 0.1"),
    )
    training_fraction: float = Field(
        0.75,
        ge=0.1,
        le=0.99,
        title="Training fraction",
        description=(
            "The share of newly labeled images that goes to training; the rest goes to validation. Where the project was"
            " split by hand, the fractions of that split hold instead."
        ),
        json_schema_extra=_describe("Dataset", "Training fraction", "a number from 0.1 to 0.99"),
    )
    optimizer: Literal["adam", "sgd"] = Field(
        "adam",
        title="Optimizer",
        description="adam adapts the step of every weight; sgd takes plain steps with momentum.",
        json_schema_extra=_describe("Optimization", "Optimization algorithm", "'adam' or 'sgd'"),
    )
    momentum: float = Field(
        0.9,
        ge=0.0,
        lt=1.0,
        title="Momentum",
        description="How much of the last step sgd keeps; adam does not use it.",
        json_schema_extra=_describe(
            "Optimization", "Momentum (sgd)", "a number from 0 to below 1, usually 0.9"
        ),
    )
    learning_rate: float = Field(
        0.003,
        gt=0.0,
        le=10.0,
        title="Learning rate",
        description="The size of the optimizer's steps: too large and the loss jumps, too small and it hardly moves.",
        json_schema_extra=_describe(
            "Optimization", "Learning rate", "a number above 0 and at most 10, usually between 0.0001 and 0.1"
        ),
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine",
        title="Schedule",
        description="cosine lowers the learning rate from epoch to epoch along half a cosine, almost to 0, so that the "
        "training settles; constant keeps it.",
        json_schema_extra=_describe("Optimization", "Learning rate schedule", "'constant' or 'cosine'"),
    )
    batch_size: int = Field(
        16,
        ge=1,
        le=4096,
        title="Batch size",
        description="The number of images after which the weights are adjusted.",
        json_schema_extra=_describe(
            "Optimization", "Batch size", "a whole number from 1 to 4096, usually 16 to 64"
        ),
    )
    epochs: int = Field(
        40,
        ge=1,
        le=10_000,
        title="Epochs",
        description="How many times the training visits every training image.",
        json_schema_extra=_describe("Optimization", "Epochs", "a whole number from 1 to 10000"),
    )
    loss: Literal["softmax-cross-entropy"] = Field(
        "softmax-cross-entropy",
        title="Loss",
        description="What the training makes small: the cross-entropy between the labels and the predicted probabilities.",
        json_schema_extra=_describe("Optimization", "Loss function", "'softmax-cross-entropy'"),
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Drives the initial weights and the order of the images: the same seed and record give the same weights.",
        json_schema_extra=_describe("Optimization", "Seed", "a whole number from 0 to 2147483647"),
    )

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigurationError(_sentences(error)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_as_numbers(cls, value: Any, info: Any) -> Any:
        if isinstance(value, bool) and info.field_name != "shuffle":
            raise ValueError("a truth value is no number")
        return value

    @field_validator("channels", "plane", mode="before")
    @classmethod
    def _take_any_whole_number(cls, value: Any, info: Any) -> Any:
        # NumPy's numbers too, and one channel without brackets.
        if isinstance(value, Integral) and not isinstance(value, bool):
            return int(value) if info.field_name == "plane" else (int(value),)
        if (
            info.field_name == "channels"
            and isinstance(value, Iterable)
            and not isinstance(value, str | Mapping)
        ):
            return tuple(
                int(item) if isinstance(item, Integral) and not isinstance(item, bool) else item
                for item in value
            )
        return value

    @field_validator("channels", mode="after")
    @classmethod
    def _refuse_a_channel_twice(cls, value: Any) -> Any:
        if len(set(value)) != len(value) and value != "all":
            raise ValueError("a channel is named twice")
        return value

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate a mapping or an instance; errors are ConfigurationError, as everywhere."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise ConfigurationError(_sentences(error)) from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with the settings in `update` replaced, validated like a new one."""
        return type(self)(**{**self.model_dump(), **(update or {})})

    def to_json(self) -> dict[str, Any]:
        """Return a flat dict of JSON values, with the schema version, as an experiment keeps it."""
        return {"schema_version": SCHEMA_VERSION, **self.model_dump(mode="json")}

    @classmethod
    def from_json(cls, value: str | bytes | Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, as a mapping or as JSON text; missing settings take their defaults.

        Raises
        ------
        ConfigurationError
            The text is no JSON object, a value is outside its range, or a newer version of this package wrote it.
        """
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise ConfigurationError(
                    {"settings": f"These settings are not JSON text ({error})."}
                ) from None
        if not isinstance(value, Mapping):
            raise ConfigurationError({"settings": f"Settings must be named values; got {value!r:.80}."})
        settings = dict(value)
        version = settings.pop("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise ConfigurationError(
                {
                    "schema_version": f"These settings have schema version {version}; this piximi_widgets reads up to "
                    f"{SCHEMA_VERSION}. Update the package to use them."
                }
            )
        return cls(**settings)


def field_details(name: str) -> dict[str, Any]:
    """Return ``group``, ``label`` and ``expects`` of the field `name`."""
    extra = TrainingConfig.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)


def _sentences(error: ValidationError) -> dict[str, str]:
    problems: dict[str, str] = {}
    for item in error.errors(include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else "settings"
        # A union reports one error for each of its branches; the first names the field, and one sentence is enough.
        if name in problems:
            continue
        if name not in TrainingConfig.model_fields:
            near = difflib.get_close_matches(name, TrainingConfig.model_fields, n=1)
            hint = (
                f" Did you mean {near[0]}?"
                if near
                else f" There are: {', '.join(TrainingConfig.model_fields)}."
            )
            problems[name] = f"There is no setting of this name.{hint}"
            continue
        details = field_details(name)
        got = item["input"] if len(item["loc"]) == 1 else _whole_value(error, name)
        problems[name] = f"{details['label']} must be {details['expects']}; got {got!r:.60}."
    return problems


def _whole_value(error: ValidationError, name: str) -> Any:
    # Errors inside a tuple carry only the bad member; the "auto" branch of the same union carries the whole value.
    for item in error.errors(include_url=False, include_context=False):
        if item["loc"][0] == name and item["type"] in ("literal_error", "tuple_type"):
            return item["input"]
    return next(
        item["input"]
        for item in error.errors(include_url=False, include_context=False)
        if item["loc"][0] == name
    )
