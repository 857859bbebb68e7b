"""The labeler: a grid of a project's images in which a person labels, and a viewer for single ones.

`Labeler` is what a user holds. `conversation` hears its page and has its questions answered: `following` says what there
is and what is new, `operations` edits, `thumbnails`, `viewing` and `pixels` give pictures, `finding` and `natural` what
to filter and sort by. `clauses`, `parsing` and `source` turn a filter into a query and back; `fallback` and `tiles` make
what a shared notebook shows. The page's side lies in `js`, bundled into `static`. The room uses the dataset's public
methods, and `Studio` and `EvaluationView` use the room.
"""

from __future__ import annotations

from .labeler import Labeler

__all__ = ["Labeler"]
