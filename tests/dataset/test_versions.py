"""Dataset versions, predictions, and labels as files."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.errors import DatasetVersionError, SelectionError


def test_a_version_holds_labeled_images_only(ten):
    """Unlabeled, excluded and removed images and unused categories are not in it."""
    ten.label([1, 2, 3, 4], "c")
    ten.label([5], "a")
    ten.exclude(2)
    ten.remove_images(3)
    ten.split(training=0.5)
    version = ten.snapshot("first")
    assert version.ids.tolist() == version.images.index.tolist() == [1, 4, 5]
    assert version.classes == ["a", "c"]
    assert version.labels.tolist() == [1, 1, 0]
    assert version.category_ids.tolist() == [1, 3]
    assert version.images["category"].tolist() == ["c", "c", "a"]
    assert version.images["partition"].tolist() == ten.images.loc[[1, 4, 5], "partition"].tolist()
    assert sorted([*version.select("training"), *version.select("validation")]) == [1, 4, 5]
    assert abs(datetime.now(UTC) - version.created) < timedelta(minutes=1)
    with pytest.raises(DatasetVersionError, match="training, validation"):
        version.select("train")


def test_a_version_never_changes(ten):
    """Whatever happens to the project later, the version reads the same, from any process."""
    ten.label([1, 2], "a")
    version = ten.snapshot()
    before = (version.fingerprint, version.images.to_csv(), version.classes)
    ten.label([1, 3], "b")
    ten.rename_category("a", "z")
    ten.remove_images(2)
    with Dataset(ten.path, "r") as other:
        for found in (other.version(version.uid), other.version("v1"), other.versions[0]):
            assert (found.fingerprint, found.images.to_csv(), found.classes) == before
            assert found == version


def test_the_fingerprint_is_the_documented_hash(ten):
    """Computed here from the definition: sorted lines of pixel hash, category name and partition."""
    ten.label([1, 2], "a")
    ten.label([3], "b")
    ten.split(training=0.5)
    lines = []
    for image_id, row in ten.images.loc[[1, 2, 3]].iterrows():
        pixels = ten.pixels(image_id)
        text = f"{pixels.shape} {pixels.dtype.newbyteorder('<').str}\n".encode()
        digest = hashlib.sha256(text + pixels.tobytes()).hexdigest()
        lines.append(json.dumps([digest, row["category"], row["partition"]]))
    expected = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    assert ten.snapshot().fingerprint == expected


def test_fingerprints_tell_content_not_place(tmp_path):
    """The same pixels, labels and partitions in files, arrays and any order have one fingerprint."""
    values = np.random.default_rng(0).integers(0, 60000, (4, 6, 5), dtype=np.uint16)
    for number, image in enumerate(values):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    with Dataset(tmp_path / "one") as one, Dataset(tmp_path / "two") as two:
        one.add_images(values, labels=list("aabb"))
        files = [tmp_path / f"{number}.png" for number in (3, 0, 2, 1)]
        two.add_images(files, labels=list("baba"))
        first = one.snapshot().fingerprint
        assert first == two.snapshot().fingerprint == one.snapshot().fingerprint
        two.label(1, "a")
        assert two.snapshot().fingerprint != first
        two.undo()
        two.assign_partitions()
        assert two.snapshot().fingerprint != first


def test_a_changed_file_is_noticed(dataset, picture, tmp_path):
    """Pixels that were replaced after labeling are hashed anew, and somebody is told."""
    for name in ("a", "b"):
        dataset.add_images(picture(tmp_path / f"{name}.png"), labels=["x"])
    first = dataset.snapshot()
    picture(tmp_path / "a.png", (9, 9))
    with pytest.warns(UserWarning, match=r"a\.png.*changed since"):
        second = dataset.snapshot()
    assert second.fingerprint != first.fingerprint
    assert (first.hashes == second.hashes).tolist() == [False, True]
    assert dataset.snapshot().fingerprint == second.fingerprint


def test_unreadable_images_stop_a_snapshot_by_name(dataset, picture, tmp_path):
    """A version cannot vouch for pixels that nobody can read; the message says what to do."""
    paths = [picture(tmp_path / f"{name}.png") for name in "ab"]
    dataset.add_images(paths, labels=["x", "x"])
    paths[0].unlink()
    with pytest.raises(
        DatasetVersionError, match=r"1 image cannot be read.*\n.*a\.png.*\n.*exclude\(\[1\]\)"
    ):
        dataset.snapshot()
    dataset.exclude(1)
    assert dataset.snapshot().ids.tolist() == [2]


def test_names_of_versions(ten):
    """Names are unique and made up where none is given."""
    with pytest.raises(DatasetVersionError, match="No image is labeled"):
        ten.snapshot()
    ten.label(1, "a")
    assert [ten.snapshot(name).name for name in (None, "v3", None, "gold")] == ["v1", "v3", "v4", "gold"]
    for wrong in ("gold", "", 5, "x" * 201):
        with pytest.raises(DatasetVersionError):
            ten.snapshot(wrong)
    with pytest.raises(DatasetVersionError, match="there are gold, v1"):
        ten.version("silver")
    assert [version.name for version in ten.versions] == ["v1", "v3", "v4", "gold"]


def test_versions_are_small(tmp_path):
    """100,000 images take less than 2 MB, and come back exactly."""
    from piximi_widgets.dataset.versions import pack, unpack

    random = np.random.default_rng(0)
    ids = np.sort(random.choice(300_000, 100_000, replace=False)) + 1
    labels = random.integers(0, 10, 100_000, dtype=np.int32)
    partitions = random.integers(1, 4, 100_000, dtype=np.uint8)
    hashes = random.integers(0, 2**63, 100_000, dtype=np.uint64) * np.uint64(2)
    content = pack(ids, labels, partitions, hashes)
    assert len(content) < 2_000_000
    for array, found in zip((ids, labels, partitions, hashes), unpack(content, 100_000), strict=True):
        assert np.array_equal(array, found)
    with pytest.raises(DatasetVersionError, match="damaged"):
        unpack(content[:-9], 100_000)


# -- predictions -----------------------------------------------------------------------------------


def test_predictions_are_shown_and_accepted(ten):
    """Predictions stand in the table; accepting labels unlabeled images of enough confidence only."""
    ten.label(1, "b")
    probabilities = np.array([[0.9, 0.1, 0], [0.3, 0.7, 0], [0.5, 0.1, 0.4], [0, 0, 1]], np.float32)
    ten.store_predictions("exp-1", ["a", "b", "brand new"], [1, 2, 3, 4], probabilities)
    frame = ten.images
    assert frame["prediction"].tolist()[:4] == ["a", "b", "a", "brand new"]
    assert frame["prediction"].isna().sum() == 6
    assert np.allclose(frame["confidence"][:4], [0.9, 0.7, 0.5, 1.0])
    table = ten.predictions("exp-1")
    assert list(table.columns) == ["prediction", "confidence", "a", "b", "brand new"]
    assert np.array_equal(table[["a", "b", "brand new"]].to_numpy(), probabilities)
    arrays = ten.prediction_arrays("exp-1")
    assert arrays.ids.tolist() == [1, 2, 3, 4]
    assert np.array_equal(arrays.probabilities, probabilities)
    ten.exclude(4)
    result = ten.accept_predictions(min_confidence=0.6)
    assert result.changed.tolist() == [2]
    assert ten.accept_predictions(ids=[1, 3, 4]).changed.tolist() == [3, 4]
    assert ten.images["category"].tolist()[:4] == ["b", "b", "a", "brand new"]
    ten.undo()
    assert ten.images["category"].isna().tolist()[2:4] == [True, True]


def test_the_newest_predictions_count(ten):
    """Each experiment keeps its own; the table shows the one that spoke last, and falls back when it is cleared."""
    ten.store_predictions("one", ["a", "b"], [1, 2], np.array([[1, 0], [1, 0]]))
    ten.store_predictions("two", ["a", "b"], [1], np.array([[0.2, 0.8]]))
    assert ten.images["prediction"].tolist()[:2] == ["b", None] or pd.isna(ten.images["prediction"][2])
    assert ten.predictions()["prediction"].tolist() == ["b"]
    assert ten.predictions("one")["prediction"].tolist() == ["a", "a"]
    ten.clear_predictions("two")
    assert ten.predictions()["prediction"].tolist() == ["a", "a"]
    ten.store_predictions("one", ["a", "b"], [2], np.array([[0, 1]]))
    assert ten.predictions("one")["prediction"].tolist() == ["a", "b"]
    ten.clear_predictions()
    assert len(ten.predictions()) == 0
    assert list(ten.predictions().columns) == ["prediction", "confidence"]
    assert ten.prediction_arrays("one") is None
    assert ten.images["confidence"].isna().all()


def test_predictions_follow_their_categories(ten):
    """A renamed category keeps its predictions; a removed one leaves the class's own name."""
    ten.store_predictions("e", ["a", "b"], [1, 2], np.eye(2))
    ten.rename_category("a", "z")
    ten.add_category("a")
    assert ten.images["prediction"].tolist()[:2] == ["z", "b"]
    assert ten.columns().prediction_id.tolist()[:2] == [1, 2]
    ten.remove_category("b")
    assert ten.images["prediction"].tolist()[:2] == ["z", "b"]
    assert ten.columns().prediction_id.tolist()[:2] == [1, 0]
    assert ten.accept_predictions().changed.tolist() == [1, 2]
    assert ten.images["category"].tolist()[:2] == ["z", "b"]


