"""Prepared pixels of a dataset version: read once, in memory or in a memory map that is kept."""
