"""The confusion matrix: a bqplot heat map whose cells can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from html import escape
from typing import Any

import ipywidgets
import numpy as np

from .. import theme
from ..outbox import Outbox

# Right answers in the one colour, errors in the other; nothing is transparent, so that it is the page's ground.
_COLORS = ["rgba(217,72,15,0.95)", "rgba(217,72,15,0.0)", "rgba(47,111,222,0.0)", "rgba(47,111,222,0.95)"]
_ON_COLOR, _ON_GROUND = "#ffffff", "var(--jp-content-font-color1, #1f2328)"
_PERCENT_UP_TO, _COUNT_UP_TO = 12, 24
_NAME_LENGTH = 14


class Matrix:
    """Draws a (K, K) confusion matrix and reports clicks on its cells.

    Colour is the share of the row (the truth): blue where prediction and truth agree, orange where they do not.

    Parameters
    ----------
    clicked : callable
        Called with the indices of truth and prediction, on the thread of the message.
    """

    def __init__(self, clicked: Callable[[int, int], None]) -> None:
        import bqplot

        self._clicked = clicked
        self.counts: np.ndarray = np.zeros((0, 0), np.int64)
        self.classes: list[str] = []
        self._tip = theme.classes(ipywidgets.HTML(), "pxw-u-tip")
        self._tip_outbox = Outbox(self._tip)
        self._rows = bqplot.OrdinalScale()
        self._columns = bqplot.OrdinalScale()
        colors = bqplot.ColorScale(colors=_COLORS, min=-1.5, max=1.5)
        self.cells = bqplot.GridHeatMap(
            color=np.zeros((2, 2)),
            row=[0, 1],
            column=[0, 1],
            scales={"row": self._rows, "column": self._columns, "color": colors},
            stroke="var(--pxw-line, #d8dde3)",
            tooltip=self._tip,
            # A click on a cell must not fade the others.
            selected_style={},
            unselected_style={},
        )
        place = {"x": self._columns, "y": self._rows}
        text = {"scales": place, "x": [], "y": [], "text": [], "align": "middle"}
        self.numbers = bqplot.Label(**text, default_size=13, font_weight="bold")
        self.shares = bqplot.Label(**text, default_size=10.5, font_weight="normal", y_offset=9)
        tick = {"font-size": "12px"}
        self._truth = bqplot.Axis(
            scale=self._rows, side="left", label="Truth", grid_lines="none", tick_style=tick
        )
        self._prediction = bqplot.Axis(
            scale=self._columns, label="Prediction", grid_lines="none", side="bottom", tick_style=tick
        )
        self.figure = bqplot.Figure(
            marks=[self.cells, self.numbers, self.shares],
            axes=[self._truth, self._prediction],
            animation_duration=0,
            display_toolbar=False,
            padding_x=0.0,
            padding_y=0.0,
            layout=ipywidgets.Layout(width="100%", min_width="0"),
        )
        self.cells.on_element_click(self._handle_click)
        self.cells.on_hover(self._handle_hover)
        self.widget = theme.classes(ipywidgets.VBox((self.figure,)), "pxw-u-matrix")

    def draw(self, counts: np.ndarray, classes: Sequence[str]) -> None:
        """Show `counts`, rows truth and columns prediction."""
        if np.array_equal(counts, self.counts) and list(classes) == self.classes:
            return
        size = len(classes)
        same = list(classes) == self.classes
        self.counts, self.classes = counts, list(classes)
        shares = row_shares(counts)
        marks = (self.cells, self.numbers, self.shares)
        with ExitStack() as stack:
            for part in (*marks, self._truth, self._prediction, self._rows, self._columns):
                stack.enter_context(part.hold_sync())
            if not same:
                self._frame(classes)
            self.cells.color = tinted(shares)
            self.cells.row, self.cells.column = np.arange(size), np.arange(size)
            rows, columns = np.nonzero(counts)
            strong = shares[rows, columns] > 0.42
            inks = [_ON_COLOR if yes else _ON_GROUND for yes in strong]
            shown = size <= _COUNT_UP_TO
            detailed = size <= _PERCENT_UP_TO
            self._write(self.numbers, rows, columns, counts[rows, columns].astype(str), inks, shown)
            percents = np.array([f"{100 * share:.0f} %" for share in shares[rows, columns]], dtype=str)
            self._write(self.shares, rows, columns, percents, inks, detailed)
            self.numbers.y_offset = -4 if detailed else 5

    def close(self) -> None:
        """End the thread of the tooltip and forget the models."""
        self._tip_outbox.close()
        for part in (
            *self.figure.marks,
            *self.figure.axes,
            self._rows,
            self._columns,
            self._tip,
            self.figure,
        ):
            part.close()

    def _frame(self, classes: Sequence[str]) -> None:
        size = len(classes)
        names = {index: shorten(name) for index, name in enumerate(classes)}
        longest = max((len(name) for name in names.values()), default=1)
        cell = min(84, max(46, 300 // size)) if size <= 10 else max(18, 460 // size)
        slanted = longest * 7 > min(cell * 1.4, 320 / size)
        margin = 34 + 7 * longest
        below = 44 + (round(5.2 * longest) if slanted else 0)
        for axis in (self._truth, self._prediction):
            axis.tick_labels = names
        self._prediction.tick_rotate = -38 if slanted else 0
        self._prediction.tick_style = {"font-size": "12px", "text-anchor": "end" if slanted else "middle"}
        self._prediction.label_offset = f"{below - 14}px"
        self._truth.label_offset = f"{margin - 14}px"
        # The vertical scale grows upwards; a matrix is read from its top.
        self._rows.domain, self._columns.domain = list(range(size))[::-1], list(range(size))
        self.figure.fig_margin = {"top": 8, "bottom": below, "left": margin, "right": 12}
        side = size * cell
        self.figure.layout.height = f"{side + below + 8}px"
        self.figure.layout.max_width = f"{round(side * 1.45) + margin + 12}px"

    def _write(
        self,
        mark: Any,
        rows: np.ndarray,
        columns: np.ndarray,
        words: np.ndarray,
        inks: list[str],
        shown: bool,
    ) -> None:
        mark.visible = shown and len(rows) > 0
        if mark.visible:
            mark.x, mark.y, mark.text, mark.colors = columns, rows, words, inks

    def _handle_click(self, _: Any, content: dict[str, Any]) -> None:
        cell = content.get("data") or {}
        if "rowNum" in cell and "columnNum" in cell:
            self._clicked(int(cell["rowNum"]), int(cell["columnNum"]))

    def _handle_hover(self, _: Any, content: dict[str, Any]) -> None:
        cell = content.get("point") or content.get("data") or {}
        if "rowNum" in cell and "columnNum" in cell:
            self._tip_outbox.set(value=self.describe(int(cell["rowNum"]), int(cell["columnNum"])))

    def describe(self, truth: int, prediction: int) -> str:
        """A cell in words, with the full names of its classes, as HTML."""
        if truth >= len(self.classes) or prediction >= len(self.classes):
            return ""
        count, total = int(self.counts[truth, prediction]), int(self.counts[truth].sum())
        share = f", {100 * count / total:.1f} % of {total}" if total else ""
        return (
            f"truth <b>{escape(self.classes[truth])}</b> → predicted <b>{escape(self.classes[prediction])}</b><br>"
            f"{count} {'image' if count == 1 else 'images'}{share}"
        )


def row_shares(counts: np.ndarray) -> np.ndarray:
    """Each cell's share of its row, (K, K) float64; 0 in rows without images."""
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.zeros(counts.shape), where=totals != 0)


def tinted(shares: np.ndarray) -> np.ndarray:
    """Values for the colour scale: above 0 on the diagonal, below 0 off it; small shares are lifted to be seen."""
    strength = 0.5 + shares**0.7
    return np.where(np.eye(len(shares), dtype=bool), strength, -strength)


def shorten(name: str) -> str:
    """A name that fits beside an axis."""
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
