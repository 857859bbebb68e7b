"""An archive's record as rows for the store, each checked as if a user had logged it."""

from __future__ import annotations

import io
import json
import tokenize
import uuid
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import StoreError
from ..artifacts.folders import check_filename, folder_digest
from ..logs.log_types import LogType, check_data
from ..logs.logs import LABELMAP, PARAMETERS
from ..status import JobState, Status
from ..values import LONGEST_EXPERIMENT_NAME, encode_parameters
from ..work.jobs import KINDS
from . import layout, sql
from .fields import Fields, check_times
from .opening import Archive, as_json

# A phase, a slash and a name.
_LONGEST_METRIC = 200 + 1 + 200
_QUEUED = "It was waiting to be trained when it was exported; nobody here has that work to do."
_EXPORTED = "It was being trained when it was exported; what had been logged until then is here."
_CHECKED = (LogType.VALUE, LogType.TABLE, LogType.BAR, LogType.HEATMAP, LogType.LABELMAP)

_BAD_HEADER = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
    UnicodeError,
)

Row = tuple[Any, ...]


@dataclass
class Parsed:
    """The rows of an experiment, in the order of the columns in `sql.COLUMNS`.

    Attributes
    ----------
    header : dict
        Columns of the experiment's own row.
    parameters : list of (name, type, JSON)
    tags : list of str
    tables : dict of str to list of tuple
        Rows by table.
    points : ndarray of layout.POINT
    evaluations : list of list of (image id, truth, probabilities, metrics, shapes)
    folders : dict of str to list of (path, sha256, size)
    base_uid, model_uid : str or None
    bases : str
        JSON of both, with names.
    datasets : list of (uid, JSON, compressed CSV)
    """

    header: dict[str, Any]
    parameters: list[tuple[str, str, str]]
    tags: list[str]
    bases: dict[str, Any]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    points: np.ndarray = field(default_factory=lambda: np.empty(0, layout.POINT))
    evaluations: list[list[Row]] = field(default_factory=list)
    folders: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    datasets: list[tuple[str, str, bytes]] = field(default_factory=list)

    def base_uid(self, kind: str) -> str | None:
        """Uid of the base ``"base_experiment"`` or ``"base_model"``, or of the ``"parent"``."""
        base = self.bases[kind]
        return None if base is None else str(base["uid"])


def parse(archive: Archive) -> Parsed:
    """Read and check the whole record.

    Raises
    ------
    StoreError
        Something in it cannot be, or contradicts something else in it.
    """
    records = archive.records
    parsed = _header(as_json(records[layout.EXPERIMENT], layout.EXPERIMENT))
    if (parsed.header["uid"], parsed.header["name"]) != (
        archive.manifest.get("uid"),
        archive.manifest.get("name"),
    ):
        raise StoreError(f"{archive.path}: its manifest names another experiment than its record.")
    tables = parsed.tables
    tables["log"] = [_log(row) for row in _rows(records, layout.LOGS, sql.COLUMNS["log"])]
    tables["series"] = [
        (row.name("name", _LONGEST_METRIC), row.time("created"))
        for row in _rows(records, layout.METRICS, sql.COLUMNS["series"])
    ]
    logs, metrics = ({row[0] for row in tables[name]} for name in ("log", "series"))
    if LABELMAP not in logs or logs & metrics:
        raise StoreError(f"{layout.LOGS} has no {LABELMAP}, or names a metric; nothing was imported.")
    parsed.points = _points(records[layout.POINTS], len(tables["series"]))
    _evaluations(records, parsed)
    tables["telemetry_line"] = [
        (
            row.whole("number", 1),
            row.time("time"),
            row.text("stream"),
            row.text("text"),
            row.whole("progress", 0, 2),
        )
        for row in _rows(records, layout.TELEMETRY, sql.COLUMNS["telemetry_line"])
    ]
    tables["telemetry_chapter"] = [
        (row.whole("number", 1), row.text("name"), row.time("time"))
        for row in _rows(records, layout.CHAPTERS, sql.COLUMNS["telemetry_chapter"])
    ]
    tables["system_sample"] = [
        (row.time("time"), row.name("name"), row.finite("value"))
        for row in _rows(records, layout.SAMPLES, sql.COLUMNS["system_sample"])
    ]
    tables["artifact"] = [_artifact(row) for row in _rows(records, layout.ARTIFACTS, sql.COLUMNS["artifact"])]
    for row in _rows(records, layout.FOLDERS, ("folder", "path", "sha256", "size")):
        entry = (_path(row), row.sha256("sha256"), row.whole("size", 0))
        parsed.folders.setdefault(row.sha256("folder"), []).append(entry)
    jobs = list(_rows(records, layout.JOBS, sql.COLUMNS["job"]))
    tables["job"] = [_job(row) for row in jobs]
    queued = any((row["kind"], row["state"]) == ("train", JobState.WAITING) for row in jobs)
    if queued and parsed.header["status"] == Status.WAITING:
        parsed.header |= {"status": str(Status.CANCELED), "error": _QUEUED}
    _datasets(records, parsed)
    _check_contents(archive, parsed)
    return parsed


