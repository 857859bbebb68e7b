"""The numbers behind the claims of speed: ``python -m tests.benchmarks [name …]``.

Each module measures one thing. It has a ``TITLE`` and a function ``run()`` that returns rows: dictionaries with ``label``,
``value``, ``unit`` and optionally ``note``. A ratio against a peer is measured in the same run, on the same machine.
"""
