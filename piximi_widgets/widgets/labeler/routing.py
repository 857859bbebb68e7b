"""Which of the kernel's threads hears a page."""

from __future__ import annotations

from typing import Any


def hear_where_page_sends(comm: Any) -> None:
    """Hear a widget's messages in the thread that its page sends them to.

    JupyterLab sends them to a subshell, so that they are heard while a cell runs. From 7.4 on ipykernel moves them to the
    thread of whatever it has heard last from anyone when the widget last spoke: behind a running cell, or to a subshell
    that is no more, for good (``BaseComm._reply_subshell_for`` in ``ipykernel/comm/comm.py``).

    Parameters
    ----------
    comm : comm.base_comm.BaseComm or None
        Of other kernels and versions, or none: left as it is.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None
