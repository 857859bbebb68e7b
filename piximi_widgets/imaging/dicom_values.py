"""From the numbers that a DICOM file stores to the values that were measured.

Rescaling is that of DICOM PS3.3 C.11.1, in whole numbers where slope and intercept are whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .stored import PixelSize
from .tiff_metadata import micrometres, size_or_none

Rescale = tuple[float, float]
"""Slope and intercept."""


@dataclass(frozen=True, slots=True)
class Values:
    """What grey values become.

    Attributes
    ----------
    dtype : str
    rescales : tuple of (slope, intercept)
        One for all frames, or one for each. Empty where a table takes their place, or nothing.
    table : bool
        Whether the file's modality LUT is applied.
    inverted : float or None
        Where large is dark: the number from which each value is subtracted.
    """

    dtype: str
    rescales: tuple[Rescale, ...]
    table: bool
    inverted: float | None

    def rescaled(self, stored: np.ndarray, ds: Any) -> np.ndarray:
        """Apply table or rescale, and inversion, frame by frame."""
        from pydicom.pixels import apply_modality_lut

        out = np.empty(stored.shape, self.dtype)
        for index, frame in enumerate(stored):
            values = apply_modality_lut(frame, ds) if self.table else frame
            if self.rescales:
                values = _linear(values, *self.rescales[index % len(self.rescales)], out.dtype)
            if self.inverted is not None:
                values = _linear(values, -1, self.inverted, out.dtype)
            out[index] = values
        return out


def grey_values(ds: Any, frames: int, float_bits: int = 0) -> Values:
    """Decide type and range of the values by the header alone."""
    bits = int(ds.get("BitsStored") or ds.BitsAllocated)
    signed = bool(ds.get("PixelRepresentation") or 0)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    allocated = int(ds.BitsAllocated)
    dtype = f"float{float_bits}" if float_bits else f"{'int' if signed else 'uint'}{allocated}"
    if ds.get("ModalityLUTSequence"):
        depth = int(ds.ModalityLUTSequence[0].LUTDescriptor[2])
        low, high, dtype = 0, 2**depth - 1, "uint16" if depth > 8 else "uint8"
        rescales: tuple[Rescale, ...] = ()
    else:
        rescales = _rescales(ds, frames)
        ends = [slope * end + intercept for slope, intercept in rescales for end in (low, high)]
        if set(rescales) == {(1.0, 0.0)}:
            rescales = ()
        elif not float_bits and all(number.is_integer() for pair in rescales for number in pair):
            low, high = int(min(ends)), int(max(ends))
            dtype = _whole(low, high, allocated // 8)
        else:
            low, high = min(ends), max(ends)
            dtype = "float32" if allocated <= 16 and not float_bits else f"float{max(float_bits, 64)}"
    dark = ds.PhotometricInterpretation == "MONOCHROME1" and not float_bits
    return Values(dtype, rescales, bool(ds.get("ModalityLUTSequence")), low + high if dark else None)


def pixel_size(ds: Any) -> PixelSize | None:
    """Plane distance, height and width in micrometres; DICOM says millimetres."""
    item = next(_macros(ds, "PixelMeasuresSequence", shared=True), ds)
    spacing = item.get("PixelSpacing") or (None, None)
    depth = item.get("SpacingBetweenSlices") or item.get("SliceThickness")
    return size_or_none(*(micrometres(side, "mm") for side in (depth, spacing[0], spacing[1])))


def _rescales(ds: Any, frames: int) -> tuple[Rescale, ...]:
    items = [ds]
    for shared in (True, False):
        found = list(_macros(ds, "PixelValueTransformationSequence", shared=shared))
        if len(found) == (1 if shared else frames):
            items = found
    pairs = tuple(
        (float(item.get("RescaleSlope") or 1), float(item.get("RescaleIntercept") or 0)) for item in items
    )
    return pairs[:1] if len(set(pairs)) == 1 else pairs


def _macros(ds: Any, name: str, *, shared: bool) -> Iterator[Any]:
    """Enhanced files describe their frames in groups, one for all frames or one for each."""
    groups = "SharedFunctionalGroupsSequence" if shared else "PerFrameFunctionalGroupsSequence"
    for group in ds.get(groups) or ():
        yield from (group.get(name) or ())[:1]


def _whole(low: int, high: int, itemsize: int) -> str:
    for size in (1, 2, 4, 8):
        for kind in ("uint", "int"):
            limits = np.iinfo(f"{kind}{8 * size}")
            if size >= itemsize and limits.min <= low and high <= limits.max:
                return limits.dtype.name
    return "float64"


def _linear(values: np.ndarray, slope: float, intercept: float, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "f":
        return (values.astype(np.float64) * slope + intercept).astype(dtype)
    # Whole numbers wrap around, so what fits in the end may overflow between.
    factor, offset = (np.array(int(number), object).astype(np.int64) for number in (slope, intercept))
    return values.astype(dtype) * factor.astype(dtype) + offset.astype(dtype)
