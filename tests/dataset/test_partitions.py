"""Dividing images into training, validation and test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.splits.grouping import joined
from piximi_widgets.dataset.splits.partitions import divide, divide_groups
from piximi_widgets.errors import ConfigurationError, SelectionError
from tests.dataset.crops import cut

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
    """No group is torn apart, and two groups or more leave something for validation.

    Where every image is a group of its own, it is more important that each category is trained on.
    """
    strata, groups = np.array(pairs).T
    codes = divide_groups(strata, groups, training=0.75, test=0.0, seed=seed)
    for group in np.unique(groups):
        assert len(set(codes[groups == group].tolist())) == 1
    assert set(codes.tolist()) <= {1, 2}
    if 1 < len(np.unique(groups)) < len(groups):
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
    [(0, 0), (-1, 0), (1.5, 0), (np.nan, 0), (0.8, 0.3), ("a", 0), (True, 0), (0.5, -0.1), (0.5, "b")],
)
def test_fractions_that_are_none(ten, training, test):
    """Fractions outside of a whole are refused with the names of the fields."""
    for divide_it in (ten.split, ten.assign_partitions):
        with pytest.raises(ConfigurationError) as refusal:
            divide_it(training=training, test=test)
        assert set(refusal.value.problems) <= {"training", "test"}


@pytest.mark.parametrize("seed", [-1, 1.5, True, None, "0"])
def test_a_seed_that_is_none(ten, seed):
    """A seed is a whole number; nothing is divided by another."""
    with pytest.raises(ConfigurationError, match="seed"):
        ten.split(seed=seed)


# -- groups, purely --------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([0, 0, 0, 1, 2, 3])),
        min_size=1,
        max_size=60,
    ),
    FRACTIONS,
    st.integers(0, 3),
)
def test_groups_join_what_is_assigned(rows, fractions, seed):
    """Everybody gets a part, assigned images stay, and a group that stands in one part is in no second one."""
    strata, groups, current = np.array(rows).T
    codes = divide_groups(strata, groups, current, training=fractions[0], test=fractions[1], seed=seed)
    assert set(codes.tolist()) <= {1, 2, 3}
    assert np.array_equal(codes[current > 0], current[current > 0])
    for group in np.unique(groups):
        stood = np.bincount(current[groups == group], minlength=4)
        stood[0] = 0
        now = codes[groups == group]
        if (stood > 0).sum() <= 1:
            assert len(set(now.tolist())) == 1
        else:
            new = now[current[groups == group] == 0]
            assert all(stood[code] == stood.max() for code in new.tolist())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 8), min_size=9, max_size=9), min_size=1, max_size=3))
def test_joined_groups_are_connected_components(groupings):
    """Two images are together exactly when a chain of shared groups leads from one to the other."""
    together = np.any([np.equal.outer(grouping, grouping) for grouping in groupings], axis=0)
    reached = np.linalg.matrix_power(together.astype(float), 9) > 0
    found = joined(*map(np.array, groupings))
    assert np.array_equal(np.equal.outer(found, found), reached)


def test_grouped_parts_are_as_close_to_the_fractions_as_those_of_scikit_learn():
    """Over random plates with categories of all mixtures, against StratifiedGroupKFold's first fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    def distance(strata, held_out, wanted):
        shares = [held_out[strata == value].mean() for value in np.unique(strata)]
        return np.mean(np.abs(np.array(shares) - wanted)) + abs(held_out.mean() - wanted)

    ours, theirs = [], []
    for case in range(30):
        random = np.random.default_rng(case)
        size, categories, plates = random.integers((60, 2, 8), (400, 6, 50))
        folds = (4, 5, 3)[case % 3]
        groups = random.choice(plates, size, p=random.dirichlet(np.full(plates, (0.5, 2.0, 20.0)[case % 3])))
        mixtures = random.dirichlet(np.full(categories, (0.3, 2.0)[case % 2]), plates)
        strata = np.array([random.choice(categories, p=mixtures[group]) for group in groups])
        if min(np.bincount(strata)[np.unique(strata)]) < folds or len(np.unique(groups)) < folds:
            continue
        folder = StratifiedGroupKFold(folds, shuffle=True, random_state=case)
        _, fold = next(folder.split(strata, strata, groups))
        theirs.append(distance(strata, np.isin(np.arange(size), fold), 1 / folds))
        codes = divide_groups(strata, groups, training=1 - 1 / folds, test=0.0, seed=case)
        ours.append(distance(strata, codes == 2, 1 / folds))
    assert len(ours) > 15
    assert np.mean(np.array(ours) <= np.array(theirs) + 1e-9) > 0.9
    assert np.mean(ours) < 0.6 * np.mean(theirs)


