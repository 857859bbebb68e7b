"""Which of the kernel's threads hears a page."""

from __future__ import annotations

from functools import partial
from typing import Any


def heard_while_cells_run(widget: Any) -> None:
    """Hear a widget, and all that is in it, in the thread that the page sends to.

    JupyterLab sends messages of widgets to a subshell, in their order. From 7.4 on ipykernel moves them, each widget's on
    their own, to the thread of whatever it had heard last, from anyone, when the widget spoke last
    (``BaseComm._reply_subshell_for`` in ``ipykernel/comm/comm.py``): behind a running cell, after messages that were sent
    later, or for good to a subshell that is no more. Here they stay where they were sent to, and what was sent to a
    subshell that is no more goes to the main thread. Other kernels and versions are left as they are.

    Parameters
    ----------
    widget : ipywidgets.Widget
        With the children that it has now.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = partial(_thread_for, comm)
    for child in getattr(widget, "children", ()):
        heard_while_cells_run(child)


def _thread_for(comm: Any, data: Any, sent_to: str | None) -> str | None:
    try:
        comm.kernel.shell_channel_thread.manager.get_shell_channel_to_subshell_pair(sent_to)
    except Exception:
        return None
    return sent_to
