"""Images that leak from training into what is scored, and labels that contradict each other."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.splits.leakage import contradicting, leaking_duplicates, torn
from tests.dataset.crops import cut


@pytest.fixture
def twins(dataset) -> Dataset:
    """Images 1 to 4, and 5 to 8 of the same pixels, all labeled a; two of each pair of wells."""
    values = np.random.default_rng(0).integers(0, 255, (4, 4, 6), dtype=np.uint8)
    for _ in range(2):
        dataset.add_images(values, labels=["a"] * 4, metadata={"well": list("AABB")})
    return dataset


def found(dataset) -> list[tuple]:
    """Kind, ids and partitions of each row."""
    table = dataset.leakage()
    return list(zip(table["kind"], table["ids"], table["partitions"], strict=True))


def test_no_leakage_is_an_empty_table(twins):
    """Columns are there in any case; unassigned images are in no part."""
    table = twins.leakage()
    assert len(table) == 0
    assert list(table.columns) == ["kind", "key", "ids", "partitions", "names", "categories"]
    twins.set_partition(range(1, 9), "training")
    assert len(twins.leakage()) == 0


def test_duplicates_in_two_parts(twins):
    """Each group of equal pixels is a row; its key is the hash of the pixels."""
    twins.set_partition(range(1, 5), "training")
    twins.set_partition([5], "validation")
    twins.set_partition([6, 7], "training")
    twins.set_partition([8], "test")
    assert found(twins) == [
        ("duplicate", [1, 5], ["training", "validation"]),
        ("duplicate", [4, 8], ["training", "test"]),
    ]
    pixels = twins.pixels(1)
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype.str}\n".encode() + pixels.tobytes()).hexdigest()
    row = twins.leakage().iloc[0]
    assert row["key"] == digest
    assert row["names"] == [twins.columns().names[0], twins.columns().names[4]]
    assert row["categories"] == ["a", "a"]


def test_only_labeled_and_included_images_leak(twins):
    """What is not trained on and not scored is left out."""
    twins.set_partition([1, 2], "training")
    twins.set_partition([5, 6], "validation")
    twins.exclude([5])
    twins.unlabel([2])
    assert found(twins) == []
    twins.include([5])
    assert [row[1] for row in found(twins)] == [[1, 5]]


def test_contradicting_labels(twins):
    """Equal pixels with different labels, whatever their parts are."""
    twins.add_category("b")
    twins.label([7], "b")
    table = twins.leakage()
    assert table["kind"].tolist() == ["label"]
    assert table["ids"].tolist() == [[3, 7]]
    assert table["categories"].tolist() == [["a", "b"]]


def test_groups_of_the_last_split(twins):
    """A well in two parts is found by the columns that the last split has kept together."""
    twins.exclude(range(5, 9))
    twins.split(training=0.5, groups="well")
    assert found(twins) == []
    place = twins.images.loc[3, "partition"]
    other = "validation" if place == "training" else "training"
    twins.set_partition([3], other)
    (row,) = found(twins)
    assert row == ("group", [3, 4], [other, place])
    assert twins.leakage()["key"].tolist() == ["B"]


def test_crops_of_one_parent(dataset):
    """Crops of one image in two parts, under the parent's id."""
    dataset.add_images(np.random.default_rng(1).integers(0, 255, (2, 12, 12), dtype=np.uint8))
    crops = [*cut(dataset, 1, 2), *cut(dataset, 2, 2)]
    dataset.add_category("a")
    dataset.label(crops, "a")
    dataset.set_partition(crops[:3], "training")
    dataset.set_partition(crops[3:], "test")
    assert found(dataset) == [("parent", crops[2:], ["training", "test"])]
    assert dataset.leakage()["key"].tolist() == ["2"]


def test_crops_of_the_same_pixels_are_duplicates(dataset):
    """A crop's duplicates are those of its own pixels, not of its parent's."""
    values = np.random.default_rng(1).integers(0, 255, (2, 12, 12), dtype=np.uint8)
    values[1, :6] = values[0, :6]
    dataset.add_images(values)
    crops = [*cut(dataset, 1, 1), *cut(dataset, 2, 1)]
    dataset.add_category("a")
    dataset.label(crops, "a")
    dataset.set_partition(crops[0], "training")
    dataset.set_partition(crops[1], "test")
    assert found(dataset) == [("duplicate", crops, ["training", "test"])]


def test_an_unreadable_image_is_told_and_the_others_compared(dataset, picture, tmp_path):
    """A file that is gone does not keep the leakage of the others from being seen."""
    first = picture(tmp_path / "a.png")
    (tmp_path / "copy.png").write_bytes(first.read_bytes())
    gone = picture(tmp_path / "gone.png")
    dataset.add_images([first, tmp_path / "copy.png", gone], labels=["x"] * 3)
    dataset.set_partition([1], "training")
    dataset.set_partition([2, 3], "validation")
    gone.unlink()
    with pytest.warns(UserWarning, match=r"1 image cannot be read.*\n.*gone\.png"):
        assert found(dataset) == [("duplicate", [1, 2], ["training", "validation"])]


def test_looking_for_leakage_tells_of_a_changed_file(dataset, picture, tmp_path):
    """The new pixels are known from then on, so that it is said now or never."""
    dataset.add_images(picture(tmp_path / "a.png"), labels=["x"])
    dataset.leakage()
    picture(tmp_path / "a.png")
    with pytest.warns(UserWarning, match=r"a\.png.*changed since"):
        dataset.leakage()


def test_a_read_only_project_can_be_looked_at(twins):
    """Nothing needs to be written to find leakage."""
    twins.set_partition([1], "training")
    twins.set_partition([5], "test")
    with Dataset(twins.path, "r") as reader:
        assert [row[1] for row in found(reader)] == [[1, 5]]


def test_a_version_counts_its_leaking_images(twins):
    """Both sides of each pair are counted, unassigned ones are not."""
    twins.set_partition([1, 2], "training")
    twins.set_partition([5], "validation")
    assert leaking_duplicates(twins.snapshot()) == 2
    twins.set_partition([5], "training")
    assert leaking_duplicates(twins.snapshot()) == 0


def test_torn_and_contradicting_by_hand():
    """The pure functions, on numbers that can be checked by eye."""
    groups = np.array([7, 7, 3, 3, 3, 5, 5])
    partitions = np.array([1, 2, 1, 1, 0, 0, 3], np.uint8)
    assert torn(groups, partitions).tolist() == [True, True, False, False, False, False, False]
    categories = np.array([1, 1, 2, 4, 2, 4, 4])
    assert contradicting(groups, categories).tolist() == [False, False, True, True, True, False, False]
