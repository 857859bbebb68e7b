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
from piximi_widgets.dataset.sql import images as image_sql
from piximi_widgets.dataset.sql.images import ImageFile, NewImage
from piximi_widgets.errors import DatasetVersionError, SelectionError
from tests.dataset.crops import cut


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


def test_names_that_are_none(ten):
    """Also one with half of a surrogate pair, which no database holds."""
    ten.label(1, "a")
    for wrong in ("", " ", 5, "x" * 201, "v\ud800"):
        with pytest.raises(DatasetVersionError, match="text of 1 to"):
            ten.snapshot(wrong)
    with pytest.raises(DatasetVersionError, match="no dataset version"):
        ten.version("v\ud800")
    assert ten.versions == []


def test_a_version_is_of_one_moment(ten, monkeypatch):
    """No label is missing because its category was merged into another one just now."""
    ten.label([1, 2], "a")
    ten.label([3], "b")
    with Dataset(ten.path) as other:
        columns = ten.columns

        def overtaken(*ids):
            found = columns(*ids)
            other.merge_categories(["a"], into="b")
            return found

        monkeypatch.setattr(ten, "columns", overtaken)
        version = ten.snapshot()
    assert version.images["category"].to_dict() == {1: "a", 2: "a", 3: "b"}
    monkeypatch.undo()
    assert ten.snapshot().images["category"].to_dict() == {1: "b", 2: "b", 3: "b"}


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


def fingerprint_by_hand(images, names, partitions) -> str:
    """From the definition alone: SHA-256 of the sorted lines of pixel hash, category name and partition."""
    lines = []
    for image, name, partition in zip(images, names, partitions, strict=True):
        planes = np.asarray(image)[None, :, :, None]
        little = planes.astype(planes.dtype.newbyteorder("<"))
        head = f"{planes.shape} {little.dtype.str}\n".encode()
        digest = hashlib.sha256(head + little.tobytes("C")).hexdigest()
        lines.append(json.dumps([digest, name, partition]))
    return hashlib.sha256("\n".join(sorted(lines)).encode("ascii")).hexdigest()


RAMP = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4) * 2731
RAMP_FINGERPRINT = "31a96a3be3997d992448110cc7c5c0294eba2cebeab413c38f022a5248799afa"


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "=u2"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("others", [0, 3])
def test_one_fingerprint_on_any_machine(tmp_path, dtype, turned, others):
    """Byte order in memory, memory layout, order of adding, ids and colors of categories: none of it counts."""
    names, partitions = ["naïve µ", "b"], ["training", "test"]
    assert fingerprint_by_hand(RAMP, names, partitions) == RAMP_FINGERPRINT
    pixels = np.asfortranarray(RAMP.astype(dtype))
    with Dataset(tmp_path / "any") as dataset:
        if others:
            dataset.add_images(np.zeros((others, 5, 5), np.uint8))
            for name in "xyz":
                dataset.add_category(name)
        order = slice(None, None, -1) if turned else slice(None)
        ids = dataset.add_images([*pixels[order]], labels=names[order]).added
        for image_id, partition in zip(ids, partitions[order], strict=True):
            dataset.set_partition(image_id, partition)
        version = dataset.snapshot()
        assert version.fingerprint == RAMP_FINGERPRINT
        dataset.recolor_category("b", "red")
        dataset.rename_category("b", "c")
        assert dataset.snapshot().fingerprint == fingerprint_by_hand(RAMP, ["naïve µ", "c"], partitions)
        dataset.rename_category("c", "b")
        assert dataset.snapshot().fingerprint == RAMP_FINGERPRINT
        dataset.set_partition(ids[0], None)
        assert dataset.snapshot().fingerprint != RAMP_FINGERPRINT


def test_a_category_that_was_made_again_has_its_old_fingerprint(ten):
    """Removed with its labels, added anew and given again: the content is the same, the id another."""
    ten.label([1, 2], "a")
    ten.label([3], "b")
    first = ten.snapshot()
    ten.remove_category("a")
    without = ten.snapshot()
    assert without.classes == ["b"]
    ten.add_category("a")
    ten.label([1, 2], "a")
    again = ten.snapshot()
    assert again.fingerprint == first.fingerprint != without.fingerprint
    assert again.category_ids.tolist() != first.category_ids.tolist()


