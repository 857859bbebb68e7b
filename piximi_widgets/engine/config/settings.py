"""`TrainingConfig`: all groups of settings in one flat, frozen, validated object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError, field_validator

from ...errors import ConfigurationError
from .architecture import ArchitectureSettings, recorded
from .augmentation import DETAILS, PRESETS, AugmentationSettings
from .fields import GROUPS
from .optimization import DatasetSettings, OptimizationSettings
from .piximi import PIXIMI, departures
from .preprocessing import PreprocessingSettings
from .sentences import sentences

SCHEMA_VERSION = 2


class TrainingConfig(  # the groups in reverse: pydantic puts the fields of the last one first
    OptimizationSettings,
    DatasetSettings,
    AugmentationSettings,
    PreprocessingSettings,
    ArchitectureSettings,
):
    """All settings of one training.

    An instance never changes; ``config.model_copy(update={"epochs": 5})`` makes a new one and validates it. Each field's
    ``json_schema_extra`` holds ``group`` (one of `GROUPS`), ``label``, ``expects`` (what a valid value is, as the end of a
    sentence), ``advanced``, and ``only_with`` (the settings with which it plays a part).

    Raises
    ------
    ConfigurationError
        One or more values are outside their range; ``problems`` holds a sentence for each field.
    """

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ConfigurationError(sentences(error, _details())) from None

    @classmethod
    def piximi(cls) -> Self:
        """The settings of Piximi 1.1.4, executed correctly; `differences` lists what that changes."""
        return cls(**PIXIMI)

    @property
    def differences(self) -> list[str]:
        """Each departure of a training with these settings from what Piximi 1.1.4 does, as a sentence."""
        return departures(self.model_dump(), {name: field_details(name)["label"] for name in PIXIMI})

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans_as_numbers(cls, value: Any, info: Any) -> Any:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("a truth value is no number")
        return value

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate a mapping or an instance; errors are ConfigurationError, as everywhere."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise ConfigurationError(sentences(error, _details())) from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with the settings in `update` replaced, validated like a new one.

        A new ``augmentation`` brings all settings of that preset, but for those that `update` gives too.
        """
        settings, news = self.model_dump(), dict(update or {})
        if str(news.get("augmentation")) in PRESETS:
            settings = {name: value for name, value in settings.items() if name not in DETAILS}
        if "architecture" in news:
            return type(self)(**{**settings, **news})
        with recorded():
            return type(self)(**{**settings, **news})

    def to_json(self) -> dict[str, Any]:
        """Return a flat dict of JSON values, with the schema version, as an experiment keeps it."""
        return {"schema_version": SCHEMA_VERSION, **self.model_dump(mode="json")}

    @classmethod
    def from_json(cls, value: str | bytes | Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, as a mapping or as JSON text; missing settings take their defaults.

        An architecture that is not registered in this process is no error here, but in whatever uses the settings.

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
        if version < 2:
            settings = _from_version_1(settings)
        with recorded():
            return cls(**settings)


def _from_version_1(settings: dict[str, Any]) -> dict[str, Any]:
    """Until then sgd had momentum, and a network saw the images as they are or shifted."""
    if settings.get("optimizer") == "sgd" and settings.get("momentum", 0.9):
        settings = {**settings, "optimizer": "momentum"}
    return settings


def field_details(name: str) -> dict[str, Any]:
    """Return ``group``, ``label``, ``expects``, ``advanced`` and ``only_with`` of the field `name`."""
    extra = TrainingConfig.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)


def plays_a_part(name: str, config: TrainingConfig) -> bool:
    """Whether the setting `name` changes anything, given the others."""
    only_with = field_details(name)["only_with"]
    return all(getattr(config, other) in values for other, values in only_with.items())


def _details() -> dict[str, dict[str, Any]]:
    return {name: field_details(name) for name in TrainingConfig.model_fields}


assert {field_details(name)["group"] for name in TrainingConfig.model_fields} <= set(GROUPS)
