"""From measured values to colours on a screen.

Nothing here touches what a network is trained on: it only decides how an image looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np

from ..errors import ConfigurationError
from .display_values import (
    COLORS,
    LONGEST_NAME,
    PERCENTILES,
    checked_color,
    checked_name,
    checked_pair,
    finite,
    storable,
)
from .projection import Plane, take_plane

Window = tuple[tuple[float, float], ...]
"""For each channel the values that are shown as black and as full colour."""

_WHITE = COLORS["white"]
# More colours than these hide each other when they are added.
_VISIBLE_AT_FIRST = 3
_BYTES = (0.0, 255.0)
_VALUES_PER_SAMPLE = 65_536


@dataclass(frozen=True, slots=True)
class ChannelDisplay:
    """How one channel is shown; None leaves a choice to the default.

    Attributes
    ----------
    name : str, optional
        By default the file's name for it, else ``"channel 0"`` with the number of the channel.
    color : str, optional
        ``"#rrggbb"``, or red, green, blue, yellow, cyan, magenta or white. By default these in this order; an
        image's only channel is white.
    visible : bool, optional
        By default the first three channels are.
    window : (low, high), optional
        The values shown as black and as full colour. By default they follow from the images, see `Display`.
    gamma : float
        The exponent of the brightness between black (0) and full colour (1): below 1 it lifts what is dark.

    Raises
    ------
    ConfigurationError
        A value is outside its range; ``problems`` says which.
    """

    name: str | None = None
    color: str | None = None
    visible: bool | None = None
    window: tuple[float, float] | None = None
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if self.name is not None:
            object.__setattr__(self, "name", checked_name(self.name))
        if self.color is not None:
            object.__setattr__(self, "color", checked_color(self.color))
        if self.visible is not None:
            if not isinstance(self.visible, (bool, np.bool_)):
                raise ConfigurationError({"visible": f"Visible is True or False, not {self.visible!r:.60}."})
            object.__setattr__(self, "visible", bool(self.visible))
        if self.window is not None:
            object.__setattr__(self, "window", checked_pair("window", self.window))
        gamma = finite(self.gamma)
        if gamma is None or gamma <= 0:
            raise ConfigurationError(
                {"gamma": f"The gamma is a number above 0, usually from 0.3 to 3, not {self.gamma!r:.60}."}
            )
        object.__setattr__(self, "gamma", gamma)


@dataclass(frozen=True, slots=True)
class Display:
    """How the images of a project are shown.

    Attributes
    ----------
    channels : tuple of ChannelDisplay
        What was chosen for the channels 0, 1, …; further ones have the defaults.
    contrast : {"project", "image"}
        Where automatic windows come from: one for all images, or one for each image by itself. The latter
        misleads: dark and bright images, and an empty one, look alike then.
    percentiles : (float, float), optional
        The share of the values in percent that is black at most, and full colour at least. By default 0.1 and
        99.9; by default, too, images of bytes are shown over their whole range under the project's contrast.
    plane : int, "middle" or "max"
        The plane of a stack that is shown (of a shorter stack the last), or its maximum projection.

    Raises
    ------
    ConfigurationError
        A value is outside its range; ``problems`` says which.
    """

    channels: tuple[ChannelDisplay, ...] = ()
    contrast: str = "project"
    percentiles: tuple[float, float] | None = None
    plane: Plane = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if not isinstance(self.contrast, str) or self.contrast not in ("project", "image"):
            raise ConfigurationError(
                {"contrast": f'The contrast is "project" or "image", not {self.contrast!r:.60}.'}
            )
        if self.percentiles is not None:
            low, high = checked_pair("percentiles", self.percentiles)
            if low < 0 or high > 100:
                raise ConfigurationError(
                    {"percentiles": f"Percentiles lie between 0 and 100, not at {low:g} and {high:g}."}
                )
            object.__setattr__(self, "percentiles", (low, high))
        if isinstance(self.plane, (int, np.integer)) and not isinstance(self.plane, bool) and self.plane >= 0:
            object.__setattr__(self, "plane", int(self.plane))
        elif not isinstance(self.plane, str) or self.plane not in ("middle", "max"):
            raise ConfigurationError(
                {"plane": f'The plane is a whole number from 0, "middle" or "max", not {self.plane!r:.60}.'}
            )

    def resolved(self, count: int, names: Sequence[str] | None = None) -> tuple[ChannelDisplay, ...]:
        """The channels of an image with `count` of them, with the defaults filled in, windows excepted.

        Parameters
        ----------
        count : int
        names : sequence of str, optional
            The file's names for the channels.
        """
        return _resolved(self, count, None if names is None else tuple(names))

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self:
        """Read what `to_json` wrote; None gives the defaults."""
        if value is None:
            return cls()
        return cls(**{**value, "channels": tuple(ChannelDisplay(**channel) for channel in value["channels"])})


@lru_cache(maxsize=64)
def _resolved(display: Display, count: int, names: tuple[str, ...] | None) -> tuple[ChannelDisplay, ...]:
    """`Display.resolved`, made once for all pictures."""
    channels = []
    for index in range(count):
        chosen = display.channels[index] if index < len(display.channels) else ChannelDisplay()
        name = storable(names[index]) if names is not None and index < len(names) else ""
        colors = tuple(COLORS.values())
        channels.append(
            replace(
                chosen,
                name=chosen.name or name.strip()[:LONGEST_NAME] or f"channel {index}",
                color=chosen.color or (_WHITE if count == 1 else colors[min(index, len(colors) - 1)]),
                visible=index < _VISIBLE_AT_FIRST if chosen.visible is None else chosen.visible,
            )
        )
    return tuple(channels)


def display_window(samples: Sequence[np.ndarray], percentiles: tuple[float, float] | None = None) -> Window:
    """Choose one contrast for all images, so that bright images look brighter than dark ones.

    Parameters
    ----------
    samples : sequence of (Z, H, W, C) ndarray
        A few images of the project. They may differ in size and in their number of channels.
    percentiles : (float, float), optional

    Returns
    -------
    tuple of (float, float)
        For each channel the values shown as black and as full colour: the percentiles of all finite values, by
        default 0.1 and 99.9, so that a hot pixel does not darken everything. Without `percentiles` 0 and 255
        when every sample is uint8. No samples give one window of 0 to 255.
    """
    if not samples or (percentiles is None and all(sample.dtype == np.uint8 for sample in samples)):
        return (_BYTES,) * max((sample.shape[-1] for sample in samples), default=1)
    windows = []
    for channel in range(max(sample.shape[-1] for sample in samples)):
        values = np.concatenate([_some_values(s, channel) for s in samples if s.shape[-1] > channel])
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, percentiles or PERCENTILES) if values.size else (0.0, 1.0)
        windows.append((float(low), float(high) if high > low else float(low) + 1.0))
    return tuple(windows)


def image_window(
    image: np.ndarray, percentiles: tuple[float, float] | None = None, *, named: bool = False
) -> Window:
    """The contrast of one image by itself.

    Parameters
    ----------
    image : (H, W, C) ndarray
    percentiles : (float, float), optional
    named : bool
        Whether the channels have names. Three channels of bytes without names are a photograph, whose colours
        would change.
    """
    if image.dtype == np.uint8 and image.shape[-1] == 3 and not named:
        return (_BYTES,) * 3
    return display_window([image[None]], percentiles or PERCENTILES)


def sampled(image: np.ndarray) -> np.ndarray:
    """So many values of (H, W, C) or (Z, H, W, C) pixels as `display_window` needs, as a new (1, 1, N, C)."""
    columns = [_some_values(image, channel) for channel in range(image.shape[-1])]
    return np.stack(columns, axis=-1)[None, None]


def to_rgb(pixels: np.ndarray, display: Display | None = None, window: Window | None = None) -> np.ndarray:
    """Colour an image.

    Each visible channel goes from black at the low end of its window to its colour at the high end, and the
    colours are added and clipped. By default one channel is grey, and three channels of bytes are the
    photograph that they are.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    display : Display, optional
    window : tuple of (float, float), optional
        For the channels whose window `display` leaves open, from `display_window`; by default, and for channels
        that it lacks, the image's own, as by `image_window`.

    Returns
    -------
    (H, W, 3) ndarray of uint8
    """
    display = display or Display()
    image = take_plane(pixels, display.plane)
    channels = display.resolved(image.shape[-1])
    windows = [channel.window for channel in channels]
    if None in windows:
        automatic = window or ()
        if len(automatic) < len(channels):
            named = any(channel.name for channel in display.channels)
            own = image_window(image, display.percentiles, named=named)
            automatic = (*automatic, *own[len(automatic) :])
        windows = [chosen or other for chosen, other in zip(windows, automatic, strict=False)]
    if image.dtype == np.uint8 and _is_photograph(channels, windows):
        return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
    shown = [
        (
            _brightness(image[..., index], *limits, channel.gamma),
            bytes.fromhex((channel.color or _WHITE)[1:]),
        )
        for index, (channel, limits) in enumerate(zip(channels, windows, strict=True))
        if channel.visible and limits is not None
    ]
    result = np.empty((*image.shape[:2], 3), dtype=np.uint8)
    for part in range(3):
        total = np.full(image.shape[:2], 0.5)
        for brightness, color in shown:
            if color[part]:
                total += brightness * color[part]
        result[..., part] = np.minimum(total, 255.0)
    return result


def _is_photograph(channels: Sequence[ChannelDisplay], windows: Sequence[tuple[float, float] | None]) -> bool:
    """Whether the picture is the very bytes of the image: grey, or red, green and blue, over their whole range."""
    colors = [_WHITE] if len(channels) == 1 else list(COLORS.values())[:3]
    return [(channel.color, channel.visible, channel.gamma) for channel in channels] == [
        (color, True, 1.0) for color in colors
    ] and all(window == _BYTES for window in windows)


def _some_values(sample: np.ndarray, channel: int) -> np.ndarray:
    values = sample[..., channel].reshape(-1)
    # An odd step visits all columns of an image whose width is a power of two.
    return values[:: (values.size // _VALUES_PER_SAMPLE) | 1]


def _brightness(values: np.ndarray, low: float, high: float, gamma: float) -> np.ndarray:
    """From 0 to 1 in float64; NaN is black."""
    fractions = np.clip((values.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    if values.dtype.kind == "f":
        fractions = np.nan_to_num(fractions, copy=False, nan=0.0)
    return fractions if gamma == 1.0 else fractions**gamma
