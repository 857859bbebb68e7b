"""An experiment as one file: whole in another store, the same bytes each time, and refused where it is not sound."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from piximi_widgets.errors import (
    ArtifactError,
    ExperimentExistsError,
    NewerVersionError,
    PiximiError,
    StoreError,
)
from piximi_widgets.experiments import ExperimentStore, LogType
from piximi_widgets.experiments.archive import layout, sql
from piximi_widgets.experiments.sql.schema import MIGRATIONS

ROOT = Path(__file__).parents[3]


def fill(store: ExperimentStore, folder: Path):
    """An experiment with something of everything."""
    base = store.create_experiment("base", parameters={"lr": 0.5})
    made = store.create_experiment("Zellen é", base_experiment=base, description="d", tags=["plate7", "x"])
    made.parameters = {
        "lr": 0.1,
        "sizes": [1, 2],
        "none": None,
        "nan": math.nan,
        "nested": {"a": {"b": True}},
    }
    made.notes = "two\nlines"
    made.log_metrics({"loss": math.nan, "accuracy": 0.0}, step=-3, phase="train")
    made.log_metrics({"loss": math.inf}, step=2**40, phase="train")
    made.log_metrics({"alone": -math.inf})
    made.log("table", {"a": 1, "b": math.nan})
    made.log("matrix", {"categories": ["a", "b"], "values": [[1, 2], [3, 4]]}, type=LogType.HEATMAP)
    made.log("best", 3.5, type=LogType.VALUE)
    made.labelmap = ["a", "b"]
    Image.new("L", (4, 4), 7).save(folder / "picture.png")
    made.log("picture", folder / "picture.png", type=LogType.IMAGE)
    made.artifacts.store("model", b"one", filename="m.bin")
    made.artifacts.store("model", b"two", filename="m.bin")
    made.artifacts.store("same", b"one")
    (folder / "tree" / "deep").mkdir(parents=True)
    (folder / "tree" / "deep" / "a.txt").write_text("one")
    (folder / "tree" / "empty").mkdir()
    made.artifacts.store("tree", folder / "tree")
    made.add_evaluations("validation", [3, 9], ["b", None], [[0.25, 0.75], [1, 0]], ["a", "b"])
    made.telemetry.append(["--#--chapter", "printed", "50%\r"])
    made.telemetry.append("warned", stream="stderr")
    with store.database.write() as connection:
        connection.execute("INSERT INTO system_sample VALUES (?, 1700000000000, 'cpu', 12.5)", (made.id,))
    job = store.enqueue(made, "train", {"dataset": "u"}, "here")
    job.finish("FAILED", exit_code=3, error="no luck")
    store.enqueue(made, "predict", {"ids": [1]}, "here")

    class Version:
        uid, name, fingerprint = "11111111-1111-4111-8111-111111111111", "v1", "f" * 64

    made.attach_dataset(Version(), alias="train")
    return made


@pytest.fixture
def made(store, tmp_path):
    return fill(store, tmp_path)


@pytest.fixture
def other(tmp_path, empty):
    (tmp_path / "other").mkdir()
    with ExperimentStore(tmp_path / "other" / "lab.db") as store:
        yield store


def record(store: ExperimentStore, id: int) -> dict[str, list[tuple]]:
    """Every row of an experiment as plain sqlite3 reads it, without ids that are local to a store."""
    connection = sqlite3.connect(store.database.path)
    statements = {
        "experiment": "SELECT uid, name, description, notes, status, creator, created, started, ended, exit_code, error"
        " FROM experiment WHERE id = ?",
        "parameter": "SELECT name, position, type, value FROM parameter WHERE experiment_id = ? ORDER BY position",
        "tag": "SELECT name, position FROM tag WHERE experiment_id = ? ORDER BY position",
        "dataset": "SELECT alias, uid, name, fingerprint, attached FROM attached_dataset WHERE experiment_id = ?",
        "log": "SELECT name, type, data, sha256, created, updated FROM log WHERE experiment_id = ? ORDER BY id",
        "point": "SELECT phase.name, series.name, series.created, step, time, value, flag FROM series JOIN phase ON"
        " phase.id = series.phase_id JOIN point ON point.phase_id = phase.id AND point.series_id = series.id"
        " WHERE series.experiment_id = ? ORDER BY series.id, step",
        "artifact": "SELECT name, version, filename, sha256, size, created, kind FROM artifact WHERE experiment_id = ?"
        " ORDER BY id",
        "folder": "SELECT path, folder_file.sha256, folder_file.size FROM folder_file JOIN artifact ON"
        " artifact.sha256 = folder WHERE experiment_id = ? ORDER BY path",
        "evaluation": "SELECT partition, classes, created, updated, image_id, truth, probabilities, metrics, shapes FROM"
        " evaluation JOIN evaluation_row ON evaluation.id = evaluation_id WHERE experiment_id = ? ORDER BY image_id",
        "line": "SELECT number, time, stream, text, progress FROM telemetry_line WHERE experiment_id = ? ORDER BY number",
        "chapter": "SELECT number, name, time FROM telemetry_chapter WHERE experiment_id = ?",
        "sample": "SELECT time, name, value FROM system_sample WHERE experiment_id = ?",
        "job": "SELECT kind, attempt, payload, created, exit_code, error FROM job WHERE experiment_id = ? ORDER BY id",
    }
    try:
        rows = {name: connection.execute(text, (id,)).fetchall() for name, text in statements.items()}
    finally:
        connection.close()
    # Whoever wrote the JSON may have put blanks into it.
    return rows | {"log": [(*row[:2], json.loads(row[2]), *row[3:]) for row in rows["log"]]}


def is_empty(store: ExperimentStore) -> bool:
    """No row, no file, and no part of one."""
    files = [path for path in store.contents.folder.glob("??/*") if path.is_file()]
    return not len(store) and not files and not store.deleted


def test_everything_arrives(store, made, other, tmp_path):
    imported = other.import_experiment(made.export(tmp_path / "run.zip"))
    before, after = record(store, made.id), record(other, imported.id)
    assert all(before.values())
    # Read as text where it holds NaN, which is unlike itself.
    assert repr(after) == repr(before)
    assert imported.uid == made.uid
    assert imported.artifacts["model"].versions[0].path.read_bytes() == b"one"
    assert (imported.artifacts["tree"].download(tmp_path / "out") / "deep" / "a.txt").read_text() == "one"
    assert imported.get_log("picture").path.read_bytes() == (tmp_path / "picture.png").read_bytes()
    assert [job.state for job in other.jobs(imported)] == ["FAILED", "CANCELED"]
    assert imported.metric("train/accuracy")["value"].tolist() == [0.0]
    assert other.check(deep=True).ok
    # What nobody summed up on the way is in the table too.
    assert other.search()["metric.alone"].tolist() == [-math.inf]


def test_every_column_of_an_experiment_is_exported_or_left_out_on_purpose():
    """A column that somebody adds to the schema must not be lost by an export."""
    connection = sqlite3.connect(":memory:")
    for script in MIGRATIONS:
        connection.executescript(script)
    local = {
        "id",
        "experiment_id",
        "deleted",
        "base_experiment_id",
        "base_model_version_id",
        "parent_id",
        "worker",
        "log_offset",
    }
    own = {
        "experiment": {"id"},
        "log": set(),
        "series": {"phase_id"},  # follows from the name
    }
    for table, columns in sql.COLUMNS.items():
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        assert there - local - own.get(table, set()) == set(columns), table
    rest = {
        # told in other ways: parameters and tags as such, points and rows as arrays, folders by their digest
        *("parameter", "tag", "phase", "point", "evaluation_row", "folder_file", "origin", "kept_dataset"),
        # made anew from points
        *("series_stat", "series_block", "point_correction"),
        # of the store, not of an experiment; numbers of versions that were deleted there mean nothing here
        *("worker", "model", "model_version", "model_file", "artifact_number", "started"),
    }
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {name for name in tables if not name.startswith("sqlite_")} == rest | set(sql.COLUMNS)
    there = [row[1] for row in connection.execute("PRAGMA table_info(evaluation_row)")]
    assert there == ["evaluation_id", "image_id", "truth", "probabilities", "metrics", "shapes"]


def test_the_same_experiment_gives_the_same_bytes_also_after_a_journey(made, other, tmp_path):
    first = made.export(tmp_path / "1.zip").read_bytes()
    assert made.export(tmp_path / "2.zip").read_bytes() == first
    imported = other.import_experiment(tmp_path / "1.zip")
    with other.database.write() as connection:
        # The one thing that changes on the way: nobody here is to do the waiting work.
        connection.execute("UPDATE job SET state = 'WAITING' WHERE state = 'CANCELED'")
    assert imported.export(tmp_path / "3.zip").read_bytes() == first


def test_others_can_read_it(made, tmp_path):
    """With zipfile, json and NumPy alone, as the format's description says."""
    with zipfile.ZipFile(made.export(tmp_path / "run.zip")) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert (manifest["format"], manifest["version"], manifest["uid"]) == (
            "piximi_widgets experiment",
            1,
            made.uid,
        )
        for name, told in manifest["members"].items():
            data = archive.read(name)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (told["size"], told["sha256"])
        assert sorted(archive.namelist()) == sorted(["manifest.json", *manifest["members"]])
        header = json.loads(archive.read("experiment.json"))
        assert header["base_experiment"]["name"] == "base"
        names = [json.loads(line)["name"] for line in archive.read("metrics.jsonl").splitlines()]
        points = np.load(io.BytesIO(archive.read("metrics.npy")), allow_pickle=False)
        assert names == ["train/loss", "train/accuracy", "alone"]
        assert points["step"].tolist() == [-3, 2**40, -3, 1]
        assert np.isnan(points["value"][0])
        contents = [name for name in archive.namelist() if name.startswith("contents/")]
        assert (
            len(contents) == len(set(contents)) == 4
        )  # one, two, nothing (of the empty folder), the picture


