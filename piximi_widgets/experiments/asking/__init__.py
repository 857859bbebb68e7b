"""Asking the experiment store: search, comparison, and export of all that it holds.

Everything here reads; nothing changes a store but the statistics that a search brings up to date. It uses the
rest of the experiment room and NumPy, pandas only where a DataFrame is made. `ExperimentStore` and `Experiment`
inherit from :mod:`asked` what users call.
"""
