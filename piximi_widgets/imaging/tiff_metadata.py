"""Channel names and pixel sizes from what microscopes and ImageJ write beside a TIFF's pixels."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

from .stored import PixelSize

# Micrometres in a unit. OME's default is the micrometre, ImageJ writes names of all kinds.
_MICROMETRES = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre", "\\u00b5m"), 1.0),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    **dict.fromkeys(("å", "angstrom"), 1e-4),
    **dict.fromkeys(("in", "inch", "inches"), 25400.0),
}

# A coarser resolution in pixels per centimetre is that of a print: 300 dots per inch are 85 micrometres.
_COARSEST = 30.0
_METAMORPH = re.compile(r'id="spatial-calibration-([xy]|units)"[^>]*?value="([^"]*)"')


def micrometres(value: Any, unit: str | None = "µm") -> float | None:
    """A length in micrometres; None where it is no positive number or its unit is none of length."""
    factor = _MICROMETRES.get(str(unit).strip().rstrip("\0").lower())
    try:
        length = float(value) * factor if factor is not None else math.nan
    except (TypeError, ValueError, OverflowError):
        return None
    # Twelve digits, so that 0.108 m-6 stays 0.108.
    return float(f"{length:.12g}") if 0 < length < math.inf else None


def size_or_none(z: float | None, y: float | None, x: float | None) -> PixelSize | None:
    """The three lengths, or None where none is known."""
    return None if z is None and y is None and x is None else (z, y, x)


def centimetres(unit: Any, x: Any, y: Any) -> PixelSize | None:
    """Pixel size by the tags ResolutionUnit, XResolution and YResolution, where it is in centimetres.

    Dots per inch are a matter of printing, and most programs write 72 or 300 of them into any file.
    """
    if not unit or not x or not y or int(unit[0]) != 3:
        return None
    width, height = (micrometres(_inverse(ratio), "cm") for ratio in (x, y))
    if width is None or height is None or max(width, height) > _COARSEST:
        return None
    return None, height, width


def channel_names(tiff: Any, series: Any) -> tuple[str, ...] | None:
    """Names of the channels in the order of the series' channel axis; None where one of them has none."""
    names: list[str] = []
    if series.kind == "ome":
        names = [channel.get("Name", "") for channel in _ome_pixels(tiff).iterfind("{*}Channel")]
    elif series.kind == "imagej":
        # ImageJ labels pages, which are channels only where there is nothing else.
        labels = (tiff.imagej_metadata or {}).get("Labels")
        sizes = dict(zip(series.get_axes(squeeze=False), series.get_shape(squeeze=False), strict=True))
        if isinstance(labels, list) and sizes.get("C") == len(labels) > 1:
            names = [str(label) for label in labels]
    elif series.kind == "lsm":
        colors = (tiff.lsm_metadata or {}).get("ChannelColors") or {}
        names = [str(name) for name in colors.get("ColorNames", ())]
    return tuple(names) if names and all(name.strip() for name in names) else None


def pixel_size(tiff: Any, series: Any) -> PixelSize | None:
    """Distance of planes, height and width of a pixel in micrometres; None where the file has none."""
    page = series.keyframe
    if series.kind == "ome":
        pixels = _ome_pixels(tiff)
        return size_or_none(
            *(
                micrometres(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
                for axis in "ZYX"
            )
        )
    if series.kind == "lsm":
        meta = tiff.lsm_metadata or {}
        return size_or_none(*(micrometres(meta.get(f"VoxelSize{axis}"), "m") for axis in "ZYX"))
    if series.kind == "svs":
        found = re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", page.description)
        side = micrometres(found.group(1)) if found else None
        return size_or_none(None, side, side)
    x, y, unit = (_tag(page, name) for name in ("XResolution", "YResolution", "ResolutionUnit"))
    if series.kind == "imagej":
        return _imagej_size(tiff.imagej_metadata or {}, x, y, unit)
    metamorph = dict(_METAMORPH.findall(page.description[:65536]))
    if metamorph:
        units = metamorph.get("units")
        return size_or_none(None, *(micrometres(metamorph.get(axis), units) for axis in "yx"))
    return centimetres(unit, x, y)


def _imagej_size(meta: dict[str, Any], x: Any, y: Any, unit: Any) -> PixelSize | None:
    """ImageJ writes the unit into the description and pixels per unit into the resolution tags."""
    name = meta.get("unit")
    if name is None:
        return centimetres(unit, x, y)
    sides = (micrometres(_inverse(ratio), name) if ratio else None for ratio in (y, x))
    return size_or_none(micrometres(meta.get("spacing"), name), *sides)


def _tag(page: Any, name: str) -> tuple | None:
    value = page.tags.valueof(name)
    return None if value is None else value if isinstance(value, tuple) else (value,)


def _inverse(ratio: tuple[int, ...]) -> float:
    return ratio[1] / ratio[0] if ratio[0] else math.nan


def _ome_pixels(tiff: Any) -> ElementTree.Element:
    found = ElementTree.fromstring(tiff.ome_metadata).find("{*}Image/{*}Pixels")
    return ElementTree.Element("Pixels") if found is None else found