def _header(values: Any) -> Parsed:
    columns = sql.COLUMNS["experiment"]
    keys = (*columns, "parameters", "tags", "datasets", "base_experiment", "base_model", "parent")
    row = Fields(layout.EXPERIMENT, values, keys)
    header: dict[str, Any] = {name: row.text(name) for name in ("uid", "description", "notes", "creator")}
    if str(uuid.UUID(header["uid"])) != header["uid"]:
        raise StoreError(f"{layout.EXPERIMENT}: {header['uid']!r} is no UUID; nothing was imported.")
    header["name"] = row.name("name", LONGEST_EXPERIMENT_NAME)
    header["status"] = row.one_of("status", Status)
    header["created"] = row.time("created")
    header |= {name: row.time(name, optional=True) for name in ("started", "ended")}
    header["exit_code"] = row.whole("exit_code", optional=True)
    header["error"] = row.text("error", optional=True)
    if header["status"] == Status.RUNNING:
        header |= {"status": str(Status.INTERRUPTED), "error": _EXPORTED}
    tags = row["tags"]
    if (
        not isinstance(tags, list)
        or not all(isinstance(tag, str) for tag in tags)
        or len(set(tags)) != len(tags)
    ):
        raise StoreError(
            f"{layout.EXPERIMENT}: tags must be a list of different words; nothing was imported."
        )
    tags = [Fields("A tag", {"name": tag}, ("name",)).name("name", 60) for tag in tags]
    bases = {
        "base_experiment": _base(row["base_experiment"], ("uid", "name")),
        "base_model": _base(row["base_model"], ("uid", "name", "number")),
        "parent": _base(row["parent"], ("uid", "name")),
    }
    parsed = Parsed(header, encode_parameters(row["parameters"]), tags, bases)
    datasets = row["datasets"]
    if not isinstance(datasets, list):
        raise StoreError(f"{layout.EXPERIMENT}: datasets must be a list; nothing was imported.")
    attached = [Fields("A dataset", one, sql.COLUMNS["attached_dataset"]) for one in datasets]
    parsed.tables["attached_dataset"] = [
        (one.name("alias"), one.text("uid"), one.text("name"), one.text("fingerprint"), one.time("attached"))
        for one in attached
    ]
    return parsed


def _base(values: Any, keys: tuple[str, ...]) -> dict[str, Any] | None:
    if values is None:
        return None
    row = Fields("The base", values, keys)
    texts = {name: row.text(name) for name in ("uid", "name")}
    return texts | ({"number": row.whole("number", 1)} if "number" in keys else {})


def _rows(records: dict[str, bytes], member: str, keys: tuple[str, ...]) -> Iterator[Fields]:
    for number, line in enumerate(io.BytesIO(records[member]), 1):
        where = f"Line {number} of {member}"
        yield Fields(where, as_json(line, where), keys)