def test_many_groups_are_divided_quickly_and_well():
    """20,000 pairs in ten categories: the fractions are met to a few images, within seconds."""
    groups = np.arange(40_000) % 20_000
    strata = np.random.default_rng(0).integers(0, 10, 40_000)
    codes = divide_groups(strata, groups, training=0.7, test=0.1, seed=0)
    assert np.array_equal(codes[:20_000], codes[20_000:])
    for value in range(10):
        shares = np.bincount(codes[strata == value], minlength=4)[1:] / (strata == value).sum()
        assert np.abs(shares - [0.7, 0.2, 0.1]).max() < 0.005


# -- groups of a project ---------------------------------------------------------------------------


@pytest.fixture
def plates(dataset) -> Dataset:
    """Two plates of four wells with three images each, labeled a and b in turn."""
    table = {
        "plate": [plate for plate in "PQ" for _ in range(12)],
        "well": [well for _ in "PQ" for well in ("A1", "A2", "A3", "A4") for _ in range(3)],
    }
    pixels = np.random.default_rng(0).integers(0, 255, (24, 4, 6), dtype=np.uint8)
    dataset.add_images(pixels, labels=["a", "b"] * 12, metadata=table)
    return dataset


def parts_of(dataset, columns) -> list[int]:
    """For each group the number of parts that it stands in."""
    return dataset.images.groupby(columns)["partition"].nunique().tolist()


def test_columns_are_combined(plates):
    """A well is one of its plate: well A1 of two plates is two groups."""
    plates.split(training=0.5, groups=["plate", "well"])
    assert parts_of(plates, ["plate", "well"]) == [1] * 8
    assert plates.images["partition"].value_counts().to_dict() == {"training": 12, "validation": 12}
    plates.split(training=0.5, groups="plate")
    assert parts_of(plates, "plate") == [1, 1]
    assert plates.last_split.groups == ("plate",)


def test_groups_that_cannot_be_compared_are_refused(plates):
    """Lists as values, a name too many, or no groups at all: a sentence, and nothing is changed."""
    for wrong in ([["x"]] * 24, ["plate", "day"], 7, b"plate"):
        with pytest.raises(SelectionError):
            plates.split(groups=wrong)
    assert plates.images["partition"].eq("unassigned").all()


def test_one_group_trains_and_says_what_is_missing(plates):
    """All of one group: nothing is left for validation, and nothing is torn to hide that."""
    with pytest.warns(UserWarning, match="No image is left for validation.*1 group"):
        result = plates.split(groups=["same"] * 24)
    assert plates.images["partition"].eq("training").all()
    assert "No image is left for validation" in result.message


def test_more_parts_than_groups(plates):
    """Two plates for three parts: training and validation come first."""
    with pytest.warns(UserWarning, match="left for test: .* are 2 groups"):
        plates.split(training=0.6, test=0.2, groups="plate")
    assert set(plates.images["partition"]) == {"training", "validation"}
    assert parts_of(plates, "plate") == [1, 1]


def test_new_images_follow_their_group(plates):
    """Images that are labeled later go where their well stands; new wells fill the fractions; none moves."""
    plates.unlabel(range(3, 25, 3))
    plates.split(training=0.5, groups=["plate", "well"])
    before = plates.images["partition"]
    plates.label(range(3, 25, 3), "b")
    metadata = {"plate": ["R"] * 8, "well": list("11223344")}
    plates.add_images(np.zeros((8, 4, 6), np.uint8), labels=["a"] * 8, metadata=metadata)
    planned = plates.planned_partitions()
    assert len(plates.assign_partitions()) == 16
    assert np.array_equal(plates.columns().partition, planned)
    after = plates.images["partition"]
    assert after[before.index][before != "unassigned"].equals(before[before != "unassigned"])
    assert parts_of(plates, ["plate", "well"]) == [1] * 12
    assert after.loc[25:].value_counts().to_dict() == {"training": 4, "validation": 4}
    assert plates.assign_partitions().tolist() == []


def test_groups_given_as_values_are_remembered(plates):
    """Patients that are in no column: labels that come later still join their patient."""
    patient = {image_id: f"patient {image_id % 6}" for image_id in range(1, 25)}
    plates.unlabel(range(13, 25))
    plates.split(training=0.5, groups=patient)
    plates.label(range(13, 25), "a")
    plates.assign_partitions()
    assert plates.images["partition"].groupby(patient).nunique().eq(1).all()


