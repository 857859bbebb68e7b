"""Which stored axis is a plane, a row, a column or a channel, and what is done where a file does not say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .formats import Unreadable

_UNNAMED = "IQ"  # tifffile's letters for pages of which nothing is known


@dataclass(frozen=True, slots=True)
class Layout:
    """How a stored array becomes ``(planes, height, width, channels)``.

    Attributes
    ----------
    stored : tuple of int
        The lengths of the stored axes, unnamed pages already divided into planes and channels.
    roles : str
        For each stored axis one of ``Z Y X C``. Several axes of one role are joined, the first slowest.
    guess : str or None
        What had to be assumed, as a sentence.
    """

    stored: tuple[int, ...]
    roles: str
    guess: str | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Planes, height, width and channels."""
        sizes = dict.fromkeys("ZYXC", 1)
        for role, length in zip(self.roles, self.stored, strict=True):
            sizes[role] *= length
        return sizes["Z"], sizes["Y"], sizes["X"], sizes["C"]

    def arrange(self, array: np.ndarray) -> np.ndarray:
        """Reorder a stored array; a view where that is possible."""
        order = [axis for role in "ZYXC" for axis, is_ in enumerate(self.roles) if is_ == role]
        return array.reshape(self.stored).transpose(order).reshape(self.shape)


def lay_out(
    shape: tuple[int, ...],
    stored: str,
    *,
    axes: str | None = None,
    channels: int | None = None,
    guess: str | None = None,
    free: bool = False,
) -> Layout:
    """Decide what each stored axis is.

    Parameters
    ----------
    shape : tuple of int
        Lengths of the stored axes.
    stored : str
        What the file calls them, a letter each: ``T Z C Y X S``, and ``I`` or ``Q`` for pages of which it
        says nothing. Any other letter is an axis that has no place in an image.
    axes : str, optional
        What the caller says that they are, over ``T Z C Y X S``; the file's word counts no longer.
        Axes of length 1 may be left out or added.
    channels : int, optional
        The number of channels among unnamed pages, channels changing fastest (z1c1, z1c2, z2c1, ...), or
        of the ``C`` in `axes` where the file holds all pages in a row.
    guess : str, optional
        What the reader itself had to assume, kept unless the caller says how it is.
    free : bool, default False
        Whether `axes` may put rows and columns anywhere: an array has no pages that hold them together.

    Returns
    -------
    Layout

    Raises
    ------
    Unreadable
        If `axes` or `channels` do not fit the file, or an axis such as time is longer than 1.
    """
    shape = tuple(int(length) for length in shape)
    if channels is not None and (isinstance(channels, bool) or int(channels) != channels or channels < 1):
        raise Unreadable(f"channels is a whole number from 1 on, not {channels!r}")
    if axes is not None:
        shape, stored = _as_told(shape, stored, _checked(axes), channels, free)
        guess = None
    roles = _roles(stored, shape)
    named = math.prod(length for length, role in zip(shape, roles, strict=True) if role == "C")
    unnamed = [axis for axis, letter in enumerate(stored) if letter in _UNNAMED and shape[axis] > 1]
    if channels is None or axes is not None:
        if channels is not None and named != channels:
            raise Unreadable(f"channels={channels}, but axes={axes!r} finds {named} channels in the file")
        if unnamed:
            pages = math.prod(shape[axis] for axis in unnamed)
            guess = guess or (
                f"The file does not say what its {pages} pages are; they were taken as planes"
                " (channels= or axes= says otherwise)."
            )
        return Layout(shape, roles, guess)
    if named == channels:
        return Layout(shape, roles, guess)
    if named > 1 or not unnamed:
        raise Unreadable(_wrong_channels(shape, stored, named, channels))
    return _divided(shape, roles, unnamed, channels)


def _checked(axes: str) -> str:
    letters = str(axes).upper()
    if set(letters) - set("TZCYXS") or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise Unreadable(
            f"axes={axes!r} is not understood: it names each stored axis once with a letter of T Z C Y X S"
            " (time, plane, channel, row, column, colour), for example 'ZCYX'"
        )
    return letters


