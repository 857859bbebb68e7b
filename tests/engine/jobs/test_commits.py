"""The commit of a folder, beside what git itself says."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from piximi_widgets.engine.jobs.commits import commit_of


def git(folder, *arguments) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    result = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return result.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "one")
    return folder


def test_a_folder_within_a_repository(repository):
    inner = repository / "notebooks"
    inner.mkdir()
    assert commit_of(inner) == git(repository, "rev-parse", "HEAD")


def test_a_detached_head(repository):
    git(repository, "checkout", "--quiet", "--detach")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_packed_references(repository):
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/main").exists()
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


def test_a_worktree(repository):
    other = repository.parent / "other"
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(other))
    git(other, "commit", "--quiet", "--allow-empty", "-m", "two")
    assert commit_of(other) == git(other, "rev-parse", "HEAD") != commit_of(repository)


def test_no_repository_or_one_without_a_commit(tmp_path, repository):
    assert commit_of(tmp_path) is None
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert commit_of(empty) is None
