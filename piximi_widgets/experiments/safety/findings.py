"""What `ExperimentStore.check` gives."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
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

    def __repr__(self) -> str:
        return f"{self.kind}: {self.sentence}"


@dataclass(frozen=True)
class StoreCheck:
    """What a check has looked at, and what it has found.

    Attributes
    ----------
    checked : str
        What was looked at.
    problems : list of Finding
        What is lost or damaged.
    warnings : list of Finding
        What is good to know, and harms nothing yet.
    """

    checked: str
    problems: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def __repr__(self) -> str:
        number = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        lines = [f"Checked {self.checked}: {'all is well' if self.ok else number}."]
        lines += [f"  {finding!r}" for finding in self.problems]
        lines += [f"  (to know) {finding!r}" for finding in self.warnings]
        return "\n".join(lines)
