"""What `Dataset.check` gives."""

from __future__ import annotations

from dataclasses import dataclass

from ...storage.findings import Found, Report


@dataclass(frozen=True, repr=False)
class Finding(Found):
    """One thing that a check has found.

    Attributes
    ----------
    kind : str
        ``"database"``, ``"journal"``, ``"label"``, ``"file"``, ``"pixels"``, ``"version"``, ``"prediction"``
        or
        ``"backup"``.
    ids : list of int
        What it is about: images, in the journal operations; empty where it is about the whole project.
    sentence : str
        What is wrong, and what to do.
    """

    kind: str
    ids: list[int]
    sentence: str


class CheckReport(Report[Finding]):
    """What a check has looked at, and what it has found: ``checked``, ``problems``, ``warnings``, and ``ok``."""
