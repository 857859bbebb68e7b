"""Who is at work."""

from __future__ import annotations

from getpass import getuser


def current_user() -> str:
    """Login name of whoever runs this process."""
    try:
        return getuser()
    except (KeyError, OSError, ImportError):
        # containers run with user ids that have no name
        return "unknown"
