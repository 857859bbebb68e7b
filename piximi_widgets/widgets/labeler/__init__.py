"""The labeler: a grid of a project's images in which a person labels.

`Labeler` is what a user holds; `conversation` answers its page, `thumbnails` and `packing` make what is sent, and
`fallback` is what a shared notebook shows. The page's side lies in `js`, bundled into `static`. The room uses the
dataset's public methods, and `Studio` and `EvaluationView` use the room.
"""

from __future__ import annotations

from .labeler import Labeler

__all__ = ["Labeler"]
