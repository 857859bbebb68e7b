"""Files that are joined to images by the names that screening microscopes give them.

Pure: names in, names out. ``PRESETS`` holds the conventions that are known.
"""

from __future__ import annotations

from .joining import PRESETS, JoinedFiles, Preset, compile_pattern, join

__all__ = ["PRESETS", "JoinedFiles", "Preset", "compile_pattern", "join"]
