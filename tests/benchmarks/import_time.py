"""How long ``import piximi_widgets`` takes, against the ``import ipywidgets`` that every widget needs anyway."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

TITLE = "Import: at most 3 times `import ipywidgets`"
REPEATS = 7


ALL_NAMES = "import piximi_widgets as pw; [getattr(pw, name) for name in pw.__all__]"


def seconds(statement: str) -> float:
    """Return how long a fresh interpreter takes for a statement, without the interpreter's own start."""
    code = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    return float(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    )


def medians(*statements: str, repeats: int = REPEATS) -> list[float]:
    """Return the median seconds of each statement, measured by turns after one round that fills the file cache."""
    rounds = [[seconds(statement) for statement in statements] for _ in range(repeats + 1)][1:]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def run() -> list[dict[str, Any]]:
    """Measure the package, its peer, and what a session pays that uses every public name."""
    ours, theirs, everything = medians("import piximi_widgets", "import ipywidgets", ALL_NAMES)
    note = f"median of {REPEATS} fresh interpreters"
    return [
        {"label": "import piximi_widgets", "value": 1000 * ours, "unit": "ms", "note": note},
        {"label": "import ipywidgets", "value": 1000 * theirs, "unit": "ms", "note": note},
        {"label": "ratio", "value": ours / theirs, "unit": "", "note": "budget: 3"},
        {"label": "every public name resolved", "value": 1000 * everything, "unit": "ms", "note": note},
    ]
