"""Joining the files of a plate into images: one file for each channel, or for each plane."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .patterns import PRESETS, Preset, canonical, check_groups, compile_pattern, matched
from .wells import complete_well, identity_value, natural

__all__ = ["PRESETS", "JoinedFiles", "Preset", "compile_pattern", "identity_value", "join", "natural"]

_COLUMNS_FIRST = ("plate", "well", "row", "column", "site", "time")
_MOST_NAMED = 8


@dataclass(frozen=True)
class JoinedFiles:
    """The files that make up one image.

    Attributes
    ----------
    name : str
    paths : tuple of str
        Row by row: all channels of the first plane, then those of the second.
    grid : (int, int)
        Number of planes, and files in each plane.
    channel_names : tuple of str, optional
        Where the names of the files say more than a number that counts from 0 or 1.
    metadata : dict
        What the other groups of the pattern have found.
    problems : tuple of str
        What is odd about the files and yet does not keep them from being joined.
    """

    name: str
    paths: tuple[str, ...]
    grid: tuple[int, int]
    channel_names: tuple[str, ...] | None
    metadata: dict[str, Any]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """What a pattern found in one path."""

    identity: tuple[Hashable, ...]
    name: str | None
    metadata: dict[str, Any]
    channel: int | str | None
    z: int | str | None


def join(paths: Sequence[str], pattern: str | re.Pattern[str]) -> tuple[list[JoinedFiles], dict[str, str]]:
    """Join files into images by what their names say.

    The groups ``channel`` and ``z`` of the pattern tell the files of one image apart; all other groups, and
    the folder in front of what the pattern takes, tell images apart. ``plate``, ``well``, ``row``,
    ``column``, ``site`` (or ``field``), ``time`` and any other name become metadata; ``name`` becomes the
    image's name; a file where ``thumb`` takes something is passed over. A well fills row and column, and the
    reverse.

    Every image must have every channel and every plane that any image of the call has: an incomplete set
    is reported and not joined, since a missing file would shift or hide a channel.

    Parameters
    ----------
    paths : sequence of str
        The same path twice counts once.
    pattern : str or re.Pattern
        As for `compile_pattern`.

    Returns
    -------
    images : list of JoinedFiles
        In natural order: by folder, plate, well, site and time.
    failed : dict of str to str
        For each file that is in no image the reason.

    Raises
    ------
    SelectionError
        If the pattern cannot be used.
    """
    names = list(dict.fromkeys(paths))
    if isinstance(pattern, re.Pattern):
        compiled = pattern
        check_groups(compiled)
    else:
        compiled = compile_pattern(pattern, names)
    failed: dict[str, str] = {}
    sets: dict[tuple[Hashable, ...], dict[tuple[Any, Any], list[str]]] = {}
    about: dict[tuple[Hashable, ...], _Found] = {}
    for path in names:
        found = _found(compiled, path)
        if isinstance(found, str):
            failed[path] = found
            continue
        about.setdefault(found.identity, found)
        sets.setdefault(found.identity, {}).setdefault((found.z, found.channel), []).append(path)
    failed.update(_drop_unnumbered(sets))
    planes = _ordered({z for files in sets.values() for z, _ in files})
    channels = _ordered({channel for files in sets.values() for _, channel in files})
    problems = _gaps(planes)
    images = []
    for identity in sorted(sets, key=lambda key: _order(about[key])):
        files = sets[identity]
        reason = _doubled(files) or _incomplete(files, planes, channels)
        if reason is not None:
            failed.update(dict.fromkeys((path for cell in files.values() for path in cell), reason))
            continue
        ordered = tuple(files[z, channel][0] for z in planes for channel in channels)
        images.append(
            JoinedFiles(
                name=_image_name(about[identity], ordered[0]),
                paths=ordered,
                grid=(len(planes), len(channels)),
                channel_names=_channel_names(channels),
                metadata=dict(about[identity].metadata),
                problems=problems,
            )
        )
    return images, failed


def _found(compiled: re.Pattern[str], path: str) -> _Found | str:
    result = matched(compiled, path)
    if result is None:
        return "the name does not match the pattern"
    match, folder = result
    values = {canonical(group): text for group, text in match.groupdict().items() if text is not None}
    if "thumb" in values:
        return "a thumbnail or overlay that the microscope has drawn, not an image"
    name = values.pop("name", None)
    channel = values.pop("channel", None)
    z = values.pop("z", None)
    metadata = {column: identity_value(column, text) for column, text in values.items()}
    problem = complete_well(metadata)
    if problem is not None:
        return problem
    first = [column for column in _COLUMNS_FIRST if column in metadata]
    metadata = {column: metadata[column] for column in dict.fromkeys([*first, *metadata])}
    return _Found(
        identity=(folder, name, *metadata.items()),
        name=name,
        metadata=metadata,
        channel=None if channel is None else identity_value("channel", channel),
        z=None if z is None else identity_value("z", z),
    )


def _drop_unnumbered(sets: dict[tuple[Hashable, ...], dict[tuple[Any, Any], list[str]]]) -> dict[str, str]:
    """Take out files without a plane or channel in the name, such as projections, where others have one."""
    failed: dict[str, str] = {}
    for position, what in enumerate(("plane", "channel")):
        if all(cell[position] is None for files in sets.values() for cell in files):
            continue
        for identity, files in list(sets.items()):
            for cell in [cell for cell in files if cell[position] is None]:
                reason = f"its name has no {what}, while those of other files of this call have one"
                failed.update(dict.fromkeys(files.pop(cell), reason))
            if not files:
                del sets[identity]
    return failed


def _ordered(values: set[Any]) -> list[Any]:
    return sorted(values, key=lambda value: natural(str(value)))


def _order(found: _Found) -> list[Any]:
    """Sort key of an image; rows of two letters come behind those of one."""
    keys: list[Any] = [natural(str(found.identity[0]))]
    for column in _COLUMNS_FIRST:
        value = str(found.metadata.get(column, ""))
        letters = len(value.rstrip("0123456789")) if column in ("well", "row") else 0
        keys.append((letters, natural(value)))
    keys.append(natural(found.name or ""))
    keys.append([natural(str(item)) for item in found.identity[2:]])
    return keys


def _doubled(files: Mapping[tuple[Any, Any], list[str]]) -> str | None:
    for (z, channel), cell in files.items():
        if len(cell) > 1:
            which = " of ".join([*_told_channel(channel), *([f"plane {z}"] if z is not None else [])])
            return (
                f"{len(cell)} files are {which or 'the same image'} ({_listed(cell)}); name what tells them"
                " apart by a group of the pattern, or leave one out"
            )
    return None


def _incomplete(
    files: Mapping[tuple[Any, Any], list[str]], planes: Sequence[Any], channels: Sequence[Any]
) -> str | None:
    missing = [(z, channel) for z in planes for channel in channels if (z, channel) not in files]
    if not missing:
        return None
    gone = [channel for channel in channels if all((z, channel) in missing for z in planes)]
    if gone:
        told = _listed(gone)
        return (
            f"the image is incomplete: channel {told} is missing, which other images of this call have; add"
            " images with other channels in a call of their own"
        )
    gone = [z for z in planes if all((z, channel) in missing for channel in channels)]
    if gone:
        told = _listed(gone)
        return (
            f"the image is incomplete: plane {told} is missing, which other images of this call have; add"
            " images with other planes in a call of their own"
        )
    told = _listed([" of ".join([*_told_channel(channel), f"plane {z}"]) for z, channel in missing])
    return f"the image is incomplete: {told} is missing"


def _told_channel(channel: Any) -> list[str]:
    return [] if channel is None else [f"channel {channel}"]


def _listed(values: Iterable[Any]) -> str:
    told = [str(value) for value in values]
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return ", ".join(told[:_MOST_NAMED]) + more


def _gaps(planes: Sequence[Any]) -> tuple[str, ...]:
    numbers = [z for z in planes if isinstance(z, int)]
    if not numbers or len(numbers) == numbers[-1] - numbers[0] + 1:
        return ()
    gone = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    return (f"no image of this call has the plane {_listed(gone)}; the planes around it were joined",)


def _channel_names(channels: Sequence[Any]) -> tuple[str, ...] | None:
    if channels == [None] or channels in (list(range(len(channels))), list(range(1, len(channels) + 1))):
        return None
    return tuple(f"channel {channel}" if isinstance(channel, int) else str(channel) for channel in channels)


def _image_name(found: _Found, path: str) -> str:
    """The name that the pattern found, or what tells the image apart, or the first file's name."""
    if found.name is not None:
        return found.name
    letters = {"site": "s", "time": "t"}
    told = [
        f"{letters[column]}{value}" if column in letters and isinstance(value, int) else str(value)
        for column, value in found.metadata.items()
        if "well" not in found.metadata or column not in ("row", "column")
    ]
    return "_".join(told) or path.replace("\\", "/").rsplit("/", 1)[-1]