def test_unsure_labels_are_labels(ten):
    """An image marked as unsure is in a version like any other; the flag leaves no trace in the fingerprint."""
    ten.label([1, 2], "a")
    first = ten.snapshot()
    ten.mark_unsure([2])
    second = ten.snapshot()
    assert second.ids.tolist() == [1, 2]
    assert second.fingerprint == first.fingerprint


def test_a_crop_of_a_changed_file_is_noticed(dataset, picture, tmp_path):
    """A crop is hashed anew when its parent's file has changed, and only then."""
    dataset.add_images(picture(tmp_path / "whole.png", (12, 12)))
    crops = cut(dataset, 1, 2)
    dataset.add_category("a")
    dataset.label(crops, "a")
    first = dataset.snapshot()
    assert dataset.snapshot().fingerprint == first.fingerprint
    picture(tmp_path / "whole.png", (12, 12))
    with pytest.warns(UserWarning, match="crop 0 of 1, crop 1 of 1: .*changed since"):
        second = dataset.snapshot()
    expected = dataset.pixels(crops[0])
    assert expected.shape == (1, 3, 3, 1)
    whole = np.asarray(Image.open(tmp_path / "whole.png"))
    assert np.array_equal(expected[0, ..., 0], whole[:3, :3])
    head = f"{expected.shape} |u1\n".encode()
    digest = hashlib.sha256(head + np.ascontiguousarray(whole[:3, :3]).tobytes()).digest()
    assert int(second.hashes[0]) == int.from_bytes(digest[:8], "big")


def test_each_file_of_an_image_counts(dataset, picture, tmp_path, monkeypatch):
    """An image of two files, and a crop of it: hashed anew when the second file changes, and not again."""
    from piximi_widgets.dataset.files import current_hashes

    read = current_hashes._read
    ids_read = []
    monkeypatch.setattr(current_hashes, "_read", lambda *given: ids_read.append(given[1].id) or read(*given))
    files = [picture(tmp_path / f"w{number}.png", (12, 12)) for number in (1, 2)]
    status = [file.stat() for file in files]
    with dataset._database.write() as connection:
        further = ImageFile(str(files[1]), None, status[1].st_size, status[1].st_mtime_ns)
        whole = NewImage(
            *("joined", 12, 12, 2, 1, "uint8", str(files[0])),
            size=status[0].st_size,
            mtime_ns=status[0].st_mtime_ns,
            files=(further,),
        )
        image_sql.insert(connection, [whole])
    labeled = [1, *cut(dataset, 1, 1)]
    dataset.add_category("a")
    dataset.label(labeled, "a")
    first = dataset.snapshot()
    dataset.snapshot()
    assert sorted(ids_read) == labeled
    picture(files[1], (12, 12))
    with pytest.warns(UserWarning, match="joined, crop 0 of 1: .*changed since"):
        second = dataset.snapshot()
    assert (first.hashes != second.hashes).all()
    assert dataset.snapshot().fingerprint == second.fingerprint
    assert sorted(ids_read) == sorted(labeled * 2)


# -- differences -----------------------------------------------------------------------------------


def test_a_difference_of_two_versions_by_hand(ten):
    """Relabeled, moved, taken out and new images, each with what was and what is."""
    ten.label([1, 2, 3, 4], "a")
    ten.label([5], "b")
    for image_id in range(1, 6):
        ten.set_partition(image_id, "training")
    first = ten.snapshot()
    ten.label([2, 3], "b")
    ten.set_partition([3, 5], "test")
    ten.exclude([4])
    ten.label([9], "c")
    table = first.diff(ten.snapshot())
    gap = None
    expected = [
        (2, "label", "a", "b", "training", "training"),
        (3, "label", "a", "b", "training", "test"),
        (3, "partition", "a", "b", "training", "test"),
        (4, "removed", "a", gap, "training", gap),
        (5, "partition", "b", "b", "training", "test"),
        (9, "added", gap, "c", gap, "unassigned"),
    ]
    assert table.index.name == "id"
    assert list(table.columns) == [
        "change",
        "category_before",
        "category_after",
        "partition_before",
        "partition_after",
    ]
    found = table.astype(object).where(table.notna(), gap)
    assert list(found.itertuples(name=None)) == expected
    assert len(first.diff(first)) == 0
    assert table.attrs["renamed"] == {}
    back = ten.versions[1].diff(ten.versions[0])
    assert back["change"].value_counts().to_dict() == {"label": 2, "partition": 2, "added": 1, "removed": 1}


