"""In which thread of the kernel a widget's messages are heard; the browser journeys see it in a real one."""

from __future__ import annotations

from types import SimpleNamespace

import ipywidgets
import pytest

from piximi_widgets.widgets.routing import heard_while_cells_run


class Comm:
    """A comm as ipykernel 7.4 makes it, which sends all messages to one thread, in a kernel with one living subshell."""

    def __init__(self) -> None:
        manager = SimpleNamespace(
            get_shell_channel_to_subshell_pair=lambda subshell: {None: "main", "living": "pair"}[subshell]
        )
        self.kernel = SimpleNamespace(shell_channel_thread=SimpleNamespace(manager=manager))

    def _reply_subshell_for(self, data, default):
        return "the last one heard"


def box() -> SimpleNamespace:
    child = SimpleNamespace(comm=Comm())
    return SimpleNamespace(comm=Comm(), children=(child,))


@pytest.mark.parametrize(("sent_to", "heard"), [("living", "living"), (None, None), ("gone", None)])
def test_messages_stay_where_they_were_sent_to_unless_that_is_gone(sent_to, heard):
    widget = box()
    heard_while_cells_run(widget)
    for part in (widget, *widget.children):
        assert part.comm._reply_subshell_for({}, sent_to) == heard


def test_other_kernels_are_left_as_they_are():
    older = SimpleNamespace(comm=SimpleNamespace())
    heard_while_cells_run(older)
    assert not vars(older.comm)
    heard_while_cells_run(ipywidgets.VBox((ipywidgets.Button(),)))
    heard_while_cells_run(SimpleNamespace(comm=None))
