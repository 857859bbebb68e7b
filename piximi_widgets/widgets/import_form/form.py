"""ImportForm: where the images lie, what their folders and names mean, and a bar that can be stopped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets

from ...dataset.plates.joining import PRESETS
from ...errors import SelectionError
from .. import theme
from ..refresher import Refresher, in_thread
from ..routing import heard_while_cells_run
from .words import progress_html, report_html, static_import

if TYPE_CHECKING:
    from ...dataset import AddReport, Dataset

# A front end shows a choice of None as no choice at all.
_SINGLE, _NO_LABELS, _OWN = "", "", "own"


class ImportForm(ipywidgets.VBox):
    """Add images to a project with a progress bar; what was added stays when it is stopped.

    Parameters
    ----------
    project : Project

    Attributes
    ----------
    report : AddReport or None
        Of the last import.
    """

    def __init__(self, project: Dataset) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._cancel: threading.Event | None = None
        self._done: tuple[int, int] | None = None
        self._outcome: AddReport | BaseException | None = None
        self.report: AddReport | None = None
        self.place = ipywidgets.Text(
            description="Images",
            placeholder="A folder, a file, or a pattern such as plates/*/*.tif",
            tooltip="Where the images lie, as the machine sees it that this notebook runs on",
            continuous_update=True,
        )
        self.labels = ipywidgets.Dropdown(
            description="Labels",
            options=[("None", _NO_LABELS), ("The names of their folders", "folder")],
            value=_NO_LABELS,
            tooltip="Whether the folder that a file lies in says what it shows",
        )
        self.files = ipywidgets.Dropdown(
            description="Files",
            options=[
                ("Each file is an image", _SINGLE),
                ("Channels or planes in several files: find out how", "auto"),
                *((f"{name}: {preset.examples[0]}", name) for name, preset in PRESETS.items()),
                ("A pattern of your own", _OWN),
            ],
            value=_SINGLE,
            tooltip="Whether an image's channels or planes are files of their own, as screening microscopes write them",
        )
        self.pattern = ipywidgets.Text(
            description="Pattern",
            placeholder="{well}_s{site}_w{channel}.tif",
            tooltip="Names in braces, or a regular expression with named groups; channel and z are joined",
            continuous_update=True,
        )
        self.channels = ipywidgets.Text(
            description="Channel names",
            placeholder="As the files say; or DNA, actin, tubulin",
            tooltip="Separated by commas, in the files' order",
            continuous_update=True,
        )
        self.copy = ipywidgets.Checkbox(
            description="Copy the files into the project",
            value=False,
            indent=False,
            tooltip="Otherwise they are read where they lie",
        )
        self.button = _button("Add", "Read the headers and add the images", "pxw-u-primary")
        self.stop_button = _button("Stop", "Keep what was added so far, and end")
        self._bar, self._words = theme.html("pxw-u-grow"), theme.html()
        fields = [
            theme.classes(ipywidgets.VBox((control,)), "pxw-u-field", *names)
            for control, names in (
                (self.place, ("pxw-u-wide",)),
                (self.labels, ()),
                (self.files, ()),
                (self.pattern, ()),
                (self.channels, ()),
                (self.copy, ("pxw-u-wide",)),
            )
        ]
        self._pattern_field = fields[3]
        theme.show(self._pattern_field, False)
        theme.show(self.stop_button, False)
        actions = theme.classes(
            ipywidgets.Box((self.button, self.stop_button, self._bar)), "pxw-u-row", "pxw-u-actions"
        )
        card = theme.classes(
            ipywidgets.VBox(
                (theme.classes(ipywidgets.VBox(fields), "pxw-u-fields", "pxw-u-broad"), actions, self._words)
            ),
            "pxw-u-card",
        )
        super().__init__((theme.style(), card))
        theme.classes(self, "pxw", "pxw-u-stack")
        heard_while_cells_run(self)
        self.refresher = Refresher(self._draw, self._failed, name="piximi-import-form", per_second=8)
        for control in (self.place, self.files, self.pattern):
            control.observe(lambda change: self.refresher.request(), "value")
        self.button.on_click(lambda _: self.add())
        self.stop_button.on_click(lambda _: self.stop())
        self.refresher.request()

    @property
    def running(self) -> bool:
        """Whether images are being added now."""
        return self._cancel is not None

    def add(self) -> None:
        """Begin to add what the form says; returns at once. Does nothing while it is at work."""
        with self._lock:
            if self._cancel is not None:
                return
            self._cancel = cancel = threading.Event()
            self._done, self._outcome = (0, 0), None
        self.refresher.request()
        in_thread(lambda: self._ended(self._add(cancel)), self._ended, name="piximi-import")

    def stop(self) -> None:
        """End early; what was added stays, and adding the same again goes on where it was."""
        cancel = self._cancel
        if cancel is not None:
            cancel.set()
        self.refresher.request()

    def close(self) -> None:
        """End the form's threads; an import under way is stopped."""
        self.stop()
        if hasattr(self, "refresher"):
            self.refresher.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return theme.with_static(
            super()._repr_mimebundle_(**options), lambda: static_import(len(self._project))
        )

    # -- on the import's thread --------------------------------------------------------------------

    def _add(self, cancel: threading.Event) -> AddReport:
        place = self.place.value.strip()
        if not place:
            raise SelectionError(
                "Say where the images lie: a folder, a file, or a pattern such as raw/*.tif."
            )
        pattern: str | None = self.files.value or None
        if pattern == _OWN:
            pattern = self.pattern.value.strip()
            if not pattern:
                raise SelectionError(
                    "Write the pattern of the files' names, such as {well}_s{site}_w{channel}.tif."
                )
        names = [name.strip() for name in self.channels.value.split(",") if name.strip()]
        return self._project.add_images(
            place,
            labels=self.labels.value or None,
            pattern=pattern,
            channels=names or None,
            copy=self.copy.value,
            progress=self._progress,
            cancel=cancel,
        )

    def _progress(self, done: int, total: int) -> None:
        self._done = (done, total)
        self.refresher.request()

    def _ended(self, outcome: AddReport | BaseException) -> None:
        with self._lock:
            self._outcome = outcome
            self._cancel = self._done = None
        if not isinstance(outcome, BaseException):
            self.report = outcome
        self.refresher.request()

    # -- on the drawing thread ---------------------------------------------------------------------

    def _draw(self) -> None:
        cancel, done, outcome = self._cancel, self._done, self._outcome
        busy = cancel is not None
        theme.show(self._pattern_field, self.files.value == _OWN)
        for control in (self.place, self.labels, self.files, self.pattern, self.channels, self.copy):
            if control.disabled != busy:
                control.disabled = busy
        if self.button.disabled != busy:
            self.button.disabled = busy
        theme.show(self.stop_button, busy)
        stopping = cancel is not None and cancel.is_set()
        if self.stop_button.disabled != stopping:
            self.stop_button.disabled = stopping
        theme.write_html(self._bar, progress_html(*done, stopping=stopping) if busy and done else "")
        if isinstance(outcome, BaseException):
            theme.write_html(self._words, theme.explain(outcome))
        else:
            theme.write_html(self._words, report_html(outcome) if outcome is not None else "")

    def _failed(self, error: BaseException) -> None:
        theme.write_html(self._words, theme.explain(error))


def _button(label: str, tooltip: str, *names: str) -> Any:
    return theme.classes(ipywidgets.Button(description=label, tooltip=tooltip), "pxw-u-button", *names)