def test_a_renamed_category_is_no_new_label(ten):
    """The rename is told once; a new category that gets the old name is another one."""
    ten.label([1, 2, 3], "a")
    ten.label([4], "b")
    first = ten.snapshot()
    ten.rename_category("a", "z")
    table = first.diff(ten.snapshot())
    assert len(table) == 0
    assert table.attrs["renamed"] == {"a": "z"}
    ten.add_category("a")
    ten.label([3], "a")
    table = first.diff(ten.snapshot())
    assert table.index.tolist() == [3]
    assert table.loc[3, ["change", "category_before", "category_after"]].tolist() == ["label", "a", "a"]


def test_a_category_that_was_made_again_is_the_old_one(ten):
    """Without its images in between there is no difference in their labels."""
    ten.label([1, 2], "a")
    ten.label([4], "b")
    first = ten.snapshot()
    ten.remove_category("a")
    ten.add_category("a")
    ten.label([1, 2], "a")
    assert len(first.diff(ten.snapshot())) == 0


def test_another_category_that_took_over_a_name_is_another_one(ten):
    """Category b is called a now, since the first a was removed: whose images were moved is told."""
    ten.label([1], "a")
    ten.label([4], "b")
    first = ten.snapshot()
    ten.remove_category("a", move_to="b")
    ten.rename_category("b", "a")
    table = first.diff(ten.snapshot())
    assert table["change"].to_dict() == {1: "label"}
    assert table.attrs["renamed"] == {"b": "a"}


def test_other_pixels_under_the_same_id(dataset, picture, tmp_path):
    """A file that was replaced is a difference of its own."""
    dataset.add_images([picture(tmp_path / f"{name}.png") for name in "ab"], labels=["x", "x"])
    first = dataset.snapshot()
    picture(tmp_path / "b.png")
    with pytest.warns(UserWarning, match="changed since"):
        table = first.diff(dataset.snapshot())
    assert table["change"].to_dict() == {2: "pixels"}


def test_versions_of_two_projects_are_matched_by_pixels(tmp_path):
    """The same pictures in another order and under other ids; of two equal pictures each counts once."""
    values = np.random.default_rng(5).integers(0, 255, (4, 6, 5), dtype=np.uint8)
    with Dataset(tmp_path / "one") as one, Dataset(tmp_path / "two") as two:
        one.add_images([*values, values[0]], labels=["a", "a", "b", "b", "c"])
        two.add_images(np.zeros((2, 6, 5), np.uint8))
        two.add_images([values[0], values[0], values[2], values[1]], labels=["c", "a", "a", "a"])
        table = one.snapshot().diff(two.snapshot())
    rows = table[["change", "category_before", "category_after"]].astype(object)
    assert [(i, *row[:1]) for i, *row in rows.itertuples(name=None)] == [(4, "removed"), (5, "label")]
    assert rows.loc[5].tolist() == ["label", "b", "a"]


def test_a_changed_file_is_noticed(dataset, picture, tmp_path):
    """Pixels that were replaced after labeling are hashed anew, and somebody is told."""
    for name in ("a", "b"):
        dataset.add_images(picture(tmp_path / f"{name}.png"), labels=["x"])
    first = dataset.snapshot()
    picture(tmp_path / "a.png")
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
    from piximi_widgets.dataset.versions.versions import pack, unpack

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


def test_a_schema_has_the_designed_columns(ten):
    """Parents, kinds and regions are there from the first schema on."""
    connection = sqlite3.connect(ten.path / "project.db")
    columns = {row[1] for row in connection.execute("PRAGMA table_info(image)")}
    assert {"parent_id", "kind", "region", "metadata", "excluded", "partition", "category_id"} <= columns
    assert connection.execute("PRAGMA user_version").fetchone()[0] >= 1
    connection.close()


def test_a_version_outlives_the_removal_of_its_images(ten):
    """What it holds can still be read, so that it can still be trained on and scored."""
    ten.label([1, 2], "a")
    version = ten.snapshot()
    before = ten.pixels(2)
    ten.remove_images(2)
    assert np.array_equal(ten.pixels(version.ids[1]), before)
    assert ten.shapes(version.ids).tolist() == [[4, 6, 1]] * 2
    with pytest.raises(SelectionError, match="id 77"):
        ten.shapes([1, 77])
    with pytest.raises(SelectionError, match="id 77"):
        ten.pixels(77)
