"""A button that opens and closes what stands below it."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets


class Fold(anywidget.AnyWidget):
    """A real button with ``aria-expanded``, which no ipywidget has.

    Parameters
    ----------
    subject : str
        What it opens more of, for a screen reader.

    Attributes
    ----------
    opened : bool
        Whether what stands below it is seen.
    hint : str
        A remark beside the words, like ``"2 changed"``.
    """

    _esm = Path(__file__).parent / "js" / "fold.js"

    subject = traitlets.Unicode("").tag(sync=True)
    words = traitlets.Unicode("More settings").tag(sync=True)
    hint = traitlets.Unicode("").tag(sync=True)
    opened = traitlets.Bool(False).tag(sync=True)

    def __init__(self, subject: str) -> None:
        super().__init__(subject=subject)
        self.add_class("pxw-u-fold")