@pytest.mark.parametrize(
    ("classes", "ids", "probabilities"),
    [
        (["a"], [1, 2], np.ones((1, 1))),
        (["a", "b"], [1], np.ones((1, 1))),
        ([], [1], np.ones((1, 0))),
        (["a"], [99], np.ones((1, 1))),
        (["a"], [1], np.full((1, 1), np.nan)),
    ],
)
def test_predictions_that_do_not_fit(ten, classes, ids, probabilities):
    """Shapes, ids and values are checked before anything is stored."""
    with pytest.raises(SelectionError):
        ten.store_predictions("e", classes, ids, probabilities)
    assert ten.prediction_arrays("e") is None


# -- label files -----------------------------------------------------------------------------------


def test_labels_go_through_a_file_and_back(dataset, picture, tmp_path):
    """What to_csv writes, load_labels reads into another project of the same files, categories and all."""
    paths = [picture(tmp_path / "raw" / f"{n}.png") for n in range(4)]
    odd = 'NA, "quoted"\nand <b>'
    dataset.add_images(paths, labels=["None", odd, None, "1"])
    dataset.to_csv(tmp_path / "labels.csv")
    with Dataset(tmp_path / "other") as other:
        other.add_images(np.zeros((3, 5, 8), np.uint8))
        other.add_images(paths)
        report = other.load_labels(tmp_path / "labels.csv")
        assert report.failed == {}
        assert report.changed.tolist() == [4, 5, 7]
        category = other.images["category"]
        assert category[[4, 5, 7]].tolist() == ["None", odd, "1"]
        assert category[6] != category[6]
        assert other.load_labels(tmp_path / "labels.csv").unchanged == 3
        other.undo()
        assert other.images["category"].isna().all()


