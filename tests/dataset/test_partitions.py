"""Dividing images into training, validation and test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.dataset.partitions import divide, divide_groups
from piximi_widgets.errors import ConfigurationError, SelectionError

FRACTIONS = st.sampled_from(
    [(0.75, 0.0), (0.5, 0.25), (0.8, 0.1), (0.1, 0.0), (0.99, 0.0), (0.6, 0.4), (1.0, 0.0)]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=120), FRACTIONS, st.integers(0, 9))
def test_every_category_trains_and_validates(strata, fractions, seed):
    """Whatever the sizes: nobody is left out, and each category with two images has one on either side."""
    strata = np.array(strata)
    codes = divide(strata, np.zeros(len(strata), int), training=fractions[0], test=fractions[1], seed=seed)
    assert set(codes.tolist()) <= {1, 2, 3}
    for value in np.unique(strata):
        training, validation = [(codes[strata == value] == code).sum() for code in (1, 2)]
        assert training >= 1
        assert validation >= 1 or (strata == value).sum() == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 300), st.integers(1, 4), FRACTIONS)
def test_parts_are_as_large_as_asked(size, categories, fractions):
    """Each category's parts differ from the fractions by less than two images, where the guarantees allow."""
    strata = np.arange(size) % categories
    training, test = fractions
    codes = divide(strata, np.zeros(size, int), training=training, test=test, seed=1)
    for value in range(categories):
        mine = codes[strata == value]
        room = max(1, len(mine) - 1)
        assert abs((mine == 1).sum() - np.clip(len(mine) * training, 1, room)) < 2
        assert abs((mine == 3).sum() - len(mine) * test) < 2 + len(mine) * max(
            0, training + test - 1 + 1 / len(mine)
        )


def test_the_default_split_by_hand():
    """100 images of three sizes at 0.75: the whole has 75 for training, each category its share."""
    strata = np.repeat([5, 6, 7], [50, 30, 20])
    codes = divide(strata, np.zeros(100, int), training=0.75, test=0.0, seed=0)
    table = [[int((codes[strata == value] == code).sum()) for code in (1, 2)] for value in (5, 6, 7)]
    assert sum(row[0] for row in table) == 75
    assert table in ([[38, 12], [22, 8], [15, 5]], [[37, 13], [23, 7], [15, 5]])


def test_a_seed_repeats_and_another_differs():
    """The same seed gives the same parts, and a seed is not without effect."""
    strata, current = np.zeros(60, int), np.zeros(60, int)
    first, again, other = (divide(strata, current, training=0.5, test=0, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_assigned_images_never_move(pairs):
    """Only the unassigned get a partition, whatever the others have."""
    strata, current = np.array(pairs).T
    codes = divide(strata, current, training=0.75, test=0.1, seed=0)
    assert np.array_equal(codes[current > 0], current[current > 0])
    assert (codes > 0).all()


def test_labeling_a_few_at_a_time_keeps_the_fractions():
    """Images that arrive one by one end near 75 : 25 in every category."""
    strata = np.random.default_rng(0).integers(0, 3, 200)
    current = np.zeros(200, np.uint8)
    for end in range(1, 201):
        current[:end] = divide(strata[:end], current[:end], training=0.75, test=0.0, seed=0)
    for value in range(3):
        assert abs((current[strata == value] == 1).mean() - 0.75) < 0.06


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=2, max_size=80), st.integers(0, 5))
def test_groups_stay_together(pairs, seed):
    """No group is torn apart, and two groups or more leave something for validation."""
    strata, groups = np.array(pairs).T
    codes = divide_groups(strata, groups, training=0.75, test=0.0, seed=seed)
    for group in np.unique(groups):
        assert len(set(codes[groups == group].tolist())) == 1
    assert set(codes.tolist()) <= {1, 2}
    if len(np.unique(groups)) > 1:
        assert 2 in codes


def test_equal_groups_are_divided_by_the_fractions():
    """Twenty groups of five: fifteen train, and each category is divided likewise."""
    groups = np.repeat(np.arange(20), 5)
    strata = np.arange(100) % 5
    codes = divide_groups(strata, groups, training=0.75, test=0.0, seed=0)
    assert (codes == 1).sum() == 75
    assert (codes[strata == 2] == 1).sum() == 15


def test_split_of_a_project(ten):
    """Labeled, not excluded images are divided anew; all others are unassigned."""
    ten.label(range(1, 9), "a")
    ten.exclude(8)
    ten.split(training=0.5, test=0.25, seed=2)
    frame = ten.images
    assert frame["partition"].value_counts().to_dict() == {
        "training": 4,
        "validation": 1,
        "test": 2,
        "unassigned": 3,
    }
    assert frame.loc[[8, 9, 10], "partition"].eq("unassigned").all()
    first = frame["partition"].tolist()
    ten.split(training=0.5, test=0.25, seed=2)
    assert ten.images["partition"].tolist() == first
    ten.undo()
    assert ten.images["partition"].eq("unassigned").all()


def test_assigning_never_moves_and_is_not_undone(ten):
    """New labels get partitions, old ones keep theirs, also when the label changes."""
    ten.label([1, 2, 3, 4], "a")
    assert ten.assign_partitions().tolist() == [1, 2, 3, 4]
    before = ten.images["partition"]
    ten.label([1, 5, 6], "b")
    assert ten.assign_partitions(seed=9).tolist() == [5, 6]
    after = ten.images["partition"]
    assert after[:4].tolist() == before[:4].tolist()
    assert ten.assign_partitions().tolist() == []
    assert ten.undo().changed.tolist() == [1, 5, 6]
    assert ten.images["partition"].tolist() == after.tolist()


def test_groups_of_a_project(ten):
    """Groups come from a metadata column, values by id, or one value for each image; gaps stand alone."""
    ids = ten.add_images(
        np.zeros((8, 4, 6), np.uint8), labels=["a"] * 8, metadata={"well": list("AABBCCDD")}
    ).added
    ten.split(training=0.5, groups="well")
    of = dict(zip(ids, ten.images.loc[ids, "partition"], strict=True))
    assert all(of[ids[i]] == of[ids[i + 1]] for i in range(0, 8, 2))
    assert sorted(of.values()).count("training") == 4
    ten.split(training=0.5, groups={image_id: position // 4 for position, image_id in enumerate(ids)})
    assert ten.images.loc[ids[:4], "partition"].nunique() == 1
    ten.split(groups=[None] * len(ten))
    for wrong in ("nothing", [1, 2]):
        with pytest.raises(SelectionError):
            ten.split(groups=wrong)


@pytest.mark.parametrize(
    ("training", "test"),
    [(0, 0), (-1, 0), (1.5, 0), (np.nan, 0), (0.8, 0.3), ("a", 0), (True, 0), (0.5, -0.1), (0.5, None)],
)
def test_fractions_that_are_none(ten, training, test):
    """Fractions outside of a whole are refused with the names of the fields."""
    for divide_it in (ten.split, ten.assign_partitions):
        with pytest.raises(ConfigurationError) as refusal:
            divide_it(training=training, test=test)
        assert set(refusal.value.problems) <= {"training", "test"}
