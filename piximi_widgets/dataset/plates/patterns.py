"""How screening microscopes name their files, and patterns of a user's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...errors import SelectionError
from ..frames import BUILT_IN_COLUMNS

ALIASES = {
    "field": "site",
    "fov": "site",
    "wavelength": "channel",
    "channelnumber": "channel",
    "col": "column",
    "timepoint": "time",
}
"""Other tools' words for our groups; the case of a known group's name does not matter."""

KNOWN_GROUPS = ("plate", "well", "row", "column", "site", "time", "channel", "z", "name", "thumb")


@dataclass(frozen=True)
class Preset:
    """File names of one kind of microscope.

    Attributes
    ----------
    pattern : re.Pattern
    about : str
        One sentence for a person.
    examples : tuple of str
        Names that the pattern takes.
    """

    pattern: re.Pattern[str]
    about: str
    examples: tuple[str, ...]


_SUFFIX = r"(?:\.ome)?\.\w{2,5}"
_GUID = r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
# Up to 1536 wells: rows A to AF. The rows behind P are capitals only, or _s01 and _w10 would be wells.
_WELL = r"(?P<well>(?:[A-P]|(?-i:[Q-Z]|A[A-F]))\d\d)"


def _preset(pattern: str, about: str, *examples: str) -> Preset:
    return Preset(re.compile(pattern + _SUFFIX, re.IGNORECASE), about, examples)


PRESETS: dict[str, Preset] = {
    "imagexpress": _preset(
        r"(?:(?=(?:.*/)?(?:ZStep_|[^/]*_z)(?P<z>\d+)(?:/|\.|_thumb))|)"
        r"(?:TimePoint_(?P<time>\d+)/)?(?:ZStep_\d+/)?"
        rf"(?:(?P<plate>[^/]+?)_)??{_WELL}(?=_[sw]\d)(?:_s(?P<site>\d+))?(?:_w(?P<channel>\d{{1,2}}?))?"
        r"(?:_z\d+)?"
        rf"(?P<thumb>_thumb)?(?:_?{_GUID})?",
        "ImageXpress with MetaXpress, as BBBC021 and BBBC022 have it: plate, well, site (s), wavelength (w);"
        " time points and z steps from the folders TimePoint_1 and ZStep_1.",
        "A01_s1_w1.tif",
        "plate7_A01_s1_w2.TIF",
        "TimePoint_1/ZStep_2/plate7_A01_s1_w1.TIF",
        "Week1_150607_B02_s1_w107447158-AC92-4844-8462-8FD8E5A0D360.tif",
    ),
    "phenix": _preset(
        r"(?:(?P<plate>[^/]+?)(?:__\d{4}-\d\d-\d\dT[^/]*)?/Images/)?"
        r"r(?P<row>\d+)c(?P<column>\d+)f(?P<site>\d+)p(?P<z>\d+)"
        r"-ch(?P<channel>\d+)(?:sk|t)(?P<time>\d+)(?:fk\d+)?(?:fl\d+)?",
        "Opera Phenix and Operetta with Harmony: row (r), column (c), field (f), plane (p), channel (ch),"
        " time (sk, or t since Harmony 5.3); the plate from the folder that holds the folder Images.",
        "r01c02f03p01-ch1sk1fk1fl1.tiff",
        "r01c03f02p01-ch01t01.tiff",
        "plate7__2019-05-08T15_12_33-Measurement 1/Images/r02c11f01p02-ch2sk1fk1fl1.tiff",
    ),
    "yokogawa": _preset(
        rf"(?:(?P<plate>[^/]+)_)?{_WELL}_T(?P<time>\d+)F(?P<site>\d+)L\d+A\d+Z(?P<z>\d+)"
        r"C(?P<channel>\d+)",
        "Yokogawa CV7000 and CV8000: plate, well, time (T), field (F), timeline (L), action (A), plane (Z),"
        " channel (C); several timelines or actions that give the same channel need a pattern of their own.",
        "AssayPlate_Greiner_B02_T0001F001L01A01Z01C01.tif",
    ),
    "cellvoyager": _preset(
        r"W(?P<well>\d+)F(?P<site>\d+)T(?P<time>\d+)Z(?P<z>\d+)C(?P<channel>\d+)",
        "CellVoyager CV1000: the well's number (W), field (F), time (T), plane (Z), channel (C).",
        "W1F001T0001Z00C1.tif",
    ),
    "arrayscan": _preset(
        rf"(?P<plate>[^/]+)_{_WELL}f(?P<site>\d+)d(?P<channel>\d)(?P<thumb>o\d+)?",
        "Cellomics ArrayScan: plate, well, field (f), dye (d); files of overlays (o) are passed over.",
        "MFGTMP_111020190001_A01f00d0.TIF",
        "AS_09125_050118150001_A03f00d2.TIF",
    ),
    "micro-manager": _preset(
        r"(?:[^/]*?Pos_?(?P<site>\d+(?:_\d+)*)/)?img_(?P<time>\d{9})_(?P<channel>[^/]+)_(?P<z>\d{3})",
        "Micro-Manager 1.4: time, channel and plane, the position from the folder Pos0 or 1-Pos_000_000.",
        "img_000000000_DAPI_000.tif",
        "Pos3/img_000000012_Cy5 far red_004.tif",
    ),
    "micro-manager-2": _preset(
        r"img_channel(?P<channel>\d+)_position(?P<site>\d+)_time(?P<time>\d+)_z(?P<z>\d+)",
        "Micro-Manager 2: channel, position, time and plane, all spelled out.",
        "img_channel000_position000_time000000000_z000.tif",
    ),
    "incucyte": _preset(
        r"(?:(?P<plate>[^/]+?)_)??(?:(?P<channel>phase|bf|brightfield|green|orange|red|nir|blue)_)?"
        r"(?P<well>[A-P]\d{1,2})_(?P<site>\d+)_(?P<time>\d{4}y\d\dm\d\dd_\d\dh\d\dm|\d+d\d\dh\d\dm)",
        "Incucyte: name, channel where it is in the name, well, image of the well, and the time as a date or"
        " as elapsed days, hours and minutes.",
        "VID1234_A1_1_2020y04m19d_12h00m.tif",
        "A172_Phase_A7_1_00d04h00m.tif",
    ),
    "plain": _preset(
        r"(?P<name>[^/]+?)(?:(?=(?:[_-](?:ch|c|channel)\d+)?[_-]z(?P<z>\d+))|)"
        r"(?=(?:[_-]z\d+)?[_-](?:ch|c|channel)(?P<channel>\d+))(?:[_-](?:z|ch|c|channel)\d+){1,2}",
        "Any name that ends in the channel's number, such as _ch0, _C1 or -channel2, and perhaps the"
        " plane's: _z0.",
        "embryo 4_ch0.tif",
        "embryo 4_C1.tif",
        "embryo_z03_c2.tif",
    ),
}
"""By name; "auto" takes the one that fits most names."""

_OTHER_NAMES = {
    "metaxpress": "imagexpress",
    "bbbc021": "imagexpress",
    "opera-phenix": "phenix",
    "operetta": "phenix",
    "harmony": "phenix",
    "cv7000": "yokogawa",
    "cv8000": "yokogawa",
    "cv1000": "cellvoyager",
    "cellomics": "arrayscan",
}

_SAMPLE = 1000
_NUMBER = r"\d+"
_BRACE_PARTS = {
    "well": r"[A-Za-z]{1,2}\d{1,2}",
    "row": r"[A-Za-z]{1,2}|\d+",
    "column": _NUMBER,
    "site": _NUMBER,
    "z": _NUMBER,
}
_EXPECTED = (
    'Expected is the name of a preset, "auto", a form with braces such as "{well}_s{site}_w{channel}.tif",'
    " or a"
    r' regular expression with named groups such as r"(?P<well>[A-P]\d\d)_w(?P<channel>\d)\.tif".'
)


@lru_cache(maxsize=1024)
def canonical(group: str) -> str:
    """Our word for a pattern's group or a table's column; names that we do not know stay as they are."""
    lower = group.lower()
    lower = ALIASES.get(lower, lower)
    return lower if lower in KNOWN_GROUPS else group


def compile_pattern(pattern: str, paths: Sequence[str] = ()) -> re.Pattern[str]:
    """The regular expression behind a `pattern`.

    Parameters
    ----------
    pattern : str
        A preset's name; ``"auto"``, the preset that takes most of a thousand of the `paths`; a form with
        braces, in which ``*`` stands for anything but a folder's end, and which takes any suffix if it names
        none; or a regular expression with named groups.
    paths : sequence of str
        Only looked at for ``"auto"``.

    Raises
    ------
    SelectionError
        If it is none of these, names no group, or names a group that would hide a column of the project's
        own.
    """
    if not isinstance(pattern, str):
        raise SelectionError(f"A pattern is a text, not {type(pattern).__name__}. {_EXPECTED}")
    lower = pattern.strip().lower()
    if lower == "auto":
        return _fitting(paths)
    if (preset := PRESETS.get(_OTHER_NAMES.get(lower, lower))) is not None:
        return preset.pattern
    text = pattern if "(?P<" in pattern else _from_braces(pattern)
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise SelectionError(
            f"The pattern {pattern!r} is no regular expression: {error}. {_EXPECTED}"
        ) from None
    check_groups(compiled)
    return compiled


def check_groups(compiled: re.Pattern[str]) -> None:
    """Raise `SelectionError` where a pattern has no named groups, or groups that cannot be columns."""
    groups = [canonical(group) for group in compiled.groupindex]
    if not groups:
        raise SelectionError(f"The pattern {compiled.pattern!r} has no named groups. {_EXPECTED}")
    twice = sorted({group for group in groups if groups.count(group) > 1})
    if twice:
        raise SelectionError(f"The pattern {compiled.pattern!r} has two groups that mean {twice[0]!r}.")
    hidden = sorted(set(groups) & ({*BUILT_IN_COLUMNS, "id", "path"} - {"name"}))
    if hidden:
        raise SelectionError(
            f"A group cannot be called {hidden[0]!r}: that is what a project measures or keeps itself. Give"
            " it another name; labels come from labels=."
        )


def _fitting(paths: Sequence[str]) -> re.Pattern[str]:
    sample = paths[:: max(1, len(paths) // _SAMPLE)]
    counts = {
        name: sum(matched(preset.pattern, path) is not None for path in sample)
        for name, preset in PRESETS.items()
    }
    best = max(counts, key=counts.__getitem__)
    if not counts[best]:
        shown = ", ".join(repr(path.replace("\\", "/").rsplit("/", 1)[-1]) for path in list(paths)[:3])
        raise SelectionError(
            f"No preset takes these names ({shown or 'there are none'}); there are {', '.join(PRESETS)}."
            f" {_EXPECTED}"
        )
    return PRESETS[best].pattern


def _from_braces(pattern: str) -> str:
    pieces = re.split(r"\{([^{}]*)\}", pattern)
    if len(pieces) == 1:
        known = ", ".join(PRESETS)
        raise SelectionError(
            f"The pattern {pattern!r} has no named groups and is no preset ({known}). {_EXPECTED}"
        )
    seen: set[str] = set()
    text = []
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            text.append(re.escape(piece).replace(r"\*", "[^/]*"))
        elif not re.fullmatch(r"[A-Za-z_]\w*", piece):
            raise SelectionError(
                f"{{{piece}}} in the pattern {pattern!r} is no name; a group's name is made of letters,"
                f" digits and _. {_EXPECTED}"
            )
        elif piece in seen:
            text.append(f"(?P={piece})")
        else:
            seen.add(piece)
            text.append(f"(?P<{piece}>{_BRACE_PARTS.get(canonical(piece), '[^/]+?')})")
    if not re.search(r"\.\w{2,5}$|\*$", pieces[-1]):
        text.append(_SUFFIX)
    return "".join(text)


@lru_cache(maxsize=64)
def _slashes(pattern: str) -> int:
    # A class such as [^/] names no folder.
    return re.sub(r"\[\^[^\]]*\]", "", pattern).count("/")


def matched(compiled: re.Pattern[str], path: str) -> tuple[re.Match[str], str] | None:
    """How a pattern takes a path, and the folder in front of the part that it takes; None if it does not.

    A pattern with *n* slashes is held against the last *n* + 1 parts of the path or, if that fails, against
    fewer; one without is held against the file's name. The name must be taken whole, with or without its
    suffix.
    """
    parts = path.replace("\\", "/").split("/") if "\\" in path and "/" not in path else path.split("/")
    for count in range(min(_slashes(compiled.pattern) + 1, len(parts)), 0, -1):
        tail = "/".join(parts[-count:])
        stem = tail.rpartition(".")[0]
        match = compiled.fullmatch(tail) or (compiled.fullmatch(stem) if stem else None)
        if match is not None:
            return match, "/".join(parts[:-count])
    return None