def test_arrays_are_matched_by_id_and_name(ten, tmp_path):
    """Images without a path are known by id, and only if the name agrees: ids are local to a project."""
    ten.label([1, 2], "a")
    ten.to_csv(tmp_path / "labels.csv")
    ten.unlabel([1, 2])
    assert ten.load_labels(tmp_path / "labels.csv").changed.tolist() == [1, 2]
    with Dataset(tmp_path / "other") as other:
        other.add_images(np.zeros((3, 5, 8), np.uint8))
        report = other.load_labels(tmp_path / "labels.csv")
        assert report.changed.size == 0
        assert len(report.failed) == 2
        assert "another project" in next(iter(report.failed.values()))


def test_label_tables_by_name(ten):
    """A DataFrame with names works where names are unique; each bad row is reported."""
    ids = ten.add_images(np.zeros((3, 5, 8), np.uint8), names=["one", "two", "two"]).added
    table = pd.DataFrame({"name": ["one", "two", "nine", "one", None], "label": ["a", "b", "c", "b", "a"]})
    report = ten.load_labels(table)
    assert report.changed.tolist() == ids[:1]
    assert set(report.failed) == {"two", "nine", "one", "row 5"}
    assert "2 images have this name" in report.failed["two"]
    assert "earlier row" in report.failed["one"]
    for wrong in (pd.DataFrame({"name": ["one"]}), pd.DataFrame({"category": ["a"]})):
        with pytest.raises(SelectionError, match="needs a column"):
            ten.load_labels(wrong)
    with pytest.raises(SelectionError, match="no file"):
        ten.load_labels("nowhere.csv")


def test_a_schema_has_the_designed_columns(ten):
    """Parents, kinds and regions are there from the first schema on."""
    connection = sqlite3.connect(ten.path / "project.db")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(image)")}
    assert {"parent_id", "kind", "region", "metadata", "excluded", "partition", "category_id"} <= columns
    assert connection.execute("PRAGMA user_version").fetchone()[0] >= 1
    connection.close()