def test_a_uid_that_is_there_is_named(store, made, tmp_path):
    path = made.export(tmp_path / "run.zip")
    count = len(store)
    with pytest.raises(ExperimentExistsError, match=rf"{made.uid}.*Zellen.*if_exists"):
        store.import_experiment(path)
    assert store.import_experiment(path, if_exists="reuse") == made
    assert len(store) == count
    copy = store.import_experiment(path, if_exists="rename")
    assert (copy.name, copy.uid != made.uid) == ("Zellen é 2", True)
    assert repr({**record(store, copy.id), "experiment": 0, "job": 0}) == repr(
        {**record(store, made.id), "experiment": 0, "job": 0}
    )
    assert copy.base_experiment.name == "base"


def test_a_name_that_another_one_has(made, other, tmp_path):
    path = made.export(tmp_path / "run.zip")
    other.create_experiment("Zellen é")
    with pytest.raises(ExperimentExistsError, match="another experiment"):
        other.import_experiment(path)
    assert len(other) == 1
    imported = other.import_experiment(path, if_exists="rename")
    assert (imported.name, imported.uid) == ("Zellen é 2", made.uid)


def test_a_base_is_found_whichever_comes_first_and_never_in_a_circle(store, made, other, tmp_path):
    base = made.base_experiment
    imported = other.import_experiment(made.export(tmp_path / "run.zip"))
    assert imported.base_experiment is None
    assert imported.export(tmp_path / "again.zip")
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        assert json.loads(archive.read("experiment.json"))["base_experiment"]["uid"] == base.uid
    second = other.import_experiment(base.export(tmp_path / "base.zip"))
    assert imported.base_experiment == second
    # An archive that says of the base that it goes on from its own child.
    forged = rewritten(
        tmp_path / "base.zip", tmp_path / "circle.zip", header(base_experiment={"uid": made.uid, "name": "x"})
    )
    third = ExperimentStore(tmp_path / "third.db", tmp_path / "third")
    child = third.import_experiment(tmp_path / "run.zip")
    parent = third.import_experiment(forged)
    assert parent.base_experiment == child
    assert child.base_experiment is None
    third.close()


