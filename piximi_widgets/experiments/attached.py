"""What an experiment knows of a dataset version."""

from __future__ import annotations

from typing import NamedTuple


class AttachedDataset(NamedTuple):
    """What an experiment knows of a dataset version."""

    uid: str
    name: str
    fingerprint: str