def test_an_undone_split_is_forgotten(plates):
    """Undo takes back the settings with the partitions, redo brings both again."""
    assert plates.last_split is None
    plates.split(training=0.5, groups="plate")
    plates.split(training=0.6, seed=3)
    plates.label(1, "b")
    plates.undo()
    assert plates.last_split.training == 0.6
    plates.undo()
    assert (plates.last_split.training, plates.last_split.groups) == (0.5, ("plate",))
    plates.undo()
    assert plates.last_split is None
    plates.redo()
    assert plates.last_split.groups == ("plate",)
    plates.undo()
    plates.redo()
    plates.redo()
    assert plates.last_split.seed == 3


def test_a_torn_group_gets_its_new_images_where_most_stand(plates):
    """A person has put one plate into two parts; what comes later follows the majority, and it is told."""
    plates.unlabel([12])
    plates.split(training=0.5, groups="plate")
    plates.set_partition(range(1, 8), "test")
    plates.set_partition(range(8, 12), "validation")
    plates.label([12], "a")
    with pytest.warns(UserWarning, match="1 image .* stand in several parts"):
        assert plates.assign_partitions().tolist() == [12]
    expected = ["test"] * 7 + ["validation"] * 4 + ["test"]
    assert plates.images.loc[range(1, 13), "partition"].tolist() == expected


def test_labeled_images_decide_where_a_torn_group_goes(plates):
    """Seven that are no longer labeled count less than two that are trained on."""
    plates.unlabel([12])
    plates.split(training=0.5, groups="plate")
    plates.set_partition(range(1, 8), "test")
    plates.set_partition(range(8, 12), "validation")
    plates.unlabel(range(1, 10))
    plates.label([12], "a")
    with pytest.warns(UserWarning, match="stand in several parts"):
        plates.assign_partitions()
    assert plates.images.loc[12, "partition"] == "validation"


def test_nothing_to_divide(dataset):
    """An empty project and one without labels are divided into nothing, without an error."""
    dataset.split(groups=[])
    assert dataset.assign_partitions().tolist() == []
    dataset.add_images(np.zeros((2, 4, 6), np.uint8))
    dataset.split(groups=["x", "x"])
    assert dataset.planned_partitions().tolist() == [0, 0]


def test_a_column_that_is_gone_is_told(plates):
    """When no image has the column any more, new labels join without it, and somebody is told."""
    plates.split(groups="plate")
    plates.add_images(np.zeros((4, 9, 9), np.uint8), labels=["a"] * 4)
    plates.remove_images(range(1, 25))
    with pytest.warns(UserWarning, match="no such column"):
        assert len(plates.assign_partitions()) == 4


# -- crops -----------------------------------------------------------------------------------------


def test_crops_stay_with_their_parent(dataset):
    """Without any groups=: crops of one image, crops of these, and the image itself are in one part."""
    dataset.add_images(np.random.default_rng(0).integers(0, 255, (6, 12, 12), dtype=np.uint8))
    family = {parent: [parent, *cut(dataset, parent, 4)] for parent in range(1, 7)}
    family[1] += cut(dataset, family[1][1], 2)
    dataset.add_category("a")
    dataset.add_category("b")
    for members in family.values():
        dataset.label(members[1::2], "a")
        dataset.label(members[2::2], "b")
    dataset.label(1, "a")
    dataset.split(training=0.5)
    partition = dataset.images["partition"]
    for members in family.values():
        assert partition[[i for i in members if partition[i] != "unassigned"]].nunique() == 1
    assert partition[family[1]].nunique() == 1
    assert {"training", "validation"} <= set(partition)
    # Later crops and labels join, also when the parent was removed.
    dataset.remove_images(2)
    late = [*cut(dataset, 2, 1), *cut(dataset, 3, 1)]
    dataset.label(late, "b")
    dataset.assign_partitions()
    after = dataset.images["partition"]
    assert [after[late[0]], after[late[1]]] == [partition[family[2][1]], partition[family[3][1]]]


def test_crops_are_grouped_with_the_wells_of_their_parents(dataset):
    """A crop has no well of its own and belongs to the one that its parent was taken in."""
    dataset.add_images(np.zeros((4, 12, 12), np.uint8), metadata={"well": list("AABB")})
    crops = [crop for parent in range(1, 5) for crop in cut(dataset, parent, 3)]
    dataset.add_category("a")
    dataset.label(crops, "a")
    dataset.split(training=0.5, groups="well")
    partition = dataset.images["partition"]
    assert partition[crops[:6]].nunique() == partition[crops[6:]].nunique() == 1
    assert partition[crops].nunique() == 2


# -- duplicates ------------------------------------------------------------------------------------