def test_a_parent_is_found_whichever_comes_first_and_never_in_a_circle(store, other, tmp_path):
    parent = store.create_experiment("run", parameters={"rate": 0.1})
    child = store.create_experiment("run", parameters={"rate": 0.2}, if_exists="reuse")
    imported = other.import_experiment(child.export(tmp_path / "child.zip"))
    assert imported.parent is None
    # Carried on, although it is not here yet.
    with zipfile.ZipFile(imported.export(tmp_path / "again.zip")) as archive:
        told = json.loads(archive.read("experiment.json"))
    assert (told["parent"], told["base_experiment"]) == ({"uid": parent.uid, "name": "run"}, None)
    second = other.import_experiment(parent.export(tmp_path / "parent.zip"))
    assert (imported.parent, second.children, second.parent) == (second, [imported], None)
    third = ExperimentStore(tmp_path / "third.db", tmp_path / "third")
    forged = rewritten(
        tmp_path / "parent.zip", tmp_path / "circle.zip", header(parent={"uid": child.uid, "name": "x"})
    )
    one, two = third.import_experiment(tmp_path / "child.zip"), third.import_experiment(forged)
    assert (one.parent, two.parent) == (None, one)
    itself = rewritten(
        tmp_path / "parent.zip", tmp_path / "itself.zip", header(parent={"uid": parent.uid, "name": "x"})
    )
    two.delete()
    two.purge()
    assert third.import_experiment(itself).parent is None
    third.close()


