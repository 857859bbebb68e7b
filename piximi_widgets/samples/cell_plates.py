"""Where on which plate each generated image was taken, and how it is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

CLASSES = ("interphase", "mitotic", "apoptotic")
PLATES = 3
_ROWS = "BCDE"
_TREATMENT_OF_COLUMN = {
    4: "DMSO",
    5: "DMSO",
    6: "nocodazole",
    7: "nocodazole",
    8: "staurosporine",
    9: "staurosporine",
}
_COLUMNS = tuple(_TREATMENT_OF_COLUMN)
_WELLS = len(_ROWS) * len(_COLUMNS)
_NAME = re.compile(r"P(\d+)-(\d)_([A-Z])(\d\d)_s(\d+)")

FREQUENCIES = {
    "DMSO": (0.5, 0.25, 0.25),
    "nocodazole": (0.25, 0.5, 0.25),
    "staurosporine": (0.25, 0.25, 0.5),
}
"""How frequent each of the `CLASSES` is under each treatment."""


@dataclass(frozen=True)
class Place:
    """One position of the microscope; plates and sites are counted from 1."""

    plate: int
    row: str
    column: int
    site: int

    @property
    def well(self) -> str:
        """The well as plate readers write it, like ``"B04"``."""
        return f"{self.row}{self.column:02d}"

    @property
    def treatment(self) -> str:
        """What the well's cells were given."""
        return _TREATMENT_OF_COLUMN[self.column]


def place(index: int) -> Place:
    """Where image `index` was taken: once in all wells of all plates, and then at the next site of each."""
    site, within = divmod(index, PLATES * _WELLS)
    plate, well = divmod(within, _WELLS)
    row, column = divmod(well, len(_COLUMNS))
    return Place(plate + 1, _ROWS[row], _COLUMNS[column], site + 1)


def image_name(seed: int, index: int) -> str:
    """An image's name, which holds all that is needed to make it again."""
    where = place(index)
    return f"{_barcode(seed, where)}_{where.well}_s{where.site}"


def index_of(name: str) -> tuple[int, int] | None:
    """The seed and the index of an image by its name; None for a name of other images."""
    match = _NAME.fullmatch(name)
    if match is None or match[3] not in _ROWS or int(match[4]) not in _COLUMNS:
        return None
    well = _ROWS.index(match[3]) * len(_COLUMNS) + _COLUMNS.index(int(match[4]))
    seed, index = int(match[1]), ((int(match[5]) - 1) * PLATES + int(match[2]) - 1) * _WELLS + well
    # Digits that no image has, such as a plate 7, would lead to another image.
    return (seed, index) if index >= 0 and image_name(seed, index) == name else None


def metadata(seed: int, images: int) -> dict[str, list[str] | list[int]]:
    """The metadata columns of the first images."""
    places = [place(index) for index in range(images)]
    return {
        "plate": [_barcode(seed, where) for where in places],
        "well": [where.well for where in places],
        "row": [where.row for where in places],
        "column": [where.column for where in places],
        "site": [where.site for where in places],
        "treatment": [where.treatment for where in places],
    }


def _barcode(seed: int, where: Place) -> str:
    return f"P{seed}-{where.plate}"
