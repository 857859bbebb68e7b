"""What there is to train with, in one line and one bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...project import Project


@dataclass(frozen=True)
class DatasetCounts:
    """Images of a project by what a training would do with them; excluded images count nowhere else."""

    training: int
    validation: int
    test: int
    unassigned: int
    unlabeled: int
    excluded: int
    categories: int

    @property
    def labeled(self) -> int:
        """All images that have a label."""
        return self.training + self.validation + self.test + self.unassigned


def count_images(project: Project) -> DatasetCounts:
    """Count the images of `project` by label and partition."""
    columns = project.columns()
    used = ~columns.excluded
    labeled = used & (columns.category_id != 0)
    parts = np.bincount(columns.partition[labeled], minlength=4)
    return DatasetCounts(
        training=int(parts[1]),
        validation=int(parts[2]),
        test=int(parts[3]),
        unassigned=int(parts[0]),
        unlabeled=int(used.sum() - labeled.sum()),
        excluded=int((~used).sum()),
        categories=len(project.categories),
    )


def sentence(counts: DatasetCounts) -> str:
    """The counts in words, like ``225 training · 75 validation · 1497 unlabeled; 10 categories``."""
    # While no image has a partition, zeros would only be in the way.
    split = bool(counts.training or counts.validation)
    parts = [
        f"{count} {word}"
        for word, count, _ in _parts(counts)
        if count or (split and word in ("training", "validation"))
    ]
    if counts.excluded:
        parts.append(f"{counts.excluded} excluded")
    categories = "1 category" if counts.categories == 1 else f"{counts.categories} categories"
    return f"{' · '.join(parts) or 'no images'}; {categories}"


def line_html(counts: DatasetCounts) -> str:
    """The same as a bar with its legend."""
    parts = [part for part in _parts(counts) if part[1]]
    total = sum(count for _, count, _ in parts)
    if not total:
        return f'<div class="pxw-u-data"><span class="pxw-u-muted">{sentence(counts)}</span></div>'
    bar = "".join(
        f'<i style="width:{100 * count / total:.2f}%;min-width:3px;--pxw-tone:{tone}"></i>'
        for _, count, tone in parts
    )
    tones = {word: tone for word, _, tone in parts}
    words, _, categories = sentence(counts).partition("; ")
    legend = "".join(_legend(piece, tones) for piece in words.split(" · "))
    return (
        f'<div class="pxw-u-data"><div class="pxw-u-bar" aria-hidden="true">{bar}</div>'
        f'<div class="pxw-u-legend pxw-u-small pxw-u-number">{legend}'
        f'<span class="pxw-u-muted">{categories}</span></div></div>'
    )


def _legend(piece: str, tones: dict[str, str]) -> str:
    tone = tones.get(piece.partition(" ")[2])
    key = f'<i class="pxw-u-key" style="--pxw-tone:{tone}"></i>' if tone else ""
    return f"<span>{key}{piece}</span>"


def _parts(counts: DatasetCounts) -> list[tuple[str, int, str]]:
    return [
        ("training", counts.training, "var(--pxw-training)"),
        ("validation", counts.validation, "var(--pxw-validation)"),
        ("test", counts.test, "var(--pxw-test)"),
        ("labeled, split when you press Fit", counts.unassigned, "var(--pxw-good)"),
        ("unlabeled", counts.unlabeled, "var(--pxw-line)"),
    ]
