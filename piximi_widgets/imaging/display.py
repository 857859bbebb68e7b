"""From measured values to colours on a screen.

Nothing here touches what a network is trained on: it only decides how an image looks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Window = tuple[tuple[float, float], ...]
"""For each channel the values that are shown as black and as full colour."""

# Piximi's default colours: red, green, blue, yellow, cyan, magenta, and white for every further channel.
_CHANNEL_COLORS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.float32
)
_PERCENTILES = (0.1, 99.9)
_VALUES_PER_SAMPLE = 65_536


def display_window(samples: Sequence[np.ndarray]) -> Window:
    """Choose one contrast for all images, so that bright images look brighter than dark ones.

    Parameters
    ----------
    samples : sequence of (Z, H, W, C) ndarray
        A few images of the project. They may differ in size and in their number of channels.

    Returns
    -------
    tuple of (float, float)
        For each channel the values shown as black and as full colour: 0 and 255 when every sample is
        uint8, else the percentiles 0.1 and 99.9 of all finite values, so that a hot pixel does not
        darken everything. No samples give one window of 0 to 255.
    """
    if not samples or all(sample.dtype == np.uint8 for sample in samples):
        channels = max((sample.shape[-1] for sample in samples), default=1)
        return ((0.0, 255.0),) * channels
    windows = []
    for channel in range(max(sample.shape[-1] for sample in samples)):
        values = np.concatenate([_some_values(s, channel) for s in samples if s.shape[-1] > channel])
        low, high = np.percentile(values, _PERCENTILES) if values.size else (0.0, 1.0)
        windows.append((float(low), float(high) if high > low else float(low) + 1.0))
    return tuple(windows)


def to_rgb(pixels: np.ndarray, window: Window, plane: int = 0) -> np.ndarray:
    """Colour one plane of an image.

    One channel is grey. Three uint8 channels are taken as the colours that they are. All else is the sum
    of the channels in red, green, blue, yellow, cyan and magenta, further ones in white, clipped.

    Parameters
    ----------
    pixels : (Z, H, W, C) ndarray
    window : tuple of (float, float)
        From `display_window`. Channels that it lacks are shown over their own range.
    plane : int, default 0

    Returns
    -------
    (H, W, 3) ndarray of uint8
    """
    image = pixels[plane]
    channels = image.shape[-1]
    if channels == 3 and image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    if channels == 1:
        grey = _to_bytes(_scaled(image[..., 0], window, 0))
        return np.repeat(grey[..., None], 3, axis=-1)
    total = np.zeros((*image.shape[:2], 3), dtype=np.float32)
    for channel in range(channels):
        color = _CHANNEL_COLORS[min(channel, len(_CHANNEL_COLORS) - 1)]
        total += _scaled(image[..., channel], window, channel)[..., None] * color
    return _to_bytes(total)


def _some_values(sample: np.ndarray, channel: int) -> np.ndarray:
    values = sample[..., channel].reshape(-1)
    values = values[:: max(1, values.size // _VALUES_PER_SAMPLE)].astype(np.float64)
    return values[np.isfinite(values)]


def _scaled(values: np.ndarray, window: Window, channel: int) -> np.ndarray:
    values = np.nan_to_num(values.astype(np.float32), nan=0.0)
    if channel < len(window):
        low, high = window[channel]
    else:
        low, high = float(values.min()), float(values.max())
    return np.clip((values - low) / max(high - low, 1e-30), 0.0, 1.0)


def _to_bytes(fractions: np.ndarray) -> np.ndarray:
    return np.minimum(fractions * 255.0 + 0.5, 255.0).astype(np.uint8)