def test_duplicates_can_be_kept_together(dataset):
    """Ten pictures, each there four times in different files of the project: no picture in two parts."""
    values = np.random.default_rng(0).integers(0, 255, (10, 4, 6), dtype=np.uint8)
    for _ in range(4):
        dataset.add_images(values, labels=["a", "b"] * 5)
    picture = np.arange(40) % 10
    dataset.split(training=0.5, seed=1)
    assert dataset.images["partition"].groupby(picture).nunique().max() > 1
    dataset.split(training=0.5, seed=1, keep_duplicates_together=True)
    assert dataset.images["partition"].groupby(picture).nunique().eq(1).all()
    dataset.add_images(values, labels=["a", "b"] * 5)
    dataset.assign_partitions()
    assert dataset.images["partition"].groupby(np.arange(50) % 10).nunique().eq(1).all()


# -- by hand ---------------------------------------------------------------------------------------


def test_fixed_images_never_move(ten):
    """They count in the fractions, whatever the seed, until they are freed; undo takes the fixing back."""
    ten.label(range(1, 11), "a")
    result = ten.set_partition([1, 2, 3], "test")
    assert result.changed.tolist() == [1, 2, 3]
    assert ten.columns().fixed.tolist() == [True] * 3 + [False] * 7
    for seed in range(5):
        ten.split(training=0.5, test=0.3, seed=seed)
        frame = ten.images
        assert frame.loc[[1, 2, 3], "partition"].eq("test").all()
        assert frame["partition"].value_counts().to_dict() == {"training": 5, "test": 3, "validation": 2}
    assert ten.set_partition([1, 2, 3], "test").changed.tolist() == []
    ten.set_partition(3, None)
    assert ten.images.loc[3, "partition"] == "unassigned"
    assert not ten.columns().fixed[2]
    ten.undo()
    assert ten.images.loc[3, "partition"] == "test"
    assert ten.columns().fixed[2]
    before = ten.images["partition"]
    ten.set_partition([4, 5], "training")
    ten.undo()
    assert ten.images["partition"].equals(before)
    assert ten.columns().fixed.sum() == 3


def test_fixing_is_journalled_with_its_author(ten):
    """Who fixed what, in one operation of two fields."""
    ten.set_partition([4], "validation", by="Ada")
    last = ten.journal.tail(2)
    assert set(last["field"]) == {"partition", "fixed"}
    assert last["author"].eq("Ada").all()
    assert last["revision"].nunique() == 1


@pytest.mark.parametrize("wrong", ["unassigned", "train", 1, "", ["test"], np.array(["test", "training"])])
def test_partitions_that_are_none(ten, wrong):
    """There are three names, and None; ids must be there."""
    with pytest.raises(ConfigurationError, match="training, validation, test, or None"):
        ten.set_partition([1], wrong)
    for ids in (None, [77]):
        with pytest.raises(SelectionError):
            ten.set_partition(ids, "test")
    assert not ten.columns().fixed.any()


def test_a_group_follows_its_fixed_image(plates):
    """One image of a well is fixed in test, though nobody wants a test part; the well goes there."""
    plates.set_partition(5, "test")
    plates.split(training=0.5, groups=["plate", "well"])
    assert plates.images.loc[[4, 5, 6], "partition"].eq("test").all()
    assert (plates.images["partition"] == "test").sum() == 3
    # A fixed image that is not labeled now may be tomorrow.
    plates.unlabel(5)
    plates.split(training=0.5, groups=["plate", "well"])
    assert plates.images.loc[[4, 5, 6], "partition"].eq("test").all()


def test_a_group_that_is_fixed_in_two_parts_is_refused(plates):
    """The first few are named, and nothing is changed."""
    plates.set_partition([4], "test")
    plates.set_partition([5], "training")
    before = plates.images["partition"]
    with pytest.raises(SelectionError, match=r"in 1 group:\n.*id 5, training.*id 4, test.*\n.*set_partition"):
        plates.split(groups=["plate", "well"])
    assert plates.images["partition"].equals(before)
    assert plates.last_split is None
    plates.split()
    assert plates.images.loc[[4, 5], "partition"].tolist() == ["test", "training"]


def test_what_somebody_else_changes_meanwhile_stays(plates, monkeypatch):
    """An image that is fixed by another process while the parts are worked out is not moved."""
    from piximi_widgets.dataset.splits import planning

    work = planning.divide_groups

    def slow(*arguments, **options):
        with Dataset(plates.path) as other:
            other.set_partition([7, 8], "test", by="somebody else")
        return work(*arguments, **options)

    monkeypatch.setattr(planning, "divide_groups", slow)
    result = plates.split(training=0.5)
    assert plates.images.loc[[7, 8], "partition"].eq("test").all()
    assert result.skipped.tolist() == [7, 8]
    assert plates.images["partition"].ne("unassigned").all()
