"""What check() finds: each kind of damage by its name and ids, and nothing in a project that is whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.safety.findings import CheckReport

# Some change of the third image's label: one of the operations that made it.
OF_THREE = (
    "target = 'image' AND field = 'category_id' AND target_id = 3 AND operation_id = (SELECT operation_id"
    " FROM change WHERE target = 'image' AND field = 'category_id' AND target_id = 3 ORDER BY operation_id"
)


@pytest.fixture
def busy(dataset: Dataset, picture: Callable[..., Path], tmp_path: Path) -> Dataset:
    """Thirteen images, three of them files, with all kinds of history, a version and predictions."""
    for number in range(3):
        picture(tmp_path / "raw" / f"{number}.bmp")
    dataset.add_images(np.arange(10 * 24, dtype=np.uint8).reshape(10, 4, 6))
    dataset.add_images(tmp_path / "raw", labels=["x", "y", "x"])
    dataset.add_category("z")
    dataset.label([1, 2, 3, 4], "x", by="ann")
    dataset.label([3, 4, 5], "y", by="bob")
    dataset.undo(by="bob")
    dataset.redo(by="bob")
    dataset.exclude([6, 7])
    dataset.rename_category("z", "zed")
    dataset.recolor_category("x", "#123456")
    dataset.reorder_categories(["zed", "y", "x"])
    dataset.split()
    dataset.snapshot("first")
    dataset.store_predictions("e", ["x", "y"], [8, 9, 10], np.full((3, 2), 0.5, np.float32))
    dataset.accept_predictions([8, 9])
    dataset.remove_images([10])
    dataset.undo()
    dataset.remove_images([9])
    dataset.merge_categories(["y"], into="x")
    return dataset


def harm(dataset: Dataset, *statements: str) -> CheckReport:
    """What is found after SQL that went behind the project's back."""
    dataset.close()
    with closing(sqlite3.connect(dataset.path / "project.db", isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount, statement
        for _, sql in triggers:
            connection.execute(sql)
    with Dataset(dataset.path) as opened:
        return opened.check()


def test_a_whole_project_has_no_problem(busy):
    """Whatever was done to it; read-only, too."""
    report = busy.check(pixels=True)
    assert report.ok
    assert report.problems == []
    assert report.warnings == []
    revision = busy.revision
    assert f"{revision} operations, 12 images, 1 dataset version" in repr(report)
    assert "the pixels of 12 images" in repr(report)
    assert repr(report).endswith("all is well.")
    busy.close()
    with Dataset(busy.path, "r") as reader:
        assert reader.check(pixels=True).ok
        assert reader.revision == revision


def test_an_empty_project_is_whole(dataset):
    assert dataset.check(pixels=True).ok


@pytest.mark.parametrize(
    ("kind", "ids", "says", "statement"),
    [
        ("journal", [1], "present category", "UPDATE image SET category_id = 3 WHERE id = 1"),
        ("journal", [6], "present excluded", "UPDATE image SET excluded = 0 WHERE id = 6"),
        ("journal", [11], "present removed", "UPDATE image SET removed = 1 WHERE id = 11"),
        ("journal", [2], "present note", "UPDATE image SET note = 'x' WHERE id = 2"),
        ("journal", [2], "present unsure", "UPDATE image SET unsure = 1 WHERE id = 2"),
        (
            "journal",
            [3],
            "present category",
            f'UPDATE change SET "before" = 9 WHERE {OF_THREE} LIMIT 1)',
        ),
        (
            "journal",
            [3],
            "present category",
            f"DELETE FROM change WHERE {OF_THREE} LIMIT 1 OFFSET 1)",
        ),
        ("journal", [3], "names, colors and keys", "UPDATE category SET name = 'q' WHERE name = 'zed'"),
        ("journal", None, "operations are there", "DELETE FROM operation WHERE id = 5"),
        ("journal", [5], "cannot be read whole", "UPDATE operation SET detail = '{' WHERE id = 5"),
        ("journal", [500], "lost image", "INSERT INTO change VALUES (3, 'image', 500, 'excluded', 0, 1)"),
        ("label", [1], "category that is gone", "UPDATE image SET category_id = 77 WHERE id = 1"),
        ("label", [1], "category that is gone", "UPDATE image SET category_id = 2 WHERE id = 1"),
        ("label", [4], "cannot be", "UPDATE image SET partition = 8 WHERE id = 4"),
        ("label", [4], "cannot be", "UPDATE image SET height = 0 WHERE id = 4"),
        ("label", [4], "cannot be", "UPDATE image SET refused = 77 WHERE id = 4"),
        ("journal", [4], "present refused", "UPDATE image SET refused = 1 WHERE id = 4"),
        ("journal", [1], "names, colors and keys", "UPDATE category SET key = 'q' WHERE name = 'x'"),
        ("version", [], "“first” is damaged", "UPDATE dataset_version SET content = x'00'"),
        ("version", [], "“first” is damaged", "UPDATE dataset_version SET images = images + 1"),
        ("version", [], "labels do not fit", "UPDATE dataset_version SET classes = '[\"x\"]'"),
        ("version", [], "“first” is damaged", "UPDATE dataset_version SET classes = 'x'"),
        ("prediction", [8], "Predict them again", "UPDATE prediction SET class = 5 WHERE image_id = 8"),
        (
            "prediction",
            [8],
            "Predict them again",
            "UPDATE prediction SET probabilities = x'00' WHERE image_id = 8",
        ),
        ("database", [], "refer to rows of image", "UPDATE prediction SET image_id = 99 WHERE image_id = 8"),
    ],
)
def test_each_damage_is_found(busy, kind, ids, says, statement):
    """By its kind and ids, with a sentence that says what to do."""
    report = harm(busy, statement)
    assert not report.ok
    found = [problem for problem in report.problems if problem.kind == kind and says in problem.sentence]
    assert found, report
    if ids is not None:
        assert found[0].ids == ids
    assert any(word in repr(report) for word in ("restore", "again", "anew"))
    assert repr(found[0]) in repr(report)


def test_the_sentence_counts_what_the_backup_holds(busy):
    """A lost operation, and a copy that has all but the last ones."""
    copy = busy.backup()
    held = busy.revision
    busy.label([1], "zed")
    report = harm(busy, f"DELETE FROM operation WHERE id = {held - 1}")
    (problem,) = [problem for problem in report.problems if "are there" in problem.sentence]
    assert problem.ids == [held - 1]
    assert f"{held} of {held + 1} operations are there" in problem.sentence
    assert f"{copy.name} of " in problem.sentence
    assert f"with {held} operations" in problem.sentence
    assert "Project.restore(" in problem.sentence


def test_ids_of_a_version_that_the_project_never_had(busy):
    """The arrays of a version are looked at one by one."""
    busy.close()
    with closing(sqlite3.connect(busy.path / "project.db")) as connection:
        content, count = connection.execute("SELECT content, images FROM dataset_version").fetchone()
        raw = bytearray(zlib.decompress(content))
        connection.execute("DROP TRIGGER dataset_version_is_final")
        # The first difference of ids: all ids go up by a thousand.
        raw[0:4] = (int.from_bytes(raw[0:4], "little") + 1000).to_bytes(4, "little")
        connection.execute("UPDATE dataset_version SET content = ?", (zlib.compress(bytes(raw)),))
        connection.commit()
    assert count
    with Dataset(busy.path) as opened:
        (problem,) = opened.check().problems
    assert problem.kind == "version"
    assert "never had" in problem.sentence


def test_missing_and_changed_files(busy, picture, tmp_path):
    """Files that are gone, that have another size, that have other pixels, or only another time."""
    raw = tmp_path / "raw"
    assert busy.check().ok
    (raw / "0.bmp").rename(tmp_path / "0.bmp")
    with (raw / "1.bmp").open("ab") as file:
        file.write(b"more")
    os.utime(raw / "2.bmp", (1, 1))
    report = busy.check()
    missing, other = report.problems
    assert (missing.kind, missing.ids) == ("file", [11])
    assert "relink(" in missing.sentence
    assert str(raw / "0.bmp") in missing.sentence
    assert (other.kind, other.ids) == ("file", [12])
    assert [(warning.kind, warning.ids) for warning in report.warnings] == [("file", [13])]
    # Read, the third one is the same image as before.
    report = busy.check(pixels=True)
    assert [problem.ids for problem in report.problems] == [[11], [12]]
    assert report.warnings == []
    (tmp_path / "0.bmp").rename(raw / "0.bmp")
    shutil.copy(raw / "0.bmp", raw / "2.bmp")
    report = busy.check(pixels=True)
    assert [(problem.kind, problem.ids) for problem in report.problems] == [("file", [12]), ("pixels", [13])]
    assert "not the ones that were labeled" in report.problems[1].sentence


def test_a_file_that_cannot_be_read(busy, tmp_path):
    """Damage of the same size is only seen by reading."""
    path = tmp_path / "raw" / "1.bmp"
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[8:40] = bytes(32)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert busy.check().ok
    (problem,) = busy.check(pixels=True).problems
    assert (problem.kind, problem.ids) == ("pixels", [12])
    assert "1.bmp" in problem.sentence


@pytest.mark.parametrize("how", ["missing", "cut", "garbage"])
def test_the_projects_own_pixels(busy, how):
    """A block that is gone, cut off or no block, with the images that lie in it; reading does not stumble
    over it."""
    busy.close()
    (block,) = (busy.path / "images").glob("block-*.npy")
    if how == "missing":
        block.unlink()
    elif how == "cut":
        os.truncate(block, 300)
    else:
        block.write_bytes(b"garbage")
    with Dataset(busy.path) as opened:
        for pixels in (False, True):
            (problem,) = opened.check(pixels=pixels).problems
            assert problem.kind == "file"
            assert problem.ids == [1, 2, 3, 4, 5, 6, 7, 8, 10]
            assert block.name in problem.sentence
            assert "copy of the project's folder" in problem.sentence


def test_a_report_stays_short(dataset, tmp_path, picture):
    """Thousands of images are counted, some are named."""
    for number in range(30):
        picture(tmp_path / "raw" / f"{number}.bmp")
    dataset.add_images(tmp_path / "raw")
    shutil.rmtree(tmp_path / "raw")
    report = dataset.check()
    (problem,) = report.problems
    assert len(problem.ids) == 30
    assert "and 25 more" in problem.sentence
    assert len(repr(report).splitlines()) == 2
