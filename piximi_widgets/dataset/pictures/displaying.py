"""How a project's images are shown: channels, contrast and plane. Training never sees any of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ...errors import ConfigurationError
from ...imaging.display import ChannelDisplay, Display
from ...imaging.projection import Plane
from ..foundation import Foundation
from ..records import NO_IDS, OperationResult
from ..sql import display as display_sql
from ..sql import images as image_sql
from ..sql import journal as journal_sql
from ..sql import settings
from .pictures import SETTING

Change = Callable[[Display], tuple[Display, str]]
"""Makes new settings from the stored ones, and a sentence that says what is new."""


class Displaying(Foundation):
    """The settings by which thumbnails are drawn; they are kept in the project and followed by every kernel."""

    @property
    def display(self) -> Display:
        """What was chosen for this project; where nothing was, its fields hold the defaults."""
        with self._database.read() as connection:
            return Display.from_json(settings.load(connection, SETTING))

    @property
    def channels(self) -> list[ChannelDisplay]:
        """The channels with name, color, visibility, window and gamma, the defaults filled in.

        There are as many as the image with the most channels has. Names come from `set_channel`, else from the
        files, where most files decide. A window is None where it follows from the images; `window` tells it.
        """
        count, names = self._known_channels()
        return list(self.display.resolved(count, names))

    @property
    def picture_version(self) -> str:
        """A short text that is another one whenever thumbnails may look different: for views that keep them."""
        return self._pictures.version()

    def show_channels(self, channels: Any, *, by: str | None = None) -> OperationResult:
        """Show these channels, and no others.

        Parameters
        ----------
        channels : int, str, or sequence of them
            Numbers, counted from 0, or names; ``project.show_channels(["DAPI", 2])``.
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        ConfigurationError
            If there is no such channel, or none is named.
        """
        one = isinstance(channels, (int, str, np.integer))
        wanted = [channels] if one or not isinstance(channels, Iterable) else list(channels)
        if not wanted:
            raise ConfigurationError({"channel": "Name at least one channel to show."})
        count, names = self._known_channels()

        def change(display: Display) -> tuple[Display, str]:
            known = display.resolved(count, names)
            shown = {_index(known, channel) for channel in wanted}
            changed = _filled(display, count)
            for index in range(count):
                changed[index] = replace(changed[index], visible=index in shown)
            listed = ", ".join(str(known[index].name) for index in sorted(shown))
            return replace(display, channels=tuple(changed)), f"Shown: {listed}."

        return self._change(change, by)

    def set_channel(
        self,
        channel: int | str,
        *,
        color: str | None = None,
        window: tuple[float, float] | Literal["auto"] | None = None,
        gamma: float | None = None,
        visible: bool | None = None,
        new_name: str | None = None,
        by: str | None = None,
    ) -> OperationResult:
        """Change how one channel is shown; what is not given stays.

        Parameters
        ----------
        channel : int or str
            Its number, counted from 0, or its name.
        color : str, optional
            ``"#rrggbb"``, or red, green, blue, yellow, cyan, magenta or white.
        window : (low, high) or "auto", optional
            The values shown as black and as full colour, in all images; ``"auto"`` lets them follow from the
            images again.
        gamma : float, optional
            1 shows brightness as it was measured; below 1 lifts what is dark.
        visible : bool, optional
        new_name : str, optional
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        ConfigurationError
            If there is no such channel, or a value is outside its range; nothing was changed.
        """
        count, names = self._known_channels()
        given: dict[str, Any] = {"color": color, "gamma": gamma, "visible": visible, "name": new_name}
        given = {name: value for name, value in given.items() if value is not None}
        if isinstance(window, str) and window == "auto":
            given["window"] = None
        elif window is not None:
            given["window"] = window

        def change(display: Display) -> tuple[Display, str]:
            known = display.resolved(count, names)
            index = _index(known, channel)
            changed = _filled(display, count)
            changed[index] = replace(changed[index], **given)
            new = replace(display, channels=tuple(changed))
            _refuse_taken(new.resolved(count, names), index, "name" in given)
            values = {name: getattr(changed[index], name) for name in given}
            told = [f"{name} {'automatic' if value is None else value}" for name, value in values.items()]
            return new, f"Channel {known[index].name}: {', '.join(told) or 'as it was'}."

        return self._change(change, by)

    def set_contrast(
        self,
        contrast: Literal["project", "image"],
        percentiles: tuple[float, float] | None = None,
        *,
        by: str | None = None,
    ) -> OperationResult:
        """Choose where the automatic windows of channels come from.

        Parameters
        ----------
        contrast : {"project", "image"}
            ``"project"``: one window for all images, chosen from a sample of them, so that a bright cell looks
            brighter than a dim one. ``"image"``: each image by itself. That shows structure in dim images, and
            it misleads: brightness can then not be compared, and the noise of an empty image looks like signal.
        percentiles : (float, float), optional
            So many percent of the values are black at most, and full colour at least. By default 0.1 and 99.9;
            by default, too, images of bytes are shown over their whole range under the project's contrast.
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        ConfigurationError
            If the contrast is another word, or the percentiles are not two numbers from 0 to 100 in order.
        """
        shares = "" if percentiles is None else f", percentiles {percentiles}"
        return self._change(
            lambda display: (
                replace(display, contrast=contrast, percentiles=percentiles),
                f"Contrast by {contrast}{shares}.",
            ),
            by,
        )

    def set_plane(self, plane: Plane, *, by: str | None = None) -> OperationResult:
        """Choose the plane of stacks that is shown; at first it is plane 0, as in a training.

        Parameters
        ----------
        plane : int, "middle" or "max"
            A number counted from 0 (of a shorter stack its last plane), the middle plane of each stack, or the
            maximum projection. A training chooses its own, with ``TrainingConfig(plane=…)``.
        by : str, optional
            The author, by default the user's login name.

        Raises
        ------
        ConfigurationError
            If no image has such a plane.
        """
        with self._database.read() as connection:
            planes = display_sql.planes(connection)

        def change(display: Display) -> tuple[Display, str]:
            new = replace(display, plane=plane)
            if isinstance(new.plane, int) and planes and new.plane >= planes:
                there = "have one plane, 0" if planes == 1 else f"have planes 0 to {planes - 1}"
                raise ConfigurationError(
                    {"plane": f'There is no plane {plane}: the images {there}. "max" shows them all at once.'}
                )
            return new, f"Plane {new.plane}."

        return self._change(change, by)

    def reset_display(self, *, by: str | None = None) -> OperationResult:
        """Show the images as at first: automatic names, colors and contrast, plane 0."""
        return self._change(lambda display: (Display(), "Display settings as at first."), by)

    # -- below -------------------------------------------------------------------------------------

    def _known_channels(self) -> tuple[int, list[str]]:
        """The greatest number of channels of an image, and the files' names for them, empty where there is none."""
        with self._database.read() as connection:
            count = max((channels for _, channels in image_sql.kinds_of_pixels(connection)), default=0)
            lists = display_sql.channel_names(connection)
        return count, [
            next((names[index] for names in lists if index < len(names) and names[index]), "")
            for index in range(count)
        ]

    def _change(self, change: Change, by: str | None) -> OperationResult:
        """Store new settings and append their operation, in one transaction."""
        author = self._author(by)
        with self._database.write() as connection:
            before = settings.load(connection, SETTING)
            old = Display.from_json(before)
            new, message = change(old)
            if new == old:
                return OperationResult(journal_sql.revision(connection), SETTING, NO_IDS, NO_IDS, message)
            settings.save(connection, SETTING, new.to_json())
            operation_id = journal_sql.next_id(connection)
            detail = {"message": message, "skipped": [], "before": before, "after": new.to_json()}
            journal_sql.append(
                connection, operation_id, author=author, source="api", action=SETTING, detail=detail
            )
        return OperationResult(operation_id, SETTING, NO_IDS, NO_IDS, message)


