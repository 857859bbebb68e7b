"""What the groups of settings share: how a field is described, and the types of some values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

GROUPS = ("Architecture", "Preprocessing", "Augmentation", "Dataset", "Optimization")

Side = Annotated[int, Field(ge=1, le=2048)]
Channels = Annotated[int, Field(ge=1, le=64)]
Channel = Annotated[int, Field(strict=True, ge=0, le=1023)]
Plane = Annotated[int, Field(strict=True, ge=0, le=65535)]


class Group(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def setting(
    default: Any,
    *,
    group: str,
    title: str,
    expects: str,
    description: str,
    label: str | None = None,
    advanced: bool = False,
    only_with: Mapping[str, tuple[Any, ...]] | None = None,
    **limits: Any,
) -> Any:
    """Describe a field.

    Parameters
    ----------
    default : Any
    group : str
        One of `GROUPS`.
    title, description : str
        A name and what the setting does.
    expects : str
        What a valid value is, as the end of a sentence.
    label : str, optional
        What the form calls it; the title by default.
    advanced : bool
        Whether most people leave it as it is.
    only_with : mapping of field names to values, optional
        The setting plays a part only while each of these fields has one of the values.
    **limits
        ``ge``, ``gt``, ``le``, ``lt`` and so on.
    """
    details: dict[str, Any] = {
        "group": group,
        "label": label or title,
        "expects": expects,
        "advanced": advanced,
        "only_with": {name: list(values) for name, values in (only_with or {}).items()},
    }
    return Field(default, title=title, description=description, json_schema_extra=details, **limits)
