"""Which source code may run here: what this user registered, or trusted by name of its SHA-256.

The list belongs to the user and lies in her configuration folder, never in a project: a project that comes from somebody
else must not be able to bring its own trust along.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ...errors import ConfigurationError

_DIGEST = re.compile(r"[0-9a-f]{64}")


def trust(digest: str) -> None:
    """Let the source with this SHA-256 (64 hexadecimal digits) run on this user's account, now and later.

    Raises
    ------
    ConfigurationError
        `digest` is no SHA-256, or the list cannot be written.
    """
    digest = _checked(digest)
    if is_trusted(digest):
        return
    path = trust_list()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One short line, appended: processes that do so at the same time do not lose each other's.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
            file.write(f"{digest}\n")
    except OSError as error:
        raise ConfigurationError(
            {
                "architecture": f"The list of trusted architectures, {str(path)!r}, cannot be written ({error}); the worker "
                "would refuse to run this one. Make the file writable, or set PIXIMI_CONFIG to another folder."
            }
        ) from error


def is_trusted(digest: str) -> bool:
    """Whether the source with this SHA-256 may run."""
    digest = _checked(digest)
    try:
        return digest in trust_list().read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False


def trust_list() -> Path:
    """The file with one SHA-256 a line: in ``$PIXIMI_CONFIG``, or in the platform's folder for configuration."""
    return _folder() / "trusted-architectures"


def _folder() -> Path:
    chosen = os.environ.get("PIXIMI_CONFIG")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "piximi-widgets"


def _checked(digest: str) -> str:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ConfigurationError(
            {"architecture": f"A SHA-256 has 64 digits from 0 to 9 and a to f; got {digest!r:.80}."}
        )
    return digest
