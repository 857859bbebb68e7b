"""The copies of a project's experiments that are made unasked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import piximi_widgets as pw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with an experiment of two days ago, closed."""
    with pw.Project(tmp_path / "cells") as project:
        project.experiments.create_experiment("first")
    with closing(sqlite3.connect(tmp_path / "cells" / "experiments.db")) as connection, connection:
        connection.execute("UPDATE experiment SET created = created - 2 * 86400 * 1000")
    return tmp_path / "cells"


def copies(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("experiments-*.db"))


def test_a_copy_is_made_when_the_experiments_are_used(folder):
    with pw.Project(folder) as project:
        assert copies(folder) == []
        project.experiments.rolling.wait(30)
    (copy,) = copies(folder)
    (folder / "experiments.db").unlink()
    assert pw.ExperimentStore.restore(folder / "experiments.db") == copy
    with pw.Project(folder) as project:
        assert [experiment.name for experiment in project.experiments] == ["first"]


def test_none_is_made_of_what_is_read_only_or_belongs_to_somebody_else(folder, tmp_path):
    with pw.Project(folder, "r") as project:
        project.experiments.rolling.wait(30)
    with pw.Project(tmp_path / "other", store=f"sqlite:///{folder / 'experiments.db'}") as project:
        project.experiments.rolling.wait(30)
        assert "first" in project.experiments
    assert copies(folder) == []
