"""The project of real digits, and how every sample is made."""

from __future__ import annotations

import numpy as np
import pytest

import piximi_widgets as pw


def test_digits_are_scikit_learns(tmp_path):
    """1797 images, 30 of each digit labeled rightly, the enlarged pixels still those of the source."""
    from sklearn.datasets import load_digits

    source = load_digits()
    project = pw.samples.digits(tmp_path / "digits")
    assert len(project) == 1797
    truth = pw.samples.digits_truth(project)
    assert list(truth) == [str(digit) for digit in source.target]
    labeled = project.images["category"].dropna()
    assert labeled.value_counts().to_dict() == {str(digit): 30 for digit in range(10)}
    assert (labeled == truth[labeled.index]).all()
    pixels = project.pixels(truth.index[7])
    assert pixels.shape == (1, 32, 32, 1)
    assert pixels.dtype == np.uint8
    blocks = pixels[0, :, :, 0].reshape(8, 4, 8, 4).mean(axis=(1, 3)) / 255 * 16
    assert np.abs(blocks - source.images[7]).mean() < 1


def test_digits_opens_what_is_there(tmp_path):
    first = pw.samples.digits(tmp_path / "digits")
    first.label(first.select("category.isna()")[0], "5")
    again = pw.samples.digits(tmp_path / "digits")
    assert again.images["category"].notna().sum() == 301


@pytest.mark.parametrize("make", [pw.samples.digits, pw.samples.cells])
def test_a_foreign_folder_is_left_alone(tmp_path, make):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(pw.errors.ProjectError, match="something else"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("make", [pw.samples.digits, pw.samples.cells])
def test_a_file_is_left_alone(tmp_path, make):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(pw.errors.ProjectError, match="something else"):
        make(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_interrupted_making_leaves_nothing_that_looks_complete(tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(pw.Project, "add_images", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pw.samples.digits(tmp_path / "digits")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert len(pw.samples.digits(tmp_path / "digits")) == 1797


def test_a_wrong_number_of_labels_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="multiple of 10"):
        pw.samples.digits(tmp_path / "digits", labeled=7)
    assert list(tmp_path.iterdir()) == []


def test_truth_of_another_project_is_refused(tmp_path):
    project = pw.Project(tmp_path / "other")
    project.add_images(np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(pw.errors.ProjectError, match="not an image of the digits sample"):
        pw.samples.digits_truth(project)
