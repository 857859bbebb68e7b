"""The monitor's words: progress, numbers, and what went wrong, as HTML."""

from __future__ import annotations

import signal
from html import escape

from .. import theme
from .reading import EMPTY, Curve, Reading, best, duration

_ENDED = {
    "SUCCESS": "All {done} epochs done",
    "CANCELED": "Stopped after {done} of {epochs} epochs; what it had learned until then is kept",
    "FAILED": "Failed after {done} of {epochs} epochs",
    "TERMINATED": "Ended from outside after {done} of {epochs} epochs",
    "INTERRUPTED": "The worker vanished after {done} of {epochs} epochs",
}
EMPTY_STATE = (
    '<div class="pxw-u-empty"><b>No training yet</b>Set one up in the training form and press Fit: '
    "its curves appear here while it learns.</div>"
)


def progress_words(reading: Reading) -> str:
    """Where the training is, like ``Epoch 7 of 30``: the epoch that is being trained, from 1."""
    if reading.status == "WAITING":
        return "Starting TensorFlow…"
    if reading.status == "RUNNING":
        return f"Epoch {min(reading.epoch + 1, max(reading.epochs, 1))} of {reading.epochs or '?'}"
    words = _ENDED.get(reading.status, "{done} of {epochs} epochs done")
    return words.format(done=reading.epoch, epochs=reading.epochs or "?")


def time_words(reading: Reading) -> str:
    """Elapsed and remaining time."""
    if reading.remaining is not None:
        return f"{duration(reading.elapsed)} elapsed · about {duration(reading.remaining)} left"
    return (
        f"{duration(reading.elapsed)} elapsed" if reading.under_way else f"took {duration(reading.elapsed)}"
    )


def header_html(reading: Reading) -> str:
    """Name and status."""
    return f'<div class="pxw-u-row"><span class="pxw-u-title">{escape(reading.name)}</span>{theme.badge(reading.status)}</div>'


def progress_html(reading: Reading) -> str:
    """A bar of the finished epochs, with words."""
    total = max(reading.epochs, 1)
    share = min(1.0, reading.epoch / total)
    tone = "" if reading.under_way else f"pxw-u-{theme.look(reading.status).tone}"
    return (
        '<div class="pxw-u-data"><div class="pxw-u-row pxw-u-number" style="justify-content:space-between">'
        f'<b style="font-weight:600">{progress_words(reading)}</b>'
        f'<span class="pxw-u-muted">{time_words(reading)}</span></div>'
        f'<div class="pxw-u-bar {tone}" role="progressbar" aria-valuemin="0" aria-valuemax="{total}" '
        f'aria-valuenow="{reading.epoch}" aria-label="Epochs done"><i style="width:{100 * share:.1f}%"></i></div></div>'
    )


def tiles_html(reading: Reading) -> str:
    """The last numbers, each with its best."""
    if not any(len(curve.steps) for curve in reading.curves.values()):
        return ""
    curves = reading.curves
    tiles = [
        _tile("Validation accuracy", curves.get("val/accuracy", EMPTY), theme.VALIDATION, percent=True),
        _tile("Validation loss", curves.get("val/loss", EMPTY), theme.VALIDATION, percent=False),
        _tile("Training accuracy", curves.get("train/accuracy", EMPTY), theme.TRAINING, percent=True),
        _tile("Training loss", curves.get("train/loss", EMPTY), theme.TRAINING, percent=False),
    ]
    return f'<div class="pxw-u-tiles">{"".join(tiles)}</div>'


def _tile(title: str, curve: Curve, color: str, *, percent: bool) -> str:
    top = best(curve, largest=percent)
    last = number(float(curve.values[-1]), percent=percent) if len(curve.values) else "–"
    word = "best" if percent else "lowest"
    note = f"{word} {number(top[1], percent=percent)} in epoch {top[0]}" if top else "no value yet"
    return (
        f'<div class="pxw-u-tile"><span><i class="pxw-u-key" style="--pxw-tone:{color}"></i>{title}</span>'
        f"<b>{last}</b><span>{note}</span></div>"
    )


def number(value: float, *, percent: bool) -> str:
    """A metric's value as it is shown."""
    if value != value or value in (float("inf"), float("-inf")):
        return "not a number"
    return f"{100 * value:.1f} %" if percent else f"{value:.3f}"


def failure_html(reading: Reading) -> str:
    """The sentence that says what went wrong, with the traceback folded away; empty when nothing did."""
    if reading.status not in {"FAILED", "TERMINATED", "INTERRUPTED"}:
        return ""
    sentence, details = split_error(reading.error)
    sentences = [sentence or f"{progress_words(reading)}."]
    if reading.exit_code is not None and reading.exit_code < 0:
        sentences.append(f"A signal ended the trainer: {_signal_name(-reading.exit_code)}.")
    tone = "warn" if reading.status == "INTERRUPTED" else "bad"
    return theme.notice(tone, sentences, details, "The trainer's traceback")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def split_error(error: str) -> tuple[str, str]:
    """One sentence and the rest: the exception's own words stand at the end of a traceback."""
    lines = error.strip().splitlines()
    if not lines:
        return "", ""
    if not any(line.startswith("Traceback ") for line in lines):
        return lines[0], error.strip() if len(lines) > 1 else ""
    if not lines[0].startswith("Traceback "):
        return lines[0], error.strip()
    # The message of an exception may have several lines; it begins at the last line that is not indented.
    start = max(
        index for index, line in enumerate(lines) if line and not line.startswith((" ", "Traceback "))
    )
    kind, _, message = lines[start].partition(": ")
    return (message if message and " " not in kind else lines[start]), error.strip()
