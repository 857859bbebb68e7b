"""Which git commit a folder is at, read from its files: git itself need not be installed."""

from __future__ import annotations

from pathlib import Path

_HEXADECIMAL = frozenset("0123456789abcdef")


def commit_of(folder: Path) -> str | None:
    """Return the commit (hex) that is checked out in `folder` or in one above it; None where git keeps nothing."""
    try:
        for place in (folder.absolute(), *folder.absolute().parents):
            if (place / ".git").exists():
                return _head(_git_folder(place / ".git"))
    except OSError:
        # A repository that this user may not read says as little as none.
        return None
    return None


def _git_folder(path: Path) -> Path:
    if path.is_dir():
        return path
    # In a worktree or a submodule it is a file that names the folder.
    named = Path(path.read_text(encoding="utf-8", errors="replace").removeprefix("gitdir:").strip())
    return named if named.is_absolute() else path.parent / named


def _head(git: Path) -> str | None:
    head = _text(git / "HEAD")
    if not head.startswith("ref:"):
        return _commit(head)
    reference = head.removeprefix("ref:").strip()
    common = git / _text(git / "commondir") if (git / "commondir").is_file() else git
    for place in (git, common):
        if found := _commit(_text(place / reference)):
            return found
    for line in _text(common / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return _commit(commit)
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""


def _commit(text: str) -> str | None:
    return text if len(text) in (40, 64) and set(text) <= _HEXADECIMAL else None
