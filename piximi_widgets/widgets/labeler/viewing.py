"""What the viewer of a page asks: one image's pixels as they were measured, and how images are shown.

===============  ================================================  ==============================================
kind             question                                          answer
===============  ================================================  ==============================================
``image``        ``image``                                         ``image``: name, sizes, dtype, pixel size, the
                                                                   windows and the plane that the grid draws it with
``pixels``       ``image``, ``plane``, ``channels``, ``region``,   ``dtype``, ``shape``, ``plane``, ``step``; a
                 ``step``                                          buffer for each channel
``display``                                                        ``display``
``set_display``  ``channel``, ``color``, ``visible``, ``gamma``,   ``display``, as it is then
                 ``window``, ``plane``, ``contrast``, ``reset``
===============  ================================================  ==============================================
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ...dataset import Dataset
from ...dataset.files.decoded import DecodedImages
from ...errors import PiximiError
from ...imaging.projection import Plane, take_plane
from .pixels import Region, clamped, cut
from .questions import Answer, Question, checked_whole

# What neighbours and planes of an image that is looked at may take while decoded; one larger image is kept alone.
_DECODED_BYTES = 96 << 20
# After that nobody looks any more, and a large image is not worth its memory.
_IDLE_SECONDS = 60.0
_OF_A_CHANNEL = ("color", "visible", "gamma", "window")


class Viewing:
    """Answers a page's questions about single images; made for one thread at a time.

    Parameters
    ----------
    project : Dataset
    author : str
        Whose changes of the display settings these are.
    """

    def __init__(self, project: Dataset, author: str) -> None:
        self._project = project
        self._author = author
        self._decoded = DecodedImages(_DECODED_BYTES)
        self._idle: threading.Timer | None = None

    def image(self, question: Question) -> Answer:
        """What there is to know before pixels are asked for."""
        image_id = question.whole("image")
        described = self._project.describe(image_id)
        content = {
            "id": image_id,
            "name": described.name,
            "height": described.height,
            "width": described.width,
            "channels": described.channels,
            "planes": described.planes,
            "dtype": described.dtype,
            "pixel_size": listed(described.pixel_size),
            "windows": [list(ends) for ends in self._project.picture_window(image_id)],
            "plane": self._project.display.plane,
        }
        return {"image": content}, []

    def pixels(self, question: Question) -> Answer:
        """A region of one plane, channel by channel."""
        plane = _plane(question.content.get("plane", 0))
        step = question.whole("step") if "step" in question.content else 1
        if step < 1:
            raise PiximiError("The page asked for every 0th pixel; the step is at least 1. Reload the page.")
        image, number = self._image(question.whole("image"), plane)
        self._wait_for_idleness()
        height, width, count = image.shape
        channels = _channels(question.content.get("channels"), count)
        region = clamped(_region(question.content.get("region")), height, width)
        parts = cut(image, channels, region, step)
        content = {
            "dtype": parts[0].dtype.name,
            "shape": list(parts[0].shape),
            "plane": number,
            "step": step,
        }
        return content, [part.tobytes() for part in parts]

    def display(self, question: Question) -> Answer:
        """How the project's images are shown."""
        project = self._project
        chosen = project.display
        channels = [
            {
                "name": channel.name,
                "color": channel.color,
                "visible": channel.visible,
                "window": list(channel.window or window),
                "automatic": channel.window is None,
                "gamma": channel.gamma,
            }
            for channel, window in zip(project.channels, project.window(), strict=False)
        ]
        content = {
            "channels": channels,
            "contrast": chosen.contrast,
            "plane": chosen.plane,
            "read_only": project.read_only,
        }
        return {"display": content}, []

    def set_display(self, question: Question) -> Answer:
        """Change how images are shown, in the grid too."""
        given, project, author = question.content, self._project, self._author
        if given.get("reset"):
            project.reset_display(by=author)
        settings = {name: given[name] for name in _OF_A_CHANNEL if given.get(name) is not None}
        if settings:
            project.set_channel(question.whole("channel"), **settings, by=author)
        if given.get("contrast") is not None:
            project.set_contrast(given["contrast"], project.display.percentiles, by=author)
        if given.get("plane") is not None:
            project.set_plane(given["plane"], by=author)
        return self.display(question)

    def close(self) -> None:
        """Forget what was decoded."""
        if self._idle is not None:
            self._idle.cancel()
        self._decoded.clear()

    def _wait_for_idleness(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(_IDLE_SECONDS, self._decoded.clear)
        self._idle.name = "piximi-labeler-idle"
        self._idle.daemon = True
        self._idle.start()

    def _image(self, image_id: int, plane: Plane) -> tuple[np.ndarray, int | None]:
        """(H, W, C) pixels of a plane, and its number; None for a projection."""
        stack = self._decoded.get(image_id, lambda: self._project.pixels(image_id))
        if len(stack) == 1:
            return stack[0], 0
        if plane == "max":
            # A projection of a deep stack takes as long as decoding it.
            return self._decoded.get((image_id, plane), lambda: take_plane(stack, plane)), None
        number = len(stack) // 2 if plane == "middle" else min(int(plane), len(stack) - 1)
        return take_plane(stack, number), number


def listed(pixel_size: Any) -> list[float | None] | None:
    """A pixel size as JSON; None where no part of it is known."""
    if pixel_size is None or all(size is None for size in pixel_size):
        return None
    return [None if size is None else float(size) for size in pixel_size]


def _plane(value: Any) -> Plane:
    if isinstance(value, str):
        if value in ("max", "middle"):
            return value  # type: ignore[return-value]
        raise PiximiError(f'The plane is a whole number from 0, "max" or "middle", not {value!r:.60}.')
    return checked_whole(value, "the plane")


def _channels(value: Any, count: int) -> list[int]:
    if not isinstance(value, list) or not 0 < len(value) <= count:
        raise PiximiError(f"The page named no channels, or too many; the image has {count}.")
    channels = [checked_whole(channel, "a channel") for channel in value]
    if max(channels) >= count:
        raise PiximiError(
            f"There is no channel {max(channels)}; the image has the channels 0 to {count - 1}."
        )
    return channels


def _region(value: Any) -> Region:
    if not isinstance(value, list) or len(value) != 4:
        raise PiximiError(f"A region is its top, left, height and width, not {value!r:.60}. Reload the page.")
    top, left, height, width = (checked_whole(number, "the region") for number in value)
    return top, left, height, width
