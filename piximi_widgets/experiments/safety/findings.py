"""What `ExperimentStore.check` gives."""

from __future__ import annotations

from dataclasses import dataclass

from ...storage.findings import Found, Report


@dataclass(frozen=True, repr=False)
class Finding(Found):
    """One thing that a check has found.

    Attributes
    ----------
    kind : str
        ``"database"``, ``"record"``, ``"metric"``, ``"evaluation"``, ``"file"`` or ``"backup"``.
    experiments : list of int
        Ids of the experiments that it is about; empty where it is about the whole store.
    sentence : str
        What is wrong, and what to do.
    """

    kind: str
    experiments: list[int]
    sentence: str


class StoreCheck(Report[Finding]):
    """What a check has looked at, and what it has found: ``checked``, ``problems``, ``warnings``, and ``ok``."""