def _log(row: Fields) -> Row:
    kind = LogType(row.one_of("type", [kind for kind in LogType if kind is not LogType.LINE]))
    name, data, sha256 = row.name("name"), row["data"], row.sha256("sha256", optional=True)
    if name == PARAMETERS or (name == LABELMAP and kind is not LogType.LABELMAP):
        raise StoreError(f"The log {name!r} cannot be a {kind}; nothing was imported.")
    if kind is LogType.IMAGE:
        picture = Fields(f"The IMAGE {name!r}", data, ("filename", "size"))
        check_filename(picture.text("filename"))
        picture.whole("size", 0)
    elif kind in _CHECKED:
        check_data(kind, name, data)
    if (sha256 is not None) != (kind is LogType.IMAGE):
        raise StoreError(f"The log {name!r}: an IMAGE, and nothing else, has a file; nothing was imported.")
    text = json.dumps(data, separators=(",", ":"))
    return (name, str(kind), text, sha256, row.time("created"), row.time("updated"))


def _array(data: bytes, dtype: np.dtype, member: str) -> np.ndarray:
    file = io.BytesIO(data)
    try:
        # The header alone: NumPy would believe what it says about the size.
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is of another version")
        shape, _, found = np.lib.format.read_array_header_1_0(file)
    except _BAD_HEADER as error:
        raise StoreError(f"{member} cannot be read ({error}); nothing was imported.") from error
    rest = data[file.tell() :]
    if found != dtype or shape != (len(rest) // dtype.itemsize,) or len(rest) % dtype.itemsize:
        raise StoreError(
            f"{member} must be one-dimensional, whole, and of the type {dtype}; nothing was imported."
        )
    return np.frombuffer(rest, dtype)


def _points(data: bytes, series: int) -> np.ndarray:
    """The points, by series and step."""
    points = _array(data, layout.POINT, layout.POINTS)
    points = points[np.lexsort((points["step"], points["series"]))]
    twice = (np.diff(points["series"].astype(np.int64)) == 0) & (points["step"][1:] == points["step"][:-1])
    fits = not len(points) or int(points["series"].max()) < series
    fits &= bool((points["step"] > np.iinfo(np.int64).min).all()) and check_times(points["time"])
    if not fits or twice.any():
        raise StoreError(
            f"{layout.POINTS} has points of no metric, two of one step, or times that cannot be; nothing was imported."
        )
    return points


def _evaluations(records: dict[str, bytes], parsed: Parsed) -> None:
    parsed.tables["evaluation"] = []
    rows = list(_rows(records, layout.EVALUATIONS, sql.COLUMNS["evaluation"]))
    for number, row in enumerate(rows):
        classes = row["classes"]
        if (
            not isinstance(classes, list)
            or not classes
            or not all(isinstance(name, str) for name in classes)
            or len(set(classes)) != len(classes)
        ):
            raise StoreError(
                f"Evaluation {number}: its classes must be different names; nothing was imported."
            )
        member = f"evaluations/{number}.npy"
        table = _array(records[member], layout.evaluation_type(len(classes)), member)
        truth = table["truth"]
        if not ((truth >= -1) & (truth < len(classes))).all():
            raise StoreError(f"{member} has a truth that is none of its classes; nothing was imported.")
        further = {}
        if f"evaluations/{number}.jsonl" in records:
            for one in _rows(records, f"evaluations/{number}.jsonl", ("image", "metrics", "shapes")):
                further[one.whole("image")] = (_stored(one["metrics"], dict), _stored(one["shapes"], list))
        if not further.keys() <= set(table["image"].tolist()):
            raise StoreError(f"Evaluation {number} has metrics of images that it does not have.")
        parsed.evaluations.append(
            [
                (image, label, values.tobytes(), *further.get(image, (None, None)))
                for image, label, values in zip(
                    table["image"].tolist(), truth.tolist(), table["probabilities"], strict=True
                )
            ]
        )
        values = (row.name("partition"), json.dumps(classes), row.time("created"), row.time("updated"))
        parsed.tables["evaluation"].append(values)
    strangers = [name for name in records if name.startswith("evaluations/")]
    if any(int(name.split("/")[1].split(".")[0]) >= len(rows) for name in strangers):
        raise StoreError("The archive has rows of an evaluation that it does not name; nothing was imported.")


def _stored(value: Any, kind: type) -> str | None:
    if value is None:
        return None
    if not isinstance(value, kind):
        raise StoreError(
            f"An evaluated image's metrics are an object and its shapes a list, not {type(value).__name__}."
        )
    return json.dumps(value, separators=(",", ":"))


def _artifact(row: Fields) -> Row:
    return (
        row.name("name"),
        row.whole("version", 1),
        row.one_of("kind", ("file", "folder")),
        check_filename(row.text("filename")),
        row.sha256("sha256"),
        row.whole("size", 0),
        row.time("created"),
    )


def _path(row: Fields) -> str:
    path: str = row.text("path")
    parts = path.removesuffix("/").split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        raise StoreError(f"{path!r} leads out of its folder or is no path; nothing was imported.")
    return path


def _job(row: Fields) -> Row:
    state, error = row.one_of("state", JobState), row.text("error", optional=True)
    # Nobody here has this work to do, or does it.
    if state == JobState.RUNNING:
        state, error = str(JobState.LOST), error or _EXPORTED
    elif state == JobState.WAITING:
        state = str(JobState.CANCELED)
    if not isinstance(row["payload"], dict):
        raise StoreError("A job's payload must be an object; nothing was imported.")
    return (
        row.one_of("kind", KINDS),
        row.whole("attempt", 0),
        json.dumps(row["payload"], separators=(",", ":")),
        row.text("environment"),
        state,
        row.whole("stop_requested", 0, 1),
        row.time("created"),
        row.time("claimed", optional=True),
        row.time("ended", optional=True),
        row.whole("exit_code", optional=True),
        error,
    )


def _datasets(records: dict[str, bytes], parsed: Parsed) -> None:
    found = {name.split("/")[1].split(".")[0] for name in records if name.startswith("datasets/")}
    for number in sorted(found, key=int):
        member = f"datasets/{number}.json"
        record = as_json(records[member], member)
        if not isinstance(record, dict) or not isinstance(record.get("uid"), str):
            raise StoreError(f"{member} must be an object with a uid; nothing was imported.")
        uid = Fields(member, {"uid": record.pop("uid")}, ("uid",)).text("uid")
        parsed.datasets.append((uid, json.dumps(record), zlib.compress(records[f"datasets/{number}.csv"], 6)))


def _check_contents(archive: Archive, parsed: Parsed) -> None:
    """Every file that the record names is there, of the size that it says, and no other one."""
    folders = {digest: _folder(digest, entries) for digest, entries in parsed.folders.items()}
    sizes = [(sha256, size) for entries in parsed.folders.values() for _, sha256, size in entries]
    for _, _, kind, _, sha256, size, _ in parsed.tables["artifact"]:
        if kind == "file":
            sizes.append((sha256, size))
        elif sha256 not in folders:
            raise StoreError(
                f"The archive does not say what the folder {sha256} holds; nothing was imported."
            )
        elif folders[sha256] != size:
            raise StoreError(f"The folder {sha256} does not have the size that its artifact says.")
    used = {row[4] for row in parsed.tables["artifact"] if row[2] == "folder"}
    if parsed.folders.keys() - used:
        raise StoreError("The archive has a folder that no artifact is; nothing was imported.")
    sizes += [
        (sha256, json.loads(data)["size"])
        for _, kind, data, sha256, *_ in parsed.tables["log"]
        if kind == LogType.IMAGE
    ]
    if set(sizes) != set(archive.contents.items()):
        raise StoreError(
            f"{archive.path}: its files are not those that its record names, or have other sizes; nothing was imported."
        )


def _folder(digest: str, entries: Iterable[tuple[str, str, int]]) -> int:
    listed = list(entries)
    if folder_digest(listed) != digest or len({path for path, _, _ in listed}) != len(listed):
        raise StoreError(f"The folder {digest} does not hold what its checksum says; nothing was imported.")
    return sum(size for _, _, size in listed)
