"""Labels images of a project for ever and prints each label once it is acknowledged; made to be killed."""

from __future__ import annotations

import sys

import numpy as np

from piximi_widgets.dataset import Dataset


def main() -> None:
    """Label image ids at random; a line is printed after the call has returned."""
    path, seed = sys.argv[1], int(sys.argv[2])
    random = np.random.default_rng(seed)
    with Dataset(path) as dataset:
        print("ready", flush=True)
        while True:
            ids = (random.choice(40, size=random.integers(1, 9), replace=False) + 1).tolist()
            name = "ab"[random.integers(2)]
            result = dataset.label(ids, name)
            sys.stdout.write(f"{result.revision} {name} {ids} {result.changed.tolist()}\n".replace(", ", ","))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
