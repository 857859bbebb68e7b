"""Values as an export writes them: strict JSON, and cells of CSV."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ..values import as_datetime


def strict(value: Any) -> Any:
    """JSON types without NaN and infinities, for which "NaN", "Infinity" and "-Infinity" stand."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, list):
        return [strict(item) for item in value]
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    return value


def strict_json(value: Any) -> str:
    return json.dumps(strict(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def number(value: float | None) -> str:
    """A number as a cell; None is NaN, as the store keeps points."""
    return "NaN" if value is None else str(strict(float(value)))


def moment(milliseconds: int | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    found = as_datetime(milliseconds)
    return None if found is None else found.isoformat(timespec="milliseconds")


def short_floats(data: bytes) -> list[float]:
    """Little-endian float32 as floats with the fewest digits that are the same float32."""
    return [float(str(value)) for value in np.frombuffer(data, "<f4")]
