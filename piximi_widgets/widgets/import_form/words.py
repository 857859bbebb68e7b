"""What the import form says: how far it is, and what became of the files."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from .. import theme

if TYPE_CHECKING:
    from ...dataset import AddReport

_SHOWN = 200


def progress_html(done: int, total: int, *, stopping: bool) -> str:
    """A bar with its numbers; without a total, the search for files."""
    if stopping:
        words = "Stopping …"
    elif not total:
        words = "Looking for files …"
    else:
        words = f"{done:,} of {total:,}"
    share = 100 * done / total if total else 0
    return (
        f'<div class="pxw-u-data" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share:.0f}"'
        f' aria-valuetext="{words}"><div class="pxw-u-bar"><i style="width:{share:.1f}%"></i></div>'
        f'<span class="pxw-u-small pxw-u-muted pxw-u-number">{words}</span></div>'
    )


def report_html(report: AddReport) -> str:
    """The report as a notice, with the reasons folded away."""
    parts = [_counted(len(report.added), "image") + " added"]
    if report.skipped:
        parts.append(f"{len(report.skipped):,} there already")
    if report.failed:
        parts.append(f"{len(report.failed):,} could not be added")
    sentences = [", ".join(parts) + "."]
    if report.canceled:
        sentences.append("Stopped before the end; adding the same again goes on from here.")
    sentences += [_guess(report.guessed, sentence) for sentence in dict.fromkeys(report.guessed.values())]
    tone = (
        "good" if report.added and not report.failed else "warn" if report.added or report.skipped else "bad"
    )
    if report.guessed or report.canceled:
        tone = "warn"
    reasons = [f"{source}: {reason}" for source, reason in list(report.failed.items())[:_SHOWN]]
    if len(report.failed) > _SHOWN:
        reasons.append(f"… and {len(report.failed) - _SHOWN:,} more")
    return theme.notice(tone, sentences, "\n".join(reasons), "Which, and why")


def static_import(images: int) -> str:
    """What a saved notebook shows in place of the form."""
    return theme.static_page(
        "The import form", f"<p>The project holds {escape(_counted(images, 'image'))}.</p>"
    )


def _guess(guessed: Mapping[str, str], sentence: str) -> str:
    count = sum(guess == sentence for guess in guessed.values())
    return f"{_counted(count, 'file')}: {sentence}"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
