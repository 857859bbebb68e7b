"""Artifacts: files and folders under a name, kept once under the hash of their content."""
