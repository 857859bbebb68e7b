"""What a job gets from the process that does it, and how it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Stopped(Exception):
    """Somebody asked for the end of the job; what was finished until then is stored."""


@dataclass(frozen=True)
class Surroundings:
    """What a job gets from the process that does it.

    Attributes
    ----------
    say : callable
        Takes one line for the person who reads the training's output; ``--#-- Name`` opens a chapter.
    stopping : callable
        Whether the job shall end; cheap, asked many times a second.
    """

    say: Callable[[str], None]
    stopping: Callable[[], bool]

    def check(self) -> None:
        """Raise Stopped when the job shall end."""
        if self.stopping():
            raise Stopped
