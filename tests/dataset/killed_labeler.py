"""Works on a project for ever and prints each operation once it is acknowledged; made to be killed.

``killed_labeler.py PROJECT SEED TASK``; the task is ``mix`` (label, unlabel, accept and refuse predictions, undo, redo,
and what else a person does to forty images) or ``import`` (add arrays and files, with labels).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from piximi_widgets.dataset import Dataset

# What each action makes of an image, as the project stores it; None where it depends on what was before.
MIX = {
    "label": None,
    "unlabel": ("category_id", 0),
    "exclude": ("excluded", 1),
    "include": ("excluded", 0),
    "mark_unsure": ("unsure", 1),
    "mark_sure": ("unsure", 0),
    "set_note": None,
    "accept_predictions": None,
    "refuse_predictions": None,
    "set_category_key": None,
    "undo": None,
    "redo": None,
}


def tell(**values: object) -> None:
    """Acknowledge: one line, in one write."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def mix(dataset: Dataset, random: np.random.Generator, author: str) -> None:
    """One random operation on the images 1 to 40 and the categories a and b, whose ids are 1 and 2."""
    weights = np.array([5 if action == "label" else 1 + (action == "undo") for action in MIX], float)
    action = list(MIX)[random.choice(len(MIX), p=weights / weights.sum())]
    ids = (random.choice(40, size=random.integers(1, 9), replace=False) + 1).tolist()
    expected = MIX[action]
    if action in ("undo", "redo"):
        result = dataset.apply(action, by=author)
    elif action == "label":
        category = int(random.integers(2))
        result = dataset.apply(action, ids=ids, argument="ab"[category], by=author)
        expected = ("category_id", category + 1)
    elif action == "set_note":
        note = f"note {random.integers(1000)}"
        result = dataset.apply(action, ids=ids, argument=note, by=author)
        expected = ("note", note)
    elif action == "accept_predictions":
        relabel = bool(random.integers(2))
        result = dataset.apply(action, ids=ids, argument={"relabel": relabel}, by=author)
    elif action == "set_category_key":
        argument = {"name": "ab"[random.integers(2)], "key": "kq"[random.integers(2)]}
        result = dataset.apply(action, argument=argument, by=author)
    else:
        result = dataset.apply(action, ids=ids, by=author)
    tell(revision=result.revision, action=action, expected=expected, changed=result.changed.tolist())


def add(dataset: Dataset, random: np.random.Generator, files: list[str]) -> None:
    """Add some images, each array filled with one value that is told."""
    if files and random.integers(2):
        chosen = [files.pop() for _ in range(min(len(files), int(random.integers(1, 12))))]
        report = dataset.add_images(chosen, labels=["a"] * len(chosen))
        # What a killed process has added already counts as skipped.
        tell(added=report.added, value=None, files=chosen)
        return
    value = int(random.integers(256))
    images = np.full((int(random.integers(1, 30)), 9, 7), value, np.uint8)
    report = dataset.add_images(images, labels=["b"] * len(images))
    tell(added=report.added, value=value, files=[])


def main() -> None:
    """Work until killed."""
    path, seed, task = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    random = np.random.default_rng(seed)
    files = sorted(map(str, (Path(path).parent / "pictures").glob("*.png")))
    random.shuffle(files)
    with Dataset(path) as dataset:
        print("ready", flush=True)
        while True:
            if task == "mix":
                mix(dataset, random, f"author {seed % 3}")
            else:
                add(dataset, random, files)


if __name__ == "__main__":
    main()
