"""Prints the benchmarks' tables. See ``python -m tests.benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import psutil

import tests.benchmarks


def names() -> list[str]:
    """Return the names of the benchmark modules."""
    found = (module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__))
    return [name for name in found if not name.startswith("_")]


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as lines of text: label, value with three significant digits, unit, note."""
    cells = [
        (str(row["label"]), _number(row["value"]), str(row.get("unit", "")), str(row.get("note", "")))
        for row in rows
    ]
    label = max((len(row[0]) for row in cells), default=0)
    value = max((len(row[1]) for row in cells), default=0)
    unit = max((len(row[2]) for row in cells), default=0)
    return "\n".join(f"  {a:<{label}}  {b:>{value}} {c:<{unit}}  {d}".rstrip() for a, b, c, d in cells)


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    return str(value)


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks, print each one's table when it is done; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=tests.benchmarks.__doc__)
    parser.add_argument("name", nargs="*", help="which ones; all of them when none is named")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    options = parser.parse_args(arguments)
    known = names()
    if options.list:
        print("\n".join(known))
        return 0
    unknown = sorted(set(options.name) - set(known))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")

    memory = psutil.virtual_memory().total / 2**30
    cores = len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else os.cpu_count()
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {cores} cores, {memory:.0f} GiB of memory\n"
    )
    failed = 0
    for name in options.name or known:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        started = time.perf_counter()
        try:
            rows = module.run()
        except Exception as error:
            # One that cannot run here (a peer that is not installed, say) must not hide the others' tables.
            failed += 1
            print(f"{module.TITLE}\n  did not run: {type(error).__name__}: {error}\n", flush=True)
            continue
        print(f"{module.TITLE} [{name}, {time.perf_counter() - started:.0f} s]\n{table(rows)}\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