def _roles(stored: str, shape: tuple[int, ...]) -> str:
    if "?" in stored:
        raise Unreadable(
            f"the file does not name its {len(shape)} axes ({' x '.join(map(str, shape))}), and they cannot be"
            " told from one another; say axes=, for example axes='ZCYX'"
        )
    roles = ""
    for letter, length in zip(stored, shape, strict=True):
        if letter in "ZYX":
            roles += letter
        elif letter in "SC":
            roles += "C"
        elif letter in _UNNAMED or length == 1:
            roles += "Z"
        else:
            # To guess that time is depth or colour would mix up what the file keeps apart.
            what = f"{length} time points" if letter == "T" else f"an axis {letter!r} of length {length}"
            long = [other for other, size in zip(stored, shape, strict=True) if size > 1 or other in "YX"]
            told = "".join(long).replace(letter, "Z")
            advice = "" if "Z" in long else f", or say axes={told!r} to take them as planes"
            raise Unreadable(f"the file holds {what}; save each as a file of its own{advice}")
    if roles.count("Y") != 1 or roles.count("X") != 1:
        raise Unreadable(f"the axes {stored!r} are not those of a picture")
    return roles


def _as_told(
    shape: tuple[int, ...], stored: str, axes: str, channels: int | None, free: bool
) -> tuple[tuple[int, ...], str]:
    """Shape and letters of the stored axes when the caller names them."""
    long = [axis for axis, length in enumerate(shape) if length > 1 or stored[axis] in "YX"]
    short = tuple(shape[axis] for axis in long)
    letters = "".join(stored[axis] for axis in long)
    for sizes, known in ((shape, stored), (short, letters)):
        if len(axes) == len(sizes) and (free or _same_page(axes, known)):
            return sizes, axes
    # All pages in a row: the end of both is what lies within a page.
    first = min(axes.index("Y"), axes.index("X"))
    outer, inside = axes[:first], len(axes) - first
    outside = len(short) - inside
    if outside >= 0 and (free or _same_page(axes[first:], letters[outside:])):
        pages, within = math.prod(short[:outside]), short[outside:]
        one_row = outside == 1 or set(letters[:outside]) <= set(_UNNAMED)
        if pages == 1:
            return (1,) * len(outer) + within, axes
        if one_row and len(outer) == 1:
            return (pages, *within), axes
        if one_row and len(outer) == 2 and "C" in outer and channels:
            if pages % channels:
                raise Unreadable(f"the file has {pages} pages, which is no multiple of channels={channels}")
            return (*(channels if letter == "C" else pages // channels for letter in outer), *within), axes
    lengths = " x ".join(str(length) for length in short)
    hint = "; say channels= too" if "C" in outer and outside == 1 and not channels else ""
    raise Unreadable(
        f"axes={axes!r} names {len(axes)} axes, but the file has {len(short)} of the lengths {lengths}"
        + (f" ({letters})" if set(letters) <= set("TZCYXS") else "")
        + hint
    )


def _same_page(axes: str, stored: str) -> bool:
    """Whether rows and columns lie where a file's pages have them."""
    return all(axes.find(letter) == stored.find(letter) for letter in "YX")


def _divided(shape: tuple[int, ...], roles: str, unnamed: list[int], channels: int) -> Layout:
    pages = math.prod(shape[axis] for axis in unnamed)
    if pages % channels:
        raise Unreadable(f"the file has {pages} pages, which is no multiple of channels={channels}")
    if unnamed != list(range(unnamed[0], unnamed[-1] + 1)):
        raise Unreadable("its unnamed pages do not follow one another; say axes= as well")
    before, after = unnamed[0], unnamed[-1] + 1
    stored = (*shape[:before], pages // channels, channels, *shape[after:])
    return Layout(stored, f"{roles[:before]}ZC{roles[after:]}")


def _wrong_channels(shape: tuple[int, ...], stored: str, named: int, channels: int) -> str:
    planes = math.prod(n for n, letter in zip(shape, stored, strict=True) if letter == "Z")
    found = f"{planes} planes and {named} channel{'s' * (named != 1)}" if planes > 1 else f"{named}"
    advice = "leave out channels=" + (
        f", or say axes='ZCYX', channels={channels}" if named == 1 < planes else ""
    )
    return f"channels={channels}, but the file says that it has {found}; {advice}"
