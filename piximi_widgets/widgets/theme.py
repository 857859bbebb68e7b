"""The shared look of the widgets that are made of ipywidgets and bqplot parts.

Each widget carries one small child with the style sheet (`style`); classes
begin with ``pxw-u-``, since other widgets of this package have sheets of their own. Colours come
from JupyterLab's variables with a fallback, so that light, dark and other front ends work alike. The
static pictures of saved notebooks cannot count on a style sheet and carry their style inline.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import ipywidgets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAINING = "var(--pxw-training, #2f6fde)"
VALIDATION = "var(--pxw-validation, #d9730d)"
# The same two for pictures, which know no variables.
TRAINING_INK, VALIDATION_INK = "#2f6fde", "#d9730d"


class Look(NamedTuple):
    """How a status is shown: never by colour alone."""

    word: str
    icon: str
    tone: str


_ICONS = {
    "clock": '<circle cx="8" cy="8" r="6" fill="none"/><path d="M8 4.5V8l2.5 1.5" fill="none"/>',
    "play": '<path d="M5 3.2v9.6L12.8 8z" fill="currentColor"/>',
    "check": '<path d="M3 8.5l3.2 3.2L13 4.8" fill="none"/>',
    "cross": '<path d="M4 4l8 8M12 4l-8 8" fill="none"/>',
    "stop": '<rect x="4" y="4" width="8" height="8" rx="1" fill="currentColor"/>',
    "warning": '<path d="M8 2.5L14 13H2z" fill="none"/><path d="M8 6.5v3M8 11.2v.3" fill="none"/>',
}
_LOOKS = {
    "WAITING": Look("Waiting", "clock", "quiet"),
    "RUNNING": Look("Training", "play", "busy"),
    "SUCCESS": Look("Finished", "check", "good"),
    "FAILED": Look("Failed", "cross", "bad"),
    "CANCELED": Look("Stopped", "stop", "quiet"),
    "TERMINATED": Look("Terminated", "warning", "bad"),
    "INTERRUPTED": Look("Interrupted", "warning", "warn"),
}
_TONE_INK = {"quiet": "#57606a", "busy": "#1f5fc4", "good": "#1a7f37", "bad": "#c4232c", "warn": "#8a5a00"}


@cache
def _sheet() -> str:
    return files(__package__).joinpath("theme.css").read_text(encoding="utf-8")


def style() -> ipywidgets.HTML:
    """The style sheet as a child that takes no room."""
    child = ipywidgets.HTML(f"<style>{_sheet()}</style>")
    child.layout.display = "none"
    return child


def classes(widget: ipywidgets.DOMWidget, *names: str) -> Any:
    """Add CSS classes and give the widget back, for use inside an expression."""
    for name in names:
        widget.add_class(name)
    return widget


def html(*names: str, value: str = "") -> ipywidgets.HTML:
    """An HTML child with the given classes; it is hidden while it has nothing to show (see `write_html`)."""
    child = ipywidgets.HTML(value)
    child.layout.display = None if value else "none"
    return classes(child, *names)


def write_html(child: ipywidgets.HTML, value: str) -> None:
    """Set the text, and take the child out of the layout when there is none.

    Nothing is sent when the text is the same, so an opened ``<details>`` stays open.
    """
    if child.value != value:
        child.value = value
    show(child, bool(value))


def show(child: ipywidgets.DOMWidget, visible: bool) -> None:
    """Put a child into the layout or take it out."""
    display = None if visible else "none"
    if child.layout.display != display:
        child.layout.display = display


def look(status: object) -> Look:
    """Word, icon and tone of an experiment's status."""
    return _LOOKS.get(str(getattr(status, "value", status)), Look(str(status).capitalize(), "clock", "quiet"))


def icon(name: str) -> str:
    """An icon of 16x16 in the colour of the text, silent for screen readers."""
    return f'<svg class="pxw-u-icon" viewBox="0 0 16 16" aria-hidden="true">{_ICONS[name]}</svg>'


def badge(status: object) -> str:
    """A status as HTML: colour, word and icon."""
    seen = look(status)
    return f'<span class="pxw-u-badge pxw-u-{seen.tone}">{icon(seen.icon)}{escape(seen.word)}</span>'


def notice(tone: str, sentences: str | Iterable[str], details: str = "", summary: str = "") -> str:
    """A box with sentences for the user, and with `details` (a traceback) folded away."""
    lines = [sentences] if isinstance(sentences, str) else list(sentences)
    name = {"bad": "cross", "warn": "warning", "good": "check"}.get(tone, "clock")
    body = "".join(f"<p>{escape(line)}</p>" for line in lines)
    if details:
        body += f"<details><summary>{escape(summary)}</summary><pre>{escape(details)}</pre></details>"
    role = "alert" if tone == "bad" else "status"
    return f'<div class="pxw-u-notice pxw-u-{tone}" role="{role}">{icon(name)}<div>{body}</div></div>'


def explain(error: BaseException) -> str:
    """An exception as a notice: our own in their words, any other with its traceback."""
    from traceback import format_exception

    from ..errors import PiximiError

    if isinstance(error, PiximiError):
        return notice("bad", str(error).splitlines() or [type(error).__name__])
    words = f"{type(error).__name__}: {error}"
    return notice("bad", words, "".join(format_exception(error)), "Where it happened")


def static_badge(status: object) -> str:
    """A status for a saved notebook, with its style inline."""
    seen = look(status)
    ink = _TONE_INK[seen.tone]
    return f'<span style="color:{ink};border:1px solid {ink};border-radius:10px;padding:0 8px">{escape(seen.word)}</span>'


def static_picture(figure: Figure, alternative: str) -> str:
    """A matplotlib figure as an ``<img>`` that needs no file beside it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img style="max-width:100%" alt="{escape(alternative)}" src="data:image/png;base64,{data}">'


def static_page(kind: str, body: str) -> str:
    """The frame around what a saved notebook shows in place of a widget."""
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.45">'
        f'{body}<p style="opacity:.65;margin:6px 0 0">{escape(kind)} as it was when this notebook was saved; '
        "run the cell to use it.</p></div>"
    )


def with_static(bundle: Any, make: Any) -> Any:
    """Add `make()` to a widget's mime bundle as ``text/html``; an error there is told, not raised.

    A front end that shows widgets prefers them; nbconvert, nbviewer and GitHub show the HTML.
    """
    if not isinstance(bundle, dict):
        return bundle
    try:
        bundle["text/html"] = make()
    except Exception as error:
        bundle["text/html"] = f"<p>{escape(type(error).__name__)}: {escape(str(error))}</p>"
    return bundle