def _filled(display: Display, count: int) -> list[ChannelDisplay]:
    return [*display.channels, *[ChannelDisplay()] * (count - len(display.channels))]


def _index(channels: Sequence[ChannelDisplay], which: Any) -> int:
    """The number of the channel that a number or a name means."""
    if not channels:
        raise ConfigurationError(
            {"channel": "The project has no images yet, and so no channels. Add some first."}
        )
    names = [str(channel.name) for channel in channels]
    if isinstance(which, (int, np.integer)) and not isinstance(which, (bool, np.bool_)):
        if 0 <= which < len(channels):
            return int(which)
    elif isinstance(which, str):
        wanted = which.strip()
        found = [index for index, name in enumerate(names) if name == wanted]
        found = found or [i for i, name in enumerate(names) if name.casefold() == wanted.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigurationError(
                {
                    "channel": f"{len(found)} channels have the name {wanted!r}; say which by its number: {found}."
                }
            )
    numbered = ", ".join(f"{index} {name!r}" for index, name in enumerate(names[:10]))
    near = difflib.get_close_matches(which, names, n=1) if isinstance(which, str) else []
    hint = f" Did you mean {near[0]!r}?" if near else f" There {_are(len(names))}: {numbered}."
    raise ConfigurationError({"channel": f"There is no channel {which!r:.60}.{hint}"})


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _refuse_taken(channels: Sequence[ChannelDisplay], index: int, renamed: bool) -> None:
    name = str(channels[index].name)
    for other, channel in enumerate(channels):
        if renamed and other != index and str(channel.name).casefold() == name.casefold():
            raise ConfigurationError(
                {"name": f"Channel {other} has the name {channel.name!r} already; choose another name."}
            )