def test_a_running_training_is_interrupted_elsewhere(store, experiment, other, tmp_path):
    experiment.start()
    imported = other.import_experiment(experiment.export(tmp_path / "run.zip"))
    assert (imported.status, experiment.status) == ("INTERRUPTED", "RUNNING")
    assert "exported" in imported.error


def test_an_export_is_whole_or_not_there(made, tmp_path):
    path = made.export(tmp_path / "run.zip")
    before = path.read_bytes()
    lost = made.artifacts["model"].path
    lost.write_bytes(b"2wo")
    with pytest.raises(ArtifactError, match="damaged"):
        made.export(path)
    lost.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        made.export(path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))
    with pytest.raises(StoreError, match="name a file"):
        made.export(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        made.export(tmp_path / "nowhere" / "run.zip")


def test_a_read_only_store_exports_and_does_not_import(store, made, tmp_path):
    path = made.export(tmp_path / "run.zip")
    with ExperimentStore(store.database.path, read_only=True) as reader:
        assert reader["Zellen é"].export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
        with pytest.raises(PiximiError, match="read-only"):
            reader.import_experiment(path, if_exists="rename")


def test_what_repeats_itself_is_no_bomb(store, experiment, other, tmp_path):
    """Three megabytes of the same line compress a thousand times, and are imported all the same."""
    experiment.telemetry.append(["x" * 1000] * 3000)
    assert len(other.import_experiment(experiment.export(tmp_path / "run.zip")).telemetry) == 3000


def test_an_import_that_finds_the_disk_full_leaves_nothing(made, other, tmp_path, monkeypatch):
    made.telemetry.append([f"{number}" * 50 for number in range(2000)])
    path = made.export(tmp_path / "run.zip")
    with other.database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
    with pytest.raises(StoreError, match=r"disk is full.* what was saved before is safe"):
        other.import_experiment(path)
    assert is_empty(other)
    with other.database.read() as connection:
        connection.execute("PRAGMA max_page_count=100000").fetchall()
    assert other.import_experiment(path).uid == made.uid


# -- hostile archives ------------------------------------------------------------------------------

Members = dict[str, bytes]


def rewritten(
    source: Path,
    target: Path,
    change: Callable[[Members], None],
    manifest: Callable[[dict], None] | None = None,
) -> Path:
    """An archive with other members, whose manifest is right but for what `manifest` does to it."""
    with zipfile.ZipFile(source) as archive:
        told = json.loads(archive.read("manifest.json"))
        members = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    change(members)
    told["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    }
    if manifest:
        manifest(told)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("manifest.json", json.dumps(told))
        for name, data in members.items():
            method = zipfile.ZIP_STORED if name.startswith("contents/") else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, method)
    return target


def header(**fields) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members["experiment.json"] = json.dumps(json.loads(members["experiment.json"]) | fields).encode()

    return change


def line(member: str, number: int, /, **fields) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        lines = members[member].splitlines()
        lines[number] = json.dumps(json.loads(lines[number]) | fields).encode()
        members[member] = b"\n".join(lines)

    return change


def member(name: str, data: bytes) -> Callable[[Members], None]:
    return lambda members: members.__setitem__(name, data)


def points(array) -> Callable[[Members], None]:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return member("metrics.npy", file.getvalue())


def nothing(members: Members) -> None:
    pass


def told(name: str, **fields) -> Callable[[dict], None]:
    return lambda manifest: manifest["members"][name].update(fields)


DEEP = b"[" * 200_000 + b"]" * 200_000
HOSTILE = {
    "absolute path": member("/etc/passwd", b"x"),
    "parent": member("../x", b"x"),
    "parent below": member("contents/../../x", b"x"),
    "backslash": member("contents\\x", b"x"),
    "odd case": member("Experiment.json", b"{}"),
    "case of a content": member("contents/" + "A" * 64, b"x"),
    "unknown": member("readme.txt", b"x"),
    "content under another hash": member("contents/" + "0" * 64, b"x"),
    "content that nothing names": member("contents/" + hashlib.sha256(b"stray").hexdigest(), b"stray"),
    "missing table": lambda members: members.pop("logs.jsonl"),
    "missing content": lambda members: members.pop("contents/" + hashlib.sha256(b"two").hexdigest()),
    "missing rows": lambda members: members.pop("evaluations/0.npy"),
    "rows of no evaluation": lambda members: members.update(
        {"evaluations/1.npy": members["evaluations/0.npy"]}
    ),
    "table without record": member("datasets/0.csv", b""),
    "no JSON": member("experiment.json", b"{"),
    "not an object": member("experiment.json", b"[]"),
    "not UTF-8": member("experiment.json", b"\xff\xfe\xff"),
    "deep record": member("experiment.json", DEEP),
    "deep line": member("logs.jsonl", DEEP),
    "digits": member("jobs.jsonl", b'{"kind": ' + b"9" * 10_000 + b"}"),
    "time beyond dates": header(created=10**17),
    "huge exit code": header(exit_code=2**63),
    "uid": header(uid="../../x"),
    "other uid": header(uid="22222222-2222-4222-8222-222222222222"),
    "name": header(name="x" * 61),
    "status": header(status="WON"),
    "surrogate": header(notes="\ud800"),
    "parameters": header(parameters=[1]),
    "tags": header(tags=["a", "a"]),
    "unknown key": header(extra=1),
    "dataset": header(datasets=[{"alias": "a"}]),
    "two of one alias": header(
        datasets=[{"alias": "a", "uid": "u", "name": "n", "fingerprint": "f", "attached": 1}] * 2
    ),
    "base": header(base_experiment={"uid": 3, "name": "x"}),
    "log type": line("logs.jsonl", 1, type="LINE"),
    "log shape": line("logs.jsonl", 2, data={"categories": ["a"], "values": []}),
    "labelmap": line("logs.jsonl", 0, name="lost"),
    "log twice": line("logs.jsonl", 1, name="best"),
    "metric twice": line("metrics.jsonl", 1, name="alone"),
    "metric named as a log": line("metrics.jsonl", 1, name="table"),
    "file outside": line("artifacts.jsonl", 0, filename="../../x"),
    "artifact twice": line("artifacts.jsonl", 1, version=1),
    "lying size": line("artifacts.jsonl", 0, size=4),
    "wrong kind": line("artifacts.jsonl", 0, kind="folder"),
    "path outside": line("folders.jsonl", 0, path="../../x"),
    "poisoned folder": line("folders.jsonl", 0, path="deep/b.txt"),
    "folder of nothing": lambda members: line("artifacts.jsonl", 3, kind="file")(members),
    "job kind": line("jobs.jsonl", 0, kind="delete"),
    "two first attempts": line("jobs.jsonl", 1, kind="train", attempt=1),
    "sample": line("samples.jsonl", 0, value=math.inf),
    "telemetry": line("telemetry.jsonl", 0, progress=9),
    "line twice": line("telemetry.jsonl", 1, number=1),
    "truth": lambda members: members.__setitem__(
        "evaluations/0.npy", npy(np.array([(1, 2, [0, 0])], layout.evaluation_type(2)))
    ),
    "image twice": lambda members: members.__setitem__(
        "evaluations/0.npy", npy(np.array([(1, 0, [0, 0])] * 2, layout.evaluation_type(2)))
    ),
    "pickle": points(np.array([{"a": 1}], dtype=object)),
    "other array": points(np.zeros(3)),
    "point of no metric": points(np.array([(9, 1, 1, 1.0)], layout.POINT)),
    "point twice": points(np.array([(0, 1, 1, 1.0)] * 2, layout.POINT)),
    "point in no time": points(np.array([(0, 1, 2**62, 1.0)], layout.POINT)),
}


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


# Says that it has a million times a million points.
HOSTILE["array that lies"] = lambda members: members.__setitem__(
    "metrics.npy",
    npy(np.zeros(0, layout.POINT)).replace(b"(0,), }          ", b"(1000000000000,), }".ljust(17)[:17]),
)
HOSTILE["deep"] = lambda members: members.__setitem__(
    "experiment.json", members["experiment.json"].replace(b'"lr": 0.1', b'"lr": ' + DEEP)
)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    with ExperimentStore(folder / "lab.db") as store:
        return fill(store, folder).export(folder / "run.zip")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_before_anything_is_written(good, other, tmp_path, kind):
    path = rewritten(good, tmp_path / "hostile.zip", HOSTILE[kind])
    assert path.read_bytes() != good.read_bytes()
    with pytest.raises(StoreError):
        other.import_experiment(path)
    assert is_empty(other)
    assert not (tmp_path / "x").exists()


def test_the_rewriting_itself_is_sound(good, other, tmp_path):
    """Else the test above could pass for the wrong reason."""
    assert other.import_experiment(rewritten(good, tmp_path / "same.zip", nothing)).name == "Zellen é"


@pytest.mark.parametrize(
    "manifest",
    [
        lambda manifest: manifest.update(format="other"),
        lambda manifest: manifest.update(version="1"),
        lambda manifest: manifest.update(version=0),
        lambda manifest: manifest.update(members=[]),
        lambda manifest: manifest.update(name="other"),
        lambda manifest: manifest["members"].pop("logs.jsonl"),
        lambda manifest: manifest["members"].update(more={"size": 0, "sha256": ""}),
        told("logs.jsonl", size=3),
        told("logs.jsonl", size="3"),
        told("logs.jsonl", sha256="0" * 64),
        told("logs.jsonl", sha256=None),
    ],
)
def test_a_manifest_that_lies_is_refused(good, other, tmp_path, manifest):
    with pytest.raises(StoreError):
        other.import_experiment(rewritten(good, tmp_path / "hostile.zip", nothing, manifest))
    assert is_empty(other)


def test_a_newer_format_says_so(good, other, tmp_path):
    path = rewritten(good, tmp_path / "newer.zip", nothing, lambda manifest: manifest.update(version=2))
    with pytest.raises(NewerVersionError, match=r"format 2.*pip install -U"):
        other.import_experiment(path)
    assert is_empty(other)


def forged(source: Path, target: Path, forge: Callable[[zipfile.ZipFile], None]) -> Path:
    """The good archive with one thing done to it that no manifest can tell."""
    target.write_bytes(source.read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        forge(archive)
    return target


def add(name: str, data: bytes = b"", mode: int = 0o100644, method: int = zipfile.ZIP_DEFLATED):
    def forge(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = method
        archive.writestr(info, data)

    return forge


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (add("logs.jsonl", b"{}"), "twice"),
        (add("datasets/0.json", b"/etc/passwd", 0o120777), "a link"),
        (add("datasets/0.json", b"", 0o020666), "a device"),
        (add("datasets/"), "belongs into no such archive"),
        (add("datasets/0.json", b"{}", method=zipfile.ZIP_LZMA), "compressed in a way"),
        (add("contents/" + "0" * 64, b"0" * 5000), "is compressed"),
        (add("datasets/0.json", b" " * (20 << 20)), "more than 200 times"),
        (
            lambda archive: [add(f"datasets/{n}.json")(archive) for n in range(200)],
            "not both in its manifest",
        ),
    ],
)
def test_what_a_zip_may_hold_and_this_one_may_not(good, other, tmp_path, forge, reason):
    with pytest.raises(StoreError, match=reason):
        other.import_experiment(forged(good, tmp_path / "hostile.zip", forge))
    assert is_empty(other)


def test_members_that_share_their_bytes_are_refused(good, other, tmp_path):
    """The bomb without nesting: many members that are all the same part of the file."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
        archive.writestr("contents/" + "0" * 64, b"0" * 100_000)
        info = archive.infolist()[0]
        for number in range(1, 50):
            twin = zipfile.ZipInfo(f"contents/{number:064x}")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(twin, field, getattr(info, field))
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    with pytest.raises(StoreError, match="overlap"):
        other.import_experiment(tmp_path / "bomb.zip")


def test_a_list_of_members_that_would_fill_the_memory_is_refused(other, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "LARGEST_DIRECTORY", 10_000)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(500):
            archive.writestr(str(number), b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(StoreError, match="list of members"):
        other.import_experiment(tmp_path / "many.zip")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 18, os.urandom(3000)])
def test_what_is_no_archive_is_said(other, tmp_path, content):
    (tmp_path / "run.zip").write_bytes(content)
    with pytest.raises(StoreError, match=r"run\.zip"):
        other.import_experiment(tmp_path / "run.zip")
    with pytest.raises(StoreError, match="cannot be read"):
        other.import_experiment(tmp_path / "missing.zip")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(StoreError, match="not a file"):
            other.import_experiment(tmp_path / "pipe")
    assert is_empty(other)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6
    ),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
def test_a_damaged_archive_gives_the_same_experiment_or_an_error(good, other, tmp_path, changes, cut):
    content = bytearray(good.read_bytes())
    whole = bytes(content)
    for where, value in changes:
        content[int(where * len(content))] = value
    if cut is not None:
        del content[int(cut * len(content)) :]
    (tmp_path / "damaged.zip").write_bytes(content)
    try:
        imported = other.import_experiment(tmp_path / "damaged.zip")
    except (StoreError, NewerVersionError):
        assert is_empty(other)
        return
    with other.database.write() as connection:
        connection.execute("UPDATE job SET state = 'WAITING' WHERE state = 'CANCELED'")
    assert imported.export(tmp_path / "again.zip").read_bytes() == whole
    imported.delete()
    imported.purge()
    assert is_empty(other)


# Values that a reader of JSON may stumble over.
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(
            [0, -1, 2**63, 10**30, 1e308, math.nan, math.inf, "", "\0", "\ud800", "x" * 300, "RUNNING"]
        ),
        st.integers(),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_forged_record_gives_a_sound_experiment_or_an_error(good, other, tmp_path, data):
    """Any value in the record, under checksums that are right: nothing but our own errors, nothing half."""
    with zipfile.ZipFile(good) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jsonl")]
        name = data.draw(st.sampled_from(["experiment.json", *names]))
        lines = archive.read(name).splitlines() if name.endswith("l") else [archive.read(name)]
    if not lines:
        return
    number = data.draw(st.integers(0, len(lines) - 1))
    row = json.loads(lines[number])
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_JSON)
    lines[number] = json.dumps(row).encode()
    path = rewritten(good, tmp_path / "forged.zip", member(name, b"\n".join(lines)))
    try:
        imported = other.import_experiment(path)
    except StoreError:
        assert is_empty(other)
        return
    assert other.check(deep=True).ok
    assert imported.logs
    assert imported.parameters is not None
    assert imported.telemetry.lines()
    assert len(other.search()) == 1
    imported._repr_html_()
    imported.export(tmp_path / "again.zip")
    imported.delete()
    imported.purge()
    assert is_empty(other)


# -- killed in between -----------------------------------------------------------------------------

IMPORT = """
import sys
from piximi_widgets.experiments import ExperimentStore
store = ExperimentStore(sys.argv[1])
print("ready", flush=True)
store.import_experiment(sys.argv[2])
print("done", flush=True)
"""


def test_an_import_that_is_killed_leaves_nothing_half(store, experiment, other, tmp_path):
    experiment.log("curve", {"steps": list(range(20_000)), "values": [0.5] * 20_000})
    for _ in range(3):
        experiment.artifacts.store("model", os.urandom(3_000_000))
    path = experiment.export(tmp_path / "run.zip")
    whole = 0
    for number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORT, other.url, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 * (number + 1) ** 1.6)
        process.send_signal(signal.SIGKILL)
        done = process.communicate()[0] == "done\n"
        assert len(other) == 1 or not done
        if len(other):
            whole += 1
            (imported,) = other
            assert len(imported.metrics_array("curve")[0]) == 20_000
            assert imported.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
            imported.delete()
            imported.purge()
        report = other.check(deep=True)
        assert report.ok, report
    assert other.import_experiment(path).uid == experiment.uid


def test_the_table_of_a_dataset_version_is_kept_with_it(store, experiment, other, tmp_path, monkeypatch):
    """What the project's room gives to the archive comes back byte by byte, and again from the second store."""
    table = b"id,category\n1,a\n"
    kept = layout.Dataset("33333333-3333-4333-8333-333333333333", {"name": "v1", "classes": ["a"]}, table)
    monkeypatch.setattr(type(experiment), "_datasets_for_archive", lambda self: [kept])
    path = experiment.export(tmp_path / "run.zip")
    monkeypatch.undo()
    imported = other.import_experiment(path)
    assert imported._kept_datasets() == {kept.uid: kept}
    assert imported.export(tmp_path / "again.zip").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert list(csv.reader(io.StringIO(archive.read("datasets/0.csv").decode()))) == [
            ["id", "category"],
            ["1", "a"],
        ]
